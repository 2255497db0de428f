"""What the scene of fixed points among trajectories holds, whatever draws it."""

from types import SimpleNamespace

import numpy as np
import pytest

from fpf_notebook import FixedPoints
from fpf_notebook.plots.projection import fit_projection, state_axes
from fpf_notebook.plots.state_space import state_space_scene
from tests.plots.latches import Q, X, three_latches, trajectories


def groups(scene) -> dict:
    return {points.style: points for points in scene.points}


def lines(scene) -> dict:
    return {group.style: group for group in scene.lines}


@pytest.mark.parametrize("n_dims", [2, 3])
def test_points_are_grouped_by_class_where_the_projection_puts_them(n_dims):
    fps, traj = three_latches(), trajectories()
    scene = state_space_scene(fps, traj, n_dims=n_dims)
    assert scene.n_dims == n_dims
    assert [points.label for points in scene.points] == [
        "stable (8)",
        "saddle (18)",
        "unstable (1)",
    ]
    assert scene.title == "27 fixed points: 8 stable, 18 saddles, 1 unstable"
    projection = fit_projection(traj, fps.xstar, n_dims)
    for name, points in groups(scene).items():
        expected = projection.transform(fps.xstar[fps.stability == name])
        np.testing.assert_allclose(points.positions, expected, atol=1e-12)
    assert [axis.label for axis in scene.axes] == list(projection.labels)
    assert all("%" in axis.label for axis in scene.axes)


def test_trajectories_are_drawn_up_to_a_number_and_all_decide_the_components():
    fps, traj = three_latches(), trajectories(n_batch=40)
    scene = state_space_scene(fps, traj)
    drawn = lines(scene)["trajectory"]
    assert len(drawn.paths) == 30
    assert drawn.label == "trajectories (30)"
    projection = fit_projection(traj, fps.xstar, 3)
    np.testing.assert_allclose(drawn.paths[7], projection.transform(traj[7]), atol=1e-12)
    assert "trajectory" not in lines(state_space_scene(fps, traj, max_trajectories=0))


def test_every_mark_lies_within_the_axes():
    scene = state_space_scene(three_latches(), trajectories())
    everything = [points.positions for points in scene.points]
    everything += [path for group in scene.lines for path in group.paths]
    for k, axis in enumerate(scene.axes):
        values = np.concatenate([cloud[:, k] for cloud in everything])
        assert axis.range[0] < values.min()
        assert values.max() < axis.range[1]


def test_modes_run_along_the_unstable_eigenvectors_through_their_points():
    fps = three_latches()
    projection = state_axes(3, (0, 1, 2))  # the lines as they are, not foreshortened
    scene = state_space_scene(fps, projection=projection)
    modes = lines(scene)["mode"]
    assert len(modes.paths) == fps.n_unstable.sum() == 27
    assert modes.label == "unstable modes (27)"
    lengths = set()
    for start, end in modes.paths:
        centre = (start + end) / 2
        assert np.min(np.linalg.norm(fps.xstar - centre, axis=1)) < 1e-12
        direction = (end - start) / np.linalg.norm(end - start)
        assert np.max(np.abs(Q.T @ direction)) == pytest.approx(1)
        lengths.add(round(float(np.linalg.norm(end - start)), 9))
    assert len(lengths) == 1  # all of these eigenvalues are 2
    assert "mode" not in lines(state_space_scene(fps, modes=False))


@pytest.mark.parametrize(("time", "slow", "fast"), [("discrete", 1.5, 3.0), ("continuous", 0.5, 2)])
def test_modes_are_longer_for_larger_eigenvalues(time, slow, fast):
    fps = FixedPoints(
        xstar=np.array([[0.0, 0.0], [5.0, 0.0]]),
        eigval_J_xstar=np.array([[slow, -0.5], [fast, -0.5]], complex),
        eigvec_J_xstar=np.stack([np.eye(2)] * 2).astype(complex),
        time=time,
    )
    short, long = lines(state_space_scene(fps))["mode"].paths
    ratio = np.linalg.norm(long[1] - long[0]) / np.linalg.norm(short[1] - short[0])
    assert ratio == pytest.approx(2.0 if time == "discrete" else 2 / 1.25)


def test_an_oscillating_pair_gives_two_orthogonal_lines_whatever_its_phase():
    angle = 0.4
    J = 1.2 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    J = np.diag([1.0, 2.0]) @ J @ np.diag([1.0, 0.5])  # an ellipse with axes 1 and 2
    eigenvalues, vectors = np.linalg.eig(J)

    def drawn(phase):
        fps = FixedPoints(
            xstar=np.zeros((1, 2)),
            eigval_J_xstar=eigenvalues[None],
            eigvec_J_xstar=(vectors * np.exp(1j * phase))[None],
        )
        scene = state_space_scene(fps, projection=state_axes(2, (0, 1)))
        assert lines(scene)["oscillating mode"].label == "oscillating unstable modes (1)"
        return np.array([end - start for start, end in lines(scene)["oscillating mode"].paths])

    major, minor = drawn(0.0)
    assert abs(major @ minor) < 1e-9
    assert np.linalg.norm(major) / np.linalg.norm(minor) == pytest.approx(2)
    np.testing.assert_allclose(np.abs(drawn(1.1)), np.abs([major, minor]), atol=1e-9)


def test_marginal_modes_and_unconverged_points_have_no_lines():
    fps = FixedPoints(
        xstar=np.array([[0.0, 0.0], [1.0, 0.0]]),
        eigval_J_xstar=np.array([[1 + 1e-9, 0.5], [2.0, 0.5]], complex),
        eigvec_J_xstar=np.stack([np.eye(2)] * 2).astype(complex),
        kind=np.array(["fixed", "unconverged"]),
    )
    assert lines(state_space_scene(fps)) == {}


def test_a_record_of_only_points_and_is_stable():
    fps = three_latches()
    scene = state_space_scene(SimpleNamespace(xstar=fps.xstar, is_stable=fps.is_stable))
    assert [points.label for points in scene.points] == ["stable (8)", "not stable (19)"]
    assert scene.title == "27 fixed points: 8 stable, 19 not stable"
    bare = state_space_scene(FixedPoints(xstar=fps.xstar))
    assert [points.label for points in bare.points] == ["unclassified (27)"]
    assert bare.title == "27 fixed points"


def test_slow_unconverged_marginal_and_unknown_points_have_classes_of_their_own():
    fps = FixedPoints(
        xstar=np.eye(6),
        kind=np.array(["slow", "unconverged", "fixed", "fixed", "fixed", "slow"]),
        stability=np.array(["stable", "stable", "marginal", "unknown", "saddle", "saddle"]),
        is_stable=np.array([True, True, False, False, False, False]),
    )
    scene = state_space_scene(fps)
    assert [points.label for points in scene.points] == [
        "saddle (1)",
        "marginal (1)",
        "slow (2)",
        "unconverged (1)",
        "unclassified (1)",
    ]
    assert scene.title == "3 fixed points: 1 saddle, 1 marginal; 2 slow; 1 unconverged"


def test_the_index_sum_stands_below_the_title():
    completeness = SimpleNamespace(index_sum=1, expected_sum=1)
    fps = SimpleNamespace(xstar=np.eye(3), completeness=completeness)
    assert state_space_scene(fps).subtitle == "index sum 1 of expected 1"
    assert state_space_scene(fps, title="").subtitle == ""
    completeness.expected_sum = None
    assert state_space_scene(fps).subtitle == "index sum 1, expected sum unknown"


def test_hover_says_what_a_reader_asks_first():
    scene = state_space_scene(three_latches())
    (text,) = groups(scene)["unstable"].hover
    assert text == "point 0: unstable\nunstable directions: 3\nq: 1.0e-31\nmax |λ|: 2\nindex: -1"


def test_one_dimension_with_trajectories_is_drawn_over_time():
    traj = np.linspace(0.1, 0.9, 20).reshape(2, 10, 1)
    fps = FixedPoints(xstar=np.array([[0.0], [X]]), stability=np.array(["unstable", "stable"]))
    for n_dims in (None, 2, 3):
        scene = state_space_scene(fps, traj, n_dims=n_dims)
        assert [axis.label for axis in scene.axes] == ["time step", "h"]
        np.testing.assert_allclose(
            lines(scene)["trajectory"].paths[1], np.column_stack([np.arange(10), traj[1, :, 0]])
        )
        ((time, state),) = groups(scene)["stable"].positions
        assert state == X
        assert time > 9  # behind the last step
        assert {path[0, 1] for path in lines(scene)["level"].paths} == {0.0, X}


def test_one_dimension_without_trajectories_is_a_line():
    fps = FixedPoints(xstar=np.array([[-X], [0.0], [X]]), is_stable=np.array([True, False, True]))
    scene = state_space_scene(fps)
    np.testing.assert_allclose(groups(scene)["stable"].positions, [[-X, 0], [X, 0]])
    assert [axis.visible for axis in scene.axes] == [True, False]


def test_two_dimensions_are_drawn_in_two():
    scene = state_space_scene(FixedPoints(xstar=np.eye(2)), trajectories()[:, :, :2])
    assert scene.n_dims == 2
    assert state_space_scene(FixedPoints(xstar=np.eye(2)), n_dims=3).n_dims == 2


@pytest.mark.parametrize("n_dims", [1, 2, 3, None])
@pytest.mark.parametrize("traj", [None, trajectories(4, 5)], ids=["alone", "trajectories"])
@pytest.mark.parametrize(
    "fps",
    [FixedPoints(), FixedPoints(xstar=np.zeros((0, 3))), FixedPoints(xstar=np.ones((1, 3)))],
    ids=["empty", "none", "one"],
)
def test_no_points_and_one_point(fps, traj, n_dims):
    scene = state_space_scene(fps, traj, n_dims=n_dims)
    assert scene.title == ("1 fixed point" if fps.n else "No fixed points")
    assert sum(len(points.positions) for points in scene.points) == fps.n
    for axis in scene.axes:
        assert axis.range[1] > axis.range[0]


def test_colours_by_a_field_or_by_numbers_keep_the_shapes():
    fps = three_latches()
    scene = state_space_scene(fps, colour_by="n_unstable")
    assert (scene.colour_scale.low, scene.colour_scale.high) == (0, 3)
    assert scene.colour_scale.integer
    assert set(groups(scene)) == {"stable", "saddle", "unstable"}
    np.testing.assert_array_equal(groups(scene)["unstable"].values, [3])
    scene = state_space_scene(fps, colour_by="qstar")
    np.testing.assert_allclose(groups(scene)["stable"].values, -31)
    scene = state_space_scene(fps, colour_by=np.arange(27.0))
    np.testing.assert_array_equal(groups(scene)["unstable"].values, [0.0])


def test_a_projection_can_be_shared():
    projection = fit_projection(trajectories(), np.zeros((0, 3)), 2)
    fps = three_latches()
    some = state_space_scene(fps[fps.is_stable], projection=projection)
    np.testing.assert_array_equal(
        groups(some)["stable"].positions, projection.transform(fps.xstar[fps.is_stable])
    )


NAN = np.full((1, 4, 3), np.nan)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"fixed_points": 3}, TypeError, "int given, expected FixedPoints"),
        (
            {"fixed_points": (FixedPoints(), FixedPoints())},
            TypeError,
            "plot the first, unique_fps",
        ),
        ({"fixed_points": SimpleNamespace(xstar=np.zeros(3))}, ValueError, r"shape \(3,\) given"),
        (
            {"fixed_points": SimpleNamespace(xstar=np.array([[0.0], [np.nan]]))},
            ValueError,
            r"1 of 2 points are NaN or infinite. .* fps\[np.isfinite",
        ),
        (
            {"fixed_points": SimpleNamespace(xstar=np.eye(3), is_stable=np.ones(2))},
            ValueError,
            r"is_stable: shape \(2,\) given, expected one entry for each of the 3",
        ),
        ({"state_traj": np.zeros((4, 3))}, ValueError, r"shape \(4, 3\) given, expected \[n_batch"),
        ({"state_traj": np.zeros((2, 4, 5))}, ValueError, "5 states given .* fixed points have 3"),
        ({"state_traj": NAN}, ValueError, "NaN or infinity in 1 of 1 trajectories"),
        ({"state_traj": np.full((1, 1, 3), "a")}, TypeError, "expected real numbers"),
        ({"n_dims": 4}, ValueError, "n_dims: 4 given"),
        ({"n_dims": 2, "projection": state_axes(3, (0, 1, 2))}, ValueError, "projection has 3"),
        ({"projection": state_axes(4, (0, 1))}, ValueError, "made for 4 states"),
        ({"max_trajectories": -1}, ValueError, "max_trajectories: -1 given"),
        ({"colour_by": "beauty"}, ValueError, "'beauty' given, expected one of stability, n_"),
        ({"colour_by": "hits"}, ValueError, "the record has no hits"),
        ({"colour_by": np.zeros(4)}, ValueError, r"shape \(4,\) given, expected one number"),
    ],
)
def test_bad_input_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        state_space_scene(**{"fixed_points": three_latches(), **arguments})
