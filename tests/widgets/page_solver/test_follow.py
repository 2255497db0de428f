"""Points followed while the input moves: none is lost, none is invented, numbers stay."""

import dataclasses
import itertools

import numpy as np
import pytest

from fpf_notebook import FixedPointFinder
from tests.widgets.page_solver.networks import peer, random_map, starts_of
from tests.widgets.page_solver.node import decoded, encoded, run_in_node


def all_points(step_map, states, u):
    """All fixed points under one input, by exhaustive searches in Python."""
    finder = FixedPointFinder(step_map, verbose=False)
    starts = starts_of(states, 1024, seed=3)
    found, _ = finder.find_fixed_points(initial_states=starts, inputs=u[None], exhaustive=True)
    return found


def followed(step_map, states, path, first, seed=0):
    (answer,) = run_in_node(
        [
            {
                "task": "follow",
                "program": step_map.to_program(u=path[0]).document,
                "x": encoded(first.xstar),
                "path": path.tolist(),
                "states": encoded(states[:: max(1, len(states) // 200)]),
                "noise": 0.4,
                "seed": seed,
            }
        ]
    )
    return answer["frames"]


def swinging(n_inputs, size, n=61):
    t = np.linspace(0, 2 * np.pi, n)
    return np.stack([size * np.sin((k + 1) * t) for k in range(n_inputs)], axis=1)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("name", "size"), [("ff3_tanh4", 0.3), ("ff3_gru16", 0.2)])
def test_no_point_is_missed_and_none_invented(name, size):
    step_map, states, _ = peer(name)
    path = swinging(step_map.n_inputs, size)
    frames = followed(step_map, states, path, all_points(step_map, states, path[0]))
    changes = 0
    for k in range(3, 61, 6):
        right, frame = all_points(step_map, states, path[k]), frames[k - 1]
        x = decoded(frame["x"], -1, step_map.n_states)
        gaps = np.linalg.norm(right.xstar[:, None] - x[None], axis=2)
        # Whatever the page shows is a fixed point; and it shows every one.
        assert gaps.min(axis=0, initial=1.0).max() < 1e-6, (k, "invented")
        assert len(x) == len(right), (k, len(x), len(right))
        assert frame["indexSum"] == right.completeness.index_sum == 1
        changes += len(x) != len(frames[0]["ids"])
        assert frame["grade"]["grade"] == "open"
    assert changes  # points are born and vanish on this path
    jumps: list[float] = []
    for before, after in itertools.pairwise(frames):
        # Who keeps its number has moved little, and nearly all keep theirs.
        a, b = (decoded(f["x"], -1, step_map.n_states) for f in (before, after))
        both = set(before["ids"]) & set(after["ids"])
        jumps += [
            np.linalg.norm(a[before["ids"].index(i)] - b[after["ids"].index(i)]) for i in both
        ]
        assert len(both) >= min(len(a), len(b)) - 6
    assert np.median(jumps) < 0.2


def test_the_same_seed_gives_the_same_frames():
    step_map = random_map(7)
    path = swinging(2, 0.5, 20)
    states = np.random.default_rng(0).normal(size=(300, step_map.n_states))
    first = all_points(step_map, states, path[0])
    one, again = (followed(step_map, states, path, first, seed=5) for _ in range(2))
    assert one == again


def test_a_point_that_vanishes_and_comes_back_is_found_by_its_ghost():
    from fpf_notebook import as_step_map

    import jax.numpy as jnp  # isort: skip

    step_map = as_step_map(lambda h, u: jnp.tanh(2 * h + u), n_states=1, n_inputs=1)
    step_map = dataclasses.replace(step_map, box=None)  # so that no index sum gives it away
    path = np.array([[0.0], [0.2], [0.4], [0.6], [0.8], [0.6], [0.5], [0.4], [0.2]])
    states = np.full((1, 1), 0.9)  # fresh starts lead to the point that is known anyway
    first = all_points(step_map, np.random.default_rng(0).normal(size=(50, 1)), path[0])
    assert len(first) == 3
    frames = followed(step_map, states, path, first)
    counts = [len(f["ids"]) for f in frames]
    assert counts == [3, 3, 1, 1, 1, 3, 3, 3]
