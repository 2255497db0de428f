"""One trained flip-flop network in the clothes of every framework: always the same fixed points."""

import importlib.util
import os
import tempfile

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, as_step_map
from fpf_notebook.dynamics import step_map_from_weights
from fpf_notebook.training.recipes import train_flip_flop

pytestmark = pytest.mark.slow
N_BITS = 2


def blocks_of(model, n):
    """Return the weights of a model, cut into its gates."""
    arrays = {name: np.asarray(value) for name, value in model.parameters().items()}
    return {key: np.split(arrays[key], n) for key in ("W_ih", "W_hh", "b_ih", "b_hh")}


def flax_gru(model):
    linen = pytest.importorskip("flax.linen")
    w = blocks_of(model, 3)
    params = {}
    for k, gate in enumerate("rzn"):
        params[f"i{gate}"] = {"kernel": w["W_ih"][k].T, "bias": w["b_ih"][k]}
        params[f"h{gate}"] = {"kernel": w["W_hh"][k].T}
        if gate == "n":
            params["hn"]["bias"] = w["b_hh"][k]
        else:
            params[f"i{gate}"]["bias"] = w["b_ih"][k] + w["b_hh"][k]
    return as_step_map(linen.GRUCell(w["W_hh"][0].shape[1]), params={"params": params})


def equinox_lstm(model):
    eqx = pytest.importorskip("equinox")
    w = {key: np.concatenate(parts) for key, parts in blocks_of(model, 1).items()}
    cell = eqx.nn.LSTMCell(N_BITS, w["W_hh"].shape[1], key=jax.random.key(0))
    new = (jnp.asarray(a) for a in (w["W_ih"], w["W_hh"], w["b_ih"] + w["b_hh"]))
    where = lambda c: (c.weight_ih, c.weight_hh, c.bias)  # noqa: E731
    return as_step_map(eqx.tree_at(where, cell, tuple(new)))


def keras_gru(model):
    if importlib.util.find_spec("keras") is None:
        pytest.skip("could not import 'keras'")
    os.environ.setdefault("KERAS_BACKEND", "jax")
    os.environ.setdefault("KERAS_HOME", tempfile.mkdtemp())
    import keras

    w = blocks_of(model, 3)
    cell = keras.layers.GRUCell(w["W_hh"][0].shape[1])
    cell.build((None, N_BITS))
    w = {key: np.concatenate([z, r, n]) for key, (r, z, n) in w.items()}
    cell.kernel.assign(w["W_ih"].T)
    cell.recurrent_kernel.assign(w["W_hh"].T)
    cell.bias.assign(np.stack([w["b_ih"], w["b_hh"]]))
    return as_step_map(cell)


def brainstate_lstm(model):
    import brainstate

    w = {key: np.concatenate(parts) for key, parts in blocks_of(model, 1).items()}
    n = w["W_hh"].shape[1]
    cell = brainstate.nn.LSTMCell(N_BITS, n)
    i, f, g, o = np.split(np.concatenate([w["W_ih"], w["W_hh"]], axis=1), 4)
    b_i, b_f, b_g, b_o = np.split(w["b_ih"] + w["b_hh"], 4)
    cell.W.weight.value = {
        "weight": jnp.asarray(np.concatenate([i, g, f, o]).T),
        "bias": jnp.asarray(np.concatenate([b_i, b_g, b_f - 1, b_o])),  # its forget gate adds 1
    }
    return as_step_map(cell)


def from_weights(model):
    names = {"W_ih": "weight_ih", "W_hh": "weight_hh", "b_ih": "bias_ih", "b_hh": "bias_hh"}
    arrays = {name: np.asarray(model.parameters()[key]) for key, name in names.items()}
    return step_map_from_weights(arrays, "gru")


TWINS = {
    "weights, gru": from_weights,
    "flax, gru": flax_gru,
    "keras, gru": keras_gru,
    "equinox, lstm": equinox_lstm,
    "brainstate, lstm": brainstate_lstm,
}


@pytest.fixture(scope="module")
def trained():
    """Return for each cell the network, states, and the complete set, found by way of our model."""
    found = {}
    for cell in ("gru", "lstm"):
        model, task, _ = train_flip_flop(N_BITS, cell, n_hidden=8, seed=0)
        states = np.asarray(model.run(task.sample(64, seed=1).inputs)[1], dtype=np.float64)
        found[cell] = model, states, search(model, states)
    return found


def search(model, states):
    finder = FixedPointFinder(model)
    unique, _ = finder.find_fixed_points(states, np.zeros((1, N_BITS)), exhaustive=True)
    assert unique.completeness.index_sum == unique.completeness.expected_sum == 1
    return unique


@pytest.mark.parametrize("name", TWINS)
def test_the_same_complete_set(name, trained):
    model, states, points = trained[name.partition(", ")[2]]
    step_map = TWINS[name](model)
    # The state of BrainState's LSTM is c before h.
    order = np.arange(step_map.n_states)
    if [part.name for part in step_map.slices] == ["c", "h"]:
        order = np.roll(order, len(order) // 2)
    twin = search(step_map, states[..., order])
    assert len(twin) == len(points) >= 2**N_BITS
    distance = np.linalg.norm(points.xstar[:, None, order] - twin.xstar, axis=2)
    size = np.linalg.norm(points.xstar, axis=1)
    # Biases are added up in single precision.
    assert (distance.min(axis=1) < 1e-6 * (1 + size)).all()
    assert (twin.is_stable[distance.argmin(axis=1)] == points.is_stable).all()
