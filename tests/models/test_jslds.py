"""The JSLDS: its equation, its two ways of running, and what it refuses."""

import functools

import brainpy as bp
import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import jaxprs_in_params

from fpf_notebook.dynamics import StepMap, as_step_map
from fpf_notebook.finder.finder import FixedPointFinder
from fpf_notebook.models import (
    GRU,
    JSLDS,
    LSTM,
    KeepChannels,
    ResidualMLP,
    VanillaRNN,
    initial_carry,
)

RNNS = {
    "tanh": lambda: VanillaRNN(3, 6, 2, seed=1),
    "sigmoid": lambda: VanillaRNN(3, 6, 2, nonlinearity="sigmoid", seed=1),
    "gru": lambda: GRU(3, 6, 2, seed=1),
    "lstm": lambda: LSTM(3, 3, 2, seed=1),
}
POINTS = {
    "constant point": ([0.5, -1.0, 2.0], lambda u: np.array([0.5, -1.0, 2.0])),
    "context": (KeepChannels((1,)), lambda u: u * np.array([0, 1, 0])),
    "function": (lambda u: 0.5 * u, lambda u: 0.5 * u),
}


def dense(n_in, n_out):
    return bp.dnn.Dense(n_in, n_out, mode=bm.training_mode)


def shake(model, seed=0, scale=0.3):
    """Random weights everywhere, so that no term is zero by accident."""
    rng = np.random.default_rng(seed)
    for variable in model.train_vars(method="relative").values():
        variable.value = jnp.asarray(scale * rng.normal(size=variable.shape), jnp.float32)
    return model


def explicit_step(model, a, u, u_star):
    """Eq. 5 with its Jacobians written out, in NumPy."""
    params = {k: v for k, v in model.rnn.parameters().items()}
    e = np.asarray(model.expansion_points(jnp.asarray(a)))
    J = np.asarray(jax.jacrev(model.rnn.step, argnums=1)(params, e, u_star))
    B = np.asarray(jax.jacrev(model.rnn.step, argnums=2)(params, e, u_star))
    return e + J @ (a - e) + B @ (u - u_star)


@pytest.mark.parametrize(
    ("make", "point", "expected_point"),
    [(make, None, lambda u: np.zeros(3)) for make in RNNS.values()]
    + [(RNNS["gru"], *POINTS[name]) for name in POINTS],
    ids=[*RNNS, *POINTS],
)
def test_a_step_is_equation_5_with_explicit_jacobians(make, point, expected_point):
    model = shake(JSLDS(make(), input_point=point))
    rng = np.random.default_rng(1)
    a, u = rng.normal(size=(4, 6)).astype("f4"), rng.normal(size=(4, 3)).astype("f4")
    outputs, a_next = model(u[:, None], a)
    expected = np.stack(
        [
            explicit_step(model, x, v, expected_point(v).astype("f4"))
            for x, v in zip(a, u, strict=True)
        ]
    )
    np.testing.assert_allclose(a_next, np.stack(expected), atol=2e-5)
    np.testing.assert_allclose(outputs[:, 0], model.rnn.readout(a_next), atol=1e-6)


def test_no_jacobian_is_ever_made():
    n = 37  # a size that nothing else has
    model = JSLDS(VanillaRNN(2, n, 1))
    batch = 5

    def many(params, a, u):
        return jax.vmap(model.step, in_axes=(None, 0, 0))(params, a, u)

    jaxpr = jax.make_jaxpr(many)(model.parameters(), jnp.zeros((batch, n)), jnp.zeros((batch, 2)))

    def shapes(jaxpr):
        for equation in jaxpr.eqns:
            yield from (v.aval.shape for v in equation.outvars)
            for inner in jaxprs_in_params(equation.params):
                yield from shapes(inner)

    assert (batch, n, n) not in set(shapes(jaxpr.jaxpr))


def test_the_expansion_network_starts_next_to_the_identity():
    network = ResidualMLP(4)
    x = np.linspace(-0.9, 0.9, 4).astype("f4")
    np.testing.assert_allclose(network(x), np.tanh(np.tanh(x)), atol=1e-6)
    wide = ResidualMLP(4, width=9, depth=3, nonlinearity="identity", seed=2)
    np.testing.assert_allclose(wide(x), x, atol=1e-6)
    rectified = ResidualMLP(4, depth=1, nonlinearity="relu")
    np.testing.assert_allclose(rectified(x), np.maximum(x, 0), atol=1e-6)


def test_width_and_depth_of_the_expansion_network_are_options():
    network = ResidualMLP(4, width=9, depth=3)
    shapes = {name: value.shape for name, value in network.parameters().items()}
    assert {shapes[f"W{k}"] for k in range(3)} == {(9, 4)}
    assert {shapes[f"V{k}"] for k in range(3)} == {(4, 9)}
    assert len(shapes) == 9
    shake(network)
    x = np.linspace(-1, 1, 4)
    for k in range(3):
        p = {name: np.asarray(network.parameters()[f"{name}{k}"], float) for name in "WbV"}
        x = np.tanh(x + p["V"] @ np.tanh(p["W"] @ x + p["b"]))
    np.testing.assert_allclose(network(np.linspace(-1, 1, 4)), x, atol=1e-5)


def test_any_brainpy_module_can_be_the_expansion_network():
    mode = bm.training_mode
    module = bp.Sequential(bp.dnn.Dense(6, 9, mode=mode), bm.tanh, bp.dnn.Dense(9, 6, mode=mode))
    model = JSLDS(GRU(3, 6, 2), expansion=module)
    names = [name for name in model.parameters() if name.startswith("expansion.")]
    assert len(names) == 4
    a = np.random.default_rng(0).normal(size=(5, 6)).astype("f4")
    np.testing.assert_allclose(model.expansion_points(a), np.asarray(module(a)), atol=1e-6)
    before = {k: np.asarray(v.value) for k, v in module.train_vars().items()}
    gradient = jax.grad(lambda p: jnp.sum(model.forward(p, jnp.ones((2, 3, 3)))[1] ** 2))
    found = gradient(model.parameters())
    assert all(float(jnp.abs(found[name]).max()) > 0 for name in names)
    for name, variable in module.train_vars().items():
        np.testing.assert_array_equal(variable.value, before[name])


def test_both_systems_run_independently_of_each_other():
    model = shake(JSLDS(GRU(3, 6, 2, seed=1)))
    inputs = np.random.default_rng(2).normal(size=(4, 7, 3)).astype("f4")
    run = model.run(inputs)
    for name in ("rnn_states", "jslds_states", "expansion_points", "F_expansion"):
        assert getattr(run, name).shape == (4, 7, 6)
    for name in ("rnn_outputs", "jslds_outputs"):
        assert getattr(run, name).shape == (4, 7, 2)
    outputs, states = model.rnn.run(inputs)
    np.testing.assert_allclose(run.rnn_states, states, atol=1e-6)
    np.testing.assert_allclose(run.rnn_outputs, outputs, atol=1e-6)
    a = model.initial_state(4)
    for t in range(7):
        np.testing.assert_allclose(run.expansion_points[:, t], model.expansion_points(a), atol=1e-5)
        F = jax.vmap(model.rnn.step, in_axes=(None, 0, None))(
            model.rnn.parameters(), run.expansion_points[:, t], jnp.zeros(3)
        )
        np.testing.assert_allclose(run.F_expansion[:, t], F, atol=1e-5)
        y, a = model(inputs[:, t : t + 1], a)
        np.testing.assert_allclose(run.jslds_states[:, t], a, atol=1e-5)
        np.testing.assert_allclose(run.jslds_outputs[:, t], y[:, 0], atol=1e-5)
    # The nonlinear network does not notice the expansion network, and the other way round the
    # linear system is not pulled towards the nonlinear one.
    for variable in model.expansion.train_vars().values():
        variable.value = variable.value + 0.5
    other = model.run(inputs)
    np.testing.assert_array_equal(other.rnn_states, run.rnn_states)
    assert np.abs(other.jslds_states - run.jslds_states).max() > 0.01


def test_runs_can_start_anywhere():
    model = shake(JSLDS(GRU(3, 6, 2, seed=1)))
    inputs = np.random.default_rng(2).normal(size=(4, 7, 3)).astype("f4")
    whole = model.run(inputs)
    later = model.run(inputs[:, 3:], whole.jslds_states[:, 2])
    np.testing.assert_allclose(later.jslds_states, whole.jslds_states[:, 3:], atol=1e-5)


def test_a_linear_network_is_followed_exactly_wherever_it_is_expanded_about_its_fixed_point():
    # F(h, u) = A h + B u has the fixed point 0 under no input; with E = 0, eq. 5 is F itself.
    rng = np.random.default_rng(0)
    params = {"A": 0.3 * rng.normal(size=(4, 4)), "B": rng.normal(size=(4, 2))}
    linear = StepMap(
        step=lambda p, h, u: p["A"] @ h + p["B"] @ u, params=params, n_states=4, n_inputs=2
    )
    zero = bp.dnn.Dense(4, 4, W_initializer=bp.init.ZeroInit(), mode=bm.training_mode)
    model = JSLDS(linear, expansion=zero, n_outputs=3, seed=1)
    assert model.n_outputs == 3
    run = model.run(rng.normal(size=(3, 9, 2)).astype("f4"))
    np.testing.assert_allclose(run.jslds_states, run.rnn_states, atol=1e-5)
    assert np.abs(run.rnn_states).max() > 0.5
    np.testing.assert_allclose(run.F_expansion, run.expansion_points, atol=1e-7)


def test_a_traced_brainpy_cell_can_be_the_network():
    cell = bp.dyn.GRUCell(3, 5, mode=bm.training_mode)
    step_map = as_step_map(cell, n_inputs=3, dtype="float32")
    model = JSLDS(step_map, n_outputs=2)
    inputs = np.random.default_rng(0).normal(size=(2, 6, 3)).astype("f4")
    expected = step_map.trajectory(np.zeros((2, 5)), inputs)
    np.testing.assert_allclose(model.run(inputs).rnn_states, expected, atol=1e-5)
    gradient = jax.grad(lambda p: jnp.sum(model.forward(p, jnp.asarray(inputs))[0] ** 2))
    assert all(np.isfinite(g).all() for g in gradient(model.parameters()).values())


def test_the_finder_takes_both_systems():
    model = shake(JSLDS(VanillaRNN(2, 5, 1, seed=3)), scale=0.3)
    starts = np.random.default_rng(0).normal(size=(20, 5))
    for network in (model, model.rnn):
        finder = FixedPointFinder(network)
        unique, _ = finder.find_fixed_points(initial_states=starts, inputs=np.zeros((1, 2)))
        assert unique.n >= 1
        x = unique.xstar.astype("f4")
        following = network(np.zeros((unique.n, 1, 2), "f4"), x)[1]
        np.testing.assert_allclose(following, x, atol=1e-5)


def test_the_core_is_a_plain_function_of_carry_and_input():
    model = shake(JSLDS(GRU(3, 6, 2, seed=1)))
    inputs = np.random.default_rng(2).normal(size=(7, 3)).astype("f4")
    core = functools.partial(model.core, model.parameters())
    carry = initial_carry(model.initial_state(1)[0])
    last, every = jax.lax.scan(lambda c, u: (core(c, u),) * 2, carry, jnp.asarray(inputs))
    run = model.run(inputs[None])
    np.testing.assert_allclose(every.jslds_state, run.jslds_states[0], atol=1e-6)
    np.testing.assert_allclose(every.rnn_state, run.rnn_states[0], atol=1e-6)
    np.testing.assert_allclose(every.F_expansion, run.F_expansion[0], atol=1e-6)
    np.testing.assert_allclose(last.expansion_point, run.expansion_points[0, -1], atol=1e-6)


def test_models_of_one_structure_share_their_compiled_functions():
    first, second = JSLDS(GRU(3, 6, 2, seed=1)), JSLDS(GRU(3, 6, 2, seed=2))
    assert first.core is second.core
    assert first.forward is second.forward
    assert first.step is second.step


def test_parameters_are_those_of_both_networks():
    model = JSLDS(VanillaRNN(3, 6, 2))
    names = {"rnn." + name for name in model.rnn.parameters()}
    names |= {"expansion." + name for name in model.expansion.parameters()}
    assert set(model.parameters()) == names == set(model.train_vars(method="relative"))
    assert model.invariant_box(jnp.zeros(3)) is None


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ([0.0, 1.0], r"input_point must have the width n_inputs=3, got the shape \[2\]"),
        (np.zeros((2, 3)), "input_point must have the width n_inputs=3"),
        ([0.0, np.nan, 0.0], "input_point must be finite"),
        (lambda u: u[:2], r"input_point must give inputs of width n_inputs=3, got the shape \[2\]"),
        (KeepChannels((1, 3)), "input_point keeps channel 3, but the network has n_inputs=3"),
    ],
)
def test_an_input_point_of_the_wrong_width_is_refused(point, message):
    with pytest.raises(ValueError, match=message):
        JSLDS(VanillaRNN(3, 6, 2), input_point=point)


def test_an_input_point_that_is_no_number_is_refused():
    with pytest.raises(TypeError, match="input_point must be None, an array of real numbers"):
        JSLDS(VanillaRNN(3, 6, 2), input_point="context")


@pytest.mark.parametrize(
    ("expansion", "message"),
    [
        (lambda: dense(6, 5), "states of width n_states=6, but its output has the width 5"),
        (lambda: dense(7, 6), "expansion cannot be called with states of width n_states=6"),
        (lambda: ResidualMLP(5), "expansion cannot be called with states of width n_states=6"),
    ],
)
def test_an_expansion_network_of_the_wrong_width_is_refused(expansion, message):
    with pytest.raises(ValueError, match=message):
        JSLDS(VanillaRNN(3, 6, 2), expansion=expansion())


def test_other_kinds_of_networks_are_refused():
    with pytest.raises(TypeError, match=r"rnn must be one of fpf_notebook\.models or a StepMap"):
        JSLDS(lambda h, u: h)
    with pytest.raises(TypeError, match=r"expansion must be a brainpy\.DynamicalSystem"):
        JSLDS(VanillaRNN(3, 6, 2), expansion=jnp.tanh)
    with pytest.raises(ValueError, match="n_outputs is for a StepMap"):
        JSLDS(VanillaRNN(3, 6, 2), n_outputs=2)
    flow = as_step_map(lambda h, u: -h, n_states=2, n_inputs=1, time="continuous")
    with pytest.raises(ValueError, match="is a flow; a recurrent network needs a map"):
        JSLDS(flow)
    double = as_step_map(VanillaRNN(3, 6, 2))
    with pytest.raises(ValueError, match=r'Make it with as_step_map\(model, dtype="float32"\)'):
        JSLDS(double)


def test_wrong_shapes_are_refused():
    model = JSLDS(VanillaRNN(3, 6, 2))
    with pytest.raises(ValueError, match=r"inputs must have the shape \[batch, 1, 3\]"):
        model(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"hidden must have the shape \[2, 6\]"):
        model(np.zeros((2, 1, 3)), np.zeros((2, 5)))
    with pytest.raises(ValueError, match=r"inputs must have the shape \[trial, time, 3\]"):
        model.run(np.zeros((2, 4, 2)))
    with pytest.raises(ValueError, match=r"initial_states must have the shape \[2, 6\]"):
        model.run(np.zeros((2, 4, 3)), np.zeros((3, 6)))
    with pytest.raises(ValueError, match="a must have the width n_states=6"):
        model.expansion_points(np.zeros((2, 5)))
    for options in ({"depth": 0}, {"width": 0}, {"nonlinearity": "sine"}):
        with pytest.raises(ValueError, match=next(iter(options))):
            ResidualMLP(4, **options)
    with pytest.raises(ValueError, match="needs a width"):
        ResidualMLP(4, nonlinearity="identity")
