"""BrainState's cells against BrainState itself."""

import brainstate
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import as_step_map
from fpf_notebook.dynamics.jacobians import linearize

N, M = 4, 3
RNG = np.random.default_rng(0)
CELLS = ["ValinaRNNCell", "GRUCell", "MGUCell", "LSTMCell", "URLSTMCell"]


def cell_of(name, seed=0, **options):
    rng = np.random.default_rng(seed)
    cell = getattr(brainstate.nn, name)(M, N, **options)
    for state in cell.states(brainstate.ParamState).values():
        state.value = jax.tree.map(
            lambda a: jnp.asarray(0.7 * rng.normal(size=a.shape), jnp.float32), state.value
        )
    return cell


def own_steps(cell, h, u):
    """Step by the cell itself, each state put where the cell keeps it."""
    cell.init_state(len(h))
    states = list(cell.states(brainstate.HiddenState).values())
    for k, state in enumerate(states):
        state.value = jnp.asarray(h[:, k * N : (k + 1) * N], jnp.result_type(float))
    cell.update(jnp.asarray(u, jnp.result_type(float)))
    return np.concatenate([state.value for state in states], axis=1)


@pytest.mark.parametrize("name", CELLS)
def test_one_step_and_jacobians(name):
    cell = cell_of(name, activation="tanh")
    step_map = as_step_map(cell)
    h, u = RNG.uniform(-1, 1, (5, step_map.n_states)), RNG.uniform(-1, 1, (5, M))
    np.testing.assert_allclose(step_map(h, u), own_steps(cell, h, u), atol=1e-6)
    with jax.enable_x64(True):
        np.testing.assert_allclose(step_map(h, u), own_steps(cell, h, u), atol=1e-12)
        size, tiny = len(h[0]), 1e-6
        ahead = own_steps(cell, h[:1] + tiny * np.eye(size), np.repeat(u[:1], size, axis=0))
        back = own_steps(cell, h[:1] - tiny * np.eye(size), np.repeat(u[:1], size, axis=0))
    jacobian, _ = linearize(step_map, h[:1], u[:1])
    np.testing.assert_allclose(jacobian[0].T, (ahead - back) / (2 * tiny), atol=1e-8)

    low, high = step_map.invariant_box(u[0])
    inside = low + RNG.choice([0.0, 0.5, 1.0], (300, len(low))) * (high - low)
    after = step_map(inside, u[:1])
    assert (after >= low - 1e-12).all()
    assert (after <= high + 1e-12).all()


def test_the_default_relu_has_no_box():
    step_map = as_step_map(cell_of("ValinaRNNCell"))
    assert step_map.invariant_box(np.zeros(M)) is None
    assert "the activation relu of this ValinaRNNCell is not bounded" in step_map.box_reason


def test_the_cell_stays_as_it_was():
    cell = cell_of("LSTMCell")
    assert not cell.states(brainstate.HiddenState)
    before = jax.tree.map(np.asarray, [s.value for s in cell.states().values()])
    as_step_map(cell)
    assert not cell.states(brainstate.HiddenState)  # not even initialized
    after = [s.value for s in cell.states().values()]
    jax.tree.map(np.testing.assert_array_equal, before, after)
    cell.init_state(7)
    cell.h.value = cell.h.value + 1
    as_step_map(cell)
    np.testing.assert_array_equal(cell.h.value, np.ones((7, N)))


def test_new_weights_compile_nothing_anew():
    first, second = (as_step_map(cell_of("GRUCell", seed)) for seed in (1, 2))
    assert first.signature == second.signature


def test_a_readout_is_kept():
    cell, linear = cell_of("GRUCell"), brainstate.nn.Linear(N, 2)
    step_map = as_step_map(cell, readout=linear)
    h, u = RNG.normal(size=(3, N)), RNG.normal(size=(3, M))
    expected = linear(jnp.asarray(step_map(h, u), jnp.float32))
    np.testing.assert_allclose(step_map.output(h, u), expected, atol=1e-6)


def test_a_module_of_several_cells():
    class Two(brainstate.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = cell_of("GRUCell", 1), brainstate.nn.GRUCell(N, 5)

        def update(self, x):
            return self.second(self.first(x))

    step_map = as_step_map(Two(), n_inputs=M)
    assert {part.name: part.shape for part in step_map.slices} == {
        "first.h": (N,),
        "second.h": (5,),
    }
    assert "proven from the step" in step_map.box_reason
    with pytest.raises(ValueError, match="does not tell the length of its input: pass n_inputs="):
        as_step_map(Two())


def test_a_module_without_state_is_refused():
    with pytest.raises(ValueError, match="Linear has no HiddenState"):
        as_step_map(brainstate.nn.Linear(3, 4))


def test_a_function_and_a_method_are_functions():
    class Own(brainstate.nn.Module):
        def step(self, h, u):
            return jnp.tanh(2 * h + u)

    h, u = RNG.normal(size=(3, N)), RNG.normal(size=(3, N))
    for function in (Own().step, brainstate.transform.jit(Own().step)):
        step_map = as_step_map(function, n_states=N, n_inputs=N, convention="state_input")
        np.testing.assert_allclose(step_map(h, u), np.tanh(2 * h + u), atol=1e-12)
