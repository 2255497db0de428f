"""Groups of expansion points, and which numerical point belongs to each."""

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.analysis.expansion_points import (
    cluster_expansion_points,
    compare_expansion_points,
)
from fpf_notebook.analysis.record_points import record_points
from fpf_notebook.dynamics import StepMap
from fpf_notebook.finder.finder import FixedPointFinder
from fpf_notebook.result.fixed_points import FixedPoints


def cube(rng, n=400, spread=0.02, width=20):
    corners = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)], float)
    basis = np.linalg.qr(rng.normal(size=(width, 3)))[0]
    which = np.arange(n) % 8
    points = corners[which] + spread * rng.normal(size=(n, 3))
    return points @ basis.T + 0.3, which, corners @ basis.T + 0.3


def test_the_corners_of_a_cube_are_eight_groups():
    points, which, corners = cube(np.random.default_rng(0))
    clusters = cluster_expansion_points(points.reshape(20, 20, 20))
    assert clusters.k == 8
    np.testing.assert_array_equal(clusters.counts, np.full(8, 50))
    assert clusters.labels.shape == (400,)
    for label in range(8):
        members = which[clusters.labels == label]
        assert len(set(members)) == 1
        np.testing.assert_allclose(clusters.centres[label], corners[members[0]], atol=0.02)
    np.testing.assert_allclose(clusters.separation, 2, atol=0.05)
    assert (clusters.spread < 0.15).all()


def test_few_points_between_groups_are_in_none():
    points, _, corners = cube(np.random.default_rng(0), n=4000)
    between = np.linspace(corners[0], corners[1], 9)[3:6]
    clusters = cluster_expansion_points(np.concatenate([points, between]))
    assert clusters.k == 8
    np.testing.assert_array_equal(clusters.labels[-3:], -1)
    assert cluster_expansion_points(np.concatenate([points, between]), min_share=0).k == 11


def test_a_curve_is_one_group_and_so_is_a_single_place():
    angle = np.linspace(0, np.pi, 500)
    curve = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    one = cluster_expansion_points(curve)
    assert one.k == 1
    assert np.isinf(one.separation[0])
    same = cluster_expansion_points(np.ones((30, 4)))
    assert same.k == 1
    assert same.spread[0] == pytest.approx(0, abs=1e-12)


def test_the_radius_decides_what_belongs_together():
    points = np.array([[0.0], [1.0], [2.0], [10.0]])
    assert cluster_expansion_points(points, radius=1.1).k == 2
    assert cluster_expansion_points(points, radius=0.9).k == 4


@pytest.mark.parametrize(
    ("points", "options", "message"),
    [
        (np.zeros(3), {}, r"points must have the shape \[..., n_states\]"),
        (np.zeros((0, 3)), {}, r"points has shape"),
        (np.full((2, 3), np.nan), {}, "points must be finite"),
        (np.zeros((2, 3)), {"radius": 0.0}, "radius is .*, expected a finite number above 0"),
        (np.zeros((2, 3)), {"min_share": 1.0}, "min_share must be from 0 to below 1"),
    ],
)
def test_what_cannot_be_grouped_is_refused(points, options, message):
    with pytest.raises(ValueError, match=message):
        cluster_expansion_points(points, **options)


@pytest.fixture
def two_units():
    """Two latches: one with stable points at ±0.957, one that nearly keeps any small value."""
    return StepMap(
        step=lambda p, h, u: jnp.tanh(p["g"] * h) + p["c"],
        params={"g": np.array([2.0, 1.0]), "c": np.array([0.0, 1e-5])},
        n_states=2, n_inputs=1,
    )  # fmt: skip


def test_each_group_is_set_against_the_nearest_numerical_point(two_units):
    finder = FixedPointFinder(two_units, final_q_threshold=1e-6)
    starts = np.stack([np.repeat([-1.0, 0.0, 1.0], 5), np.tile(np.linspace(-0.1, 0.1, 5), 3)], 1)
    found, _ = finder.find_fixed_points(initial_states=starts, inputs=np.zeros((1, 1)))
    x = np.unique(np.round(found.xstar[:, 0], 3))
    np.testing.assert_allclose(x, [-0.958, 0, 0.958], atol=1e-3)
    rng = np.random.default_rng(0)
    places = np.array([[-0.9575, 0.05], [0.9575, 0.03]])
    expansion = np.concatenate([p + 0.002 * rng.normal(size=(30, 2)) for p in places])
    result = compare_expansion_points(two_units, expansion, found)
    assert result.clusters.k == 2
    for k in range(2):
        centre = result.clusters.centres[k]
        distances = np.linalg.norm(found.xstar - centre, axis=1)
        assert result.nearest[k] == distances.argmin()
        assert result.distance[k] == pytest.approx(distances.min())
        assert result.share[k] == pytest.approx(distances.min() / 1.915, rel=0.02)
        assert abs(found.xstar[result.nearest[k], 0]) == pytest.approx(0.9575, abs=1e-3)
    np.testing.assert_array_equal(result.n_near_one, [1, 1])  # the second latch
    assert result.is_marginal.all()
    text = str(result)
    assert "2 clusters of expansion points" in text
    assert "2 are marginal" in text


def test_fixed_and_slow_points_are_told_apart(two_units):
    numerical = record_points(two_units, np.array([[-0.957504, 0.031073], [0.957504, 0.5]]))
    numerical = numerical.update(kind=np.array(["fixed", "slow"]))
    expansion = np.concatenate([np.tile(p, (10, 1)) for p in numerical.xstar])
    result = compare_expansion_points(two_units, expansion, numerical)
    order = np.argsort(result.clusters.centres[:, 0])
    np.testing.assert_array_equal(result.kind[order], ["fixed", "slow"])
    assert result.q[order][1] > 1e-4 > 1e-10 > result.q[order][0]
    np.testing.assert_allclose(result.distance, 0, atol=1e-9)
    assert "next to 1 of them is a fixed point, next to 1 a slow one" in str(result)
    # At 0.5 the second latch has a slope of 1 - tanh²(0.5) = 0.79: not marginal there.
    np.testing.assert_array_equal(result.is_marginal[order], [True, False])


def test_points_without_jacobians_are_linearized(two_units):
    bare = FixedPoints(xstar=np.array([[0.957504, 0.031073]]), inputs=np.zeros((1, 1)))
    result = compare_expansion_points(two_units, np.tile(bare.xstar, (5, 1)), bare)
    assert np.abs(result.eigenvalues[0]).max() == pytest.approx(1 - np.tanh(0.031073) ** 2)


def test_nothing_to_compare_with_is_refused(two_units):
    with pytest.raises(ValueError, match="fixed_points is empty; search with include_slow=True"):
        compare_expansion_points(two_units, np.zeros((3, 2)), FixedPoints())
    one = record_points(two_units, np.zeros((1, 2)))
    with pytest.raises(ValueError, match="expansion_points have the width 3, expected n_states=2"):
        compare_expansion_points(two_units, np.zeros((3, 3)), one)


def test_given_points_stay_where_they_are_and_are_linearized(two_units):
    x = np.array([[0.957504, 0.031073], [0.3, 0.2], [0.0, 0.0]])
    record = record_points(two_units, x)
    np.testing.assert_array_equal(record.xstar, x)
    F = np.tanh(np.array([2.0, 1.0]) * x) + np.array([0.0, 1e-5])
    np.testing.assert_allclose(record.qstar, 0.5 * ((F - x) ** 2).sum(axis=1), atol=1e-15)
    slopes = np.array([2.0, 1.0]) * (1 - np.tanh(np.array([2.0, 1.0]) * x) ** 2)
    np.testing.assert_allclose(record.J_xstar, [np.diag(s) for s in slopes], atol=1e-12)
    np.testing.assert_array_equal(record.kind, ["fixed", "unconverged", "slow"])
    with pytest.raises(ValueError, match=r"points must have the shape \[n, n_states=2\]"):
        record_points(two_units, np.zeros((3, 3)))
    with pytest.raises(ValueError, match=r"inputs must have the shape \[3 or 1, n_inputs=1\]"):
        record_points(two_units, x, np.zeros((2, 1)))
    with pytest.raises(ValueError, match="points must be finite"):
        record_points(two_units, np.full((1, 2), np.inf))
