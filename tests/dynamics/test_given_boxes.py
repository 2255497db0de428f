"""Boxes that the caller gives are checked by probing."""

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.dynamics import as_step_map

W = np.random.default_rng(0).normal(size=(3, 3))


def tanh_step(h, u):
    return jnp.tanh(W @ h + u)


def test_numbers_arrays_and_functions_of_the_input():
    for given in ((-1, 1), (-np.ones(3), np.ones(3)), (-1, np.array([1, 2, 3])), np.array([-1, 1])):
        step_map = as_step_map(tanh_step, n_states=3, n_inputs=3, invariant_box=given)
        low, high = step_map.invariant_box(np.zeros(3))
        np.testing.assert_array_equal(low, np.broadcast_to(given[0], 3))
        np.testing.assert_array_equal(high, np.broadcast_to(given[1], 3))
        assert step_map.box_reason == "given by the caller"

    def leaky(h, u):
        return 0.5 * h + u

    moving = as_step_map(
        leaky,
        n_states=3,
        n_inputs=3,
        invariant_box=lambda u: (2 * jnp.minimum(u, 0) - 1, 2 * jnp.maximum(u, 0) + 1),
    )
    low, high = moving.invariant_box(np.array([1.0, 0.0, -1.0]))
    np.testing.assert_array_equal(low, [-1, -1, -3])
    np.testing.assert_array_equal(high, [3, 1, 1])


def test_without_a_box_there_is_none_and_a_reason():
    step_map = as_step_map(lambda h, u: h + tanh_step(h, u), n_states=3, n_inputs=3)
    assert step_map.box is None
    assert step_map.invariant_box(np.zeros(3)) is None
    assert "invariant_box=(low, high)" in step_map.box_reason


@pytest.mark.parametrize("unit", [0, 2])
def test_a_box_that_the_map_leaves_is_an_error_that_names_the_unit(unit):
    low, high = -np.ones(3), np.ones(3)
    high[unit] = 0.5  # tanh goes beyond it
    with pytest.raises(ValueError, match=rf"leaves its invariant box: in state\[{unit}\] .*0\.5\]"):
        as_step_map(
            lambda h, u: jnp.tanh(3 * h + 10 * u), n_states=3, n_inputs=3, invariant_box=(low, high)
        )


def test_a_box_that_is_left_at_a_corner_only():
    # The largest sum is reached at one corner of the box only, and exceeds it by little there.
    A = np.array([[0.5, 0.51], [0.0, 0.5]])
    with pytest.raises(ValueError, match=r"in state\[0\]"):
        as_step_map(lambda h, u: jnp.asarray(A) @ h, n_states=2, n_inputs=0, invariant_box=(-1, 1))
    fine = as_step_map(
        lambda h, u: jnp.asarray(A) @ h / 1.01, n_states=2, n_inputs=0, invariant_box=(-1, 1)
    )
    assert fine.box is not None


def test_the_field_of_a_flow_must_not_point_outwards_on_a_face():
    def field(h, u):
        return -h + jnp.tanh(W @ h)

    flow = as_step_map(field, n_states=3, n_inputs=0, time="continuous", invariant_box=(-1, 1))
    assert flow.box is not None
    with pytest.raises(ValueError, match=r"leaves its invariant box.*the derivative there is"):
        as_step_map(field, n_states=3, n_inputs=0, time="continuous", invariant_box=(-0.1, 0.1))
    # A map with the same numbers would be refused: its values lie outside of a small box.
    growing = as_step_map(
        lambda h, u: 9 * (0.5 - h), n_states=2, n_inputs=0, time="continuous", invariant_box=(0, 1)
    )
    assert growing.box is not None


@pytest.mark.parametrize(
    ("box", "message"),
    [
        (1.0, r"invariant_box is 1\.0, expected \(low, high\)"),
        ((-1, 0, 1), "expected .low, high."),
        ((-np.ones(2), 1), r"invariant_box's low has shape \(2,\)"),
        ((1, -1), r"is \[1, -1\] in state\[0\].*the lower one first"),
        ((-np.inf, 1), r"\[-inf, 1\].*two finite numbers"),
        (lambda u: (-jnp.ones(2), jnp.ones(2)), "parts of shapes"),
        (lambda u: -1.0, "1 parts"),
    ],
)
def test_boxes_that_are_none(box, message):
    with pytest.raises(ValueError, match=message):
        as_step_map(tanh_step, n_states=3, n_inputs=3, invariant_box=box)
