"""The boxes: the step maps them into themselves, and nothing fixed lies outside."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.models import GRU, LSTM, VanillaRNN
from fpf_notebook.models.lstm import lstm_step
from fpf_notebook.models.reset_first_gru import ResetFirstGRU


def in_float64(model, scale, seed):
    """Return the model's parameters, made larger so that gates saturate, with random biases."""
    rng = np.random.default_rng(seed)
    return {
        name: scale * (np.asarray(value, np.float64) + 0.5 * rng.normal(size=value.shape))
        for name, value in model.parameters().items()
    }


def box_of(model, params, u):
    with jax.enable_x64(True):
        return tuple(np.asarray(c) for c in type(model).from_arrays(**params).invariant_box(u))


@functools.partial(jax.jit, static_argnums=(0, 4))
def steps(step, params, h, u, n):
    batched = jax.vmap(step, in_axes=(None, 0, None))
    return jax.lax.fori_loop(0, n, lambda _, h: batched(params, h, u), h)


def after_steps(model, params, h, u, n):
    with jax.enable_x64(True):
        params = {name: jnp.asarray(value) for name, value in params.items()}
        return np.asarray(steps(model.step, params, jnp.asarray(h), jnp.asarray(u), n))


CELLS = [
    pytest.param(VanillaRNN(2, 6, 1), id="tanh"),
    pytest.param(GRU(2, 6, 1), id="gru"),
    pytest.param(ResetFirstGRU(2, 6, 1), id="reset-first-gru"),
    pytest.param(LSTM(2, 6, 1), id="lstm"),
]


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("model", CELLS)
def test_the_step_maps_the_box_into_itself(model, scale):
    rng = np.random.default_rng(0)
    for seed in range(5):
        params, u = in_float64(model, scale, seed), rng.normal(size=2)
        low, high = box_of(model, params, u)
        assert (low < high).all()
        share = rng.uniform(size=(20_000, model.n_states))
        share[10_000:] = np.round(share[10_000:])  # corners, where the map is most likely to leave
        h_next = after_steps(model, params, low + share * (high - low), u, 1)
        slack = 1e-12 * (1 + np.abs(high - low))
        assert (h_next >= low - slack).all()
        assert (h_next <= high + slack).all()


@pytest.mark.parametrize("scale", [0.3, 1.0])
@pytest.mark.parametrize("model", CELLS)
def test_long_runs_from_outside_end_in_the_box(model, scale):
    # What a run comes back to, fixed points included, is in the box.
    rng = np.random.default_rng(1)
    params, u = in_float64(model, scale, 9), rng.normal(size=2)
    low, high = box_of(model, params, u)
    h = (low + high) / 2 + rng.uniform(-1, 1, (50, model.n_states)) * (high - low)
    assert ((h < low) | (h > high)).any(axis=1).mean() > 0.9
    h = after_steps(model, params, h, u, 20_000)
    slack = 1e-9 * (1 + np.abs(high - low))
    assert (h >= low - slack).all()
    assert (h <= high + slack).all()


def test_one_lstm_unit_against_the_bound_by_hand():
    # W_hh = 0 makes the gates constant: the cell's fixed point is i g / (1 - f), and it is the box.
    drive = np.array([0.3, 1.2, -0.7, 0.5])
    i, f, o = 1 / (1 + np.exp(-drive[[0, 1, 3]]))
    cell = i * np.tanh(drive[2]) / (1 - f)
    params = {
        "W_ih": np.zeros((4, 0)),
        "W_hh": np.zeros((4, 1)),
        "b_ih": drive,
        "b_hh": np.zeros(4),
    }
    with jax.enable_x64(True):
        low, high = LSTM.from_arrays(**params).invariant_box(np.zeros(0))
    np.testing.assert_allclose(low, [o * np.tanh(cell), cell], atol=1e-15)
    np.testing.assert_allclose(high, low, atol=1e-15)


def test_the_lstm_box_is_not_much_wider_than_needed():
    # One unit that feeds only its own candidate: the extremes are fixed points themselves.
    params = {
        "W_ih": np.zeros((4, 0)),
        "W_hh": np.array([[0.0], [0.0], [6.0], [0.0]]),
        "b_ih": np.zeros(4),
        "b_hh": np.zeros(4),
    }
    with jax.enable_x64(True):
        model = LSTM.from_arrays(**params)
        h = jnp.array([0.9, 0.9])
        for _ in range(200):
            h = lstm_step(model.parameters(), h, jnp.zeros(0))
        low, high = model.invariant_box(np.zeros(0))
    np.testing.assert_allclose(high, h, rtol=1e-2)
    np.testing.assert_allclose(low, -high, atol=1e-15)


def test_saturated_gates_give_a_wide_box_and_no_nan():
    for drive in (30.0, 80.0, 1000.0):
        biases = {"b_ih": np.repeat(drive, 4).astype("f4"), "b_hh": np.zeros(4, "f4")}
        for candidate in (drive, 0.0):
            biases["b_ih"][2] = candidate
            model = LSTM.from_arrays(
                W_ih=np.zeros((4, 0), "f4"), W_hh=np.zeros((4, 1), "f4"), **biases
            )
            low, high = (np.asarray(c) for c in model.invariant_box(np.zeros(0)))
            assert not np.isnan(low).any()
            assert not np.isnan(high).any()
            assert (low <= high).all()
    assert high[1] == 0.0


def test_relu_has_no_box_and_says_why():
    model = VanillaRNN(1, 3, 1, nonlinearity="relu")
    assert model.invariant_box(np.zeros(1)) is None
    assert "not bounded" in model.invariant_box_reason
    low, high = VanillaRNN(1, 3, 1, nonlinearity="sigmoid").invariant_box(np.zeros(1))
    np.testing.assert_array_equal(low, np.zeros(3))
    np.testing.assert_array_equal(high, np.ones(3))
