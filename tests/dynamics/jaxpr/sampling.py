"""Looks for states that leave the bounds that an inclusion function gives."""

from __future__ import annotations

import numpy as np

from fpf_notebook.dynamics import StepMap
from fpf_notebook.dynamics.jaxpr import Inclusion, evaluate, program_of


def step_map_of(case, n_inputs=2):
    """Return a step map of one of the users' steps, without any check of it."""
    return StepMap(
        step=lambda params, h, u: case.step(h, u),
        params={},
        n_states=case.n_states,
        n_inputs=n_inputs,
        time="continuous" if case.flow else "discrete",
        name=case.name,
    )


def violations(step_map: StepMap, n_boxes: int, seed: int = 0) -> tuple[int, float]:
    """Sample boxes and states in them, corners included.

    Returns
    -------
    tuple
        How many boxes were left, and the greatest excess over the rounding of the sampled value.
    """
    rng = np.random.default_rng(seed)
    n = step_map.n_states
    program = program_of(step_map, u=np.full(step_map.n_inputs, 0.3), fold_arithmetic=False)
    inclusion = Inclusion(program)
    middle = rng.normal(size=(n, n_boxes)) * 10.0 ** rng.uniform(-1, 1, n_boxes)
    radius = rng.random((n, n_boxes)) * 10.0 ** rng.uniform(-9, 1.5, n_boxes)
    low, high = middle - radius, middle + radius
    a, b = inclusion(low, high)
    n_wrong, worst = np.zeros(n_boxes, dtype=bool), 0.0
    for kind in range(6):
        at = rng.random((n, n_boxes)) if kind % 2 else rng.integers(0, 2, (n, n_boxes))
        h = np.clip(low + at * (high - low), low, high)
        value = evaluate(program, {"h": h.T}).T
        # The sampled value is itself rounded, by a few units of what was summed up to it.
        slack = 1e-12 * (1 + np.abs(value) + np.abs(h).max(axis=0))
        excess = np.maximum(a - value, value - b) - slack
        excess = np.where(np.isnan(value), -np.inf, excess)
        n_wrong |= (excess > 0).any(axis=0)
        worst = max(worst, float(excess.max()))
    return int(n_wrong.sum()), worst
