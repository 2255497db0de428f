"""Records of fixed points with everything in them, for tests."""

from typing import Any

import numpy as np

from fpf_notebook.result.fields import FIELDS
from fpf_notebook.result.fixed_points import FixedPoints


def full_record(n: int, n_states: int = 4, n_inputs: int = 3, seed: int = 0) -> FixedPoints:
    """Return a record in which no field is None; its points have no dynamics."""
    rng = np.random.default_rng(seed)
    kinds = np.array(["fixed", "slow", "unconverged"])
    bare = FixedPoints(
        rng.normal(size=(n, n_states)),
        F_xstar=rng.normal(size=(n, n_states)),
        x_init=rng.normal(size=(n, n_states)),
        inputs=rng.normal(size=(n, n_inputs)),
        qstar=rng.random(n) * 1e-20,
        dq=rng.random(n),
        n_iters=rng.integers(1, 30, n),
        J_xstar=rng.normal(size=(n, n_states, n_states)),
        dFdu=rng.normal(size=(n, n_states, n_inputs)),
        cond_id=rng.integers(0, 3, n),
        kind=kinds[np.arange(n) % 3],
        status=np.array([f"q < 1e-{k}: <é>" for k in range(n)], dtype=str),
        hits=rng.integers(1, 9, n),
        certified=np.arange(n) % 2 == 0,
        enclosure_radius=rng.random(n) * 1e-14,
        uniqueness_radius=rng.random(n),
        orbit_id=np.arange(n),
        period=np.ones(n, dtype=int),
        tol_unique=0.01,
        dtype=np.float32,
        dt=0.1,
        interrupted=True,
        provenance={"seed": 3, "versions": {"numpy": np.__version__}},
    )
    return bare.decompose_jacobians()


def assert_same(first: FixedPoints, second: FixedPoints) -> None:
    """Fail unless the per-point fields of two records are equal, types included."""
    for name in FIELDS:
        a: Any = getattr(first, name)
        b: Any = getattr(second, name)
        assert (a is None) == (b is None), name
        if a is not None:
            np.testing.assert_array_equal(a, b, err_msg=name)
            assert a.dtype == b.dtype, name
