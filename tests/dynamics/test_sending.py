"""Step maps, finders, models and results are pickled, and are the same in another process."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, SilentProgress, StepMap, as_step_map
from fpf_notebook.models import GRU, JSLDS, LSTM, VanillaRNN

ROOT = Path(__file__).parents[2]
STATES = np.random.default_rng(0).uniform(-1, 1, (12, 2))
U = np.zeros((1, 2))


def latches(state, input):
    return jnp.tanh(2 * state + input)


def by_hand(params, state, input):
    return jnp.tanh(params * state + input)


def step_maps():
    gain = np.array([1.5, 2.5])
    given = {"gain": np.array(2.0)}
    return {
        "function": as_step_map(latches, n_states=2, n_inputs=2),
        "closure": as_step_map(lambda h, u: jnp.tanh(gain * h + u), n_states=2, n_inputs=2),
        "parameters": as_step_map(
            lambda p, h, u: jnp.tanh(p["gain"] * h + u), n_states=2, n_inputs=2, params=given
        ).with_values({"gain": 3.0}),
        "by hand": StepMap(by_hand, np.array(2.0), 2, 2, name="by hand"),
        "power": as_step_map(latches, n_states=2, n_inputs=2).power(3),
        "gru": as_step_map(GRU(2, 2, 1, seed=1)),
    }


def models():
    return [
        VanillaRNN(2, 3, 1, seed=1),
        LSTM(2, 3, 1, seed=3),
        JSLDS(GRU(2, 3, 1, seed=4)),
    ]


def run_of(model):
    run = model.run(np.ones((2, 5, 2), np.float32))
    return np.asarray(run[1] if isinstance(run, tuple) else run.rnn_states)


def points_of(finder):
    return finder.find_fixed_points(initial_states=STATES, inputs=U, progress=SilentProgress())[0]


THERE = """
import pickle, sys
import numpy as np
from tests.dynamics.test_sending import STATES, U, points_of, run_of
with open(sys.argv[1], "rb") as file:
    sent = pickle.load(file)
x = STATES
found = points_of(sent["finder"])
answer = {
    "steps": {name: step_map(x, U) for name, step_map in sent["steps"].items()},
    "models": [run_of(model) for model in sent["models"]],
    "points": [found.xstar, found.qstar, found.eigval_J_xstar],
    "result": sent["result"].xstar,
    "audit": sent["result"].audit.to_dict(),
}
with open(sys.argv[1], "wb") as file:
    pickle.dump(answer, file)
"""


def test_in_a_fresh_process_all_is_the_same_to_the_bit(tmp_path):
    cloudpickle = pytest.importorskip("cloudpickle")
    steps, nets = step_maps(), models()
    finder = FixedPointFinder(steps["function"], n_runs=4)
    found = points_of(finder)
    path = tmp_path / "sent"
    sent = {"steps": steps, "models": nets, "finder": finder, "result": found}
    path.write_bytes(cloudpickle.dumps(sent))
    done = subprocess.run(
        [sys.executable, "-c", THERE, str(path)], cwd=ROOT, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    answer = pickle.loads(path.read_bytes())
    for name, step_map in steps.items():
        np.testing.assert_array_equal(answer["steps"][name], step_map(STATES, U), err_msg=name)
    for model, states in zip(nets, answer["models"], strict=True):
        np.testing.assert_array_equal(run_of(model), states, err_msg=type(model).__name__)
    for ours, theirs in zip((found.xstar, found.qstar, found.eigval_J_xstar), answer["points"],
                            strict=True):  # fmt: skip
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(answer["result"], found.xstar)
    assert answer["audit"] == found.audit.to_dict()


def test_functions_of_modules_need_no_cloudpickle():
    step_map = as_step_map(latches, n_states=2, n_inputs=2)
    for one in (step_map, FixedPointFinder(step_map), GRU(2, 3, 1)):
        assert type(pickle.loads(pickle.dumps(one))) is type(one)


def test_what_is_sent_are_the_numbers_of_the_step_map_not_those_of_the_model_now():
    model = VanillaRNN(2, 2, 1, seed=1)
    step_map = as_step_map(model)
    before = step_map(STATES, U)
    model.W_hh.value = model.W_hh.value * 2
    again = pickle.loads(pickle.dumps(step_map))
    np.testing.assert_array_equal(again(STATES, U), before)
    assert again.name == step_map.name


def test_a_model_that_computes_something_else_now_is_not_sent():
    class Net:
        power = 2

        def __call__(self, state, input):
            return jnp.tanh(state**self.power + input)

    net = Net()
    step_map = as_step_map(net.__call__, n_states=2, n_inputs=2)
    net.power = 3
    with pytest.raises(pickle.PicklingError, match="the model that it was made of has changed"):
        pickle.dumps(step_map)


def test_a_model_is_made_in_any_thread():
    from concurrent.futures import ThreadPoolExecutor

    model = GRU(2, 3, 1, seed=1)
    with ThreadPoolExecutor(1) as pool:
        copy = pool.submit(pickle.loads, pickle.dumps(model)).result()
    np.testing.assert_array_equal(copy.W_hh.value, model.W_hh.value)


def test_the_copy_of_a_model_is_trained_by_itself():
    model = GRU(2, 3, 1, seed=1)
    copy = pickle.loads(pickle.dumps(model))
    assert set(copy.train_vars().unique()) != set()
    assert set(copy.parameters()) == set(model.parameters())
    copy.W_hh.value = copy.W_hh.value + 1
    assert not np.array_equal(np.asarray(copy.W_hh.value), np.asarray(model.W_hh.value))
    assert copy.n_states == 3
    assert copy.name != model.name


FORK = """
import os, sys, warnings
import numpy as np
from fpf_notebook import FixedPointFinder, SilentProgress, as_step_map
step_map = as_step_map(lambda h, u: 0.5 * h, n_states=1, n_inputs=1)
step_map(np.zeros(1), np.zeros(1))
for _ in range(3):
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
"""


def test_fork_after_jax_is_warned_about_once():
    done = subprocess.run(
        [sys.executable, "-c", FORK], cwd=ROOT, capture_output=True, text=True, timeout=120,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True,
    )  # fmt: skip
    assert done.stderr.count("os.fork() is incompatible with multithreaded code") == 1


@pytest.mark.slow
def test_on_the_workers_of_a_cluster(tmp_path):
    distributed = pytest.importorskip("distributed")
    step_map = as_step_map(latches, n_states=2, n_inputs=2)
    finder = FixedPointFinder(step_map, n_runs=4)
    here = points_of(finder)
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None,
            local_directory=str(tmp_path),
        ) as cluster,
        distributed.Client(cluster) as client,
    ):  # fmt: skip
        found = client.submit(points_of, finder).result(timeout=300)
        rows = client.submit(lambda one, x, u: one(x, u), step_map, STATES, U).result(timeout=300)
        model = client.submit(lambda one: one, GRU(2, 3, 1, seed=1)).result(timeout=300)
    np.testing.assert_array_equal(found.xstar, here.xstar)
    np.testing.assert_array_equal(rows, step_map(STATES, U))
    np.testing.assert_array_equal(model.W_hh.value, GRU(2, 3, 1, seed=1).W_hh.value)
