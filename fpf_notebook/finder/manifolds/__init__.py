"""Lines, rings and sheets of fixed or slow points: found by following their slow directions.

`field` evaluates the residual and its slow directions, `lines` follows curves, `sheets` grows
meshes, `rules` and `stretches` say what is slow, `shapes` makes manifolds of it, `search` decides
where to begin, `of_searches` does it for what a search has found.
"""
