"""The environment of Binder, and the script that runs a notebook in it under limits."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
BINDER = ROOT / "binder"
LINES = [
    line
    for line in (BINDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def test_every_package_is_pinned_and_no_index_is_named():
    assert all(re.fullmatch(r"[\w.-]+==[\w.!+]+", line) for line in LINES)
    assert "://" not in (BINDER / "requirements.txt").read_text(encoding="utf-8")


def test_what_the_project_asks_for_is_pinned_to_a_version_that_it_accepts():
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    pinned = {canonicalize_name(line.split("==")[0]): line.split("==")[1] for line in LINES}
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"]]
    for extra in ("binder", "tutorials", "voila", "widgets", "dataframes"):
        asked += extras[extra]
    for text in asked:
        requirement = Requirement(text)
        if requirement.name != "fpf-notebook":
            version = pinned[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(version), text


def test_scripts_are_strict_and_start_hands_over():
    assert (BINDER / "runtime.txt").read_text() == "python-3.11\n"
    for name in ("postBuild", "start"):
        text = (BINDER / name).read_text(encoding="utf-8")
        assert text.startswith("#!/bin/bash\n")
        assert "\nset -euo pipefail\n" in text
        assert (BINDER / name).stat().st_mode & 0o111
    assert (BINDER / "start").read_text(encoding="utf-8").endswith('\nexec "$@"\n')


def test_start_runs_what_it_is_given():
    echo = 'echo "$JAX_PLATFORMS $NPROC $OPENBLAS_NUM_THREADS $1"'
    command = ["bash", str(BINDER / "start"), "sh", "-c", echo, "sh", "a b"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout == "cpu 1 1 a b\n"


def test_xla_has_fewer_threads_when_started_so():
    code = (
        "import jax.numpy as jnp; (jnp.ones((300, 300)) @ jnp.ones((300, 300))).sum().item();"
        "print(next(l.split()[1] for l in open('/proc/self/status') if l.startswith('Threads')))"
    )
    if not Path("/proc/self/status").exists():
        pytest.skip("counts threads as Linux does")
    counts = {}
    for cores in ("1", "8"):
        text = (BINDER / "start").read_text(encoding="utf-8").replace("NPROC=1", f"NPROC={cores}")
        command = ["bash", "-c", text, "start", sys.executable, "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        counts[cores] = int(done.stdout)
    assert counts["8"] - counts["1"] >= 7


def test_idle_kernels_are_ended():
    settings = json.loads((BINDER / "jupyter_server_config.json").read_text(encoding="utf-8"))
    culling = settings["MappingKernelManager"]
    assert culling["cull_idle_timeout"] > 0
    assert culling["cull_connected"] is True
    assert culling["cull_busy"] is False
    script = (BINDER / "postBuild").read_text(encoding="utf-8")
    assert "cp binder/jupyter_server_config.json" in script
    manager = pytest.importorskip("jupyter_server.services.kernels.kernelmanager")
    names = manager.MappingKernelManager.class_trait_names()
    assert set(culling) <= set(names)  # a name that is misspelt would be ignored in silence


@pytest.fixture
def run_together(tmp_path):
    """Run copies of a notebook of one cell at once; return status and report."""

    def run(cell, n, *options):
        pytest.importorskip("jupyter_server")
        paths = [tmp_path / f"{k}.ipynb" for k in range(n)]
        for path in paths:
            notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
            nbformat.write(notebook, path)
        done = subprocess.run(
            [sys.executable, str(BINDER / "run_session.py"), *map(str, paths), *options],
            capture_output=True, text=True, timeout=200, cwd=tmp_path,
        )  # fmt: skip
        return done.returncode, json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.mark.slow
def test_a_session_is_measured_as_a_whole(run_together):
    block = "block = bytearray(100_000_000); block[::4096] = b'x' * len(block[::4096])"
    status, one = run_together(block, 1)
    assert (status, one["problem"]) == (0, "")
    status, three = run_together(block, 3)
    assert (status, three["problem"], three["notebooks"]) == (0, "", 3)
    assert 100 < one["megabytes"] < 400
    # Three blocks are held at the same time; libraries that are shared count once.
    assert three["megabytes"] - one["megabytes"] >= 200
    assert three["megabytes"] <= three["resident_megabytes"]


@pytest.mark.slow
def test_a_session_that_takes_too_much_or_fails_is_a_failure(run_together):
    block = "block = bytearray(150_000_000); block[::4096] = b'x' * len(block[::4096])"
    status, report = run_together(block, 2, "--max-megabytes=250")
    assert status == 1
    assert "more than 250 MB of memory in the session" in report["problem"]
    status, report = run_together("1 / 0", 2)
    assert status == 1
    assert "0.ipynb: CellExecutionError" in report["problem"]
    assert "1.ipynb: CellExecutionError" in report["problem"]


@pytest.fixture
def run(tmp_path):
    """Run a notebook of these cells by the script; return status, report and the notebook."""

    def run(*cells, options=()):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
        nbformat.write(notebook, tmp_path / "source.ipynb")
        target = tmp_path / "out" / "target.ipynb"
        done = subprocess.run(
            [sys.executable, str(BINDER / "run_notebook.py"), str(tmp_path / "source.ipynb"),
             str(target), *options],
            capture_output=True, text=True, timeout=120, cwd=tmp_path,
        )  # fmt: skip
        report = json.loads(done.stdout.splitlines()[-1])
        return done.returncode, report, nbformat.read(target, as_version=4)

    return run


@pytest.mark.slow
def test_a_notebook_is_run_measured_and_marked_as_fresh(run, tmp_path):
    block = "block = bytearray(300_000_000); import time; time.sleep(0.5); len(block)"
    status, report, notebook = run(block, "import warnings; warnings.warn('oh', stacklevel=2)")
    assert (status, report["problem"], report["warnings"]) == (0, "", 1)
    assert 300 < report["megabytes"] < 800
    assert report["seconds"] > 0.5
    assert 0 < report["cpu_seconds"] < 60
    assert notebook.cells[0].outputs[0]["data"]["text/plain"] == "300000000"
    code = (
        f"import sys; sys.path.insert(0, {str(BINDER)!r}); from run_notebook import is_fresh;"
        "from pathlib import Path; source, target = map(Path, sys.argv[1:]);"
        "print(is_fresh(target, source)); source.write_text('{}'); print(is_fresh(target, source))"
    )
    files = [str(tmp_path / "source.ipynb"), str(tmp_path / "out" / "target.ipynb")]
    done = subprocess.run(
        [sys.executable, "-c", code, *files], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["True", "False"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "options", "problem"),
    [
        ("1 / 0", [], "ZeroDivisionError"),
        ("b = bytearray(400_000_000); import time; time.sleep(20)", ["--max-megabytes=300"],
         "more than 300 MB of memory"),
        ("while True: pass", ["--max-seconds=5"], "more than 5 s of the processor"),
        ("import time; time.sleep(60)", ["--max-seconds=2"], "CellTimeoutError"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_said(run, cell, options, problem):
    status, report, notebook = run(cell, options=options)
    assert status == 1
    assert problem in report["problem"]
    assert "fpf_notebook" not in notebook.metadata
