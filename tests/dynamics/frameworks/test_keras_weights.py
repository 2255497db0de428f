"""Keras' recurrent layers against Keras itself, with whatever backend there is."""

import importlib.util
import os
import tempfile

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fpf_notebook import FixedPointFinder, as_step_map
from fpf_notebook.dynamics.jacobians import linearize

if importlib.util.find_spec("keras") is None:
    pytest.skip("could not import 'keras'", allow_module_level=True)

# Keras reads these once, when it is imported, and writes a file into its home.
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("KERAS_HOME", tempfile.mkdtemp())

import keras

RNG = np.random.default_rng(0)


def randomized(layer, seed=0, scale=0.6):
    rng = np.random.default_rng(seed)
    for weight in layer.weights:
        weight.assign(scale * rng.normal(size=weight.shape))
    return layer


def built(cell, n_inputs, seed=0, dims=1):
    cell.build((None,) * dims + (n_inputs,))
    return randomized(cell, seed)


def own_steps(cell, h, u):
    """Step by Keras, with the flat state cut as Keras orders its state arrays."""
    stops = np.cumsum(keras.tree.flatten(cell.state_size))
    dtype = cell.compute_dtype
    states = [jax.numpy.asarray(part, dtype) for part in np.split(h, stops[:-1], axis=1)]
    if isinstance(cell, keras.layers.StackedRNNCells):
        nested, left = [], list(states)
        for inner in cell.cells:
            n = len(keras.tree.flatten(inner.state_size))
            nested.append([left.pop(0) for _ in range(n)] if n > 1 else left.pop(0))
        _, after = cell.call(jax.numpy.asarray(u, dtype), nested)
        flat = [part for group in after for part in (group if isinstance(group, list) else [group])]
    else:
        _, flat = cell.call(jax.numpy.asarray(u, dtype), states)
    return np.concatenate([keras.ops.convert_to_numpy(part) for part in flat], axis=1)


@st.composite
def descriptions(draw):
    n = draw(st.integers(1, 5))
    kind = draw(st.sampled_from(["SimpleRNNCell", "GRUCell", "LSTMCell"]))
    names = ["tanh", "sigmoid", "relu", "softsign", "hard_sigmoid", "elu", "silu", "gelu"]
    options = {"use_bias": draw(st.booleans()), "activation": draw(st.sampled_from(names))}
    if kind != "SimpleRNNCell":
        gates = ["sigmoid", "hard_sigmoid"]
        options["recurrent_activation"] = draw(st.sampled_from(gates))
    if kind == "GRUCell":
        options["reset_after"] = draw(st.booleans())
    return kind, n, options, draw(st.integers(1, 4)), draw(st.integers(0, 99))


def states_and_inputs(step_map, n=4):
    rng = np.random.default_rng(1)
    h = rng.uniform(-1, 1, (n, step_map.n_states)).astype(np.float32)
    return h, rng.uniform(-1, 1, (n, step_map.n_inputs)).astype(np.float32)


@settings(max_examples=8, deadline=None)
@given(description=descriptions())
def test_one_step_and_its_derivative_are_those_of_keras(description):
    kind, n, options, n_inputs, seed = description
    cell = built(getattr(keras.layers, kind)(n, **options), n_inputs, seed)
    step_map = as_step_map(cell)
    h, u = states_and_inputs(step_map)
    np.testing.assert_allclose(step_map(h, u), own_steps(cell, h, u), rtol=2e-6, atol=2e-6)
    # Its own derivative, by differences of single precision.
    jacobian, _ = linearize(step_map, h[:1], u[:1])
    size, step = step_map.n_states, 1e-2
    ahead = own_steps(cell, h[:1] + step * np.eye(size), np.repeat(u[:1], size, axis=0))
    back = own_steps(cell, h[:1] - step * np.eye(size), np.repeat(u[:1], size, axis=0))
    if cell.activation.__name__ not in ("relu", "hard_sigmoid", "elu"):  # kinks
        np.testing.assert_allclose(jacobian[0].T, (ahead - back) / (2 * step), atol=2e-3)


@pytest.mark.parametrize("reset_after", [True, False])
def test_double_precision_equals_keras_in_double_precision(reset_after):
    if keras.backend.backend() != "jax":
        pytest.skip("needs Keras on JAX")
    # On JAX, Keras' tanh rounds to single precision: another activation, then.
    with jax.enable_x64(True):
        for kind in ("SimpleRNNCell", "GRUCell", "LSTMCell"):
            options = {"reset_after": reset_after} if kind == "GRUCell" else {}
            cell = built(
                getattr(keras.layers, kind)(4, dtype="float64", activation="sigmoid", **options), 3
            )
            step_map = as_step_map(cell)
            h, u = states_and_inputs(step_map)
            np.testing.assert_allclose(step_map(h, u), own_steps(cell, h, u), atol=1e-12)

            def flat(x, v, cell=cell):
                parts = [x[None, :4], x[None, 4:]][: len(x) // 4]
                return jax.numpy.concatenate(cell.call(v[None], parts)[1], axis=1)[0]

            wide = jax.numpy.asarray(h[0], float), jax.numpy.asarray(u[0], float)
            for ours, theirs in zip(
                linearize(step_map, h[:1], u[:1]), jax.jacfwd(flat, (0, 1))(*wide), strict=True
            ):
                np.testing.assert_allclose(ours[0], theirs, atol=1e-12)


def test_stacked_cells_and_layers():
    layers = keras.layers
    stack = built(layers.StackedRNNCells([layers.LSTMCell(3), layers.GRUCell(2)]), 2)
    step_map = as_step_map(stack)
    assert [part.name for part in step_map.slices] == ["h[0]", "c[0]", "h[1]"]
    h, u = states_and_inputs(step_map)
    np.testing.assert_allclose(step_map(h, u), own_steps(stack, h, u), atol=1e-6)
    same = as_step_map(layers.RNN(stack))
    np.testing.assert_array_equal(same(h, u), step_map(h, u))


def test_a_sequential_is_a_network_with_a_readout():
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((None, 2)),
            layers.GRU(3, return_sequences=True),
            layers.Dropout(0.5),
            layers.LSTM(4, return_sequences=True),
            layers.TimeDistributed(layers.Dense(5, activation="tanh")),
            layers.Dense(1),
        ]
    )
    randomized(network)
    step_map = as_step_map(network)
    inputs = RNG.normal(size=(6, 7, 2)).astype(np.float32)
    states = step_map.trajectory(np.zeros((6, 11)), inputs)
    before = np.concatenate([np.zeros((6, 1, 11)), states[:, :-1]], axis=1)
    expected = keras.ops.convert_to_numpy(network(inputs))
    np.testing.assert_allclose(step_map.output(before, inputs), expected, atol=1e-5)


@pytest.mark.parametrize("reset_after", [True, False])
def test_the_set_is_known_to_be_complete(reset_after):
    cell = built(keras.layers.GRUCell(4, reset_after=reset_after), 2, seed=5)
    finder = FixedPointFinder(cell)
    starts = RNG.uniform(-1, 1, (64, 4))
    unique, _ = finder.find_fixed_points(
        initial_states=starts, inputs=np.zeros((1, 2)), exhaustive=True
    )
    assert unique.completeness.expected_sum == unique.completeness.index_sum == 1


def test_boxes():
    layers = keras.layers
    u = np.array([0.5, -1.0])
    for cell in (layers.SimpleRNNCell(3), layers.GRUCell(3), layers.LSTMCell(3)):
        step_map = as_step_map(built(cell, 2))
        low, high = step_map.invariant_box(u)
        inside = low + RNG.choice([0.0, 0.5, 1.0], (300, len(low))) * (high - low)
        after = step_map(inside, u[None])
        assert (after >= low - 1e-12).all()
        assert (after <= high + 1e-12).all()
    unbounded = as_step_map(built(layers.GRUCell(3, activation="relu"), 2))
    assert unbounded.invariant_box(u) is None
    assert "relu is not bounded" in unbounded.box_reason
    saturating = as_step_map(built(layers.LSTMCell(3, recurrent_activation="hard_sigmoid"), 2))
    assert "may be 1 exactly" in saturating.box_reason or "proven" in saturating.box_reason


def test_what_cannot_be_read_is_refused_with_the_reason():
    layers = keras.layers
    with pytest.raises(ValueError, match="has no weights yet"):
        as_step_map(layers.GRUCell(3))
    with pytest.raises(ValueError, match="backward half starts at the end"):
        as_step_map(layers.Bidirectional(layers.GRU(3)))
    with pytest.raises(TypeError, match="model is a Keras Dense, expected SimpleRNN"):
        as_step_map(layers.Dense(3))
    with pytest.raises(ValueError, match=r"activation <lambda> of this Keras GRUCell is not known"):
        as_step_map(built(layers.GRUCell(3, activation=lambda x: x), 2))
    with pytest.raises(ValueError, match="readout is a Keras LayerNormalization"):
        as_step_map(built(layers.GRUCell(3), 2), readout=layers.LayerNormalization())
