"""Which step maps become programs, and that the programs say what JAX says."""

import brainpy as bp
import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import as_step_map
from fpf_notebook.dynamics import StepMap
from fpf_notebook.dynamics.compile_cache import QUICK
from fpf_notebook.models import GRU, JSLDS, LSTM, VanillaRNN
from tests.dynamics import brainpy_models
from tests.dynamics.jaxpr.user_steps import user_steps

STEPS = user_steps()


def derivatives(step_map, h, u):
    """F, J, K, Y and the box as JAX computes them, without any program."""

    def step(x, v):
        kind = step_map.dtype
        return step_map.step(step_map.params, x.astype(kind), v.astype(kind)).astype(x.dtype)

    def all_of_it(x, v):
        return {"F": step(x, v), "J": jax.jacfwd(step, 0)(x, v), "K": jax.jacfwd(step, 1)(x, v)}

    with jax.enable_x64(True):
        together = jax.jit(jax.vmap(all_of_it, (0, None)), compiler_options=QUICK)
        found = together(jnp.asarray(h), jnp.asarray(u))
    out = {name: np.asarray(value).reshape(len(h), -1) for name, value in found.items()}
    out["Y"] = step_map.output(h, u) if step_map.readout is not None else np.zeros((len(h), 0))
    if step_map.box is not None and not getattr(step_map.box, "on_host", False):
        edges = step_map.invariant_box(u)
        out["low"], out["high"] = (np.broadcast_to(edge, h.shape) for edge in edges)
    return out


def check(step_map, tolerance, seed=0):
    rng = np.random.default_rng(seed)
    h, u = rng.uniform(-1, 1, (5, step_map.n_states)), rng.uniform(-1, 1, step_map.n_inputs)
    program = step_map.to_program(u=u)
    right, found = derivatives(step_map, h, u), program.evaluate(h, u)
    assert set(found) == set(right)
    for name, value in right.items():
        scale = max(1.0, np.abs(value[np.isfinite(value)]).max(initial=0.0))
        np.testing.assert_allclose(found[name], value, rtol=0, atol=tolerance * scale, err_msg=name)
    return program


@pytest.mark.parametrize("case", STEPS, ids=lambda case: case.name)
def test_steps_as_users_write_them(case):
    step_map = StepMap(
        step=lambda params, h, u: case.step(h, u),
        params={},
        n_states=case.n_states,
        n_inputs=2,
        time="continuous" if case.flow else "discrete",
    )
    program = check(step_map, 1e-13)
    assert program.size.n_bytes < 12_000


def test_there_are_at_least_as_many_steps_as_the_prototype_took():
    assert len(STEPS) >= 41


@pytest.mark.parametrize("cell", [VanillaRNN, GRU, LSTM], ids=lambda cell: cell.__name__)
def test_our_cells(cell):
    check(as_step_map(cell(2, 5, 3, seed=1)), 1e-13)


def test_jslds():
    step_map = as_step_map(JSLDS(VanillaRNN(2, 4, 1)))
    check(step_map, 1e-12)


@pytest.mark.parametrize("cell", ["rnn_cell", "gru_cell", "lstm_cell"])
def test_brainpys_cells(cell):
    check(as_step_map(getattr(brainpy_models, cell)(bm.TrainingMode())), 1e-13)


def test_a_step_that_rounds_to_single_precision_says_so():
    W = jnp.asarray(np.random.default_rng(0).normal(size=(4, 4)), jnp.float32)
    step_map = as_step_map(
        lambda h, u: jnp.tanh((W @ h.astype(jnp.float32)).astype(jnp.float32)) + u,
        n_states=4,
        n_inputs=4,
        batched=False,
    )
    assert step_map.precision == "float32"
    program = check(step_map, 2e-7)
    assert program.document["precision"] == "float32"
    assert program.document["weights"]["dtype"] == "float32"


def test_a_model_of_brainpys_with_its_own_call_and_one_that_integrates():
    check(as_step_map(brainpy_models.SimpleRNN(), n_states=4, n_inputs=3), 2e-7)
    with bm.environment(dt=0.1):
        check(as_step_map(brainpy_models.RateModel("rk4")), 2e-7)


def test_powers():
    check(as_step_map(GRU(2, 4, 1, seed=3)).power(4), 1e-13)


ACTIVATIONS = (
    "tanh relu sigmoid softplus gelu silu elu selu leaky_relu hard_tanh soft_sign celu log_sigmoid "
    "relu6 mish squareplus"
)


@pytest.mark.parametrize("activation", ACTIVATIONS.split())
def test_usual_activations(activation):
    W = np.random.default_rng(1).normal(size=(5, 5)) / 2
    act = getattr(jax.nn, activation)
    step_map = as_step_map(lambda h, u: act(W @ h + u), n_states=5, n_inputs=5)
    check(step_map, 1e-13)


def test_functions_of_every_kind():
    def step(h, u):
        a = jnp.sinh(h[0]) + jnp.cosh(h[1]) - jnp.arcsinh(h[2]) + jnp.arctan2(h[0], 2 + h[1])
        b = jax.scipy.special.erf(h[0]) + jax.scipy.special.erfc(h[1]) + jnp.cbrt(2 + h[2])
        c = jnp.exp2(h[0]) * jnp.log1p(h[1] ** 2) + jnp.expm1(h[2]) / (2.0 + jnp.cos(h[0])) ** 3
        d = jnp.floor(3 * h[0]) + jnp.sign(h[1]) + jnp.abs(h[2]) ** 1.5 + jnp.tan(h[0] / 2)
        return jnp.stack([a + b, jnp.maximum(c, d), jnp.where(h[0] > h[1], c, jnp.sum(h) * u[0])])

    check(as_step_map(step, n_states=3, n_inputs=1, batched=False), 1e-13)


def test_a_users_own_rule_for_the_derivative_is_kept():
    @jax.custom_jvp
    def straight(x):
        return jnp.sign(x)

    straight.defjvp(lambda primals, tangents: (straight(*primals), 3.0 * tangents[0]))
    step_map = as_step_map(lambda h, u: straight(h) + u, n_states=2, n_inputs=2)
    program = step_map.to_program()
    assert program.evaluate(np.ones(2), np.zeros(2))["J"].tolist() == [3.0, 0.0, 0.0, 3.0]


def test_torch_modules_by_their_weights():
    torch = pytest.importorskip("torch")
    for kind in ("RNN", "GRU", "LSTM"):
        torch.manual_seed(0)
        module = getattr(torch.nn, kind)(3, 4, dtype=torch.float64)
        check(as_step_map(module), 1e-13)
    check(as_step_map(torch.nn.GRU(3, 4)), 2e-7)


def test_cells_of_flax_and_equinox():
    eqx, nnx = pytest.importorskip("equinox"), pytest.importorskip("flax.nnx")
    for name in ("GRUCell", "LSTMCell"):
        check(as_step_map(getattr(eqx.nn, name)(3, 4, key=jax.random.key(0))), 2e-7)
        check(as_step_map(getattr(nnx, name)(3, 4, rngs=nnx.Rngs(0))), 2e-7)


def test_layers_of_keras():
    pytest.importorskip("keras")
    import keras

    cell = keras.layers.GRUCell(4)
    cell.build((None, 3))
    check(as_step_map(cell), 2e-7)


def test_a_network_with_a_readout_of_its_own():
    class Network(bp.DynamicalSystem):
        def __init__(self):
            super().__init__()
            self.cell = brainpy_models.rnn_cell(bm.TrainingMode())
            self.out = brainpy_models.dense(bm.TrainingMode())

        def update(self, x):
            return self.out(self.cell(x))

    program = check(as_step_map(Network(), n_inputs=3), 2e-7)
    assert program.document["n_outputs"] == 2
