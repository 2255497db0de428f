"""Forward runs: the network is run under a constant input, and where it ends is looked at.

What a run of the network reaches is what the network does, so it must be among the points that are
reported. Ends at rest are polished by Newton's method; what comes back is a cycle, whose period is
checked on its polished orbit; runs that rest in a saddle are pushed off it and go on.

Sources: running a network to find its attractors is as old as Hopfield (1982); cycles are seen by
the algorithm of Brent (1980), flows integrated by the pair of Bogacki & Shampine (1989).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fpf_notebook.dynamics.arrays import AnyArray
from fpf_notebook.dynamics.batches import padded
from fpf_notebook.dynamics.compile_cache import compiled
from fpf_notebook.finder.candidates import Candidates, concatenate_candidates
from fpf_notebook.finder.evaluation import jacobians_at
from fpf_notebook.finder.progress import CancelToken
from fpf_notebook.finder.proposals.orbits import growth, polish_orbit
from fpf_notebook.finder.proposals.running import (
    FlowState,
    RunEnd,
    RunLimits,
    RunState,
    build_flow,
    build_map,
)
from fpf_notebook.finder.search import search
from fpf_notebook.finder.solvers.lanes import LaneStatus

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap
    from fpf_notebook.finder.options import Options

__all__ = ["ForwardRuns", "RunEnd", "Runner", "run_forward"]

_POOL = 64  # lanes that are advanced at once: one compilation serves all
_CHUNK_FLOPS = 4e8  # about a tenth of a second: what a cancellation has to wait for
_SHORT = 1e-2  # a last step of this length, relative to 1 + |x|: worth a polish all the same
_NEAR = 1e-2  # so near, relative to 1 + |x|, must the polished point be, or the run is not at rest
_SAME = 1e-6  # two polished points this near, relative to 1 + |x|, are looked at once
_PUSH = 1e-3  # length of the push off a saddle, relative to 1 + |x|
_MAX_PUSHES = 2
_MAX_LOOKS = 5
_FINER = 0.01  # a run that was taken for resting and was not goes on, and is asked for more
_BOUND = 1e8  # |x| beyond which a run has diverged, relative to 1 + |x_init|


@dataclass(frozen=True)
class ForwardRuns:
    """What became of runs of the network.

    Attributes
    ----------
    x_init, inputs : arrays, [n, n_states] and [n, n_inputs]
        Start and constant input of each run.
    x_end : array, [n, n_states]
        Where each run ended; for runs at rest the point found by Newton's method from there, for
        runs in a cycle a state of the polished orbit.
    end : array of int8, [n]
        A `RunEnd` for each run.
    period : array of int, [n]
        Period of the cycle; 1 at rest, 0 for runs that reached neither.
    n_steps : array of int, [n]
        Steps taken (for a flow those of the integrator, refused ones included).
    polished : Candidates
        The ends from which Newton's method was started, to be judged like any other lanes: those
        at rest, those that hardly moved any more, and the saddles that runs were pushed off.
    lane : array of int, [n]
        Which of the polished lanes belongs to a run; -1 for none.
    orbits : tuple of arrays, [period, n_states] each
        The cycles reached, each once, their states in the order in which they are run through.
    orbit : array of int, [n]
        Which of the orbits a run ended in; -1 for none.
    interrupted : bool
        Whether the runs were cancelled.
    seconds : float
        Time spent.
    """

    x_init: np.ndarray
    inputs: np.ndarray
    x_end: np.ndarray
    end: np.ndarray
    period: np.ndarray
    n_steps: np.ndarray
    polished: Candidates
    lane: np.ndarray
    orbits: tuple[np.ndarray, ...]
    orbit: np.ndarray
    interrupted: bool
    seconds: float

    def __len__(self) -> int:
        """Return the number of runs."""
        return len(self.x_init)

    def counts(self) -> dict[str, int]:
        """Return how many runs ended in which way, in words; ways that none took are left out.

        Examples
        --------
        >>> import numpy as np
        >>> from fpf_notebook import as_step_map
        >>> from fpf_notebook.finder.options import Options
        >>> from fpf_notebook.finder.proposals.forward_runs import run_forward
        >>> import jax.numpy as jnp
        >>> latch = as_step_map(
        ...     lambda h: jnp.tanh(2 * h), n_states=1, n_inputs=0, batched=False
        ... )
        >>> run_forward(latch, np.array([[0.3], [-2.0]]), np.zeros((2, 0)), Options()).counts()
        {'came to rest in a fixed point': 2}
        """
        numbers = np.bincount(self.end, minlength=len(RunEnd))
        order = (RunEnd.REST, RunEnd.CYCLE, RunEnd.MOVING, RunEnd.DIVERGED, RunEnd.INTERRUPTED)
        return {end.message: int(numbers[end]) for end in order if numbers[end]}


def run_forward(
    step_map: StepMap,
    x_init: np.ndarray,
    inputs: np.ndarray,
    options: Options,
    *,
    max_steps: int = 1000,
    max_period: int = 64,
    tol_rest: float | None = None,
    cancel: CancelToken | None = None,
    pool_of: int | None = None,
) -> ForwardRuns:
    """Run the network from given states under constant inputs, and polish where it ends.

    Parameters
    ----------
    step_map : StepMap
        The network; a map is iterated, a flow integrated with a step size of its own.
    x_init : array, [n, n_states]
        Initial states.
    inputs : array, [n, n_inputs]
        Constant input of each run.
    options : Options
        Tolerances of the polish.
    max_steps : int
        Steps after which a run that is still moving is given up. Default 1,000; runs that rest end
        earlier.
    max_period : int
        Longest cycle that is recognized (maps only). Default 64.
    tol_rest : float, optional
        A step as short as this, relative to 1 + |x|, ends a run. Default 1e-6 for maps, 1e-4 for
        flows. Whether it ended in a fixed point is decided by the polish.
    cancel : CancelToken, optional
        Looked at between compiled chunks.
    pool_of : int, optional
        As for `search`.

    Returns
    -------
    ForwardRuns

    Raises
    ------
    ValueError
        If shapes do not fit or a number is out of range; nothing has been run then.
    """
    began = time.perf_counter()
    x, u = _checked(step_map, x_init, inputs)
    _at_least("max_steps", max_steps, 1)
    _at_least("max_period", max_period, 1)
    flow = step_map.time == "continuous"
    if tol_rest is None:
        tol_rest = 1e-4 if flow else 1e-6
    if not 0 < tol_rest < 1:
        raise ValueError(f"tol_rest is {tol_rest!r}, expected a number between 0 and 1.")
    options = replace(options, method="newton", dtype="float64", super_verbose=False)
    work = Runner(
        step_map,
        x,
        u,
        options,
        max_steps=max_steps,
        max_period=max_period,
        tol_rest=tol_rest,
        cancel=cancel,
        pool_of=pool_of,
    )
    going = np.arange(len(x))
    for _ in range(_MAX_LOOKS):
        with jax.enable_x64(True):
            work.run(going)
        with np.errstate(over="ignore", invalid="ignore"):  # runs that diverged
            going = work.look()
        if not len(going) or work.stop():
            break
    return work.record(time.perf_counter() - began)


class Runner:
    """Runs under way: `run` advances them, `look` polishes their ends, `record` sums up."""

    def __init__(
        self,
        step_map: StepMap,
        x: np.ndarray,
        u: np.ndarray,
        options: Options,
        *,
        max_steps: int,
        max_period: int = 1,
        tol_rest: float = 1e-6,
        cancel: CancelToken | None = None,
        pool_of: int | None = None,
    ) -> None:
        n = len(x)
        self.pool_of = pool_of
        self.step_map, self.u, self.options = step_map, u, options
        self.cancel, self.interrupted = cancel, False
        self.flow = step_map.time == "continuous"
        self.noise = 30 * np.finfo(step_map.precision).eps
        self.x_init = x
        self.limits = RunLimits(
            tol_rest=np.full(n, tol_rest),
            reach=_BOUND * (1.0 + np.linalg.norm(x, axis=1)),
            max_period=np.int32(max_period),
            max_steps=np.int32(max_steps),
            tol_local=np.float64(max(0.1 * tol_rest, 1e-6)),
        )
        self.state: Any = _flow_state(x) if self.flow else _map_state(x)
        self.settled = np.zeros(n, dtype=bool)  # looked at, and done
        self.n_pushes = np.zeros(n, dtype=int)
        self.saddle = np.full(x.shape, np.nan)  # the last one that a run was pushed off
        self.lane = np.full(n, -1)
        self.saddle_lane = np.full(n, -1)
        self.period = np.zeros(n, dtype=int)
        self.orbit = np.full(n, -1)
        self.orbits: list[np.ndarray] = []
        self.orbit_inputs: list[np.ndarray] = []
        self.parts: list[Candidates] = []

    def stop(self) -> bool:
        """Say whether to stop, and remember it."""
        if self.cancel is not None and self.cancel.cancelled:
            self.interrupted = True
        return self.interrupted

    # -- running -----------------------------------------------------------------------------------

    def run(self, which: np.ndarray) -> None:
        """Advance these lanes to their end, in place."""
        kind, build = ("run flow", build_flow) if self.flow else ("run map", build_map)
        step_map, dtype = self.step_map, self.step_map.dtype
        advance = compiled(kind, step_map, (dtype,), lambda step: build(step, dtype))
        # A step of a dense network takes some n² operations, that of a flow three times as many.
        flops = _POOL * 8 * step_map.n_states**2 * (3 if self.flow else 1)
        n_steps = np.int32(np.clip(_CHUNK_FLOPS / flops, 8, 1000))
        active, waiting = which[:_POOL], which[_POOL:]
        while len(active) and not self.stop():
            pool = type(self.state)(*(padded(field[active], _POOL) for field in self.state))
            pool.end[len(active) :] = RunEnd.REST
            out = advance(
                step_map.params,
                padded(self.u[active], _POOL),
                pool,
                self.limits._replace(
                    tol_rest=padded(self.limits.tol_rest[active], _POOL),
                    reach=padded(self.limits.reach[active], _POOL),
                ),
                n_steps,
                np.int32(_POOL // 4 if len(waiting) else 0),
            )
            for mine, new in zip(self.state, out, strict=True):
                mine[active] = np.asarray(new)[: len(active)]
            alive = (self.state.end[active] == RunEnd.MOVING) & (
                self.state.n_steps[active] < self.limits.max_steps
            )
            still = active[alive]
            free = _POOL - len(still)
            active, waiting = np.concatenate([still, waiting[:free]]), waiting[free:]

    # -- looking at the ends -----------------------------------------------------------------------

    def look(self) -> np.ndarray:
        """Polish what has ended; return the lanes that go on."""
        state = self.state
        left = np.flatnonzero((state.end == RunEnd.DIVERGED) & (self.n_pushes > 0) & ~self.settled)
        # It was we who pushed it there: what the network did was to rest in the saddle.
        state.x[left], state.end[left], self.period[left] = self.saddle[left], RunEnd.REST, 1
        self.lane[left], self.settled[left] = self.saddle_lane[left], True
        open_ = ~self.settled & np.isfinite(state.x).all(axis=1)
        open_ &= state.end != RunEnd.DIVERGED
        size = 1.0 + np.linalg.norm(state.x, axis=1)
        ended = state.n_steps >= self.limits.max_steps
        short = ended & (state.end == RunEnd.MOVING) & (state.speed <= _SHORT * size)
        self.settled |= open_ & (ended | (state.end != RunEnd.MOVING))
        adrift = self._cycles(np.flatnonzero(open_ & (state.end == RunEnd.CYCLE)))
        self._go_on(adrift)
        resting = np.flatnonzero(open_ & ((state.end == RunEnd.REST) | short))
        if not len(resting) or self.stop():
            return adrift
        part = search(
            self.step_map,
            state.x[resting],
            self.u[resting],
            self.options,
            cancel=self.cancel,
            pool_of=self.pool_of,
        )
        self.interrupted |= part.interrupted
        self.lane[resting] = sum(len(other) for other in self.parts) + np.arange(len(resting))
        self.parts.append(part)
        point = part.lanes.x
        away = np.linalg.norm(point - state.x[resting], axis=1)
        # Near a ghost, where |F(x) - x| is small but nowhere 0, Newton's method does not help much.
        finest = np.maximum(_FINER * self.limits.tol_rest[resting], self.noise)
        solved = np.sqrt(2.0 * part.lanes.q) <= finest * size[resting]
        arrived = (part.lanes.status == LaneStatus.CONVERGED) & (away <= _NEAR * size[resting])
        arrived &= solved
        leaves, direction = self._leaves(point, self.u[resting], arrived)
        # One that creeps towards something else passes a saddle, too.
        arrived &= ~(leaves & short[resting])
        state.end[resting] = np.where(arrived, RunEnd.REST, RunEnd.MOVING)
        self.period[resting] = arrived
        state.x[resting[arrived]] = point[arrived]
        # A run that creeps past the ghost of a fixed point is not at rest: it goes on.
        creeping = resting[~arrived & ~short[resting]]
        self._go_on(creeping)
        off = arrived & leaves & (self.n_pushes[resting] < _MAX_PUSHES)
        self._push(resting[off], direction[off])
        return np.concatenate([adrift, creeping, resting[off]])

    def _leaves(
        self, point: np.ndarray, u: np.ndarray, arrived: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Tell which of the points are left again, and along which direction."""
        leaves, direction = np.zeros(len(point), dtype=bool), np.zeros_like(point)
        index = np.flatnonzero(arrived)
        if not len(index):
            return leaves, direction
        groups = _groups(point[index], u[index])
        first = np.unique(groups, return_index=True)[1]
        jacobian, _ = jacobians_at(self.step_map, point[index[first]], u[index[first]])
        for k, matrix in enumerate(jacobian):
            leaves[index[groups == k]], direction[index[groups == k]] = growth(matrix, self.flow)
        return leaves, direction

    def _push(self, lanes: np.ndarray, direction: np.ndarray) -> None:
        """Move runs that rest in an unstable point along the direction in which it is left."""
        state = self.state
        self.saddle[lanes], self.saddle_lane[lanes] = state.x[lanes], self.lane[lanes]
        sign = np.where(np.arange(len(lanes)) % 2, -1.0, 1.0)[:, None]
        size = 1.0 + np.linalg.norm(state.x[lanes], axis=1)[:, None]
        state.x[lanes] += sign * _PUSH * size * direction
        self.n_pushes[lanes] += 1
        self._restart(lanes)

    def _go_on(self, lanes: np.ndarray) -> None:
        """Let runs that were taken for ended go on, and ask more of them the next time."""
        self.limits.tol_rest[lanes] *= _FINER
        self._restart(lanes)

    def _restart(self, lanes: np.ndarray) -> None:
        """Let lanes go on from where they are, their steps counted on."""
        self.settled[lanes], self.period[lanes], self.lane[lanes] = False, 0, -1
        x = self.state.x[lanes]
        fresh = _flow_state(x) if self.flow else _map_state(x)
        for name, new in fresh._asdict().items():
            if name != "n_steps":
                getattr(self.state, name)[lanes] = new

    # -- cycles ------------------------------------------------------------------------------------

    def _cycles(self, came_back: np.ndarray) -> np.ndarray:
        """Polish the orbits that runs came back on; return the runs that are on none."""
        state = self.state
        adrift = []
        for lane in came_back:
            if self.stop():
                state.end[lane] = RunEnd.INTERRUPTED
                continue
            known = self._known_orbit(lane, state.x[lane], 1e-4)
            if known < 0:
                orbit = polish_orbit(
                    self.step_map, state.x[lane], self.u[lane], int(state.period[lane])
                )
                if orbit is None:
                    adrift.append(lane)
                    continue
                if len(orbit) == 1:  # a focus that is approached in a spiral
                    state.x[lane], state.end[lane], self.period[lane] = orbit[0], RunEnd.REST, 1
                    continue
                known = self._known_orbit(lane, orbit[0], _SAME)
                if known < 0:
                    known = len(self.orbits)
                    self.orbits.append(orbit)
                    self.orbit_inputs.append(self.u[lane])
            orbit = self.orbits[known]
            nearest = np.linalg.norm(orbit - state.x[lane], axis=1).argmin()
            state.x[lane] = orbit[nearest]
            self.orbit[lane], self.period[lane] = known, len(orbit)
        return np.array(adrift, dtype=int)

    def _known_orbit(self, lane: int, x: np.ndarray, tol: float) -> int:
        for k, (orbit, u) in enumerate(zip(self.orbits, self.orbit_inputs, strict=True)):
            gap = np.linalg.norm(orbit - x, axis=1).min()
            if gap <= tol * (1 + np.linalg.norm(x)) and (u == self.u[lane]).all():
                return k
        return -1

    def record(self, seconds: float) -> ForwardRuns:
        """Return what became of the runs."""
        end = self.state.end
        unfinished = (end == RunEnd.MOVING) & (self.state.n_steps < self.limits.max_steps)
        end[unfinished & ~self.settled] = RunEnd.INTERRUPTED
        if not self.parts:  # with nothing to polish there is still the record of it
            self.parts.append(search(self.step_map, self.x_init[:0], self.u[:0], self.options))
        return ForwardRuns(
            x_init=self.x_init,
            inputs=self.u,
            x_end=self.state.x,
            end=end,
            period=self.period,
            n_steps=self.state.n_steps,
            polished=concatenate_candidates(self.parts),
            lane=self.lane,
            orbits=tuple(self.orbits),
            orbit=self.orbit,
            interrupted=self.interrupted,
            seconds=seconds,
        )


def _map_state(x: np.ndarray) -> RunState:
    n = len(x)
    return RunState(
        x=x.copy(),
        speed=np.full(n, np.inf),
        mark=x.copy(),
        since=np.zeros(n, np.int32),
        span=np.ones(n, np.int32),
        period=np.zeros(n, np.int32),
        n_steps=np.zeros(n, np.int32),
        end=np.zeros(n, np.int8),
    )


def _flow_state(x: np.ndarray) -> FlowState:
    n = len(x)
    return FlowState(
        x=x.copy(),
        speed=np.full(n, np.inf),
        slope=np.zeros_like(x),
        dt=np.zeros(n),
        n_steps=np.zeros(n, np.int32),
        end=np.zeros(n, np.int8),
    )


def _groups(x: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Return a number for each point; the same point under the same input has the same."""
    group = np.full(len(x), -1)
    n_groups = 0
    for k in range(len(x)):
        if group[k] >= 0:
            continue
        gap = np.linalg.norm(x - x[k], axis=1)
        same = (group < 0) & (gap <= _SAME * (1 + np.linalg.norm(x[k]))) & (u == u[k]).all(axis=1)
        group[same] = n_groups
        n_groups += 1
    return group


def _checked(
    step_map: StepMap, x_init: AnyArray, inputs: AnyArray
) -> tuple[np.ndarray, np.ndarray]:
    x = np.array(x_init, dtype=np.float64)
    u = np.array(inputs, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] != step_map.n_states:
        raise ValueError(f"x_init has shape {x.shape}, expected [n, n_states={step_map.n_states}].")
    if u.shape != (len(x), step_map.n_inputs):
        raise ValueError(
            f"inputs has shape {u.shape}, expected [n={len(x)}, n_inputs={step_map.n_inputs}]."
        )
    if not np.isfinite(x).all() or not np.isfinite(u).all():
        raise ValueError("x_init and inputs must be finite; NaN or inf was given.")
    return x, u


def _at_least(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} is {value!r}, expected an integer of at least {least}.")
    if value < least:
        raise ValueError(f"{name} is {value}, expected an integer of at least {least}.")
