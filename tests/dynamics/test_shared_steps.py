"""Networks of one kind are read once; the others are the same with other numbers."""

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, SilentProgress
from fpf_notebook.dynamics import as_step_map, linearize, shared_steps
from fpf_notebook.models import GRU, LSTM, VanillaRNN
from fpf_notebook.models.reset_first_gru import ResetFirstGRU

KINDS = {
    "tanh": lambda seed: VanillaRNN(2, 5, 3, seed=seed),
    "relu": lambda seed: VanillaRNN(2, 5, 3, nonlinearity="relu", seed=seed),
    "gru": lambda seed: GRU(2, 4, 1, seed=seed),
    "reset-first gru": lambda seed: ResetFirstGRU(2, 4, 1, seed=seed),
    "lstm": lambda seed: LSTM(2, 3, 2, seed=seed),
}


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.setattr(shared_steps, "_known", type(shared_steps._known)())


@pytest.fixture
def readings(monkeypatch):
    """Count how often the models are called."""
    calls = []
    for own in (VanillaRNN, GRU, LSTM):
        plain = own.update

        def counted(self, *given, plain=plain):
            calls.append(type(self).__name__)
            return plain(self, *given)

        monkeypatch.setattr(own, "update", counted)
    return calls


def numbers(step_map, h, u):
    box = step_map.invariant_box(u[0])
    return (step_map(h, u), step_map.output(h, u), *linearize(step_map, h, u),
            *((np.zeros(0),) * 2 if box is None else box))  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", KINDS)
def test_to_the_bit_what_is_read_of_each(kind, dtype, monkeypatch):
    nets = [KINDS[kind](seed) for seed in range(3)]
    rng = np.random.default_rng(0)
    h, u = rng.normal(size=(6, nets[0].n_states)), rng.normal(size=(6, 2))
    shared = [as_step_map(net, dtype=dtype) for net in nets]
    # Whether a relu network has a box depends on its numbers.
    assert len(shared_steps._known) == (0 if kind == "relu" else 1)
    monkeypatch.setattr(shared_steps, "_key", lambda model, options: None)
    for net, one in zip(nets, shared, strict=True):
        read = as_step_map(net, dtype=dtype)
        for a, b in zip(numbers(one, h, u), numbers(read, h, u), strict=True):
            np.testing.assert_array_equal(a, b)
        for name in ("n_states", "n_inputs", "n_outputs", "slices", "name", "time", "dt", "dtype",
                     "precision", "box_reason", "signature"):  # fmt: skip
            assert getattr(one, name) == getattr(read, name), name
        assert str(one.reading) == str(read.reading)


def test_the_second_is_not_called(readings):
    as_step_map(VanillaRNN(2, 5, 3, seed=0))
    assert readings
    readings.clear()
    as_step_map(VanillaRNN(2, 5, 3, seed=1))
    as_step_map(VanillaRNN(2, 5, 3, seed=2), n_states=5, n_inputs=2)
    assert not readings


@pytest.mark.parametrize(
    "other",
    [
        lambda: VanillaRNN(2, 6, 3, seed=0),
        lambda: VanillaRNN(1, 5, 3, seed=0),
        lambda: VanillaRNN(2, 5, 2, seed=0),
        lambda: VanillaRNN(2, 5, 3, nonlinearity="relu", seed=0),
        lambda: GRU(2, 5, 3, seed=0),
    ],
)
def test_another_kind_is_read(readings, other):
    as_step_map(VanillaRNN(2, 5, 3, seed=0))
    readings.clear()
    as_step_map(other())
    assert readings


def test_other_options_are_read(readings):
    net = VanillaRNN(2, 5, 3, seed=0)
    as_step_map(net)
    for options in ({"dtype": "float32"}, {"dt": 0.1}, {"invariant_box": (-1.0, 1.0)},
                    {"convention": "input_state"}):  # fmt: skip
        readings.clear()
        step_map = as_step_map(net, **options)
        assert readings, options
    assert step_map.reading is not None
    with pytest.raises(ValueError, match="n_states"):
        as_step_map(net, n_states=6)
    with pytest.raises(ValueError, match="params"):
        as_step_map(net, params={})


class Shrunk(VanillaRNN):
    """A class of somebody else's, with a step that depends on more than its parameters."""

    factor = 0.5

    def update(self, inputs, hidden=None):
        outputs, h_next = super().update(inputs, hidden)
        return outputs, self.factor * h_next


def test_a_class_of_somebody_elses_is_read_each_time():
    first, second = Shrunk(1, 2, 1, seed=0), Shrunk(1, 2, 1, seed=0)
    second.factor = 0.75
    h, u = np.ones((1, 2)), np.zeros((1, 1))
    a, b = as_step_map(first)(h, u), as_step_map(second)(h, u)
    np.testing.assert_allclose(b, 1.5 * a)
    assert first.step_identity() is None


def test_an_object_with_a_step_of_its_own_is_read():
    net = VanillaRNN(1, 2, 1, seed=0)
    as_step_map(net)
    net.update = lambda inputs, hidden=None: (jnp.zeros((1, 1, 1)), 0.5 * hidden)
    assert net.step_identity() is None


def test_training_goes_on_in_the_next_reading():
    net = VanillaRNN(1, 2, 1, seed=0)
    before = as_step_map(net)
    net.W_hh.value = 3 * jnp.eye(2)
    h, u = np.ones((1, 2)), np.zeros((1, 1))
    np.testing.assert_allclose(as_step_map(net)(h, u), np.tanh(3 * h), rtol=1e-6)
    np.testing.assert_allclose(before.with_model(net)(h, u), np.tanh(3 * h), rtol=1e-6)
    assert np.abs(before(h, u) - np.tanh(3 * h)).max() > 1e-3


def test_what_is_not_finite_is_read_with_care():
    net = VanillaRNN(1, 2, 1, seed=0)
    alone = VanillaRNN(1, 2, 1, seed=0)
    alone.b.value = jnp.full(2, jnp.nan)
    expected = outcome(alone)
    as_step_map(net)
    assert outcome(alone) == expected


def outcome(net):
    try:
        return repr(as_step_map(net))
    except ValueError as error:
        return str(error)


def test_no_numbers_are_kept_and_not_too_many_kinds(monkeypatch):
    monkeypatch.setattr(shared_steps, "_MOST", 3)
    for n in range(2, 7):
        as_step_map(VanillaRNN(1, n, 1, seed=0))
    assert len(shared_steps._known) == 3
    for kept in shared_steps._known.values():
        assert all(np.count_nonzero(leaf) == 0 for leaf in kept.params.values())
        assert all(leaf.base is not None and leaf.strides == (0,) * leaf.ndim
                   for leaf in kept.params.values())  # fmt: skip


def test_the_finder_finds_what_it_found():
    nets = [VanillaRNN(1, 2, 1, seed=seed) for seed in range(2)]
    for net in nets:
        net.W_hh.value = jnp.asarray([[2.0, 0.3], [0.1, 2.5]], jnp.float32)
    starts = np.random.default_rng(0).uniform(-1, 1, (64, 2))
    found = [
        FixedPointFinder(net, progress=SilentProgress()).find_fixed_points(initial_states=starts)[0]
        for net in nets
    ]
    np.testing.assert_array_equal(found[0].xstar, found[1].xstar)
    assert len(found[0]) == 9
