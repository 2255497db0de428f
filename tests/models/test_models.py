"""The three cells: what they compute, how they are built, and that they are pure."""

from pathlib import Path

import brainpy as bp
import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.models import GRU, LSTM, VanillaRNN, load_model

NETS = Path(__file__).parents[3] / "shared" / "peers" / "nets"
CELLS = [
    pytest.param(lambda **options: VanillaRNN(2, 5, 3, **options), id="tanh"),
    pytest.param(lambda **options: VanillaRNN(2, 5, 3, nonlinearity="relu", **options), id="relu"),
    pytest.param(lambda **options: GRU(2, 5, 3, **options), id="gru"),
    pytest.param(lambda **options: LSTM(2, 5, 3, **options), id="lstm"),
]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def reference_step(model, h, u):
    """The cells once more, written unit by unit in NumPy, in double precision."""
    p = {name: np.asarray(value, np.float64) for name, value in model.parameters().items()}
    n = model.n_hidden
    if model.kind in ("tanh", "relu", "sigmoid"):
        drive = np.array([p["W_hh"][k] @ h + p["W_ih"][k] @ u + p["b"][k] for k in range(n)])
        return {"tanh": np.tanh, "relu": lambda x: np.maximum(x, 0), "sigmoid": sigmoid}[
            model.kind
        ](drive)

    def rows(name, block):
        return p[name][block * n : (block + 1) * n]

    if model.kind == "gru":
        r, z = (
            sigmoid(rows("W_ih", k) @ u + rows("b_ih", k) + rows("W_hh", k) @ h + rows("b_hh", k))
            for k in (0, 1)
        )
        new = np.tanh(
            rows("W_ih", 2) @ u + rows("b_ih", 2) + r * (rows("W_hh", 2) @ h + rows("b_hh", 2))
        )
        return (1 - z) * new + z * h
    hidden, cell = h[:n], h[n:]
    i, f, g, o = (
        rows("W_ih", k) @ u + rows("b_ih", k) + rows("W_hh", k) @ hidden + rows("b_hh", k)
        for k in range(4)
    )
    cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
    return np.concatenate([sigmoid(o) * np.tanh(cell), cell])


def with_random_biases(model, seed=3):
    rng = np.random.default_rng(seed)
    for name, variable in model.train_vars(method="relative").items():
        if name.startswith("b") or name == "h0":
            variable.value = jnp.asarray(rng.normal(size=variable.shape), variable.dtype)
    return model


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("make", CELLS)
def test_a_step_is_what_the_equations_say(make, rng):
    model = with_random_biases(make())
    h, u = rng.normal(size=(6, model.n_states)), rng.normal(size=(6, 2))
    outputs, h_next = model(u[:, None].astype(np.float32), h.astype(np.float32))
    expected = np.stack([reference_step(model, *pair) for pair in zip(h, u, strict=True)])
    np.testing.assert_allclose(h_next, expected, atol=2e-6)
    readout = expected[:, :5] @ np.asarray(model.W_out).T + np.asarray(model.b_out)
    assert outputs.shape == (6, 1, 3)
    np.testing.assert_allclose(outputs[:, 0], readout, atol=1e-5)
    np.testing.assert_allclose(model.readout(h_next), outputs[:, 0], atol=1e-6)


@pytest.mark.parametrize("make", CELLS)
def test_running_over_time_is_stepping_again_and_again(make, rng):
    model = with_random_biases(make())
    inputs = rng.normal(size=(4, 7, 2)).astype(np.float32)
    outputs, states = model.run(inputs)
    assert outputs.shape == (4, 7, 3)
    assert states.shape == (4, 7, model.n_states)
    h = model.initial_state(4)
    np.testing.assert_array_equal(h, np.tile(model.h0, (4, 1)))
    for t in range(7):
        y, h = model(inputs[:, t : t + 1], None if t == 0 else h)
        np.testing.assert_allclose(states[:, t], h, atol=1e-5)
        np.testing.assert_allclose(outputs[:, t], y[:, 0], atol=1e-5)
    _, later = model.run(inputs[:, 3:], states[:, 2])
    np.testing.assert_allclose(later, states[:, 3:], atol=1e-5)


@pytest.mark.parametrize("make", CELLS)
def test_the_seed_alone_decides_the_weights(make):
    before = str(bm.random.DEFAULT.value)
    first, again, other = make(seed=4), make(seed=4), make(seed=5)
    for name, value in first.parameters().items():
        np.testing.assert_array_equal(value, again.parameters()[name])
    assert not np.array_equal(first.W_hh.value, other.W_hh.value)
    assert str(bm.random.DEFAULT.value) == before


@pytest.mark.parametrize("make", CELLS)
def test_every_parameter_is_trainable_and_nothing_else_is_kept(make):
    model = make()
    assert isinstance(model, bp.DynamicalSystem)
    assert set(model.train_vars(method="relative")) == set(model.parameters())
    assert set(model.vars(method="relative")) == set(model.parameters())


@pytest.mark.parametrize("make", CELLS)
def test_gradients_reach_every_parameter(make, rng):
    model = with_random_biases(make())
    inputs = jnp.asarray(rng.normal(size=(4, 6, 2)), jnp.float32)
    gradient = jax.jit(jax.grad(lambda p: jnp.sum(model.forward(p, inputs)[0] ** 2)))
    gradients = gradient(model.parameters())
    assert set(gradients) == set(model.parameters())
    assert all(float(jnp.abs(g).max()) > 1e-4 for g in gradients.values())


def swapped_in(model, function):
    """Return a pure function of the parameters, as tracing a BrainPy object is done."""
    variables = dict(model.vars(method="relative").items())

    def pure(params, h, u):
        kept = {name: variable._value for name, variable in variables.items()}
        try:
            for name, variable in variables.items():
                variable._value = params[name]
            return function(h, u)
        finally:
            for name, variable in variables.items():
                variable._value = kept[name]

    return pure


@pytest.mark.parametrize("make", CELLS)
def test_tracing_in_float64_with_the_parameters_swapped_in(make, rng):
    model = with_random_biases(make())
    h, u = rng.normal(size=(3, model.n_states)), rng.normal(size=(3, 2))
    pure = swapped_in(model, lambda h, u: model(u[None, None], h[None])[1][0])
    box = swapped_in(model, lambda h, u: model.invariant_box(u))
    with jax.enable_x64(True):
        params = {k: jnp.asarray(v, jnp.float64) for k, v in model.parameters().items()}
        h64, u64 = jnp.asarray(h), jnp.asarray(u)
        h_next = jax.jit(jax.vmap(pure, in_axes=(None, 0, 0)))(params, h64, u64)
        jacobian = jax.jit(jax.jacfwd(pure, argnums=1))(params, h64[0], u64[0])
        corners = jax.jit(box)(params, h64[0], u64[0])
        direct = jax.vmap(model.step, in_axes=(None, 0, 0))(params, h64, u64)
    assert h_next.dtype == jacobian.dtype == np.float64
    assert corners is None or all(c.dtype == np.float64 for c in corners)
    expected = np.stack([reference_step(model, *pair) for pair in zip(h, u, strict=True)])
    np.testing.assert_allclose(h_next, expected, atol=1e-14)
    np.testing.assert_allclose(h_next, direct, atol=1e-15)
    step = 1e-6
    for k in range(model.n_states):
        push = step * np.eye(model.n_states)[k]
        change = reference_step(model, h[0] + push, u[0]) - reference_step(model, h[0] - push, u[0])
        np.testing.assert_allclose(jacobian[:, k], change / (2 * step), atol=1e-8)
    assert model.W_hh.value.dtype == np.float32
    assert not isinstance(model.W_hh.value, jax.core.Tracer)


def test_models_of_one_kind_share_what_is_compiled(rng):
    assert VanillaRNN(2, 5, 3).forward is VanillaRNN(3, 7, 1, seed=2).forward
    assert VanillaRNN(2, 5, 3).forward is not VanillaRNN(2, 5, 3, nonlinearity="relu").forward
    assert GRU(2, 5, 3).step is GRU(2, 5, 3).step


@pytest.mark.parametrize(
    "path", sorted(NETS.glob("*.npz")) or [None], ids=lambda p: getattr(p, "stem", "none")
)
def test_trained_networks_of_other_programs(path):
    if path is None:
        pytest.skip("the trained networks are not at hand")
    model = load_model(path)
    with np.load(path) as file:
        traj, inputs, xstar, u = (file[k] for k in ("traj", "inputs", "xstar_true", "u_star"))
        has_readout = "W_out" in file.files
    if has_readout:
        _, states = model.run(inputs)
        np.testing.assert_allclose(states, traj, atol=2e-5)
    else:  # untrained and chaotic: from the first state that was kept, while errors are small
        _, states = model.run(inputs[:, 1:16], traj[:, 0])
        np.testing.assert_allclose(states, traj[:, 1:16], atol=1e-4)
    assert (model.n_outputs == 0) == (not has_readout)
    with jax.enable_x64(True):
        params = {k: jnp.asarray(v, jnp.float64) for k, v in model.parameters().items()}
        step = jax.vmap(model.step, in_axes=(None, 0, None))
        np.testing.assert_allclose(
            step(params, jnp.asarray(xstar), jnp.asarray(u[0], "float64")), xstar, atol=1e-9
        )
    low, high = model.invariant_box(u[0])
    assert (np.asarray(low) <= xstar + 1e-6).all()
    assert (xstar <= np.asarray(high) + 1e-6).all()


def test_no_inputs_and_no_outputs():
    model = VanillaRNN(0, 4, 0)
    outputs, states = model.run(np.zeros((2, 3, 0)))
    assert outputs.shape == (2, 3, 0)
    assert states.shape == (2, 3, 4)
    assert model.initial_state(3).shape == (3, 4)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: VanillaRNN(2, 0, 1), ValueError, "n_hidden is 0, expected a whole number from 1"),
        (lambda: GRU(2.0, 3, 1), TypeError, "n_inputs is 2.0, expected a whole number from"),
        (lambda: LSTM(2, True, 1), TypeError, "n_hidden is True, expected a whole number from"),
        (lambda: LSTM(2, 3, -1), ValueError, "n_outputs is -1, expected a whole number from 0"),
        (
            lambda: VanillaRNN(2, 3, 1, seed=-1),
            ValueError,
            "seed is -1, expected a whole number from 0",
        ),
        (
            lambda: VanillaRNN(2, 3, 1, nonlinearity="tahn"),
            ValueError,
            r"nonlinearity must be one of \['tanh', 'sigmoid', 'relu'\], got 'tahn'",
        ),
        (
            lambda: VanillaRNN.from_arrays(
                W_ih=np.ones((3, 2)), W_hh=np.ones((3, 4)), b=np.ones(3)
            ),
            ValueError,
            r"W_ih must have the shape \[4, 2\], got \[3, 2\]",
        ),
        (
            lambda: VanillaRNN.from_arrays(W_ih=np.ones(3), W_hh=np.ones((3, 3)), b=np.ones(3)),
            ValueError,
            r"W_ih must be a matrix, got the shape \[3\]",
        ),
        (
            lambda: VanillaRNN.from_arrays(
                W_ih=np.ones((1, 0)), W_hh=np.full((1, 1), np.nan), b=np.ones(1)
            ),
            ValueError,
            "W_hh must be finite",
        ),
        (
            lambda: VanillaRNN.from_arrays(
                W_ih=np.ones((1, 0)), W_hh=np.ones((1, 1), complex), b=np.ones(1)
            ),
            TypeError,
            "W_hh must be an array of real numbers, got the dtype complex128",
        ),
        (
            lambda: GRU(2, 3, 1)(np.zeros((4, 2, 2)), np.zeros((4, 3))),
            ValueError,
            r"inputs must have the shape \[batch, 1, 2\] .* got \[4, 2, 2\]; use run",
        ),
        (
            lambda: LSTM(2, 3, 1)(np.zeros((4, 1, 2)), np.zeros((4, 3))),
            ValueError,
            r"hidden must have the shape \[4, 6\] .* got \[4, 3\]",
        ),
        (
            lambda: GRU(2, 3, 1).run(np.zeros((4, 5, 3))),
            ValueError,
            r"inputs must have the shape \[trial, time, 2\], got \[4, 5, 3\]",
        ),
        (
            lambda: GRU(2, 3, 1).run(np.zeros((4, 5, 2)), np.zeros((1, 3))),
            ValueError,
            r"initial_states must have the shape \[4, 3\] .* got \[1, 3\]",
        ),
    ],
)
def test_wrong_arguments(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_files_without_a_network(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "none.npz")
    np.savez(tmp_path / "a.npz", W_ih=np.ones((3, 2)))
    with pytest.raises(ValueError, match="no array 'kind' that names the cell"):
        load_model(tmp_path / "a.npz")
    np.savez(
        tmp_path / "b.npz", kind="gru", W_ih=np.ones((3, 2)), W_hh=np.ones((3, 1)), b=np.ones(3)
    )
    with pytest.raises(ValueError, match="no array 'b_ih', which a gru cell needs"):
        load_model(tmp_path / "b.npz")
    np.savez(
        tmp_path / "c.npz", kind="elman", W_ih=np.ones((3, 2)), W_hh=np.ones((3, 3)), b=np.ones(3)
    )
    with pytest.raises(ValueError, match=r"nonlinearity must be one of .* got 'elman'"):
        load_model(tmp_path / "c.npz")
