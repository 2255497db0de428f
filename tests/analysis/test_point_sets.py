import itertools

import numpy as np
import pytest

from fpf_notebook.analysis import FixedPoints, embed_distances, set_distances

RNG = np.random.default_rng(0)


def rotation(n, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))[0]


def test_a_metric_of_epochs():
    x = RNG.normal(size=(7, 4))
    moved = x[::-1] + 0.1 * np.eye(4)[0]
    D = set_distances([FixedPoints(x), FixedPoints(moved)], "matched")
    np.testing.assert_allclose(D, [[0, 0.1], [0.1, 0]], atol=1e-12)


@pytest.mark.parametrize("n_states", [2, 3, 8])
def test_turned_mirrored_moved_scaled_and_shuffled_is_the_same_shape(n_states):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(9, n_states)) * np.linspace(3, 1, n_states)
        y = 5 + 2 * rng.permutation(x) @ rotation(n_states, seed)
        D = set_distances([FixedPoints(x), FixedPoints(y)])
        np.testing.assert_allclose(D, 0, atol=1e-6)
        assert set_distances([FixedPoints(x), FixedPoints(y)], "matched")[0, 1] > 1


def test_networks_of_different_widths():
    x = RNG.normal(size=(6, 2)) * [3, 1]
    wide = np.pad(x, ((0, 0), (0, 5))) @ rotation(7)
    np.testing.assert_allclose(set_distances([FixedPoints(x), FixedPoints(wide)]), 0, atol=1e-6)
    with pytest.raises(ValueError, match=r"\[2, 7\] states"):
        set_distances([FixedPoints(x), FixedPoints(wide)], "matched")


def test_a_point_too_many_counts():
    x = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    more = np.concatenate([x, [[0.0, 2.0]]])
    D = set_distances([FixedPoints(x), FixedPoints(more)], "matched")
    size = np.mean(np.sum((more - more.mean(axis=0)) ** 2, axis=1))
    np.testing.assert_allclose(D[0, 1] ** 2, size / 5)
    x = RNG.normal(size=(3, 2))
    more = RNG.normal(size=(5, 2))
    size = np.mean(np.sum((more - more.mean(axis=0)) ** 2, axis=1))
    costs = [np.sum((x - more[list(order)]) ** 2) for order in itertools.permutations(range(5), 3)]
    D = set_distances([FixedPoints(more), FixedPoints(x)], "matched")
    np.testing.assert_allclose(D[0, 1] ** 2, (min(costs) + 2 * size) / 5)


def test_other_shapes_are_apart():
    line = np.stack([np.linspace(-1, 1, 8), np.zeros(8)], 1)
    angle = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], 1)
    D = set_distances([FixedPoints(line), FixedPoints(ring), FixedPoints(2 * ring[::-1])])
    assert D[1, 2] < 1e-6
    assert D[0, 1] > 0.3
    np.testing.assert_allclose(D[0, 1], D[0, 2])


def test_stable_points_alone():
    x = np.array([[1.0], [0.0], [-1.0]])
    sets = [
        FixedPoints(x, is_stable=np.array([True, False, True])),
        FixedPoints(x[[0, 2]], is_stable=np.array([True, True])),
    ]
    assert set_distances(sets, "matched")[0, 1] > 0
    assert set_distances(sets, "matched", stable_only=True)[0, 1] == 0


def test_empty_sets_and_wrong_kinds():
    D = set_distances([FixedPoints(np.zeros((0, 2))), FixedPoints(np.eye(2))])
    assert np.isnan(D[0, 1])
    with pytest.raises(ValueError, match="kind is 'cka'"):
        set_distances([], "cka")


def test_a_layout_keeps_distances_that_a_plane_can_keep():
    places = RNG.normal(size=(12, 2))
    D = np.linalg.norm(places[:, None] - places[None], axis=2)
    found = embed_distances(D)
    np.testing.assert_allclose(np.linalg.norm(found[:, None] - found[None], axis=2), D, atol=1e-9)
    assert embed_distances(np.zeros((1, 1))).tolist() == [[0.0, 0.0]]
    with pytest.raises(ValueError, match="finite numbers"):
        embed_distances(np.full((2, 2), np.nan))
