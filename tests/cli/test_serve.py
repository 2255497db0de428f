"""``fpf-notebook serve``: what it serves and where, and once for real."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest

from fpf_notebook.cli import main, network, serve
from fpf_notebook.cli.network import Network
from fpf_notebook.models import VanillaRNN
from fpf_notebook.tasks import FlipFlop

ROOT = Path(__file__).parents[2]


@pytest.fixture
def served(monkeypatch):
    """Collect what would be served: the arguments of Voila and the notebook."""
    calls = []

    def run_server(module, arguments, folder):
        calls.append((module, arguments, nbformat.read(folder / arguments[0], as_version=4)))
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
    assert "Anybody" not in capsys.readouterr().out
    nbformat.validate(notebook)
    assert notebook.cells[0].source == "# Fixed points of a 3-bit flip-flop network (3 tanh units)"
    assert "explorer_of(n_bits=3, cell='tanh', n_hidden=None, seed=0)" in notebook.cells[1].source


def test_every_option_arrives(served, capsys):
    line = "serve --bits 2 --cell gru --hidden 5 --seed 7 --host 0.0.0.0 --port 9000 --no-browser"
    assert main(line.split()) == 0
    _, arguments, notebook = served()
    assert {"--Voila.ip=0.0.0.0", "--port=9000", "--no-browser"} <= set(arguments)
    assert "explorer_of(n_bits=2, cell='gru', n_hidden=5, seed=7)" in notebook.cells[1].source
    assert "Anybody who can reach 0.0.0.0:9000" in capsys.readouterr().out


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
