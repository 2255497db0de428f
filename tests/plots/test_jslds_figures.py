"""Figures of a JSLDS and of integration: what they show, by both libraries."""

from dataclasses import replace

import numpy as np
import pytest

from fpf_notebook import plot_fixed_points
from fpf_notebook.analysis.expansion_points import compare_expansion_points
from fpf_notebook.analysis.integration import analyze_integration
from fpf_notebook.analysis.line_attractor import find_line_attractor
from fpf_notebook.analysis.record_points import record_points
from fpf_notebook.dynamics import StepMap
from fpf_notebook.plots import (
    plot_approximation_error,
    plot_expansion_points,
    plot_expansion_spectrum,
    plot_integration_subspace,
    plot_line_attractor,
    plot_selection_vectors,
)
from fpf_notebook.plots.integration import (
    integration_scene,
    line_attractor_scene,
    selection_scene,
)
from fpf_notebook.plots.jslds import (
    approximation_error_scene,
    expansion_points_scene,
    expansion_spectrum_scene,
)
from fpf_notebook.result.fixed_points import FixedPoints

RNG = np.random.default_rng(0)
J = np.diag([1.0, 0.5, 0.3, 0.1])
J[0, 1:] = [0.3, 0.2, 0.4]
B = np.array([[0.5, 0.0], [0.8, 0.0], [0.0, 1.0], [0.0, 0.5]])


@pytest.fixture
def integrator():
    return StepMap(
        step=lambda p, h, u: p["J"] @ h + p["B"] @ u, params={"J": J, "B": B}, n_states=4,
        n_inputs=2,
    )  # fmt: skip


@pytest.fixture
def expansion():
    return np.linspace(-1, 1, 30).reshape(3, 10, 1) * np.eye(4)[0]


@pytest.fixture
def analysis(integrator, expansion):
    return analyze_integration(integrator, expansion, np.zeros(2), offset=0)


@pytest.fixture
def comparison(integrator):
    places = np.array([[-1.0, 0, 0, 0], [1.0, 0, 0, 0]])
    numerical = record_points(integrator, places)
    points = np.concatenate([p + 0.01 * RNG.normal(size=(20, 4)) for p in places])
    return points, numerical, compare_expansion_points(integrator, points, numerical)


@pytest.fixture(params=["matplotlib", "plotly"])
def backend(request):
    return request.param


def texts(figure, backend):
    if backend == "plotly":
        names = [trace.name for trace in figure.data if trace.name]
        return [figure.layout.title.text or "", *names]
    axes = figure.axes[0]
    legend = axes.get_legend()
    entries = [] if legend is None else [t.get_text() for t in legend.get_texts()]
    entries += [t.get_text() for box in figure.legends for t in box.get_texts()]
    return [axes.get_title(loc="left") + axes.get_title(), *entries]


def test_expansion_points_stand_among_fixed_points(comparison, backend):
    points, numerical, _ = comparison
    states = RNG.normal(size=(3, 12, 4))
    scene = expansion_points_scene(points, numerical, states, n_dims=2)
    # The last is drawn first: the cloud lies behind the points that it gathers at.
    assert [group.style == "expansion" for group in scene.points] == [False, True]
    assert scene.points[-1].positions.shape == (40, 2)
    shown = np.concatenate([group.positions for group in scene.points])
    for k, axis in enumerate(scene.axes):
        assert axis.range[0] <= shown[:, k].min()
        assert axis.range[1] >= shown[:, k].max()
    figure = plot_expansion_points(points, numerical, states, backend=backend)
    assert any("expansion points (40)" in text for text in texts(figure, backend))


def test_a_cloud_leaves_the_other_marks_as_large_as_without(comparison):
    points, numerical, _ = comparison
    many = np.tile(points, (50, 1))
    alone = plot_fixed_points(numerical, n_dims=2, figsize=(6, 6))
    among = plot_expansion_points(many, numerical, n_dims=2, figsize=(6, 6))

    def areas(figure):
        marks = figure.axes[0].collections
        return {m.get_label().split(" (")[0]: m.get_sizes()[0] for m in marks if m.get_label()}

    before, after = areas(alone), areas(among)
    cloud = after.pop("expansion points")
    assert after == before != {}
    assert cloud > max(after.values())  # it reaches out from behind them


def test_expansion_points_without_fixed_points_or_trajectories(comparison):
    points, _, _ = comparison
    scene = expansion_points_scene(points, FixedPoints(), n_dims=2)
    assert len(scene.points) == 1
    many = np.tile(points, (100, 1))
    assert len(expansion_points_scene(many, FixedPoints(), n_dims=2).points[0].positions) <= 2000
    with pytest.raises(ValueError, match="expansion_points: shape"):
        expansion_points_scene(np.zeros((0, 4)), FixedPoints())


def test_the_spectrum_shows_both_sets_of_eigenvalues(comparison, backend):
    _, _, result = comparison
    scene = expansion_spectrum_scene(result)
    numerical = scene.points[-1]
    assert numerical.positions.shape == (8, 2)
    np.testing.assert_allclose(
        np.sort(np.unique(np.round(numerical.positions[:, 0], 9))), [0.1, 0.3, 0.5, 1.0]
    )
    assert sum(len(group.positions) for group in scene.points[:-1]) == 8
    figure = plot_expansion_spectrum(result, backend=backend)
    assert any("at the numerical points" in text for text in texts(figure, backend))
    assert any("2 clusters of expansion points" in text for text in texts(figure, backend))


def test_the_error_is_drawn_over_the_steps(backend):
    h = np.ones((5, 8, 4))
    good = h + 0.01 * np.arange(1, 9)[:, None]
    scene = approximation_error_scene(h, {"JSLDS": good, "standard": 2 * h})
    first, second = (lines.paths[0] for lines in scene.lines)
    np.testing.assert_allclose(first[:, 0], np.arange(1, 9))
    np.testing.assert_allclose(first[:, 1], 0.01 * np.arange(1, 9))
    np.testing.assert_allclose(second[:, 1], 1)
    assert scene.axes[1].log
    figure = plot_approximation_error(h, {"JSLDS": good, "standard": 2 * h}, backend=backend)
    assert any("standard (mean 1)" in text for text in texts(figure, backend))
    assert len(approximation_error_scene(h, {"exact": h}).lines) == 0
    with pytest.raises(ValueError, match="'bad' has shape"):
        plot_approximation_error(h, {"bad": h[:2]})
    with pytest.raises(ValueError, match="0 given, expected 1 to"):
        plot_approximation_error(h, {})
    with pytest.raises(ValueError, match="states: shape"):
        plot_approximation_error(h[0], {"x": h[0]})


def test_states_are_drawn_in_the_plane_of_two_axes(analysis, expansion, backend):
    states = RNG.normal(size=(4, 6, 4))
    scene = integration_scene(analysis, states, values=np.arange(4.0), axes=(0, 2))
    paths = scene.lines[0].paths
    assert len(paths) == 4
    np.testing.assert_allclose(paths[1], analysis.project(states[1])[:, [0, 2]])
    assert scene.axes[0].label == "choice"
    assert scene.axes[1].label == "input 2"
    assert (scene.colour_scale.low, scene.colour_scale.high) == (0, 3)
    figure = plot_integration_subspace(
        analysis, states, values=np.arange(4.0), names=("choice", "motion", "colour"),
        backend=backend,
    )  # fmt: skip
    assert any("expansion points (30)" in text for text in texts(figure, backend))
    assert plot_integration_subspace(analysis, backend=backend) is not None
    with pytest.raises(ValueError, match=r"axes: .* given, expected two numbers below 3"):
        integration_scene(analysis, axes=(0, 3))
    with pytest.raises(ValueError, match="values: shape"):
        integration_scene(analysis, states, values=np.zeros(3))
    with pytest.raises(ValueError, match="state_traj: shape"):
        integration_scene(analysis, states[0])


def test_selection_vectors_are_lines_through_their_points(analysis, backend):
    scene = selection_scene({"motion": analysis, "colour": analysis}, max_points=9)
    assert [len(lines.paths) for lines in scene.lines] == [9, 9]
    path = scene.lines[0].paths[0]
    middle = path.mean(axis=0)
    assert np.linalg.norm(scene.points[0].positions - middle, axis=1).min() < 1e-9
    direction = path[1] - path[0]
    expected = analysis.selection[0] @ analysis.axes[:, 1:3]
    cosine = direction @ expected / np.linalg.norm(direction) / np.linalg.norm(expected)
    assert cosine == pytest.approx(1)
    figure = plot_selection_vectors({"motion": analysis}, backend=backend)
    assert any("selection vectors, motion" in text for text in texts(figure, backend))
    with pytest.raises(ValueError, match="analyses: 0 given"):
        plot_selection_vectors({})


def test_each_context_is_drawn_in_its_own_plane(analysis):
    turned = np.array(analysis.axes)
    turned[:, 1:3] = turned[:, [2, 1]]
    other = replace(analysis, axes=turned)
    scene = selection_scene({"motion": analysis, "colour": other}, names=("motion", "colour"))
    first, second = (lines.paths[0][1] - lines.paths[0][0] for lines in scene.lines)
    np.testing.assert_allclose(first, second[::-1], atol=1e-12)
    angle = analysis.selection_angle()
    assert f"({angle:.0f}° to motion)" in scene.lines[0].label
    assert f"({90 - angle:.0f}° to motion)" in scene.lines[1].label


def test_an_input_that_is_left_aside_can_still_be_read(analysis):
    # It moves the state a thousandth as far as the choice does.
    steps = np.linspace(-1, 1, 6)
    away = 1e-3 * np.sin(3 * steps)[:, None] * analysis.axes[:, 2]
    states = (steps[:, None] * analysis.axes[:, 0] + away)[None]
    scene = integration_scene(analysis, states, axes=(0, 2))
    low, high = scene.axes[1].range
    path = scene.lines[0].paths[0]
    assert np.ptp(path[:, 1]) > 0.5 * (high - low)
    assert not scene.equal_aspect


def test_eigenvalues_are_drawn_along_the_line(analysis, integrator, backend):
    line = find_line_attractor(analysis.line_points(10))
    scene = line_attractor_scene(line)
    np.testing.assert_allclose(scene.lines[1].paths[0], np.stack([line.position, np.ones(10)], 1))
    np.testing.assert_allclose(scene.lines[2].paths[0][:, 1], 0.5)
    figure = plot_line_attractor(line, backend=backend)
    assert any("Line attractor of 10 points" in text for text in texts(figure, backend))
    cloud = find_line_attractor(record_points(integrator, RNG.normal(size=(20, 4))))
    assert "no line attractor" in line_attractor_scene(cloud).title
    nothing = find_line_attractor(FixedPoints())
    assert plot_line_attractor(nothing, backend=backend) is not None


@pytest.mark.parametrize(
    "plot",
    [
        lambda c, a, b: plot_expansion_points(c[0], c[1], backend=b),
        lambda c, a, b: plot_expansion_spectrum(c[2], backend=b),
        lambda c, a, b: plot_approximation_error(np.ones((1, 2, 3)), {}, backend=b),
        lambda c, a, b: plot_integration_subspace(a, backend=b),
        lambda c, a, b: plot_selection_vectors({"one": a}, backend=b),
        lambda c, a, b: plot_line_attractor(None, backend=b),
    ],
)
def test_an_unknown_backend_is_refused_first(plot, comparison, analysis):
    with pytest.raises(ValueError, match="backend: 'bokeh' given"):
        plot(comparison, analysis, "bokeh")
