"""Measurements: our finder alone, and beside its peers."""
