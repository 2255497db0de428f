"""What a solver is: the pool driver (`pool.py`) runs anything of this shape.

A solver moves a batch of lanes by one iteration (`step`), says which of them have ended
(`terminate`), and remembers what it needs between iterations in a tree of arrays with one row a
lane (`init`). So lanes can be pooled, refilled, cancelled and resumed without the driver knowing
the method. All three are traced by JAX, in the precision of the lanes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias, runtime_checkable

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from fpf_notebook.finder.solvers.lanes import Lanes

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import PyTree, StepFunction

__all__ = ["Limits", "Memory", "Problem", "Solver", "problem_of"]

Memory: TypeAlias = "PyTree"
"""What a solver remembers: a tree of arrays, each with one row a lane; ``()`` for nothing."""


class Problem(NamedTuple):
    """The equation of a batch of lanes.

    Attributes
    ----------
    residual : callable
        ``residual(x[N], u[I]) -> r[N]`` of one lane: F(x, u) - x of a map, dx/dt of a flow. Its
        roots are sought.
    u : array, [L, I]
        Constant input of each lane.
    low, high : arrays, [L, N]
        Box outside of which no fixed point lies; infinite where none is known.
    valid : array of bool, [L]
        False for lanes that only fill up the batch.
    """

    residual: Callable[[jax.Array, jax.Array], jax.Array]
    u: jax.Array
    low: jax.Array
    high: jax.Array
    valid: jax.Array

    def residuals(self, x: jax.Array) -> jax.Array:
        """Residuals of all lanes, [L, N]."""
        return jax.vmap(self.residual)(x, self.u)


class Limits(NamedTuple):
    """Numbers that stop a lane or steer the method; all are arguments of the compiled loop.

    Attributes
    ----------
    tol_q, tol_dq, tol_step, max_iters, may_stall
        When a lane has arrived, when it hardly moves any more, how short its last step has to be,
        how many iterations it may make, whether it may end in a local minimum of q.
    lr_init, lr_factor, lr_patience, lr_cooldown
        Schedule of a learning rate, for methods that have one.
    """

    tol_q: ArrayLike
    tol_dq: ArrayLike
    tol_step: ArrayLike
    max_iters: ArrayLike
    may_stall: ArrayLike
    lr_init: ArrayLike
    lr_factor: ArrayLike
    lr_patience: ArrayLike
    lr_cooldown: ArrayLike


@runtime_checkable
class Solver(Protocol):
    """A method that brings q = |residual|² / 2 to zero; pass one as ``method=`` of the finder.

    Attributes
    ----------
    name : str
        For messages and provenance.
    together : bool
        Whether all lanes must be worked on at once, none later: because they depend on each other,
        or because what is remembered counts the iterations of all.
    exact : bool
        Whether a lane that has converged ended with a Newton step of at most ``tol_step``, in which
        case nothing is left to do. Lanes of other solvers are finished by Newton's method.
    """

    name: str
    together: bool
    exact: bool

    def key(self) -> Hashable:
        """Return everything about this solver that its compiled loop depends on."""

    def lane_numbers(self, n_states: int) -> int:
        """Return how many numbers a lane takes while it is worked on, for the size of the pool."""

    def lane_flops(self, n_states: int) -> int:
        """Return about how many operations an iteration of a lane takes."""

    def init(self, x: jax.Array, limits: Limits) -> Memory:
        """Return what is remembered before the first iteration of lanes at ``x[L, N]``."""

    def step(
        self, problem: Problem, lanes: Lanes, memory: Memory, limits: Limits
    ) -> tuple[Lanes, Memory]:
        """Return all lanes after one more iteration.

        ``x``, ``q``, ``dq``, ``step``, ``slope`` and ``n_iters`` are those after it; ``status``
        stays as it was. Lanes that are not running are put back by the driver.
        """

    def terminate(
        self, before: Lanes, after: Lanes, memory: Memory, problem: Problem, limits: Limits
    ) -> jax.Array:
        """Return the `LaneStatus` of each lane, [L] int8; RUNNING for those to go on."""


def problem_of(
    step: StepFunction,
    time: str,
    step_dtype: str,
    params: PyTree,
    rows: tuple[jax.Array, jax.Array, jax.Array, jax.Array],
) -> Problem:
    """Make the problem of a network: its roots are F(x) = x of a map, f(x) = 0 of a flow.

    Parameters
    ----------
    step, time, step_dtype
        The step, "discrete" or "continuous", and the type that the step takes; the residual has
        that of the state.
    params
        Parameters of the step.
    rows
        ``u, low, high, valid`` of the lanes.
    """

    def residual(x: jax.Array, u: jax.Array) -> jax.Array:
        moved = step(params, x.astype(step_dtype), u.astype(step_dtype)).astype(x.dtype)
        return moved if time == "continuous" else moved - x

    u, low, high, valid = rows
    return Problem(residual, u, low, high, valid)


def running_only(lanes: Lanes, moved: Lanes, running: jax.Array) -> Lanes:
    """Return the moved lanes where they are running, and the old ones elsewhere."""
    return Lanes(
        *(
            jnp.where(running[:, None] if new.ndim == 2 else running, new, old)
            for new, old in zip(moved, lanes, strict=True)
        )
    )
