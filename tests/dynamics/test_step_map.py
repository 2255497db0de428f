"""The step map itself: calls, runs, new parameters, powers."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.dynamics import StateSlice, StepMap, as_step_map


def tanh_map(**options):
    """Return a step map of three units and two inputs, and its weights."""
    rng = np.random.default_rng(0)
    weights = {"W": rng.normal(size=(3, 3)), "V": rng.normal(size=(3, 2))}

    def step(params, h, u):
        return jnp.tanh(params["W"] @ h + params["V"] @ u)

    return as_step_map(step, n_states=3, n_inputs=2, params=weights, **options), weights


def test_a_call_takes_one_state_or_many_and_broadcasts_the_input():
    step_map, w = tanh_map()
    rng = np.random.default_rng(1)
    h, u = rng.normal(size=(4, 5, 3)), rng.normal(size=2)
    expected = np.tanh(h @ w["W"].T + u @ w["V"].T)

    np.testing.assert_allclose(step_map(h, u), expected, rtol=1e-14)
    np.testing.assert_allclose(step_map(h[1, 2], u), expected[1, 2], rtol=1e-14)
    one_state_many_inputs = step_map(h[0, 0], np.stack([u, 2 * u]))
    np.testing.assert_allclose(one_state_many_inputs[0], expected[0, 0], rtol=1e-14)
    assert one_state_many_inputs.shape == (2, 3)
    assert step_map(np.zeros((0, 3)), u).shape == (0, 3)
    assert step_map(h, u).dtype == np.float64


def test_a_call_with_wrong_shapes_says_what_is_expected():
    step_map, _ = tanh_map()
    with pytest.raises(ValueError, match=r"h has shape \(4,\).*n_states=3"):
        step_map(np.zeros(4), np.zeros(2))
    with pytest.raises(ValueError, match=r"u has shape \(3,\).*n_inputs=2"):
        step_map(np.zeros(3), np.zeros(3))
    with pytest.raises(ValueError, match=r"do not fit"):
        step_map(np.zeros((4, 3)), np.zeros((5, 2)))


def test_a_trajectory_is_the_repeated_step():
    step_map, _ = tanh_map()
    rng = np.random.default_rng(2)
    h0, inputs = rng.normal(size=(4, 3)), rng.normal(size=(4, 6, 2))
    states = step_map.trajectory(h0, inputs)
    h = h0
    for t in range(6):
        h = step_map(h, inputs[:, t])
        np.testing.assert_allclose(states[:, t], h, rtol=1e-13)
    assert step_map.trajectory(h0, inputs[:, :0]).shape == (4, 0, 3)
    with pytest.raises(ValueError, match=r"inputs has shape .* expected \[batch=4"):
        step_map.trajectory(h0, inputs[:3])
    with pytest.raises(ValueError, match=r"h0 has shape"):
        step_map.trajectory(h0[0], inputs)


def test_a_flow_is_integrated_by_runge_kutta():
    A = np.array([[-0.1, 1.0], [-1.0, -0.1]])
    flow = as_step_map(
        lambda h, u: jnp.asarray(A) @ h + u, n_states=2, n_inputs=2, time="continuous", dt=0.05
    )
    states = flow.trajectory(np.array([[1.0, 0.0]]), np.zeros((1, 100, 2)))
    t = 0.05 * np.arange(1, 101)
    exact = np.exp(-0.1 * t)[:, None] * np.stack([np.cos(t), -np.sin(t)], axis=1)
    # One step errs by about dt^5 / 120, a hundred of them by less than 1e-6.
    np.testing.assert_allclose(states[0], exact, atol=1e-6)

    without = as_step_map(lambda h, u: -h, n_states=2, n_inputs=0, time="continuous")
    with pytest.raises(ValueError, match="flow without a time step"):
        without.trajectory(np.zeros((1, 2)), np.zeros((1, 3, 0)))


def test_the_power_of_a_map_is_its_composition():
    step_map, _ = tanh_map(invariant_box=(-1, 1), dt=0.5)
    rng = np.random.default_rng(3)
    h, u = rng.uniform(-1, 1, (4, 3)), rng.normal(size=2)
    thrice = step_map.power(3)
    np.testing.assert_allclose(
        thrice(h, u), step_map(step_map(step_map(h, u), u), u), rtol=1e-13, atol=1e-15
    )
    assert thrice.dt == 1.5
    assert thrice.signature != step_map.signature
    assert thrice.box is not None
    assert step_map.power(1) is step_map
    np.testing.assert_allclose(thrice.power(2)(h, u), thrice(thrice(h, u), u), rtol=1e-13)
    for wrong in (0, -1, 1.5, True):
        with pytest.raises((TypeError, ValueError), match="expected a whole number from 1"):
            step_map.power(wrong)


def test_a_flow_has_no_powers():
    flow = as_step_map(lambda h, u: -h, n_states=2, n_inputs=0, time="continuous")
    with pytest.raises(ValueError, match="is a flow"):
        flow.power(2)


def test_new_parameters_change_the_map_and_leave_the_old_one():
    step_map, w = tanh_map()
    h, u = np.ones(3), np.ones(2)
    before = step_map(h, u)
    doubled = step_map.with_params({"W": 2 * w["W"], "V": w["V"]})
    np.testing.assert_allclose(doubled(h, u), np.tanh(2 * w["W"] @ h + w["V"] @ u), rtol=1e-14)
    np.testing.assert_array_equal(step_map(h, u), before)
    assert doubled.signature == step_map.signature


def test_new_parameters_are_checked():
    step_map, w = tanh_map()
    with pytest.raises(ValueError, match=r"params\['W'\] has shape \(2, 3\), expected \(3, 3\)"):
        step_map.with_params({"W": w["W"][:2], "V": w["V"]})
    with pytest.raises(ValueError, match="structure"):
        step_map.with_params({"W": w["W"]})
    single = as_step_map(
        lambda p, h, u: jnp.tanh(p * h),
        n_states=3,
        n_inputs=0,
        params=np.ones(3, np.float32),
    )
    with pytest.raises(ValueError, match=r"float64, expected float32"):
        single.with_params(np.ones(3))
    assert step_map.with_params({"W": w["W"].astype(np.float32), "V": w["V"]}).params[
        "W"
    ].dtype == np.dtype(np.float64)


def test_later_changes_of_the_callers_arrays_change_nothing():
    weights = np.eye(3)
    held = np.eye(3)

    def step(params, h, u):
        return jnp.tanh(params @ h) + held @ h

    step_map = as_step_map(step, n_states=3, n_inputs=0, params=weights)
    before = step_map(np.ones(3), np.zeros(0))
    weights[:] = 7.0
    held[:] = 7.0
    np.testing.assert_array_equal(step_map(np.ones(3), np.zeros(0)), before)


def test_held_arrays_are_arguments_and_the_given_parameters_alone_can_be_exchanged():
    held = np.diag([1.0, 2.0, 3.0])
    step_map = as_step_map(
        lambda p, h, u: p * (held @ h), n_states=3, n_inputs=0, params=np.array(0.5)
    )
    assert set(step_map.params) == {"given", "held"}
    changed = step_map.with_params(np.array(0.25))
    np.testing.assert_allclose(changed(np.ones(3), np.zeros(0)), [0.25, 0.5, 0.75])
    other = step_map.with_params({"given": np.array(1.0), "held": {"step": [-held], "box": []}})
    np.testing.assert_allclose(other(np.ones(3), np.zeros(0)), [-1, -2, -3])


def test_a_step_map_written_by_hand():
    step_map = StepMap(step=lambda p, h, u: p * h, params=np.array(2.0), n_states=2, n_inputs=0)
    np.testing.assert_allclose(step_map(np.ones(2), np.zeros(0)), [2, 2])
    assert step_map.slices == (StateSlice("state", (2,), 0, 2),)
    another = StepMap(step=lambda p, h, u: p + h, params=np.array(2.0), n_states=2, n_inputs=0)
    np.testing.assert_allclose(another(np.ones(2), np.zeros(0)), [3, 3])
    assert as_step_map(step_map) is step_map
    with pytest.raises(ValueError, match="not made of a model"):
        step_map.with_model(None)


def test_the_output_is_read_out():
    step_map = as_step_map(
        lambda u, h: (jnp.stack([h.sum(), u.sum()]), 0.5 * h), n_states=3, n_inputs=2
    )
    assert step_map.n_outputs == 2
    np.testing.assert_allclose(
        step_map.output(np.ones((4, 3)), np.array([1.0, 5.0])), [[3.0, 6.0]] * 4
    )
    assert step_map.output(np.zeros((0, 3)), np.zeros(2)).shape == (0, 2)
    plain, _ = tanh_map()
    with pytest.raises(ValueError, match="has no readout"):
        plain.output(np.ones(3), np.ones(2))


def test_one_unit_and_no_input():
    step_map = as_step_map(lambda h: jnp.tanh(2 * h), n_states=1)
    assert (step_map.n_states, step_map.n_inputs) == (1, 0)
    np.testing.assert_allclose(step_map(np.array([0.3]), np.zeros(0)), np.tanh([0.6]))
    assert step_map.trajectory(np.ones((2, 1)), np.zeros((2, 5, 0))).shape == (2, 5, 1)


def test_a_replaced_box_or_readout_is_not_mistaken_for_the_old_one():
    step_map, _ = tanh_map(invariant_box=(-1, 1))
    assert step_map.invariant_box(np.zeros(2))[1].tolist() == [1, 1, 1]
    other = dataclasses.replace(step_map, box=lambda p, u: (-2 * jnp.ones(3), 2 * jnp.ones(3)))
    assert other.invariant_box(np.zeros(2))[1].tolist() == [2, 2, 2]
    first = dataclasses.replace(step_map, readout=lambda p, h, u: h[:1])
    second = dataclasses.replace(step_map, readout=lambda p, h, u: 2 * h[:1])
    assert first.output(np.ones(3), np.ones(2)) == 1
    assert second.output(np.ones(3), np.ones(2)) == 2


def test_a_step_map_explains_how_its_model_was_read():
    def step(state, u):
        return {"v": jnp.tanh(2 * state["v"] + u), "w": 0.5 * state["w"]}

    found = as_step_map(step, n_states={"v": 2, "w": 1}, n_inputs=2).explain()
    assert [part.name for part in found.state] == ["v", "w"]
    assert found.reading.order == "state_input"
    assert found.box is not None
    text = str(found)
    assert "read as     a JAX function" in text
    assert "state       v[2] at 0, w[1] at 2" in text
    assert "box         within [-" in text
    weights = {"W": 2 * np.eye(2), "b": np.zeros(2)}
    plain = as_step_map(
        lambda p, h, u: p["W"] @ h + p["b"] + u, params=weights, n_states=2, n_inputs=1
    )
    assert dict(plain.explain().parameters) == {"W": (2, 2), "b": (2,)}
    assert "box         none: " in str(plain.explain())
