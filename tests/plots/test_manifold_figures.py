"""Lines, rings and sheets in figures, and the class of undetermined points."""

import numpy as np
import pytest

from fpf_notebook import FixedPoints, plot_fixed_points
from fpf_notebook.plots.projection import state_axes
from fpf_notebook.plots.state_space import state_space_scene
from fpf_notebook.result import Manifold
from fpf_notebook.widgets.explorer.manifolds import manifold_records
from fpf_notebook.widgets.points import CLASS_CODES, class_codes, point_names
from tests.result.records import line, ring


def record() -> FixedPoints:
    x = np.array([[1.0, 0, 0], [0, 1, 0], [3, 3, 0], [0, 0, 0]])
    return FixedPoints(
        x,
        kind=np.full(4, "fixed"),
        stability=np.array(["marginal", "marginal", "undetermined", "stable"]),
        manifold_id=np.array([0, 0, -1, 1]),
        manifolds=(ring(3, 0), line(3, 0, 1).placed(np.array([3]))),
    )


def sheet() -> Manifold:
    x = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    edges = [[0, 1], [1, 2], [0, 2]]
    return Manifold(x, kind="fixed", dimension=2, closed=False, length=1.4, area=0.5, edges=edges)


def test_a_ring_is_a_closed_line_and_its_samples_are_dots() -> None:
    scene = state_space_scene(record(), n_dims=3)
    drawn = {lines.style: lines for lines in scene.lines}
    assert len(drawn["fixed line"].paths) == 1
    path = drawn["fixed line"].paths[0]
    np.testing.assert_allclose(path[0], path[-1])
    assert drawn["fixed line"].label == "ring of fixed points"
    assert drawn["slow line"].label == "line of slow points"
    assert [p.label for p in scene.points] == [
        "stable (1)",
        "undetermined (1)",
        "on a continuum (2)",
    ]
    assert scene.title == (
        "2 isolated fixed points: 1 stable, 1 undetermined; 1 ring of fixed points; "
        "1 line of slow points"
    )


def test_arrow_heads_point_where_the_drift_goes() -> None:
    scene = state_space_scene(record(), n_dims=3, projection=state_axes(3, (0, 1, 2)))
    heads = next(lines for lines in scene.lines if lines.style == "drift").paths
    assert len(heads) >= 4
    for head in heads:  # the line drifts to its middle, which is 0
        assert np.linalg.norm(head[1]) < np.linalg.norm(head[[0, 2]].mean(axis=0))


def test_a_sheet_is_drawn_as_its_mesh() -> None:
    found = FixedPoints(np.zeros((0, 3)), manifolds=(sheet(),))
    scene = state_space_scene(found, n_dims=3)
    (mesh,) = scene.lines
    assert (mesh.style, len(mesh.paths), mesh.label) == ("fixed sheet", 3, "sheet of fixed points")


@pytest.mark.parametrize("backend", ["matplotlib", "plotly"])
@pytest.mark.parametrize("n_dims", [1, 2, 3])
def test_both_libraries_draw_manifolds(backend: str, n_dims: int) -> None:
    figure = plot_fixed_points(record(), backend=backend, n_dims=n_dims)
    if backend == "plotly" and n_dims > 1:
        assert "ring of fixed points" in [trace.name for trace in figure.data]


def test_the_explorer_is_sent_lines_with_their_words() -> None:
    found, axes = record(), state_axes(3, (0, 1))
    closed, slow = manifold_records(found, axes, 0.1)
    assert closed["paths"].shape == (1, 13, 3)
    assert closed["drift"].shape == (0, 3, 3)
    assert (slow["kind"], slow["paths"].shape[:2]) == ("slow", (1, 7))
    assert slow["drift"].shape[1:] == (3, 3)
    assert slow["label"].startswith("line of slow points, length 3.46")
    (mesh,) = manifold_records(FixedPoints(np.zeros((0, 3)), manifolds=(sheet(),)), axes, 0.1)
    assert mesh["paths"].shape == (3, 2, 3)


def test_widgets_name_undetermined_points_and_samples() -> None:
    codes = class_codes(record())
    assert [CLASS_CODES[code] for code in codes] == [
        "on a continuum", "on a continuum", "undetermined", "stable",
    ]  # fmt: skip
    names = point_names(record())
    assert names[0].startswith("0: on a continuum · on the ring of fixed points")
    assert names[2].startswith("2: undetermined")
