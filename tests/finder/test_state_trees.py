"""States given in the structure of the model, and BrainPy's words for what is asked here."""

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import FixedPointFinder
from fpf_notebook.dynamics.step_options import StepOptions
from fpf_notebook.finder.state_trees import flat_states


def step(state, u):
    return {"w": 0.5 * state["w"] + 0.1 * state["v"], "v": jnp.tanh(2 * state["v"] + u)}


V, W = np.arange(6.0).reshape(3, 2) / 5, np.full((3, 2), 9.0)


def finder(**options):
    return FixedPointFinder(step, n_inputs=1, **options)


def test_a_dictionary_is_joined_in_the_order_of_the_sizes_not_in_its_own():
    model = finder(n_states={"w": 2, "v": 2})
    expected = np.concatenate([W, V], axis=1)
    for request in (
        model.request({"v": V, "w": W}),
        model.request(initial_states={"v": V, "w": W}),
        model.request(initial_states={"w": W, "v": V}),
    ):
        np.testing.assert_array_equal(request.initial_states, expected)
    long = {"v": np.repeat(V[:, None], 4, 1), "w": np.repeat(W[:, None], 4, 1)}
    np.testing.assert_array_equal(model.request(long).state_traj[:, 1], expected)
    assert model.sample_states(long, 5).shape == (5, 4)


def test_the_points_are_those_of_the_flat_state():
    model = finder(n_states={"v": 1, "w": 1})
    unique, _ = model.find_fixed_points(
        initial_states={"w": np.zeros((9, 1)), "v": np.linspace(-1, 1, 9)[:, None]},
        inputs=np.zeros((1, 1)),
    )
    v = np.sort(unique.xstar[:, 0])
    np.testing.assert_allclose(v, [-0.9575040240772687, 0, 0.9575040240772687], atol=1e-9)
    np.testing.assert_allclose(unique.xstar[:, 1], 0.2 * unique.xstar[:, 0], atol=1e-9)


def test_matrices_and_variables_by_name():
    options = StepOptions(n_states={"a": np.zeros((2, 3)), "b": 1})
    found = flat_states("state_traj", {"b": np.ones((4, 1)), "a": np.zeros((4, 2, 3))}, options)
    assert found.shape == (4, 7)
    np.testing.assert_array_equal(found[:, 6], 1)
    named = flat_states("x", {"h": V, "c": W}, StepOptions(state_vars=["c", "h"]))
    np.testing.assert_array_equal(named, np.concatenate([W, V], axis=1))
    assert flat_states("x", V, options) is V


def test_wrong_trees_are_refused_by_name():
    model = finder(n_states={"v": 2, "w": 2})
    with pytest.raises(ValueError, match=r"a dictionary of 'v', 'x', expected .* 'v', 'w'"):
        model.request({"v": V, "x": W})
    with pytest.raises(ValueError, match=r"state_traj\['w'\] has shape \(3, 3\), expected \[2\]"):
        model.request({"v": V, "w": np.zeros((3, 3))})
    with pytest.raises(ValueError, match="expected equal leading axes"):
        model.request({"v": V, "w": np.zeros((4, 2))})


def test_without_an_order_that_of_the_dictionary_counts_from_then_on():
    model = finder()
    request = model.request({"v": V, "w": W})
    np.testing.assert_array_equal(request.initial_states, np.concatenate([V, W], axis=1))
    again = model.request({"w": W, "v": V})
    np.testing.assert_array_equal(again.initial_states, request.initial_states)
    with pytest.raises(ValueError, match="expected the arrays of the state, 'v', 'w'"):
        model.request({"v": V, "x": W})
    step_map = model.step_map(4, 1)
    assert [part.name for part in step_map.slices] == ["v", "w"]


def test_one_number_for_each_start_is_no_array_of_a_state():
    with pytest.raises(TypeError, match="nothing tells in which order") as info:
        finder().request({"v": V[:, 0], "w": W[:, 0]})
    assert "options = {'n_states'" in str(info.value)


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ({"target_vars": {"h": 0, "c": 1}}, {"state_vars": ["h", "c"]}),
        ({"f_type": "continuous"}, {"time": "continuous"}),
    ],
)
def test_options_of_brainpy_are_translated(given, options):
    with pytest.raises(TypeError, match="BrainPy's") as info:
        finder(n_states=4, **given)
    scope = {}
    line = str(info.value).splitlines()[-1]
    exec(line.strip(), scope)
    assert scope["options"] == options
    StepOptions(**options)
    with pytest.raises(TypeError, match=r"find_fixed_points\(initial_states=candidates\)"):
        finder(n_states=4, candidates={"h": V})
