"""Bounded memory, and large states without matrices."""

from typing import Any

import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, FixedPoints, SilentProgress
from fpf_notebook.dynamics import compile_cache
from fpf_notebook.dynamics.compile_cache import compiled
from fpf_notebook.finder.options import Options
from fpf_notebook.finder.solvers import newton_for
from fpf_notebook.finder.solvers import pool as pools
from fpf_notebook.finder.solvers.pool import pool_size
from fpf_notebook.models import VanillaRNN
from tests.dynamics.counting import compilations
from tests.finder.known_maps import (
    Known,
    assert_same_points,
    finder_of,
    grid,
    planar,
    planar_map,
)

PLANE = grid(-1.2, 1.2, 8, 2)
LATCH = Known(
    "latch", planar_map, planar("latch", [[2.0, -0.4], [-0.4, 2.0]]), PLANE, PLANE, (), ()
)


def latch_of(**options: Any) -> tuple[FixedPoints, FixedPoints]:
    return finder_of(LATCH, **options).find_fixed_points(initial_states=PLANE)


def lane_numbers(n_states: int, matrix_free: bool) -> int:
    limit = 0 if matrix_free else n_states
    return newton_for(Options(dense_limit=limit), n_states).lane_numbers(n_states)


@pytest.mark.parametrize("n_states", [1, 8, 64, 512, 4096])
@pytest.mark.parametrize("matrix_free", [False, True])
@pytest.mark.parametrize("max_memory", [10_000_000, 512_000_000])
def test_a_pool_fits_into_its_memory(n_states: int, matrix_free: bool, max_memory: int) -> None:
    size = pool_size(n_states, max_memory, lane_numbers(n_states, matrix_free), 10**9)
    assert size & (size - 1) == 0
    per_lane = 8 * (40 * n_states if matrix_free else 6 * n_states**2)
    assert size * per_lane <= max_memory or size == 1
    # As many as fit, twice as many would not, with what else a lane holds; or as many as are quick.
    too_many = 2 * size * 8 * (40 * n_states + 6 * n_states**2 * (not matrix_free)) > max_memory
    assert too_many or size == {1: 1024, 8: 1024, 64: 64}.get(n_states, 16)


def test_a_pool_is_not_larger_than_needed() -> None:
    def size(n_states: int, max_memory: int, n_lanes: int) -> int:
        return pool_size(n_states, max_memory, lane_numbers(n_states, False), n_lanes)

    assert size(4, 512_000_000, 1000) == 1024
    assert size(4, 512_000_000, 1) == 64  # one compilation serves all small searches
    assert size(4, 1, 1000) == 1
    assert [size(n, 512_000_000, 5000) for n in (4, 16, 32, 33)] == [1024, 256, 256, 64]


def test_a_first_search_compiles_its_loop_once() -> None:
    model = VanillaRNN(3, 20, 3, seed=0)
    compile_cache.clear()
    starts = np.random.default_rng(0).uniform(-1, 1, (600, 20))
    with compilations() as names:
        FixedPointFinder(model).find_fixed_points(initial_states=starts, inputs=np.zeros((1, 3)))
    assert sum("advance" in name for name in names) == 1, names


def test_a_search_in_small_pools_gives_the_same() -> None:
    whole, everything = latch_of()
    # 2 states: 8 * (6 * 4 + 40 * 2) = 832 bytes a lane, so 16 lanes at a time instead of 64.
    parts, lanes = latch_of(max_memory=16 * 832)
    np.testing.assert_allclose(parts.xstar, whole.xstar, atol=1e-12)
    np.testing.assert_allclose(lanes.xstar, everything.xstar, atol=1e-12)
    np.testing.assert_array_equal(lanes.n_iters, everything.n_iters)


def test_max_memory_is_what_decides_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def spy(*args: Any) -> int:
        sizes.append(pool_size(*args))
        return sizes[-1]

    monkeypatch.setattr(pools, "pool_size", spy)
    latch_of()
    latch_of(max_memory=16 * 832)
    assert sizes[0] == 64
    assert sizes[-1] == 16


def test_jacobians_that_do_not_fit_are_left_out_and_this_is_said() -> None:
    # Nine points of two states: 8 * 4 * 6 bytes each with their eigenvectors.
    unique, _ = latch_of(max_memory=9 * 8 * 4 * 6 - 1)
    whole, _ = latch_of()
    assert unique.J_xstar is None
    assert unique.eigvec_J_xstar is None
    assert "max_memory" in unique.provenance["left_out"]
    np.testing.assert_allclose(unique.eigval_J_xstar, whole.eigval_J_xstar, atol=1e-9)
    np.testing.assert_array_equal(unique.index, whole.index)
    np.testing.assert_array_equal(unique.stability, whole.stability)
    assert "left_out" not in whole.provenance


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_without_matrices_the_points_are_the_same(
    dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loops = []

    def spy(kind: str, step_map: Any, options: Any, build: Any) -> Any:
        loops.append((kind, options[0][0]))  # the loop, and the name of its solver
        return compiled(kind, step_map, options, build)

    monkeypatch.setattr(pools, "compiled", spy)
    dense, _ = latch_of(dtype=dtype, dense_limit=2)
    assert set(loops) == {("lanes", "newton")}
    loops.clear()
    matrix_free, everything = latch_of(dtype=dtype, dense_limit=1)
    assert set(loops) == {("lanes", "newton, matrix-free")}
    order = assert_same_points(matrix_free, dense.xstar, tol=1e-8)
    np.testing.assert_array_equal(matrix_free.index[order], dense.index)
    assert np.mean(everything.kind == "fixed") > 0.9


def test_a_large_network_without_matrices() -> None:
    rng = np.random.default_rng(0)
    n = 40
    model = VanillaRNN.from_arrays(
        W_ih=rng.standard_normal((n, 1)),
        W_hh=0.9 * rng.standard_normal((n, n)) / np.sqrt(n),
        b=0.3 * rng.standard_normal(n),
    )
    starts = rng.uniform(-1, 1, (16, n))
    found = [
        FixedPointFinder(model, dense_limit=limit, progress=SilentProgress()).find_fixed_points(
            initial_states=starts, inputs=np.zeros((1, 1))
        )[0]
        for limit in (512, 39)
    ]
    assert len(found[0]) >= 1
    assert_same_points(found[1], found[0].xstar, tol=1e-8)
    assert found[1].qstar.max() <= 1e-20
