"""Networks as people write them in JAX."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import fsolve

from tests.models_in_the_wild.known import Wild, current_roots, grid_of, roots, tanh_roots

G = 1.5
PAIR = grid_of(tanh_roots(G), tanh_roots(G))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def leaky_rate_network():
    """x <- x + dt/tau (-x + W tanh(x) + B u), as most papers print it."""
    dt, tau, W = 1.0, 10.0, 1.8 * np.eye(2)
    B = np.array([[1.0], [0.0]])

    def step(x, u):
        dx = -x + W @ jnp.tanh(x) + B @ u
        return x + dt / tau * dx

    return step


def next_state_alone():
    return lambda inputs, state: jnp.tanh(G * state + inputs[0])


def scan_cell():
    """The body of a jax.lax.scan."""

    def cell(carry, x):
        h = jnp.tanh(G * carry + jnp.array([1.0, -1.0]) * x)
        return h, h.sum(keepdims=True)

    return cell


def three_results():
    def step(u, h):
        current = G * h + u
        rate = jnp.tanh(current)
        return rate @ jnp.ones((2, 3)), jnp.concatenate([rate, rate, rate]), rate

    return step


def batched_rows():
    W = G * np.eye(2)

    def step(x, h):  # [batch, channels], [batch, units]
        assert x.ndim == 2
        h = jnp.tanh(jnp.einsum("bj,ij->bi", h, W) + x)
        return h[:, :1], h

    return step


def fitzhugh_nagumo():
    """A dictionary of two variables, integrated by Euler steps."""

    def step(s, u):
        v, w = s["v"], s["w"]
        dv = v - v**3 / 3 - w + u[0]
        dw = 0.08 * (v + 0.7 - 0.8 * w)
        return {"v": v + 0.1 * dv, "w": w + 0.1 * dw}

    return step


def fitzhugh_nagumo_points(u):
    # w = (v + 0.7) / 0.8, and a cubic for v.
    v = np.roots([-1 / 3, 0, 1 - 1 / 0.8, u - 0.7 / 0.8])
    v = np.real(v[np.abs(v.imag) < 1e-9])
    return np.stack([v, (v + 0.7) / 0.8], axis=1)


def scipy_style():
    """Returns the derivatives as a tuple, for odeint."""

    def f(state, u):
        v, w = state
        return v - v**3 / 3 - w + u[0], 0.08 * (v + 0.7 - 0.8 * w)

    return f


def lstm_by_hand():
    """Weights as an argument, (h, c) as a pair."""

    def step(params, x, state):
        h, c = state
        i, f, g, o = jnp.split(params["b"] + params["V"] @ x, 4)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return h @ jnp.ones((2, 1)), (h, c)

    return step


LSTM_BIAS = np.array([0.3, -0.2, 0.5, 1.0, 0.7, -0.4, 0.1, 0.2])


def lstm_points():
    i, f, g, o = np.split(LSTM_BIAS, 4)
    c = sigmoid(i) * np.tanh(g) / (1 - sigmoid(f))
    return np.concatenate([sigmoid(o) * np.tanh(c), c])[None]


def low_rank():
    """Rank one: the fixed points lie on the line along m."""
    m, n = np.array([1.5, -1.0, 0.5]), np.array([1.2, -0.9, 1.0])

    def step(x, inp):
        return x + 0.2 * (-x + m * jnp.sum(n * jnp.tanh(x)) / 3 * 1.7 + 0 * inp)

    return step


def low_rank_points():
    m, n = np.array([1.5, -1.0, 0.5]), np.array([1.2, -0.9, 1.0])
    kappa = roots(lambda k: 1.7 / 3 * np.sum(n * np.tanh(k * m)) - k, -3.0007, 3.0003)
    return kappa[:, None] * m


def short_term_plasticity():
    """Mongillo, Barak & Tsodyks: rate, facilitation and depression of one population."""

    def step(state, stimulus):
        r, u, x = state
        gain = jax.nn.sigmoid(4.0 * u * x * r - 1.5 + stimulus[0])
        r_new = r + 0.1 * (-r + gain)
        u_new = u + 0.02 * ((0.2 - u) / 1.5 + 0.2 * (1 - u) * r)
        x_new = x + 0.02 * ((1 - x) / 0.2 - u * x * r)
        return jnp.array([r_new, u_new, x_new])

    return step


def short_term_plasticity_points():
    def rest(r):
        u = (0.2 / 1.5 + 0.2 * r) / (1 / 1.5 + 0.2 * r)
        return u, 5.0 / (5.0 + u * r)

    def excess(r):
        u, x = rest(r)
        return sigmoid(4.0 * u * x * r - 1.5) - r

    return np.array([[r, *rest(r)] for r in roots(excess, 0.0, 1.0)])


def ring_network():
    """Rectified units on a ring, inhibited by all: the bump dies, every unit is the same."""
    theta = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    W = (-1.0 + 0.5 * np.cos(theta[:, None] - theta)) / 8

    def step(rates, ext):
        return rates + 0.1 * (-rates + jax.nn.relu(W @ rates + ext))

    return step


def piecewise_linear():
    """A PLRNN: z <- A z + W relu(z) + h."""
    A, W, h = np.diag([0.5, 0.4]), np.array([[0.0, -1.2], [-1.2, 0.0]]), np.array([1.0, 1.0])

    def step(z, s):
        return A @ z + W @ jnp.maximum(z, 0) + h + 0 * s

    return step


def piecewise_linear_points():
    A, W, h = np.diag([0.5, 0.4]), np.array([[0.0, -1.2], [-1.2, 0.0]]), np.array([1.0, 1.0])
    found = []
    for signs in np.ndindex(2, 2):  # linear in each quadrant
        D = np.diag(signs)
        z = np.linalg.solve(np.eye(2) - A - W @ D, h)
        if all((z > 0) == np.array(signs, bool)):
            found.append(z)
    return np.array(found)


def echo_state():
    """A leaky reservoir whose weights are scaled by the spectral radius."""
    W = np.random.default_rng(3).normal(size=(12, 12))
    W *= 0.8 / np.abs(np.linalg.eigvals(W)).max()
    W_in = np.random.default_rng(4).normal(size=(12, 1))

    def update(prev_state, input_t):
        return 0.7 * prev_state + 0.3 * jnp.tanh(W @ prev_state + W_in @ input_t)

    return update


def echo_state_points():
    W = np.random.default_rng(3).normal(size=(12, 12))
    W *= 0.8 / np.abs(np.linalg.eigvals(W)).max()
    W_in = np.random.default_rng(4).normal(size=(12, 1))[:, 0]
    return fsolve(lambda h: np.tanh(W @ h + 0.3 * W_in) - h, np.zeros(12), xtol=1e-12)[None]


def wong_wang():
    """Two populations that decide: derivative of the gating variables."""

    def derivative(S, coherence):
        drive = 0.3255 + 5.2e-4 * 20 * jnp.array([1 + coherence[0], 1 - coherence[0]])
        x = jnp.array([[0.2609, -0.0497], [-0.0497, 0.2609]]) @ S + drive
        y = 270.0 * x - 108.0
        rate = y / (1 - jnp.exp(-0.154 * y))
        return -S / 0.1 + (1 - S) * 0.641 * rate

    return derivative


def wong_wang_points():
    J = np.array([[0.2609, -0.0497], [-0.0497, 0.2609]])

    def derivative(S):
        y = 270.0 * (J @ S + 0.3255 + 5.2e-4 * 20) - 108.0
        return -S / 0.1 + (1 - S) * 0.641 * y / (1 - np.exp(-0.154 * y))

    found = []
    for start in np.random.default_rng(0).uniform(0, 1, (200, 2)):
        S, _, status, _ = fsolve(derivative, start, full_output=True, xtol=1e-13)
        inside = status == 1 and np.abs(derivative(S)).max() < 1e-9 and (S > 0).all()
        if inside and all(np.abs(S - other).max() > 1e-4 for other in found):
            found.append(S)
    return np.array(found)


class RateAndAdaptation(NamedTuple):
    rate: object
    adaptation: object


def named_tuple_state():
    def step(state, u):
        rate = state.rate + 0.1 * (-state.rate + jnp.tanh(2.5 * state.rate - state.adaptation + u))
        return RateAndAdaptation(rate, 0.9 * state.adaptation + 0.05 * rate)

    return step


def named_tuple_points():
    x = tanh_roots(2.0)  # the adaptation is half of the rate
    return np.stack([x, x / 2], axis=1)


def oscillators():
    """Symmetric and antisymmetric weights; a flow with one fixed point."""
    return lambda y, u: -y + jnp.array([[0.0, 2.0], [-2.0, 0.0]]) @ jnp.tanh(y) + u


def softmax_attention():
    """Rates that compete; the sum of the drive is one."""
    return lambda r, u: r + 0.5 * (-r + jax.nn.softmax(0.5 * r + u))


def autonomous():
    return lambda h: jnp.tanh(G * h)


CURRENT = grid_of(current_roots(1.8), current_roots(1.8))
DICT = {"v": 1, "w": 1}

JAX = {
    "leaky rate network": Wild(leaky_rate_network, CURRENT, low=-2.0, high=2.0),
    "next state alone": Wild(next_state_alone, PAIR),
    "scan cell": Wild(scan_cell, PAIR),
    "three results": Wild(three_results, PAIR),
    "batched rows": Wild(batched_rows, PAIR),
    "FitzHugh-Nagumo, dict": Wild(
        fitzhugh_nagumo, fitzhugh_nagumo_points(0.5), {"n_states": DICT}, (0.5,)
    ),
    "FitzHugh-Nagumo, SciPy": Wild(
        scipy_style, fitzhugh_nagumo_points(0.5), {"time": "continuous"}, (0.5,)
    ),
    "LSTM by hand": Wild(
        lstm_by_hand, lstm_points(), {"params": {"b": LSTM_BIAS, "V": np.ones((8, 1))}}
    ),
    "low rank": Wild(low_rank, low_rank_points(), low=-2.0, high=2.0),
    "short-term plasticity": Wild(
        short_term_plasticity, short_term_plasticity_points(), low=0.0, high=1.0
    ),
    "ring": Wild(ring_network, np.full((1, 8), 0.5 / 2), {}, (0.5,), 0.0, 1.0),
    "PLRNN": Wild(piecewise_linear, piecewise_linear_points(), low=-3.0, high=3.0),
    "echo state": Wild(echo_state, echo_state_points(), {}, (0.3,)),
    "Wong-Wang": Wild(wong_wang, wong_wang_points(), {"time": "continuous"}, low=0.0, high=0.8),
    "named tuple": Wild(
        named_tuple_state,
        named_tuple_points(),
        {"n_states": RateAndAdaptation(1, 1)},
    ),
    "oscillators": Wild(oscillators, np.zeros((1, 2)), {"time": "continuous"}),
    "softmax": Wild(softmax_attention, np.full((1, 4), 0.25), low=0.0, high=1.0),
    "autonomous": Wild(autonomous, PAIR, input=()),
}
