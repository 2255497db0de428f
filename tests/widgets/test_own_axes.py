"""Axes that the user names."""

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.widgets import FixedPointExplorer
from fpf_notebook.widgets.explorer.own_axes import own_axes

TRAJ = np.random.default_rng(0).normal(size=(6, 10, 4)) * [1.0, 2.0, 0.1, 5.0]


def test_they_are_made_orthogonal_in_their_order_and_filled_up():
    v, w = np.array([1.0, 1.0, 0.0, 0.0]), np.array([1.0, 0.0, 0.0, 0.0])
    made = own_axes({"choice": v, "context": w}, TRAJ)
    assert made.names == ("choice", "context", "PC 1 beside")
    np.testing.assert_allclose(made.components @ made.components.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(made.components[0], v / np.sqrt(2))
    np.testing.assert_allclose(made.components[1], [0.5**0.5, -(0.5**0.5), 0, 0], atol=1e-12)
    assert abs(made.components[2][3]) > 0.99  # the fourth unit varies most beside


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ([1.0], "axes is list, expected directions by name"),
        ({}, "axes has 0 directions, expected 1 to 3"),
        ({"a": np.ones(3)}, r"'a' has shape \(3,\), expected 4 finite numbers"),
        ({"a": np.zeros(4)}, "not all zero"),
        ({"a": np.full(4, np.nan)}, "finite"),
        ({"a": "left"}, "expected 4 finite numbers"),
        ({"a": np.ones(4), "b": -2 * np.ones(4)}, "'b' lies in the directions before it"),
        ({k: np.eye(4)[i] for i, k in enumerate("abcd")}, "axes has 4 directions"),
    ],
)
def test_what_are_no_axes_is_refused(axes, words):
    with pytest.raises((TypeError, ValueError), match=words):
        own_axes(axes, TRAJ)


def test_the_explorer_shows_them_and_offers_them():
    explorer = FixedPointExplorer(
        lambda state, input: jnp.tanh(0.5 * state), TRAJ, n_inputs=1, batched=False,
        axes={"choice": np.array([0.0, 0.0, 2.0, 0.0])}, auto=False,
    )  # fmt: skip
    assert explorer.projection == "axes"
    assert explorer.scene["state"]["labels"][0].startswith("choice")
    drawn = explorer.paths["xyz"][0, :, 0]
    np.testing.assert_allclose(drawn, TRAJ[0, :, 2] - TRAJ[..., 2].mean(), rtol=1e-5)
    explorer.projection = "units"
    explorer.projection = "axes"
    assert explorer.scene["state"]["labels"][0].startswith("choice")
    (choice,) = [
        i for group in explorer.panel for i in group["items"] if i["name"] == "fpf-projection"
    ]
    assert "axes" in choice["options"]
    explorer.close()


def test_without_any_the_projection_says_so():
    explorer = FixedPointExplorer(
        lambda state, input: jnp.tanh(0.5 * state), TRAJ, n_inputs=1, batched=False, auto=False
    )
    (choice,) = [
        i for group in explorer.panel for i in group["items"] if i["name"] == "fpf-projection"
    ]
    assert "axes" not in choice["options"]
    explorer.projection = "axes"
    assert "none were given" in explorer.status["error"]
    explorer.close()
