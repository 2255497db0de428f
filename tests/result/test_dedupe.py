import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fpf_notebook.result import dedupe
from fpf_notebook.result.dedupe import unique_indices

# Coordinates on a grid make ties and distances of exactly `tol` frequent.
coordinates = st.integers(-4, 4).map(float)


@st.composite
def candidates(draw):
    n = draw(st.integers(0, 40))
    points = draw(arrays(float, (n, draw(st.integers(1, 6))), elements=coordinates))
    q = draw(arrays(float, n, elements=st.sampled_from([0.0, 1.0, 2.0, np.nan])))
    return points, q, draw(st.sampled_from([0.0, 1.0, 1.5, 3.0]))


def by_definition(points, q, tol):
    """The greedy cover, one representative after the other."""
    q = np.where(np.isnan(q), np.inf, q)
    labels, representatives = np.full(len(points), -1), []
    for i in np.lexsort((*points.T[::-1], q)):
        if labels[i] < 0:
            near = np.linalg.norm(points - points[i], axis=1) <= tol
            labels[near & (labels < 0)] = len(representatives)
            representatives.append(i)
    return np.array(representatives, dtype=int), labels


@given(candidates())
@settings(max_examples=100, deadline=None)
def test_result_is_the_greedy_cover_by_definition(case) -> None:
    points, q, tol = case
    representatives, labels = unique_indices(points, q, tol)
    expected, expected_labels = by_definition(points, q, tol)
    np.testing.assert_array_equal(points[representatives], points[expected])
    np.testing.assert_array_equal(labels, expected_labels)


def test_a_tolerance_above_one_is_no_other(monkeypatch) -> None:
    monkeypatch.setattr(dedupe, "_FEW_POINTS", 10)  # so that the tree is asked
    points = np.arange(400, dtype=float)[:, None] * 1.25
    q = np.arange(400.0)
    representatives, labels = unique_indices(points, q, 3.0)
    expected, expected_labels = by_definition(points, q, 3.0)
    np.testing.assert_array_equal(representatives, expected)
    np.testing.assert_array_equal(labels, expected_labels)


@given(candidates(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_order_of_the_points_does_not_matter(case, random) -> None:
    points, q, tol = case
    order = np.array(random.sample(range(len(points)), len(points)), dtype=int)
    representatives, labels = unique_indices(points, q, tol)
    shuffled, shuffled_labels = unique_indices(points[order], q[order], tol)
    np.testing.assert_array_equal(points[representatives], points[order][shuffled])
    np.testing.assert_array_equal(labels[order], shuffled_labels)


@given(candidates())
@settings(max_examples=60, deadline=None)
def test_representatives_are_apart_and_the_others_near_their_own(case) -> None:
    points, q, tol = case
    representatives, labels = unique_indices(points, q, tol)
    chosen = points[representatives]
    distances = np.linalg.norm(chosen[:, None] - chosen[None], axis=2)
    assert (distances[~np.eye(len(chosen), dtype=bool)] > tol).all()
    assert (np.linalg.norm(points - chosen[labels], axis=1) <= tol).all() if len(points) else True
    np.testing.assert_array_equal(labels[representatives], np.arange(len(chosen)))
    # The best point of all is never merged into another.
    if len(points):
        assert (
            np.nan_to_num(q, nan=np.inf)[representatives[0]] == np.nan_to_num(q, nan=np.inf).min()
        )


@pytest.mark.parametrize("spread", [1e-4, 3e-3, 1e-2, 3e-2, 0.3])
@pytest.mark.parametrize("dimensions", [2, 8, 64])
@pytest.mark.parametrize("way", ["tree", "products"])
def test_tree_and_products_agree_with_the_definition(dimensions, spread, way, monkeypatch) -> None:
    monkeypatch.setattr(dedupe, "_is_cloud", lambda *_: way == "products")
    monkeypatch.setattr(dedupe, "_FEW_POINTS", 8)
    monkeypatch.setattr(dedupe, "_LARGEST_BLOCK", 1000)  # several blocks
    rng = np.random.default_rng(0)
    points = rng.normal(size=(5, dimensions))[rng.integers(0, 5, 400)]
    points = points + spread * rng.normal(size=points.shape)
    q = rng.random(400)
    representatives, labels = unique_indices(points, q, 0.1)
    expected, expected_labels = by_definition(points, q, 0.1)
    np.testing.assert_array_equal(representatives, expected)
    np.testing.assert_array_equal(labels, expected_labels)


def test_products_are_exact_where_cancellation_would_matter(monkeypatch) -> None:
    monkeypatch.setattr(dedupe, "_is_cloud", lambda *_: True)
    # Far apart in the first coordinate without a gap, close in the others: tol^2 is far below the
    # rounding error of the squared lengths.
    n, tol = 2000, 1e-7
    points = np.zeros((n, 6))
    points[:, 0] = 1e3 + np.arange(n) * 0.9 * tol
    representatives, _ = unique_indices(points, np.arange(n), tol)
    expected, _ = by_definition(points, np.arange(n), tol)
    np.testing.assert_array_equal(representatives, expected)


def test_chain_is_not_merged_into_one() -> None:
    points = np.arange(10.0)[:, None]
    representatives, labels = unique_indices(points, np.arange(10), 1.0)
    assert representatives.tolist() == [0, 2, 4, 6, 8]
    assert labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_best_of_a_cluster_represents_it_and_the_best_cluster_comes_first() -> None:
    points = np.array([[0.0], [0.1], [5.0], [5.1]])
    representatives, labels = unique_indices(points, np.array([3.0, 2.0, 4.0, 1.0]), 0.5)
    assert representatives.tolist() == [3, 1]
    assert labels.tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_points_that_are_not_finite_are_labelled_minus_one(bad) -> None:
    points = np.array([[0.0, bad], [1.0, 1.0], [1.0, 1.0]])
    representatives, labels = unique_indices(points, np.array([0.0, 2.0, 1.0]), 0.1)
    assert representatives.tolist() == [2]
    assert labels.tolist() == [-1, 0, 0]
    representatives, labels = unique_indices(points[:1], np.zeros(1), 0.1)
    assert representatives.tolist() == []
    assert labels.tolist() == [-1]


def test_point_without_q_is_the_worst_of_its_cluster() -> None:
    representatives, _ = unique_indices(np.zeros((2, 1)), np.array([np.nan, 9.0]), 0.1)
    assert representatives.tolist() == [1]


@pytest.mark.parametrize("dimensions", [0, 1, 64])
def test_no_point_and_one_point(dimensions) -> None:
    representatives, labels = unique_indices(np.zeros((0, dimensions)), np.zeros(0), 0.1)
    assert representatives.shape == labels.shape == (0,)
    representatives, labels = unique_indices(np.zeros((1, dimensions)), np.zeros(1), 0.1)
    assert representatives.tolist() == labels.tolist() == [0]


def test_points_of_a_space_without_dimensions_are_all_the_same() -> None:
    representatives, labels = unique_indices(np.zeros((3, 0)), np.array([2.0, 1.0, 3.0]), 0.1)
    assert representatives.tolist() == [1]
    assert labels.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("points", "q", "tol", "message"),
    [
        (np.zeros(3), np.zeros(3), 0.1, r"points has shape \(3,\), expected \[n, d\]"),
        (np.zeros((3, 2)), np.zeros(2), 0.1, r"q has shape \(2,\), expected \[n=3\]"),
        (np.zeros((3, 2)), np.zeros(3), -0.1, "tol is -0.1, expected a finite number"),
        (np.zeros((3, 2)), np.zeros(3), np.nan, "tol is nan"),
    ],
)
def test_bad_input_is_named(points, q, tol, message) -> None:
    with pytest.raises(ValueError, match=message):
        unique_indices(points, q, tol)


def many(case: str, n: int, d: int = 64) -> np.ndarray:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(81, d))[rng.integers(0, 81, n)]
    match case:
        case "clusters":
            return centres + 1e-9 * rng.normal(size=(n, d))
        case "the same 81 points":
            return centres
        case "all different":
            return rng.normal(size=(n, d))
        case "cloud as wide as tol":
            return 1e-4 * rng.normal(size=(n, d))
    raise AssertionError(case)


@pytest.mark.parametrize(
    ("case", "n", "n_unique"),
    [
        ("clusters", 100_000, 81),
        ("the same 81 points", 100_000, 81),
        ("all different", 100_000, 100_000),
        ("cloud as wide as tol", 30_000, None),
    ],
)
def test_hundred_thousand_candidates_take_seconds(case, n, n_unique) -> None:
    points = many(case, n)
    start = time.process_time()  # what others do on this machine does not count
    representatives, _ = unique_indices(points, np.zeros(n), 1e-3)
    assert time.process_time() - start < 10  # about one; a tree alone fails on the cloud
    assert n_unique is None or len(representatives) == n_unique


def test_points_along_a_noisy_line_are_compared_with_their_neighbours_only() -> None:
    # In many dimensions, with noise of about the tolerance, a tree of the points themselves looks
    # at all of them for each. The result is that of comparing every pair.
    rng = np.random.default_rng(0)
    along = rng.normal(size=32)
    x = rng.uniform(0, 3, 3000)[:, None] * along / np.linalg.norm(along)
    x = x + 1.2e-4 * rng.normal(size=x.shape)
    q = rng.random(len(x))
    chosen, labels = unique_indices(x, q, 1e-3)

    expected = np.full(len(x), -1)
    for i in np.argsort(q):
        if expected[i] < 0:
            near = np.linalg.norm(x - x[i], axis=1) <= 1e-3
            expected[near & (expected < 0)] = i
    np.testing.assert_array_equal(chosen[labels], expected)
