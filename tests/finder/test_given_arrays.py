"""States and inputs as users have them."""

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, as_step_map
from fpf_notebook.finder.given_arrays import joined, plain_array
from fpf_notebook.finder.options import Options
from fpf_notebook.finder.request import SearchRequest

RNG = np.random.default_rng(0)
TRAJ = RNG.uniform(-1, 1, (4, 5, 2))


def test_tensors_that_require_gradients_and_half_precision():
    torch = pytest.importorskip("torch")
    given = torch.tensor(TRAJ, requires_grad=True)
    np.testing.assert_array_equal(plain_array("state_traj", given), TRAJ)
    half = torch.tensor(TRAJ).to(torch.bfloat16)
    np.testing.assert_array_equal(plain_array("state_traj", half), half.float().numpy())
    request = SearchRequest(Options(), state_traj=given)
    np.testing.assert_array_equal(request.state_traj, TRAJ)


def test_half_precision_of_jax():
    half = jnp.asarray(TRAJ, jnp.bfloat16)
    np.testing.assert_array_equal(plain_array("inputs", half), np.asarray(half.astype(jnp.float32)))


def test_the_mask_of_trajectories_is_honoured():
    masked = np.ma.masked_array(TRAJ.copy(), np.zeros(TRAJ.shape, bool))
    masked.data[1, 2, 0] = np.nan
    masked[1, 2, 0] = np.ma.masked
    masked[3] = np.ma.masked
    request = SearchRequest(Options(), state_traj=masked)
    expected = np.ones((4, 5), bool)
    expected[1, 2] = expected[3] = False
    np.testing.assert_array_equal(request.valid_bxt, expected)
    valid = np.ones((4, 5), bool)
    valid[0] = False
    both = SearchRequest(Options(), state_traj=masked, valid_bxt=valid)
    np.testing.assert_array_equal(both.valid_bxt, expected & valid)


@pytest.mark.parametrize("name", ["initial_states", "inputs"])
def test_a_mask_elsewhere_is_refused_with_the_reason(name):
    masked = np.ma.masked_array(TRAJ[:, 0], np.zeros((4, 2), bool))
    assert plain_array(name, masked).shape == (4, 2)
    masked[1, 1] = np.ma.masked
    data = {"state_traj": TRAJ, "n_inits": 4} if name == "inputs" else {}
    with pytest.raises(ValueError, match=f"{name} has masked entries"):
        SearchRequest(Options(), **data, **{name: masked})


def test_a_pair_of_states_is_joined_and_a_pair_of_trials_is_a_batch():
    h, c = TRAJ[:, 0], TRAJ[:, 1]
    np.testing.assert_array_equal(
        joined("initial_states", (h, c), 2), np.concatenate([h, c], axis=-1)
    )
    batch = (h[0], h[1])
    assert joined("initial_states", batch, 2) is batch
    with pytest.raises(ValueError, match="differ in their last axis only"):
        joined("initial_states", (h, c[:2]), 2)

    def step(u, state):
        a, b = state
        return jnp.tanh(0.5 * a), jnp.tanh(0.5 * b)

    found, _ = FixedPointFinder(step).find_fixed_points(
        initial_states=(h, c), inputs=np.zeros((1, 1))
    )
    np.testing.assert_allclose(found.xstar, np.zeros((1, 4)), atol=1e-9)


def test_a_dictionary_prints_what_to_paste():
    state_traj = {"v": TRAJ[..., :1], "w": TRAJ[..., 1:]}
    with pytest.raises(TypeError, match="dictionary of 'v', 'w'") as info:
        SearchRequest(Options(), state_traj=state_traj)
    scope = {"np": np, "state_traj": state_traj}
    exec(str(info.value).splitlines()[-1].strip(), scope)
    np.testing.assert_array_equal(scope["state_traj"], TRAJ)


def test_tensors_of_half_precision_that_require_gradients_are_data_everywhere():
    torch = pytest.importorskip("torch")
    F = as_step_map(lambda h, u: jnp.tanh(2 * h + u), n_states=2, n_inputs=2)
    h, u = torch.full((3, 2), 0.5, requires_grad=True).bfloat16(), torch.zeros(1, 2).bfloat16()
    expected = np.full((3, 2), np.tanh(1.0))
    np.testing.assert_allclose(F(h, u), expected)
    trajectory = F.trajectory(h, u.expand(3, 4, 2))
    np.testing.assert_allclose(trajectory[:, 0], expected)
    request = FixedPointFinder(F).request(h[None], u, n_inits=2)
    assert request.inputs.shape == (1, 2)
