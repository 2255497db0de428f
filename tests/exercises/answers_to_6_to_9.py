"""Right answers in several forms, and wrong ones from common errors: tutorials 6 to 9."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np

from fpf_notebook import as_step_map

W3 = np.array([[0.5, -1.5, 0.0], [1.5, 0.5, 0.3], [0.0, 0.2, 1.2]])
CHAIN = np.tril(np.ones((6, 6)), -1) + 0.5 * np.eye(6)
SHUFFLED = CHAIN[np.ix_([3, 0, 5, 1, 4, 2], [3, 0, 5, 1, 4, 2])]


def mode_of_one(J):
    """Return the right and left vectors of the eigenvalue 1."""
    values, right = np.linalg.eig(J)
    k = int(np.argmin(np.abs(values - 1)))
    return right[:, k], np.linalg.inv(right)[k]


def what_is_left(J, b):
    right, left = mode_of_one(J)
    return (left @ b) * right


def by_left_eigenvectors(J, b):
    """Take the left vector from the transpose, and scale it."""
    right, _ = mode_of_one(J)
    left, _ = mode_of_one(J.T)
    return right * (left @ b) / (left @ right)


def first_mode(J, b):
    """Believe that numpy puts the eigenvalue 1 first."""
    right = np.linalg.eig(J)[1]
    return ((np.linalg.inv(right)[0] @ b) * right[:, 0]).real


def rest(choice, effect):
    return effect - (effect @ choice) * choice


def axis(choice, effect):
    return rest(choice, effect) / np.linalg.norm(rest(choice, effect))


def by_qr(choice, effect):
    found = np.linalg.qr(np.column_stack([choice, effect]))[0][:, 1]
    return found * np.sign(found @ effect)


def by_projector(choice, effect):
    part = (np.eye(len(choice)) - np.outer(choice, choice)) @ effect
    return list(part / math.sqrt(part @ part))


def euler_by_loops(state, input):
    """Do one unit after the other."""
    following = []
    for i in range(3):
        drive = input[i] + sum(W3[i, j] * state[j] for j in range(3))
        following.append(state[i] + (math.tanh(drive) - state[i]) / 10)
    return following


def in_place(state, input):
    """Change the state unit by unit, and use what has been changed already."""
    for i in range(3):
        state[i] += 0.1 * (np.tanh(W3[i] @ state + input[i]) - state[i])
    return state


def two_values(input, state):
    following = jnp.tanh(jnp.array([[1.8, 0.0], [0.4, 1.8]]) @ state + input)
    return following, following.sum(keepdims=True)


def step_map(function, n_inputs=1, **options):
    return as_step_map(function, n_states=2, n_inputs=n_inputs, **options)


def transposed(input, state):
    following = jnp.tanh(jnp.array([[1.8, 0.4], [0.0, 1.8]]) @ state + input)
    return following, following.sum(keepdims=True)


def switch(e, J, B, a, u):
    return e + J @ (a - e) + B @ u


# A dictionary of calls, so that JAX is used by the tests and not when they are collected.
STEP_MAPS = {
    "right": {
        "as it is": lambda: step_map(two_values),
        "the other way round": lambda: step_map(
            lambda input, state: two_values(input, state)[::-1]
        ),
        "a box, too": lambda: step_map(two_values, invariant_box=(-1, 1)),
    },
    "wrong": {
        "no output": lambda: step_map(lambda input, state: two_values(input, state)[0]),
        "another output": lambda: step_map(
            lambda input, state: (two_values(input, state)[0], jnp.zeros(1))
        ),
        "a flow": lambda: step_map(two_values, time="continuous"),
        "transposed": lambda: step_map(transposed),
        "another model": lambda: step_map(lambda state, input: jnp.tanh(state + input)),
        "two inputs": lambda: step_map(lambda input, state: two_values(input, state), 2),
        "the function": lambda: two_values,
    },
}

RIGHT = {
    "6.1": [
        lambda v: np.log(0.5) / np.log(np.abs(v)),
        lambda v: -1 / math.log2(abs(v)),
        lambda v: np.array([np.log(2) / -np.log(abs(v) + 0j)]),
    ],
    "6.2": [
        what_is_left,
        by_left_eigenvectors,
        lambda J, b: np.linalg.matrix_power(J, 300) @ b,
        lambda J, b: list(what_is_left(J, b).astype(complex)),
    ],
    "6.3": [CHAIN, CHAIN.T.tolist(), SHUFFLED, -0.9 * CHAIN],
    "7.1": [
        switch,
        lambda e, J, B, a, u: J.dot(a) + B.dot(u) + (np.eye(len(e)) - J).dot(e),
        lambda e, J, B, a, u: list(e + np.hstack([J, B]) @ np.concatenate([a - e, u])),
    ],
    "7.2": [0.1 / np.sqrt(4e-9), 1581, 1600.0],
    "7.3": [19 / 27, 0.7113, 0.71],
    "8.1": [0.9 ** (1 / 24), 0.9956, np.float64(0.99562)],
    "8.2": [axis, by_qr, by_projector],
    "8.3": [0.38939, 0.39, np.array(0.389)],
    "9.1": [
        lambda h, u: h + 0.1 * (-h + jnp.tanh(jnp.array(W3) @ h + u)),
        lambda h, u: 0.9 * h + 0.1 * np.tanh(W3 @ h + u),
        euler_by_loops,
    ],
    "9.3": [0.8, 1 - 0.2, np.float32(0.8)],
}

WRONG = {
    "6.1": [
        lambda v: -1 / np.log(np.abs(v)),
        lambda v: np.log(2) / np.log(np.abs(v)),
        lambda v: np.log(0.5) / np.log(v),
        lambda v: math.log(0.5) / math.log(v),
        lambda v: np.log(0.5) / np.log(abs(np.real(v))),
        lambda v: np.ceil(np.log(0.5) / np.log(abs(v))),
        lambda v: 0.5 / (1 - abs(v)),
        lambda v: np.log(0.5) / np.log10(abs(v)),
        lambda v: np.log(0.5) * np.log(2) / np.log(abs(v)),
        lambda v: print(v),
        6.58,
    ],
    "6.2": [
        lambda J, b: J @ b,
        lambda J, b: (mode_of_one(J)[0] @ b) * mode_of_one(J)[0],
        lambda J, b: (mode_of_one(J)[1] @ b) * mode_of_one(J)[1],
        lambda J, b: (
            (mode_of_one(J)[1] @ b) / np.linalg.norm(mode_of_one(J)[1]) * mode_of_one(J)[0]
        ),
        lambda J, b: mode_of_one(J)[0],
        first_mode,
        lambda J, b: np.linalg.matrix_power(J, 3) @ b,
        lambda J, b: mode_of_one(J)[1] @ b,
        lambda J: J,
    ],
    "6.3": [
        0.5 * np.eye(6),
        np.eye(6, k=-1),
        CHAIN + 0.4 * np.eye(6),
        20 * np.eye(6, k=1),
        np.tril(np.ones((7, 7)), -1),
        np.ones((2, 3)),
    ],
    "7.1": [
        lambda e, J, B, a, u: J @ (a - e) + B @ u,
        lambda e, J, B, a, u: e + J @ a + B @ u,
        lambda e, J, B, a, u: a + J @ (a - e) + B @ u,
        lambda e, J, B, a, u: e + J @ (a - e),
        lambda e, J, B, a, u: e + J @ (e - a) + B @ u,
        lambda e, J, B, a, u: e + J.T @ (a - e) + B @ u,
        lambda e, J, B, a, u: J @ a + B @ u,
        lambda e, J, B, a, u: e + J * (a - e) + B @ u,
        lambda e, J, B, a, u: e + J @ (a - e) + B[:, 0] * u[0] + B[:, 1] * u[1],
        lambda e, J, B, a: e + J @ (a - e),
    ],
    "7.2": [
        0.1 / np.sqrt(2e-9),
        0.1 / np.sqrt(1e-9),
        0.1 / 2e-9,
        0.1 / 4e-9,
        np.sqrt(4e-9) / 0.1,
        np.sqrt(4e-9),
        100,
    ],
    "7.3": [8 / 27, 26 / 27, 1 / 3, 2 / 3, 71.1, 0.7201, 0.6758, 0.5, -0.7],
    "8.1": [0.9, 0.999, 1.01, -0.5, 0.9 ** (1 / 25), 1 - 0.1 / 24],
    "8.2": [
        rest,
        lambda c, b: -axis(c, b),
        lambda c, b: b / np.linalg.norm(b),
        lambda c, b: axis(c, np.arange(1.0, 1 + len(c))),
        lambda c, b: b @ c,
        lambda c, b: np.cross(c, b),
        np.ones(5),
    ],
    "8.3": [0.611, 39, 0.425, 0.354, 0.78, 1.4, 0.5],
    "9.1": [
        lambda h, u: 0.1 * (np.tanh(W3 @ h + u) - h),
        lambda h, u: np.tanh(W3 @ h + u),
        lambda h, u: h + 0.1 * np.tanh(W3 @ h + u),
        lambda h, u: h + 0.1 * (np.tanh(W3.T @ h + u) - h),
        lambda h, u: h + 0.1 * (np.tanh(W3 @ h) + u - h),
        lambda h, u: h + 0.1 * (np.tanh(W3 @ h) - h),
        lambda h, u: h + 0.1 * (np.tanh(W3 @ u + h) - h),
        lambda h, u: h + 10 * (np.tanh(W3 @ h + u) - h),
        in_place,
        lambda h, u: (h, h),
        lambda h: h,
    ],
    "9.3": [np.exp(-0.2), -0.2, 1.2, -5.0, 1 / 1.2, -1.0, 3.0, 0.5],
}
