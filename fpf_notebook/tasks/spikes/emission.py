"""From latent states to spikes: log-linear rates, Poisson counts, and the split."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fpf_notebook._types import JsonObject
from fpf_notebook.analysis.spike_checks import check_count, check_positive


def spikes_of(
    rates: Float[np.ndarray, "trial time neuron"], rng: np.random.Generator
) -> Float[np.ndarray, "trial time neuron"]:
    """Return Poisson counts of rates in spikes a bin."""
    return rng.poisson(rates).astype(np.float32)


def log_linear_rates(
    latents: Float[np.ndarray, "trial time dim"],
    n_neurons: int,
    *,
    mean_rate: float,
    depth: float,
    max_rate: float,
    dt: float,
    rng: np.random.Generator,
) -> Float[np.ndarray, "trial time neuron"]:
    """Return rates ``exp(C z + b)`` of random C and b, in spikes a bin, none above `max_rate`.

    Each neuron's logarithm varies by the standard deviation `depth`, and its mean is that of
    `mean_rate` Hz, times a log-normal factor of 0.6.
    """
    C = rng.normal(size=(latents.shape[2], n_neurons))
    C *= depth / np.sqrt(np.mean((latents.reshape(-1, latents.shape[2]) @ C) ** 2, axis=0))
    b = np.log(mean_rate * dt) + 0.6 * rng.normal(size=n_neurons)
    return np.exp(np.minimum(latents @ C + b, np.log(max_rate * dt)))


def random_split(n_trials: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """Return which trials are for validation: a share of them, at least one, not all."""
    n_valid = int(np.clip(round(share * n_trials), 1, n_trials - 1))
    valid = np.zeros(n_trials, bool)
    valid[rng.permutation(n_trials)[:n_valid]] = True
    return valid


def check_common(settings: JsonObject, *, heldin_share: float = 1.0) -> JsonObject:
    """Check the settings that all synthetic sets share, each by its name.

    Where ``n_heldin`` is None, it becomes the given share of the neurons.
    """
    checked: JsonObject = dict(settings)
    for name, value in settings.items():
        if name == "n_heldin" and value is None:
            continue
        if name.startswith("n_") or name == "trials_per_condition":
            checked[name] = check_count(name, value, 2 if name in ("n_trials", "n_time") else 1)
        elif name == "seed":
            checked[name] = check_count(name, value, 0)
        elif name == "valid_share":
            share = check_positive(name, value)
            if share >= 1:
                raise ValueError(f"valid_share must be below 1, got {value!r}")
            checked[name] = share
        elif name == "trial_noise":
            checked[name] = check_positive(name, value, or_zero=True)
        elif isinstance(value, int | float | np.number):
            checked[name] = check_positive(name, value)
    if checked["n_heldin"] is None:
        checked["n_heldin"] = max(1, round(heldin_share * checked["n_neurons"]))
    if checked["n_heldin"] > checked["n_neurons"]:
        raise ValueError(
            f"n_heldin must be at most n_neurons = {checked['n_neurons']}, got "
            f"{checked['n_heldin']}"
        )
    return checked
