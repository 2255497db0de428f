"""Right answers in several forms, and wrong ones from common errors: tutorial 10."""

from __future__ import annotations

import cmath
import math

import numpy as np

from fpf_notebook.analysis import bits_per_spike


def gain(rates, null, spikes):
    return np.sum(spikes * np.log(rates) - rates) - np.sum(spikes * np.log(null) - null)


def means(spikes):
    return spikes.mean(axis=(0, 1)) * np.ones_like(spikes)


def score(rates, spikes):
    return gain(rates, means(spikes), spikes) / np.log(2) / spikes.sum()


def by_loops(rates, spikes):
    """Do one neuron after the other."""
    total = 0.0
    for j in range(spikes.shape[2]):
        mean = spikes[..., j].mean()
        for r, k in zip(rates[..., j].ravel(), spikes[..., j].ravel(), strict=True):
            total += (k * math.log2(r / mean)) - (r - mean) / math.log(2)
    return total / spikes.sum()


def units(eigenvalue, dt):
    return abs(np.angle(eigenvalue)) / (2 * np.pi * dt), -dt / np.log(abs(eigenvalue))


def by_logarithm(eigenvalue, dt):
    rate = cmath.log(eigenvalue) / dt
    return [abs(rate.imag) / (2 * math.pi), -1 / rate.real]


def signed(eigenvalue, dt):
    """Give the direction of the turn as well."""
    return np.array([np.angle(eigenvalue) / (2 * np.pi * dt), units(eigenvalue, dt)[1]])


RIGHT = {
    "10.1": [score, by_loops, bits_per_spike],
    "10.2": [units, by_logarithm, signed],
    "10.3": [[0, 60], np.array([0.0, 60.0]), (1e-6, 59.999)],
}

WRONG = {
    "10.1": [
        lambda r, k: -score(r, k),
        lambda r, k: score(r, k) * np.log(2),
        lambda r, k: score(r, k) * k.sum(),
        lambda r, k: score(r, k) * k.sum() / k.size,
        lambda r, k: np.sum(k * np.log(r) - r) / k.sum() / np.log(2),
        lambda r, k: gain(r, np.full_like(k, k.mean()), k) / k.sum() / np.log(2),
        lambda r, k: np.sum(k * np.log(r / means(k))) / k.sum() / np.log(2),
        lambda r, k: 0.25,
        lambda r, k: r,
        0.25,
    ],
    "10.2": [
        lambda v, dt: units(v, dt)[::-1],
        lambda v, dt: (2 * np.pi * units(v, dt)[0], units(v, dt)[1]),
        lambda v, dt: (units(v, 1)[0], units(v, dt)[1]),
        lambda v, dt: (abs(v.imag) / (2 * np.pi * dt), units(v, dt)[1]),
        lambda v, dt: (np.arctan(v.imag / v.real) / (2 * np.pi * dt), units(v, dt)[1]),
        lambda v, dt: (np.degrees(units(v, dt)[0]), units(v, dt)[1]),
        lambda v, dt: (1.0, units(v, dt)[1]),
        lambda v, dt: (units(v, dt)[0], -units(v, dt)[1]),
        lambda v, dt: (units(v, dt)[0], units(v, 1)[1]),
        lambda v, dt: (units(v, dt)[0], np.log(2) * units(v, dt)[1]),
        lambda v, dt: (units(v, dt)[0], dt / (1 - abs(v))),
        lambda v, dt: (units(v, dt)[0], -dt / np.log(abs(v.real))),
        lambda v, dt: (units(v, dt)[0], 0.1),
        lambda v, dt: units(v, dt)[0],
        lambda v: v,
    ],
    "10.3": [
        [60, 0],
        [0, 1.0472],
        [1, 0.5],
        [60, 60],
        [0, 90],
        [0, 30],
        [0, 0],
        [0, 45],
        0,
    ],
}
