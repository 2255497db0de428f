"""The inspector without a browser."""

from __future__ import annotations

import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, FixedPoints
from fpf_notebook.widgets import JacobianInspector
from fpf_notebook.widgets.inspector.scene import unit_order
from tests.widgets.conftest import three_latches


def test_follows_the_explorer(explorer):
    inspector = JacobianInspector(explorer).wait(60)
    assert inspector.picture.group == explorer.picture.group
    explorer.selected = 10
    inspector.wait(60)
    detail = inspector.picture.scene["details"]["10"]
    assert detail["jacobian"].shape == (3, 3)
    assert np.allclose(sorted(detail["singular"]), sorted(np.linalg.svd(
        explorer.fixed_points.J_xstar[10], compute_uv=False)))  # fmt: skip
    inspector.selected = 4
    assert explorer.selected == 4
    explorer.input = (0.3, 0, 0)
    explorer.wait(60)
    inspector.wait(60)
    assert len(inspector.fixed_points) == len(explorer.fixed_points)
    inspector.close()


def test_of_a_model_at_a_point():
    inspector = JacobianInspector(three_latches, point=np.zeros(3), inputs=np.zeros(3)).wait(60)
    scene = inspector.picture.scene
    assert np.allclose(scene["eigenvalues"][0], [[1.6, 0]] * 3)
    assert "unit circle" in scene["criterion"]
    response = scene["details"]["0"]["response"]
    assert response["linear"][1] == pytest.approx(0.05 * 1.6)
    assert response["nonlinear"][-1] == pytest.approx(0.8788, abs=0.02)  # the attractor
    assert 0 < response["part"] < 20
    inspector.amplitude = 1e-6
    inspector.wait(60)
    later = inspector.picture.scene["details"]["0"]["response"]["part"]
    assert later > response["part"]
    inspector.close()


def test_of_fixed_points(states):
    unique, _ = FixedPointFinder(three_latches).find_fixed_points(
        states, np.zeros((1, 3)), n_inits=256, noise_scale=0.3
    )
    inspector = JacobianInspector(unique, compare=[1, 2]).wait(60)
    scene = inspector.picture.scene
    assert scene["compare"] == [1, 2]
    assert scene["details"]["0"]["response"] is None  # no network was given
    data, _ = inspector._repr_mimebundle_()
    assert "image/png" in data
    inspector.close()


def test_flow_has_the_other_criterion():
    J = np.array([[[-1.0, 2.0], [-2.0, -1.0]]])
    points = FixedPoints(np.zeros((1, 2)), J_xstar=J, time="continuous", dt=0.1)
    inspector = JacobianInspector(points).wait(60)
    assert "imaginary axis" in inspector.picture.scene["criterion"]
    first, second = inspector.picture.scene["details"]["0"]["modes"]
    assert "decays" in first["label"]
    # The modes of a complex pair show the two parts of their vector, which span its plane.
    assert "real part shown" in first["facts"]
    assert "imaginary part shown" in second["facts"]
    assert abs(np.linalg.det([first["right"], second["right"]])) > 0.1
    inspector.close()


def test_bad_sources():
    with pytest.raises(ValueError, match="no Jacobians"):
        JacobianInspector(FixedPoints(np.zeros((1, 2))))
    with pytest.raises(TypeError, match="point="):
        JacobianInspector(three_latches)
    with pytest.raises(TypeError, match="Did you mean 'amplitude'"):
        JacobianInspector(FixedPoints(), amplitud=1)


def test_order_of_units_is_a_permutation(explorer):
    for order in ("clustering", "participation", "unit number"):
        assert sorted(unit_order(explorer.fixed_points, 5, order)) == [0, 1, 2]
    with pytest.raises(ValueError, match="order is 'size'"):
        unit_order(explorer.fixed_points, 5, "size")
