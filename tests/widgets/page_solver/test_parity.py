"""The page's solver against the finder: every lane, every point, every class and index."""

import numpy as np
import pytest

from fpf_notebook.dynamics import linearize
from fpf_notebook.finder import options, search
from fpf_notebook.finder.judge import judge
from fpf_notebook.finder.solvers.newton import Newton
from fpf_notebook.result.dedupe import unique_indices
from fpf_notebook.result.newton_step import fixed_point_index
from fpf_notebook.result.spectrum import classify, eigenmodes
from tests.widgets.page_solver.networks import PEERS, peer, random_map, shipped, starts_of
from tests.widgets.page_solver.node import decoded, encoded, run_in_node

CODES = ["stable", "saddle", "unstable", "marginal", "unknown"]
RANDOM_MAPS = range(20)


def task_of(step_map, starts, u):
    program = step_map.to_program(u=u)
    return {
        "task": "search",
        "program": program.document,
        "starts": encoded(starts),
        "u": u.tolist(),
    }


def compare(step_map, starts, u, answer, name):
    """Every lane as in Python; returns the share of lanes with the same number of iterations."""
    count, n = starts.shape
    inputs = np.broadcast_to(u, (count, len(u)))
    # The page's rules are those of this solver, also where the finder has a quicker one.
    found = search.search(step_map, starts, inputs, options.Options(method=Newton()))
    lanes, judged = found.lanes, judge(found, options.Options())
    status, x = np.array(answer["status"]), decoded(answer["x"], count, n)
    assert answer["boxed"] == np.isfinite(found.low).all()
    np.testing.assert_array_equal(status, lanes.status, err_msg=f"{name}: status")
    np.testing.assert_array_equal(answer["kind"], judged.kind, err_msg=f"{name}: kind")
    fixed = judged.kind == 0
    np.testing.assert_allclose(x[fixed], lanes.x[fixed], atol=1e-9, rtol=1e-9, err_msg=name)

    points = answer["points"]
    chosen, _ = unique_indices(lanes.x[fixed], lanes.q[fixed], 1e-3)
    right, mine = lanes.x[fixed][chosen], decoded(points["x"], -1, n)
    assert len(mine) == len(right), name
    if not len(mine):
        return 1.0
    order = [int(np.argmin(np.linalg.norm(mine - r, axis=1))) for r in right]
    assert sorted(order) == list(range(len(right)))
    mine = mine[order]
    # Which of the lanes of one point is the best is decided by rounding: q is 1e-33 in all.
    np.testing.assert_allclose(mine, right, atol=1e-9, rtol=1e-9, err_msg=name)
    J = decoded(points["J"], -1, n, n)[order]
    here, _ = linearize(step_map, mine, np.broadcast_to(u, (len(mine), len(u))))
    np.testing.assert_allclose(J, here, atol=1e-11 * max(1, np.abs(here).max()), err_msg=name)
    modes = eigenmodes(here, step_map.time)
    e = decoded(points["eigenvalues"], -1, n, 2)[order]
    np.testing.assert_allclose(
        np.sort_complex((e[..., 0] + 1j * e[..., 1]).round(6)),
        np.sort_complex(modes.eigvals.round(6)),
        atol=3e-6,
        err_msg=name,
    )
    classes = classify(modes.eigvals, step_map.time)
    assert [CODES[c] for c in np.array(points["code"])[order]] == classes.stability.tolist(), name
    assert np.array(points["unstable"])[order].tolist() == classes.n_unstable.tolist(), name
    index = fixed_point_index(here, step_map.time)
    assert np.array(points["index"])[order].tolist() == index.tolist(), name
    assert points["indexSum"] == index.sum()
    return float(np.mean(np.array(answer["iters"]) == lanes.n_iters))


@pytest.mark.parametrize("name", PEERS)
def test_trained_nets(name):
    step_map, states, u = peer(name)
    count = 1024 if step_map.n_states <= 48 else 256
    starts = starts_of(states, count)
    (answer,) = run_in_node([task_of(step_map, starts, u)])
    assert compare(step_map, starts, u, answer, name) > 0.99


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_random_maps():
    rng = np.random.default_rng(0)
    maps = [random_map(seed) for seed in RANDOM_MAPS]
    starts = [1.5 * rng.normal(size=(1024, m.n_states)) for m in maps]
    inputs = [rng.normal(size=2) / 2 for _ in maps]
    tasks = [task_of(*each) for each in zip(maps, starts, inputs, strict=True)]
    answers = run_in_node(tasks, timeout=600)
    for step_map, x, u, answer in zip(maps, starts, inputs, answers, strict=True):
        assert compare(step_map, x, u, answer, step_map.name) > 0.97
    assert sum(len(a["points"]["code"]) > 0 for a in answers) > 15


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["gru100-3bit", "jslds-3bit-gru100"])
def test_shipped_networks(name):
    step_map = shipped(name)
    u = np.zeros(step_map.n_inputs)
    starts = np.random.default_rng(0).uniform(-1, 1, (32, step_map.n_states))
    (answer,) = run_in_node([task_of(step_map, starts, u)], timeout=600)
    compare(step_map, starts, u, answer, name)
