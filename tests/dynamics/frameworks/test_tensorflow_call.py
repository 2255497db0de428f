"""Functions and modules of TensorFlow that are called, against the same formulas in JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, as_step_map, train_flip_flop
from fpf_notebook.dynamics.jacobians import linearize

tf = pytest.importorskip("tensorflow")

N, M = 4, 2
RNG = np.random.default_rng(0)
W, V, C = RNG.normal(size=(N, N)), RNG.normal(size=(M, N)), RNG.normal(size=(N, 3))
H, U = RNG.uniform(-1, 1, (5, N)), RNG.uniform(-1, 1, (5, M))
FOLLOWING = np.tanh(H @ W + U @ V)


def step(u, h):
    following = tf.tanh(h @ tf.constant(W, h.dtype) + u @ tf.constant(V, h.dtype))
    return following @ tf.constant(C, h.dtype), following


def state_first(h, u):
    return step(u, h)[1]


def of_one(u, h):
    output, following = step(u[None], h[None])
    return output[0], following[0]


class Module(tf.Module):
    """Variables in single precision, as TensorFlow makes them."""

    def __init__(self):
        super().__init__()
        self.W, self.V = (tf.Variable(a.astype(np.float32)) for a in (W, V))

    def __call__(self, u, h):
        following = tf.tanh(h @ self.W + u @ self.V)
        return following, following


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (step, {}),
        (tf.function(step), {}),
        (state_first, {"convention": "state_input"}),
        (of_one, {"batched": False}),
    ],
)
def test_values_and_jacobians(model, options):
    step_map = as_step_map(model, n_states=N, n_inputs=M, framework="tensorflow", **options)
    assert step_map.precision == "float64"
    np.testing.assert_allclose(step_map(H, U), FOLLOWING, atol=1e-14)
    by_h, by_u = linearize(step_map, H, U)
    slope = 1 - FOLLOWING[:, :, None] ** 2
    np.testing.assert_allclose(by_h, slope * W.T, atol=1e-13)
    np.testing.assert_allclose(by_u, slope * V.T, atol=1e-13)
    if model is not state_first:
        np.testing.assert_allclose(step_map.output(H, U), FOLLOWING @ C, atol=1e-13)


def test_a_module_in_single_precision_tells_its_framework():
    step_map = as_step_map(Module(), n_states=N, n_inputs=M)
    assert step_map.precision == "float32"
    np.testing.assert_allclose(step_map(H, U), FOLLOWING, atol=1e-6)


def test_a_cell_of_keras_on_tensorflow_is_called():
    import keras

    if keras.config.backend() != "tensorflow":
        pytest.skip("Keras runs on another backend here")
    cell = keras.layers.SimpleRNNCell(N)
    cell.build((None, M))
    with pytest.raises(TypeError, match="takes a list of states"):
        as_step_map(cell, n_states=N, n_inputs=M, framework="tensorflow")
    called = as_step_map(lambda u, h: cell(u, [h]), n_states=N, n_inputs=M, framework="tensorflow")
    np.testing.assert_allclose(called(H, U), as_step_map(cell)(H, U), atol=1e-6)


def test_the_same_complete_set_as_in_jax():
    model, task, _ = train_flip_flop(n_bits=2, cell="tanh", seed=0)
    weights = {name: np.asarray(w, np.float64) for name, w in model.parameters().items()}

    def twin(u, h):
        following = tf.tanh(h @ weights["W_hh"].T + u @ weights["W_ih"].T + weights["b"])
        return following, following

    states = np.asarray(model.run(task.sample(32, seed=1).inputs)[1])
    finder = FixedPointFinder(twin, framework="tensorflow", invariant_box=(-1, 1))
    found, _ = finder.find_fixed_points(states, np.zeros((1, 2)), 128, exhaustive=True)
    known, _ = FixedPointFinder(model).find_fixed_points(
        states, np.zeros((1, 2)), 128, exhaustive=True
    )
    assert len(found) == 9
    assert found.completeness.index_sum == found.completeness.expected_sum == 1
    np.testing.assert_allclose(found.xstar, known.xstar, atol=1e-8)
    np.testing.assert_array_equal(found.n_unstable, known.n_unstable)


def test_nothing_global_changes():
    before = jax.config.jax_enable_x64, tf.keras.backend.floatx(), jnp.ones(1).dtype
    as_step_map(step, n_states=N, n_inputs=M, framework="tensorflow")(H, U)
    assert before == (jax.config.jax_enable_x64, tf.keras.backend.floatx(), jnp.ones(1).dtype)


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (step, {"n_states": N}, "pass n_states= and n_inputs="),
        (lambda u, h: (h, u), {"n_states": N, "n_inputs": M}, r"next state of \(3, 2\), expected"),
        (lambda u, h: h @ tf.zeros((9, 9)), {"n_states": N, "n_inputs": M}, "could not be called"),
        (
            lambda u, h: (h, h + tf.random.normal(tf.shape(h), dtype=h.dtype)),
            {"n_states": N, "n_inputs": M},
            "same arguments",
        ),
    ],
)
def test_bad_models(model, options, message):
    with pytest.raises(ValueError, match=message):
        as_step_map(model, framework="tensorflow", **options)


def test_two_functions_of_the_same_sizes_are_not_mistaken_for_each_other():
    def scaled(gain):
        return lambda u, h: (h, tf.tanh(gain * h))

    for gain in (0.5, 2.0):
        step_map = as_step_map(scaled(gain), n_states=N, n_inputs=M, framework="tensorflow")
        np.testing.assert_allclose(step_map(H, U), np.tanh(gain * H), atol=1e-14)
        by_h, _ = linearize(step_map, np.zeros((1, N)), np.zeros((1, M)))
        np.testing.assert_allclose(by_h[0], gain * np.eye(N), atol=1e-14)
