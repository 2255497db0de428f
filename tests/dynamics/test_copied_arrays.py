"""Functions that hold NumPy arrays: traced on copies, and usable as before."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.dynamics import as_step_map
from fpf_notebook.dynamics.copied_arrays import with_copied_arrays

GLOBAL = np.array([[1.8, -1.2], [-1.2, 1.8]])
H = np.array([0.5, -0.25])


def of_global(h, u):
    return jnp.tanh(GLOBAL @ h + u)


def calls_another(h, u):
    return of_global(h, u) + 0.0


def of_closure():
    weights = {"W": GLOBAL.copy(), "rest": [GLOBAL.copy()]}
    return lambda h, u: jnp.tanh(weights["W"] @ h + u + 0 * weights["rest"][0][0])


def of_default(h, u, W=GLOBAL.copy()):  # noqa: B008
    return jnp.tanh(W @ h + u)


def of_partial():
    return functools.partial(lambda W, h, u: jnp.tanh(W @ h + u), GLOBAL.copy())


FUNCTIONS = [of_global, calls_another, of_closure(), of_default, of_partial()]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_works_as_before_after_it_was_traced(function):
    h, u = jnp.asarray(H, jnp.float32), jnp.zeros(2, jnp.float32)
    before = np.asarray(function(h, u))
    step_map = as_step_map(function, n_states=2, n_inputs=2, convention="state_input")
    np.testing.assert_allclose(step_map(H, np.zeros(2)), np.tanh(GLOBAL @ H), rtol=1e-14)
    np.testing.assert_array_equal(function(h, u), before)  # fails on JAX 0.12 without the copies
    np.testing.assert_array_equal(function(h, u[::-1]), before)


def test_nothing_is_copied_where_there_is_no_array():
    scale = 2.0

    def step(h, u):
        return jnp.tanh(scale * h + u)

    assert with_copied_arrays(step) is step
    assert with_copied_arrays(jnp.tanh) is jnp.tanh


def test_functions_that_call_each_other():
    def even(h, n):
        return h if n == 0 else odd(GLOBAL[0, 0] * h, n - 1)

    def odd(h, n):
        return even(h, n - 1)

    np.testing.assert_allclose(with_copied_arrays(even)(1.0, 4), 1.8**2)
