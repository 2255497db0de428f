"""When two points are one: balls decide, the tolerance where there are none."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, SilentProgress

GAP = 1e-4  # between two points: a tenth of the default tolerance


def finder(step: Any, n: int, **options: Any) -> FixedPointFinder:
    return FixedPointFinder(
        step, n_states=n, n_inputs=1, progress=SilentProgress(), n_runs=0, **options
    )


def pair(s: Any, i: Any) -> Any:
    """h - (h - c)(h + c) h with c = GAP: fixed points at -c, 0 and c, far from degenerate."""
    return s - 1e6 * (s - GAP) * (s + GAP) * s


def search(f: FixedPointFinder, starts: np.ndarray, **options: Any) -> Any:
    return f.find_fixed_points(initial_states=starts, inputs=np.zeros((1, 1)), **options)[0]


@pytest.mark.parametrize("exhaustive", [False, True])
def test_points_nearer_than_the_tolerance_are_told_apart(exhaustive: bool) -> None:
    starts = np.linspace(-3 * GAP, 3 * GAP, 61)[:, None]
    found = search(finder(pair, 1), starts, exhaustive=exhaustive, max_rounds=2)
    np.testing.assert_allclose(np.sort(found.xstar[:, 0]), [-GAP, 0, GAP], atol=1e-12)
    # Every start has its point: none was given to a neighbour.
    assert found.hits.sum() >= len(starts)


def test_a_coarse_tolerance_shows_one_of_them_and_counts_all() -> None:
    starts = np.linspace(-3 * GAP, 3 * GAP, 61)[:, None]
    found = search(finder(pair, 1, tol_unique=0.01), starts, exhaustive=True, max_rounds=2)
    assert len(found) == 1
    assert found.completeness.n_points == 3
    assert found.completeness.n_shown == 1


def test_without_a_program_the_tolerance_decides() -> None:
    import jax

    def opaque(s: Any, i: Any) -> Any:
        # A callback cannot be read: no certificate, so that near points are one, as they were.
        shape = jax.ShapeDtypeStruct(s.shape, s.dtype)
        out = jax.pure_callback(
            np.zeros_like, shape, jax.lax.stop_gradient(s), vmap_method="broadcast_all"
        )
        return pair(s, i) + jax.lax.stop_gradient(out)

    starts = np.linspace(-3 * GAP, 3 * GAP, 21)[:, None]
    found = search(finder(opaque, 1), starts)
    assert len(found) == 1


def test_lanes_that_end_at_some_distance_of_their_point_are_not_points_of_their_own() -> None:
    # A contraction so weak that the Newton steps of the search end at 1e-5 from the point.
    def weak(s: Any, i: Any) -> Any:
        return s - 1e-3 * jnp.tanh(s) - 0.3 * s**3

    starts = np.random.default_rng(0).uniform(-1, 1, (256, 2))
    found = search(finder(weak, 2, tol_q=1e-10), starts, exhaustive=True, max_rounds=3)
    assert len(found) == 1
    np.testing.assert_allclose(found.xstar, 0, atol=1e-8)


def test_a_line_of_points_is_thinned_out_by_the_tolerance() -> None:
    def line(s: Any, i: Any) -> Any:
        return s * jnp.array([1.0, 0.5])

    starts = np.random.default_rng(0).uniform(-1e-2, 1e-2, (400, 2))
    found = search(finder(line, 2), starts)
    x = np.sort(found.xstar[:, 0])
    assert 5 <= len(found) <= 21
    assert np.diff(x).min() > found.tol_unique
