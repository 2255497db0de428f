"""Context-dependent integration: the numbers of the paper, the targets, the fixed biases."""

import numpy as np
import pytest

from fpf_notebook.tasks import ContextIntegration, Task


def test_it_is_a_task_of_four_inputs_and_one_output():
    task = ContextIntegration()
    assert isinstance(task, Task)
    assert (task.n_inputs, task.n_outputs, task.n_time) == (4, 1, 25)
    trials = task.sample(6, 0)
    assert trials.inputs.shape == (6, 25, 4)
    assert trials.targets.shape == trials.mask.shape == (6, 25, 1)
    assert trials.inputs.dtype == trials.targets.dtype == np.float32
    assert trials.mask.all()


def test_the_target_is_the_running_sum_of_the_stream_that_the_context_names():
    trials = ContextIntegration().sample(40, 1)
    seen = set()
    for inputs, targets in zip(trials.inputs.astype(float), trials.targets[..., 0], strict=True):
        context = inputs[0, 2:]
        assert sorted(context) == [0, 1]
        np.testing.assert_array_equal(inputs[:, 2:], np.tile(context, (25, 1)))  # static
        chosen = 0 if context[0] == 1 else 1
        seen.add(chosen)
        total = 0.0
        for t in range(25):
            total += inputs[t, chosen]
            assert targets[t] == pytest.approx(total, abs=1e-5)
    assert seen == {0, 1}


def test_bias_and_noise_have_the_papers_size():
    trials = ContextIntegration().sample(20_000, 2)
    streams = trials.inputs[..., :2].astype(float)
    means = streams.mean(axis=1)  # over time: the bias, and noise of 0.125 / 5
    assert means.mean() == pytest.approx(-0.01, abs=1e-3)
    assert means.std() == pytest.approx(np.hypot(0.02, 0.125 / 5), rel=0.02)
    within = (streams - means[:, None]).std(ddof=0) / np.sqrt(24 / 25)
    assert within == pytest.approx(0.025 / np.sqrt(1 / 25), rel=0.01)
    assert np.corrcoef(means.T)[0, 1] == pytest.approx(0, abs=0.02)  # a bias for each stream
    assert (trials.inputs[:, 0, 2] == 1).mean() == pytest.approx(0.5, abs=0.02)


def test_the_numbers_are_options():
    task = ContextIntegration(n_time=100, bias=0.5, noise=0.0, duration=4.0)
    trials = task.sample(300, 0)
    streams = trials.inputs[..., :2]
    np.testing.assert_array_equal(streams, np.broadcast_to(streams[:, :1], streams.shape))
    assert streams.mean() == pytest.approx(-0.5, abs=0.1)
    assert streams[:, 0].std() == pytest.approx(1.0, rel=0.1)
    assert ContextIntegration(n_time=100, duration=4.0).step_noise == pytest.approx(0.125)
    assert ContextIntegration(n_time=100).step_noise == pytest.approx(0.25)


def test_the_seed_decides_the_trials():
    task = ContextIntegration()
    state = np.random.get_state()[1].copy()
    np.testing.assert_array_equal(task.sample(5, 3).inputs, task.sample(5, 3).inputs)
    assert not np.array_equal(task.sample(5, 3).inputs, task.sample(5, 4).inputs)
    np.testing.assert_array_equal(np.random.get_state()[1], state)


def test_trials_of_fixed_bias_have_that_bias_and_context():
    task = ContextIntegration()
    grid = task.bias_grid()
    assert grid.shape == (36, 2)
    assert len(np.unique(grid, axis=0)) == 36
    np.testing.assert_array_equal(grid[:6, 0], np.full(6, grid[0, 0]))  # the first changes slowest
    for context in (0, 1):
        trials = task.sample_fixed_bias(grid, context, 500, 7)
        assert trials.inputs.shape == (36 * 500, 25, 4)
        assert (trials.inputs[..., 2 + context] == 1).all()
        assert (trials.inputs[..., 3 - context] == 0).all()
        means = trials.inputs[..., :2].reshape(36, 500, 25, 2).mean(axis=(1, 2))
        np.testing.assert_allclose(means, grid, atol=5 * 0.125 / np.sqrt(500 * 25))
        chosen = trials.inputs[..., context].astype(float)
        np.testing.assert_allclose(trials.targets[..., 0], chosen.cumsum(axis=1), atol=1e-4)


def test_accuracy_is_the_share_of_right_choices():
    task = ContextIntegration()
    trials = task.sample(64, 0)
    assert task.accuracy(trials.targets, trials) == 1.0
    assert task.accuracy(-trials.targets, trials) == 0.0
    half = np.where(np.arange(64)[:, None, None] < 16, trials.targets, np.nan)
    assert task.accuracy(half, trials) == 0.25
    late = trials.targets.copy()
    late[:, :-1] *= -1  # the end alone counts
    assert task.accuracy(late, trials) == 1.0
    with pytest.raises(ValueError, match="outputs must have the shape of the targets"):
        task.accuracy(trials.targets[..., 0], trials)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"n_time": 0}, ValueError),
        ({"n_time": 2.5}, TypeError),
        ({"bias": -1.0}, ValueError),
        ({"bias": "1"}, TypeError),
        ({"noise": np.nan}, ValueError),
        ({"duration": 0.0}, ValueError),
    ],
)
def test_numbers_out_of_range_are_refused(options, error):
    with pytest.raises(error, match=next(iter(options))):
        ContextIntegration(**options)


def test_wrong_fixed_biases_are_refused():
    task = ContextIntegration()
    with pytest.raises(ValueError, match=r"biases must have the shape \[condition, 2\], got \[3\]"):
        task.sample_fixed_bias([1, 2, 3], 0, 1, 0)
    with pytest.raises(ValueError, match="biases must be finite"):
        task.sample_fixed_bias([[1, np.inf]], 0, 1, 0)
    with pytest.raises(ValueError, match="context must be 0 or 1, got 2"):
        task.sample_fixed_bias([[0, 0]], 2, 1, 0)
    with pytest.raises(ValueError, match="n_trials is 0, expected a whole number from 1"):
        task.sample_fixed_bias([[0, 0]], 1, 0, 0)


def test_its_text_names_every_setting():
    task = ContextIntegration(30, 0.02, 0.05, 2.0)
    assert repr(eval(repr(task))) == repr(task)
    assert repr(task) != repr(ContextIntegration(30, 0.02, 0.05, 2.5))
