"""Cycles: known ones in closed form, whole orbits, no shorter periods among them."""

from typing import Any

import numpy as np
import pytest
from numpy.polynomial import Polynomial

from fpf_notebook import FixedPoints
from tests.finder.known_maps import (
    Known,
    assert_same_points,
    finder_of,
    grid,
    henon_cycle,
    hopfield_known,
    logistic_cycle,
    planar,
    planar_map,
    scalar,
    scalar_map,
)


def logistic(r: float, n: int = 64) -> Known:
    starts = grid(0.01, 0.99, n)
    return Known("logistic", scalar_map, scalar("logistic", r), starts, starts, (), ())


def assert_orbits(found: FixedPoints, step: Any, period: int) -> None:
    """Check that points stand orbit by orbit, each point followed by its image."""
    assert (found.period == period).all()
    assert len(found) % period == 0
    assert found.orbit_id.tolist() == np.repeat(np.arange(len(found) // period), period).tolist()
    for orbit in range(len(found) // period):
        points = found.xstar[found.orbit_id == orbit]
        np.testing.assert_allclose(step(points), np.roll(points, -1, axis=0), atol=1e-7)


@pytest.mark.parametrize(
    ("method", "dtype"), [("newton", "float64"), ("newton", "float32"), ("joint", "float64")]
)
def test_two_cycle_of_the_logistic_map(method: str, dtype: str) -> None:
    known = logistic(3.2)
    finder = finder_of(known, method=method, dtype=dtype)
    found, _ = finder.find_fixed_points(initial_states=known.starts, period=2)

    assert_same_points(found, logistic_cycle(3.2))
    assert_orbits(found, lambda x: 3.2 * x * (1 - x), 2)
    assert found.stability.tolist() == ["stable", "stable"]
    # The multiplier of the cycle, the same at both of its points: 4 + 2 r - r².
    np.testing.assert_allclose(found.eigval_J_xstar[:, 0], 4 + 2 * 3.2 - 3.2**2, rtol=1e-7)


def test_four_cycle_without_the_two_cycle_and_the_fixed_points() -> None:
    known = logistic(3.5)
    found, everything = finder_of(known).find_fixed_points(initial_states=known.starts, period=4)

    x = 0.5
    for _ in range(10_000):
        x = 3.5 * x * (1 - x)
    expected = [x]
    for _ in range(3):
        expected.append(3.5 * expected[-1] * (1 - expected[-1]))
    assert_same_points(found, expected)
    assert_orbits(found, lambda x: 3.5 * x * (1 - x), 4)

    # The audit tells what became of the others, which were found and left out.
    assert len(found.audit) == len(everything)
    shorter = found.audit.reason == "fixed, or on a cycle of a shorter period"
    assert shorter.any()
    for start in np.flatnonzero(shorter):
        distance = np.abs(everything.xstar[start] - [0, 1 - 1 / 3.5, *logistic_cycle(3.5).ravel()])
        assert distance.min() < 1e-6
    for start in np.flatnonzero(found.audit.outcome >= 0):
        point = found.xstar[found.audit.outcome[start]]
        np.testing.assert_allclose(point, everything.xstar[start], atol=1e-6)


def test_both_three_cycles_in_the_window_of_period_three() -> None:
    r = 3.84
    once = Polynomial([0, r, -r])
    thrice = once(once(once))
    roots = (thrice - Polynomial([0, 1])).roots()
    real = np.sort(roots[np.abs(roots.imag) < 1e-9].real)
    cycles = real[np.abs(once(real) - real) > 1e-6]
    assert len(cycles) == 6

    known = logistic(r, 128)
    found, _ = finder_of(known).find_fixed_points(initial_states=known.starts, period=3)
    assert_same_points(found, cycles)
    assert_orbits(found, once, 3)
    stable = found.orbit_id[found.is_stable]
    assert len(stable) == 3
    assert len(set(stable)) == 1


def test_two_cycle_of_the_henon_map() -> None:
    starts = grid(-1.2, 1.2, 8, 2)
    known = Known("henon", planar_map, planar("henon"), starts, starts, (), ())
    finder = finder_of(known)
    found, _ = finder.find_fixed_points(initial_states=starts, period=2)
    assert_same_points(found, henon_cycle())
    assert_orbits(
        found, lambda h: np.stack([1 - 1.4 * h[:, 0] ** 2 + h[:, 1], 0.3 * h[:, 0]], 1), 2
    )
    report = found.completeness
    assert "all fixed points of 2 steps are counted" in report.reason
    # Under two steps a fixed point has the index sign((1 - λ₁²)(1 - λ₂²)).
    once, _ = finder.find_fixed_points(initial_states=starts)
    both = np.sign(np.prod(1 - once.eigval_J_xstar.real**2, axis=1))
    assert report.index_sum == found.index.sum() + both.sum()
    assert report.n_points is None


def test_one_start_brings_the_whole_orbit() -> None:
    known = logistic(3.5)
    found, everything = finder_of(known).find_fixed_points(initial_states=[[0.5]], period=4)
    assert len(found) == 4
    assert len(everything) == 4  # the start, and the images of where it ended
    assert found.audit.outcome.min() >= 0


def test_no_cycle_is_an_empty_set() -> None:
    known = Known("", scalar_map, scalar("tanh", 0.8), grid(-1, 1, 8), np.zeros((1, 1)), (), ())
    found, everything = finder_of(known).find_fixed_points(initial_states=known.starts, period=2)
    assert len(found) == 0
    assert len(found.period) == len(found.orbit_id) == 0
    assert (everything.kind == "fixed").all()
    assert not (found.audit.outcome >= 0).any()


def test_a_flow_has_no_power() -> None:
    known = hopfield_known()
    with pytest.raises(ValueError, match="is a flow"):
        finder_of(known).find_fixed_points(initial_states=known.starts, period=2)


@pytest.mark.parametrize("period", [0, -1, 1.5, "2", True])
def test_a_period_is_a_whole_number(period: Any) -> None:
    known = logistic(3.2)
    with pytest.raises((TypeError, ValueError), match=r"period is .*expected a whole number"):
        finder_of(known).find_fixed_points(initial_states=known.starts, period=period)


@pytest.mark.parametrize(("period", "n_points"), [(5, 30), (8, 240)])
def test_points_of_cycles_that_are_nearer_than_tol_unique_are_two(
    period: int, n_points: int
) -> None:
    # 4 h (1 - h) is sin² in disguise: h = sin²(π k / (2^p - 1)) and sin²(π k / (2^p + 1)) are all
    # points that come back after p steps. The nearest two of eight steps are 6e-7 apart.
    known = logistic(4.0, 512)
    finder = finder_of(known, max_n_unique=1000)
    found, _ = finder.find_fixed_points(initial_states=known.starts, period=period, exhaustive=True)

    n = 2**period
    exact = np.concatenate([np.arange(n // 2) / (n - 1), np.arange(1, n // 2 + 1) / (n + 1)])
    exact = np.sort(np.sin(np.pi * exact) ** 2)
    assert len(found) == n_points
    assert_orbits(found, lambda x: 4 * x * (1 - x), period)
    gap = np.abs(found.xstar - exact).min(axis=1)
    assert (gap <= found.enclosure_radius + 1e-15).all()
    assert found.certified.all()
    # No ball of uniqueness reaches another point.
    others = np.abs(found.xstar - found.xstar.T) + np.eye(n_points)
    assert (found.uniqueness_radius < others.min(axis=1)).all()
    assert np.diff(np.sort(found.xstar[:, 0])).min() < found.tol_unique
