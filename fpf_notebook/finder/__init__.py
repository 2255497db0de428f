"""Finding fixed points: sampling, solvers, deduplication, completeness."""
