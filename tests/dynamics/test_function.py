"""Plain JAX functions: both conventions, batched or not, and what is wrong with the others."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.dynamics import as_step_map

N, M = 4, 2
_rng = np.random.default_rng(0)
W, V, C = _rng.normal(size=(N, N)), _rng.normal(size=(N, M)), _rng.normal(size=(3, N))
H, U = _rng.normal(size=(6, N)), _rng.normal(size=(6, M))
EXPECTED = np.tanh(H @ W.T + U @ V.T)


def input_state(u, h):
    following = jnp.tanh(W @ h + V @ u)
    return C @ following, following


def state_input(h, u):
    return jnp.tanh(W @ h + V @ u)


def input_state_batched(u, h):
    following = jnp.tanh(h @ W.T + u[:, :] @ V.T)
    return following @ C.T, following


def state_input_batched(h, u):
    return jnp.tanh(jnp.einsum("ij,bj->bi", W, h) + jnp.einsum("ij,bj->bi", V, u))


def both_ways(h, u):
    return jnp.tanh(h @ W.T + u @ V.T)


FUNCTIONS = [input_state, state_input, input_state_batched, state_input_batched, both_ways]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_each_form_is_recognized(function, dtype):
    step_map = as_step_map(function, n_states=N, n_inputs=M, dtype=dtype)
    tolerance = 1e-13 if dtype == "float64" else 1e-5
    np.testing.assert_allclose(step_map(H, U), EXPECTED, rtol=tolerance, atol=tolerance)
    assert step_map(H, U).dtype == dtype
    assert step_map.precision == dtype
    assert step_map.name == function.__name__
    if "input_state" in function.__name__:
        assert step_map.n_outputs == 3
        np.testing.assert_allclose(step_map.output(H, U), EXPECTED @ C.T, rtol=1e-4, atol=1e-5)
    else:
        assert step_map.readout is None


def test_as_many_inputs_as_states_are_told_apart_by_what_is_returned():
    square = W[:, :2] @ W[:2]
    h, u = H[0], H[1]
    first = as_step_map(lambda u, h: (h, jnp.tanh(square @ h) + u), n_states=N, n_inputs=N)
    second = as_step_map(lambda h, u: jnp.tanh(square @ h) + u, n_states=N, n_inputs=N)
    np.testing.assert_allclose(first(h, u), np.tanh(square @ h) + u)
    np.testing.assert_allclose(second(h, u), np.tanh(square @ h) + u)


def test_the_convention_can_be_given():
    def returns_only_the_state(u, h):
        return jnp.tanh(W @ h) + u

    step_map = as_step_map(
        returns_only_the_state, n_states=N, n_inputs=N, convention="input_state", batched=False
    )
    np.testing.assert_allclose(step_map(H[0], H[1]), np.tanh(W @ H[0]) + H[1])
    with pytest.raises(ValueError, match="convention is 'state'"):
        as_step_map(state_input, n_states=N, n_inputs=M, convention="state")
    with pytest.raises(ValueError, match="could not be called"):
        as_step_map(state_input, n_states=N, n_inputs=M, convention="input_state")
    with pytest.raises(ValueError, match="could not be called"):
        as_step_map(state_input, n_states=N, n_inputs=M, batched=True)


def test_parameters_are_passed_first():
    def step(params, u, h):
        return None, jnp.tanh(params["W"] @ h + params["V"] @ u)

    step_map = as_step_map(step, n_states=N, n_inputs=M, params={"W": W, "V": V})
    np.testing.assert_allclose(step_map(H, U), EXPECTED, rtol=1e-13)
    assert step_map.readout is None
    single = {"W": W.astype(np.float32), "V": V.astype(np.float32)}
    rounded = as_step_map(step, n_states=N, n_inputs=M, params=single)
    assert rounded.params["W"].dtype == np.float32
    # Single-precision weights, but double-precision arithmetic.
    exact = np.tanh(H @ single["W"].astype(float).T + U @ single["V"].astype(float).T)
    np.testing.assert_allclose(rounded(H, U), exact, rtol=1e-13)
    assert rounded.precision == "float64"
    with pytest.raises(TypeError, match="params contains 'tanh'"):
        as_step_map(step, n_states=N, n_inputs=M, params={"W": W, "V": V, "kind": "tanh"})


def test_a_function_of_the_state_alone():
    step_map = as_step_map(lambda h: jnp.tanh(W @ h), n_states=N)
    np.testing.assert_allclose(step_map(H, np.zeros(0)), np.tanh(H @ W.T), rtol=1e-13)
    assert step_map.n_inputs == 0
    scaled = as_step_map(lambda p, h: p * h, n_states=2, params=np.array(3.0))
    np.testing.assert_allclose(scaled(np.ones(2), np.zeros(0)), [3, 3])
    with_input = as_step_map(lambda h: -h, n_states=2, n_inputs=1)
    np.testing.assert_allclose(with_input(np.ones(2), np.zeros(1)), [-1, -1])


def test_compiled_bound_and_callable_objects():
    class Cell:
        def __call__(self, h, u):
            return jnp.tanh(W @ h + V @ u)

    for function in (jax.jit(state_input), functools.partial(state_input), Cell()):
        step_map = as_step_map(function, n_states=N, n_inputs=M)
        np.testing.assert_allclose(step_map(H, U), EXPECTED, rtol=1e-13)


def test_sizes_must_be_told():
    with pytest.raises(ValueError, match="pass n_states= and n_inputs= to as_step_map"):
        as_step_map(state_input)
    with pytest.raises(ValueError, match="pass n_inputs= to"):
        as_step_map(state_input, n_states=N)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_states": 0, "n_inputs": M}, "n_states is 0, expected an integer of at least 1"),
        ({"n_states": 2.0, "n_inputs": M}, r"n_states is 2\.0"),
        ({"n_states": N, "n_inputs": -1}, "n_inputs is -1, expected an integer of at least 0"),
        ({"n_states": N, "n_inputs": M, "time": "steps"}, "time is 'steps'"),
        ({"n_states": N, "n_inputs": M, "dtype": "float16"}, "dtype is 'float16'"),
        ({"n_states": N, "n_inputs": M, "dt": 0.0}, r"dt is 0\.0, expected a positive number"),
        ({"n_states": N, "n_inputs": M, "dt": float("nan")}, "dt is nan"),
        ({"n_states": N, "n_inputs": M, "state_vars": "h"}, "state_vars= is for brainpy models"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        as_step_map(state_input, **options)


def test_what_is_not_callable_is_refused():
    with pytest.raises(TypeError, match=r"model is ndarray, expected a brainpy\.DynamicalSystem"):
        as_step_map(np.eye(3), n_states=3, n_inputs=0)


def test_wrong_sizes_and_returns_are_listed_with_what_was_tried():
    with pytest.raises(ValueError, match="could not be called as a step with n_states=5") as info:
        as_step_map(state_input, n_states=5, n_inputs=M)
    message = str(info.value)
    assert "state_input(state[5], input[2])" in message
    assert "state_input(input[batch, 2], state[batch, 5])" in message
    assert "raised TypeError" in message

    with pytest.raises(ValueError, match=r"next state of shape \(3,\), expected \(4,\)"):
        as_step_map(lambda u, h: (h, C @ h), n_states=N, n_inputs=M)
    with pytest.raises(ValueError, match="returned NoneType, expected one array"):
        as_step_map(lambda h, u: None, n_states=N, n_inputs=M)
    # The returned values swapped: there is no state among them where it should be.
    with pytest.raises(ValueError, match="order of the arguments and of the returned values"):
        as_step_map(lambda u, h: (jnp.tanh(W @ h), V @ u[:1]), n_states=N, n_inputs=M)


def test_integers_and_complex_numbers_are_refused():
    with pytest.raises(TypeError, match="returned a next state of type int64"):
        as_step_map(lambda h, u: (h > 0).astype(int), n_states=N, n_inputs=M)
    with pytest.raises(TypeError, match="type bool"):
        as_step_map(lambda h, u: h > 0, n_states=N, n_inputs=M)
    with pytest.raises(TypeError, match="type complex128"):
        as_step_map(lambda h, u: h * 1j, n_states=N, n_inputs=M)
    with pytest.raises(TypeError, match="returned a derivative"):
        as_step_map(lambda h, u: h > 0, n_states=N, n_inputs=M, time="continuous")


def test_nan_is_refused_when_it_is_everywhere():
    bad = W.copy()
    bad[2, 1] = np.nan
    with pytest.raises(ValueError, match=r"gives NaN or inf .* nan in state\[2\]"):
        as_step_map(lambda h, u: jnp.tanh(bad @ h), n_states=N, n_inputs=M)
    # A root of rates is not defined for negative ones, and that is fine.
    rates = as_step_map(lambda h, u: jnp.sqrt(h), n_states=N, n_inputs=M)
    np.testing.assert_allclose(rates(np.full(N, 4.0), np.zeros(M)), 2.0)


def test_a_function_that_remembers_or_draws_is_refused():
    calls = []

    def counts(h, u):
        calls.append(1)
        return h * len(calls)

    with pytest.raises(ValueError, match="something different when it is called a second time"):
        as_step_map(counts, n_states=N, n_inputs=M)

    with pytest.raises(ValueError, match="something different when it is called a second time"):
        as_step_map(counts, n_states=N, n_inputs=M, batched=False)

    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="random number"):
        as_step_map(lambda h, u: h + rng.normal(size=N), n_states=N, n_inputs=M)


def test_what_cannot_be_differentiated_is_refused():
    @jax.custom_vjp
    def f(x):
        return x

    f.defvjp(lambda x: (x, None), lambda _, g: (g,))
    with pytest.raises(ValueError, match="cannot be differentiated in forward mode"):
        as_step_map(lambda h, u: f(h), n_states=N, n_inputs=M)
    shape = jax.ShapeDtypeStruct((N,), np.float64)
    with pytest.raises(ValueError, match=r"jax\.custom_jvp"):
        as_step_map(
            lambda h, u: jax.pure_callback(np.tanh, shape, h),
            n_states=N,
            n_inputs=M,
            batched=False,
        )


def test_a_function_that_means_two_things_is_refused():
    def mixes_the_batch(h, u):
        return h - h.mean(axis=0)

    with pytest.raises(ValueError, match="does something different with each"):
        as_step_map(mixes_the_batch, n_states=N, n_inputs=M)
    single = as_step_map(mixes_the_batch, n_states=N, n_inputs=M, batched=False)
    np.testing.assert_allclose(single(H[0], U[0]), H[0] - H[0].mean())


def test_single_precision_inside_is_noticed():
    def rounds(h, u):
        return jnp.tanh(h.astype(jnp.float32))

    step_map = as_step_map(rounds, n_states=N, n_inputs=M)
    assert step_map.precision == "float32"
    assert step_map(H[0], U[0]).dtype == np.float64

    def rounds_and_widens(h, u):
        return 0.5 * h + jnp.tanh(h.astype(jnp.float32))

    assert as_step_map(rounds_and_widens, n_states=N, n_inputs=M).precision == "float32"
    assert as_step_map(state_input, n_states=N, n_inputs=M).precision == "float64"


def test_the_function_is_not_called_after_it_was_traced():
    calls = []

    def step(h, u):
        calls.append(1)
        return jnp.tanh(W @ h + V @ u)

    step_map = as_step_map(step, n_states=N, n_inputs=M)
    count = len(calls)
    step_map(H, U)
    step_map.trajectory(H, np.zeros((6, 3, M)))
    step_map.power(2)(H, U)
    assert len(calls) == count


def test_the_precision_of_jax_stays_as_it_was_also_after_an_error():
    before = jax.config.jax_enable_x64
    as_step_map(state_input, n_states=N, n_inputs=M)(H, U)
    with pytest.raises(ValueError, match="could not be called"):
        as_step_map(state_input, n_states=5, n_inputs=M)
    assert jax.config.jax_enable_x64 == before
    assert jnp.zeros(1).dtype == (np.float64 if before else np.float32)


def test_in_a_double_precision_session():
    with jax.enable_x64(True):
        step_map = as_step_map(state_input, n_states=N, n_inputs=M, dtype="float32")
        assert step_map(H, U).dtype == np.float32
        np.testing.assert_allclose(step_map(H, U), EXPECTED, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_integer_parameters_may_have_any_width(dtype):
    def step(params, h, u):
        return jnp.tanh(params["gain"] * h[params["order"]])

    params = {"gain": 2.0, "order": np.array([1, 0])}
    step_map = as_step_map(step, n_states=2, n_inputs=0, params=params, dtype=dtype)
    h = np.array([[0.25, -0.5]])
    np.testing.assert_allclose(step_map(h, np.zeros((1, 0))), np.tanh(2 * h[:, ::-1]), rtol=1e-6)


def test_callbacks_to_different_functions_are_not_mistaken_for_each_other():
    def calling(gain):
        def host(x):
            return np.asarray(x) * np.asarray(gain, np.asarray(x).dtype)

        @jax.custom_jvp
        def scaled(x):
            result = jax.ShapeDtypeStruct(x.shape, x.dtype)
            return jax.pure_callback(host, result, x, vmap_method="expand_dims")

        scaled.defjvp(lambda primals, tangents: (scaled(*primals), gain * tangents[0]))
        return lambda h, u: scaled(h)

    h = np.array([[0.25, -0.5]])
    for gain in (0.5, 2.0):
        step_map = as_step_map(calling(gain), n_states=2, n_inputs=0, batched=False)
        np.testing.assert_allclose(step_map(h, np.zeros((1, 0))), gain * h, rtol=1e-6)


def test_numbers_drawn_with_a_key_of_its_own_and_multiplied_by_zero():
    key = jax.random.key(0)

    def step(h, u):
        return jnp.tanh(1.5 * h + u[:1]) + 0.0 * jax.random.normal(key, (N,))

    step_map = as_step_map(step, n_states=N, n_inputs=M)
    np.testing.assert_allclose(step_map(H, U), np.tanh(1.5 * H + U[:, :1]), rtol=1e-12)
