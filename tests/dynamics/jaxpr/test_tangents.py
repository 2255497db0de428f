"""Jacobians with structure are those of automatic differentiation, and cost less."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.dynamics import as_step_map
from fpf_notebook.dynamics.jaxpr import structured_jacobian
from fpf_notebook.models import GRU, LSTM, VanillaRNN

N = 12
RNG = np.random.default_rng(0)
W, V = RNG.normal(size=(N, N)), RNG.normal(size=(N, N))
THIN, WIDE = RNG.normal(size=(N, 3)), RNG.normal(size=(3, N))

STEPS: dict[str, Any] = {
    "tanh": lambda h: jnp.tanh(W @ h),
    "weights on the right": lambda h: jnp.tanh(h @ W),
    "leaky relu": lambda h: 0.7 * h + 0.3 * jax.nn.relu(W @ h + 0.1),
    "low rank": lambda h: jnp.tanh(THIN @ (WIDE @ h)),
    "gate inside the product": lambda h: jnp.tanh(W @ (jax.nn.sigmoid(V @ h) * h)),
    "gate outside": lambda h: jax.nn.sigmoid(V @ h) * jnp.tanh(W @ h) + (1 - h) * h,
    "reversed and rolled": lambda h: jnp.tanh(W @ h[::-1]) + jnp.roll(h, 1) * h,
    "one unit times all": lambda h: h[0] * jnp.sin(h),
    "norms and maxima": lambda h: W @ h / (1 + jnp.linalg.norm(h)) + jax.nn.softmax(h) + h.max(),
    "products and minima": lambda h: jnp.prod(1 + 0.1 * h) * h + h.min(),
    "attention": lambda h: (
        jax.nn.softmax(h.reshape(3, 4) @ h.reshape(3, 4).T) @ h.reshape(3, 4)
    ).reshape(-1),
    "parts": lambda h: jnp.concatenate([jnp.tanh(W[:5] @ h), h[5:] ** 2 * h[0]]),
    "interleaved": lambda h: jnp.stack([jnp.tanh(h[:6]), jnp.sin(h[6:])], 1).reshape(-1),
    "cases": lambda h: jnp.where(h > 0, jnp.sqrt(jnp.abs(h)), jnp.exp(h)) ** 3,
    "a state that does not matter": lambda h: jnp.tanh(jnp.asarray(W) @ jnp.ones(N)),
    "several steps": lambda h: jnp.tanh(W @ jnp.tanh(W @ jnp.tanh(W @ h))),
}


def step_map_of(step: Any) -> Any:
    return as_step_map(step, n_states=N, n_inputs=0, batched=False)


def compare(step_map: Any) -> None:
    jacobian = structured_jacobian(step_map)
    assert jacobian is not None
    rng = np.random.default_rng(1)
    with jax.enable_x64(True):
        for _ in range(3):
            h, u = rng.normal(size=step_map.n_states), rng.normal(size=step_map.n_inputs)
            right = jax.jacfwd(step_map.step, argnums=1)(step_map.params, h, u)
            np.testing.assert_allclose(jacobian(step_map.params, h, u), right, atol=1e-12)
            single = jacobian(step_map.params, h.astype(np.float32), u.astype(np.float32))
            assert single.dtype == np.float32
            np.testing.assert_allclose(single, right, atol=2e-4)


@pytest.mark.parametrize("name", STEPS)
def test_they_are_those_of_automatic_differentiation(name: str) -> None:
    compare(step_map_of(STEPS[name]))


@pytest.mark.parametrize("cell", [VanillaRNN, GRU, LSTM])
def test_also_of_cells(cell: Any) -> None:
    compare(as_step_map(cell(3, 10, 2, seed=0)))


def test_where_a_branch_is_not_taken_its_infinite_slope_does_not_matter() -> None:
    jacobian = structured_jacobian(step_map_of(lambda h: jnp.where(h > 0, jnp.sqrt(h), 2.0 * h)))
    assert jacobian is not None
    with jax.enable_x64(True):
        found = jacobian(step_map_of(lambda h: h).params, jnp.zeros(N), jnp.zeros(0))
    np.testing.assert_array_equal(found, 2 * np.eye(N))


def products(step: Any) -> list[tuple[int, ...]]:
    """Return the shapes of all products in the Jacobian."""
    step_map = step_map_of(step)
    jacobian = structured_jacobian(step_map)
    assert jacobian is not None
    with jax.enable_x64(True):
        made = jax.make_jaxpr(jacobian)(step_map.params, jnp.zeros(N), jnp.zeros(0))
    return [
        tuple(eqn.outvars[0].aval.shape)
        for eqn in made.jaxpr.eqns
        if eqn.primitive.name == "dot_general"
    ]


def test_known_weights_times_a_diagonal_are_no_product_of_matrices() -> None:
    for name in ("tanh", "weights on the right", "leaky relu", "gate outside"):
        assert all(np.prod(shape) <= N for shape in products(STEPS[name])), name
    full = [shape for shape in products(STEPS["gate inside the product"]) if np.prod(shape) > N]
    assert full == [(N, N)]


def test_rules_of_the_users_own_are_not_passed_over() -> None:
    @jax.custom_jvp
    def spike(x: Any) -> Any:
        return (x > 0).astype(x.dtype)

    spike.defjvp(lambda x, t: (spike(*x), t[0] / (1 + jnp.abs(x[0]))))
    assert structured_jacobian(step_map_of(lambda h: spike(W @ h))) is None
    assert structured_jacobian(step_map_of(lambda h: jax.lax.stop_gradient(h) * h)) is None


def test_what_is_no_program_has_none() -> None:
    def sorted_step(h: Any) -> Any:
        return jnp.sort(h)

    assert structured_jacobian(step_map_of(sorted_step)) is None


def test_other_numbers_need_no_new_one() -> None:
    one, two = (as_step_map(VanillaRNN(1, 6, 1, seed=seed)) for seed in (0, 1))
    jacobian = structured_jacobian(one)
    assert jacobian is not None
    with jax.enable_x64(True):
        h, u = jnp.full(6, 0.3), jnp.zeros(1)
        right = jax.jacfwd(two.step, argnums=1)(two.params, h, u)
        np.testing.assert_allclose(jacobian(two.params, h, u), right, atol=1e-12)
