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


def equinox_gru(model):
    eqx = pytest.importorskip("equinox")
    arrays = {name: np.asarray(value) for name, value in model.parameters().items()}
    n = arrays["W_hh"].shape[1]
    # Beside the candidate's recurrent product it has a bias of its own.
    bias = arrays["b_ih"] + np.concatenate([arrays["b_hh"][: 2 * n], np.zeros(n, np.float32)])
    new = (arrays["W_ih"], arrays["W_hh"], bias, arrays["b_hh"][2 * n :])
    where = lambda c: (c.weight_ih, c.weight_hh, c.bias, c.bias_n)  # noqa: E731
    cell = eqx.nn.GRUCell(N_BITS, n, key=jax.random.key(0))
    return as_step_map(eqx.tree_at(where, cell, tuple(jnp.asarray(a) for a in new)))


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


def from_weights(model):
    names = {"W_ih": "weight_ih", "W_hh": "weight_hh", "b_ih": "bias_ih", "b_hh": "bias_hh"}
    arrays = {name: np.asarray(model.parameters()[key]) for key, name in names.items()}
    return step_map_from_weights(arrays, "gru")


TWINS = {
    "a state dict": from_weights,
    "flax": flax_gru,
    "keras": keras_gru,
    "equinox": equinox_gru,
}


@pytest.fixture(scope="module")
def trained():
    """Return a network, states, and its complete set, found by way of our own model."""
    model, task, _ = train_flip_flop(N_BITS, "gru", n_hidden=8, seed=0)
    states = np.asarray(model.run(task.sample(64, seed=1).inputs)[1], dtype=np.float64)
    return model, states, search(model, states)


def search(model, states):
    finder = FixedPointFinder(model)
    unique, _ = finder.find_fixed_points(states, np.zeros((1, N_BITS)), exhaustive=True)
    assert unique.completeness.index_sum == unique.completeness.expected_sum == 1
    return unique


@pytest.mark.parametrize("name", TWINS)
def test_the_same_complete_set(name, trained):
    model, states, points = trained
    twin = search(TWINS[name](model), states)
    assert len(twin) == len(points) >= 2**N_BITS
    distance = np.linalg.norm(points.xstar[:, None] - twin.xstar, axis=2)
    assert distance.min(axis=1).max() < 1e-6  # biases are added up in single precision
    assert (twin.is_stable[distance.argmin(axis=1)] == points.is_stable).all()
