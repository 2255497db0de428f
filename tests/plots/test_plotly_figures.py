import numpy as np
import pytest

from fpf_notebook import FixedPoints, plot_fixed_points
from fpf_notebook.plots import fit_projection
from fpf_notebook.plots.plotly_backend import apply_theme
from fpf_notebook.plots.style import LINES, PAGES, POINTS
from tests.plots.latches import three_latches, trajectories


def traces(figure) -> dict:
    return {trace.name: trace for trace in figure.data}


def places(trace) -> np.ndarray:
    coordinates = [trace.x, trace.y] + ([trace.z] if trace.type == "scatter3d" else [])
    return np.column_stack(coordinates)


@pytest.mark.parametrize("n_dims", [2, 3])
def test_classes_have_their_symbols_colours_and_places(n_dims):
    fps, traj = three_latches(), trajectories()
    figure = plot_fixed_points(fps, traj, n_dims=n_dims, backend="plotly")
    projection = fit_projection(traj, fps.xstar, n_dims)
    drawn = traces(figure)
    assert {trace.type for trace in figure.data} == {"scatter3d" if n_dims == 3 else "scatter"}
    for name, symbol in (("stable", "circle"), ("saddle", "diamond"), ("unstable", "x")):
        members = fps.stability == name
        trace = drawn[f"{name} ({members.sum()})"]
        assert trace.marker.symbol == symbol
        assert trace.marker.color == POINTS[name].light
        np.testing.assert_allclose(places(trace), projection.transform(fps.xstar[members]))


def test_hollow_symbols_for_slow_points():
    fps = FixedPoints(xstar=np.eye(3), kind=np.array(["slow"] * 3))
    for n_dims in (2, 3):
        (trace,) = plot_fixed_points(fps, n_dims=n_dims, backend="plotly").data
        assert trace.marker.symbol == "circle-open"


@pytest.mark.parametrize("n_dims", [2, 3])
def test_lines_are_one_trace_with_gaps(n_dims):
    traj = trajectories(n_batch=5, n_time=7)
    figure = plot_fixed_points(three_latches(), traj, n_dims=n_dims, backend="plotly")
    lines = places(traces(figure)["trajectories (5)"])
    assert len(lines) == 5 * 7 + 4
    gaps = np.flatnonzero(np.isnan(lines).all(axis=1))
    np.testing.assert_array_equal(gaps, [7, 15, 23, 31])
    modes = places(traces(figure)["unstable modes (27)"])
    assert len(modes) == 27 * 3 - 1


def test_points_lie_above_lines_and_stable_points_on_top():
    figure = plot_fixed_points(three_latches(), trajectories(), backend="plotly")
    assert [trace.name for trace in figure.data] == [
        "trajectories (30)",
        "unstable modes (27)",
        "unstable (1)",
        "saddle (18)",
        "stable (8)",
    ]
    in_legend = sorted(figure.data, key=lambda trace: trace.legendrank)
    assert [trace.name for trace in in_legend] == [
        "stable (8)",
        "saddle (18)",
        "unstable (1)",
        "trajectories (30)",
        "unstable modes (27)",
    ]


def test_3d_axes_have_equal_scales_and_say_the_explained_variance():
    fps, traj = three_latches(), trajectories()
    scene = plot_fixed_points(fps, traj, backend="plotly").layout.scene
    axes = [scene.xaxis, scene.yaxis, scene.zaxis]
    projection = fit_projection(traj, fps.xstar)
    assert [axis.title.text for axis in axes] == [
        label.replace("<", "&lt;") for label in projection.labels
    ]
    lengths = np.array([axis.range[1] - axis.range[0] for axis in axes])
    sides = np.array([scene.aspectratio.x, scene.aspectratio.y, scene.aspectratio.z])
    assert scene.aspectmode == "manual"
    np.testing.assert_allclose(sides / sides[0], lengths / lengths[0])


def test_2d_axes_have_equal_scales():
    layout = plot_fixed_points(three_latches(), n_dims=2, backend="plotly").layout
    assert layout.yaxis.scaleanchor == "x"
    assert layout.xaxis.title.text.startswith("PC 1 (")


def test_hover_texts_belong_to_the_points():
    figure = plot_fixed_points(three_latches(), backend="plotly")
    trace = traces(figure)["unstable (1)"]
    assert trace.text == (
        "point 0: unstable<br>unstable directions: 3<br>q: 1.0e-31<br>max |λ|: 2<br>index: -1",
    )
    assert trace.hovertemplate == "%{text}<extra></extra>"


def test_text_is_not_taken_for_markup():
    figure = plot_fixed_points(three_latches(), title="a < b & c", backend="plotly")
    assert figure.layout.title.text == "a &lt; b &amp; c"


def test_a_dark_page_has_colours_of_its_own():
    figure = plot_fixed_points(three_latches(), trajectories(), backend="plotly")
    assert figure.layout.paper_bgcolor == PAGES["light"].paper
    apply_theme(figure, "dark")
    assert figure.layout.paper_bgcolor == PAGES["dark"].paper
    assert figure.layout.font.color == PAGES["dark"].ink
    assert figure.layout.scene.xaxis.gridcolor == PAGES["dark"].grid
    assert traces(figure)["stable (8)"].marker.color == POINTS["stable"].dark
    red, green, blue = (int(LINES["mode"].dark[i : i + 2], 16) for i in (1, 3, 5))
    assert traces(figure)["unstable modes (27)"].line.color == f"rgba({red},{green},{blue},1)"


@pytest.mark.parametrize("n_dims", [2, 3])
def test_colours_by_numbers_come_with_a_colour_bar_and_a_key_of_shapes(n_dims):
    figure = plot_fixed_points(
        three_latches(), n_dims=n_dims, colour_by="n_unstable", modes=False, backend="plotly"
    )
    axis = figure.layout.coloraxis
    assert (axis.cmin, axis.cmax, axis.colorbar.title.text) == (0, 3, "unstable directions")
    points = [trace for trace in figure.data if trace.marker.coloraxis]
    assert not any(trace.showlegend for trace in points)
    assert sorted(set(np.concatenate([trace.marker.color for trace in points]))) == [0, 1, 2, 3]
    keys = {trace.name: trace.marker.symbol for trace in figure.data if trace.showlegend}
    assert keys == {"stable (8)": "circle", "saddle (18)": "diamond", "unstable (1)": "x"}


def test_size_legend_and_grid():
    figure = plot_fixed_points(
        three_latches(), n_dims=2, figsize=(5, 4), legend=False, grid=False, backend="plotly"
    )
    assert (figure.layout.width, figure.layout.height) == (480, 384)
    assert not figure.layout.showlegend
    assert not figure.layout.xaxis.showgrid


@pytest.mark.parametrize("n_states", [1, 2, 3, 7])
@pytest.mark.parametrize("n_points", [0, 1, 4])
def test_every_width_and_number_of_points_can_be_drawn(n_points, n_states):
    rng = np.random.default_rng(0)
    fps = FixedPoints(xstar=rng.normal(size=(n_points, n_states)))
    for traj in (None, rng.normal(size=(3, 4, n_states))):
        figure = plot_fixed_points(fps, traj, backend="plotly")
        figure.to_json()
        kind = "scatter3d" if n_states > 2 else "scatter"
        assert {trace.type for trace in figure.data} <= {kind}


def test_the_default_template_of_the_user_is_kept():
    import plotly.io as pio

    before = pio.templates.default
    plot_fixed_points(three_latches(), backend="plotly")
    assert pio.templates.default == before
