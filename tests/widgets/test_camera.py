"""The saved picture is seen from where the live one is."""

from __future__ import annotations

import time

import numpy as np
import pytest
import traitlets
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d import proj3d

from fpf_notebook.widgets.explorer.export import angles_of


def turned(seed: int) -> np.ndarray:
    rotation = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
    return rotation * np.sign(np.linalg.det(rotation))


@pytest.mark.parametrize(
    "rotation", [np.eye(3), np.diag([1.0, -1.0, -1.0]), *[turned(seed) for seed in range(20)]]
)
def test_matplotlib_draws_the_axes_where_the_view_does(rotation):
    axes = Figure().add_subplot(projection="3d")
    axes.set_proj_type("ortho")
    axes.set_box_aspect((1, 1, 1))
    axes.set(xlim=(-1, 1), ylim=(-1, 1), zlim=(-1, 1))
    elevation, azimuth, roll = angles_of(rotation.ravel())
    axes.view_init(elev=elevation, azim=azimuth, roll=roll)

    def on_screen(vector):
        return np.array(proj3d.proj_transform(*vector, axes.get_proj())[:2])

    drawn = np.array([on_screen(axis) - on_screen(np.zeros(3)) for axis in np.eye(3)])
    wanted = rotation[:2].T
    drawn *= np.linalg.norm(wanted) / np.linalg.norm(drawn)
    np.testing.assert_allclose(drawn, wanted, atol=1e-6)


def test_the_camera_of_the_view_is_that_of_the_saved_picture(explorer, monkeypatch):
    camera = {"rotation": turned(3).ravel().tolist(), "zoom": 1.5, "dim": 3}
    before = explorer._static_bundle()["image/png"]
    updates = []

    class Handle:
        def update(self, data, raw):
            updates.append(data["image/png"])

    explorer._shown = Handle()
    explorer.set_state({"camera": camera})
    end = time.monotonic() + 30
    while not updates and time.monotonic() < end:
        time.sleep(0.05)
    assert updates
    assert updates[0] != before
    (axes,) = [a for a in explorer._static_figure().axes if hasattr(a, "elev")]
    assert (axes.elev, axes.azim) == pytest.approx(angles_of(np.array(camera["rotation"]))[:2])
    assert explorer.saved_state()["camera"] == camera


@pytest.mark.parametrize(
    "camera",
    [
        {"rotation": [1, 2, 3], "zoom": 1, "dim": 3},
        {"rotation": [2.0] * 9, "zoom": 1, "dim": 3},
        {"rotation": np.eye(3).ravel().tolist(), "zoom": float("nan"), "dim": 3},
        {"rotation": np.eye(3).ravel().tolist(), "zoom": 1, "dim": 7},
        {"zoom": 1},
    ],
)
def test_a_camera_that_is_none_is_refused(explorer, camera):
    with pytest.raises(traitlets.TraitError, match="expected rotation, zoom and dim"):
        explorer.camera = camera
    assert explorer.camera == {}
