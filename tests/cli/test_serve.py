"""``fpf-notebook serve``: what it serves and where, and once for real."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import numpy as np
import pytest

from fpf_notebook.cli import main, network, serve
from fpf_notebook.cli.network import Network
from fpf_notebook.models import VanillaRNN
from fpf_notebook.tasks import FlipFlop
from fpf_notebook.training import save_checkpoint

ROOT = Path(__file__).parents[2]


@pytest.fixture
def served(monkeypatch):
    """Collect what would be served: the arguments of Voila and the notebook."""
    calls = []

    def run_server(module, arguments, folder, variables):
        calls.append((module, arguments, nbformat.read(folder / arguments[0], as_version=4)))
        served.variables = variables
        return 0

    def trained(n_bits, cell, n_hidden, seed, *, use_cache):
        assert use_cache
        model = VanillaRNN(n_bits, 3, n_bits, seed=seed)
        return Network(model, FlipFlop(n_bits), "3 tanh units", interrupted=served.interrupted)

    def served():
        (call,) = calls
        return call

    served.interrupted = False
    served.calls = calls
    monkeypatch.setattr(serve, "run_server", run_server)
    monkeypatch.setattr(serve, "is_installed", lambda module: True)
    monkeypatch.setattr(network, "trained_network", trained)
    return served


def test_on_loopback_unless_told_otherwise(served, capsys):
    assert main(["serve"]) == 0
    module, arguments, notebook = served()
    assert module == "voila"
    assert {"--Voila.ip=127.0.0.1", "--port=8866"} <= set(arguments)
    assert "--no-browser" not in arguments
    assert "Whoever" not in capsys.readouterr().out
    assert served.variables == {}
    nbformat.validate(notebook)
    assert notebook.cells[0].source == "# Fixed points of a 3-bit flip-flop network (3 tanh units)"
    assert "explorer_of(n_bits=3, cell='tanh', n_hidden=None, seed=0)" in notebook.cells[1].source


def test_every_option_arrives(served, capsys):
    line = "serve --bits 2 --cell gru --hidden 5 --seed 7 --host 0.0.0.0 --port 9000 --no-browser"
    assert main(line.split()) == 0
    _, arguments, notebook = served()
    assert {"--Voila.ip=0.0.0.0", "--port=9000", "--no-browser"} <= set(arguments)
    assert "explorer_of(n_bits=2, cell='gru', n_hidden=5, seed=7)" in notebook.cells[1].source
    printed = capsys.readouterr().out
    assert "can reach 0.0.0.0:9000" in printed
    token = served.variables["JUPYTER_TOKEN"]
    assert len(token) >= 32
    assert f"http://0.0.0.0:9000/?token={token}" in printed
    assert token not in " ".join(arguments)  # which everybody on the machine can read


def test_a_training_that_is_stopped_serves_nothing(served, capsys):
    served.interrupted = True
    assert main(["serve"]) == 130
    assert served.calls == []
    assert "no network to show" in capsys.readouterr().err


def test_without_voila_the_extra_is_named(served, monkeypatch, capsys):
    monkeypatch.setattr(serve, "is_installed", lambda module: module != "voila")
    assert main(["serve"]) == 2
    assert 'pip install "fpf-notebook[voila]"' in capsys.readouterr().err
    assert served.calls == []


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_a_wrong_port(capsys, port):
    with pytest.raises(SystemExit):
        main(["serve", "--port", port])
    assert "--port: expected a whole number from 1 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("192.168.0.7", False),
        ("lecture.example.org", False),
    ],
)
def test_what_is_loopback(host, expected):
    assert serve.is_loopback(host) is expected


MODULE = """
import jax.numpy as jnp
from fpf_notebook import as_step_map
from fpf_notebook.models import VanillaRNN

def step(state, input):
    return jnp.tanh(2 * state + input)

latch = as_step_map(step, n_states=2, n_inputs=2)

net = VanillaRNN(1, 3, 1, seed=5)
not_a_model = "text"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "my_nets", raising=False)
    (tmp_path / "my_nets.py").write_text(MODULE)
    yield tmp_path
    sys.modules.pop("my_nets", None)


def test_a_model_of_a_module(served, folder):
    np.save(folder / "states.npy", np.random.default_rng(0).uniform(-1, 1, (200, 2)))
    assert main(["serve", "--model", "my_nets:latch", "--states", "states.npy"]) == 0
    _, _, notebook = served()
    assert notebook.cells[0].source == "# Fixed points of my_nets:latch"
    source = notebook.cells[1].source
    assert f"folder={str(folder)!r}" in source
    made = {}
    exec(source.replace("\nexplorer\n", "\n"), made)  # as a kernel does, in another folder
    made["explorer"].wait()
    try:
        # tanh(2 x) = x thrice, in two units
        assert made["explorer"].fixed_points.n == 9
    finally:
        made["explorer"].close()


def test_runs_without_input_are_the_states_where_none_are_given(folder):
    from fpf_notebook.cli.served_model import ServedModel

    served = ServedModel("my_nets:net", folder=str(folder), seed=3)
    states = served.trajectories(served.model())
    assert states.shape == (48, 60, 3)
    assert np.abs(states).max() <= 1
    np.testing.assert_array_equal(states, served.trajectories(served.model()))


def test_a_checkpoint_fills_the_model(folder):
    from fpf_notebook.cli.served_model import ServedModel

    trained = VanillaRNN(1, 3, 1, seed=9)
    save_checkpoint(trained, folder / "net.npz")
    model = ServedModel("my_nets:net", "net.npz", folder=str(folder)).model()
    np.testing.assert_array_equal(model.W_hh.value, trained.W_hh.value)


def test_a_shipped_network_and_a_file_of_weights(folder):
    from fpf_notebook.cli.served_model import ServedModel

    assert ServedModel("gru100-3bit").model().n_states == 100
    W = np.eye(2)
    np.savez(folder / "w.npz", kind="tanh", W_ih=W, W_hh=2 * W, b=np.zeros(2))
    assert ServedModel("w.npz", folder=str(folder)).model().n_states == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--model nothing:net", "no module 'nothing'"),
        ("--model my_nets:other", "my_nets has no 'other'. It has: VanillaRNN, as_step_map"),
        ("--model my_nets:", "my_nets has no ''"),
        ("--model my_nets:not_a_model", "str"),
        ("--model my_nets:step", "name what as_step_map returns"),
        ("--model missing.npz", "expected module:object"),
        ("--model gru100-3bit --checkpoint a.npz", "module:object beside it"),
        ("--model my_nets:net --checkpoint a.npz", "there is no file"),
        ("--model my_nets:net --states a.npy", "'a.npy' is no .npy file"),
        ("--model my_nets:net --states flat.npy", "shape (4,), expected [n, n_states]"),
        ("--model my_nets:net --states wide.npy", "n_states"),
        ("--model my_nets:net --states huge.npy", "declares 8,000,000,000,000,000 bytes and has 8"),
        ("--model my_nets:net --states pipe.npy", "a device or a pipe"),
        ("--model my_nets:net --states objects.npy", "has the type '|O', expected numbers"),
        ("--model my_nets:net --states .", "is no .npy file"),
        ("--states a.npy", "--states belongs to --model"),
        ("--checkpoint a.npz", "--checkpoint belongs to --model"),
    ],
)
def test_what_cannot_be_served_is_said_before_anything_is(served, folder, capsys, line, message):
    np.save(folder / "flat.npy", np.zeros(4))
    np.save(folder / "wide.npy", np.zeros((4, 7)))
    np.save(folder / "huge.npy", np.zeros(1))
    data = (folder / "huge.npy").read_bytes()
    (folder / "huge.npy").write_bytes(
        data.replace(b"(1,), }" + 15 * b" ", b"(1000000000000000,), }")
    )
    np.save(folder / "objects.npy", np.array([{}]), allow_pickle=True)
    os.mkfifo(folder / "pipe.npy")
    assert main(["serve", *line.split()]) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.startswith("fpf-notebook serve: error: ")
    assert served.calls == []


@pytest.mark.slow
def test_the_page_comes_up_on_this_machine_alone_and_ctrl_c_ends_it(tmp_path):
    pytest.importorskip("voila")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "fpf_notebook", "serve", "--bits", "1", f"--port={port}"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--no-browser"],
            env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path),
                 "XDG_CACHE_HOME": str(tmp_path / "cache"), "JAX_PLATFORMS": "cpu"},
            cwd=tmp_path, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 180
        text = ""
        while "fpf-explorer" not in text and "FixedPointExplorer" not in text:
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=120) as answer:
                    text = answer.read().decode()
            except OSError:
                time.sleep(0.3)
        assert "Fixed points of a 1-bit flip-flop network" in text
        assert "Traceback" not in text
        assert "Not trained now" not in text  # that is for the terminal
        # A name that somebody else has let point to this machine.
        foreign = urllib.request.Request(
            f"http://127.0.0.1:{port}/", headers={"Host": f"evil.example:{port}"}
        )
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(foreign, timeout=60)
        addresses = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), port)}
        for address in addresses - {"127.0.0.1", "::1"}:
            with pytest.raises(OSError, match=r"refused|timed out|unreachable|assign"):
                socket.create_connection((address, port), timeout=2).close()
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        assert process.wait(60) == 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
