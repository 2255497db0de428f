"""Maps and flows whose fixed points are known in closed form, or as roots of one equation.

All maps of one dimension are one function whose parameters say which of them is meant, so that the
tests compile each method once a dimension and not once a map.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import brentq

from fpf_notebook import FixedPointFinder, FixedPoints, SilentProgress, StepMap, as_step_map

SCALAR = ("linear", "tanh", "logistic", "fold", "cubic")
PLANAR = ("linear", "latch", "circle", "henon")


def scalar_map(params: Any, h: Any) -> Any:
    """One of the maps of `SCALAR`; ``a`` and ``b`` are its parameters."""
    a, b = params["a"], params["b"]
    return jax.lax.switch(
        params["which"],
        [
            lambda x: a * x + b,
            lambda x: jnp.tanh(a * x + b),
            lambda x: a * x * (1 - x),
            lambda x: x + x**2 + b,
            lambda x: x - x**3 + b,
        ],
        h,
    )


def planar_map(params: Any, h: Any) -> Any:
    """One of the maps of `PLANAR`; ``W`` and ``b`` are its parameters."""
    w, b = params["W"], params["b"]
    return jax.lax.switch(
        params["which"],
        [
            lambda x: w @ x + b,
            lambda x: jnp.tanh(w @ x + b),
            # A rotation that brings every state but the origin to the unit circle.
            lambda x: w @ x * (1.2 - 0.2 * jnp.sum(x**2)) + b,
            lambda x: jnp.stack([1 - 1.4 * x[0] ** 2 + x[1], 0.3 * x[0]]),
        ],
        h,
    )


def scalar(name: str, a: float = 1.0, b: float = 0.0) -> dict[str, Any]:
    """Parameters of `scalar_map`."""
    return {"which": np.int32(SCALAR.index(name)), "a": np.float64(a), "b": np.float64(b)}


def planar(name: str, w: Any = ((1.0, 0.0), (0.0, 1.0)), b: Any = (0.0, 0.0)) -> dict[str, Any]:
    """Parameters of `planar_map`."""
    return {"which": np.int32(PLANAR.index(name)), "W": np.array(w, float), "b": np.array(b, float)}


def lorenz(h: Any) -> Any:
    """The flow of Lorenz (1963), with the parameters of his paper."""
    x, y, z = h
    return jnp.stack([10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z])


def hopfield(params: Any, h: Any) -> Any:
    """Two units without coupling, dx/dt = -x + g tanh(x): its points are all pairs of roots."""
    return -h + params["g"] * jnp.tanh(h)


@dataclass(frozen=True)
class Known:
    """A network, where to start, and what there is to find.

    ``points`` are in no order; ``stability`` and ``index`` belong to them.
    """

    name: str
    model: Callable[..., Any]
    params: Any
    starts: np.ndarray
    points: np.ndarray
    stability: tuple[str, ...]
    index: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


_TRACED: dict[Any, StepMap] = {}


def finder_of(known: Known, **options: Any) -> FixedPointFinder:
    """A finder for a known map: silent, and with a learning rate that suits all of them.

    The map is traced once; with other parameters it is another map all the same. Not so for single
    precision, where the finder makes a step map of its own, or with options of the step map.
    """
    settings = {"lr_init": 0.05, "progress": SilentProgress(), **known.options, **options}
    sizes = {"n_inputs": 0, "batched": False}
    of_the_map = {"time", "invariant_box"} & set(settings)
    if known.params is None or of_the_map or np.dtype(settings.get("dtype", float)) != float:
        given = {} if known.params is None else {"params": known.params}
        return FixedPointFinder(known.model, **(given | sizes | settings))
    if known.model not in _TRACED:
        n_states = len(known.params["b"]) if "W" in known.params else 1
        _TRACED[known.model] = as_step_map(
            known.model, params=known.params, n_states=n_states, n_inputs=0, batched=False
        )
    return FixedPointFinder(_TRACED[known.model].with_params(known.params), **settings)


def in_order(points: Any, digits: int = 6) -> np.ndarray:
    """Rows in lexicographic order of their rounded values, to compare sets of points."""
    points = np.asarray(points, dtype=float)
    return points[np.lexsort(np.round(points, digits).T[::-1] + 0.0)]


def assert_same_points(found: FixedPoints, expected: Any, tol: float = 1e-7) -> np.ndarray:
    """Check that exactly these points were found; return the order that brings them into ours."""
    expected = np.asarray(expected, dtype=float).reshape(-1, found.n_states)
    assert found.xstar.shape == expected.shape
    distance = np.linalg.norm(found.xstar[None] - expected[:, None], axis=2)
    nearest = distance.argmin(axis=1)
    assert sorted(nearest) == list(range(len(expected))), "a point is missing, another one doubled"
    assert distance.min(axis=1).max(initial=0.0) <= tol
    return nearest


def grid(low: float, high: float, n: int, n_states: int = 1) -> np.ndarray:
    """A regular grid of starts, a little out of symmetry so that no start is a point itself."""
    axis = np.linspace(low, high, n) + 0.0137 * (high - low) / n
    return np.stack(np.meshgrid(*[axis] * n_states, indexing="ij"), -1).reshape(-1, n_states)


def tanh_root(gain: float) -> float:
    """The positive root of x = tanh(gain * x)."""
    return float(brentq(lambda x: np.tanh(gain * x) - x, 1e-3, 2.0, xtol=1e-15))


def henon_points() -> np.ndarray:
    """Both fixed points: 1.4 x² + 0.7 x - 1 = 0, y = 0.3 x."""
    x = (-0.7 + np.array([1, -1]) * np.sqrt(0.49 + 5.6)) / 2.8
    return np.stack([x, 0.3 * x], axis=1)


def henon_cycle() -> np.ndarray:
    """The 2-cycle: its x are the roots of 1.96 x² - 0.98 x + 0.49 - 1.4 = 0, y = 0.3 x'."""
    x = np.roots([1.96, -0.98, 0.49 - 1.4])
    return np.stack([x, 0.3 * x[::-1]], axis=1)


def logistic_cycle(r: float) -> np.ndarray:
    """The 2-cycle: (r + 1 ± sqrt((r - 3)(r + 1))) / 2r."""
    root = np.sqrt((r - 3) * (r + 1))
    return np.array([[(r + 1 + root) / (2 * r)], [(r + 1 - root) / (2 * r)]])


def hopfield_known(gain: float = 2.0) -> Known:
    """Nine points: 4 stable, 4 saddles, the origin unstable."""
    root = float(brentq(lambda x: gain * np.tanh(x) - x, 1e-3, 5.0, xtol=1e-15))
    pairs = [(x, y) for x in (-root, 0.0, root) for y in (-root, 0.0, root)]
    n_zero = [pair.count(0.0) for pair in pairs]
    return Known(
        "hopfield flow",
        hopfield,
        {"g": np.float64(gain)},
        grid(-3, 3, 8, 2),
        np.array(pairs),
        tuple(("stable", "saddle", "unstable")[k] for k in n_zero),
        tuple((1, -1, 1)[k] for k in n_zero),
        {"time": "continuous"},
    )


def known_maps() -> list[Known]:
    """The table."""
    root, small = tanh_root(2.0), grid(-1.5, 1.5, 16)
    plane = grid(-1.2, 1.2, 8, 2)
    latch = np.array([[2.0, 0.0], [0.0, 3.0]])
    other = tanh_root(3.0)
    pairs = [(x, y) for x in (-root, 0.0, root) for y in (-other, 0.0, other)]
    n_zero = [pair.count(0.0) for pair in pairs]
    contraction = np.array([[0.5, 0.3], [-0.2, 0.4]])
    offset = np.array([1.0, -2.0])
    turn = np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    lorenz_x = np.sqrt(8.0 / 3.0 * 27.0)
    return [
        Known(
            "contraction",
            planar_map,
            planar("linear", contraction, offset),
            plane,
            np.linalg.solve(np.eye(2) - contraction, offset)[None],
            ("stable",),
            (1,),
        ),
        Known(
            "tanh(0.8 x)",
            scalar_map,
            scalar("tanh", 0.8),
            small,
            np.zeros((1, 1)),
            ("stable",),
            (1,),
        ),
        Known(
            "tanh(2 x)",
            scalar_map,
            scalar("tanh", 2.0),
            small,
            np.array([[-root], [0.0], [root]]),
            ("stable", "unstable", "stable"),
            (1, -1, 1),
        ),
        Known(
            "latch",
            planar_map,
            planar("latch", latch),
            plane,
            np.array(pairs),
            tuple(("stable", "saddle", "unstable")[k] for k in n_zero),
            tuple((1, -1, 1)[k] for k in n_zero),
        ),
        Known(
            "limit cycle",
            planar_map,
            planar("circle", turn),
            plane,
            np.zeros((1, 2)),
            ("unstable",),
            (1,),
        ),
        Known(
            "logistic r=3.2",
            scalar_map,
            scalar("logistic", 3.2),
            grid(-0.2, 1.2, 16),
            np.array([[0.0], [1 - 1 / 3.2]]),
            ("unstable", "unstable"),
            (-1, 1),
        ),
        Known(
            "henon",
            planar_map,
            planar("henon"),
            plane,
            henon_points(),
            ("saddle", "saddle"),
            (1, -1),
        ),
        Known(
            "lorenz flow",
            lorenz,
            None,
            grid(-12, 12, 4, 3) + np.array([0.0, 0.0, 15.0]),
            np.array(
                [[0, 0, 0], [lorenz_x, lorenz_x, 27], [-lorenz_x, -lorenz_x, 27]], dtype=float
            ),
            ("saddle", "saddle", "saddle"),
            (-1, 1, 1),
            {"time": "continuous", "lr_init": 0.5},
        ),
        hopfield_known(),
    ]
