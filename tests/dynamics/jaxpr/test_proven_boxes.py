"""Models that bring no box of their own get one that is proven from their step."""

import jax.numpy as jnp
import numpy as np

from fpf_notebook.dynamics import as_step_map
from fpf_notebook.dynamics.jaxpr.proven import with_proven_box


def boxed(step, **options):
    return with_proven_box(as_step_map(step, **options))


def test_saturated_units_lie_inside():
    step_map = boxed(lambda h, u: jnp.tanh(100 * h), n_states=1, n_inputs=1)
    low, high = step_map.invariant_box(np.zeros(1))
    rest = step_map(np.array([0.5]), np.zeros(1))
    assert rest == 1.0
    assert low < -1
    assert 1 < high < 1 + 1e-9


def test_models_without_a_box_of_their_own_get_one():
    W = np.random.default_rng(0).normal(size=(8, 8))
    step_map = boxed(lambda h, u: 0.9 * h + 0.1 * jnp.tanh(W @ h + u), n_states=8, n_inputs=8)
    assert "proven from the step" in step_map.box_reason
    for u in (np.zeros(8), np.ones(8)):
        low, high = step_map.invariant_box(u)
        np.testing.assert_allclose((low, high), (-np.ones(8), np.ones(8)))
        assert step_map.box_is_whole(u)


def test_a_box_follows_input_and_parameters():
    step_map = boxed(
        lambda p, h, u: 0.5 * h + p["a"] * jnp.tanh(h) + u,
        n_states=1,
        n_inputs=1,
        params={"a": np.array(1.0)},
    )
    # |h| <= |h| / 2 + a + |u|: the attractor lies within 2 (a + |u|), at 1.917, 3.999 and 5.97.
    other = step_map.with_params({"a": np.array(3.0)})
    for which, u, least, most in (
        (step_map, 0.0, 1.91, 4.0),
        (step_map, 1.0, 3.99, 8.0),
        (other, 0.0, 5.96, 12.0),
        (step_map, 0.0, 1.91, 4.0),
    ):
        assert least <= which.invariant_box([u])[1] <= most


def test_a_box_under_some_inputs_only_is_none():
    # A gain that is an input: bounded at 0, not at 1.
    step_map = boxed(lambda h, u: 2 * u * h + 0.5, n_states=1, n_inputs=1)
    assert step_map.box is None
    assert "under the input [1.0]" in step_map.box_reason


def test_a_box_that_holds_some_points_only_is_not_used():
    # Between -1 and 1 the state is drawn to 0; further out it stays where it is.
    step_map = boxed(
        lambda h, u: jnp.where(jnp.abs(h) > 1, h, h * jnp.abs(h)), n_states=1, n_inputs=1
    )
    assert step_map.box is None
    assert "may not hold all fixed points" in step_map.box_reason


def test_a_box_is_proven_anew_with_other_parameters():
    step_map = boxed(
        lambda p, h, u: p["a"] * h, n_states=1, n_inputs=1, params={"a": np.array(0.5)}
    )
    assert step_map.box is not None
    assert step_map.with_params({"a": np.array(2.0)}).box is None


def test_several_steps_have_the_box_of_one():
    step_map = boxed(lambda h, u: jnp.tanh(2 * h), n_states=2, n_inputs=1)
    twice = step_map.power(2)
    np.testing.assert_array_equal(twice.invariant_box([0.0]), step_map.invariant_box([0.0]))
    assert twice.box_is_whole([0.0])


def test_no_box_no_wholeness():
    step_map = boxed(lambda h, u: 2 * h + 1, n_states=1, n_inputs=1)
    assert step_map.box is None
    assert step_map.box_is_whole(np.zeros(1)) is None
    assert "linear operations only" in step_map.box_reason
