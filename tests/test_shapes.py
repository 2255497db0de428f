"""The shapes written in the signatures, checked at run time while real searches run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

SCRIPT = """
import numpy as np
from jaxtyping import install_import_hook

import tests.shape_checker  # named below

ROOMS = [
    "fpf_notebook.result.decomposition",
    "fpf_notebook.dynamics.jacobians",
    "fpf_notebook.analysis.linear_approximation",
    "fpf_notebook.analysis.normality",
    "fpf_notebook.result.spectrum",
    "fpf_notebook.dynamics.step_map",
    "fpf_notebook.finder",
    "fpf_notebook.tasks",
]
with install_import_hook(ROOMS, "tests.shape_checker.checked"):
    from fpf_notebook import FixedPointFinder
    from fpf_notebook.result.spectrum import eigenmodes
    from fpf_notebook.models import GRU, LSTM, VanillaRNN
    from fpf_notebook.tasks import FlipFlop

# The check itself is at work, behind the function's own of its arguments:
try:
    eigenmodes.__wrapped__(np.zeros((2, 3)), "discrete")
except Exception as error:
    assert type(error).__name__ == "TypeCheckError", error
else:
    raise AssertionError("a matrix that is no stack of square ones was taken")

trials = FlipFlop(2).sample(4, seed=0)
for cell in (VanillaRNN, GRU, LSTM):
    model = cell(2, 3, 2, seed=1)
    _, states = model.run(trials.inputs)
    finder = FixedPointFinder(model)
    unique, every = finder.find_fixed_points(
        np.asarray(states), np.zeros((1, 2)), 32, noise_scale=0.1, exhaustive=True, max_rounds=3
    )
    assert unique.completeness.index_sum == 1, unique.completeness
    assert len(every) >= 32
    assert unique.J_xstar.shape == (len(unique), states.shape[2], states.shape[2])
for options in ({"method": "joint"}, {"method": "sequential"}, {"dtype": "float32"},
                {"dense_limit": 1}):
    finder = FixedPointFinder(VanillaRNN(2, 3, 2, seed=1), max_iters=300, lr_init=0.1, **options)
    finder.find_fixed_points(initial_states=np.zeros((4, 3)), inputs=np.zeros((1, 2)))
finder.find_fixed_points(
    initial_states=np.eye(3), inputs=np.eye(3)[:, :2], period=2, include_slow=True
)
print("checked")
"""


@pytest.mark.slow
def test_arrays_have_the_shapes_that_signatures_promise():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout.strip() == "checked"
