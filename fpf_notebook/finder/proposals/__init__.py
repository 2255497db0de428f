"""What the finder starts from: states of trajectories, of segments, of the box, ends of runs."""
