"""Solvers of the fixed-point equation, many starts at once."""
