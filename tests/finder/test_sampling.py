"""Where searches start, and under which inputs."""

from typing import Any

import brainpy.math as bm
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, SilentProgress
from fpf_notebook.finder.proposals.sampling import START_KINDS, sample_states, segment_starts
from tests.finder.known_maps import (
    Known,
    assert_same_points,
    finder_of,
    grid,
    scalar,
    scalar_map,
    tanh_root,
)


def switch(**options: Any) -> FixedPointFinder:
    starts = grid(-1, 1, 8)
    return finder_of(Known("", scalar_map, scalar("tanh", 2.0), starts, starts, (), ()), **options)


def driven_switch(state: Any, given: Any) -> Any:
    return jnp.tanh(2 * state + given)


def driven(**options: Any) -> FixedPointFinder:
    return FixedPointFinder(
        driven_switch,
        n_states=1,
        n_inputs=1,
        convention="state_input",
        batched=False,
        progress=SilentProgress(),
        **options,
    )


TRAJ = np.arange(40, dtype=float).reshape(4, 10, 1) / 20 - 1


def test_states_are_drawn_without_replacement_while_there_are_enough() -> None:
    _, found = switch().find_fixed_points(TRAJ, n_inits=40)
    np.testing.assert_array_equal(np.sort(found.x_init, axis=0), TRAJ.reshape(-1, 1))


def test_more_starts_than_states_are_drawn_with_replacement() -> None:
    _, found = switch().find_fixed_points(TRAJ[:1, :3], n_inits=50)
    assert found.n == 50
    assert set(found.x_init.ravel()) == set(TRAJ[0, :3, 0])


def test_noise_has_the_scale_asked_for() -> None:
    quiet = switch().find_fixed_points(TRAJ[:1, :1], n_inits=400)[1]
    noisy = switch().find_fixed_points(TRAJ[:1, :1], n_inits=400, noise_scale=0.3)[1]
    assert np.ptp(quiet.x_init) == 0
    assert abs(noisy.x_init.mean() - TRAJ[0, 0, 0]) < 0.06
    np.testing.assert_allclose(noisy.x_init.std(), 0.3, rtol=0.15)


def test_only_valid_states_are_drawn_and_the_others_may_be_nan() -> None:
    valid = np.zeros((4, 10), dtype=bool)
    valid[1, 2:5] = valid[3, 0] = True
    traj = np.where(valid[..., None], TRAJ, np.nan)
    _, found = switch().find_fixed_points(traj, n_inits=30, valid_bxt=valid)
    assert set(found.x_init.ravel()) == set(TRAJ[valid].ravel())
    np.testing.assert_array_equal(
        switch().find_fixed_points(TRAJ, n_inits=30, valid_bxt=valid.astype(int))[1].x_init,
        found.x_init,
    )
    # An exhaustive search draws from the same pool.
    unique, _ = switch().find_fixed_points(traj, n_inits=30, valid_bxt=valid, exhaustive=True)
    assert len(unique) == 3


def test_initial_states_are_taken_as_they_are_and_in_order() -> None:
    starts = np.array([[0.9], [-0.9], [0.9], [0.1]])
    _, found = switch().find_fixed_points(initial_states=starts, n_inits=1000)
    np.testing.assert_array_equal(found.x_init, starts)
    assert np.sign(found.xstar[:2, 0]).tolist() == [1, -1]


@pytest.mark.parametrize(
    "form", [np.float32, jnp.asarray, bm.asarray, lambda x: np.asarray(x).tolist()]
)
def test_arrays_of_all_kinds_are_taken(form: Any) -> None:
    traj = np.asarray(TRAJ, dtype=np.float32)
    expected = driven().find_fixed_points(traj, np.ones((1, 1)), n_inits=9)[1]
    found = driven().find_fixed_points(form(traj), form(np.ones((1, 1))), n_inits=9)[1]
    np.testing.assert_array_equal(found.xstar, expected.xstar)
    again = driven().find_fixed_points(initial_states=form(traj[3]), inputs=form(np.ones((1, 1))))
    assert len(again[0]) == 1


def test_initial_states_go_before_trajectories() -> None:
    _, found = switch().find_fixed_points(TRAJ, initial_states=[[0.5]])
    np.testing.assert_array_equal(found.x_init, [[0.5]])


def test_condition_numbers_stay_with_their_starts() -> None:
    starts = np.array([[0.9], [-0.9], [0.8]])
    ids = np.array([7, 3, 7])
    unique, found = switch().find_fixed_points(initial_states=starts, cond_ids=ids)
    assert found.cond_id.tolist() == [7, 3, 7]
    assert unique.cond_id[unique.xstar[:, 0] > 0].tolist() == [7]
    assert unique.cond_id[unique.xstar[:, 0] < 0].tolist() == [3]
    # No one has numbered the starts of further rounds.
    _, more = switch().find_fixed_points(
        initial_states=starts, cond_ids=ids, exhaustive=True, prove=False
    )
    assert more.cond_id[:3].tolist() == [7, 3, 7]
    assert set(more.cond_id[3:]) == {-1}


def test_one_input_serves_all_starts() -> None:
    unique, found = driven().find_fixed_points(
        initial_states=grid(-1, 1, 8), inputs=np.array([[1.0]])
    )
    assert len(unique) == 1
    assert set(found.inputs.ravel()) == {1.0}


def test_points_are_told_apart_by_their_inputs() -> None:
    starts = np.tile(grid(-1, 1, 8), (2, 1))
    inputs = np.repeat([[0.0], [1.0]], 8, axis=0)
    unique, found = driven(invariant_box=(-1.0, 1.0)).find_fixed_points(
        initial_states=starts, inputs=inputs
    )
    # Three points without input, one under it; ordered by input.
    assert unique.inputs.ravel().tolist() == [0, 0, 0, 1]
    assert_same_points(unique[:3], [[-tanh_root(2.0)], [0.0], [tanh_root(2.0)]])
    np.testing.assert_array_equal(found.inputs, inputs)
    # One index sum for each input: 1 - 1 + 1 and 1.
    report = unique.completeness
    assert (report.index_sum, report.expected_sum, report.consistent) == (2, 2, True)


def test_the_same_state_under_two_inputs_is_two_points() -> None:
    def deaf(state: Any, given: Any) -> Any:
        return 0.5 * state + 0.0 * given

    finder = FixedPointFinder(
        deaf, n_inputs=1, convention="state_input", batched=False, progress=SilentProgress()
    )
    unique, _ = finder.find_fixed_points(
        initial_states=grid(-1, 1, 4), inputs=np.array([[0.0], [1.0], [0.0], [1.0]])
    )
    np.testing.assert_allclose(unique.xstar, 0, atol=1e-9)
    assert unique.inputs.ravel().tolist() == [0, 1]
    assert unique.hits.tolist() == [2, 2]


def test_a_wrong_sum_under_one_input_is_not_made_good_by_another() -> None:
    # The two stable points of three under the first and the last input, 2 instead of 1 each; under
    # the second only the saddle between them, -1. All together 3, as it would be were all found.
    starts = np.array([[0.9], [-0.9], [-0.05], [0.9], [-0.9]])
    inputs = np.array([[0.0], [0.0], [0.05], [0.1], [0.1]])
    unique, _ = driven(invariant_box=(-1.0, 1.0), n_runs=0).find_fixed_points(
        initial_states=starts, inputs=inputs
    )
    report = unique.completeness
    assert report.index_sum == report.expected_sum == 3
    assert report.consistent is False
    assert [part.index_sum for part in report.inputs] == [2, -1, 2]
    assert [part.n_points for part in report.inputs] == [2, 1, 2]
    assert report.open_inputs == [[0.0], [0.05], [0.1]]
    assert "input [0.05]: 1 point, index sum -1 of 1: points are missing" in str(report)


def test_the_report_has_a_line_an_input_and_names_those_that_are_open() -> None:
    starts = np.array([[0.9], [-0.9], [0.01], [0.9]])
    inputs = np.array([[0.0], [0.0], [0.0], [0.1]])
    unique, _ = driven(invariant_box=(-1.0, 1.0)).find_fixed_points(
        initial_states=starts, inputs=inputs
    )
    report = unique.completeness
    assert report.consistent is True
    assert str(report).splitlines()[1:] == [
        "  input [0]: 3 points, index sum 1",
        "  input [0.1]: 1 point, index sum 1",
    ]
    one, _ = driven(invariant_box=(-1.0, 1.0)).find_fixed_points(
        initial_states=starts[:2], inputs=np.zeros((1, 1))
    )
    assert one.completeness.inputs == []
    assert "\n" not in str(one.completeness)


def test_exhaustive_rounds_go_on_for_every_input() -> None:
    inputs = np.repeat([[0.0], [0.1], [-0.1], [2.0]], 6, axis=0)
    starts = np.full_like(inputs, 0.9)
    unique, _ = driven(invariant_box=(-1.0, 1.0)).find_fixed_points(
        initial_states=starts, inputs=inputs, exhaustive=True, prove=False
    )
    numbers = {u: int(np.sum(unique.inputs == u)) for u in inputs.ravel()}
    assert numbers == {0.0: 3, 0.1: 3, -0.1: 3, 2.0: 1}
    assert unique.completeness.consistent is True
    # Few starts an input and a round, and yet every kind of start gets its turn.
    used = {
        kind
        for record in unique.completeness.rounds[1:]
        for kind, n in record["starts"].items()
        if n
    }
    assert used == set(START_KINDS)


@pytest.mark.parametrize("kind", START_KINDS)
@pytest.mark.parametrize("n_found", [0, 1, 2, 5])
def test_every_kind_of_start_gives_as_many_states_as_asked_for(kind: str, n_found: int) -> None:
    rng = np.random.default_rng(0)
    _, draw = START_KINDS[kind]
    box = np.array([[-1.0, -2.0], [1.0, 2.0]])
    for n in (0, 1, 7):
        states = draw(rng, n, np.zeros((3, 2)), rng.uniform(-1, 1, (n_found, 2)), box)
        assert states.shape == (n, 2)
        assert np.isfinite(states).all()


def test_segments_lie_between_points_found() -> None:
    rng = np.random.default_rng(0)
    found = np.array([[-1.0, 0.0], [1.0, 0.0]])
    box = np.array([[-1.0, -1.0], [1.0, 1.0]])
    states = segment_starts(rng, 500, found, found, box)
    assert np.abs(states[:, 1]).max() < 0.1
    assert states[:, 0].min() < -1 < 1 < states[:, 0].max()
    assert np.histogram(states[:, 0], 4, (-1, 1))[0].min() > 50


def test_sampling_leaves_the_trajectories_alone() -> None:
    traj = TRAJ.copy()
    sample_states(traj, 10, np.random.default_rng(0), noise_scale=1.0)
    np.testing.assert_array_equal(traj, TRAJ)
