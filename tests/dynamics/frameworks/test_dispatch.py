"""Whose a model is, is found out without importing anything."""

import subprocess
import sys

import pytest

from fpf_notebook.dynamics.frameworks.origin import framework_of

FRAMEWORKS = ["torch", "keras", "tensorflow", "flax", "equinox", "brainstate", "brainpy"]


def test_a_jax_function_brings_in_no_framework():
    code = (
        "import sys, numpy as np, jax.numpy as jnp\n"
        "from fpf_notebook import FixedPointFinder\n"
        "finder = FixedPointFinder(lambda h, u: jnp.tanh(2 * h + u), convention='state_input')\n"
        "finder.find_fixed_points(initial_states=np.ones((2, 1)), inputs=np.zeros((1, 1)))\n"
        f"print(*(name for name in {FRAMEWORKS!r} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("framework", ["torch", "keras", "flax", "equinox", "brainstate"])
def test_the_class_tells_the_framework(framework):
    # A subclass of one's own, defined anywhere, and a method of an object of it.
    base = type("Module", (), {"__module__": f"{framework}.some.where"})
    own = type("Own", (base,), {"__module__": "__main__", "step": lambda self: None})
    assert framework_of(own()) == framework
    # Methods of JAX code are JAX functions.
    assert framework_of(own().step) == ("torch" if framework == "torch" else None)


@pytest.mark.parametrize("model", [len, lambda h: h, [].append, object(), {}, None, 3])
def test_everything_else_has_none(model):
    assert framework_of(model) is None


def test_a_module_of_a_similar_name_is_none():
    base = type("Module", (), {"__module__": "torchlike.nn"})
    assert framework_of(base()) is None
