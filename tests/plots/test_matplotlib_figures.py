import io
import sys
import warnings
from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.markers import MarkerStyle
from mpl_toolkits.mplot3d.art3d import Line3DCollection, Path3DCollection

from fpf_notebook import FixedPoints, PlotConfig, plot_fixed_points
from fpf_notebook import plot_fixed_points_2d as plot_2d
from fpf_notebook import plot_fixed_points_3d as plot_3d
from fpf_notebook.plots import fit_projection, matplotlib_backend
from fpf_notebook.plots.style import POINTS
from tests.plots.latches import three_latches, trajectories

QUIET = PlotConfig(show=False)


def scatters(figure: Figure, kind=PathCollection) -> dict:
    return {a.get_label(): a for a in figure.axes[0].collections if type(a) is kind}


def legend_texts(figure: Figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def rendered(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=40)
    return file.getvalue()


def test_2d_classes_have_their_markers_colours_and_places():
    fps, traj = three_latches(), trajectories()
    figure = plot_fixed_points(fps, traj, n_dims=2)
    projection = fit_projection(traj, fps.xstar, 2)
    drawn = scatters(figure)
    assert list(drawn) == ["stable (8)", "saddle (18)", "unstable (1)"]
    for name, marker in (("stable", "o"), ("saddle", "D"), ("unstable", "X")):
        artist = drawn[f"{name} ({np.count_nonzero(fps.stability == name)})"]
        expected = projection.transform(fps.xstar[fps.stability == name])
        np.testing.assert_allclose(artist.get_offsets(), expected)
        assert to_hex(artist.get_facecolor()[0]).upper() == POINTS[name].light
        shape = MarkerStyle(marker)
        path = shape.get_path().transformed(shape.get_transform())
        np.testing.assert_allclose(artist.get_paths()[0].vertices, path.vertices)
    assert figure.axes[0].get_aspect() == 1


def test_hollow_marks_for_slow_points():
    fps = FixedPoints(xstar=np.eye(3), kind=np.array(["slow"] * 3))
    (artist,) = scatters(plot_fixed_points(fps, n_dims=2)).values()
    assert to_hex(artist.get_facecolor()[0]) == "#ffffff"
    assert to_hex(artist.get_edgecolor()[0]).upper() == POINTS["slow"].light


def test_2d_trajectories_and_modes_are_lines():
    figure = plot_fixed_points(three_latches(), trajectories(), n_dims=2)
    drawn = {a.get_label(): a for a in figure.axes[0].collections if type(a) is LineCollection}
    assert len(drawn["trajectories (30)"].get_segments()) == 30
    assert len(drawn["unstable modes (27)"].get_segments()) == 27
    assert drawn["trajectories (30)"].get_linewidth()[0] < 1
    assert drawn["trajectories (30)"].zorder < drawn["unstable modes (27)"].zorder
    assert drawn["unstable modes (27)"].zorder < min(a.zorder for a in scatters(figure).values())


def test_3d_places_axes_and_equal_scales():
    fps, traj = three_latches(), trajectories()
    figure = plot_fixed_points(fps, traj)
    axes = figure.axes[0]
    projection = fit_projection(traj, fps.xstar, 3)
    drawn = scatters(figure, Path3DCollection)
    stable = np.column_stack(drawn["stable (8)"]._offsets3d)
    np.testing.assert_allclose(stable, projection.transform(fps.xstar[fps.is_stable]))
    labels = [axes.get_xlabel(), axes.get_ylabel(), axes.get_zlabel()]
    assert labels == list(projection.labels)
    lengths = [np.ptp(limits) for limits in (axes.get_xlim(), axes.get_ylim(), axes.get_zlim())]
    box = np.array(axes.get_box_aspect())
    np.testing.assert_allclose(box / box.max(), np.array(lengths) / max(lengths))
    assert sum(type(a) is Line3DCollection for a in axes.collections) == 2


@pytest.mark.parametrize("n_dims", [2, 3])
def test_the_legend_names_and_counts_everything_and_stands_beside_the_data(n_dims):
    figure = plot_fixed_points(three_latches(), trajectories(), n_dims=n_dims)
    assert legend_texts(figure) == [
        "stable (8)",
        "saddle (18)",
        "unstable (1)",
        "trajectories (30)",
        "unstable modes (27)",
    ]
    rendered(figure)  # the layout is made when drawing
    (legend,) = figure.legends
    assert legend.get_window_extent().y1 <= figure.axes[0].get_window_extent().y0
    assert not plot_fixed_points(three_latches(), legend=False).legends


def test_title_subtitle_size_and_grid():
    fps = SimpleNamespace(
        xstar=np.eye(3), completeness=SimpleNamespace(index_sum=1, expected_sum=1)
    )
    figure = plot_fixed_points(fps, n_dims=2, figsize=(5, 4), grid=False)
    axes = figure.axes[0]
    assert tuple(figure.get_size_inches()) == (5, 4)
    assert axes.get_title(loc="left") == "3 fixed points"
    assert [text.get_text() for text in axes.texts] == ["index sum 1 of expected 1"]
    assert not any(line.get_visible() for line in axes.get_xgridlines())
    assert plot_fixed_points(fps, title="").axes[0].get_title(loc="left") == ""


def test_colours_by_numbers_come_with_a_colour_bar():
    figure = plot_fixed_points(three_latches(), n_dims=2, colour_by="n_unstable")
    assert figure.axes[1].get_ylabel() == "unstable directions"
    unstable = scatters(figure)["unstable (1)"]
    np.testing.assert_array_equal(unstable.get_array(), [3])
    assert unstable.get_clim() == (0, 3)
    rendered(figure)


@pytest.mark.parametrize("n_states", [1, 2, 3, 7])
@pytest.mark.parametrize("n_points", [0, 1, 4])
@pytest.mark.parametrize("plot", [plot_2d, plot_3d])
def test_every_width_and_number_of_points_can_be_drawn(plot, n_points, n_states):
    rng = np.random.default_rng(0)
    fps = FixedPoints(
        xstar=rng.normal(size=(n_points, n_states)), is_stable=np.arange(n_points) % 2 == 0
    )
    figure = plot(fps, rng.normal(size=(3, 4, n_states)), QUIET)
    is_3d = plot is plot_3d and n_states > 2
    assert hasattr(figure.axes[0], "get_zlim") == is_3d
    assert len(rendered(figure)) > 1000


def test_figures_are_not_known_to_pyplot():
    before = plt.get_fignums()
    figure = plot_fixed_points(three_latches(), trajectories())
    assert isinstance(figure, Figure)
    plot_2d(three_latches(), trajectories())  # shown by default: there is nowhere to show it
    assert plt.get_fignums() == before


def test_nothing_is_printed_or_warned_of_where_there_is_no_window(capsys, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot_3d(three_latches(), trajectories(), PlotConfig(save_path=str(tmp_path / "a.png")))
    assert capsys.readouterr() == ("", "")


def test_show_waits_for_the_window_and_releases_it(monkeypatch):
    shown = []
    users = plt.figure()
    try:
        monkeypatch.setattr(matplotlib_backend, "_has_window", lambda: True)
        monkeypatch.setattr(plt, "show", lambda: shown.append(plt.get_fignums()))
        figure = plot_2d(three_latches(), trajectories())
        assert len(shown) == 1
        assert len(shown[0]) == 2  # the user's figure and ours
        assert isinstance(figure, Figure)
        assert plt.get_fignums() == [users.number]
        assert plt.gcf() is users
        plot_2d(three_latches(), trajectories(), QUIET)
        assert len(shown) == 1
    finally:
        plt.close(users)


def test_show_in_a_notebook_displays_this_figure_only(monkeypatch):
    displayed = []
    users = plt.figure()
    try:
        display = SimpleNamespace(display=displayed.append)
        monkeypatch.setitem(sys.modules, "IPython.display", display)
        monkeypatch.setattr(mpl, "get_backend", lambda: "module://matplotlib_inline.backend_inline")
        figure = plot_3d(three_latches(), trajectories())
        assert displayed == [figure]
        assert plt.get_fignums() == [users.number]
    finally:
        plt.close(users)


def test_a_notebook_shows_the_returned_figure():
    png, size = plot_fixed_points(three_latches(), figsize=(4, 3))._repr_png_()
    assert png.startswith(b"\x89PNG")
    assert size == {"width": 400, "height": 300}


def test_config_decides_labels_size_legend_and_marks():
    config = PlotConfig(
        title="Mine",
        xlabel="first",
        ylabel="second",
        figsize=(6, 5),
        show_legend=False,
        show=False,
        kwargs={"s": 77, "color": "red"},
    )
    figure = plot_2d(three_latches(), trajectories(), config)
    axes = figure.axes[0]
    assert axes.get_title(loc="left") == "Mine"
    assert axes.get_xlabel().startswith("first (")
    assert axes.get_xlabel().endswith(" %)")
    assert axes.get_ylabel().startswith("second (")
    assert tuple(figure.get_size_inches()) == (6, 5)
    assert not figure.legends
    for artist in scatters(figure).values():
        assert artist.get_sizes() == [77]
        assert to_hex(artist.get_facecolor()[0]) == "#ff0000"


def test_config_saves(tmp_path):
    path = tmp_path / "figure.png"
    small = PlotConfig(show=False, save_path=str(path), save_dpi=50, save_bbox_inches=None)
    plot_2d(three_latches(), trajectories(), small)
    height, width, _ = plt.imread(path).shape
    assert (width, height) == (500, 300)
    pdf = PlotConfig(show=False, save_path=str(tmp_path / "figure"), save_format="pdf")
    plot_3d(three_latches(), trajectories(), pdf)
    assert (tmp_path / "figure").read_bytes().startswith(b"%PDF")


def test_batches_and_start_time_are_chosen():
    fps, traj = three_latches(), trajectories()
    figure = plot_2d(fps, traj, QUIET, [3, 5], 10)
    (drawn,) = (a for a in figure.axes[0].collections if a.get_label().startswith("trajectories"))
    projection = fit_projection(traj[[3, 5], 10:], fps.xstar, 2)
    for segment, trial in zip(drawn.get_segments(), (3, 5), strict=True):
        np.testing.assert_allclose(segment, projection.transform(traj[trial, 10:]))
    default = plot_2d(fps, traj, QUIET)
    assert "trajectories (30)" in legend_texts(default)
    none = plot_2d(fps, traj, QUIET, [])
    assert not any("trajectories" in text for text in legend_texts(none))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([40],), "plot_batch_idx: 40 given, but state_traj has 40"),
        ((None, 25), "plot_start_time: 25 given, but state_traj has 25 time steps"),
    ],
)
def test_bad_batches_and_times_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        plot_2d(three_latches(), trajectories(), QUIET, *arguments)


def test_unknown_backends_are_refused():
    with pytest.raises(ValueError, match="backend: 'pencil' given, expected 'matplotlib' or"):
        plot_fixed_points(three_latches(), backend="pencil")


def test_fixed_points_plot_themselves():
    figure = three_latches().plot(trajectories(), n_dims=2)
    assert "saddle (18)" in legend_texts(figure)
