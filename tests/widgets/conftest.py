"""Networks with known fixed points."""

from __future__ import annotations

import gc

import numpy as np
import pytest

pytest.importorskip("anywidget")


def three_latches(state, input):
    """Three one-bit latches: 27 points, 8 of them stable, index sum 1."""
    import jax.numpy as jnp

    return jnp.tanh(1.6 * state + input)


@pytest.fixture(scope="session")
def states() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (10, 30, 3))


@pytest.fixture
def make_explorer(states):
    from fpf_notebook.widgets import FixedPointExplorer

    made = []

    def make(model=three_latches, **options):
        settings = {"noise_scale": 0.3, "invariant_box": (-1, 1), "n_inits": 512, **options}
        made.append(FixedPointExplorer(model, states, np.zeros(3), **settings))
        return made[-1]

    yield make
    for explorer in made:
        explorer.close()
    gc.collect()


@pytest.fixture
def explorer(make_explorer):
    return make_explorer().wait(120)
