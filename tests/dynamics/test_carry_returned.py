"""The state of before, handed out beside the next one, is not the next state."""

import brainpy as bp
import brainpy.math as bm
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import as_step_map

W = np.array([[0.5, -1.2, 0.3], [0.8, 0.2, -0.6], [-0.4, 0.9, 1.1]])
H, U = np.array([0.3, -0.7, 0.5]), np.array([0.4])
NEXT = np.tanh(W @ H + U[0])


def scan_body(carry, x):
    new = jnp.tanh(W @ carry + x[0])
    return new, carry


def input_first(x, h):
    out = jnp.tanh(W @ h + x[0])
    return out, h


@pytest.mark.parametrize("step", [scan_body, input_first])
def test_the_body_of_a_scan_that_hands_out_the_carry_of_before(step):
    step_map = as_step_map(step, n_states=3, n_inputs=1)
    np.testing.assert_allclose(step_map(H, U), NEXT, rtol=1e-12)
    with pytest.raises(AssertionError):  # the state itself, of which every state is a fixed point
        np.testing.assert_allclose(step_map(H, U), H)


def test_a_torch_module_that_returns_what_it_was_given():
    torch = pytest.importorskip("torch")

    class Cell(torch.nn.Module):
        def forward(self, x, h):
            h_next = torch.tanh(h @ torch.as_tensor(W.T, dtype=h.dtype) + x)
            return h_next, h

    step_map = as_step_map(Cell(), n_states=3, n_inputs=1)
    np.testing.assert_allclose(step_map(H, U), NEXT, atol=1e-6)


def test_a_brainpy_model_that_returns_what_it_was_given():
    class Cell(bp.DynamicalSystem):
        def update(self, x, h):
            return bm.tanh(h @ bm.asarray(W.T) + x), h

    step_map = as_step_map(Cell(), n_states=3, n_inputs=1)
    np.testing.assert_allclose(step_map(H, U), NEXT, atol=1e-6)


def test_a_state_that_stays_as_it_is_in_the_documented_place():
    step_map = as_step_map(lambda u, h: (2 * u, h), n_states=3, n_inputs=1)
    np.testing.assert_array_equal(step_map(H, U), H)


@pytest.mark.parametrize("names", ["state, rnn_state", "state, hidden_in"])
def test_two_names_that_both_claim_the_state_decide_nothing(names):
    """In reinforcement learning the state is what is observed."""
    first, second = names.split(", ")
    space = {"jnp": jnp, "W": W}
    exec(f"def policy({names}):\n    return jnp.tanh(W @ {second} + {first})", space)
    with pytest.raises(ValueError, match="either of its arguments"):
        as_step_map(space["policy"], n_states=3, n_inputs=3)


def test_a_spread_state_is_not_the_last_values_that_happen_to_fit():
    def cell(x, v, w):
        v_new = jnp.tanh(v + x[0])
        w_new = 0.5 * w + 0.1 * v
        return v_new, w_new, v_new - w_new

    with pytest.raises(ValueError, match="could begin at values 0, 1"):
        as_step_map(cell, n_states=(3, 3), n_inputs=1, convention="input_state")
