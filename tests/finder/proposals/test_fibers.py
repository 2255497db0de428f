"""Curves whose course is known: what they meet, and how they end."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import StepMap, as_step_map
from fpf_notebook.finder.progress import CancelToken
from fpf_notebook.finder.proposals.directions import CurveSource, typical_distance
from fpf_notebook.finder.proposals.drive import with_drive
from fpf_notebook.finder.proposals.fibers import Crossings, Curve, CurveEnd, Tracer, follow
from fpf_notebook.models import GRU, LSTM, VanillaRNN

ROOT = 0.957504024077  # of x = tanh(2 x)
NONE = np.zeros(0)


def scalar(params: Any, h: Any, u: Any) -> Any:
    e = params["e"]
    return jax.lax.switch(
        params["which"],
        [
            lambda x: x + 0.2 * (1 - x**2 - u**2),  # u in the place of a: a circle
            lambda x: x + (1 - x) * (x**2 - e),
            lambda x: x + x**2 + e,  # no point for e > 0
        ],
        h,
    )


SCALAR = as_step_map(
    scalar,
    params={"which": np.int32(0), "e": np.float64(0.0)},
    n_states=1,
    n_inputs=1,
    batched=False,
)
LATCH = as_step_map(
    lambda h: jnp.tanh(2 * h), n_states=2, n_inputs=0, batched=False, invariant_box=(-1.0, 1.0)
)


def of(which: int, e: float = 0.0) -> StepMap:
    return SCALAR.with_params({"which": np.int32(which), "e": np.float64(e)})


def met(crossings: Crossings) -> list[float]:
    return sorted(crossings.x[:, 0].round(9).tolist())


def test_a_closed_curve_is_recognized_and_not_followed_twice() -> None:
    result = follow(of(0), [Curve(7, np.ones(1), np.zeros(1), drive=np.ones(1))])
    assert met(result) == [-1.0]
    assert result.source.tolist() == [7]
    assert result.ended == {0: CurveEnd.CLOSED}
    assert result.n_steps < 60


def test_an_open_curve_is_followed_both_ways() -> None:
    """From the origin, along the first unit only: the second stays where it is."""
    result = follow(LATCH, [Curve(0, np.zeros(2), NONE, force=np.array([1.0, 0.0]))])
    np.testing.assert_allclose(sorted(result.x[:, 0]), [-ROOT, ROOT], atol=1e-11)
    np.testing.assert_allclose(result.x[:, 1], 0.0, atol=1e-12)
    assert result.ended == {0: CurveEnd.LEFT}


def test_shifting_the_state_and_pushing_the_output_meet_the_same_points() -> None:
    c = np.array([0.0, 1.0])
    for place in ("shift", "push", "force"):
        result = follow(LATCH, [Curve(0, np.zeros(2), NONE, low=-9, high=9, **{place: c})])
        np.testing.assert_allclose(sorted(result.x[:, 1]), [-ROOT, ROOT], atol=1e-11, err_msg=place)


@pytest.mark.parametrize("e", [1e-4, 1e-6, 1e-8])
def test_two_points_within_one_step_are_both_met(e: float) -> None:
    """From x = 1 leftwards the unknown comes down to -e at 0 and goes up again."""
    result = follow(of(1, e), [Curve(0, np.ones(1), np.zeros(1), force=np.ones(1))])
    np.testing.assert_allclose(sorted(result.x[:, 0]), [-np.sqrt(e), np.sqrt(e)], rtol=1e-6)


def test_a_curve_without_a_start_says_so() -> None:
    result = follow(of(2, 1.0), [Curve(0, np.zeros(1), np.zeros(1), force=np.ones(1))])
    assert result.ended == {0: CurveEnd.NO_START}
    assert not len(result.x)


def test_a_curve_of_bounded_length_ends() -> None:
    long = Curve(0, np.zeros(2), NONE, force=np.array([1.0, 0.0]), low=-1e9, high=1e9)
    few = Curve(**{**vars(long), "max_steps": 10})
    assert follow(LATCH, [few]).n_steps <= 24  # two ways; a point being polished is finished
    short = Curve(**{**vars(long), "max_length": 0.3})
    result = follow(LATCH, [short, long])
    assert result.ended[0] == CurveEnd.LONG
    assert set(result.curve.tolist()) == {1}


def test_a_spine_from_saturation_meets_every_point_of_a_fold() -> None:
    driven = with_drive(LATCH)
    assert driven is not None
    v = np.array([1.0, 0.3, 0.0])
    spine = Curve(-1, np.ones(2), driven.inputs(NONE), drive=v, a_start=15, low=-16, high=16)
    result = follow(driven.step_map, [spine])
    assert (result.source == -1).all()
    assert result.ended == {0: CurveEnd.LEFT}
    assert len(result.x) % 2 == 1  # an odd number of points lies on a curve from end to end
    np.testing.assert_allclose(np.tanh(2 * result.x), result.x, atol=1e-11)


def test_a_flow_in_any_unit_of_time() -> None:
    def flow(params: Any, h: Any) -> Any:
        return params * (-h + jnp.tanh(2 * h))

    step_map = as_step_map(
        flow, params=np.float64(1), n_states=1, n_inputs=0, batched=False, time="continuous"
    )
    for rate in (1e-3, 1.0, 1e3):
        of_rate = step_map.with_params(np.float64(rate))
        result = follow(of_rate, [Curve(0, np.zeros(1), NONE, force=np.array([rate]))])
        np.testing.assert_allclose(sorted(result.x[:, 0]), [-ROOT, ROOT], atol=1e-10)
        source = CurveSource(of_rate, NONE, np.linspace(-1, 1, 9)[:, None])
        np.testing.assert_allclose(
            np.unique(follow(source.step_map, [source.spine()]).x.round(9)), [-ROOT, 0, ROOT]
        )


def test_more_curves_than_lanes_and_each_knows_its_source() -> None:
    points = np.array([[x, y] for x in (-ROOT, 0, ROOT) for y in (-ROOT, 0, ROOT)])
    c = np.array([1.0, 0.0])
    curves = [Curve(k % 9, points[k % 9], NONE, force=c) for k in range(300)]
    result = follow(LATCH, curves)
    assert len(result.ended) == 300
    # Each meets the two others of its row, and never itself.
    assert np.bincount(result.curve, minlength=300).tolist() == [2] * 300
    np.testing.assert_array_equal(result.source, result.curve % 9)
    np.testing.assert_allclose(result.x[:, 1], points[result.source, 1], atol=1e-11)
    assert (np.abs(result.x[:, 0] - points[result.source, 0]) > 0.5).all()


def test_cancelling_ends_all_curves() -> None:
    token = CancelToken()
    tracer = Tracer(LATCH)
    numbers = [tracer.add(Curve(0, np.zeros(2), NONE, force=np.ones(2))) for _ in range(200)]
    tracer.advance(token)
    token.cancel()
    result = tracer.advance(token)
    assert not tracer.busy
    assert set(result.ended.values()) == {CurveEnd.CANCELLED}
    assert set(result.ended) <= set(numbers)
    assert not len(tracer.advance().x)


def test_waiting_curves_can_be_dropped() -> None:
    tracer = Tracer(LATCH)
    for _ in range(tracer.size + 10):
        tracer.add(Curve(0, np.zeros(2), NONE, force=np.ones(2)))
    tracer.advance()
    assert tracer.drop_waiting() + tracer.size >= 10
    while tracer.busy:
        tracer.advance()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"start": np.zeros(3)}, r"start has shape \(3,\), expected \(2,\)"),
        ({"force": np.array([np.nan, 0])}, "force must be finite"),
        ({"a_start": 5.0}, "a_start is 5, expected a number between low=-3"),
        ({"scale": 0.0}, "scale is 0.0"),
        ({"u": np.zeros(1)}, r"u has shape \(1,\), expected \(0,\)"),
    ],
)
def test_bad_curves_are_refused(change: dict[str, Any], text: str) -> None:
    good: dict[str, Any] = {"source": 0, "start": np.zeros(2), "u": NONE, "force": np.ones(2)}
    with pytest.raises(ValueError, match=text):
        Tracer(LATCH).add(Curve(**(good | change)))


def test_a_push_needs_a_box() -> None:
    with pytest.raises(ValueError, match="has no invariant box"):
        Tracer(SCALAR).add(Curve(0, np.zeros(1), np.zeros(1), push=np.ones(1)))
    with pytest.raises(ValueError, match="sigma is 0"):
        Tracer(LATCH, 0)


# -- the input into the nonlinearity ---------------------------------------------------------------


def test_the_drive_goes_into_the_candidate_of_every_cell() -> None:
    rng = np.random.default_rng(0)
    for model, squash, n_driven in (
        (VanillaRNN(2, 5, 1, seed=1), "tanh", 5),
        (VanillaRNN(2, 5, 1, seed=1, nonlinearity="relu"), "max", 5),
        (VanillaRNN(2, 5, 1, seed=1, nonlinearity="sigmoid"), "logistic", 5),
        (GRU(2, 5, 1, seed=1), "tanh", 5),
        (LSTM(2, 5, 1, seed=1), "tanh", 5),
    ):
        step_map = as_step_map(model)
        driven = with_drive(step_map)
        assert driven is not None
        assert (driven.squash, driven.n_driven, driven.n_inputs) == (squash, n_driven, 2)
        h, u = rng.uniform(-1, 1, (3, step_map.n_states)), rng.normal(size=(3, 2))
        full = driven.inputs(u)
        np.testing.assert_array_equal(driven.step_map(h, full), step_map(h, u))
        full[:, -2] = 0.5  # the last unit's drive
        moved = np.abs(driven.step_map(h, full) - step_map(h, u)).max(axis=0)
        assert np.flatnonzero(moved).tolist() == [4]  # one step reaches that unit only
    assert with_drive(SCALAR) is None


def test_a_gain_of_zero_leaves_the_drive_alone() -> None:
    driven = with_drive(LATCH)
    assert driven is not None
    u = np.array([[0.4, -0.2, -np.inf]])
    np.testing.assert_allclose(driven.step_map(np.ones((1, 2)), u), np.tanh([[0.4, -0.2]]))


# -- which curves ----------------------------------------------------------------------------------


def test_weights_are_read_even_where_everything_is_saturated() -> None:
    w = 1e4 * np.array([[1.0, -2.0], [0.5, 0.0]])
    for leak in (1.0, 0.1):
        step_map = as_step_map(
            lambda p, h: (1 - p) * h + p * jnp.tanh(w @ h - 0.9),
            params=np.float64(leak),
            n_states=2,
            n_inputs=0,
            batched=False,
        )
        source = CurveSource(step_map, NONE, np.ones((4, 2)))
        np.testing.assert_allclose(source._weights, w, rtol=1e-6)


def test_curves_find_all_points_of_noisy_blocks_and_depend_on_the_seed_alone() -> None:
    rng = np.random.default_rng(0)
    w = np.kron(np.diag([1.5, 1.8, 2.0]), np.ones((2, 2)) / 2) + 0.02 * rng.normal(size=(6, 6))
    step_map = as_step_map(
        lambda p, h: jnp.tanh(p @ h), params=w, n_states=6, n_inputs=0, batched=False
    )

    def search(seed: int) -> list[np.ndarray]:
        source = CurveSource(step_map, NONE, w, seed=seed)
        tracer = Tracer(source.step_map, source.sigma)
        found: list[np.ndarray] = []
        for k in range(60):
            for _ in range(8):
                known = found and k % 2
                i = k % len(found) if known else 0
                tracer.add(source.from_point(i, found[i]) if known else source.spine())
            while tracer.busy:
                for x in tracer.advance().x:
                    if not any(np.abs(x - y).max() < 1e-6 for y in found):
                        found.append(x)
            if len(found) >= 27:
                break
        return found

    one, same, other = search(1), search(1), search(2)
    assert len(one) == len(other) == 27
    np.testing.assert_array_equal(one, same)
    np.testing.assert_allclose(np.tanh(np.array(one) @ w.T), one, atol=1e-11)


def test_a_network_without_nonlinearity_or_box_still_has_spines() -> None:
    cubic = as_step_map(lambda h: h + 0.1 * (h - h**3), n_states=1, n_inputs=0, batched=False)
    source = CurveSource(cubic, NONE, np.linspace(-1, 1, 9)[:, None])
    assert source.kinds == ("residual",)
    result = follow(cubic, [source.spine() for _ in range(12)], sigma=source.sigma)
    np.testing.assert_allclose(np.unique(result.x.round(9)), [-1, 0, 1])


def test_the_typical_distance_is_bounded_by_the_box() -> None:
    near = 0.9 + 1e-3 * np.random.default_rng(0).normal(size=(50, 2))
    assert typical_distance(LATCH, NONE, near) == pytest.approx(0.3)
    assert typical_distance(of(0), np.zeros(1), 1e3 * np.linspace(-1, 1, 50)[:, None]) > 500
    with pytest.raises(ValueError, match=r"states has shape \(0, 2\)"):
        CurveSource(LATCH, NONE, np.zeros((0, 2)))


def test_a_curve_turns_back_at_a_corner() -> None:
    """Slopes 1, -1, 1 between corners at 1 and -1: no smooth fold, and three points."""

    def zigzag(h: Any, u: Any) -> Any:
        g = jnp.maximum(h, 1.0) - jnp.clip(h, -1.0, 1.0) + jnp.minimum(h, -1.0)
        return h - 0.3 * (g - u)

    step_map = as_step_map(zigzag, n_states=1, n_inputs=1, batched=False)
    range_ = {"drive": np.ones(1), "a_start": 5.0, "low": -6.0, "high": 6.0}
    result = follow(step_map, [Curve(-1, np.array([5.0]), np.zeros(1), **range_)])
    assert result.ended == {0: CurveEnd.LEFT}
    np.testing.assert_allclose(sorted(result.x[:, 0]), [-2.0, 0.0, 2.0], atol=1e-10)


def test_a_curve_does_not_turn_round_where_two_branches_lie_near() -> None:
    """Steep latches: the middle and the upper branch of a unit are 0.05 apart.

    A spine comes from one end and leaves at the other: as a rule it meets an odd number of points;
    with thresholds this high that takes a push of twice what the couplings alone would ask for.
    """
    steep = as_step_map(
        lambda p, h: jnp.tanh(p["gain"] * (h - p["centre"])),
        params={"gain": np.array([60.0, 90.0, 150.0]), "centre": np.array([0.93, 0.95, 0.9])},
        n_states=3,
        n_inputs=0,
        batched=False,
        invariant_box=(-1.0, 1.0),
    )
    source = CurveSource(steep, NONE, np.random.default_rng(0).uniform(-1, 1, (20, 3)), seed=1)
    result = follow(source.step_map, [source.spine() for _ in range(12)], sigma=source.sigma)
    whole = [curve for curve, end in result.ended.items() if end == CurveEnd.LEFT]
    assert len(whole) >= 8
    assert sum(np.sum(result.curve == k) % 2 == 1 for k in whole) >= 0.7 * len(whole)
    assert max(np.sum(result.curve == k) for k in whole) >= 7  # every unit has flipped
    assert len(np.unique(result.x.round(6), axis=0)) >= 12


@pytest.mark.parametrize("model", [VanillaRNN(2, 5, 1), GRU(2, 4, 1), LSTM(2, 3, 1)])
def test_the_loop_on_the_host_meets_the_same_points(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Curves of every kind, compiled as a whole and lane by lane."""
    step_map = as_step_map(model)
    rng = np.random.default_rng(0)
    u = rng.normal(size=2)
    states = rng.uniform(-1, 1, (20, step_map.n_states))
    met, steps = [], []
    for least in (10**6, 0):
        monkeypatch.setattr("fpf_notebook.finder.proposals.fibers.LEAST_STATES", least)
        source = CurveSource(step_map, u, states, seed=3)
        curves = [source.spine() for _ in range(12)]
        c = np.ones(step_map.n_states) / 2
        points = follow(source.step_map, curves, sigma=source.sigma).x
        start = min(points, key=lambda x: tuple(x.round(6)))
        for place in ("force", "shift", "push"):
            curves.append(Curve(0, start, source.u, low=-9, high=9, **{place: c}))
        found = follow(source.step_map, curves, sigma=source.sigma)
        met.append(found)
        steps.append(found.n_steps)
    compiled, host = met
    assert compiled.ended == host.ended
    assert len(compiled.x) == len(host.x)
    assert abs(steps[0] - steps[1]) <= 0.2 * steps[0]  # rounding decides some retries
    order = [np.lexsort((*part.x.T.round(6), part.curve)) for part in met]
    np.testing.assert_allclose(compiled.x[order[0]], host.x[order[1]], atol=1e-8)
