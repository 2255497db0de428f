"""The invariant boxes of BrainPy's cells."""

import functools

import brainpy as bp
import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fpf_notebook.dynamics import as_step_map, intervals
from fpf_notebook.dynamics.intervals import Interval
from tests.dynamics.brainpy_models import M, N, dense, gru_cell, lstm_cell, normal, rnn_cell

MODE = bm.TrainingMode()


def reached(step_map, u, rng):
    """Return how far a step leads out of the box, from its corners and from inside of it."""
    low, high = step_map.invariant_box(u)
    corners = np.where(rng.integers(0, 2, (256, len(low))) == 1, high, low)
    inside = rng.uniform(low, high, (256, len(low)))
    after = step_map(np.concatenate([corners, inside]), u)
    return max((after - high).max(), (low - after).max())


@functools.cache
def lstm_map():
    return as_step_map(lstm_cell(MODE))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.1, 4.0))
def test_an_lstm_does_not_leave_its_box(seed, scale):
    step_map = lstm_map().with_params(
        {
            name: normal(seed + k, *value.shape, scale=scale)
            for k, (name, value) in enumerate(lstm_map().params.items())
        }
    )
    rng = np.random.default_rng(seed)
    u = scale * rng.normal(size=M)
    low, high = step_map.invariant_box(u)
    assert (low <= 0).all()
    assert (high >= 0).all()
    assert np.abs([low[:N], high[:N]]).max() <= 1
    assert reached(step_map, u, rng) <= 1e-12 * max(1, np.abs(high).max(), np.abs(low).max())
    # The orbit of the origin never leaves either.
    states = step_map.trajectory(np.zeros((1, 2 * N)), np.broadcast_to(u, (1, 200, M)))
    assert ((low - 1e-9 <= states) & (states <= high + 1e-9)).all()


def test_the_cell_of_an_lstm_reaches_the_bound_of_a_hand_made_case():
    cell = lstm_cell(MODE, n_in=1, n=1)
    for weights in (cell.Wi, cell.Wh):
        weights.value = jnp.zeros_like(weights.value)
    # All gates stand still: c -> sigmoid(f + 1) c + sigmoid(i) tanh(g).
    i, g, f, o = 0.3, 0.8, -0.4, 0.5
    cell.b.value = jnp.asarray([i, g, f, o], jnp.float32)
    low, high = as_step_map(cell).invariant_box(np.zeros(1))

    def gate(x):
        return 1 / (1 + np.exp(-x))

    c = gate(i) * np.tanh(g) / (1 - gate(f + 1))
    np.testing.assert_allclose(low, [0, 0], atol=1e-12)
    np.testing.assert_allclose(high, [gate(o) * np.tanh(c), c], rtol=1e-6)


def test_an_lstm_behind_a_bounded_layer_has_a_box_and_one_behind_an_unknown_one_has_none():
    rng = np.random.default_rng(0)
    fed = bp.Sequential(
        rnn_cell(MODE), dense(MODE, N, 2), bm.relu, lstm_cell(MODE, 2, 3), bp.layers.Tanh()
    )
    step_map = as_step_map(fed)
    assert reached(step_map, np.ones(M), rng) <= 1e-12
    assert "LSTMCell, RNNCell" in step_map.box_reason

    unknown = as_step_map(bp.Sequential(rnn_cell(MODE), jnp.sin, lstm_cell(MODE, N, 3)))
    assert "proven from the step" in unknown.box_reason  # the cells alone do not tell
    # A tanh cell is bounded whatever comes in.
    fine = as_step_map(bp.Sequential(dense(MODE, M, N), jnp.sin, rnn_cell(MODE, N, 3)))
    low, high = fine.invariant_box(np.ones(M))
    np.testing.assert_array_equal([low, high], [-np.ones(3), np.ones(3)])


@pytest.mark.parametrize(
    ("activation", "reach"), [("tanh", (-1, 1)), ("sigmoid", (0, 1)), ("relu", None)]
)
def test_the_range_of_the_activation_is_the_box(activation, reach):
    step_map = as_step_map(rnn_cell(MODE, activation=activation))
    if reach is None:
        assert step_map.invariant_box(np.zeros(M)) is None
        assert "the activation relu of RNNCell is not bounded" in step_map.box_reason
        return
    low, high = step_map.invariant_box(np.zeros(M))
    np.testing.assert_array_equal(low, np.full(N, reach[0]))
    np.testing.assert_array_equal(high, np.full(N, reach[1]))
    assert reached(step_map, 3 * np.ones(M), np.random.default_rng(0)) <= 0


def test_a_supposed_box_is_dropped_when_the_model_leaves_it():
    class Doubles(bp.DynamicalSystem):
        n_inputs = M

        def __init__(self):
            super().__init__()
            self.gru = gru_cell(MODE)

        def update(self, x):
            self.gru(x)
            self.gru.state.value = 2 * self.gru.state.value

    step_map = as_step_map(Doubles())
    assert step_map.box is None
    assert "leaves its invariant box" in step_map.box_reason

    class Integrates(bp.DynamicalSystem):
        n_inputs = M

        def __init__(self):
            super().__init__()
            self.gru = gru_cell(MODE)
            self.sum = bm.Variable(jnp.zeros(N))

        def update(self, x):
            self.sum.value = self.sum.value + self.gru(x)[0]

    step_map = as_step_map(Integrates())
    assert step_map.box is None
    assert "'sum' is not that of one of BrainPy's cells" in step_map.box_reason


def test_a_declared_box_goes_first_and_must_hold():
    class Declares(bp.DynamicalSystem):
        n_inputs = 2

        def __init__(self, high, reason=None):
            super().__init__()
            self.gain = bm.TrainVar(jnp.asarray(2.0))
            self.h = bm.Variable(jnp.zeros(2))
            self.high = high
            if reason:
                self.invariant_box_reason = reason

        def update(self, x):
            self.h.value = self.gain.value * bm.tanh(self.h.value + x)

        def invariant_box(self, u):
            if self.high is None:
                return None
            reach = self.high * self.gain.value
            return -reach, reach * jnp.ones(2)

    step_map = as_step_map(Declares(1.0))
    low, high = step_map.invariant_box(np.zeros(2))
    np.testing.assert_array_equal([low, high], [[-2, -2], [2, 2]])
    assert step_map.box_reason == "declared by Declares.invariant_box"
    changed = step_map.with_params({"gain": np.float32(3.0)})
    np.testing.assert_array_equal(changed.invariant_box(np.zeros(2))[1], [3, 3])
    with pytest.raises(ValueError, match=r"leaves its invariant box: in h\[\d\]"):
        as_step_map(Declares(0.5))
    none = as_step_map(Declares(None, reason="it grows"))
    assert "proven from the step" in none.box_reason  # though it says of itself: it grows
    mine = as_step_map(Declares(0.5), invariant_box=(-5, 5))
    assert mine.box_reason == "given by the caller"


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_interval_arithmetic_encloses(seed):
    rng = np.random.default_rng(seed)

    def random_interval():
        a, b = rng.normal(size=(2, 3))
        return Interval(np.minimum(a, b), np.maximum(a, b))

    def inside(x):
        return rng.uniform(x.low, x.high, (200, 3))

    def encloses(x, points):
        return (x.low - 1e-6 <= points).all() and (points <= x.high + 1e-6).all()

    x, y, W = random_interval(), random_interval(), rng.normal(size=(3, 3))
    with jax.enable_x64(True):
        assert encloses(intervals.affine(x, W, y.low), inside(x) @ W + y.low)
        assert encloses(intervals.plus(x, y), inside(x) + inside(y))
        assert encloses(intervals.times(x, y), inside(x) * inside(y))
        leak = Interval(0.1 + np.zeros(3), 0.9 + np.zeros(3))
        bound = intervals.leaky_sum(leak, x)
        assert encloses(bound, (1 - inside(leak)) * inside(bound) + inside(x))
        # The corner of an affine map is reached, so that the bound is not larger than need be.
        best = np.where(W[:, 0] > 0, x.high, x.low) @ W[:, 0]
        np.testing.assert_allclose(intervals.affine(x, W).high[0], best, rtol=1e-12)
