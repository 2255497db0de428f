"""Boxes are found, hold, and are called whole only where they are."""

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.dynamics import as_step_map
from fpf_notebook.dynamics.jaxpr import invariant_box, is_whole
from tests.dynamics.jaxpr.sampling import step_map_of
from tests.dynamics.jaxpr.user_steps import NONE, RATES, SOME, UNIT, user_steps

U = np.array([0.2, -0.1])
# Boxes that hold only some of the fixed points: a gate that closes fully stops the state anywhere.
NOT_WHOLE = {"GRU, hard gates"}


@pytest.mark.parametrize("case", user_steps(), ids=lambda case: case.name)
def test_boxes_of_users_steps(case):
    step_map = step_map_of(case)
    box = invariant_box(step_map, U)
    if case.box == NONE:
        assert box.low is None
        assert box.whole is None
        assert "box" in box.reason
        return
    assert box.low is not None, box.reason
    limits = {UNIT: (-1, 1), RATES: (0, 1), SOME: (-1e5, 1e5)}[case.box]
    assert np.all(box.low >= limits[0] - 1e-9)
    assert np.all(box.high <= limits[1] + 1e-9)
    assert box.whole == (case.name not in NOT_WHOLE)
    check_that_it_holds(step_map, *box.widened())


def check_that_it_holds(step_map, low, high):
    rng = np.random.default_rng(0)
    at = np.concatenate([rng.random((200, len(low))), rng.integers(0, 2, (200, len(low)))])
    if step_map.time == "discrete":
        out = step_map(low + at * (high - low), U)
        assert np.all(out >= low - 1e-9 * (1 + np.abs(low)))
        assert np.all(out <= high + 1e-9 * (1 + np.abs(high)))
        return
    for i in range(len(low)):
        for face, sign in ((low[i], -1), (high[i], 1)):
            h = low + at * (high - low)
            h[:, i] = face
            assert np.all(sign * step_map(h, U)[:, i] <= 1e-9)


def test_a_box_that_does_not_hold_all_points_is_not_whole():
    # x - 0.1 (x^3 - 4 x) near [-1, 1]... three points of the cubic: -2, 0, 2; those of the clipped
    # step inside [-1, 1] are not all.
    step_map = as_step_map(
        lambda h, u: jnp.where(jnp.abs(h) < 3, 0.5 * h, h), n_states=1, n_inputs=1
    )
    low, high = np.array([-1.0]), np.array([1.0])
    assert not is_whole(step_map, np.zeros(1), low, high)
    half = as_step_map(lambda h, u: 0.5 * h, n_states=1, n_inputs=1)
    assert is_whole(half, np.zeros(1), low, high)


def test_a_point_on_the_face_is_not_lost():
    # All states above 1 stay where they are: the box [-1, 1] is invariant, and not whole.
    step_map = as_step_map(
        lambda h, u: jnp.maximum(jnp.tanh(h), h - 0.0 * u), n_states=1, n_inputs=1
    )
    box = invariant_box(step_map, np.zeros(1))
    assert not box.whole


def test_the_reason_names_operation_and_line():
    def step(h, u):
        drive = 3 * jnp.abs(h) + 1
        return jnp.exp(drive)  # the line that grows

    box = invariant_box(as_step_map(step, n_states=1, n_inputs=1), np.zeros(1))
    assert box.low is None
    assert "exp at" in box.reason
    assert "test_boxes.py:" in box.reason
    sorting = as_step_map(lambda h, u: jnp.sort(h) * 2, n_states=2, n_inputs=1, batched=False)
    assert "sort at" in invariant_box(sorting, np.zeros(2)[:1]).reason


def test_boxes_of_others_can_be_whole_too():
    step_map = as_step_map(
        lambda h, u: jnp.tanh(2 * h), n_states=1, n_inputs=1, invariant_box=(-0.99, 0.99)
    )
    assert step_map.box_reason == "given by the caller"
    assert step_map.box_is_whole(np.zeros(1))
    partial = as_step_map(
        lambda h, u: jnp.tanh(3 * h - 2.2 * h**3), n_states=1, n_inputs=1, invariant_box=(-3, 3)
    )
    assert partial.box_is_whole(np.zeros(1))
