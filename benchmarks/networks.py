"""The networks that the benchmarks search: trained ones from files, and freshly made ones."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fpf_notebook.models import GRU, VanillaRNN, load_model
from fpf_notebook.tasks import FlipFlop

_BESIDE = Path(__file__).resolve().parent.parent.parent / "shared"
SHARED = Path(os.environ.get("FPF_SHARED", _BESIDE)) / "peers" / "nets"
TRAINED = ("ff2_tanh3", "ff3_tanh4", "ff4_tanh6", "ff3_gru16", "ff3_lstm16", "rand_tanh64")


@dataclass(frozen=True)
class Network:
    """A network with states to start from, and its fixed points where they are known."""

    name: str
    model: Any
    trajectories: np.ndarray
    inputs: np.ndarray
    truth: np.ndarray | None = None

    def starts(self, n_inits: int = 1024, noise_scale: float = 0.4, seed: int = 0) -> np.ndarray:
        """Draw the initial states that every finder gets."""
        rng = np.random.default_rng(seed)
        pool = self.trajectories.reshape(-1, self.trajectories.shape[-1])
        chosen = rng.choice(len(pool), size=n_inits, replace=n_inits > len(pool))
        return pool[chosen] + noise_scale * rng.standard_normal((n_inits, pool.shape[1]))


def from_file(path: Path) -> Network:
    """Read a trained network with its trajectories and known fixed points."""
    with np.load(path, allow_pickle=False) as file:
        return Network(
            name=path.stem,
            model=load_model(path),
            trajectories=file["traj"].astype(np.float64),
            inputs=file["u_star"].astype(np.float64),
            truth=file["xstar_true"],
        )


def freshly_trained(n_bits: int, cell: str, seed: int) -> Network:
    """Train a flip-flop network with the settings of the tutorials."""
    from fpf_notebook.training.recipes import train_flip_flop

    model, task, _ = train_flip_flop(n_bits, cell, seed=seed)
    _, states = model.run(task.sample(48, seed=seed + 1).inputs)
    return Network(
        name=f"ff{n_bits}_{cell}, fresh, seed {seed}",
        model=model,
        trajectories=np.asarray(states, dtype=np.float64),
        inputs=np.zeros((1, n_bits)),
    )


def untrained(cell: str, n_hidden: int, gain: float = 1.5, seed: int = 0) -> Network:
    """Make a network with random weights of the given gain, and let it run."""
    rng = np.random.default_rng(seed)
    rows = 3 * n_hidden if cell == "gru" else n_hidden
    arrays = {
        "W_ih": rng.normal(size=(rows, 3)),
        "W_hh": gain * rng.normal(size=(rows, n_hidden)) / np.sqrt(n_hidden),
        "W_out": rng.normal(size=(3, n_hidden)),
        "b_out": np.zeros(3),
        "h0": np.zeros(n_hidden),
    }
    biases = ("b_ih", "b_hh") if cell == "gru" else ("b",)
    arrays |= {name: np.zeros(rows) for name in biases}
    model = (GRU if cell == "gru" else VanillaRNN).from_arrays(
        **{name: array.astype(np.float32) for name, array in arrays.items()}
    )
    _, states = model.run(FlipFlop(3).sample(16, seed=seed).inputs)
    return Network(
        name=f"random_{cell}{n_hidden}",
        model=model,
        trajectories=np.asarray(states, dtype=np.float64),
        inputs=np.zeros((1, 3)),
    )
