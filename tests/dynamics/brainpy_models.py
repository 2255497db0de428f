"""BrainPy models of many kinds, with weights from NumPy, for the tests of the adapters."""

from typing import Any

import brainpy as bp
import brainpy.math as bm
import jax.numpy as jnp
import numpy as np

N, M = 4, 3


def normal(seed: int, *shape: int, scale: float = 0.7) -> Any:
    """Return fixed random numbers in single precision."""
    return jnp.asarray(scale * np.random.default_rng(seed).normal(size=shape), jnp.float32)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def rnn_cell(mode, n_in=M, n=N, seed=0, activation="tanh"):
    return bp.dyn.RNNCell(
        n_in,
        n,
        Wi_initializer=normal(seed, n_in, n),
        Wh_initializer=normal(seed + 1, n, n),
        b_initializer=normal(seed + 2, n),
        activation=activation,
        mode=mode,
    )


def gru_cell(mode, n_in=M, n=N, seed=0):
    return bp.dyn.GRUCell(
        n_in,
        n,
        Wi_initializer=normal(seed, n_in, 3 * n),
        Wh_initializer=normal(seed + 1, n, 3 * n),
        b_initializer=normal(seed + 2, 3 * n),
        mode=mode,
    )


def lstm_cell(mode, n_in=M, n=N, seed=0):
    return bp.dyn.LSTMCell(
        n_in,
        n,
        Wi_initializer=normal(seed, n_in, 4 * n),
        Wh_initializer=normal(seed + 1, n, 4 * n),
        b_initializer=normal(seed + 2, 4 * n),
        mode=mode,
    )


def dense(mode, n_in=N, n_out=2, seed=9):
    return bp.layers.Dense(
        n_in,
        n_out,
        W_initializer=normal(seed, n_in, n_out),
        b_initializer=normal(seed + 1, n_out),
        mode=mode,
    )


def weights(layer):
    """Return the weights of a cell or a layer in double precision."""
    return [
        np.asarray(getattr(layer, name), np.float64)
        for name in ("Wi", "Wh", "W", "b")
        if hasattr(layer, name)
    ]


def rnn_next(cell, h, x):
    Wi, Wh, b = weights(cell)
    return np.tanh(x @ Wi + h @ Wh + b)


def gru_next(cell, h, x):
    Wi, Wh, b = weights(cell)
    n = cell.num_out
    z, r = np.split(sigmoid(x @ Wi[:, : 2 * n] + h @ Wh[:, : 2 * n] + b[: 2 * n]), 2, axis=-1)
    a = np.tanh(x @ Wi[:, 2 * n :] + (r * h) @ Wh[:, 2 * n :] + b[2 * n :])
    return (1 - z) * h + z * a


def lstm_next(cell, state, x):
    Wi, Wh, b = weights(cell)
    h, c = np.split(state, 2, axis=-1)
    i, g, f, o = np.split(x @ Wi + h @ Wh + b, 4, axis=-1)
    c = sigmoid(f + 1) * c + sigmoid(i) * np.tanh(g)
    return np.concatenate([sigmoid(o) * np.tanh(c), c], axis=-1)


class SimpleRNN(bp.DynamicalSystem):
    """The single-step model of the tutorials: weights in plain Variables, its own ``__call__``."""

    def __init__(self, n_inputs=M, n_hidden=N, n_outputs=2):
        super().__init__()
        self.w_ih = bm.Variable(normal(0, n_inputs, n_hidden))
        self.w_hh = bm.Variable(normal(1, n_hidden, n_hidden))
        self.w_ho = bm.Variable(normal(2, n_hidden, n_outputs))

    def __call__(self, inputs, hidden):
        x = inputs[:, 0, :]
        h = jnp.tanh(x @ self.w_ih.value + hidden @ self.w_hh.value)
        return (h @ self.w_ho.value)[:, None, :], h

    def expected(self, h, u):
        w_ih, w_hh = (np.asarray(w.value, np.float64) for w in (self.w_ih, self.w_hh))
        return np.tanh(u @ w_ih + h @ w_hh)


class RateModel(bp.DynamicalSystem):
    """tau dr/dt = -r + tanh(W r + x), integrated by BrainPy."""

    def __init__(self, method="rk4", n=N, dt=0.1, shared_dt=False):
        super().__init__()
        self.W = bm.TrainVar(normal(3, n, n, scale=1.0))
        self.tau = 2.0
        self.r = bm.Variable(jnp.zeros(n))
        self.n_inputs = n
        self.shared_dt = shared_dt
        self.integral = bp.odeint(self.derivative, method=method, dt=dt)

    def derivative(self, r, t, x):
        return (-r + bm.tanh(r @ self.W + x)) / self.tau

    def update(self, x):
        more = {"dt": bp.share["dt"]} if self.shared_dt else {}
        self.r.value = self.integral(self.r.value, bp.share["t"], x, **more)
        return self.r.value

    def field(self, r, x):
        W = np.asarray(self.W.value, np.float64)
        return (-r + np.tanh(r @ W + x)) / self.tau


class TwoPopulations(bp.DynamicalSystem):
    """A FitzHugh-Nagumo pair for each unit: two state Variables in one integrator."""

    def __init__(self, n=3, clip=False):
        super().__init__()
        self.v = bm.Variable(jnp.zeros(n))
        self.w = bm.Variable(jnp.zeros(n))
        self.clip = clip
        self.integral = bp.odeint(self.derivative, method="rk4", dt=0.05)

    def derivative(self, v, w, t, x):
        return v - v**3 / 3 - w + x, (v + 0.7 - 0.8 * w) / 12.5

    def update(self, x):
        v, w = self.integral(self.v.value, self.w.value, bp.share["t"], x)
        self.v.value = bm.clip(v, -2.5, 2.5) if self.clip else v
        self.w.value = w
        return v - w

    @staticmethod
    def field(v, w, x):
        return np.concatenate([v - v**3 / 3 - w + x, (v + 0.7 - 0.8 * w) / 12.5], axis=-1)
