"""Nothing is compiled twice."""

import brainpy as bp
import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.dynamics import as_step_map, compile_cache
from fpf_notebook.dynamics.compile_cache import compiled
from tests.dynamics.counting import compilations


@pytest.fixture(autouse=True)
def _cold():
    compile_cache.clear()


def squares(step_map):
    """Compile and run a function of another room."""

    def build(step):
        return jax.jit(lambda p, h, u: jnp.sum((step(p, h, u) - h) ** 2))

    function = compiled("square", step_map, ("sum", 2), build)
    with jax.enable_x64(True):
        return float(function(step_map.params, np.ones(step_map.n_states), np.ones(2)))


def use(step_map):
    h, u = np.ones((5, step_map.n_states)), np.ones((5, 2))
    step_map(h, u)
    step_map.trajectory(h, np.ones((5, 7, 2)))
    return squares(step_map)


def test_counting_counts():
    with compilations() as events:
        jax.jit(lambda x: x * 3.25)(np.ones(3))
    assert len(events) == 1


def test_new_parameters_compile_nothing():
    step_map = as_step_map(
        lambda p, h, u: jnp.tanh(p @ h), n_states=3, n_inputs=2, params=np.eye(3)
    )
    first = use(step_map)
    with compilations() as events:
        second = use(step_map.with_params(2 * np.eye(3)))
    assert events == []
    assert first != second


def cell(seed, mode=None):
    rng = np.random.default_rng(seed)
    mode = bm.TrainingMode() if mode is None else mode

    def normal(shape):
        return jnp.asarray(rng.normal(size=shape), jnp.float32)

    return bp.Sequential(
        bp.dyn.RNNCell(
            *(2, 4),
            activation="tanh",
            mode=mode,
            Wi_initializer=normal((2, 4)),
            Wh_initializer=normal((4, 4)),
        ),
        bp.layers.Dense(4, 1, W_initializer=normal((4, 1)), mode=mode),
    )


@pytest.mark.parametrize("mode", [bm.TrainingMode(), bm.BatchingMode(3)])
def test_another_model_of_the_same_structure_compiles_nothing(mode):
    first = as_step_map(cell(0, mode))
    a = use(first)
    other = cell(1, mode)
    with compilations() as events:
        new, again = as_step_map(other), first.with_model(other)
        b, c = use(new), use(again)
    assert events == []
    assert a != b
    assert b == c


def test_retraining_compiles_nothing_and_is_seen():
    model = cell(0)
    step_map = as_step_map(model)
    use(step_map)
    weights = model[0].Wh
    weights.value = 2 * weights.value
    with compilations() as events:
        retrained = as_step_map(model)
        h, u = np.ones(4), np.ones(2)
        new, old = retrained(h, u), step_map(h, u)
    # One compilation: the call with a single state has a new shape.
    assert len(events) <= 1
    expected = np.tanh(
        u @ np.asarray(model[0].Wi, np.float64) + h @ np.asarray(weights.value, np.float64)
    )
    np.testing.assert_allclose(new, expected, rtol=1e-12)
    assert not np.allclose(new, old)


def test_a_function_with_other_held_weights_compiles_nothing():
    def make(scale):
        W = scale * np.eye(3, dtype=np.float32)
        return as_step_map(lambda h, u: jax.nn.relu(W @ h) - 0.5 * h, n_states=3, n_inputs=2)

    first = make(1.0)
    use(first)
    with compilations() as events:
        use(make(2.0))
    assert events == []


def test_other_computations_are_told_apart():
    def make(factor):
        return as_step_map(lambda h, u: jnp.tanh(factor * h), n_states=3, n_inputs=2)

    assert make(1.0).signature != make(1.0 + 1e-15).signature
    options = {"n_states": 3, "n_inputs": 2}
    maps = [
        as_step_map(lambda h, u: jnp.tanh(h), **options),
        as_step_map(lambda h, u: jnp.sin(h), **options),
        as_step_map(lambda h, u: jnp.tanh(h), n_states=3, n_inputs=1),
        as_step_map(lambda h, u: jnp.tanh(h), time="continuous", **options),
        as_step_map(lambda h, u: jnp.tanh(h), dtype="float32", **options),
        as_step_map(lambda h, u: jnp.tanh(h), invariant_box=(-1, 1), **options),
        as_step_map(lambda u, h: (u, jnp.tanh(h)), **options),
    ]
    assert len({m.signature for m in maps}) == len(maps)


def test_functions_that_differ_in_their_derivative_only_are_told_apart():
    def make(slope):
        @jax.custom_jvp
        def f(x):
            return jnp.round(x)

        @f.defjvp
        def rule(primals, tangents):
            return f(primals[0]), slope * tangents[0]

        return as_step_map(lambda h, u: f(h), n_states=3, n_inputs=2)

    def derivative(step_map):
        def build(step):
            return jax.jit(lambda p, h, u: jax.jacfwd(step, 1)(p, h, u))

        function = compiled("jacobian", step_map, None, build)
        with jax.enable_x64(True):
            return np.asarray(function(step_map.params, np.zeros(3), np.zeros(2)))

    np.testing.assert_array_equal(derivative(make(1.0)), np.eye(3))
    np.testing.assert_array_equal(derivative(make(2.0)), 2 * np.eye(3))


def test_the_cache_is_bounded(monkeypatch):
    monkeypatch.setattr(compile_cache, "_MAX_ENTRIES", 3)
    step_map = as_step_map(lambda h, u: h, n_states=1, n_inputs=0)
    built = []

    def build(step):
        built.append(step)
        return lambda: None

    first = compiled("x", step_map, 0, build)
    assert compiled("x", step_map, 0, build) is first
    for k in range(1, 5):
        compiled("x", step_map, k, build)
    assert len(compile_cache._entries) == 3
    compiled("x", step_map, 0, build)
    assert len(built) == 6
