import subprocess
import sys

import numpy as np
import pytest

from fpf_notebook.tasks import FlipFlop, Task, Trials


def held_by_a_loop(pulses, start):
    held, out = np.full(pulses.shape[0::2], start), []
    for t in range(pulses.shape[1]):
        held = np.where(pulses[:, t] != 0, pulses[:, t], held)
        out.append(held)
    return np.stack(out, axis=1)


def test_pulses_and_what_is_held():
    task = FlipFlop(3)
    trials = task.sample(500, seed=1)
    assert isinstance(task, Task)
    assert trials.inputs.shape == trials.targets.shape == trials.mask.shape == (500, 64, 3)
    assert trials.inputs.dtype == trials.targets.dtype == trials.mask.dtype == np.float32
    assert set(np.unique(trials.inputs)) == {-1, 0, 1}
    assert (trials.inputs[:, 0] != 0).all()  # a pulse on every line at the first step
    assert (trials.mask == 1).all()
    np.testing.assert_array_equal(trials.targets, held_by_a_loop(trials.inputs, 0))
    assert (trials.n_trials, trials.n_time) == (500, 64)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 1.0])
def test_frequency_of_pulses(p):
    inputs = FlipFlop(2, n_time=50, p=p).sample(2000, seed=0).inputs
    assert np.mean(inputs[:, 1:] > 0) == pytest.approx(p / 2, abs=0.005)
    assert np.mean(inputs[:, 1:] < 0) == pytest.approx(p / 2, abs=0.005)
    assert np.mean(inputs[:, 0] > 0) == pytest.approx(0.5, abs=0.03)
    # Lines are independent of each other.
    assert abs(np.corrcoef(inputs[:, 0, 0], inputs[:, 0, 1])[0, 1]) < 0.08


def test_one_hot_lines():
    task = FlipFlop(2, encoding="one_hot")
    trials = task.sample(3000, seed=2)
    assert (task.n_inputs, task.n_outputs, task.n_time) == (4, 2, 25)
    assert trials.inputs.shape == (3000, 25, 4)
    lines = trials.inputs.reshape(3000, 25, 2, 2)
    assert set(np.unique(lines)) == {0, 1}
    pulses = lines[..., 1] - lines[..., 0]
    for value in (-1, 0, 1):
        assert np.mean(pulses == value) == pytest.approx(1 / 3, abs=0.005)
    assert (lines.sum(-1) <= 1).all()
    np.testing.assert_array_equal(trials.targets, held_by_a_loop(pulses, -1))
    assert (trials.mask[:, :5] == 0).all()
    assert (trials.mask[:, 5:] == 1).all()


def test_the_seed_alone_decides_the_trials():
    task = FlipFlop(2)
    first, again, other = task.sample(8, 3), task.sample(8, 3), task.sample(8, 4)
    np.testing.assert_array_equal(first.inputs, again.inputs)
    assert not np.array_equal(first.inputs, other.inputs)
    assert not np.array_equal(first.inputs, task.sample(8, [3, 1]).inputs)


def test_accuracy():
    task = FlipFlop(2, encoding="one_hot")
    trials = task.sample(4, seed=0)
    assert task.accuracy(0.1 * trials.targets, trials) == 1
    assert task.accuracy(-trials.targets, trials) == 0
    assert task.accuracy(0 * trials.targets, trials) == 0
    assert task.accuracy(np.nan * trials.targets, trials) == 0
    outputs = trials.targets.copy()
    outputs[:, :5] *= -1  # not scored
    assert task.accuracy(outputs, trials) == 1
    outputs[0, 5:] *= -1
    assert task.accuracy(outputs, trials) == 0.75
    with pytest.raises(ValueError, match=r"outputs must have the shape .* got \[4, 25, 1\]"):
        task.accuracy(outputs[..., :1], trials)


def test_repr_names_every_setting():
    assert repr(FlipFlop(3)) == "FlipFlop(n_bits=3, n_time=64, p=0.5, encoding='pulse')"
    assert repr(FlipFlop(3)) != repr(FlipFlop(3, p=0.25))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: FlipFlop(0), ValueError, "n_bits is 0, expected a whole number from 1"),
        (lambda: FlipFlop(2.5), TypeError, "n_bits is 2.5, expected a whole number from"),
        (lambda: FlipFlop(2, n_time=0), ValueError, "n_time is 0, expected a whole number from 1"),
        (
            lambda: FlipFlop(2, n_time=5, encoding="one_hot"),
            ValueError,
            "n_time is 5, expected at least 6",
        ),
        (lambda: FlipFlop(2, p=1.5), ValueError, "p is 1.5, expected a number from 0 to 1"),
        (
            lambda: FlipFlop(2, p=float("nan")),
            ValueError,
            "p is nan, expected a number from 0 to 1",
        ),
        (lambda: FlipFlop(2, p="0.5"), TypeError, "p is '0.5', expected a number from 0 to 1"),
        (
            lambda: FlipFlop(2, encoding="onehot"),
            ValueError,
            "encoding is .onehot., expected one of",
        ),
        (
            lambda: FlipFlop(2).sample(0, 1),
            ValueError,
            "n_trials is 0, expected a whole number from 1",
        ),
        (
            lambda: Trials(np.ones((2, 3)), np.ones((2, 3, 1)), np.ones((2, 3, 1))),
            ValueError,
            r"inputs must have the shape \[trial, time, channel\], got \[2, 3\]",
        ),
        (
            lambda: Trials(np.ones((2, 3, 1)), np.ones((2, 3, 1)), np.ones((2, 3, 2))),
            ValueError,
            r"mask must have the shape of targets, \[2, 3, 1\], got \[2, 3, 2\]",
        ),
        (
            lambda: Trials(np.ones((2, 4, 1)), np.ones((2, 3, 1)), np.ones((2, 3, 1))),
            ValueError,
            "as many trials and steps",
        ),
    ],
)
def test_wrong_arguments(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_tasks_need_neither_jax_nor_brainpy():
    code = (
        "import fpf_notebook.tasks, sys;print(*(n for n in ('jax', 'brainpy') if n in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "", done.stderr
