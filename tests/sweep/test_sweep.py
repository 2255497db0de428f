"""`sweep`: many networks, failures, a folder that outlives the process, a cluster."""

import functools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import CancelToken, FixedPointFinder, SilentProgress, StepMap
from fpf_notebook.models import VanillaRNN
from fpf_notebook.sweep import SweepResult, SweepRow, sweep

ROOT = Path(__file__).parents[2]
SILENT = SilentProgress()
STATES = np.linspace(-1, 1, 9)[:, None]


def latch_step(p, h, u):
    return jnp.tanh(p * h + u)


def latch(gain):
    return StepMap(latch_step, np.float64(gain), 1, 1, signature="latch of the sweeps")


def request_of(network=None, **further):
    finder = FixedPointFinder(latch(1.0) if network is None else network, n_runs=8)
    return finder.request(**{"initial_states": STATES, **further})


def counts(result):
    return {row["name"]: row["n_fixed"] for row in result.table()}


class Recorder(SilentProgress):
    def __init__(self):
        self.total, self.done = None, []

    def start(self, total, description):
        self.total = total

    def update(self, done, message):
        self.done.append(done)


def test_each_network_has_its_points():
    recorder = Recorder()
    result = sweep({g: latch(float(g)) for g in ("0.5", "1.5", "3")}, request_of(),
                   progress=recorder)  # fmt: skip
    assert counts(result) == {"0.5": 1, "1.5": 3, "3": 3}
    assert list(result) == ["0.5", "1.5", "3"]
    for name, points in result.items():
        x = points.xstar
        np.testing.assert_allclose(np.tanh(float(name) * x), x, atol=1e-12)
    assert recorder.total == 3
    assert recorder.done == [1, 2, 3]
    assert not result.interrupted
    assert not result.failed


def test_the_same_as_by_hand():
    request = request_of()
    (points,) = sweep([latch(2.0)], request, progress=SILENT).values()
    by_hand, _ = FixedPointFinder(latch(2.0), n_runs=8).run(request, progress=SILENT)
    np.testing.assert_array_equal(points.xstar, by_hand.xstar)
    np.testing.assert_array_equal(points.eigval_J_xstar, by_hand.eigval_J_xstar)


def test_parameters_of_one_model():
    model = VanillaRNN(1, 2, 1, seed=0)
    params = dict(model.parameters())
    stronger = {**params, "W_hh": jnp.asarray(2.5 * np.eye(2), jnp.float32)}
    weaker = {**params, "W_hh": jnp.asarray(0.5 * np.eye(2), jnp.float32)}
    states = np.random.default_rng(0).uniform(-1, 1, (64, 2))
    request = FixedPointFinder(model).request(initial_states=states)
    result = sweep([stronger, weaker], request, model=model, progress=SILENT)
    assert not result.failed
    assert list(counts(result).values()) == [9, 1]


def test_a_model_is_made_when_its_turn_comes():
    made = []

    def loader(gain):
        def load():
            made.append(gain)
            return latch(gain)

        return load

    nets = [loader(0.5), loader(2.0), functools.partial(latch, 3.0)]
    result = sweep(nets, request_of(), progress=SILENT)
    assert made == [0.5, 2.0]
    assert counts(result) == {"0000": 1, "0001": 3, "0002": 3}


def test_a_partial_step_is_no_loader():
    def step(gain, state, input):
        return jnp.tanh(gain * state + input)

    result = sweep([functools.partial(step, 2.0)], request_of(), progress=SILENT, n_inputs=1)
    assert counts(result) == {"0000": 3}


def test_a_request_for_each():
    def own(step_map):
        return request_of(step_map, initial_states=np.full((4, 1), float(step_map.params)))

    result = sweep([latch(0.5), latch(2.0)], own, progress=SILENT)
    assert [points.x_init[0, 0] for points in result.values()] == [0.5, 2.0]


def test_a_failure_is_a_row():
    def broken():
        raise RuntimeError("the file is gone")

    wide = StepMap(lambda p, h, u: 0.5 * h, (), 3, 1)
    result = sweep({"a": latch(2.0), "b": broken, "c": wide, "d": latch(0.5)}, request_of(),
                   progress=SILENT)  # fmt: skip
    assert counts(result) == {"a": 3, "b": None, "c": None, "d": 1}
    assert result.failed["b"] == "RuntimeError: the file is gone"
    assert "n_states=3" in result.failed["c"]
    with pytest.raises(KeyError, match="the file is gone"):
        result["b"]
    assert "2 failed" in repr(result)


def test_a_folder_keeps_what_was_found(tmp_path):
    folder = tmp_path / "sweep"
    nets = {"a": latch(2.0), "b": latch(0.5)}
    first = sweep(nets, request_of(), folder=folder, progress=SILENT)
    files = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert set(files) == {"sweep.json", "a.npz", "b.npz"}
    again = sweep({**nets, "c": latch(3.0)}, request_of(), folder=folder, progress=SILENT)
    assert counts(again) == {"a": 3, "b": 1, "c": 3}
    np.testing.assert_array_equal(again["a"].xstar, first["a"].xstar)
    assert all((folder / name).stat().st_mtime_ns == then for name, then in files.items())
    assert [row.seconds for row in again.rows[:2]] == [row.seconds for row in first.rows]


def test_another_network_of_the_same_name_is_searched_anew(tmp_path):
    sweep({"a": latch(2.0)}, request_of(), folder=tmp_path, progress=SILENT)
    assert counts(sweep({"a": latch(0.5)}, request_of(), folder=tmp_path, progress=SILENT)) == {
        "a": 1
    }


def test_a_damaged_file_is_searched_anew_and_an_error_tried_again(tmp_path):
    fail = [True]

    def load():
        if fail[0]:
            raise RuntimeError("not yet")
        return latch(2.0)

    nets = {"a": latch(2.0), "b": load}
    assert counts(sweep(nets, request_of(), folder=tmp_path, progress=SILENT))["b"] is None
    assert "not yet" in json.loads((tmp_path / "b.error.json").read_text())["error"]
    data = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(data[: len(data) // 2])
    fail[0] = False
    again = sweep(nets, request_of(), folder=tmp_path, progress=SILENT)
    assert counts(again) == {"a": 3, "b": 3}
    assert not (tmp_path / "b.error.json").exists()


def test_another_request_needs_another_folder(tmp_path):
    sweep([latch(2.0)], request_of(), folder=tmp_path, progress=SILENT)
    with pytest.raises(ValueError, match="another request"):
        sweep([latch(2.0)], request_of(initial_states=STATES / 2), folder=tmp_path)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "thesis.tex").write_text("…")
    with pytest.raises(ValueError, match="holds other files"):
        sweep([latch(2.0)], request_of(), folder=tmp_path / "x")
    with pytest.raises(ValueError, match="which is a file"):
        sweep([latch(2.0)], request_of(), folder=tmp_path / "x" / "thesis.tex")
    (tmp_path / "sweep.json").write_text('{"format": "fpf-sweep", "version": 2}')
    with pytest.raises(ValueError, match="newer version"):
        sweep([latch(2.0)], request_of(), folder=tmp_path)


def test_a_request_of_its_own_that_changes_is_noticed(tmp_path):
    def own(scale):
        return lambda step_map: request_of(step_map, initial_states=scale * STATES)

    sweep([latch(2.0)], own(1.0), folder=tmp_path, progress=SILENT)
    (points,) = sweep([latch(2.0)], own(0.5), folder=tmp_path, progress=SILENT).values()
    assert np.abs(points.x_init).max() <= 0.5


def test_it_can_be_stopped(tmp_path):
    cancel = CancelToken()

    class Stopping(SilentProgress):
        def update(self, done, message):
            if done == 2:
                cancel.cancel()

    nets = [latch(gain) for gain in (0.5, 2.0, 3.0, 4.0)]
    part = sweep(nets, request_of(), folder=tmp_path, progress=Stopping(), cancel=cancel)
    assert part.interrupted
    assert len(part) == 2
    whole = sweep(nets, request_of(), folder=tmp_path, progress=SILENT)
    assert not whole.interrupted
    assert list(counts(whole).values()) == [1, 3, 3, 3]


SCRIPT = """
import sys, time
import numpy as np, jax.numpy as jnp
from fpf_notebook import FixedPointFinder, SilentProgress, StepMap
from fpf_notebook.sweep import sweep

def step(p, h, u):
    return jnp.tanh(p * h + u)

def loader(gain):
    def load():
        print("made", gain, flush=True)
        return StepMap(step, np.float64(gain), 1, 1, signature="latch")
    return load

states = np.linspace(-1, 1, 9)[:, None]
request = FixedPointFinder(loader(1.0)(), n_runs=8).request(initial_states=states)
gains = np.linspace(0.5, 3, 200)
result = sweep([loader(g) for g in gains], request, folder=sys.argv[1], progress=SilentProgress())
print("found", sum(row["n_fixed"] for row in result.table()))
"""


@pytest.mark.slow
def test_what_a_killed_process_has_found_is_not_searched_again(tmp_path):
    folder = tmp_path / "sweep"
    command = [sys.executable, "-c", SCRIPT, str(folder)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as first:
        deadline = time.monotonic() + 200
        while len(list(folder.glob("*.npz"))) < 20:
            assert first.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        first.send_signal(signal.SIGKILL)
    kept = {path.name: path.read_bytes() for path in folder.glob("*.npz")}
    assert 20 <= len(kept) < 200
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    gains = np.linspace(0.5, 3, 200)
    assert f"found {sum(1 if gain <= 1 else 3 for gain in gains)}" in done.stdout
    assert all((folder / name).read_bytes() == data for name, data in kept.items())
    assert not list(folder.glob(".fpf-*"))


@pytest.mark.slow
def test_on_a_cluster(tmp_path):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
            local_directory=str(tmp_path / "dask"),
        ) as cluster,
        distributed.Client(cluster) as client,
    ):  # fmt: skip

        def loader(gain):
            def load():
                import jax.numpy as jnp

                from fpf_notebook import StepMap

                return StepMap(lambda p, h, u: jnp.tanh(p * h + u), np.float64(gain), 1, 1)

            return load

        def broken():
            raise RuntimeError("no such file")

        nets = {f"{gain}": loader(gain) for gain in (0.5, 2.0, 3.0)}
        result = sweep({**nets, "broken": broken}, request_of(), client=client,
                       folder=tmp_path / "sweep", progress=SILENT)  # fmt: skip
        assert counts(result) == {"0.5": 1, "2.0": 3, "3.0": 3, "broken": None}
        alone = sweep(nets, request_of(), progress=SILENT)
        for name in nets:
            np.testing.assert_array_equal(result[name].xstar, alone[name].xstar)


@pytest.mark.parametrize(
    ("networks", "message"),
    [
        ([], "at least one"),
        ({}, "at least one"),
        ("net.npz", "expected a list of networks"),
        (3, "expected a list of networks"),
        ({"a/b": None}, "can be the name of a file"),
        ({"../a": None}, "can be the name of a file"),
        ({"": None}, "can be the name of a file"),
        ({"a.": None}, "can be the name of a file"),
        ({7: None}, "can be the name of a file"),
        ({"a": None, "A": None}, "upper and lower case"),
    ],
)
def test_networks_that_are_none(networks, message):
    with pytest.raises((TypeError, ValueError), match=message):
        sweep(networks, request_of())


def test_a_request_that_is_none():
    with pytest.raises(TypeError, match="request is of type ndarray"):
        sweep([latch(2.0)], STATES)
    result = sweep([latch(2.0)], lambda step_map: STATES, progress=SILENT)
    assert "request returned ndarray" in result.failed["0000"]


def test_parameters_of_another_shape_are_a_row():
    model = VanillaRNN(1, 2, 1, seed=0)
    params = {**model.parameters(), "W_hh": jnp.zeros((3, 3))}
    request = FixedPointFinder(model).request(initial_states=np.zeros((2, 2)))
    result = sweep([params], request, model=model, progress=SILENT)
    assert "W_hh" in result.failed["0000"]


def test_all_together_as_arrays():
    xarray = pytest.importorskip("xarray")
    result = sweep({"a": latch(2.0), "b": latch(0.5)}, request_of(), progress=SILENT)
    data = result.to_xarray()
    assert isinstance(data, xarray.Dataset)
    assert data.xstar.dims == ("network", "point", "state")
    assert data.n_points.values.tolist() == [3, 1]
    np.testing.assert_allclose(data.xstar.sel(network="b").values.ravel(), [0, np.nan, np.nan],
                               atol=1e-12)  # fmt: skip
    assert result.to_dataframe().loc["a", "n_stable"] == 2
    wide = sweep([StepMap(lambda p, h, u: 0.5 * h, (), 3, 1)],
                 request_of(initial_states=np.zeros((2, 3)),
                            network=StepMap(lambda p, h, u: h, (), 3, 1)),
                 progress=SILENT)  # fmt: skip
    mixed = SweepResult([*result.rows, *[SweepRow("wide", p) for p in wide.values()]])
    with pytest.raises(ValueError, match=r"\[1, 3\] states"):
        mixed.to_xarray()


def test_distances_of_the_networks():
    result = sweep({"a": latch(2.0), "b": latch(3.0), "c": latch(0.5)}, request_of(),
                   progress=SILENT)  # fmt: skip
    D = result.distances("matched")
    outer = result["b"].xstar.max() - result["a"].xstar.max()
    np.testing.assert_allclose(D[0, 1], np.sqrt(2 / 3) * outer, atol=1e-9)
    assert D[0, 2] > D[0, 1]  # two points too few
    np.testing.assert_allclose(result.distances()[0, 1], 0, atol=1e-9)  # the same shape
