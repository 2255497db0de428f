import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection

from fpf_notebook import FixedPoints, plot_spectrum
from fpf_notebook.plots.spectrum import spectrum_scene
from tests.plots.latches import three_latches


def test_every_eigenvalue_is_shown_with_its_class():
    fps = three_latches()
    scene = spectrum_scene(fps)
    assert scene.title == "Eigenvalues of 27 fixed points"
    assert [points.label for points in scene.points] == [
        "stable (8)",
        "saddle (18)",
        "unstable (1)",
    ]
    for points in scene.points:
        expected = fps.eigval_J_xstar[fps.stability == points.style].ravel()
        shown = points.positions[:, 0] + 1j * points.positions[:, 1]
        np.testing.assert_allclose(shown, expected)
        assert len(points.hover) == len(expected)


def test_a_map_has_the_unit_circle():
    scene = spectrum_scene(three_latches())
    (boundary,) = scene.lines
    assert boundary.label == "unit circle"
    np.testing.assert_allclose(np.linalg.norm(boundary.paths[0], axis=1), 1)
    assert scene.equal_aspect
    assert scene.axes[0].range[0] < -1
    assert scene.axes[0].range[1] > 2


def test_a_flow_has_the_imaginary_axis():
    fps = FixedPoints(
        xstar=np.zeros((1, 2)),
        eigval_J_xstar=np.array([[-0.5 + 3j, -0.5 - 3j]]),
        stability=np.array(["stable"]),
        time="continuous",
    )
    scene = spectrum_scene(fps)
    (boundary,) = scene.lines
    assert boundary.label == "imaginary axis"
    np.testing.assert_array_equal(boundary.paths[0][:, 0], 0)
    assert boundary.paths[0][:, 1].min() < -3
    assert boundary.paths[0][:, 1].max() > 3
    low, high = scene.axes[0].range
    assert low < -0.5
    assert high > 0
    assert scene.points[0].hover[0] == "point 0: stable\nλ = -0.5 + 3i"


def test_hover_tells_the_magnitude_for_a_map():
    fps = FixedPoints(
        xstar=np.zeros((1, 2)), eigval_J_xstar=np.array([[3 - 4j, 3 + 4j]]), index=np.array([1])
    )
    assert spectrum_scene(fps).points[0].hover[0] == (
        "point 0: unclassified\nλ = 3 − 4i\n|λ| = 5\nindex +1"
    )


def test_no_points_are_no_error_but_points_without_eigenvalues_are():
    scene = spectrum_scene(FixedPoints())
    assert scene.title == "No fixed points, no eigenvalues"
    assert not scene.points
    with pytest.raises(ValueError, match="do_decompose_jacobians=True"):
        plot_spectrum(FixedPoints(xstar=np.eye(3)))


def test_a_diverged_search_has_no_spectrum():
    fps = FixedPoints(xstar=np.eye(2), eigval_J_xstar=np.array([[0.5, 0.1], [np.nan, np.nan]]) + 0j)
    (points,) = spectrum_scene(fps).points
    assert len(points.positions) == 2


def test_both_libraries_draw_it():
    fps = three_latches()
    axes = plot_spectrum(fps).axes[0]
    assert axes.get_aspect() == 1
    sizes = [len(a.get_offsets()) for a in axes.collections if type(a) is PathCollection]
    assert sizes == [24, 54, 3]
    assert [type(a) for a in axes.collections].count(LineCollection) == 1

    figure = plot_spectrum(fps, backend="plotly", title="S")
    sizes = {trace.name: len(trace.x) for trace in figure.data if trace.mode == "markers"}
    assert sizes == {"stable (8)": 24, "saddle (18)": 54, "unstable (1)": 3}
    assert figure.layout.title.text == "S"
    assert figure.layout.yaxis.scaleanchor == "x"
