"""A script written for canns' slow_points runs with its import line changed."""

import importlib.util
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

OURS = """
from fpf_notebook import (
    FixedPointFinder, FixedPoints, PlotConfig, load_checkpoint, plot_fixed_points_2d,
    plot_fixed_points_3d, save_checkpoint,
)
"""

THEIRS = """
from canns.analyzer.slow_points import (
    FixedPointFinder, FixedPoints, load_checkpoint, plot_fixed_points_2d, plot_fixed_points_3d,
    save_checkpoint,
)
from canns.analyzer.visualization import PlotConfig
"""

SCRIPT = """
import brainpy as bp
import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np


class SimpleRNN(bp.DynamicalSystem):
    def __init__(self, n_inputs, n_hidden, n_outputs, seed=0):
        super().__init__()
        self.n_inputs, self.n_hidden, self.n_outputs = n_inputs, n_hidden, n_outputs
        rng = np.random.default_rng(seed)
        w_ih, w_out = rng.normal(0, 0.1, (n_inputs, n_hidden)), rng.normal(0, 0.1, (n_hidden, 1))
        self.w_ih = bm.TrainVar(bm.asarray(w_ih, dtype=bm.float32))
        self.w_hh = bm.TrainVar(bm.asarray(np.diag([2.0, 1.5, 0.3]), dtype=bm.float32))
        self.b_h = bm.TrainVar(bm.zeros(n_hidden))
        self.w_out = bm.TrainVar(bm.asarray(w_out, dtype=bm.float32))

    def step(self, x_t, h):
        return jnp.tanh(x_t @ self.w_ih.value + h @ self.w_hh.value + self.b_h.value)

    def __call__(self, inputs, hidden=None):
        if hidden is None:
            hidden = jnp.zeros((inputs.shape[0], self.n_hidden))
        if inputs.shape[1] == 1:
            h_next = self.step(inputs[:, 0, :], hidden)
            return (h_next @ self.w_out.value)[:, None, :], h_next
        states = []
        for t in range(inputs.shape[1]):
            hidden = self.step(inputs[:, t, :], hidden)
            states.append(hidden)
        states = jnp.stack(states, axis=1)
        return states @ self.w_out.value, states


rnn = SimpleRNN(n_inputs=2, n_hidden=3, n_outputs=1)

save_checkpoint(rnn, CHECKPOINT)
trained = np.array(rnn.w_hh.value)
rnn.w_hh.value = rnn.w_hh.value * 0.0
loaded = load_checkpoint(rnn, CHECKPOINT)
restored = np.array_equal(np.array(rnn.w_hh.value), trained)
missing = load_checkpoint(rnn, CHECKPOINT + ".missing")

rng = np.random.default_rng(0)
state_traj = np.array(rng.uniform(-1, 1, (8, 20, 3)), dtype=np.float32)
constant_input = np.zeros((1, 2), dtype=np.float32)

finder = FixedPointFinder(
    rnn_model=rnn,
    method="joint",
    max_iters=MAX_ITERS,
    lr_init=0.1,
    tol_q=1e-6,
    final_q_threshold=1e-5,
    tol_unique=1e-2,
    max_n_unique=32,
    do_compute_jacobians=True,
    do_decompose_jacobians=True,
    outlier_distance_scale=10.0,
    verbose=True,
    super_verbose=False,
)
unique_fps, all_fps = finder.find_fixed_points(
    state_traj=state_traj, inputs=constant_input, n_inits=96, noise_scale=0.1
)
unique_fps.print_summary()

n_stable = int(np.sum(unique_fps.is_stable))
for i in range(min(3, unique_fps.n)):
    print(f"fixed point {i}: q = {unique_fps.qstar[i]:.1e}, stable: {unique_fps.is_stable[i]}")
    if unique_fps.eigval_J_xstar is not None:
        print("  largest eigenvalue:", np.max(np.abs(unique_fps.eigval_J_xstar[i])))
first_two = unique_fps[:2]
has = unique_fps.has_decomposed_jacobians

config = PlotConfig(
    title="Fixed points", xlabel="PC 1", ylabel="PC 2", figsize=(6, 5), save_path=FIGURE_2D,
    show=False
)
figure_2d = plot_fixed_points_2d(unique_fps, state_traj, config=config)
config_3d = PlotConfig(title="Fixed points", figsize=(6, 5), save_path=FIGURE_3D, show=False)
figure_3d = plot_fixed_points_3d(
    unique_fps, state_traj, config=config_3d, plot_batch_idx=list(range(4)), plot_start_time=5
)

by_hand = FixedPoints(
    xstar=np.zeros((2, 3), dtype=np.float32), is_stable=np.array([True, False]),
    inputs=np.zeros((2, 1), dtype=np.float32), qstar=np.array([1e-6, 2e-6], dtype=np.float32),
    tol_unique=1e-3, dtype=np.float32,
)
n_unique = by_hand.get_unique().n
"""


def run_script(imports: str, folder: Path, max_iters: int) -> dict[str, Any]:
    space: dict[str, Any] = {
        "CHECKPOINT": str(folder / "model.msgpack"),
        "FIGURE_2D": str(folder / "plane.png"),
        "FIGURE_3D": str(folder / "space.png"),
        "MAX_ITERS": max_iters,
        "__name__": "script",
    }
    exec(compile(imports + SCRIPT, "script.py", "exec"), space)
    plt.close("all")
    return space


def check_script(space: dict[str, Any], folder: Path) -> None:
    assert (space["loaded"], space["restored"], space["missing"]) == (True, True, False)
    assert space["all_fps"].n == 96
    assert space["unique_fps"].n_states == 3
    assert space["unique_fps"].n_inputs == 2
    assert len(space["first_two"]) == min(2, space["unique_fps"].n)
    assert space["has"]
    assert space["n_unique"] == 1
    for name in ("plane.png", "space.png"):
        assert (folder / name).stat().st_size > 5_000


def test_the_script_runs_with_our_import(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    space = run_script(OURS, tmp_path, max_iters=500)
    check_script(space, tmp_path)
    # Two bistable units: 9 points, of which 4 are stable.
    assert space["unique_fps"].n == 9
    assert space["n_stable"] == 4
    printed = capsys.readouterr().out
    assert "=== Fixed Points Summary ===" in printed
    assert "from 96 initial states" in printed


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("canns") is None, reason="canns is not installed (extra: benchmark)"
)
@pytest.mark.filterwarnings("ignore")
def test_the_same_script_runs_with_their_import(tmp_path: Path) -> None:
    space = run_script(THEIRS, tmp_path, max_iters=150)
    check_script(space, tmp_path)
    # Their points are ours, as far as they got.
    ours = run_script(OURS, tmp_path, max_iters=500)["unique_fps"]
    theirs = np.asarray(space["unique_fps"].xstar)
    distance = np.linalg.norm(theirs[:, None] - ours.xstar[None], axis=2).min(axis=1)
    assert distance.max() < 0.1
