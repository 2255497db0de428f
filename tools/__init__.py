"""What only developers run: making shipped weights and the pictures of the README."""
