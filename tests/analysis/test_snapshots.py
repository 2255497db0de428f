"""Fixed points through training, on maps whose births are known."""

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import FixedPoints, as_step_map
from fpf_notebook.analysis import (
    Snapshot,
    count_changes,
    eigenvalue_paths,
    mutual_nearest,
    take_snapshot,
)


def step(params, h, u):
    return jnp.tanh(params["w"] * h + u)


NET = as_step_map(step, params={"w": np.array(0.5)}, n_states=1, n_inputs=1)
H0, INPUTS = np.linspace(-1, 1, 12)[:, None], np.zeros((12, 20, 1))


def snapshot_at(w, epoch=0, constant=0.0, **options):
    constant = np.array([constant])
    return take_snapshot(
        NET, {"w": np.array(w)}, epoch, H0, INPUTS, constant, n_inits=32, **options
    )


def moment(epoch, xstar, values=None):
    xstar = np.asarray(xstar, dtype=float).reshape(-1, 1)
    values = None if values is None else np.asarray(values, complex).reshape(len(xstar), -1)
    return Snapshot(epoch, FixedPoints(xstar, eigval_J_xstar=values), np.zeros((1, 2, 1)), 0.0)


def test_a_snapshot_holds_the_points_of_its_weights():
    before, after = snapshot_at(0.5), snapshot_at(1.5, epoch=7)
    assert before.points.xstar == pytest.approx(0)
    outer = after.points.xstar[after.points.stability == "stable", 0]
    assert np.sort(outer) == pytest.approx([-0.8586, 0.8586], abs=1e-3)  # of tanh(1.5 x) = x
    assert (after.epoch, len(after.points)) == (7, 3)
    # What takes much memory is left out, what is shown is not.
    assert after.points.J_xstar is None
    assert after.points.eigvec_J_xstar is None
    assert after.points.eigval_J_xstar.shape == (3, 1)
    assert after.trajectories.shape == (10, 20, 1)
    assert after.trajectories.dtype == np.float32
    assert after.seconds > 0
    assert NET.params["w"] == 0.5


def test_equal_weights_give_equal_snapshots():
    first, second = snapshot_at(1.5), snapshot_at(1.5, known=np.zeros((0, 1)))
    assert np.array_equal(first.points.xstar, second.points.xstar)


def test_known_points_are_starts_and_the_constant_input_counts():
    # Under this input only one of the three is left.
    assert len(snapshot_at(1.5, constant=0.9).points) == 1
    known = snapshot_at(1.5).points.xstar
    assert len(snapshot_at(1.6, known=known).points) == 3


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"constant": np.zeros(2)}, r"constant has shape \(2,\), expected \[n_inputs=1\]"),
        ({"h0": np.zeros((12, 3))}, "h0 has shape"),
        ({"inputs": np.zeros((11, 20, 1))}, "inputs has shape"),
        ({"known": np.zeros((1, 4))}, "known_states"),
        ({"n_inits": 0}, "n_inits is 0"),
        ({"params": {"v": 1.0}}, "params has the structure"),
    ],
)
def test_what_does_not_fit_is_named(change, text):
    given = {
        "params": {"w": np.array(0.5)}, "epoch": 0, "h0": H0, "inputs": INPUTS,
        "constant": np.zeros(1),
    }  # fmt: skip
    with pytest.raises(ValueError, match=text):
        take_snapshot(NET, **(given | change))


def test_births_and_losses():
    counts = [1, 1, 3, 3, 0, 2]
    snapshots = [moment(10 * k, np.arange(n)) for k, n in enumerate(counts)]
    assert count_changes(snapshots) == [(20, 2), (40, -3), (50, 2)]
    assert count_changes([]) == count_changes(snapshots[:1]) == []


def test_only_mutual_neighbours_are_pairs():
    before, after = np.array([[0.0], [1.0], [9.0]]), np.array([[8.0], [0.9], [0.8], [0.1]])
    assert mutual_nearest(before, after).tolist() == [[0, 3], [1, 1], [2, 0]]
    assert mutual_nearest(before[:0], after).shape == (0, 2)
    assert mutual_nearest(before, after[:0]).shape == (0, 2)


def test_paths_follow_points_through_other_orders_and_stop_at_swaps():
    paths = eigenvalue_paths(
        [
            moment(0, [0, 5], [[0.9, 0.2], [0.5, 0.1]]),
            moment(1, [5.1, 0.1], [[0.6, 0.1j], [0.8, -0.9]]),  # −0.9 is no neighbour of 0.2
            moment(2, []),
            moment(3, [0, 5], [[1, 1], [1, 1]]),
        ]
    )
    assert paths.tolist() == [[0.9, 0.8], [0.5, 0.6], [0.1, 0.1j]]
    few = [moment(0, [0], [[0.9]]), moment(1, [0], [[0.2]])]
    assert eigenvalue_paths(few).shape == (0, 2)
    assert eigenvalue_paths(few, max_jump=1.0).shape == (1, 2)


def test_points_without_eigenvalues_have_no_paths():
    assert eigenvalue_paths([moment(0, [0]), moment(1, [0], [[0.5]])]).shape == (0, 2)
    assert eigenvalue_paths([]).shape == (0, 2)
