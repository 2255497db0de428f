"""Rules that once could be taken out of the code without a test that noticed.

Each test here goes red when its rule is off. They use public names alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax.monitoring
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import CancelToken, FixedPointFinder, SilentProgress
from fpf_notebook.dynamics import compile_cache
from fpf_notebook.result.audit import Audit
from tests.finder.known_maps import (
    Known,
    finder_of,
    grid,
    scalar,
    scalar_map,
    tanh_root,
)

STARTS = grid(-1.5, 1.5, 16)


def finder(model: Any, **options: Any) -> FixedPointFinder:
    sizes = {"n_states": 1, "n_inputs": 0, "batched": False}
    return FixedPointFinder(model, **(sizes | {"progress": SilentProgress()} | options))


def latch(**options: Any) -> FixedPointFinder:
    """tanh(2 x + u): three points at u = 0."""

    def step(h: Any, u: Any) -> Any:
        return jnp.tanh(2.0 * h + u)

    return finder(step, n_inputs=1, invariant_box=(-1.0, 1.0), **options)


def fold(b: float, **options: Any) -> FixedPointFinder:
    """x + x² + b: no fixed point where b > 0, and a slow place at 0 where it is small."""
    return finder_of(Known("", scalar_map, scalar("fold", b=b), STARTS, STARTS, (), ()), **options)


class CancelAfter(SilentProgress):
    """Cancels when so many starts have ended."""

    def __init__(self, token: CancelToken, n_ended: int) -> None:
        self.token, self.n_ended = token, n_ended

    def update(self, done: int, message: str) -> None:
        if done >= self.n_ended:
            self.token.cancel()


def test_the_sum_of_every_input_counts() -> None:
    # Under the first input all three points are found, under the second the saddle is missed.
    starts = np.array([[-0.9], [0.02], [0.9], [-0.95], [0.95]])
    inputs = np.array([[0.0], [0.0], [0.0], [0.05], [0.05]])
    unique, _ = latch().find_fixed_points(initial_states=starts, inputs=inputs)
    assert np.bincount((unique.inputs[:, 0] > 0).astype(int)).tolist() == [3, 2]
    assert unique.completeness.expected_sum == 2
    assert unique.completeness.consistent is False

    complete = np.tile([[-0.9], [0.02], [0.9]], (2, 1))
    inputs = np.repeat([[0.0], [0.05]], 3, axis=0)
    unique, _ = latch().find_fixed_points(initial_states=complete, inputs=inputs)
    assert len(unique) == 6
    assert unique.completeness.consistent is True


def test_sums_that_are_wrong_in_opposite_ways_are_not_right_together() -> None:
    # 2 under one input and 0 under the other, where each should have 1.
    starts = np.array([[-0.9], [0.9], [0.02], [0.9]])
    inputs = np.array([[0.0], [0.0], [0.05], [0.05]])
    unique, _ = latch().find_fixed_points(initial_states=starts, inputs=inputs)
    assert unique.completeness.index_sum == unique.completeness.expected_sum == 2
    assert unique.completeness.consistent is False


def test_an_exhaustive_search_does_not_stop_while_the_sum_is_wrong() -> None:
    # A jump: two attractors and nothing between them, so that the sum is 2 for ever.
    def jump(h: Any) -> Any:
        return jnp.where(h < 0.137, -0.9, 0.9) + 0.0 * h

    unique, _ = finder(jump, invariant_box=(-1.0, 1.0)).find_fixed_points(
        initial_states=STARTS, exhaustive=True, max_rounds=12
    )
    assert sorted(unique.xstar.ravel().round(9).tolist()) == [-0.9, 0.9]
    report = unique.completeness
    assert report.consistent is False
    assert "found nothing new" not in report.stopped_because
    assert report.stopped_because == "max_rounds=12 reached"


def test_an_exhaustive_search_can_be_cancelled_between_and_within_rounds() -> None:
    token = CancelToken()
    unique, everything = latch().find_fixed_points(
        initial_states=STARTS,
        inputs=np.zeros((1, 1)),
        exhaustive=True,
        prove=False,
        max_rounds=60,
        patience=10**6,
        cancel=token,
        progress=CancelAfter(token, 3 * len(STARTS)),
    )
    assert unique.interrupted
    assert unique.completeness.stopped_because == "interrupted"
    assert len(everything) < 10 * len(STARTS)
    assert len(unique) == 3  # what the rounds before had found


def test_an_exhaustive_search_that_was_cancelled_before_it_began_does_nothing() -> None:
    token = CancelToken()
    token.cancel()
    unique, everything = latch().find_fixed_points(
        initial_states=STARTS, inputs=np.zeros((1, 1)), exhaustive=True, max_rounds=9, cancel=token
    )
    assert (len(unique), len(everything)) == (0, len(STARTS))
    assert unique.completeness.stopped_because == "interrupted"


def test_rejected_are_the_starts_that_led_to_no_point() -> None:
    audit = Audit(outcome=np.array([0, 1, -1, 0, -1, 2]), reason=np.array(["so"] * 6))
    assert audit.n_rejected == 2
    assert Audit(outcome=np.array([0, 0]), reason=np.array(["so"] * 2)).n_rejected == 0

    # x + x² + b with b = -0.04 has the points ±0.2. Far starts need more iterations than they get.
    unique, everything = fold(-0.04, max_iters=4).find_fixed_points(
        initial_states=np.array([[0.2], [0.19], [-0.2], [50.0], [80.0], [-70.0]])
    )
    assert len(unique) == 2
    assert (everything.kind == "fixed").tolist() == [True] * 3 + [False] * 3
    assert unique.audit.n_rejected == 3
    assert (unique.audit.outcome == -1).tolist() == [False] * 3 + [True] * 3


def test_only_the_starts_that_were_given_have_a_condition() -> None:
    ids = np.arange(len(STARTS)) % 3 + 5
    unique, everything = latch().find_fixed_points(
        initial_states=STARTS, inputs=np.zeros((1, 1)), cond_ids=ids, exhaustive=True, prove=False
    )
    assert len(everything) > len(STARTS)
    np.testing.assert_array_equal(everything.cond_id[: len(STARTS)], ids)
    assert set(everything.cond_id[len(STARTS) :].tolist()) == {-1}
    assert set(unique.cond_id.tolist()) <= {-1, 5, 6, 7}


class InterruptedCompilation(SilentProgress):
    """Raises Ctrl-C once: at the k-th compilation after all starts have ended.

    What is computed after the main search is compiled when it is first needed, so that these are
    moments all over that time.
    """

    def __init__(self, k: int, n_starts: int) -> None:
        self.k, self.n_starts, self.armed, self.n_compiled = k, n_starts, False, 0

    def update(self, done: int, message: str) -> None:
        self.armed = done >= self.n_starts

    def on_event(self, event: str, duration: float, **kwargs: Any) -> None:
        if self.armed and event == "/jax/core/compile/backend_compile_duration":
            self.n_compiled += 1
            if self.n_compiled == self.k:
                raise KeyboardInterrupt


@contextmanager
def listening(listener: Callable[..., None]) -> Iterator[None]:
    jax.monitoring.register_event_duration_secs_listener(listener)
    try:
        yield
    finally:
        jax.monitoring.unregister_event_duration_listener(listener)


def test_ctrl_c_after_the_main_search_loses_nothing() -> None:
    # tanh(-2 x): its outer points are a cycle of length 2. Looking for it, the finder linearizes
    # the points of the main search, steps on from each, and searches once more from there.
    root, k = tanh_root(2.0), 0
    while True:
        k += 1
        compile_cache.clear()
        interruption = InterruptedCompilation(k, len(STARTS))
        try:
            with listening(interruption.on_event):
                unique, everything = finder(lambda h: jnp.tanh(-2.0 * h)).find_fixed_points(
                    initial_states=STARTS, period=2, progress=interruption
                )
        except KeyboardInterrupt as lost:  # which would end pytest
            raise AssertionError(f"all was lost at compilation {k} after the search") from lost
        assert len(everything) >= len(STARTS)
        np.testing.assert_allclose(np.sort(unique.xstar.ravel()), [-root, root], atol=1e-9)
        assert unique.interrupted == (interruption.n_compiled >= k)
        if not unique.interrupted:
            break
    assert k > 2


def test_a_lane_in_a_local_minimum_of_q_ends_early() -> None:
    _, everything = fold(1e-3).find_fixed_points(initial_states=grid(-0.3, 0.3, 16))
    assert everything.n_iters.max() < 200
    assert (everything.kind != "fixed").all()
    assert "reached max_iters" not in everything.status.tolist()
    assert "stopped early: q no longer falls (a local minimum of q)" in everything.status.tolist()


def test_no_lane_leaves_the_box() -> None:
    # The logistic map's other root, 0, lies outside of this box and draws the lanes near to it.
    known = Known("", scalar_map, scalar("logistic", 3.2), STARTS, STARTS, (), ())
    unique, everything = finder_of(known, invariant_box=(0.05, 0.9)).find_fixed_points(
        initial_states=grid(-0.3, 0.85, 16)
    )
    assert everything.xstar.min() >= 0.05
    assert everything.xstar.max() <= 0.9
    np.testing.assert_allclose(unique.xstar, [[1 - 1 / 3.2]], atol=1e-9)


def test_starts_outside_of_the_box_begin_at_its_edge() -> None:
    # Beyond 1.5 every state is a fixed point of this step, and none of the network: outside of its
    # box. A lane that began there would stay.
    def step(h: Any) -> Any:
        return jnp.where(h > 1.5, h, jnp.tanh(2.0 * h))

    unique, everything = finder(step, invariant_box=(-1.0, 1.0)).find_fixed_points(
        initial_states=np.array([[2.0], [3.0], [40.0]])
    )
    assert (everything.kind == "fixed").all()
    np.testing.assert_allclose(unique.xstar, [[tanh_root(2.0)]], atol=1e-9)


@pytest.mark.parametrize("jacobians", [True, False])
def test_a_small_q_far_from_any_fixed_point_is_not_one(jacobians: bool) -> None:
    # q = b²/2 = 5e-13 at 0, below tol_q; but wherever it is, the Newton step is longer than 1e-3.
    unique, everything = fold(1e-6, do_compute_jacobians=jacobians).find_fixed_points(
        initial_states=grid(-0.3, 0.3, 16)
    )
    assert everything.qstar.min() < 1e-12
    assert len(unique) == 0
    assert not (everything.kind == "fixed").any()


def test_a_small_q_with_a_long_newton_step_is_slow_and_refined_as_such() -> None:
    # Asked for slow points, the finder leads the lanes on to the minimum of q, at 0: those too
    # whose q is below tol_q already, for what is called fixed is left where it is.
    unique, everything = fold(1e-6).find_fixed_points(
        initial_states=grid(-0.3, 0.3, 16), include_slow=True
    )
    assert unique.kind.tolist() == ["slow"]
    assert (everything.qstar < 1e-12).all()
    assert np.abs(everything.xstar).max() < 1e-4
