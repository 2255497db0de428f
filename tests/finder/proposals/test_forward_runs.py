"""Runs whose end is known beforehand."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import StepMap, as_step_map
from fpf_notebook.finder.options import Options
from fpf_notebook.finder.progress import CancelToken
from fpf_notebook.finder.proposals.forward_runs import ForwardRuns, RunEnd, run_forward
from fpf_notebook.finder.proposals.orbits import growth

ROTATION = np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])


def scalar(params: Any, h: Any) -> Any:
    a = params["a"]
    return jax.lax.switch(
        params["which"],
        [
            lambda x: jnp.tanh(a * x),
            lambda x: a * x * (1 - x),
            lambda x: a * x,
            lambda x: x + x**2 + a,
            lambda x: -jnp.tanh(a * x),
        ],
        h,
    )


SCALAR = as_step_map(
    scalar,
    params={"which": np.int32(0), "a": np.float64(2.0)},
    n_states=1,
    n_inputs=0,
    batched=False,
)
KINDS = ("tanh", "logistic", "linear", "fold", "flip")


def of(kind: str, a: float) -> StepMap:
    return SCALAR.with_params({"which": np.int32(KINDS.index(kind)), "a": np.float64(a)})


def run(step_map: StepMap, x: Any, **options: Any) -> ForwardRuns:
    x = np.asarray(x, dtype=float).reshape(-1, step_map.n_states)
    return run_forward(step_map, x, np.zeros((len(x), step_map.n_inputs)), Options(), **options)


def test_runs_end_in_the_attractor_of_their_side() -> None:
    root = 0.957504024077  # x = tanh(2 x)
    runs = run(of("tanh", 2.0), [-3.0, -1e-3, 1e-3, 0.5])
    np.testing.assert_array_equal(runs.end, RunEnd.REST)
    np.testing.assert_allclose(runs.x_end[:, 0], [-root, -root, root, root], atol=1e-11)
    np.testing.assert_array_equal(runs.period, 1)
    np.testing.assert_allclose(runs.polished.lanes.x[runs.lane], runs.x_end)
    assert not runs.interrupted
    assert (runs.n_steps < 60).all(), "a run at rest is not ended early"


def test_a_run_from_an_unstable_point_goes_on_to_an_attractor() -> None:
    runs = run(of("tanh", 2.0), [0.0])
    assert runs.end[0] == RunEnd.REST
    assert abs(runs.x_end[0, 0]) == pytest.approx(0.957504024077)
    # And the point that it was pushed off is among the candidates.
    assert np.abs(runs.polished.lanes.x).min() < 1e-12


@pytest.mark.parametrize(("a", "period"), [(3.2, 2), (3.5, 4), (3.55, 8), (3.83, 3)])
def test_periods_are_exact(a: float, period: int) -> None:
    runs = run(of("logistic", a), np.linspace(0.1, 0.9, 20))
    assert (runs.end == RunEnd.CYCLE).all()
    assert (runs.period == period).all()
    (orbit,) = runs.orbits
    assert orbit.shape == (period, 1)
    np.testing.assert_allclose(np.roll(orbit, -1, axis=0), a * orbit * (1 - orbit), atol=1e-12)
    assert np.ptp(orbit) > 0.1
    assert np.abs(runs.x_end - orbit[:, 0]).min(axis=1).max() == 0.0
    assert runs.counts() == {"reached a cycle": 20}


def test_a_period_beyond_the_bound_is_not_claimed() -> None:
    runs = run(of("logistic", 3.55), np.linspace(0.1, 0.9, 5), max_period=4)
    assert (runs.end == RunEnd.MOVING).all()
    assert (runs.period == 0).all()


def test_both_mirror_cycles_and_no_fixed_point_of_a_flip() -> None:
    runs = run(of("flip", 2.0), [0.4, -0.2])
    assert (runs.period == 2).all()
    assert len(runs.orbits) == 1
    np.testing.assert_allclose(runs.orbits[0].sum(), 0.0, atol=1e-12)


def test_chaos_is_still_moving() -> None:
    runs = run(of("logistic", 3.9), np.linspace(0.11, 0.87, 30), max_steps=400)
    assert (runs.end == RunEnd.MOVING).all()
    assert (runs.n_steps == 400).all()
    assert (runs.lane == -1).all()


def test_a_run_past_a_ghost_goes_on_and_diverges() -> None:
    """At x = 0 the step is 1e-7 long, shorter than `tol_rest`, yet nothing is there."""
    runs = run(of("fold", 1e-7), [-1e-2], max_steps=20_000)
    assert runs.end[0] == RunEnd.DIVERGED
    assert runs.period[0] == 0


def test_a_slow_run_counts_as_rest_only_by_its_polish() -> None:
    runs = run(of("linear", 0.9999), [0.1], max_steps=50)  # 0.1 -> 0.0995, and then 0 by Newton
    assert runs.end[0] == RunEnd.MOVING
    assert runs.lane[0] == 0
    np.testing.assert_allclose(runs.polished.lanes.x, 0.0, atol=1e-12)


def test_lanes_that_diverge_end_and_others_go_on() -> None:
    runs = run(of("linear", 2.0), [1.0, 0.0, -1.0])
    np.testing.assert_array_equal(
        runs.end, [RunEnd.DIVERGED, RunEnd.REST, RunEnd.DIVERGED], err_msg=str(runs.counts())
    )
    assert (runs.n_steps[[0, 2]] < 40).all()
    assert runs.x_end[1, 0] == 0.0


def test_more_runs_than_the_pool_holds() -> None:
    x = np.linspace(-2, 2, 300)
    runs = run(of("tanh", 2.0), x)
    np.testing.assert_array_equal(np.sign(runs.x_end[:, 0]), np.sign(x))
    assert (runs.end == RunEnd.REST).all()
    np.testing.assert_array_equal(runs.x_init[:, 0], x)


def test_a_cancelled_run_says_so() -> None:
    token = CancelToken()
    token.cancel()
    runs = run(of("tanh", 2.0), [0.1, 0.2], cancel=token)
    assert runs.interrupted
    assert (runs.end == RunEnd.INTERRUPTED).all()
    assert len(runs.polished) == 0


def test_a_flow_in_any_unit_of_time_and_a_stiff_one() -> None:
    def flow(params: Any, h: Any) -> Any:
        return params["rate"] * (-h + jnp.tanh(2 * h))

    step_map = as_step_map(
        flow,
        params={"rate": np.array([1.0, 1.0])},
        n_states=2,
        n_inputs=0,
        batched=False,
        time="continuous",
    )
    x = [[0.3, 0.2], [-1.0, 4.0]]
    for rate in ([1.0, 1.0], [1e-2, 1e-2], [1e6, 1e6], [1.0, 200.0]):
        runs = run(step_map.with_params({"rate": np.array(rate)}), x)
        assert (runs.end == RunEnd.REST).all(), rate
        np.testing.assert_allclose(
            runs.x_end, 0.957504024077 * np.array([[1, 1], [-1, 1]]), atol=1e-10
        )
    assert run(step_map, [[0.0, 0.0]]).end[0] == RunEnd.REST


def test_a_limit_cycle_of_a_flow_is_still_moving_and_a_blow_up_diverges() -> None:
    def flow(params: Any, h: Any) -> Any:
        turning = jnp.stack([-h[1], h[0]]) + h * (1 - jnp.sum(h**2))
        return jnp.where(params["which"] == 0, turning, h**2)

    step_map = as_step_map(
        flow,
        params={"which": np.int32(0)},
        n_states=2,
        n_inputs=0,
        batched=False,
        time="continuous",
    )
    runs = run(step_map, [[0.1, 0.0], [2.0, 1.0]], max_steps=300)
    assert (runs.end == RunEnd.MOVING).all()
    np.testing.assert_allclose(np.linalg.norm(runs.x_end, axis=1), 1.0, atol=1e-3)
    blown = run(step_map.with_params({"which": np.int32(1)}), [[1.0, 1.0]])
    assert blown.end[0] == RunEnd.DIVERGED


def test_runs_depend_on_their_own_input() -> None:
    step_map = as_step_map(lambda h, u: jnp.tanh(2 * h + u), n_states=1, n_inputs=1, batched=False)
    u = np.array([[0.0], [2.0], [-2.0]])
    runs = run_forward(step_map, np.full((3, 1), 0.5), u, Options())
    np.testing.assert_array_equal(np.sign(runs.x_end[:, 0]), [1, 1, -1])
    np.testing.assert_allclose(runs.x_end, np.tanh(2 * runs.x_end + u), atol=1e-12)


def test_growth_of_matrices_far_from_normal() -> None:
    chain = 0.9 * np.eye(12) + 10.0 * np.eye(12, k=1)
    assert not growth(chain)[0]
    assert growth(chain + 0.2 * np.eye(12))[0]
    assert not growth(0.999 * ROTATION)[0]
    grows, direction = growth(np.diag([0.5, -1.2]))
    assert grows
    np.testing.assert_allclose(np.abs(direction), [0, 1], atol=1e-12)
    assert growth(np.diag([-5.0, 0.1]), flow=True)[0]
    assert not growth(np.diag([-5.0, -0.1]), flow=True)[0]
    assert not growth(np.zeros((3, 3)))[0]


@pytest.mark.parametrize(
    ("x", "options", "error", "text"),
    [
        (np.zeros((2, 2)), {}, ValueError, r"x_init has shape \(2, 2\), expected \[n, n_states=1"),
        (np.array([[np.nan], [0.0]]), {}, ValueError, "finite"),
        (np.zeros((2, 1)), {"max_steps": 0}, ValueError, "max_steps is 0"),
        (np.zeros((2, 1)), {"max_period": 1.5}, TypeError, "max_period is 1.5"),
        (np.zeros((2, 1)), {"tol_rest": -1.0}, ValueError, "tol_rest is -1.0"),
    ],
)
def test_bad_input_is_refused(x: Any, options: Any, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        run_forward(SCALAR, x, np.zeros((len(x), 0)), Options(), **options)
    with pytest.raises(ValueError, match="inputs has shape"):
        run_forward(SCALAR, np.zeros((2, 1)), np.zeros((2, 3)), Options())
