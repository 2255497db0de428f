"""Steps as users write them: the same few networks in many styles, for tests and benchmarks.

``box`` says what box must be found: ``UNIT`` is [-1, 1], ``RATES`` is [0, 1], ``SOME`` any,
``NONE`` that there is none (the step is not bounded).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

UNIT, RATES, SOME, NONE = "[-1, 1]", "[0, 1]", "some", "none"


@dataclass(frozen=True)
class UserStep:
    """One step."""

    name: str
    step: Callable[[Any, Any], Any]
    n_states: int
    box: str
    flow: bool = False


def user_steps(n: int = 6, seed: int = 0, gain: float = 1.5) -> list[UserStep]:
    """Return all steps, with ``n`` units each and inputs of length 2."""
    rng = np.random.default_rng(seed)

    def matrix(rows: int = n, columns: int = n) -> Any:
        return jnp.asarray(gain * rng.normal(size=(rows, columns)) / np.sqrt(columns))

    def vector(length: int = n) -> Any:
        return jnp.asarray(0.3 * rng.normal(size=length))

    with jax.enable_x64(True):
        return _steps(n, matrix, vector)


def _steps(n: int, matrix: Callable[..., Any], vector: Callable[..., Any]) -> list[UserStep]:
    W, V, U, B = matrix(), matrix(), matrix(), matrix(n, 2)
    b, c, d = vector(), vector(), vector()
    W3, b3, W4, b4 = matrix(3 * n, n), vector(3 * n), matrix(4 * n, n), vector(4 * n)
    signs = jnp.where(jnp.arange(n) < 3 * n // 4, 1.0, -2.0)
    steps: list[UserStep] = []

    def add(name: str, box: str, size: int = n, flow: bool = False) -> Callable[[Any], Any]:
        def register(step: Any) -> Any:
            steps.append(UserStep(name, step, size, box, flow))
            return step

        return register

    @add("tanh", UNIT)
    def _(h, u):
        return jnp.tanh(W @ h + B @ u + b)

    @add("tanh, row vectors, concatenated", UNIT)
    def _(h, u):
        both = jnp.hstack([W, B])
        return jnp.tanh(jnp.concatenate([h, u]) @ both.T + b)

    @add("tanh, unit by unit", UNIT)
    def _(h, u):
        return jnp.stack([jnp.tanh(jnp.vdot(W[i], h) + b[i]) for i in range(n)])

    @add("tanh, written to slices", UNIT)
    def _(h, u):
        new = jnp.zeros_like(h)
        new = new.at[: n // 2].set(jnp.tanh(W[: n // 2] @ h))
        return new.at[n // 2 :].set(jnp.tanh(W[n // 2 :] @ h + b[n // 2 :]))

    @add("leak by complement", UNIT)
    def _(h, u):
        return 0.9 * h + (1 - 0.9) * jnp.tanh(W @ h + B @ u)

    @add("leak by difference", UNIT)
    def _(h, u):
        return h + (jnp.tanh(W @ h + B @ u + b) - h) * 0.2

    @add("leak by a vector of time constants", UNIT)
    def _(h, u):
        alpha = 1.0 / jnp.linspace(5.0, 80.0, n)
        return (1 - alpha) * h + alpha * jnp.tanh(V @ h + c)

    @add("leak by exp(-dt / tau)", UNIT)
    def _(h, u):
        decay = jnp.exp(-1.0 / 20.0)
        return decay * h + (1 - decay) * jnp.tanh(W @ h + b)

    @add("leak in a fori_loop of three steps", UNIT)
    def _(h, u):
        return jax.lax.fori_loop(0, 3, lambda _, x: 0.8 * x + 0.2 * jnp.tanh(W @ x + b), h)

    @add("leak, currents", SOME)
    def _(x, u):
        return x + 0.1 * (-x + W @ jnp.tanh(x) + B @ u + b)

    @add("leak, flow", UNIT, flow=True)
    def _(h, u):
        return (jnp.tanh(W @ h + B @ u) - h) / 0.05

    @add("currents, flow", SOME, flow=True)
    def _(x, u):
        return -x + W @ jnp.tanh(x) + b

    @add("GRU, split", UNIT)
    def _(h, u):
        r, z, m = jnp.split(W3 @ h + b3, 3)
        r, z = jax.nn.sigmoid(r), jax.nn.sigmoid(z)
        return (1 - z) * jnp.tanh(r * m + B @ u) + z * h

    @add("GRU, rows of a matrix", UNIT)
    def _(h, u):
        gates = jnp.reshape(W3 @ h + b3, (3, n))
        r, z = jax.nn.sigmoid(gates[:2])
        new = jnp.tanh(gates[2] * r + b)
        return new + z * (h - new)

    @add("GRU, reset first", UNIT)
    def _(h, u):
        both = jax.nn.sigmoid(jnp.concatenate([V @ h + c, U @ h + d]))
        r, g = both[:n], both[n:]
        return h + g * (jnp.tanh(W @ (r * h) + b) - h)

    @add("GRU, sigmoid written out", UNIT)
    def _(h, u):
        def sigma(x):
            return 1.0 / (1.0 + jnp.exp(-x))

        z = sigma(V @ h + c)
        return h - z * h + z * jnp.tanh(W @ (sigma(U @ h + d) * h) + b)

    @add("GRU, einsum and a batch of one", UNIT)
    def _(h, u):
        x = h[jnp.newaxis]
        z = jax.nn.sigmoid(jnp.einsum("ij,bj->bi", V, x) + c)
        new = jnp.tanh(jnp.einsum("bj,ij->bi", x, W) + b)
        return jnp.squeeze(z * x + (1.0 - z) * new, 0)

    @add("GRU, steep gates", UNIT)
    def _(h, u):
        z = jax.nn.sigmoid(300 * (V @ h) + c)
        return (1 - z) * jnp.tanh(300 * (W @ h) + b) + z * h

    @add("GRU, step of dt", UNIT)
    def _(h, u):
        z, r = jax.nn.sigmoid(V @ h + c), jax.nn.sigmoid(U @ h + d)
        return h + 0.1 * (1 - z) * (jnp.tanh(W @ (r * h) + b) - h)

    @add("GRU, flow", UNIT, flow=True)
    def _(h, u):
        z, r = jax.nn.sigmoid(V @ h + c), jax.nn.sigmoid(U @ h + d)
        return (1 - z) * (jnp.tanh(W @ (r * h) + b) - h)

    @add("GRU, hard gates", UNIT)
    def _(h, u):
        z = jax.nn.hard_sigmoid(V @ h + c)
        return z * h + (1 - z) * jnp.tanh(W @ h + b)

    @add("LSTM", SOME, 2 * n)
    def _(state, u):
        h, cell = jnp.split(state, 2)
        i, f, g, o = jnp.split(W4 @ h + b4, 4)
        cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
        return jnp.concatenate([jax.nn.sigmoid(o) * jnp.tanh(cell), cell])

    @add("LSTM, two rows", SOME, 2 * n)
    def _(state, u):
        h, cell = state.reshape(2, n)
        i, f, g, o = (W4 @ h + b4).reshape(4, n)
        cell = jax.nn.sigmoid(f + 1.0) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
        return jnp.stack([jax.nn.sigmoid(o) * jnp.tanh(cell), cell]).ravel()

    @add("LSTM, layer norm", SOME, 2 * n)
    def _(state, u):
        h, cell = state[:n], state[n:]
        a = W4 @ h + b4
        a = (a - jnp.mean(a)) * jax.lax.rsqrt(jnp.var(a) + 1e-5)
        i, f, g, o = jnp.split(a, 4)
        cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
        return jnp.concatenate([jax.nn.sigmoid(o) * jnp.tanh(cell), cell])

    @add("rates, sigmoid", RATES)
    def _(r, u):
        return r + 0.1 * (-r + jax.nn.sigmoid(4 * (W @ r + b)))

    @add("rates, softplus, inhibition only", SOME)
    def _(r, u):
        return r + 0.1 * (-r + jax.nn.softplus(1.0 - jnp.abs(W) @ r))

    @add("rates, clipped relu", RATES)
    def _(r, u):
        return r + 0.1 * (-r + jnp.clip((jnp.abs(W) * signs) @ r + 1.0, 0, 1))

    @add("rates, relu, weak", SOME)
    def _(r, u):
        weak = 0.7 * jnp.abs(W) / jnp.max(jnp.sum(jnp.abs(W), axis=1))
        return r + 0.2 * (-r + jax.nn.relu((weak * signs) @ r / 2 + 1.0))

    @add("rates, relu, strong", NONE)
    def _(r, u):
        return r + 0.1 * (-r + jax.nn.relu(3 * jnp.abs(W) @ r + 1.0))

    @add("rates, divisive", SOME)
    def _(r, u):
        drive = jax.nn.relu(W @ r + 1.0)
        return r + 0.1 * (-r + drive / (1.0 + jnp.sum(drive)))

    @add("rates, softmax", SOME)
    def _(r, u):
        return r + 0.1 * (-r + jax.nn.softmax(3 * (W @ r) + b))

    @add("low rank", SOME)
    def _(x, u):
        m, k = B, V[:, :2]
        return x + 0.2 * (-x + m @ (k.T @ jnp.tanh(x)) / n + 0.1 * c)

    @add("low rank, einsum, flow", SOME, flow=True)
    def _(x, u):
        return -x + jnp.einsum("ir,jr,j->i", B, V[:, :2], jnp.tanh(x)) / n

    @add("short-term plasticity", SOME, 3 * n)
    def _(state, u):
        x, y, r = state[:n], state[n : 2 * n], state[2 * n :]
        drive = W @ (x * y * r) + b
        return jnp.concatenate(
            [
                x + 0.01 * ((1 - x) / 0.2 - 10.0 * y * x * r),
                y + 0.01 * ((0.2 - y) / 1.5 + 2.0 * (1 - y) * r),
                r + 0.2 * (-r + jax.nn.sigmoid(drive)),
            ]
        )

    @add("two populations, Euler", RATES, 2)
    def _(s, u):
        x = 0.26 * s - 0.05 * s[::-1] + 0.33
        y = 270.0 * x - 108.0
        rate = y / (1 - jnp.exp(-0.154 * y))
        return s + 1e-3 * (-s / 0.1 + (1 - s) * 0.641 * rate)

    @add("excitable, flow", SOME, 2, True)
    def _(s, u):
        v, w = s
        return jnp.array([v - v**3 / 3 - w + 0.5, 0.08 * (v + 0.7 - 0.8 * w)])

    @add("Runge-Kutta of a leak", UNIT)
    def _(h, u):
        def f(x):
            return -x + jnp.tanh(W @ x + b)

        k1 = f(h)
        k2 = f(h + 0.05 * k1)
        k3 = f(h + 0.05 * k2)
        k4 = f(h + 0.1 * k3)
        return h + 0.1 / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    @add("midpoint", SOME)
    def _(h, u):
        def f(x):
            return jnp.tanh(W @ x + b) - x

        return h + 0.1 * f(h + 0.05 * f(h))

    @add("elu, contracting", SOME)
    def _(h, u):
        A = 0.9 * W / jnp.sum(jnp.abs(W), axis=1, keepdims=True)
        return jax.nn.elu(A @ h + b)

    @add("hard tanh", UNIT)
    def _(h, u):
        return jax.nn.hard_tanh(W @ h + b)

    @add("soft sign, leaky", UNIT)
    def _(h, u):
        return 0.9 * h + 0.1 * jax.nn.soft_sign(W @ h + b)

    @add("piecewise linear", NONE)
    def _(z, u):
        return 0.9 * z + W @ jnp.maximum(z, 0) + b

    @add("piecewise linear, clipped", SOME)
    def _(z, u):
        return 0.9 * z + 0.3 * W @ (jax.nn.relu(z + b) - jax.nn.relu(z)) + c

    @add("cubic flow", SOME, flow=True)
    def _(x, u):
        return x - x**3 + W @ jnp.tanh(x)

    @add("remembers its state", NONE)
    def _(h, u):
        return h + 0.1 * jnp.tanh((W - W.T) @ h + b)

    @add("condition known, branches", UNIT)
    def _(h, u):
        return jax.lax.cond(True, lambda x: jnp.tanh(W @ x), lambda x: 2 * x, h)

    @add("convolution on a ring", UNIT)
    def _(h, u):
        kernel = jnp.exp(-jnp.arange(3.0))
        padded = jnp.pad(h, 1, mode="wrap")
        return jnp.tanh(jnp.convolve(padded, kernel, mode="valid") + b)

    @add("checkpointed", UNIT)
    def _(h, u):
        return jax.checkpoint(lambda x: jnp.tanh(W @ jnp.roll(x, 1) + b))(h)

    @add("cumulative drive", UNIT)
    def _(h, u):
        return jnp.tanh(jnp.cumsum(W[0] * h) + b)

    @add("where, two sides", UNIT)
    def _(h, u):
        a = W @ h + b
        return jnp.where(a > 0, jnp.tanh(a), 0.5 * jnp.tanh(a))

    @add("partial application", UNIT)
    def _(h, u):
        return partial(lambda weights, x: jnp.tanh(x @ weights), V)(h)

    return steps
