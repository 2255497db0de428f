"""Flax' cells against Flax itself."""

import copy

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, as_step_map
from fpf_notebook.dynamics.jacobians import linearize

linen = pytest.importorskip("flax.linen")
nnx = pytest.importorskip("flax.nnx")

N, M = 4, 3
RNG = np.random.default_rng(0)
LINEN = ["SimpleCell", "GRUCell", "MGUCell", "LSTMCell", "OptimizedLSTMCell"]
NNX = [name for name in LINEN if hasattr(nnx, name)]


def randomized(tree, seed=0, scale=0.7):
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda a: jnp.asarray(scale * rng.normal(size=a.shape), a.dtype), tree)


def linen_cell(name, seed=0, **options):
    cell = getattr(linen, name)(N, **options)
    carry = cell.initialize_carry(jax.random.key(0), (M,))
    return cell, randomized(cell.init(jax.random.key(0), carry, jnp.zeros(M)), seed)


def nnx_cell(name, seed=0, **options):
    cell = getattr(nnx, name)(M, N, rngs=nnx.Rngs(0), **options)
    nnx.update(cell, randomized(nnx.state(cell, nnx.Param), seed))
    return cell


def compare(step_map, own):
    """Compare a step map with ``own(carry, u)``, a function of the carry as Flax wants it."""
    lstm = step_map.n_states == 2 * N
    h, u = RNG.uniform(-1, 1, (5, step_map.n_states)), RNG.uniform(-1, 1, (5, M))

    def flat(h, u):
        carry, _ = own((h[:N], h[N:]) if lstm else h, u)
        return jnp.concatenate(carry) if lstm else carry

    with jax.enable_x64(True):
        expected = jax.vmap(flat)(jnp.asarray(h), jnp.asarray(u))
        jacobians = jax.jacfwd(flat, (0, 1))(jnp.asarray(h[0]), jnp.asarray(u[0]))
    single = jax.vmap(flat)(jnp.asarray(h, jnp.float32), jnp.asarray(u, jnp.float32))
    np.testing.assert_allclose(step_map(h, u), single, atol=1e-6)
    np.testing.assert_allclose(step_map(h, u), expected, atol=1e-12)
    for ours, theirs in zip(linearize(step_map, h[:1], u[:1]), jacobians, strict=True):
        np.testing.assert_allclose(ours[0], theirs, atol=1e-12)


def check_box(step_map):
    u = np.array([0.5, -1.0, 2.0])
    low, high = step_map.invariant_box(u)
    after = step_map(RNG.choice([0.0, 0.5, 1.0], (300, len(low))) * (high - low) + low, u[None])
    assert (after >= low - 1e-12).all()
    assert (after <= high + 1e-12).all()


@pytest.mark.parametrize("name", LINEN)
def test_linen_cells(name):
    cell, variables = linen_cell(name)
    step_map = as_step_map(cell, params=variables)
    wide = jax.tree.map(np.asarray, variables)
    compare(step_map, lambda carry, u: cell.apply(wide, carry, u))
    check_box(step_map)
    bound = as_step_map(cell.bind(variables))
    inner = as_step_map(cell, params=variables["params"])
    assert bound.signature == inner.signature == step_map.signature


@pytest.mark.parametrize("name", NNX)
def test_nnx_cells(name):
    cell = nnx_cell(name)
    step_map = as_step_map(cell)
    # In double precision, what Flax computes with that type for its numbers.
    wide = nnx_cell(name, dtype=jnp.float32 if name != "SimpleCell" else None)
    for _, part in nnx.iter_modules(wide):
        if getattr(part, "dtype", 0) is not None and hasattr(part, "dtype"):
            part.dtype = None
    compare(step_map, lambda carry, u: wide(carry, u))
    check_box(step_map)
    assert step_map.precision == "float64"


def test_options_of_the_cells_are_kept():
    for options in ({"residual": True}, {"activation_fn": linen.sigmoid}):
        cell, variables = linen_cell("SimpleCell", **options)
        compare(as_step_map(cell, params=variables), lambda *a, c=cell, v=variables: c.apply(v, *a))
    cell, variables = linen_cell("MGUCell", reset_gate=False)
    compare(as_step_map(cell, params=variables), lambda *a: cell.apply(variables, *a))
    cell, variables = linen_cell("SimpleCell", activation_fn=linen.sigmoid)
    box = as_step_map(cell, params=variables).invariant_box(np.zeros(M))
    np.testing.assert_array_equal(box, [[0.0] * N, [1.0] * N])


def test_an_unbounded_activation_has_no_box():
    cell, variables = linen_cell("GRUCell", activation_fn=linen.relu)
    step_map = as_step_map(cell, params=variables)
    assert step_map.invariant_box(np.zeros(M)) is None
    assert "the activation relu of this GRUCell is not bounded" in step_map.box_reason


def test_the_cell_of_an_rnn():
    cell, variables = linen_cell("GRUCell")
    rnn = linen.RNN(cell)
    whole = {"params": {"cell": variables["params"]}}
    h, u = RNG.normal(size=(2, N)), RNG.normal(size=(2, M))
    expected = as_step_map(cell, params=variables)(h, u)
    np.testing.assert_array_equal(as_step_map(rnn, params=whole)(h, u), expected)
    own = nnx_cell("GRUCell")
    np.testing.assert_array_equal(as_step_map(nnx.RNN(own))(h, u), as_step_map(own)(h, u))


def test_a_readout_is_kept():
    cell, linear = nnx_cell("OptimizedLSTMCell"), nnx.Linear(N, 2, rngs=nnx.Rngs(1))
    step_map = as_step_map(cell, readout=linear)
    h, u = RNG.normal(size=(3, 2 * N)), RNG.normal(size=(3, M))
    hidden = step_map(h, u)[:, N:]  # the carry is (c, h)
    np.testing.assert_allclose(
        step_map.output(h, u), linear(jnp.asarray(hidden, jnp.float32)), atol=1e-6
    )


def test_missing_or_wrong_variables():
    cell, variables = linen_cell("LSTMCell")
    with pytest.raises(ValueError, match=r"does not hold its parameters\. Pass what its init"):
        as_step_map(cell)
    with pytest.raises(ValueError, match=r"a LSTMCell has 'ii' with a 'kernel'"):
        as_step_map(cell, params={"params": {"dense": {}}})
    with pytest.raises(ValueError, match="those of 4 units, but this LSTMCell has 5"):
        as_step_map(linen.LSTMCell(5), params=variables)
    with pytest.raises(ValueError, match=r"params= is for cells of flax\.linen"):
        as_step_map(nnx_cell("GRUCell"), params=variables)


def test_new_variables_compile_nothing_anew():
    cell, variables = linen_cell("GRUCell", seed=1)
    first = as_step_map(cell, params=variables)
    second = as_step_map(cell, params=linen_cell("GRUCell", seed=2)[1])
    assert first.signature == second.signature
    own = nnx_cell("GRUCell")
    step_map, before = as_step_map(own), copy.deepcopy(nnx.to_pure_dict(nnx.state(own)))
    nnx.update(own, randomized(nnx.state(own, nnx.Param), seed=3))
    again = step_map.with_model(own)
    assert again.signature == step_map.signature
    assert not np.array_equal(again(np.ones(N), np.ones(M)), step_map(np.ones(N), np.ones(M)))
    assert before.keys() == nnx.to_pure_dict(nnx.state(own)).keys()


def test_the_finder_takes_variables():
    cell, variables = linen_cell("GRUCell")
    finder = FixedPointFinder(cell, params=variables)
    unique, _ = finder.find_fixed_points(
        initial_states=RNG.uniform(-1, 1, (64, N)), inputs=np.zeros((1, M)), exhaustive=True
    )
    assert unique.completeness.expected_sum == unique.completeness.index_sum == 1
