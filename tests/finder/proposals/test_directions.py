"""Which curves are drawn."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from fpf_notebook import as_step_map
from fpf_notebook.finder.proposals.directions import CurveSource
from fpf_notebook.finder.proposals.drive import with_drive
from fpf_notebook.finder.proposals.fibers import follow

NONE = np.zeros(0)
STARTS = 1.0 - 0.05 * np.random.default_rng(0).random((20, 2))


def populations(h: Any) -> Any:
    """Two memories behind thresholds, written one by one."""
    return jnp.concatenate([jnp.tanh(11 * h[:1] - 7), jnp.tanh(18 * h[1:] + 12)])


def in_a_row(h: Any) -> Any:
    """Two steps of the same network within one."""
    return jnp.tanh(2 * jnp.tanh(2 * h))


def test_the_drive_goes_into_every_population() -> None:
    step_map = as_step_map(populations, n_states=2, n_inputs=0, batched=False)
    driven = with_drive(step_map)
    assert driven is not None
    assert driven.n_driven == 2
    h, v = np.array([[0.3, -0.2]]), np.array([0.4, 0.7])
    pushed = driven.step_map(h, np.concatenate([v, [0.0]])[None])
    assert np.allclose(pushed, np.tanh([[3.3 - 7 + 0.4, -3.6 + 12 + 0.7]]))
    # Driven in one population alone, spines met 3 of the 9 points.
    source = CurveSource(step_map, NONE, STARTS)
    met = follow(source.step_map, [source.spine() for _ in range(40)], sigma=source.sigma)
    assert len(np.unique(met.x.round(6), axis=0)) == 9


def test_the_drive_goes_into_one_of_two_that_follow_each_other() -> None:
    driven = with_drive(as_step_map(in_a_row, n_states=2, n_inputs=0, batched=False))
    assert driven is not None
    assert driven.n_driven == 2
    pushed = driven.step_map(np.array([[0.1, 0.2]]), np.array([[0.5, -0.5, 0.0]]))
    assert np.allclose(pushed, np.tanh(2 * np.tanh([[0.2, 0.4]]) + [[0.5, -0.5]]))


def test_from_a_point_there_is_one_curve_of_the_gain() -> None:
    source = CurveSource(
        as_step_map(lambda h: jnp.tanh(2 * h), n_states=2, n_inputs=0, batched=False), NONE, STARTS
    )
    points = np.array([[0.0, 0.0], [0.9575, 0.9575]])
    kinds = [source.from_point(k, points[k], points).kind for k in (0, 1) for _ in range(30)]
    assert kinds.count("gain") == 2
    assert any(kind.endswith("difference") for kind in kinds)
