"""Slow points in the explorer: each of them once, and the same as in a script."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from fpf_notebook import FixedPointFinder, as_step_map
from fpf_notebook.widgets.explorer.search import find

# Two latches, each beyond the fold at 0.267 by a little: a ghost in each, and where both are.
INPUT = (0.28, 0.28)
STATES = np.random.default_rng(0).uniform(-1, 1, (20, 10, 2))


def latches(state, input):
    return jnp.tanh(1.6 * state + input)


def test_each_ghost_is_shown_once():
    step_map = as_step_map(latches, n_states=2, n_inputs=2)
    finder = FixedPointFinder(step_map, final_q_threshold=1e-2)
    asked = {"n_inits": 300, "noise_scale": 0.5, "include_slow": True}
    shown = find(step_map, finder.request(STATES, [INPUT], **asked)).unique
    script, _ = finder.find_fixed_points(STATES, [INPUT], **asked)
    assert (shown.counts()["fixed"], shown.counts()["slow"]) == (1, 3)
    np.testing.assert_array_equal(shown.xstar, script.xstar)
    assert list(shown.kind) == list(script.kind)
