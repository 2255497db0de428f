"""The wheel that users get: built, unpacked and imported, away from the checkout."""

import ast
import email
import importlib.metadata
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

import fpf_notebook

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    # Without isolation: hatchling is in this environment, and nothing has to be downloaded.
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    done = subprocess.run([*command, str(ROOT)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = out.glob("*.whl")
    return path


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
        tutorials = {
            name.removeprefix("fpf_notebook/"): archive.read(name)
            for name in packed
            if name.startswith("fpf_notebook/tutorials/")
        }
    assert tutorials == {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for path in (ROOT / "tutorials").glob("*.ipynb")
    }
    packed -= {f"fpf_notebook/{name}" for name in tutorials}
    tracked = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "fpf_notebook").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == tracked
    assert {
        "fpf_notebook/__init__.py",
        "fpf_notebook/models/weights/jslds-3bit-gru100.npz",
        "fpf_notebook/py.typed",
        "fpf_notebook/widgets/static/solver.js",
        "fpf_notebook/widgets/static/views.js",
    } <= packed


def test_the_metadata_of_the_wheel(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (info,) = {name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name}
        metadata = email.message_from_bytes(archive.read(f"{info}/METADATA"))
        scripts = archive.read(f"{info}/entry_points.txt").decode()
        licence = archive.read(f"{info}/licenses/LICENSE").decode()
    assert metadata["Name"] == "fpf-notebook"
    assert metadata["Version"] == fpf_notebook.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert "Apache License" in licence
    assert metadata["Requires-Python"] == "<3.14,>=3.11"
    assert "fpf-notebook = fpf_notebook.cli:main" in scripts


def test_the_unpacked_wheel_works_without_the_checkout(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = (
        "import fpf_notebook; print(fpf_notebook.__file__);"
        "print(*[getattr(fpf_notebook, n) and n for n in fpf_notebook.__all__])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        # First on the path, before the checkout that an editable install puts there.
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
    )
    assert done.returncode == 0, done.stderr
    where, names = done.stdout.splitlines()
    assert Path(where).is_relative_to(tmp_path)
    assert names.split() == fpf_notebook.__all__


def test_the_wheel_in_an_environment_of_its_own_brings_the_tutorials(wheel, tmp_path):
    # What it depends on is borrowed from here, by a .pth file: nothing has to be downloaded.
    environment = tmp_path / "env"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True, timeout=120, cwd=tmp_path)
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    done = subprocess.run(
        [environment / "bin" / "fpf-notebook", "tutorials", "course", "--no-open"],
        capture_output=True, text=True, timeout=120, cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    copied = {path.name: path.read_bytes() for path in (tmp_path / "course").iterdir()}
    ours = {path.name: path.read_bytes() for path in (ROOT / "tutorials").glob("*.ipynb")}
    assert copied == ours
    # They are those of the wheel: the folder of the checkout is not known there.
    where = "import fpf_notebook.cli.tutorials as t; print(t.tutorials_folder())"
    done = subprocess.run(
        [python, "-c", where], capture_output=True, text=True, check=True, cwd=tmp_path, timeout=60
    )
    assert Path(done.stdout.strip()) == site / "fpf_notebook" / "tutorials"


def test_what_the_package_imports_is_what_it_asks_for():
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    extras = project["optional-dependencies"]
    optional = ("dataframes", "dask", "widgets", "torch", "keras", "flax", "equinox")
    asked = [*project["dependencies"], *(line for extra in optional for line in extras[extra])]
    names = {re.match(r"[\w-]+", line)[0].replace("-", "_") for line in asked}
    # Names differ; matplotlib brings mpl_toolkits; IPython and Colab's `google` are there wherever
    # they are asked for.
    names = (names - {"scikit_learn"}) | {"sklearn", "mpl_toolkits", "IPython", "google"}
    imported = set()
    for path in (ROOT / "fpf_notebook").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                imported.add(str(node.module).split(".")[0])
    foreign = imported - set(sys.stdlib_module_names) - {"fpf_notebook"}
    assert foreign - names == set(), "imported, but not in pyproject.toml"


def test_the_version_is_the_same_everywhere():
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+|(a|b|rc)\d+)?", fpf_notebook.__version__)
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {fpf_notebook.__version__}\n" in citation
    try:
        installed = importlib.metadata.version("fpf-notebook")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the package is not installed, only on the path")
    assert installed == fpf_notebook.__version__
