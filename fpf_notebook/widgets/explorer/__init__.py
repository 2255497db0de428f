"""`FixedPointExplorer`: its traits, what it computes, what the browser is sent."""
