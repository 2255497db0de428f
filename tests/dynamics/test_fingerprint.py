"""A model is read anew exactly when something about it has changed."""

import types

import brainpy as bp
import brainpy.math as bm
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import FixedPointFinder
from fpf_notebook.dynamics.fingerprint import fingerprint

GAIN = 1.0
FACTOR = 1.0


def scaled(value):
    """A helper, which reads a number of its module for itself."""
    return FACTOR * value


def clipped(factor):
    return lambda value: factor[0] * value


class Slotted:
    __slots__ = ("gain",)

    def __init__(self):
        self.gain = 1.0


class Net(bp.DynamicalSystem):
    """tanh(gain * W h): a gain of 2 and W = 1 gives three fixed points."""

    shared = 1.0

    def __init__(self):
        super().__init__()
        self.config = types.SimpleNamespace(gain=1.0)
        self.slotted = Slotted()
        self.closed_over = [1.0]
        self.closure = clipped(self.closed_over)
        self.weight = bm.Variable(jnp.full((1, 1), 2.0))
        self.gain = 1.0
        self.offset = np.zeros(1)
        self.options = {"scale": [1.0]}

    def update(self, inputs, hidden):
        scale = GAIN * self.gain * self.options["scale"][0] * self.shared
        scale = self.closure(scaled(scale)) * self.config.gain * self.slotted.gain
        h = jnp.tanh(scale * hidden @ self.weight.value + self.offset)
        return h[:, None], h


def change_weight(net):
    net.weight.value = jnp.full((1, 1), 0.5)


def change_attribute(net):
    net.gain = 0.25


def change_array_in_place(net):
    net.offset[:] = 3.0


def change_nested(net):
    net.options["scale"][0] = 0.25


def change_namespace(net):
    net.config.gain = 0.25


def change_slot(net):
    net.slotted.gain = 0.25


def change_class(net):
    type(net).shared = 0.25


def change_what_is_closed_over(net):
    net.closed_over[0] = 0.25


def change_global_of_a_helper(net):
    global FACTOR
    FACTOR = 0.25


def change_global(net):
    global GAIN
    GAIN = 0.25


@pytest.fixture(autouse=True)
def same_gain():
    global GAIN, FACTOR
    before = GAIN, FACTOR, Net.shared
    yield
    GAIN, FACTOR, Net.shared = before


def test_an_unchanged_model_has_the_same_fingerprint():
    net = Net()
    assert fingerprint(net) == fingerprint(net)


def test_two_models_have_different_fingerprints():
    assert fingerprint(Net()) != fingerprint(Net())


def test_a_function_has_none():
    assert fingerprint(lambda x: x) is None


@pytest.mark.parametrize(
    "change",
    [
        *(change_weight, change_attribute, change_array_in_place, change_nested, change_global),
        *(change_namespace, change_slot, change_class, change_what_is_closed_over),
        change_global_of_a_helper,
    ],
)
def test_every_change_is_seen_and_searched(change):
    net = Net()
    finder = FixedPointFinder(net)
    starts = np.linspace(-1, 1, 9)[:, None]
    before, _ = finder.find_fixed_points(initial_states=starts, inputs=np.zeros((1, 0)))
    assert len(before) == 3
    mark = fingerprint(net)
    change(net)
    assert fingerprint(net) != mark
    after, _ = finder.find_fixed_points(initial_states=starts, inputs=np.zeros((1, 0)))
    assert len(after) == 1


def test_an_option_that_changes_is_seen():
    class Plain(bp.DynamicalSystem):
        def update(self, inputs, hidden):
            return hidden, jnp.tanh(hidden)

    low, high = np.array([-1.0]), np.array([1.0])
    finder = FixedPointFinder(Plain(), invariant_box=(low, high))
    assert finder.step_map(1, 0).invariant_box(np.zeros(0))[1] == 1.0
    high[:] = 2.0
    assert finder.step_map(1, 0).invariant_box(np.zeros(0))[1] == 2.0


def test_an_unchanged_model_is_not_called_again_and_a_trained_one_is():
    calls = []

    class Counted(bp.DynamicalSystem):
        def __init__(self):
            super().__init__()
            self.weight = bm.TrainVar(jnp.full((1, 1), 2.0))

        def update(self, inputs, hidden):
            calls.append(1)
            h = jnp.tanh(hidden @ self.weight.value)
            return h[:, None], h

    net = Counted()
    finder = FixedPointFinder(net)
    first = finder.step_map(1, 0)
    n_calls = len(calls)
    assert finder.step_map(1, 0) is first
    assert len(calls) == n_calls
    net.weight.value = jnp.full((1, 1), 0.5)
    assert finder.step_map(1, 0) is not first
    assert len(calls) > n_calls
