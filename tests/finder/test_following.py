"""Following known points: where they go, what vanishes and is born, and what is said of it."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, as_step_map
from fpf_notebook.finder import engine
from fpf_notebook.finder.following import FOLLOWING, follow, trail_of

STATES = np.random.default_rng(0).uniform(-1, 1, (10, 30, 3))
FOLD = 0.26716  # of tanh(1.6 x + u): two of the three points of a latch meet there


@pytest.fixture(scope="module")
def latches():
    step_map = as_step_map(
        lambda state, input: jnp.tanh(1.6 * state + input),
        n_states=3,
        n_inputs=3,
        invariant_box=(-1, 1),
    )
    finder = FixedPointFinder(step_map)
    request = finder.request(STATES, np.zeros((1, 3)), n_inits=512, noise_scale=0.3)
    return step_map, request, engine.finish(engine.run_search(request, step_map), request, step_map)


def number_at(u):
    """The latches are independent: three points each, one beyond the fold."""
    return int(np.prod([3 if abs(v) < FOLD else 1 for v in u]))


def walk(latches, inputs):
    step_map, request, found = latches
    trail = trail_of(found.unique, 3)
    for u in inputs:
        _, found, trail = follow(
            trail, request.replace(inputs=np.array([u])), step_map, seconds=np.inf
        )
        yield u, found, trail


def test_points_vanish_at_the_fold_and_are_born_again_on_the_way_back(latches):
    steps = [(0.5 * np.sin(2 * np.pi * k / 60), 0.0, 0.0) for k in range(75)]
    near = 0.002  # to the fold: the two points that meet are one within tol_unique
    for u, found, _ in walk(latches, steps):
        if abs(abs(u[0]) - FOLD) > near:
            assert found.unique.is_fixed.sum() == number_at(u), u
            np.testing.assert_allclose(np.tanh(1.6 * found.unique.xstar + u), found.unique.xstar,
                                       atol=1e-6)  # fmt: skip


def test_points_that_were_never_seen_are_born(latches):
    """Begun beyond two folds with 3 points; 27 are there at the end of the way."""
    step_map, request, _ = latches
    request = request.replace(inputs=np.array([[0.4, -0.4, 0.0]]))
    first = engine.finish(engine.run_search(request, step_map), request, step_map)
    assert first.unique.is_fixed.sum() == 3
    path = [(0.4 - s, -0.4 + s, 0.0) for s in np.linspace(0, 0.4, 25)]
    *_, (_, last, _) = walk((step_map, request, first), path)
    assert last.unique.is_fixed.sum() == 27


def test_what_is_followed_is_never_called_complete(latches):
    for _, found, _ in walk(latches, [(0.1, 0, 0)]):
        report = found.unique.completeness
        assert report.grade == "open"
        assert report.open_because == [FOLLOWING]
        assert report.stopped_because == FOLLOWING


def test_memory_is_bounded(latches):
    rng = np.random.default_rng(1)
    for _, _, trail in walk(latches, rng.uniform(-0.6, 0.6, (40, 3))):
        assert len(trail.vanished) <= 64
        assert len(trail.ghosts) <= 16
        assert trail.n_fresh <= 32


def test_a_prediction_saves_iterations(latches):
    """To first order in the input the points are there already."""
    step_map, request, found = latches
    trail = trail_of(found.unique, 3)
    blind = trail_of(found.unique.update(J_xstar=None), 3)
    counts = []
    for begun in (trail, blind):
        searched, _, _ = follow(begun, request.replace(inputs=np.full((1, 3), 0.02)), step_map)
        lanes = searched.parts[0][0].lanes
        counts.append(int(lanes.n_iters[:27].sum()))
    assert counts[0] < counts[1]


def test_nothing_known_is_searched_afresh(latches):
    step_map, request, found = latches
    _, found, trail = follow(trail_of(found.unique[:0], 3), request, step_map)
    assert found.unique.is_fixed.any()
    assert len(trail.points)
