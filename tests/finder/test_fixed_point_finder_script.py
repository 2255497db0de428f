"""A script written for FixedPointFinder and PyTorch runs with its import lines changed."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

OURS = """
from fpf_notebook import FixedPointFinder, plot_fps
"""

# In the way of its flip-flop example: train, predict, sample, find, plot.
SCRIPT = """
import numpy as np
import torch
from torch import nn


class Latch(nn.Module):
    def __init__(self, n_bits, n_hidden):
        super().__init__()
        self.initial_hiddens_1xd = nn.Parameter(torch.zeros(1, n_hidden))
        self.rnn = nn.RNN(n_bits, n_hidden, nonlinearity="tanh", batch_first=True)
        self.readout = nn.Linear(n_hidden, n_bits)

    def forward(self, data):
        x = data["inputs"]
        h0 = self.initial_hiddens_1xd.expand(1, x.shape[0], -1).contiguous()
        hiddens_bxtxd, _ = self.rnn(x, h0)
        return {"output": self.readout(hiddens_bxtxd), "hidden": hiddens_bxtxd}

    def predict(self, data):
        with torch.no_grad():
            pred = self.forward({"inputs": torch.tensor(data["inputs"])})
        return {key: val.cpu().numpy() for key, val in pred.items()}


def train():
    torch.manual_seed(0)
    model = Latch(n_bits=2, n_hidden=2)
    with torch.no_grad():  # two units that remember one bit each, as training would have it
        model.rnn.weight_hh_l0.copy_(2.0 * torch.eye(2))
        model.rnn.weight_ih_l0.copy_(3.0 * torch.eye(2))
        model.rnn.bias_ih_l0.zero_()
        model.rnn.bias_hh_l0.zero_()
    rng = np.random.RandomState(0)
    pulses = rng.choice([-1.0, 0.0, 1.0], p=[0.1, 0.8, 0.1], size=[32, 40, 2])
    data = {"inputs": pulses.astype(np.float32)}
    return model, data, model.predict(data)


def find_fixed_points(model, data, valid_predictions):
    n_bits = valid_predictions["output"].shape[2]
    fpf_hps = {
        "max_iters": 1000,
        "lr_init": 1.0,
        "outlier_distance_scale": 10.0,
        "verbose": True,
        "super_verbose": True,
        "random_seed": 0,
        "dtype": "float32",
    }
    fpf = FixedPointFinder(model.rnn, **fpf_hps)
    initial_states = fpf.sample_states(
        valid_predictions["hidden"], n_inits=128, noise_scale=0.5
    )
    inputs = np.zeros([1, n_bits])
    unique_fps, all_fps = fpf.find_fixed_points(initial_states, inputs)
    unique_fps.print_summary()
    fig = plot_fps(
        unique_fps,
        valid_predictions["hidden"],
        plot_batch_idx=list(range(30)),
        plot_start_time=10,
    )
    same = unique_fps.plot(valid_predictions["hidden"], plot_start_time=10, plot_stop_time=30)
    paired = fpf.sample_inputs_and_states(
        data["inputs"], valid_predictions["hidden"], n_inits=16, noise_scale=0.1
    )
    driven, _ = fpf.find_fixed_points(paired[1], paired[0])
    return fpf, initial_states, unique_fps, all_fps, fig, same, paired, driven


model, data, valid_predictions = train()
(fpf, initial_states, unique_fps, all_fps, fig, same, paired, driven) = find_fixed_points(
    model, data, valid_predictions
)
first = unique_fps[0]
again = unique_fps.get_unique().n
n_units = [unique_fps.n, unique_fps.n_states, unique_fps.n_inputs]
place = unique_fps.find(first)
J, eigenvalues = unique_fps.J_xstar, unique_fps.eigval_J_xstar
"""


def test_the_script_runs_with_our_import(capsys):
    space = {"__name__": "script"}
    exec(compile(OURS + SCRIPT, "script.py", "exec"), space)
    fps, states = space["unique_fps"], space["initial_states"]
    assert states.shape == (128, 2)
    assert space["n_units"] == [9, 2, 2]
    assert space["again"] == 9
    assert int(np.sum(fps.is_stable)) == 4
    assert space["all_fps"].n == 128
    np.testing.assert_allclose(np.tanh(2 * fps.xstar), fps.xstar, atol=1e-9)
    slopes = 2 * (1 - fps.xstar**2)
    np.testing.assert_allclose(space["J"], slopes[:, :, None] * np.eye(2), atol=1e-7)
    np.testing.assert_array_equal(np.ravel(space["place"]), [0])
    assert "=== Fixed Points Summary ===" in capsys.readouterr().out
    for figure in (space["fig"], space["same"]):
        assert figure.axes
    inputs, starts = space["paired"]
    driven = space["driven"]
    assert inputs.shape == starts.shape == (16, 2)
    expected = np.tanh(2 * driven.xstar + 3 * driven.inputs)
    np.testing.assert_allclose(driven.xstar, expected, atol=1e-9)
    assert all(parameter.requires_grad for parameter in space["model"].parameters())


def test_states_and_inputs_are_drawn_from_the_same_places():
    from fpf_notebook import FixedPointFinder

    finder = FixedPointFinder(lambda state, input: state, n_states=2, n_inputs=1)
    rng = np.random.default_rng(0)
    states = rng.normal(size=(4, 6, 2))
    inputs = states.sum(axis=2, keepdims=True)
    valid = rng.random((4, 6)) < 0.5
    u, h = finder.sample_inputs_and_states(inputs, states, 10, valid_bxt=valid)
    np.testing.assert_allclose(u[:, 0], h.sum(axis=1))
    np.testing.assert_array_equal(h, finder.sample_states(states, 10, valid_bxt=valid))
    _, noisy = finder.sample_inputs_and_states(inputs, states, 10, valid, 0.3)
    np.testing.assert_array_equal(noisy, finder.sample_states(states, 10, valid, 0.3))
    with pytest.raises(ValueError, match=r"inputs has shape \(1, 1\), expected \[n_batch=4"):
        finder.sample_inputs_and_states(np.zeros((1, 1)), states, 10)


def test_the_figure_that_is_given_is_drawn_into():
    from matplotlib.figure import Figure

    from fpf_notebook import FixedPoints, plot_fps

    points = FixedPoints(xstar=np.zeros((1, 2)), is_stable=np.array([True]))
    fig = Figure()
    assert plot_fps(points, fig=fig) is fig
    states = np.random.default_rng(0).normal(size=(3, 8, 2))
    assert plot_fps(points, states, [0, 2], 2, 6, 0.25, fig).axes
    with pytest.raises(ValueError, match="plot_batch_idx: 3 given"):
        plot_fps(points, states, [3])
