"""Flip-flop networks, trained here: as many memories as the task has, and an index sum of 1."""

import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, SilentProgress
from fpf_notebook.training.recipes import train_flip_flop

slow = pytest.mark.slow


@pytest.mark.parametrize(
    ("n_bits", "cell"),
    [
        pytest.param(2, "tanh"),
        pytest.param(3, "tanh", marks=slow),
        pytest.param(4, "tanh", marks=slow),
        pytest.param(2, "gru", marks=slow),
        pytest.param(2, "lstm", marks=slow),
    ],
)
def test_a_trained_network_has_its_memories(n_bits: int, cell: str) -> None:
    model, task, _ = train_flip_flop(n_bits, cell)
    trials = task.sample(64, seed=1)
    _, states = model.run(trials.inputs)
    finder = FixedPointFinder(model, progress=SilentProgress())
    unique, _ = finder.find_fixed_points(
        np.asarray(states), np.zeros((1, n_bits)), n_inits=512, noise_scale=0.1, exhaustive=True
    )
    assert unique.counts()["stable"] == 2**n_bits
    assert unique.index.sum() == 1
    assert unique.completeness.consistent is True
    # Each memory is read out as its own pattern of signs.
    step_map = finder.step_map()
    stable = unique[unique.is_stable]
    outputs = step_map.output(stable.xstar, stable.inputs)
    assert len({tuple(row) for row in np.sign(outputs)}) == 2**n_bits
