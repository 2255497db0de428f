"""What was once read wrongly without a word: each is read rightly now, or refused."""

import brainpy as bp
import brainpy.math as bm
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import as_step_map
from fpf_notebook.dynamics import linearize

W = np.array([[0.5, -1.2, 0.3], [0.8, 0.2, -0.6], [-0.4, 0.9, 1.1]])
H, U = np.array([0.3, -0.7, 0.5]), np.array([0.2, -0.1, 0.4])


@pytest.mark.parametrize(
    "step",
    [
        lambda s, a: jnp.tanh(W @ a + s),  # a stimulus and an activity, or a state and an action
        lambda z, x: jnp.tanh(W @ x + z),
        lambda x, r: jnp.tanh(W @ r + x),  # a state and a reference, or an input and rates
    ],
)
def test_names_that_mean_now_this_now_that_do_not_decide(step):
    with pytest.raises(ValueError, match="either of its arguments"):
        as_step_map(step, n_states=3, n_inputs=3)


def test_the_value_named_as_the_state_is_the_state():
    def step(u, x):
        x_new = 0.9 * x + 0.1 * (jnp.tanh(x) @ W.T + u[0])
        r = jnp.tanh(x_new)
        return x_new, r

    step_map = as_step_map(step, n_states=3, n_inputs=1)
    np.testing.assert_allclose(step_map(H, U[:1]), 0.9 * H + 0.1 * (W @ np.tanh(H) + 0.2))


def test_the_state_as_it_came_is_not_the_next_state():
    """A pair (h, c) within a pair: the state's first half was read as all of it, unchanged."""
    step_map = as_step_map(
        lambda x, s: (s[0], (jnp.tanh(s[1] + x[0]), 0.5 * s[0])), n_states=4, n_inputs=1
    )
    h = np.array([0.1, 0.2, 0.3, 0.4])
    np.testing.assert_allclose(
        step_map(h, np.array([0.5])), [np.tanh(0.8), np.tanh(0.9), 0.05, 0.1], rtol=1e-7
    )


def test_integrators_and_vector_fields_take_time_first_or_last():
    expected = np.tanh(W @ H) - H + U
    for field in (
        lambda t, y, args: jnp.tanh(W @ y) - y + args,
        lambda y, t, u: jnp.tanh(W @ y) - y + u,
        bp.odeint(lambda x, t, current: jnp.tanh(W @ x) - x + current, dt=0.1),
    ):
        options = {"convention": "state_input"}
        found = as_step_map(field, n_states=3, n_inputs=3, time="continuous", **options)
        np.testing.assert_allclose(found(H, U), expected, rtol=1e-12)
    alone = as_step_map(lambda t, y: jnp.tanh(W @ y) - y, n_states=3, time="continuous")
    np.testing.assert_allclose(alone(H, np.zeros(0)), expected - U, rtol=1e-12)


def test_a_dictionary_with_more_than_the_state():
    step_map = as_step_map(
        lambda s, u: {"w": 0.5 * s["w"], "v": jnp.tanh(s["v"] + u[0]), "rate": s["v"] ** 2},
        n_states={"v": 2, "w": 1},
        n_inputs=1,
    )
    assert step_map.n_outputs == 2
    np.testing.assert_allclose(step_map(H, U[:1]), [*np.tanh(H[:2] + 0.2), 0.25])


class Pair(bp.DynamicalSystem):
    def update(self, x, state):
        v, w = state
        return None, (jnp.tanh(v + x[..., 0:1].reshape(-1, 1)), 0.5 * w)


class Keyed(bp.DynamicalSystem):
    def update(self, x, state):
        return {"w": 0.5 * state["w"], "v": jnp.tanh(state["v"] + x[..., 0:1].reshape(-1, 1))}


class Spread(bp.DynamicalSystem):
    def update(self, x, h, c):
        return jnp.tanh(h + x[..., 0:1].reshape(-1, 1)), 0.5 * c


@pytest.mark.parametrize(
    ("model", "n_states"),
    [(Pair(), (2, 1)), (Keyed(), {"v": 2, "w": 1}), (Spread(), (2, 1)), (Pair().update, (2, 1))],
)
def test_states_of_several_arrays_of_brainpy_models(model, n_states):
    step_map = as_step_map(model, n_states=n_states, n_inputs=1)
    assert len(step_map.slices) == 2
    np.testing.assert_allclose(step_map(H, U[:1]), [*np.tanh(H[:2] + 0.2), 0.25], rtol=1e-6)


class Integrated(bp.DynamicalSystem):
    """FitzHugh-Nagumo in BrainPy's integrator, its two equations together."""

    def __init__(self):
        super().__init__()
        self.v, self.w = bm.Variable(bm.zeros(1)), bm.Variable(bm.zeros(1))
        self.integral = bp.odeint(bp.JointEq(self.dv, self.dw), method="rk4", dt=0.05)

    def dv(self, v, t, w, current):
        return v - v**3 / 3 - w + current

    def dw(self, w, t, v):
        return 0.08 * (v + 0.7 - 0.8 * w)

    def update(self, current):
        self.v.value, self.w.value = self.integral(self.v.value, self.w.value, 0.0, current)


def test_a_model_of_odeint_agrees_with_scipy():
    """One step as a map against a precise integration, and the flow's eigenvalues against it."""
    from scipy.integrate import solve_ivp
    from scipy.linalg import expm

    def field(_, y):
        return [y[0] - y[0] ** 3 / 3 - y[1] + 0.3, 0.08 * (y[0] + 0.7 - 0.8 * y[1])]

    h, u = np.array([0.4, -0.2]), np.array([0.3])
    step = as_step_map(Integrated(), n_inputs=1)
    flow = as_step_map(Integrated(), n_inputs=1, time="continuous")
    end = solve_ivp(field, (0, 0.05), h, rtol=1e-12, atol=1e-14).y[:, -1]
    np.testing.assert_allclose(step(h, u), end, atol=1e-7)
    np.testing.assert_allclose(flow(h, u), field(0, h), rtol=1e-6)
    jacobian = np.array([[1 - 0.4**2, -1], [0.08, -0.064]])
    np.testing.assert_allclose(linearize(flow, h[None], u[None])[0][0], jacobian, rtol=1e-6)
    # At rest the map's eigenvalues are those of the flow through its step of 0.05.
    v = np.roots([-1 / 3, 0, 1 - 1 / 0.8, 0.3 - 0.7 / 0.8])
    rest = np.array([(v0 := v[np.abs(v.imag) < 1e-9].real[0]), (v0 + 0.7) / 0.8])
    at_rest = np.array([[1 - rest[0] ** 2, -1], [0.08, -0.064]])
    np.testing.assert_allclose(
        linearize(step, rest[None], u[None])[0][0], expm(0.05 * at_rest), atol=1e-6
    )


def test_a_module_of_linen_with_its_variables():
    linen = pytest.importorskip("flax.linen")

    class Cell(linen.Module):
        @linen.compact
        def __call__(self, carry, x):
            h = jnp.tanh(carry @ self.param("w", lambda _: jnp.asarray(W.T)) + x)
            return h, linen.Dense(1)(h)

    import jax

    model = Cell()
    variables = model.init(jax.random.key(0), H, U)
    options = {"n_states": 3, "n_inputs": 3, "convention": "state_input"}
    step_map = as_step_map(model, params=variables, **options)
    np.testing.assert_allclose(step_map(H, U), np.tanh(W @ H + U), rtol=1e-6)
    assert step_map.n_outputs == 1
    with pytest.raises(ValueError, match="params=variables"):
        as_step_map(model, **options)
