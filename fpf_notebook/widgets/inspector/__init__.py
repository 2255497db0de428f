"""`JacobianInspector`: its traits, and what the browser is sent."""
