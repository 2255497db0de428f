"""A model is the same after it was made a step map as before, also when that failed."""

import threading

import brainpy as bp
import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from brainpy.math.defaults import env

from fpf_notebook.dynamics import as_step_map
from tests.dynamics.brainpy_models import M, N, RateModel, SimpleRNN, dense, lstm_cell, rnn_cell


class Messy(bp.DynamicalSystem):
    """Everything that an update can do to itself and to its surroundings."""

    n_inputs = 2

    def __init__(self, fails=False):
        super().__init__()
        self.h = bm.Variable(jnp.ones((5, 2)), batch_axis=0)
        self.W = bm.TrainVar(jnp.eye(2))
        self.steps = bm.Variable(jnp.zeros((), jnp.int32))
        self.own = bm.random.RandomState(3)
        self.history = []
        self.cache = {"a": 1}
        self.parts = bm.var_list([bm.Variable(jnp.zeros(2))])
        self.fails = fails

    def update(self, x):
        self.steps.value = self.steps.value + 1
        self.h.value = bm.tanh(self.h.value @ self.W.value + x)
        self.parts[0].value = self.h.value[0]
        self.history.append(x)
        self.cache["b"] = x
        del self.cache["a"]
        self.new_attribute = x
        bp.share.save(message=x, fit=True)
        if self.fails:
            self.own.rand(2)
            bm.random.rand(2)
            raise RuntimeError("on purpose")
        return self.h.value


def snapshot(model):
    variables = {
        name: (id(v), v.dtype, v.shape, v.batch_size, np.asarray(v.value).copy())
        for name, v in model.vars().items()
    }
    attributes = {
        node.name: {k: (id(v), repr(v)) for k, v in node.__dict__.items()}
        for node in model.nodes().values()
    }
    return variables, attributes, surroundings()


def surroundings():
    key = bm.random.DEFAULT._value
    return (
        {k: repr(v) for k, v in env.settings.items()},
        {k: list(v) for k, v in env.contexts.items()},
        id(key),
        jax.config.jax_enable_x64,
        repr(bm.get_mode()),
        bm.get_dt(),
        np.random.get_state()[1].tobytes(),
    )


def assert_same(before, after):
    assert before[2] == after[2]
    assert before[1] == after[1]
    assert before[0].keys() == after[0].keys()
    for name, (*kind, value) in before[0].items():
        assert kind == list(after[0][name][:-1]), name
        np.testing.assert_array_equal(value, after[0][name][-1], err_msg=name)


MODELS = {
    "messy": (Messy, {}),
    "cells": (lambda: bp.Sequential(lstm_cell(bm.BatchingMode(3)), dense(bm.BatchingMode(3))), {}),
    "trained": (lambda: rnn_cell(bm.TrainingMode()), {}),
    "single step": (SimpleRNN, {"n_states": N, "n_inputs": M}),
    "rates": (RateModel, {}),
    "flow": (RateModel, {"time": "continuous"}),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_model_is_as_before(name):
    make, options = MODELS[name]
    model = make()
    bp.share.save(mine="kept")
    before = snapshot(model)
    try:
        step_map = as_step_map(model, **options)
        assert_same(before, snapshot(model))
        states = np.zeros((2, step_map.n_states))
        step_map.trajectory(states, np.zeros((2, 3, step_map.n_inputs)))
        step_map.power(2) if step_map.time == "discrete" else None
        step_map.invariant_box(np.zeros(step_map.n_inputs))
        assert_same(before, snapshot(model))
        assert bp.share["mine"] == "kept"
    finally:
        del env.settings["mine"]


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (Messy(fails=True), {}, "on purpose"),
        (SimpleRNN(), {"n_states": N + 1, "n_inputs": M}, "could not be called"),
        (rnn_cell(bm.TrainingMode()), {"n_states": 99}, "99"),
        (RateModel(), {"invariant_box": (-0.01, 0.01)}, "leaves its invariant box"),
        (RateModel(), {"state_vars": "W"}, "does not change"),
    ],
)
def test_the_model_is_as_before_when_it_fails(model, options, message):
    before = snapshot(model)
    with pytest.raises(ValueError, match=message):
        as_step_map(model, **options)
    assert_same(before, snapshot(model))


def test_no_tracer_is_left_behind():
    model = Messy()
    as_step_map(model)
    # A tracer that was left in a Variable would raise here.
    assert float(model(jnp.zeros((5, 2))).sum()) > 0


def test_the_map_does_not_follow_the_model_afterwards():
    model = rnn_cell(bm.TrainingMode())
    step_map = as_step_map(model)
    h, u = np.ones(N), np.ones(M)
    before = step_map(h, u)
    model.Wh.value = model.Wh.value * 0
    model.state.value = model.state.value + 3
    np.testing.assert_array_equal(step_map(h, u), before)
    assert not np.allclose(step_map.with_model(model)(h, u), before)


def test_a_map_works_in_another_thread_while_the_model_is_used_here():
    model = rnn_cell(bm.TrainingMode())
    step_map = as_step_map(model)
    expected = step_map(np.ones(N), np.ones(M))
    results = []

    def work():
        for _ in range(20):
            results.append(step_map(np.ones(N), np.ones(M)))

    thread = threading.Thread(target=work)
    thread.start()
    for k in range(20):
        model(jnp.full((1, M), float(k)))
    thread.join()
    assert len(results) == 20
    for result in results:
        np.testing.assert_array_equal(result, expected)
