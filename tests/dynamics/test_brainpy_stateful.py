"""BrainPy models that keep their state in Variables."""

import brainpy as bp
import brainpy.math as bm
import jax.numpy as jnp
import numpy as np
import pytest
from brainpy.math.defaults import env

from fpf_notebook.dynamics import as_step_map
from tests.dynamics.brainpy_models import (
    M,
    N,
    dense,
    gru_cell,
    gru_next,
    lstm_cell,
    lstm_next,
    normal,
    rnn_cell,
    rnn_next,
    weights,
)

RNG = np.random.default_rng(0)
U = RNG.normal(size=(6, M))
MODES = [bm.TrainingMode(), bm.BatchingMode(7), bm.NonBatchingMode()]
CELLS = {
    "rnn": (rnn_cell, rnn_next, N),
    "gru": (gru_cell, gru_next, N),
    "lstm": (lstm_cell, lstm_next, 2 * N),
}


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: type(mode).__name__)
@pytest.mark.parametrize("kind", CELLS)
def test_a_cell_steps_as_its_equations_say(kind, mode):
    make, following, n_states = CELLS[kind]
    cell = make(mode)
    step_map = as_step_map(cell)
    assert (step_map.n_states, step_map.n_inputs) == (n_states, M)
    h = RNG.uniform(-0.9, 0.9, (6, n_states))
    np.testing.assert_allclose(step_map(h, U), following(cell, h, U), rtol=1e-12, atol=1e-14)
    assert step_map.precision == "float64"
    assert [part.shape for part in step_map.slices] == [(n_states,)]
    low, high = step_map.invariant_box(U[0])
    inside = RNG.uniform(low, high, (64, n_states))
    after = step_map(inside, U[0])
    assert ((low <= after) & (after <= high)).all()


@pytest.mark.parametrize("mode", MODES[:2], ids=lambda mode: type(mode).__name__)
def test_a_sequence_of_cells_and_layers(mode):
    first, middle, second, last = (
        rnn_cell(mode),
        dense(mode, N, 2),
        lstm_cell(mode, 2, 3, seed=20),
        dense(mode, 3, 1, seed=30),
    )
    step_map = as_step_map(bp.Sequential(first, middle, bm.relu, second, last))
    assert (step_map.n_states, step_map.n_inputs, step_map.n_outputs) == (N + 6, M, 1)
    assert [(p.name, p.start, p.stop) for p in step_map.slices] == [
        ("RNNCell0.state", 0, N),
        ("LSTMCell0.state", N, N + 6),
    ]
    h = RNG.uniform(-0.9, 0.9, (6, N + 6))
    a = rnn_next(first, h[:, :N], U)
    W, b = weights(middle)
    c = lstm_next(second, h[:, N:], np.maximum(a @ W + b, 0))
    np.testing.assert_allclose(step_map(h, U), np.concatenate([a, c], 1), rtol=1e-12, atol=1e-14)
    W, b = weights(last)
    np.testing.assert_allclose(step_map.output(h, U), c[:, :3] @ W + b, rtol=1e-12, atol=1e-14)


def test_names_do_not_depend_on_how_many_objects_there_were_before():
    first = as_step_map(bp.Sequential(rnn_cell(MODES[0]), dense(MODES[0])))
    for _ in range(3):
        rnn_cell(MODES[0])
    second = as_step_map(bp.Sequential(rnn_cell(MODES[0]), dense(MODES[0])))
    assert list(first.params) == list(second.params)
    assert first.signature == second.signature


def test_a_network_of_our_own_around_a_cell():
    class Net(bp.DynamicalSystem):
        def __init__(self):
            super().__init__()
            self.rnn = rnn_cell(MODES[0])
            self.out = dense(MODES[0])
            self.last = bm.Variable(jnp.zeros((1, 2)), batch_axis=0)

        def update(self, x):
            self.last.value = self.out(self.rnn(x))
            return self.last.value

    net = Net()
    with pytest.raises(ValueError, match="Net does not tell its n_inputs"):
        as_step_map(net)
    step_map = as_step_map(net, n_inputs=M)
    # What only records the output is no part of the state.
    assert [part.name for part in step_map.slices] == ["rnn.state"]
    h = RNG.uniform(-0.9, 0.9, (6, N))
    np.testing.assert_allclose(step_map(h, U), rnn_next(net.rnn, h, U), rtol=1e-12)
    assert step_map.n_outputs == 2
    low, high = step_map.invariant_box(U[0])
    np.testing.assert_array_equal([low, high], [-np.ones(N), np.ones(N)])
    assert "probing" in step_map.box_reason
    assert as_step_map(net, n_inputs=M, n_states=N + 2).n_states == N + 2


class Pair(bp.DynamicalSystem):
    """Two state arrays, one of them a matrix, a counter and a running mean."""

    n_inputs = 1

    def __init__(self, counts=False):
        super().__init__()
        self.A = bm.TrainVar(normal(1, 2, 2))
        self.x = bm.Variable(jnp.zeros(3))
        self.y = bm.Variable(jnp.zeros((2, 2)))
        self.steps = bm.Variable(jnp.zeros((), jnp.int32))
        self.gain = bm.Variable(jnp.ones(()))
        self.counts = counts

    def update(self, u):
        self.steps.value = self.steps.value + 1
        gain = self.gain.value * (self.steps.value if self.counts else 1)
        x = bm.tanh(gain * self.x.value + u)
        self.y.value = 0.5 * self.y.value @ self.A.value + bm.sum(self.x.value)
        self.x.value = x
        return x

    def expected(self, h, u, gain=1.0):
        A = np.asarray(self.A.value, np.float64)
        x, y = h[:3], h[3:].reshape(2, 2)
        return np.concatenate([np.tanh(gain * x + u), (0.5 * y @ A + x.sum()).ravel()])


def test_several_arrays_become_one_vector_with_named_parts():
    model = Pair()
    step_map = as_step_map(model)
    parts = [(part.name, part.shape, part.start, part.stop) for part in step_map.slices]
    assert parts == [("x", (3,), 0, 3), ("y", (2, 2), 3, 7)]
    h = RNG.normal(size=7)
    np.testing.assert_allclose(step_map(h, [0.3]), model.expected(h, 0.3), rtol=1e-12)
    # The gain is a Variable that the step reads and does not write: a parameter.
    assert set(step_map.params) == {"A", "gain"}


def test_the_state_can_be_chosen():
    model = Pair()
    model.x.value = jnp.asarray([0.1, 0.2, 0.3])
    h = RNG.normal(size=7)
    for chosen in (["y", "x"], [model.y, model.x], ("y", model.x)):
        step_map = as_step_map(model, state_vars=chosen)
        assert [part.name for part in step_map.slices] == ["y", "x"]
        swapped = step_map(np.concatenate([h[3:], h[:3]]), [0.3])
        np.testing.assert_allclose(np.roll(swapped, 3), model.expected(h, 0.3), rtol=1e-12)
    # What is left out is held where it is.
    only = as_step_map(model, state_vars="y")
    expected = model.expected(np.concatenate([[0.1, 0.2, 0.3], h[3:]]), 0.3)[3:]
    np.testing.assert_allclose(only(h[3:], [0.3]), expected, rtol=1e-6)
    cell = rnn_cell(MODES[0])
    net = bp.Sequential(cell, dense(MODES[0]))
    for name in ("state", "RNNCell0.state", f"{cell.name}.state", f"children.{cell.name}.state"):
        assert as_step_map(net, state_vars=name).n_states == N


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ("z", "names the Variable 'z' of Pair, which it does not have.*'x', 'y'"),
        (["x", "x"], "names a Variable twice"),
        ([], "state_vars is empty"),
        ("steps", "'steps' of type int32, expected real"),
        ("gain", "which a step of Pair does not change"),
        ([bm.Variable(jnp.zeros(3))], "that is no Variable of Pair"),
    ],
)
def test_a_wrong_choice_is_explained(chosen, message):
    with pytest.raises(ValueError, match=message):
        as_step_map(Pair(), state_vars=chosen)


def test_a_counter_is_refused_where_the_state_depends_on_it():
    with pytest.raises(ValueError, match=r"'steps' of type int32.*depends on it.*state_vars="):
        as_step_map(Pair(counts=True))
    model = Pair(counts=True)
    model.steps.value = jnp.asarray(2, jnp.int32)
    held = as_step_map(model, state_vars=["x", "y"])
    h = RNG.normal(size=7)
    np.testing.assert_allclose(held(h, [0.3]), model.expected(h, 0.3, gain=3.0), rtol=1e-12)
    assert int(model.steps.value) == 2


def test_a_wrong_number_of_states_is_explained():
    with pytest.raises(ValueError, match=r"The state of Pair is x\[3\], y\[2, 2\]: 7 numbers, but"):
        as_step_map(Pair(), n_states=5)

    class Batched(bp.DynamicalSystem):
        n_inputs = 2

        def __init__(self):
            super().__init__()
            self.h = bm.Variable(jnp.zeros((8, 2)))

        def update(self, x):
            self.h.value = bm.tanh(self.h.value + x)

    with pytest.raises(ValueError, match="If a leading axis is a batch, declare it"):
        as_step_map(Batched(), n_states=2)


class Stateful(bp.DynamicalSystem):
    def __init__(self, function):
        super().__init__()
        self.h = bm.Variable(jnp.zeros(2))
        self.function = function

    def update(self, x):
        self.h.value = self.function(self.h.value, x)


def test_random_numbers_are_refused():
    for function in (
        lambda h, x: h + bm.random.randn(2),
        lambda h, x: h + RNG.normal(size=2),
    ):
        with pytest.raises(ValueError, match="random number"):
            as_step_map(Stateful(function), n_inputs=2)


def test_dropout_is_switched_off():
    net = bp.Sequential(rnn_cell(MODES[0]), bp.layers.Dropout(0.5, mode=MODES[0]), dense(MODES[0]))
    bp.share.save(fit=True)
    try:
        step_map = as_step_map(net)
        assert bp.share["fit"] is True
    finally:
        del env.settings["fit"]
    h = RNG.uniform(-0.9, 0.9, (6, N))
    W, b = weights(net[2])
    np.testing.assert_allclose(step_map.output(h, U), rnn_next(net[0], h, U) @ W + b, rtol=1e-12)
    assert step_map.box is not None


def test_models_without_state_or_that_fail_are_explained():
    with pytest.raises(ValueError, match="Dense keeps no state"):
        as_step_map(dense(MODES[0]))
    with pytest.raises(ValueError, match=r"could not be stepped by model\(x\) with n_inputs=5"):
        as_step_map(rnn_cell(MODES[0]), n_inputs=5)
    nan = rnn_cell(MODES[0])
    nan.b.value = nan.b.value * np.nan
    with pytest.raises(ValueError, match=r"gives NaN or inf .* in state\[0\]"):
        as_step_map(nan)


def test_without_input():
    class Autonomous(bp.DynamicalSystem):
        def __init__(self):
            super().__init__()
            self.h = bm.Variable(jnp.zeros(1))

        def update(self):
            self.h.value = bm.tanh(2.0 * self.h.value)

    step_map = as_step_map(Autonomous())
    assert (step_map.n_states, step_map.n_inputs) == (1, 0)
    np.testing.assert_allclose(step_map(np.array([0.3]), np.zeros(0)), np.tanh([0.6]))
    with pytest.raises(ValueError, match="takes no input, but n_inputs=2"):
        as_step_map(Autonomous(), n_inputs=2)


def test_a_model_that_insists_on_single_precision():
    def rounds(h, x):
        return bm.tanh(h + x).astype(jnp.float32)

    step_map = as_step_map(Stateful(rounds), n_inputs=2)
    assert step_map.precision == "float32"
    result = step_map(np.array([0.1, 0.2]), np.ones(2))
    assert result.dtype == np.float64
    np.testing.assert_allclose(result, np.tanh([1.1, 1.2]), atol=1e-6)


def test_brainpys_own_type_follows_the_precision_of_the_search():
    def converts(h, x):
        return bm.tanh(bm.asarray(h, dtype=bm.float_) + x)

    step_map = as_step_map(Stateful(converts), n_inputs=2)
    assert step_map.precision == "float64"
    h = np.array([0.1, 0.2])
    np.testing.assert_allclose(step_map(h, np.ones(2)), np.tanh(h + 1), rtol=1e-14)


def test_variables_that_brainpy_does_not_list_are_found():
    hidden = bm.Variable(jnp.asarray([0.5, 0.25]))
    gain = bm.Variable(jnp.asarray(2.0))

    class Plain:
        pass

    class Outside(bp.DynamicalSystem):
        n_inputs = 2

        def __init__(self):
            super().__init__()
            self.box = Plain()
            self.box.gain = gain

        def update(self, x):
            hidden.value = bm.tanh(self.box.gain.value * hidden.value + x)
            return hidden.value

    step_map = as_step_map(Outside())
    assert step_map.n_states == 2
    assert [np.shape(value) for value in step_map.params.values()] == [()]
    h = np.array([0.1, 0.2])
    np.testing.assert_allclose(step_map(h, np.ones(2)), np.tanh(2 * h + 1), rtol=1e-14)
    np.testing.assert_array_equal(hidden.value, [0.5, 0.25])


def test_single_precision_can_be_asked_for():
    cell = gru_cell(MODES[0])
    step_map = as_step_map(cell, dtype="float32")
    h = RNG.uniform(-0.9, 0.9, (6, N))
    assert step_map(h, U).dtype == np.float32
    assert step_map.precision == "float32"
    np.testing.assert_allclose(step_map(h, U), gru_next(cell, h, U), atol=1e-6)
