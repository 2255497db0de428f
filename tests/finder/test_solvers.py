"""The protocol of solvers: ours keep it, and one of another library can be plugged in."""

from collections.abc import Hashable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, SilentProgress
from fpf_notebook.finder.options import Options
from fpf_notebook.finder.solvers import METHODS, Solver, newton_for, solver_for
from fpf_notebook.finder.solvers.lanes import Lanes, LaneStatus
from fpf_notebook.finder.solvers.protocol import Limits, Problem
from tests.finder.known_maps import grid

STARTS = grid(-1.5, 1.5, 8, 2)
GAINS = jnp.asarray([2.0, 3.0])


def latches(state: jax.Array, input: jax.Array) -> jax.Array:
    """Two independent latches: nine fixed points."""
    return jnp.tanh(GAINS * state + input)


class Plain:
    """Newton's method without any damping: the shortest solver that there can be."""

    name = "plain Newton"
    together = False
    exact = False

    def key(self) -> Hashable:
        return self.name

    def lane_numbers(self, n_states: int) -> int:
        return 4 * n_states**2

    def lane_flops(self, n_states: int) -> int:
        return 4 * n_states**3

    def init(self, x: jax.Array, limits: Limits) -> jax.Array:
        return jnp.zeros(x.shape[0], jnp.int32)  # counts steps, to see that memory is kept

    def step(
        self, problem: Problem, lanes: Lanes, memory: jax.Array, limits: Limits
    ) -> tuple[Lanes, jax.Array]:
        def one(x: jax.Array, u: jax.Array) -> jax.Array:
            return jnp.linalg.solve(jax.jacfwd(problem.residual)(x, u), -problem.residual(x, u))

        delta = jax.vmap(one)(lanes.x, problem.u)
        x = lanes.x + delta
        q = 0.5 * jnp.sum(problem.residuals(x) ** 2, axis=-1)
        moved = lanes._replace(
            x=x, q=q, dq=lanes.q - q, step=jnp.linalg.norm(delta, axis=-1), n_iters=memory + 1
        )
        return moved, memory + 1

    def terminate(
        self, before: Lanes, after: Lanes, memory: jax.Array, problem: Problem, limits: Limits
    ) -> jax.Array:
        return jnp.select(
            [~jnp.isfinite(after.q), after.q <= limits.tol_q, after.n_iters >= limits.max_iters],
            [LaneStatus.DIVERGED, LaneStatus.CONVERGED, LaneStatus.MAX_ITERS],
            LaneStatus.RUNNING,
        )


class Optimistix(Plain):
    """A root finder of optimistix, lane by lane."""

    def __init__(self, solver: Any) -> None:
        self._solver = solver
        self.name = f"optimistix {type(solver).__name__}"

    def key(self) -> Hashable:
        return (self.name, self._solver.rtol, self._solver.atol)

    def _parts(self, problem: Problem, u: jax.Array) -> tuple[Any, dict[str, Any]]:
        def f(x: jax.Array, args: None) -> tuple[jax.Array, None]:
            return problem.residual(x, u), None

        return f, {"args": None, "options": {}, "tags": frozenset()}

    def init(self, x: jax.Array, limits: Limits) -> Any:
        def one(y: jax.Array) -> Any:
            shape = jax.ShapeDtypeStruct(y.shape, y.dtype)
            return self._solver.init(lambda x, a: (x, None), y, None, {}, shape, None, frozenset())

        return jax.vmap(one)(x)

    def step(
        self, problem: Problem, lanes: Lanes, memory: Any, limits: Limits
    ) -> tuple[Lanes, Any]:
        def one(y: jax.Array, u: jax.Array, state: Any) -> tuple[jax.Array, Any]:
            f, further = self._parts(problem, u)
            new, state, _ = self._solver.step(f, y, state=state, **further)
            return new, state

        x, memory = jax.vmap(one)(lanes.x, problem.u, memory)
        q = 0.5 * jnp.sum(problem.residuals(x) ** 2, axis=-1)
        step = jnp.linalg.norm(x - lanes.x, axis=-1)
        return lanes._replace(x=x, q=q, step=step, n_iters=lanes.n_iters + 1), memory


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dense_limit", [0, 512])
def test_ours_keep_the_protocol(method: Any, dense_limit: int) -> None:
    solver = solver_for(Options(method=method, dense_limit=dense_limit), 4)
    assert isinstance(solver, Solver)
    assert isinstance(hash(solver.key()), int)
    assert solver.lane_numbers(8) > solver.lane_numbers(4) > 0


def test_dense_and_matrix_free_are_two_computations() -> None:
    dense, free = (newton_for(Options(dense_limit=limit), 4) for limit in (512, 0))
    assert dense.key() != free.key()
    assert newton_for(Options(), 4) is newton_for(Options(max_iters=3), 4)


def test_a_solver_of_ones_own_finds_the_same_points() -> None:
    usual, _ = _finder().find_fixed_points(initial_states=STARTS, inputs=np.zeros((1, 2)))
    own, everything = _finder(method=Plain()).find_fixed_points(
        initial_states=STARTS, inputs=np.zeros((1, 2))
    )
    assert len(own) == len(usual) == 9
    np.testing.assert_allclose(own.xstar, usual.xstar, atol=1e-10)
    assert own.provenance["options"]["method"] == "plain Newton"
    # Newton steps of ours finish the lanes, as they do after Adam.
    assert everything.n_iters.min() >= 1


def test_memory_stays_with_its_lane_in_a_refilled_pool() -> None:
    class Counting(Plain):
        name = "counting"

        def terminate(self, before: Any, after: Any, memory: Any, problem: Any, limits: Any) -> Any:
            # A lane ends after as many steps as its first coordinate says.
            return jnp.where(memory >= after.damping, LaneStatus.MAX_ITERS, LaneStatus.RUNNING)

        def step(self, problem: Any, lanes: Any, memory: Any, limits: Any) -> Any:
            damping = jnp.where(memory == 0, 1.0 + jnp.round(jnp.abs(lanes.x[:, 0])), lanes.damping)
            moved = lanes._replace(damping=damping, q=jnp.ones_like(lanes.q), n_iters=memory + 1)
            return moved, memory + 1

    n = 300  # pools of 64 at 40 states
    lengths = np.random.default_rng(0).integers(0, 120, n)
    starts = np.tile(lengths[:, None], (1, 40)).astype(float)
    finder = FixedPointFinder(
        lambda state: state + 1.0,
        n_states=40,
        n_inputs=0,
        method=Counting(),
        progress=SilentProgress(),
    )
    found = finder.search(starts)
    np.testing.assert_array_equal(found.lanes.n_iters, lengths + 1)


def test_what_is_no_solver_is_refused() -> None:
    with pytest.raises(ValueError, match="method is 'newtonn', expected one of 'newton'"):
        _finder(method="newtonn")
    with pytest.raises(ValueError, match="method is <object"):
        _finder(method=object())


def test_root_finders_of_optimistix_can_be_plugged_in() -> None:
    optimistix = pytest.importorskip("optimistix")
    solver = Optimistix(optimistix.Newton(rtol=1e-10, atol=1e-10))
    assert isinstance(solver, Solver)
    points, _ = _finder(method=solver).find_fixed_points(
        initial_states=STARTS, inputs=np.zeros((1, 2))
    )
    assert len(points) == 9
    assert points.provenance["options"]["method"] == "optimistix Newton"


def _finder(**options: Any) -> FixedPointFinder:
    return FixedPointFinder(
        latches,
        n_states=2,
        n_inputs=2,
        convention="state_input",
        progress=SilentProgress(),
        **options,
    )
