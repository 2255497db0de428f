"""The Makefile, with stand-ins for Python and for what is installed: nothing is downloaded."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")

# Makes an "environment" whose programs only write down how they were called.
STAND_IN = """\
#!/bin/sh
case "$1" in
-c) exit {status} ;;
--version) echo "Python {version}" ;;
-m) mkdir -p "$3/bin" && touch "$3/pyvenv.cfg"
    for program in python fpf-notebook ruff lint-imports mypy; do
        printf '#!/bin/sh\\necho "%s $*" >> log\\n' "$program" > "$3/bin/$program"
        chmod +x "$3/bin/$program"
    done ;;
esac
"""


@pytest.fixture
def checkout(tmp_path):
    """Return a folder with a Makefile, and a PATH on which Python versions can be put."""
    for name in ("Makefile", "pyproject.toml", "fpf_notebook/_version.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "make", "touch", "mkdir", "chmod", "awk", "rm"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    return tmp_path


def add_python(checkout, name, version, *, usable=True):
    path = checkout / "bin" / name
    path.write_text(STAND_IN.format(status=0 if usable else 1, version=version))
    path.chmod(0o755)


def make(checkout, *arguments):
    # Make hands its own settings, those of the command line included, to what it runs: not these.
    ours = ("MAKE", "MFLAGS", "PYTHON", "VENV", "EXTRAS", "WORKERS", "PYTEST_ARGS", "FPF_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return subprocess.run(
        ["make", "WORKERS=2", *arguments],
        cwd=checkout,
        env={**environment, "PATH": str(checkout / "bin")},
        capture_output=True,
        text=True,
        timeout=60,
    )


def logged(checkout):
    """Return what was run since the last call."""
    log = checkout / "log"
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return lines


def installs(lines):
    return [line.split()[-1] for line in lines if "pip install" in line]


def test_the_demo_installs_once_and_runs(checkout):
    add_python(checkout, "python3", "3.12.1")
    done = make(checkout, "demo", "DEMO_ARGS=--bits 2")
    assert done.returncode == 0, done.stderr
    assert "making the environment .venv with Python 3.12.1" in done.stdout
    lines = logged(checkout)
    assert installs(lines) == [".[widgets]"]
    assert lines[-1] == "fpf-notebook demo --bits 2"

    make(checkout, "demo")
    assert logged(checkout) == ["fpf-notebook demo"]


def test_the_test_installs_its_tools_into_the_same_environment(checkout):
    add_python(checkout, "python3", "3.12.1")
    make(checkout, "demo")
    logged(checkout)
    done = make(checkout, "test", "PYTEST_ARGS=-x")
    assert done.returncode == 0, done.stderr
    assert "making the environment" not in done.stdout
    lines = logged(checkout)
    assert installs(lines) == [".[test,browser]"]
    runs = [line for line in lines if "pip" not in line and "--version" not in line]
    assert runs == [
        "ruff check .",
        "ruff format --check .",
        "lint-imports --no-logo --no-cache pyproject.toml .ci/cycles.toml",
        "mypy ",
        "python -m pytest -x",
    ]
    make(checkout, "test", "FPF_CHROMIUM=mine")
    make(checkout, "demo")
    lines = logged(checkout)
    assert installs(lines) == []
    assert [line for line in lines if "pytest" in line] == [
        "python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --ignore=tests/browser "
        "--durations=10 --durations-min=20 --junitxml=build/tests.xml",
        "python -m pytest tests/browser -rs",
    ]


def test_what_depends_on_versions_is_run_again(checkout):
    add_python(checkout, "python3", "3.12.1")
    done = make(checkout, "test-versions", "EXTRAS=test")
    assert done.returncode == 0, done.stderr
    lines = logged(checkout)
    assert "mypy " in lines
    assert lines[-1].startswith(
        "python -m pytest -n 2 --dist loadfile -m not slow or versions tests/dynamics "
    )


def test_the_kernels_are_run_one_after_the_other(checkout):
    add_python(checkout, "python3", "3.12.1")
    (checkout / "bin" / "grep").symlink_to(shutil.which("true"))  # this processor can do all
    assert make(checkout, "test-kernels", "EXTRAS=test").returncode == 0
    runs = [line for line in logged(checkout) if "pytest" in line]
    assert len(runs) == 3
    assert all("-m not slow tests/test_blas_kernel.py tests/result " in line for line in runs)
    (checkout / "bin" / "grep").unlink()
    (checkout / "bin" / "grep").symlink_to(shutil.which("false"))
    done = make(checkout, "test-kernels", "EXTRAS=test")
    assert done.returncode == 0
    assert "Haswell left out, this processor has no avx2" in done.stdout
    assert not [line for line in logged(checkout) if "pytest" in line]


@pytest.mark.parametrize("variable", ["VERSION_TESTS", "KERNEL_TESTS"])
def test_the_rooms_that_are_run_again_exist(variable):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    (line,) = [line for line in makefile.splitlines() if line.startswith(f"{variable} :=")]
    paths = line.partition(":=")[2].split()
    assert len(paths) > 5
    for path in paths:
        assert (ROOT / path).exists(), path


def test_the_docs_are_prepared_and_built_strictly(checkout):
    add_python(checkout, "python3", "3.12.1")
    done = make(checkout, "docs")
    assert done.returncode == 0, done.stderr
    lines = logged(checkout)
    assert installs(lines) == [".[docs]"]
    assert lines[-2:] == [
        "python docs/prepare.py",
        "python -m sphinx -W --keep-going -q -b html docs docs/_build/html",
    ]


def test_without_a_browser_the_other_tests_still_run(checkout):
    add_python(checkout, "python3", "3.12.1")
    done = make(checkout, "test")  # there is neither Chromium nor apt-get on this PATH
    assert done.returncode == 0, done.stderr
    assert "the browser tests will be skipped" in done.stdout
    make(checkout, "test", "EXTRAS=test")
    assert [line for line in logged(checkout) if "tests/browser -rs" in line] == [
        "python -m pytest tests/browser -rs"
    ]


@pytest.mark.parametrize("file", ["pyproject.toml", "fpf_notebook/_version.py"])
def test_new_metadata_are_installed_again(checkout, file):
    add_python(checkout, "python3", "3.12.1")
    make(checkout, "demo")
    logged(checkout)
    os.utime(checkout / file, (2**31, 2**31))
    make(checkout, "demo")
    assert installs(logged(checkout)) == [".[widgets]"]


def test_an_install_that_fails_is_tried_again(checkout):
    add_python(checkout, "python3", "3.12.1")
    make(checkout, "demo")
    logged(checkout)
    (checkout / ".venv" / ".installed").unlink()
    program = checkout / ".venv" / "bin" / "python"
    working = program.read_text()
    program.write_text("#!/bin/sh\nexit 1\n")
    assert make(checkout, "demo").returncode != 0
    program.write_text(working)
    assert make(checkout, "demo").returncode == 0
    assert installs(logged(checkout)) == [".[widgets]"]


def test_an_unsuitable_python_is_passed_over(checkout):
    add_python(checkout, "python3", "3.9.2", usable=False)
    add_python(checkout, "python3.13", "no such command", usable=False)  # as pyenv's shims
    add_python(checkout, "python3.11", "3.11.7")
    assert "with Python 3.11.7" in make(checkout, "demo").stdout


def test_a_python_that_was_named_is_not_replaced(checkout):
    add_python(checkout, "python3", "3.12.1")
    add_python(checkout, "mine", "3.9.2", usable=False)
    done = make(checkout, "test", "PYTHON=mine")
    assert done.returncode != 0
    assert "no usable Python among: mine." in done.stderr
    assert "3.11, 3.12 or 3.13" in done.stderr
    assert "make test PYTHON=/path/to/python3.12" in done.stderr
    assert logged(checkout) == []


def test_another_folder_for_the_environment(checkout):
    add_python(checkout, "python3.13", "3.13.0")
    assert make(checkout, "demo", "VENV=.venv-3.13").returncode == 0
    assert (checkout / ".venv-3.13" / ".installed").exists()
    assert not (checkout / ".venv").exists()


def test_which_versions_are_supported():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (code,) = [
        line.partition(":=")[2].strip()
        for line in makefile.splitlines()
        if line.startswith("SUPPORTED")
    ]

    def status(version):
        faked = f"import sys; sys.version_info = {version}; exec({code!r})"
        return subprocess.run([sys.executable, "-c", faked], timeout=60).returncode

    versions = [(3, 10, 13), (3, 11, 0), (3, 12, 1), (3, 13, 9), (3, 14, 0)]
    assert [status(version) for version in versions] == [1, 0, 0, 0, 1]


def test_help_names_every_command(checkout):
    printed = make(checkout, "help").stdout
    commands = (
        "demo",
        "lab",
        "test",
        "lint",
        "docs",
        "binder",
        "js",
        "benchmark",
        "hooks",
        "clean",
    )
    for command in commands:
        assert f"make {command} " in printed
