"""BrainPy models with the single-step call."""

from pathlib import Path

import brainpy as bp
import brainpy.math as bm
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.dynamics import StateSlice, as_step_map
from fpf_notebook.models import GRU, LSTM, VanillaRNN
from fpf_notebook.models.loading import load_model
from tests.dynamics.brainpy_models import M, N, SimpleRNN, normal

NETS = Path(__file__).parents[3] / "shared" / "peers" / "nets"
H, U = np.random.default_rng(0).normal(size=(2, 6, N)), np.random.default_rng(1).normal(size=(6, M))


def test_the_model_of_the_tutorials():
    model = SimpleRNN()
    step_map = as_step_map(model, n_states=N, n_inputs=M)
    np.testing.assert_allclose(step_map(H[0], U), model.expected(H[0], U), rtol=1e-13)
    out = model.expected(H[0], U) @ np.asarray(model.w_ho.value, np.float64)
    np.testing.assert_allclose(step_map.output(H[0], U), out, rtol=1e-12)
    assert set(step_map.params) == {"w_ih", "w_hh", "w_ho"}
    assert step_map.params["w_ih"].dtype == np.float32
    assert "proven from the step" in step_map.box_reason
    half = step_map.with_params({k: (v / 2) for k, v in step_map.params.items()})
    assert not np.allclose(half(H[0], U), step_map(H[0], U))


def test_sizes_are_read_from_the_model_or_asked_for():
    model = SimpleRNN()
    with pytest.raises(ValueError, match="SimpleRNN does not tell its n_states: pass n_states="):
        as_step_map(model)
    model.n_hidden, model.num_in = N, M
    step_map = as_step_map(model)
    assert (step_map.n_states, step_map.n_inputs) == (N, M)
    with pytest.raises(ValueError, match="could not be called as a single step with n_states=5"):
        as_step_map(model, n_states=5)


@pytest.mark.parametrize(("kind", "n_states"), [(VanillaRNN, N), (GRU, N), (LSTM, 2 * N)])
def test_our_own_models(kind, n_states):
    model = kind(M, N, 2, seed=1)
    step_map = as_step_map(model)
    assert (step_map.n_states, step_map.n_inputs, step_map.n_outputs) == (n_states, M, 2)
    rng = np.random.default_rng(2)
    h, u = rng.uniform(-1, 1, (5, n_states)), rng.normal(size=(5, M))
    outputs, following = model(jnp.asarray(u)[:, None], jnp.asarray(h))
    np.testing.assert_allclose(step_map(h, u), following, atol=1e-6)
    np.testing.assert_allclose(step_map.output(h, u), np.asarray(outputs)[:, 0], atol=1e-6)
    low, high = step_map.invariant_box(u[0])
    expected = model.invariant_box(jnp.asarray(u[0], jnp.float32))
    np.testing.assert_allclose([low, high], expected, rtol=1e-5)
    names = [(part.name, part.stop - part.start) for part in step_map.slices]
    assert names == list(model.state_slices)


def test_the_box_follows_the_parameters():
    step_map = as_step_map(LSTM(M, N, 0, seed=1))
    u = np.ones(M)
    low, high = step_map.invariant_box(u)
    other_low, other_high = step_map.with_params(
        {name: 0.1 * value for name, value in step_map.params.items()}
    ).invariant_box(u)
    assert (other_high - other_low < high - low).all()


@pytest.mark.parametrize("name", ["ff2_tanh3", "ff3_gru16", "ff3_lstm16"])
def test_trained_networks_have_their_known_fixed_points(name):
    path = NETS / f"{name}.npz"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    with np.load(path) as archive:
        net = dict(archive)
    step_map = as_step_map(load_model(path))
    points, u = net["xstar_true"], net["u_star"][0]
    np.testing.assert_allclose(step_map(points, u), points, atol=1e-9)
    low, high = step_map.invariant_box(u)
    assert ((low <= points) & (points <= high)).all()


def test_inputs_without_the_axis_of_time():
    class Flat(bp.DynamicalSystem):
        n_hidden, n_inputs = N, M

        def __init__(self):
            super().__init__()
            self.W = bm.TrainVar(normal(0, N, N))
            self.V = bm.TrainVar(normal(1, M, N))

        def update(self, x, h):
            h = bm.tanh(h @ self.W + x @ self.V)
            return {"not": "an array"}, h

    model = Flat()
    step_map = as_step_map(model)
    W, V = (np.asarray(w.value, np.float64) for w in (model.W, model.V))
    np.testing.assert_allclose(step_map(H[0], U), np.tanh(H[0] @ W + U @ V), rtol=1e-13)
    assert step_map.readout is None
    assert step_map.slices == (StateSlice("state", (N,), 0, N),)


class _Model(bp.DynamicalSystem):
    n_hidden, n_inputs = N, M

    def __init__(self, function):
        super().__init__()
        self.memory = bm.Variable(jnp.zeros(N))
        self.function = function

    def update(self, inputs, hidden):
        return self.function(self, inputs[:, 0], hidden)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda m, x, h: {"a": 1}, r"returned dict of \(a: int\), expected one array or a pair"),
        (lambda m, x, h: (h, h[:, :2]), r"next state of shape \(5, 2\), expected \(5, 4\)"),
        (lambda m, x, h: (h, None), r"returned tuple of \(array\[5, 4\], NoneType\), expected"),
        (lambda m, x, h: (h, h @ jnp.ones((7, 7))), "raised TypeError"),
        (lambda m, x, h: (h, h + bm.random.rand(N)), "draws random numbers"),
    ],
)
def test_what_is_wrong_is_said(function, message):
    with pytest.raises(ValueError, match=message):
        as_step_map(_Model(function))


def test_a_hidden_state_beside_the_state_is_refused_where_it_matters():
    def remembers(model, x, h):
        model.memory.value = model.memory.value + h[0]
        return h, h + model.memory.value

    with pytest.raises(ValueError, match="what the last call left in the Variable 'memory'"):
        as_step_map(_Model(remembers))

    def records(model, x, h):
        model.memory.value = h[0]
        return h, 0.5 * h

    step_map = as_step_map(_Model(records))
    np.testing.assert_allclose(step_map(H[0], U), 0.5 * H[0])


def test_three_arguments_and_options_for_other_models_are_refused():
    class Three(bp.DynamicalSystem):
        def update(self, x, h, more):
            return x, h

    with pytest.raises(ValueError, match="Three takes 3 arguments"):
        as_step_map(Three(), n_states=1, n_inputs=1)
    with pytest.raises(ValueError, match="state_vars= is for models that keep their state"):
        as_step_map(SimpleRNN(), n_states=N, n_inputs=M, state_vars="w_hh")
    for option in ({"params": {}}, {"batched": True}):
        with pytest.raises(ValueError, match="is for functions"):
            as_step_map(SimpleRNN(), n_states=N, n_inputs=M, **option)


def test_no_input_and_one_unit():
    class Autonomous(bp.DynamicalSystem):
        n_hidden, n_inputs = 1, 0

        def update(self, inputs, hidden):
            assert inputs.shape[1:] == (1, 0)
            return hidden, bm.tanh(2.0 * hidden)

    step_map = as_step_map(Autonomous())
    np.testing.assert_allclose(step_map(np.array([0.3]), np.zeros(0)), np.tanh([0.6]))
