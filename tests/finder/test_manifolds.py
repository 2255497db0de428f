"""Lines, rings and sheets with known answers, in both precisions, in turned coordinates."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, FixedPoints, SilentProgress
from fpf_notebook.finder import find_manifolds

Step = Callable


def turned(f: Step, k: int, n: int, seed: int = 0, dtype: str = "float64") -> Step:
    """Apply f to k coordinates of a turned space; the others shrink by half."""
    q = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))[0] if seed else np.eye(n)
    Q = q.astype(dtype)

    def step(h, u):
        y = Q.T @ h.astype(dtype)
        return Q @ jnp.concatenate([f(y[:k]), 0.5 * y[k:]])

    return step


def ring(y):
    return y + 0.3 * y * (1 - y @ y)


def noisy_ring(size: float, lobes: int = 8) -> Step:
    def f(y):
        angle, across = jnp.arctan2(y[1], y[0]), jnp.stack([-y[1], y[0]])
        return ring(y) + size * jnp.sin(lobes * angle) * across

    return f


def found(step: Step, n: int, *, seed: int = 1, k: int | None = None, turn: int = 0, **options):
    """Search from 256 states around the first k coordinates."""
    rng = np.random.default_rng(seed)
    starts = rng.uniform(-1.5, 1.5, (256, n))
    if k is not None:
        starts[:, k:] *= 0.1
    if turn:
        starts = starts @ np.linalg.qr(np.random.default_rng(turn).normal(size=(n, n)))[0].T
    asked = {"exhaustive": options.pop("exhaustive", False), "max_rounds": 5}
    finder = FixedPointFinder(step, n_states=n, n_inputs=1, progress=SilentProgress(), **options)
    return finder.find_fixed_points(initial_states=starts, inputs=np.zeros((1, 1)), **asked)[0]


def only(points: FixedPoints):
    assert len(points.manifolds) == 1, points.manifolds
    return points.manifolds[0]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("n", "seed"), [(2, 0), (3, 1), (16, 5)])
def test_a_ring_of_fixed_points_is_one_ring(n: int, seed: int, dtype: str) -> None:
    points = found(turned(ring, 2, n, seed, dtype), n, k=2, turn=seed)
    one = only(points)
    assert (one.shape, one.kind, one.dimension, one.closed) == ("ring", "fixed", 1, True)
    assert one.length == pytest.approx(2 * np.pi, rel=1e-3)
    np.testing.assert_allclose(np.linalg.norm(one.points, axis=1), 1.0, atol=1e-5)
    steps = np.linalg.norm(np.diff(one.path, axis=0), axis=1)
    assert steps.max() < 0.5
    assert steps.sum() > 6  # in order, once round
    assert one.across.max() < 0.55
    # The repeller in the middle is a point, and the only one.
    assert points.counts()["fixed"] == 1
    assert points.completeness.n_points == 1
    assert points.completeness.manifolds == ["ring of fixed points"]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("n", "seed"), [(2, 0), (8, 3)])
def test_a_line_without_end_ends_where_nothing_was_seen(n: int, seed: int, dtype: str) -> None:
    points = found(turned(lambda y: y, 1, n, seed, dtype), n, k=1, turn=seed)
    one = only(points)
    assert (one.shape, one.kind) == ("line", "fixed")
    assert one.length == pytest.approx(3.0, rel=0.15)
    assert one.ends == ("edge of the region that was searched",) * 2
    assert points.counts()["fixed"] == 0
    assert "line of fixed points" in repr(points)


def test_the_report_of_a_line_counts_no_points_and_promises_nothing() -> None:
    points = found(turned(lambda y: y, 1, 2), 2, k=1, exhaustive=True)
    report = points.completeness
    assert (report.n_points, report.grade) == (0, "open")
    assert report.n_sampled == report.n_degenerate == len(points)
    assert "fixed points form a continuum" in report.open_because[0]
    assert "no point was found" not in " ".join(report.open_because)
    assert str(report).startswith("0 isolated points; 1 line of fixed points; cannot say")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_sixteen_points_on_a_slow_ring(dtype: str) -> None:
    points = found(turned(noisy_ring(5e-3), 2, 5, 2, dtype), 5, k=2, turn=2)
    one = only(points)
    assert (one.shape, one.kind) == ("ring", "slow")
    assert one.length == pytest.approx(2 * np.pi, rel=1e-2)
    assert one.max_speed == pytest.approx(5e-3, rel=0.05)
    assert len(one.fixed_points) == 16
    assert (one.members >= 0).all()
    on_it = points.stability[one.members]
    # Once round: stable and saddle by turns.
    assert sorted(set(on_it)) == ["saddle", "stable"]
    assert (on_it[1:] != on_it[:-1]).all()
    # They stay points, and are counted; so is the repeller in the middle.
    assert points.counts()["fixed"] == 17
    assert (points.manifold_id >= 0).sum() == 16


def test_fixed_points_on_a_slow_ring_are_entered_where_the_search_missed_them() -> None:
    few = FixedPointFinder(
        turned(noisy_ring(2e-3), 2, 3, 2), n_states=3, n_inputs=1, n_runs=0,
        progress=SilentProgress(),
    )  # fmt: skip
    starts = np.random.default_rng(0).normal(size=(3, 3))
    points, _ = few.find_fixed_points(initial_states=starts, inputs=np.zeros((1, 1)))
    if points.manifolds:
        assert points.counts()["fixed"] >= 16
        assert (only(points).members >= 0).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("n", "seed"), [(3, 0), (10, 1)])
def test_a_plane_of_fixed_points_is_one_sheet(n: int, seed: int, dtype: str) -> None:
    points = found(turned(lambda y: y, 2, n, seed, dtype), n, k=2, turn=seed)
    one = only(points)
    assert (one.shape, one.kind, one.closed) == ("sheet", "fixed", False)
    if not seed:
        assert one.area == pytest.approx(9.0, rel=0.2)  # to within a mesh at its edge
    assert len(one.edges) > 2 * len(one.points)
    assert points.counts()["fixed"] == 0


def test_a_sphere_of_fixed_points_is_a_closed_sheet() -> None:
    points = found(turned(ring, 3, 4, 3), 4, k=3, turn=3)
    one = only(points)
    assert (one.shape, one.closed) == ("closed sheet", True)
    assert one.area == pytest.approx(4 * np.pi, rel=0.05)


def test_two_lines_in_one_network_are_two() -> None:
    def f(y):  # a line at y1 = -1, another at y1 = 1, a repelling one between
        return jnp.stack([y[0], jnp.tanh(2 * y[1])])

    points = found(turned(f, 2, 3, 2), 3, k=2, turn=2)
    assert [one.name for one in points.manifolds] == ["line of fixed points"] * 3
    across = sorted(float(one.across.max()) for one in points.manifolds)
    assert across[1] < 1 < across[2]


def test_a_ring_and_points_beside_it() -> None:
    def f(y):
        return jnp.concatenate([ring(y[:2]), jnp.tanh(2 * y[2:])])

    points = found(turned(f, 3, 4, 3), 4, k=3, turn=3)
    assert sorted(one.name for one in points.manifolds) == ["ring of fixed points"] * 3
    assert points.counts()["fixed"] == 3


@pytest.mark.parametrize(
    ("f", "k"),
    [
        pytest.param(lambda y: jnp.tanh(1.5 * y), 3, id="27 points"),
        pytest.param(lambda y: jnp.tanh(1.05 * y), 1, id="just after a pitchfork"),
        pytest.param(lambda y: jnp.tanh(y), 1, id="pitchfork"),
        pytest.param(lambda y: y + y**2 + 1e-5, 1, id="ghost of a fold"),
        pytest.param(lambda y: y + y**2 + 1e-2, 1, id="ghost of a wide fold"),
        pytest.param(noisy_ring(0.1), 2, id="ring that is not slow"),
        pytest.param(lambda y: 0.97 * y, 1, id="slow point"),
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_points_are_no_line(f: Step, k: int, dtype: str) -> None:
    points = found(turned(f, k, k + 2, 4, dtype), k + 2, k=k, turn=4)
    assert points.manifolds == ()
    assert points.manifold_id is None


def test_each_input_has_its_own() -> None:
    def step(h, u):  # a line that the input moves
        return jnp.stack([h[0], 0.5 * h[1] + u[0]])

    finder = FixedPointFinder(step, n_states=2, n_inputs=1, progress=SilentProgress())
    starts = np.random.default_rng(0).uniform(-1, 1, (128, 2))
    inputs = np.repeat([[0.0], [0.2]], 64, axis=0)
    points, _ = finder.find_fixed_points(initial_states=starts, inputs=inputs)
    assert [one.inputs.tolist() for one in points.manifolds] == [[0.0], [0.2]]
    np.testing.assert_allclose(points.manifolds[1].points[:, 1], 0.4, atol=1e-9)
    assert set(points.manifold_id[points.inputs[:, 0] == 0.2]) == {1}


def test_a_flow_has_lines_too() -> None:
    def field(h, u):
        return jnp.stack([0.0 * h[0], -2.0 * h[1]])

    points = found(field, 2, time="continuous")
    one = only(points)
    assert (one.name, one.across.max()) == ("line of fixed points", -2.0)


def test_switched_off_nothing_is_looked_for() -> None:
    points = found(turned(ring, 2, 2), 2, do_find_manifolds=False)
    assert points.manifolds == ()
    assert len(points) > 20


def test_rules_of_ones_own() -> None:
    step = turned(noisy_ring(0.02), 2, 3, 2)
    points = found(step, 3, k=2, turn=2)
    assert points.manifolds == ()
    again = find_manifolds(step, points, min_time=200, near_one=0.2, gap=0.5)
    assert only(again).shape == "ring"
    assert len(again) == len(points)
    with pytest.raises(ValueError, match="gap is 0, expected a finite number above 0"):
        find_manifolds(step, points, gap=0)
    with pytest.raises(TypeError, match=r"points is \[\], expected a FixedPoints"):
        find_manifolds(step, [])
    with pytest.raises(ValueError, match=r"states has shape \(4, 2\), expected"):
        find_manifolds(step, points, np.zeros((4, 2)))
