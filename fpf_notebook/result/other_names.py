"""What methods of FixedPointFinder, BrainPy and canns are called here."""

from __future__ import annotations

__all__ = ["missing_attribute"]

_FIND = "unique_fps, all_fps = finder.find_fixed_points(initial_states, inputs)"
_FINDER = {
    "find_fps_with_gd_method": (
        f"candidates are an argument of the search: {_FIND}, of a finder that was made with "
        "method='joint' for gradient descent"
    ),
    "find_fps_with_opt_solver": f"candidates are an argument of the search: {_FIND}",
    "filter_loss": (
        "a tolerance of q is an option of the finder, tol_q=; of points that were found take "
        "unique_fps[unique_fps.qstar < tolerance]"
    ),
    "keep_unique": (
        "unique_fps holds no point twice; for another distance unique_fps.get_unique(tol=...)"
    ),
    "exclude_outliers": (
        "isolated points are fixed points as well, and are kept; "
        "do_exclude_distance_outliers=True is the option of the finder that leaves them out"
    ),
    "compute_jacobians": (
        "unique_fps.J_xstar has them; of other states "
        "fpf_notebook.dynamics.linearize(finder.step_map(), x, u).J"
    ),
    "decompose_eigenvalues": "unique_fps.eigval_J_xstar and unique_fps.eigvec_J_xstar have them",
    "fixed_points": f"a finder keeps no result: {_FIND}; unique_fps.xstar has the points",
    "losses": (
        f"a finder keeps no result: {_FIND}; unique_fps.qstar has q, n_states / 2 times a loss"
    ),
    "opt_losses": "q of each iteration is not kept; all_fps.n_iters says how many there were",
    "num_fps": f"a finder keeps no result: {_FIND}; len(unique_fps) is their number",
    "selected_ids": f"a finder keeps no result: {_FIND}; all_fps has a row for each start",
    "default_hps": "defaults are those of the signature, help(FixedPointFinder)",
    "identify_q_outliers": "all_fps.is_fixed says which points are none",
    "identify_q_non_outliers": "all_fps.is_fixed says which points are fixed",
    "identify_distance_non_outliers": "do_exclude_distance_outliers=True leaves them out",
}
_POINTS = {
    "restore": "fpf_notebook.FixedPoints.load(path) reads what save(path) wrote",
    "print_shapes": "print_summary() says what there is; unique_fps.xstar.shape has a shape",
    "assert_valid_shapes": "shapes are checked when points are made",
    "is_single_fixed_point": "len(unique_fps) == 1 says it; unique_fps[0:1] has one point",
    "kwargs": "dataclasses.asdict and fields are not needed: unique_fps.update(name=value)",
}
_TABLES = {"FixedPointFinder": _FINDER, "FixedPoints": _POINTS}


def missing_attribute(kind: str, name: str) -> AttributeError:
    """Return the error for an attribute that there is not, with what it is called here.

    Parameters
    ----------
    kind
        ``"FixedPointFinder"`` or ``"FixedPoints"``.
    name
        The attribute.

    Returns
    -------
    AttributeError
        To be raised.

    Examples
    --------
    >>> print(missing_attribute("FixedPoints", "restore"))
    FixedPoints has no 'restore': fpf_notebook.FixedPoints.load(path) reads what save(path) wrote.
    """
    known = _TABLES[kind].get(name)
    if known is None:
        return AttributeError(f"{kind!r} object has no attribute {name!r}", name=name)
    return AttributeError(f"{kind} has no {name!r}: {known}.", name=name)
