"""What cannot be read as it is says why, and the code that it prints runs and mends it."""

import textwrap

import brainpy as bp
import brainpy.math as bm
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import as_step_map

SIZES = {"n_states": 2, "n_inputs": 1}


def pasted(message: str, model):
    """Run the lines of code in a message; return the model and the options to use then."""
    lines = [line for line in message.splitlines() if line.startswith("    ")]
    assert lines, message
    scope = {"model": model, "np": np, "jnp": jnp, "bm": bm, "options": {}}
    exec(textwrap.dedent("\n".join(lines)), scope)
    return scope.get("step", scope["model"]), scope["options"]


def mend(model, options, match, **more):
    """Refuse, paste what the message says, and return the step map and the message."""
    with pytest.raises(ValueError, match=match) as info:
        as_step_map(model, **options)
    model, added = pasted(str(info.value), model)
    return as_step_map(model, **options, **added, **more)


def numpy_step(h, u):
    return np.tanh(np.array([[0.5, 0.1], [0.0, 0.5]]) @ h + u)


def test_numpy_inside():
    numpy = np
    try:
        step_map = mend(numpy_step, SIZES, "computes with NumPy.*use jax.numpy")
    finally:
        numpy_step.__globals__["np"] = numpy
    h, u = np.array([0.3, -0.2]), np.array([0.1])
    np.testing.assert_allclose(step_map(h, u), numpy_step(h, u), rtol=1e-12)


class NoisyModel(bp.DynamicalSystem):
    def __init__(self):
        super().__init__()
        self.noise_std, self.h = 0.1, bm.Variable(bm.zeros(2))

    def update(self, x):
        noise = self.noise_std * bm.random.randn(2)
        self.h.value = 0.9 * self.h.value + 0.1 * jnp.tanh(2 * self.h.value + x) + noise


def test_noise_of_a_brainpy_model():
    step_map = mend(NoisyModel(), {"n_inputs": 2}, "draws random numbers.*noise_std may be")
    h = np.array([0.3, -0.2])
    np.testing.assert_allclose(step_map(h, np.zeros(2)), 0.9 * h + 0.1 * np.tanh(2 * h), rtol=1e-6)


def test_which_argument_is_the_state():
    def step(a, b):
        return jnp.tanh(2 * a + b)

    step_map = mend(step, {"n_states": 2, "n_inputs": 2}, "either of its arguments")
    np.testing.assert_allclose(step_map(np.ones(2), np.zeros(2)), np.tanh([2.0, 2.0]))


def test_which_value_is_the_state():
    step_map = mend(
        lambda h, u: (jnp.tanh(2 * h), jnp.sin(h) + u, jnp.cos(h)),
        SIZES,
        "value 0 and value 1 and value 2 could be the next state",
    )
    np.testing.assert_allclose(step_map(np.ones(2), np.zeros(1)), np.tanh([2.0, 2.0]))


def test_a_result_of_another_kind():
    class Result:
        def __init__(self, h):
            self.h = h

    with pytest.raises(ValueError, match="returned Result, expected one array") as info:
        as_step_map(lambda u, h: Result(h), **SIZES)
    model, _ = pasted(str(info.value), lambda u, h: (None, jnp.tanh(h) + u))
    assert as_step_map(model, **SIZES).n_states == 2


def test_noise_of_a_module():
    torch = pytest.importorskip("torch")

    class Noisy(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.sigma_rec = 0.05

        def forward(self, x, h):
            return torch.tanh(2 * h + x) + self.sigma_rec * torch.randn_like(h)

    step_map = mend(Noisy(), SIZES, "sigma_rec may be what to set")
    np.testing.assert_allclose(step_map(np.ones(2), np.zeros(1)), np.tanh([2.0, 2.0]), rtol=1e-12)


def test_a_module_that_begins_with_a_state_of_its_own():
    torch = pytest.importorskip("torch")

    class Sequence(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Parameter(2 * torch.eye(2))

        def recurrence(self, x, h):
            return torch.tanh(h @ self.w + x)

        def forward(self, inputs):
            h = torch.zeros(inputs.shape[0], 2)
            for t in range(inputs.shape[1]):
                h = self.recurrence(inputs[:, t], h)
            return h

    step_map = mend(Sequence(), SIZES, "takes no state.*recurrence may be the step")
    np.testing.assert_allclose(step_map(np.ones(2), np.zeros(1)), np.tanh([2.0, 2.0]), rtol=1e-12)


def test_which_argument_of_a_module_is_the_state():
    torch = pytest.importorskip("torch")

    class Unnamed(torch.nn.Module):
        def forward(self, a, b):
            return torch.tanh(2 * a + b)

    step_map = mend(Unnamed(), {"n_states": 2, "n_inputs": 2}, "either of its arguments")
    np.testing.assert_allclose(step_map(np.ones(2), np.zeros(2)), np.tanh([2.0, 2.0]))


def test_what_was_read_is_told():
    reading = as_step_map(lambda h, u: jnp.tanh(2 * h + u), **SIZES).reading
    assert "state_input" in str(reading)
    assert "a JAX function" in str(reading)
    assert "<lambda>(state[2], input[1])" in str(reading)
