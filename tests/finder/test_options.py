"""Every option of the search does what it says: each test fails where its option is ignored."""

from typing import Any

import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, FixedPoints
from fpf_notebook.finder.options import METHODS
from fpf_notebook.finder.progress import PrintedProgress
from fpf_notebook.finder.search import search
from fpf_notebook.finder.solvers.adam import Adam
from fpf_notebook.finder.solvers.lanes import new_lanes
from fpf_notebook.finder.solvers.loop import build_loop
from fpf_notebook.finder.solvers.protocol import Limits
from tests.finder.known_maps import (
    Known,
    finder_of,
    grid,
    planar,
    planar_map,
    scalar,
    scalar_map,
    tanh_root,
)

STARTS = grid(-1.5, 1.5, 16)
LATCH = Known(
    "latch", planar_map, planar("latch", [[2.0, -0.4], [-0.4, 2.0]]), STARTS, STARTS, (), ()
)
PLANE = grid(-1.2, 1.2, 8, 2)


def switch(gain: float = 2.0, **options: Any) -> FixedPointFinder:
    """A finder for tanh(gain x)."""
    return finder_of(Known("", scalar_map, scalar("tanh", gain), STARTS, STARTS, (), ()), **options)


def scalar_finder(params: dict[str, Any], **options: Any) -> FixedPointFinder:
    return finder_of(Known("", scalar_map, params, STARTS, STARTS, (), ()), **options)


def latch_of(**options: Any) -> tuple[FixedPoints, FixedPoints]:
    return finder_of(LATCH, **options).find_fixed_points(initial_states=PLANE)


@pytest.mark.parametrize("method", METHODS)
def test_max_iters(method: str) -> None:
    _, few = switch(method=method, max_iters=3).find_fixed_points(initial_states=STARTS)
    assert few.n_iters.max() == 3
    assert "reached max_iters" in few.status
    _, many = switch(method=method).find_fixed_points(initial_states=STARTS)
    assert many.n_iters.max() > 3
    assert "reached max_iters" not in many.status


def test_tol_q_decides_what_is_fixed() -> None:
    # After four iterations some lanes are near, but not at the point.
    options = {"max_iters": 4, "tol_unique": 1e-2}
    lenient = switch(tol_q=1e-6, **options).find_fixed_points(initial_states=STARTS)[1]
    strict = switch(tol_q=1e-28, **options).find_fixed_points(initial_states=STARTS)[1]
    assert np.sum(strict.kind == "fixed") < np.sum(lenient.kind == "fixed")
    assert lenient.qstar[lenient.kind == "fixed"].max() <= 1e-6
    assert strict.qstar[strict.kind == "fixed"].max(initial=0.0) <= 1e-28


@pytest.mark.parametrize("method", ["joint", "sequential"])
def test_tol_q_ends_adam(method: str) -> None:
    early, late = (
        switch(method=method, tol_q=tol_q).search(STARTS).lanes.n_iters.max()
        for tol_q in (1e-2, 1e-12)
    )
    assert early < late


def test_tol_q_below_what_rounding_allows_loses_nothing() -> None:
    unique, _ = latch_of(tol_q=0.0)
    assert len(unique) == len(latch_of()[0]) == 9


@pytest.mark.parametrize("method", METHODS)
def test_tol_dq_ends_a_lane(method: str) -> None:
    # Towards a degenerate point q falls by a constant factor: there is something to cut off.
    params = scalar("cubic")
    iterations = [
        scalar_finder(params, method=method, tol_dq=tol_dq).search(STARTS).lanes.n_iters.sum()
        for tol_dq in (1e-13, 0.0)
    ]
    assert iterations[0] < iterations[1]


@pytest.mark.parametrize("method", ["joint", "sequential"])
@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_lr_init_is_the_first_step_of_adam(method: str, rate: float) -> None:
    finder = scalar_finder(scalar("linear", 0.5), method=method, lr_init=rate, max_iters=2)
    found = finder.search([[1.0]])
    np.testing.assert_allclose(found.lanes.x, [[1.0 - rate]], rtol=1e-6)


@pytest.mark.parametrize("method", ["joint", "sequential"])
@pytest.mark.parametrize(
    ("name", "value"), [("lr_factor", 0.7), ("lr_patience", 30), ("lr_cooldown", 30)]
)
def test_the_schedule_of_the_rate_reaches_adam(method: str, name: str, value: float) -> None:
    usual, changed = (
        switch(method=method, lr_init=1.0, **options).search(STARTS).lanes.n_iters
        for options in ({}, {name: value})
    )
    assert not np.array_equal(usual, changed)


@pytest.mark.parametrize("joint", [True, False])
@pytest.mark.parametrize(
    ("patience", "cooldown", "reductions"),
    # Without progress from the second iteration on, the rate falls for the first time after
    # 1 + patience iterations, and then every patience + cooldown.
    [(3, 0, [4, 7, 10]), (3, 2, [4, 9, 14]), (1, 0, [2, 3, 4]), (5, 1, [6, 12, 18])],
)
def test_the_rate_of_adam_falls_as_promised(
    joint: bool, patience: int, cooldown: int, reductions: list[int]
) -> None:
    n = 2
    solver = Adam(joint)
    advance = build_loop(solver, lambda params, h, u: h + 1.0, "discrete", "float32")
    lanes = new_lanes(np.zeros((n, 1)), np.float32, 0.0)
    limits = Limits(
        tol_q=np.float32(0.0),
        tol_dq=np.float32(0.0),
        tol_step=np.float32(0.0),
        max_iters=np.int32(1000),
        may_stall=np.bool_(True),
        lr_init=np.float32(0.1),
        lr_factor=np.float32(0.5),
        lr_patience=np.int32(patience),
        lr_cooldown=np.int32(cooldown),
    )
    memory = solver.init(lanes.x, limits)
    everywhere = np.full((n, 1), np.inf, np.float32)
    rows = (np.zeros((n, 0), np.float32), -everywhere, everywhere, np.ones(n, bool))
    for iteration in range(1, 20):
        lanes, memory = advance({}, rows, lanes, memory, limits, np.int32(1), np.int32(0))
        passed = np.searchsorted(reductions, iteration, side="right")
        if passed < len(reductions):
            np.testing.assert_allclose(memory.lr, 0.1 * 0.5**passed, rtol=1e-6)


def test_joint_lanes_end_together_and_sequential_ones_alone() -> None:
    # Lanes that Adam brought near make some Newton steps at last: these count too.
    def iterations(method: str) -> np.ndarray:
        finder = switch(method=method, max_iters=60, tol_q=1e-4, lr_init=0.1)
        return finder.search(STARTS).lanes.n_iters

    joint, sequential = iterations("joint"), iterations("sequential")
    assert np.ptp(joint) < 6 < np.ptp(sequential)


def test_tol_unique() -> None:
    gain = 1.01
    apart = tanh_root(gain)
    fine, _ = switch(gain).find_fixed_points(initial_states=STARTS)
    coarse, _ = switch(gain, tol_unique=2.5 * apart).find_fixed_points(initial_states=STARTS)
    assert len(fine) == 3
    assert len(coarse) == 1
    assert coarse.tol_unique == 2.5 * apart


def test_distance_outliers() -> None:
    # Starts huddle at the one fixed point of the logistic map, one of them leads to the other.
    starts = np.append(np.linspace(-0.01, 0.01, 15), 0.69)[:, None]
    params = scalar("logistic", 3.2)
    spread = np.abs(starts - starts.mean()).mean()
    ratio = abs(1 - 1 / 3.2 - starts.mean()) / spread

    def found(**options: Any) -> FixedPoints:
        return scalar_finder(params, **options).find_fixed_points(initial_states=starts)[0]

    assert len(found()) == 2
    excluded = found(do_exclude_distance_outliers=True, outlier_distance_scale=0.9 * ratio)
    assert len(excluded) == 1
    assert excluded.audit.reason[-1] == "distance outlier"
    assert excluded.audit.outcome[-1] == -1
    kept = found(do_exclude_distance_outliers=True, outlier_distance_scale=1.1 * ratio)
    assert len(kept) == 2


def test_one_start_is_never_a_distance_outlier() -> None:
    unique, _ = switch(
        do_exclude_distance_outliers=True, outlier_distance_scale=1e-6
    ).find_fixed_points(initial_states=[[1.0]])
    assert len(unique) == 1


def test_rerun_of_q_outliers() -> None:
    # After three iterations one of the three points is much less exact than the others.
    starts = STARTS[[0, 7, 12]]
    options = {"max_iters": 3, "tol_q": 1e-6, "n_runs": 0}

    def found(**more: Any) -> FixedPoints:
        return switch(**options, **more).find_fixed_points(initial_states=starts)[1]

    before, after = found(), found(do_rerun_q_outliers=True)
    assert before.qstar.max() > 1e3 * np.median(before.qstar)
    assert after.qstar.max() < before.qstar.max()
    assert before.n_iters.max() == 3 < after.n_iters.max()
    lenient = found(do_rerun_q_outliers=True, outlier_q_scale=1e60)
    np.testing.assert_array_equal(lenient.qstar, before.qstar)


def test_rerun_with_one_start() -> None:
    unique, everything = switch(do_rerun_q_outliers=True).find_fixed_points(initial_states=[[1.0]])
    np.testing.assert_allclose(unique.xstar, [[tanh_root(2.0)]])
    assert len(everything) == 1


def test_max_n_unique_keeps_the_smallest_q() -> None:
    everything, _ = latch_of()
    best, _ = latch_of(max_n_unique=4)
    assert len(everything) == 9
    assert len(best) == 4
    assert best.qstar.max() <= np.sort(everything.qstar)[3]
    dropped = best.audit.outcome == -1
    assert dropped.any()
    assert all("max_n_unique" in reason for reason in best.audit.reason[dropped])


def test_final_q_threshold_bears_on_slow_points() -> None:
    ghost = scalar("fold", b=1e-5)  # q = 5e-11

    def n_slow(**options: Any) -> int:
        finder = scalar_finder(ghost, **options)
        return len(finder.find_fixed_points(initial_states=0.2 * STARTS, include_slow=True)[0])

    assert n_slow() == 1
    assert n_slow(final_q_threshold=1e-11) == 0
    # q = 0.5 everywhere: only without a threshold are these slow points kept.
    drift = scalar_finder(scalar("linear", 1.0, 1.0), final_q_threshold=0.0)
    kept, _ = drift.find_fixed_points(initial_states=STARTS, include_slow=True)
    assert len(kept) == len(STARTS)


def test_do_compute_jacobians() -> None:
    unique, _ = latch_of(do_compute_jacobians=False)
    assert len(unique) == 9
    for name in ("J_xstar", "dFdu", "eigval_J_xstar", "index", "stability", "completeness"):
        assert getattr(unique, name) is None
    assert unique.forward_error.max() <= 1e-3


def test_do_decompose_jacobians() -> None:
    unique, _ = latch_of(do_decompose_jacobians=False)
    assert unique.J_xstar.shape == (9, 2, 2)
    assert unique.index.sum() == 1
    assert not unique.has_decomposed_jacobians
    assert unique.stability is None
    assert unique.decompose_jacobians().counts()["stable"] == 4


def test_dtype_is_that_of_the_lanes() -> None:
    for dtype in ("float32", "float64", np.float32, np.dtype("float64")):
        finder = switch(dtype=dtype)
        step_map = finder.step_map(1, 0)
        seen = []
        found = search(
            step_map,
            STARTS,
            np.zeros((len(STARTS), 0)),
            finder.options,
            on_chunk=lambda lanes, seen=seen: seen.append(lanes.x.dtype),
        )
        assert set(seen) == {np.dtype(dtype)}
        assert found.lanes.x.dtype == np.float64
        assert found.lanes.q.max() <= 1e-20  # finished in double precision


def test_random_seed() -> None:
    traj = np.linspace(-1, 1, 60).reshape(3, 20, 1)

    def starts(seed: int) -> np.ndarray:
        finder = switch(random_seed=seed)
        first = finder.find_fixed_points(traj, n_inits=20, noise_scale=0.1)[1].x_init
        again = finder.find_fixed_points(traj, n_inits=20, noise_scale=0.1)[1].x_init
        np.testing.assert_array_equal(first, again)
        return first

    np.testing.assert_array_equal(starts(1), starts(1))
    assert not np.array_equal(starts(1), starts(2))


def test_verbose(capsys: pytest.CaptureFixture[str]) -> None:
    switch(progress=None).find_fixed_points(initial_states=STARTS)
    assert capsys.readouterr().out == ""
    switch(progress=None, verbose=True).find_fixed_points(initial_states=STARTS)
    brief = capsys.readouterr().out
    assert "Searching for fixed points from 16 initial states." in brief
    assert "3 points" in brief
    assert "iteration" not in brief


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("every", [2, 3])
def test_super_verbose_prints_every_few_iterations(
    method: str, every: int, capsys: pytest.CaptureFixture[str]
) -> None:
    switch(
        progress=None,
        method=method,
        super_verbose=True,
        n_iters_per_print_update=every,
        max_iters=4 * every,
    ).find_fixed_points(initial_states=STARTS)
    lines = [line for line in capsys.readouterr().out.splitlines() if "iteration" in line]
    numbers = [int(line.split()[1].rstrip(":")) for line in lines]
    assert numbers[0] == every
    assert len(numbers) > 1
    assert all(0 < step <= every for step in np.diff(numbers))
    assert max(numbers) <= 4 * every
    assert all("q = " in line and "of 16 ended" in line for line in lines)


def test_a_progress_of_ones_own_replaces_the_printed_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    switch(verbose=True).find_fixed_points(initial_states=STARTS)
    assert capsys.readouterr().out == ""
    PrintedProgress(detail=False).log("not shown", detail=True)
    assert capsys.readouterr().out == ""


def test_marginal_tol() -> None:
    params = scalar("linear", 0.999)
    near, _ = scalar_finder(params, marginal_tol=1e-2).find_fixed_points(initial_states=STARTS)
    exact, _ = scalar_finder(params).find_fixed_points(initial_states=STARTS)
    assert near.stability.tolist() == ["marginal"]
    assert exact.stability.tolist() == ["stable"]


def test_tol_slope_decides_what_is_slow() -> None:
    ghost = scalar("fold", b=1e-2)  # q = 5e-5, not below tol_q
    _, default = scalar_finder(ghost).find_fixed_points(initial_states=0.2 * STARTS)
    _, strict = scalar_finder(ghost, tol_slope=0.0).find_fixed_points(initial_states=0.2 * STARTS)
    assert "slow" in default.kind
    assert "slow" not in strict.kind
