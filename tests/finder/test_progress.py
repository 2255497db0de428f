"""Progress, cancellation, Ctrl-C: nothing that was found is lost."""

import threading
import time
from typing import Any

import numpy as np
import pytest

from fpf_notebook import CancelToken, FixedPointFinder, TerminalProgress
from fpf_notebook.finder.progress import Progress, SilentProgress
from tests.finder.known_maps import (
    Known,
    finder_of,
    grid,
    planar,
    planar_map,
    scalar,
    scalar_map,
)

STARTS = grid(-1.5, 1.5, 16)


class Recorder:
    """A progress that keeps everything it is told, and can be made to raise."""

    def __init__(self, raise_at: int | None = None, raise_in_log: str | None = None) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.raise_at, self.raise_in_log = raise_at, raise_in_log

    def start(self, total: int, description: str) -> None:
        self.calls.append(("start", total, description))

    def update(self, done: int, message: str) -> None:
        self.calls.append(("update", done, message))
        if self.raise_at is not None and len(self.of("update")) == self.raise_at:
            raise KeyboardInterrupt

    def log(self, message: str, *, detail: bool = False) -> None:
        self.calls.append(("log", message, detail))
        if self.raise_in_log is not None and self.raise_in_log in message:
            raise KeyboardInterrupt

    def close(self) -> None:
        self.calls.append(("close",))

    def of(self, name: str) -> list[tuple[Any, ...]]:
        return [call for call in self.calls if call[0] == name]


def switch(**options: Any) -> FixedPointFinder:
    known = Known("", scalar_map, scalar("tanh", 2.0), STARTS, STARTS, (), ())
    return finder_of(known, **options)


# A chunk of one iteration each, so that there is something to interrupt.
STEPWISE = {"super_verbose": True, "n_iters_per_print_update": 1}


@pytest.mark.parametrize("method", ["newton", "joint", "sequential"])
def test_progress_is_told_from_start_to_end(method: str) -> None:
    recorder = Recorder()
    assert isinstance(recorder, Progress)
    switch(method=method, max_iters=6, **STEPWISE).find_fixed_points(
        initial_states=STARTS, progress=recorder
    )
    assert recorder.calls[0] == ("start", 16, "Searching for fixed points")
    done = [call[1] for call in recorder.of("update")]
    assert done == sorted(done)
    assert done[-1] == 16
    assert len(recorder.of("close")) == 1
    # After the bar is closed only the line with the result is left to say.
    assert [call[0] for call in recorder.calls[recorder.calls.index(("close",)) :]] == [
        "close",
        "log",
    ]


def test_progress_counts_through_all_rounds() -> None:
    recorder = Recorder()
    unique, everything = switch().find_fixed_points(
        initial_states=STARTS, exhaustive=True, progress=recorder
    )
    assert recorder.of("start")[0][1] == 16 * 30
    done = [call[1] for call in recorder.of("update")]
    assert done == sorted(done)
    assert done[-1] == len(everything)
    rounds = [call[1] for call in recorder.of("log") if call[1].startswith("round")]
    assert len(rounds) == len(unique.completeness.rounds)
    assert rounds[0] == "round 1: 3 points, 3 new, index sum 1"


def test_the_progress_of_a_call_goes_before_that_of_the_finder() -> None:
    mine, theirs = Recorder(), Recorder()
    switch(progress=theirs).find_fixed_points(initial_states=STARTS, progress=mine)
    assert mine.calls
    assert not theirs.calls
    switch(progress=theirs).search(STARTS)
    assert theirs.calls[0][0] == "start"
    assert theirs.calls[-1] == ("close",)


def test_progress_is_closed_after_an_error() -> None:
    class Broken(Recorder):
        def update(self, done: int, message: str) -> None:
            raise RuntimeError("the bar broke")

    recorder = Broken()
    with pytest.raises(RuntimeError, match="the bar broke"):
        switch().find_fixed_points(initial_states=STARTS, progress=recorder)
    assert recorder.calls[-1] == ("close",)


def test_the_terminal_bar_appears_late_and_goes_away(capsys: pytest.CaptureFixture[str]) -> None:
    switch().find_fixed_points(initial_states=STARTS, progress=TerminalProgress(delay=60.0))
    assert capsys.readouterr().err == ""
    switch().find_fixed_points(initial_states=STARTS, progress=TerminalProgress(delay=0.0))
    shown = capsys.readouterr().err
    assert "Searching for fixed points" in shown


def test_cancellation_before_the_first_step() -> None:
    token = CancelToken()
    token.cancel()
    unique, everything = switch().find_fixed_points(initial_states=STARTS, cancel=token)
    assert unique.interrupted
    assert everything.interrupted
    assert set(everything.status) == {"interrupted before it finished"}
    assert len(unique) == 0
    assert unique.completeness.stopped_because == "interrupted"


@pytest.mark.parametrize("method", ["joint", "sequential"])
def test_cancellation_from_another_thread(method: str) -> None:
    token = CancelToken()
    # No lane arrives, since there is no fixed point.
    ghost = Known("", scalar_map, scalar("fold", b=1e-3), STARTS, STARTS, (), ())
    finder = finder_of(ghost, method=method, max_iters=10**9, tol_dq=0.0, tol_q=0.0)
    timer = threading.Timer(0.5, token.cancel)
    timer.start()
    began = time.monotonic()
    unique, everything = finder.find_fixed_points(initial_states=STARTS, cancel=token)
    timer.join()
    assert time.monotonic() - began < 60
    assert unique.interrupted
    assert len(everything) == 16
    assert "interrupted before it finished" in everything.status
    assert np.isfinite(everything.qstar).all()


class CancelAfter(SilentProgress):
    def __init__(self, token: CancelToken, n_ended: int) -> None:
        self.token, self.n_ended = token, n_ended

    def update(self, done: int, message: str) -> None:
        if done >= self.n_ended:
            self.token.cancel()


@pytest.mark.parametrize(
    ("method", "dtype"), [("newton", "float64"), ("newton", "float32"), ("sequential", "float64")]
)
def test_what_was_found_before_a_cancellation_is_returned(method: str, dtype: str) -> None:
    token = CancelToken()
    finder = switch(method=method, dtype=dtype, **STEPWISE)
    unique, everything = finder.find_fixed_points(
        initial_states=STARTS, cancel=token, progress=CancelAfter(token, 4)
    )
    stopped = everything.status == "interrupted before it finished"
    assert unique.interrupted
    assert 0 < stopped.sum() <= 12
    assert (everything.kind[~stopped] == "fixed").all()
    assert len(unique) >= 1
    assert (unique.kind == "fixed").all()
    assert unique.J_xstar is not None
    assert "interrupted" in unique.summary()


@pytest.mark.parametrize("method", ["newton", "joint", "sequential"])
def test_ctrl_c_returns_what_was_found(method: str) -> None:
    finder = switch(method=method, max_iters=200, **STEPWISE)
    at = 4 if method == "newton" else 120
    unique, everything = finder.find_fixed_points(
        initial_states=STARTS, progress=Recorder(raise_at=at)
    )
    assert unique.interrupted
    assert len(everything) == 16
    assert everything.n_iters.max() == at
    np.testing.assert_array_equal(everything.x_init, STARTS)
    assert unique.completeness.stopped_because == "interrupted"
    if method == "newton":
        assert len(unique) == 3


@pytest.mark.parametrize("where", ["in a search", "between two"])
def test_ctrl_c_keeps_the_rounds_before_it(where: str) -> None:
    latch = planar("latch", [[2.0, 0.0], [0.0, 3.0]])
    known = Known("", planar_map, latch, STARTS, STARTS, (), ())
    plane = grid(-1.2, 1.2, 8, 2)
    recorder = Recorder(raise_at=3) if where == "in a search" else Recorder(raise_in_log="round 2")
    unique, everything = finder_of(known).find_fixed_points(
        initial_states=plane, exhaustive=True, prove=False, progress=recorder
    )
    assert unique.interrupted
    assert len(unique) == 9
    assert unique.completeness.stopped_because == "interrupted"
    assert len(everything) >= 2 * len(plane)
    assert recorder.calls[-2] == ("close",)


def test_ctrl_c_while_jacobians_are_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    from fpf_notebook.finder import ledger as ledger_module

    def interrupted(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ledger_module, "jacobians_at", interrupted)
    unique, _ = switch().find_fixed_points(initial_states=STARTS)
    assert unique.interrupted
    assert len(unique) == 3
    assert unique.J_xstar is None


def test_search_and_select_with_other_tolerances() -> None:
    finder = switch()
    candidates = finder.search(STARTS)
    usual, everything = finder.select(candidates)
    whole, _ = finder.find_fixed_points(initial_states=STARTS)
    np.testing.assert_array_equal(usual.xstar, whole.xstar)
    np.testing.assert_array_equal(everything.xstar, candidates.lanes.x)
    assert str(usual.completeness) == str(whole.completeness)

    assert len(finder.select(candidates, tol_unique=5.0)[0]) == 1
    assert len(finder.select(candidates, max_n_unique=2)[0]) == 2
    strict, lanes = finder.select(candidates, tol_q=0.0)
    assert len(strict) <= 3
    assert finder.select(candidates, marginal_tol=2.0)[0].counts()["marginal"] == 3
    assert finder.options.tol_unique == 1e-3  # select changes nothing
    assert len(lanes) == 16
    with pytest.raises(ValueError, match="tol_unique is -1"):
        finder.select(candidates, tol_unique=-1.0)


def test_a_search_with_a_step_map_needs_no_model() -> None:
    finder = switch()
    step_map = finder.step_map(1, 0)
    found: list[Any] = []

    def work() -> None:
        found.append(finder.search(STARTS, step_map=step_map))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    unique, _ = finder.select(found[0], step_map=step_map)
    assert len(unique) == 3


def test_select_tells_that_the_search_was_interrupted() -> None:
    token = CancelToken()
    token.cancel()
    finder = switch()
    unique, _ = finder.select(finder.search(STARTS, cancel=token))
    assert unique.interrupted
    assert unique.completeness.stopped_because == "interrupted"


def test_estimate() -> None:
    finder = switch()
    small = finder.estimate(initial_states=STARTS)
    assert small.n_inits == 16
    assert small.memory > 0
    assert small.seconds >= 0
    assert "16 starts" in str(small)
    traj = np.zeros((1, 4, 1))
    large = finder.estimate(traj, n_inits=4096)
    assert large.memory > small.memory
    assert finder.estimate(initial_states=STARTS, exhaustive=True).seconds > 0
    # The forecast bounds what the pool holds.
    tight = switch(max_memory=10_000).estimate(traj, n_inits=4096)
    assert tight.pool < large.pool
