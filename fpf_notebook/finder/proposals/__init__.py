"""What the finder proposes to start from: states of trajectories, of segments, of the box."""
