"""The guard of the global state has to notice a change, or it guards nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

CHANGES = {
    "numpy": "import numpy as np; np.random.random()",
    "jax": "import jax; jax.config.update('jax_enable_x64', True)",
    "matplotlib": "import matplotlib as mpl; mpl.rcParams['lines.linewidth'] = 7",
}


@pytest.mark.parametrize("library", CHANGES)
def test_a_change_of_the_global_state_fails_the_test_that_made_it(library, tmp_path):
    (tmp_path / "conftest.py").write_text((Path(__file__).parent / "conftest.py").read_text())
    (tmp_path / "test_it.py").write_text(
        f"import {library}\n"
        f"def test_that_changes_it():\n    {CHANGES[library]}\n"
        "def test_that_changes_nothing():\n    pass\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir=.", "-q"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert "2 passed, 1 error" in done.stdout
    assert f"the global state was changed: {library}" in done.stdout
