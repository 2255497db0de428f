"""The demo: on a latch whose fixed points are known, and once for real."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fpf_notebook
from fpf_notebook.cli import main, network
from fpf_notebook.cli.network import Network
from fpf_notebook.models import VanillaRNN
from fpf_notebook.tasks import FlipFlop

PNG = b"\x89PNG\r\n\x1a\n"


def latch(n_bits):
    """Return independent units h -> tanh(2h + 3u): each has the fixed points 0 and +-0.9575."""
    eye = np.eye(n_bits)
    return VanillaRNN.from_arrays(
        W_ih=3 * eye, W_hh=2 * eye, b=np.zeros(n_bits), W_out=eye, b_out=np.zeros(n_bits)
    )


@pytest.fixture
def demo(monkeypatch, tmp_path):
    """Run the demo on the latch and return its exit status."""

    def trained(n_bits, cell, n_hidden, seed, *, use_cache):
        return Network(latch(n_bits), FlipFlop(n_bits), "a latch", interrupted=demo.interrupted)

    def demo(*arguments, n_bits=2):
        return main(["demo", "--bits", str(n_bits), "--out", str(tmp_path / "out"), *arguments])

    demo.interrupted = False
    demo.out = tmp_path / "out"
    monkeypatch.setattr(network, "trained_network", trained)
    return demo


@pytest.mark.parametrize("n_bits", [1, 2, 3])
def test_every_point_is_found_shown_and_saved(demo, capsys, n_bits):
    assert demo(n_bits=n_bits) == 0
    printed = capsys.readouterr().out
    assert f"{3**n_bits} fixed points: {2**n_bits} stable" in printed
    assert "all of them, proved; index sum 1 of expected 1" in printed
    assert "100.00 %" in printed

    pictures = {"spectrum.png"} | {f"fixed_points_{n}d.png" for n in (2, 3) if n <= n_bits}
    files = {path.name for path in demo.out.iterdir()}
    pages = {"index.html", "explorer.html", "inspector.html"}
    assert files == pictures | pages | {"fixed_points.nc"}
    for name in files:
        assert f"\n  {name} " in printed
    for name in pictures:
        content = (demo.out / name).read_bytes()
        assert content.startswith(PNG)
        assert len(content) > 10_000

    saved = fpf_notebook.FixedPoints.load(demo.out / "fixed_points.nc")
    assert saved.completeness.consistent
    one = np.array([-0.95750402, 0.0, 0.95750402])
    expected = np.stack(np.meshgrid(*[one] * n_bits), -1).reshape(-1, n_bits)
    found = saved.xstar[np.lexsort(saved.xstar.round(3).T)]
    np.testing.assert_allclose(found, expected[np.lexsort(expected.round(3).T)], atol=1e-7)

    page = (demo.out / "index.html").read_text(encoding="utf-8")
    assert f"Fixed points of a {n_bits}-bit flip-flop network (a latch)" in page
    assert f"{3**n_bits} fixed points: {2**n_bits} stable" in page
    assert "scatter" in page


def test_an_inconsistent_set_is_a_failure(demo, monkeypatch):
    # All initial states in one corner, and one round: only one of the nine points is found.
    find = fpf_notebook.FixedPointFinder.find_fixed_points

    def find_in_a_corner(self, states, inputs, exhaustive):
        corner = np.full((4, 2), 0.9)
        return find(self, initial_states=np.vstack([corner, [[0.9, 0.0]]]), inputs=inputs)

    monkeypatch.setattr(fpf_notebook.FixedPointFinder, "find_fixed_points", find_in_a_corner)
    assert demo() == 1
    assert (demo.out / "fixed_points.nc").exists()


def test_a_set_of_unknown_index_sum_is_a_failure(demo, monkeypatch):
    monkeypatch.setattr(VanillaRNN, "invariant_box", lambda self, u: None)
    # Nor is there one that can be proven from the step.
    monkeypatch.setattr("fpf_notebook.dynamics.jaxpr.proven.with_proven_box", lambda given: given)
    assert demo() == 1


def test_ctrl_c_while_searching_keeps_what_was_found(demo, monkeypatch, capsys):
    class Interrupting(fpf_notebook.SilentProgress):
        def update(self, done, message):
            # Once something is found.
            if done > 1000 and not Interrupting.done:
                Interrupting.done = True
                signal.raise_signal(signal.SIGINT)

    Interrupting.done = False
    monkeypatch.setattr(fpf_notebook, "TerminalProgress", Interrupting)
    assert demo(n_bits=3) == 130
    assert Interrupting.done
    printed = capsys.readouterr().out
    assert "Interrupted after" in printed
    assert "The search was interrupted: there may be more." in printed
    saved = fpf_notebook.FixedPoints.load(demo.out / "fixed_points.nc")
    assert saved.interrupted
    assert saved.n > 0
    assert not (demo.out / "explorer.html").exists()  # it would search anew


def test_ctrl_c_while_drawing(demo, monkeypatch, capsys):
    from fpf_notebook.cli import results

    def draw(*args, **kwargs):
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(results, "plot_spectrum", draw)
    assert demo() == 130
    assert "Stopped." in capsys.readouterr().err


def test_a_training_that_was_interrupted_is_not_searched(demo, capsys):
    demo.interrupted = True
    assert demo() == 130
    printed = capsys.readouterr()
    assert "Stopped while training" in printed.err
    assert "Searching" not in printed.out


def test_a_folder_that_cannot_be_made(demo, tmp_path, capsys):
    demo.out.write_text("a file")
    assert main(["demo", "--out", str(demo.out / "below")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("fpf-notebook demo: error: --out: cannot make the folder")


@pytest.fixture(scope="module")
def user(tmp_path_factory):
    """Return the environment of a user who has never run the demo."""
    home = tmp_path_factory.mktemp("home")
    return {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}


def command(*arguments):
    return [sys.executable, "-m", "fpf_notebook", "demo", *arguments]


@pytest.mark.slow
def test_for_real_from_training_to_pictures_and_again_from_the_cache(user, tmp_path):
    first, second = (
        subprocess.run(
            command("--bits", "2", "--out", str(tmp_path / out)),
            env=user,
            capture_output=True,
            text=True,
            timeout=280,
        )
        for out in ("first", "second")
    )
    for done in (first, second):
        assert done.returncode == 0, done.stderr
        assert "9 fixed points: 4 stable, 5 saddles" in done.stdout
        assert "all of them, proved; index sum 1 of expected 1" in done.stdout
        assert "Warning" not in done.stderr
        assert "\n  training.html " in done.stdout
    assert "Training a 2-bit flip-flop network, 3 tanh units, seed 0" in first.stdout
    assert "Not trained now" in second.stdout
    load = fpf_notebook.FixedPoints.load
    np.testing.assert_array_equal(
        load(tmp_path / "first" / "fixed_points.nc").xstar,
        load(tmp_path / "second" / "fixed_points.nc").xstar,
    )


@pytest.mark.slow
def test_ctrl_c_while_training_for_real(user, tmp_path):
    with subprocess.Popen(
        command("--bits", "4", "--cell", "lstm", "--out", str(tmp_path / "out")),
        env=user,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert "Training" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "Stopped" in err
    assert list(Path(tmp_path, "out").iterdir()) == []
