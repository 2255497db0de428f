"""What every test relies on, and what every test must leave as it was."""

import gc
import os
import signal
import sys
from collections.abc import Iterator

import numpy as np
import pytest

# Before anything imports them: no window is opened, no accelerator is looked for.
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

# Where the tests run in the background of a shell, Ctrl-C is ignored, here and in every program
# started from here: the tests of Ctrl-C want it to work.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Importing these draws from NumPy's global random numbers.
_DRAW_AT_IMPORT = ("jax", "brainpy")


# How many modules had been imported when the collector last set aside what they hold.
_modules_set_aside = 0


def pytest_runtest_setup() -> None:
    """Spare the garbage collector what libraries hold: it took a third of the widgets' tests."""
    global _modules_set_aside
    if len(sys.modules) > _modules_set_aside + 150:
        gc.collect()
        gc.freeze()
        _modules_set_aside = len(sys.modules)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that hold slow tests, so that no worker ends long after the others."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def _global_state() -> dict[str, object]:
    """Read the state of the libraries that have been imported so far."""
    kind, keys, *rest = np.random.get_state()
    imported = tuple(name for name in _DRAW_AT_IMPORT if name in sys.modules)
    # Each state under a name of its own: there is nothing to compare after such an import.
    state: dict[str, object] = {
        f"numpy.random with {imported}": (kind, keys.tobytes(), *rest),
    }
    if "jax" in sys.modules:
        import jax

        state["jax_enable_x64"] = jax.config.jax_enable_x64
    if "matplotlib" in sys.modules:
        import matplotlib as mpl

        state["matplotlib.rcParams"] = {k: v for k, v in mpl.rcParams.items() if k != "backend"}
    return state


@pytest.fixture(autouse=True)
def global_state_is_kept() -> Iterator[None]:
    """Fail a test after which the global state of NumPy, JAX or matplotlib is another."""
    before = _global_state()
    yield
    after = _global_state()
    changed = [name for name, value in before.items() if name in after and after[name] != value]
    assert not changed, f"the global state was changed: {', '.join(changed)}"
