import ast
import subprocess
import sys
from pathlib import Path

import pytest

import fpf_notebook

HEAVY = [
    "anywidget",
    "brainpy",
    "h5netcdf",
    "h5py",
    "ipywidgets",
    "jax",
    "matplotlib",
    "numpy",
    "optax",
    "pandas",
    "plotly",
    "scipy",
    "sklearn",
    "torch",
    "tqdm",
    "xarray",
]


def run(code: str) -> str:
    """Run code in a fresh interpreter and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import_takes_less_than_200_ms():
    code = (
        "import time; start = time.perf_counter(); import fpf_notebook;"
        "print(time.perf_counter() - start)"
    )
    # The least of several: the others tell how busy the machine is.
    assert min(float(run(code)) for _ in range(5)) < 0.2


@pytest.mark.parametrize(
    "statement",
    ["import fpf_notebook", "import fpf_notebook.cli", "dir(__import__('fpf_notebook'))"],
)
def test_import_brings_in_nothing_heavy(statement):
    code = f"{statement}; import sys; print(*(n for n in {HEAVY!r} if n in sys.modules))"
    assert run(code) == ""


def test_the_check_for_heavy_imports_can_fail():
    code = f"import numpy, sys; print(*(n for n in {HEAVY!r} if n in sys.modules))"
    assert run(code) == "numpy"


@pytest.mark.parametrize("name", fpf_notebook.__all__)
def test_every_public_name_resolves(name):
    value = getattr(fpf_notebook, name)
    assert value is getattr(fpf_notebook, name)
    if hasattr(value, "__name__"):
        assert value.__name__.rpartition(".")[2] == name


def test_the_finder_can_be_imported_first_in_a_fresh_interpreter():
    assert run("from fpf_notebook import FixedPointFinder as F; print(F.__name__)") == (
        "FixedPointFinder"
    )


def test_a_name_stays_what_it_is_when_a_submodule_of_that_name_is_imported():
    # `from fpf_notebook import train` must not depend on what was imported before it.
    code = (
        "import fpf_notebook.training, fpf_notebook.plots, fpf_notebook.finder;"
        "import fpf_notebook as f; print(*(n for n in f.__all__ if n not in f._SUBMODULES"
        " and type(getattr(f, n)).__name__ == 'module'))"
    )
    assert run(code) == ""


def test_dir_lists_the_public_names():
    assert set(fpf_notebook.__all__) <= set(dir(fpf_notebook))
    assert run("import fpf_notebook as f; print(set(f.__all__) <= set(dir(f)))") == "True"


def test_an_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"'fpf_notebook' has no attribute 'FixPoints'"):
        fpf_notebook.FixPoints  # noqa: B018
    assert not hasattr(fpf_notebook, "_no_such_thing")


def test_type_checkers_see_the_names_that_python_sees():
    tree = ast.parse(Path(fpf_notebook.__file__).read_text(encoding="utf-8"))
    block = next(
        node for node in tree.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node)
    )
    seen: dict[str, str] = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        seen |= {alias.name: f"{node.module}" for alias in node.names}
    expected = {name: f"fpf_notebook.{home}" for name, home in fpf_notebook._HOME_OF.items()}
    expected |= dict.fromkeys(fpf_notebook._SUBMODULES, "fpf_notebook")
    assert seen == expected
    assert sorted(fpf_notebook.__all__) == sorted([*expected, "__version__"])
