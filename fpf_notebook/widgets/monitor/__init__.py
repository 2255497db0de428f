"""`TrainingMonitor`: its traits, the loops that it watches, the snapshots that it takes."""
