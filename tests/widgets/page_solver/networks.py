"""The networks on which the page's solver is compared with the finder."""

from __future__ import annotations

import dataclasses
import functools
import os
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import as_step_map
from fpf_notebook.dynamics import StepMap
from fpf_notebook.models.pretrained import load_pretrained

_CHECKOUT = Path(__file__).parents[3]
PEERS = ("ff2_tanh3", "ff3_tanh4", "ff4_tanh6", "ff3_gru16", "ff3_lstm16", "rand_tanh64")


def peer_file(name: str) -> Path:
    """Return the path of one of the nets trained for comparisons; skip the test without it."""
    given = os.environ.get("FPF_SHARED")
    places = [Path(given)] if given else [folder / "shared" for folder in _CHECKOUT.parents]
    for place in places:
        path = place / "peers" / "nets" / f"{name}.npz"
        if path.is_file():
            return path
    pytest.skip("the nets of the comparisons are not at hand")


def _cell(kind: str, p: dict[str, Any], u: Any, x: Any) -> Any:
    sigmoid, n = jax.nn.sigmoid, len(x)
    drive = p["W_ih"] @ u + p.get("b_ih", p.get("b"))
    if kind == "lstm":
        i, f, g, o = jnp.split(drive + p["W_hh"] @ x[: n // 2] + p["b_hh"], 4)
        c = sigmoid(f) * x[n // 2 :] + sigmoid(i) * jnp.tanh(g)
        return jnp.concatenate([sigmoid(o) * jnp.tanh(c), c])
    back = p["W_hh"] @ x + p.get("b_hh", 0.0)
    if kind == "tanh":
        return jnp.tanh(drive + back)
    r, z = jnp.split(sigmoid((drive + back)[: 2 * n]), 2)
    return (1 - z) * jnp.tanh(drive[2 * n :] + r * back[2 * n :]) + z * x


def peer(name: str) -> tuple[StepMap, np.ndarray, np.ndarray]:
    """Return a net, states of its trajectories and the input of its known points."""
    with np.load(peer_file(name)) as net:
        kind, traj = str(net["kind"]), net["traj"].astype(float)
        params = {
            k: net[k].astype(float) for k in net if k in ("W_ih", "W_hh", "b", "b_ih", "b_hh")
        }
        n_inputs, u = net["inputs"].shape[2], net["u_star"][0].astype(float)
    step_map = as_step_map(
        functools.partial(_cell, kind),
        n_states=traj.shape[2],
        n_inputs=n_inputs,
        params=params,
        batched=False,
        convention="input_state",
        invariant_box=None if kind == "lstm" else (-1.0, 1.0),
    )
    return step_map, traj.reshape(-1, traj.shape[2]), u


def starts_of(states: np.ndarray, count: int, seed: int = 0, noise: float = 0.4) -> np.ndarray:
    """Return initial states as the finder draws them: states of trajectories, with noise."""
    rng = np.random.default_rng(seed)
    return states[rng.integers(len(states), size=count)] + noise * rng.normal(
        size=(count, states.shape[1])
    )


def random_map(seed: int) -> StepMap:
    """Return a random network of a random kind, with two to seven units."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 8))
    gain = rng.uniform(1.0, 3.0)
    W, B, b = (
        gain * rng.normal(size=(n, n)) / np.sqrt(n),
        rng.normal(size=(n, 2)),
        rng.normal(size=n) / 4,
    )
    W2, W3 = (gain * rng.normal(size=(n, n)) / np.sqrt(n) for _ in range(2))
    alpha, kind = rng.uniform(0.1, 0.9), seed % 7

    def step(h: Any, u: Any) -> Any:
        drive = B @ u + b
        if kind == 0:
            return jnp.tanh(W @ h + drive)
        if kind == 1:
            return (1 - alpha) * h + alpha * jnp.tanh(W @ h + drive)
        if kind == 2:
            return -h + W @ jnp.tanh(h) + drive
        if kind == 3:
            z, r = jax.nn.sigmoid(W2 @ h), jax.nn.sigmoid(W3 @ h)
            return z * h + (1 - z) * jnp.tanh(W @ (r * h) + drive)
        if kind == 4:
            return h + alpha * (-h + jax.nn.sigmoid(2 * W @ h + drive))
        if kind == 5:
            return 0.3 * h + W @ jnp.sin(h) / n + jax.nn.softmax(W2 @ h) + drive
        return jnp.tanh(jnp.where(h > 0, W, W2).sum(1) * h + jax.nn.gelu(W3 @ h) / 2 + drive)

    time = "continuous" if kind == 2 else "discrete"
    step_map = as_step_map(step, n_states=n, n_inputs=2, batched=False, time=time)
    return dataclasses.replace(step_map, name=f"random map {seed} of kind {kind}")


def shipped(name: str) -> StepMap:
    """Return one of the networks that come with the package."""
    return as_step_map(load_pretrained(name))
