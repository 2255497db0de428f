"""Equinox' cells against Equinox itself."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import as_step_map
from fpf_notebook.dynamics.jacobians import linearize

eqx = pytest.importorskip("equinox")

N, M = 4, 3
RNG = np.random.default_rng(0)


def cell_of(name, seed=0, **options):
    return getattr(eqx.nn, name)(M, N, key=jax.random.key(seed), **options)


def own_step(cell):
    def step(h, u):
        if isinstance(cell, eqx.nn.GRUCell):
            return cell(u, h)
        return jnp.concatenate(cell(u, (h[:N], h[N:])))

    return step


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("name", ["GRUCell", "LSTMCell"])
def test_one_step_and_jacobians(name, use_bias):
    cell = cell_of(name, use_bias=use_bias)
    step_map, own = as_step_map(cell), own_step(cell)
    h, u = RNG.uniform(-1, 1, (5, step_map.n_states)), RNG.uniform(-1, 1, (5, M))
    with jax.enable_x64(True):
        expected = jax.vmap(own)(jnp.asarray(h), jnp.asarray(u))
        jacobians = jax.jacfwd(own, (0, 1))(jnp.asarray(h[0]), jnp.asarray(u[0]))
    np.testing.assert_allclose(step_map(h, u), expected, atol=1e-12)
    single = jax.vmap(own)(jnp.asarray(h, jnp.float32), jnp.asarray(u, jnp.float32))
    np.testing.assert_allclose(step_map(h, u), single, atol=1e-6)
    for ours, theirs in zip(linearize(step_map, h[:1], u[:1]), jacobians, strict=True):
        np.testing.assert_allclose(ours[0], theirs, atol=1e-12)

    low, high = step_map.invariant_box(u[0])
    inside = low + RNG.choice([0.0, 0.5, 1.0], (300, len(low))) * (high - low)
    after = step_map(inside, u[:1])
    assert (after >= low - 1e-12).all()
    assert (after <= high + 1e-12).all()


def test_a_readout_is_kept():
    cell, linear = cell_of("LSTMCell"), eqx.nn.Linear(N, 2, key=jax.random.key(1))
    step_map = as_step_map(cell, readout=linear)
    h, u = RNG.normal(size=(3, 2 * N)), RNG.normal(size=(3, M))
    hidden = jnp.asarray(step_map(h, u)[:, :N], jnp.float32)  # the state is (h, c)
    np.testing.assert_allclose(step_map.output(h, u), jax.vmap(linear)(hidden), atol=1e-6)


def test_new_weights_compile_nothing_anew():
    first, second = (as_step_map(cell_of("GRUCell", seed)) for seed in (1, 2))
    assert first.signature == second.signature


def test_a_module_that_steps_is_taken_as_a_function():
    class Own(eqx.Module):
        cell: eqx.nn.GRUCell
        out: eqx.nn.Linear

        def __call__(self, u, h):
            h = self.cell(u, h)
            return self.out(h), h

    cell, linear = cell_of("GRUCell"), eqx.nn.Linear(N, 2, key=jax.random.key(1))
    step_map = as_step_map(Own(cell, linear), n_states=N, n_inputs=M)
    reference = as_step_map(cell, readout=linear)
    h, u = RNG.normal(size=(3, N)), RNG.normal(size=(3, M))
    np.testing.assert_allclose(step_map(h, u), reference(h, u), atol=1e-12)
    np.testing.assert_allclose(step_map.output(h, u), reference.output(h, u), atol=1e-12)


def test_a_cell_with_a_call_of_its_own_is_not_taken_for_the_usual_one():
    class Shifted(eqx.nn.GRUCell):
        def __call__(self, input, hidden, *, key=None):
            return super().__call__(input, hidden) + 0.25

    cell = Shifted(M, N, key=jax.random.key(0))
    step_map = as_step_map(cell, n_states=N, n_inputs=M, convention="input_state", batched=False)
    h, u = RNG.normal(size=(3, N)), RNG.normal(size=(3, M))
    expected = as_step_map(cell_of("GRUCell"))(h, u) + 0.25
    np.testing.assert_allclose(step_map(h, u), expected, atol=1e-12)
    assert step_map.invariant_box(u[0]) is None
