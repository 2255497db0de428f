"""Records of fixed points with everything in them, for tests."""

import dataclasses
from typing import Any

import numpy as np

from fpf_notebook.result.fields import FIELDS
from fpf_notebook.result.fixed_points import FixedPoints
from fpf_notebook.result.manifolds import Manifold


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
        manifold_id=np.arange(n) % 3 - 1,
        manifolds=(ring(n_states, n_inputs), line(n_states, n_inputs, min(n, 1))),
        orbit_id=np.arange(n),
        period=np.ones(n, dtype=int),
        tol_unique=0.01,
        dtype=np.float32,
        dt=0.1,
        interrupted=True,
        provenance={"seed": 3, "versions": {"numpy": np.__version__}},
    )
    return bare.decompose_jacobians()


def ring(n_states: int, n_inputs: int) -> Manifold:
    """Return a circle of fixed points in the first two states."""
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    x = np.zeros((12, n_states))
    x[:, 0], x[:, 1 % n_states] = np.cos(angle), np.sin(angle)
    u = np.zeros(n_inputs)
    return Manifold(x, kind="fixed", dimension=1, closed=True, length=2 * np.pi, inputs=u)


def line(n_states: int, n_inputs: int, n_members: int) -> Manifold:
    """Return a slow line with isolated fixed points on it: the first ones of the record."""
    x = np.linspace(-1, 1, 7)[:, None] * np.ones(n_states)
    return Manifold(
        x,
        kind="slow",
        dimension=1,
        closed=False,
        length=2 * n_states**0.5,
        drift=-1e-3 * x,
        speed=-1e-3 * x[:, 0],
        across=np.full(7, 0.5),
        fixed_points=np.zeros((n_members, n_states)),
        members=np.arange(n_members),
        ends=("the drift is too fast beyond", "edge of the region that was searched"),
        inputs=np.ones(n_inputs),
    )


def assert_same_manifolds(first: FixedPoints, second: FixedPoints) -> None:
    """Fail unless two records have equal manifolds."""
    assert len(first.manifolds) == len(second.manifolds)
    for a, b in zip(first.manifolds, second.manifolds, strict=True):
        for item in dataclasses.fields(Manifold):
            if item.name != "_":
                np.testing.assert_array_equal(
                    getattr(a, item.name), getattr(b, item.name), err_msg=item.name
                )


def assert_same(first: FixedPoints, second: FixedPoints) -> None:
    """Fail unless the per-point fields of two records are equal, types included."""
    for name in FIELDS:
        a: Any = getattr(first, name)
        b: Any = getattr(second, name)
        assert (a is None) == (b is None), name
        if a is not None:
            np.testing.assert_array_equal(a, b, err_msg=name)
            assert a.dtype == b.dtype, name
