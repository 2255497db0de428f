"""Curves from fixed point to fixed point, many at a time.

From a known point, or from far outside, a curve of solutions of an equation with one more unknown
is followed; wherever that unknown is 0 there is a fixed point. Curves find points that attract
neither the network nor Newton's method, and two curves that start in different places and keep
meeting the same points are the best sign there is that no point is missing.

Sources: Katz & Reggia (2018) for curves F(x) - x = a c; the others are the same method
(pseudo-arclength continuation, Keller 1977) with the unknown elsewhere.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import jax
import numpy as np

from fpf_notebook.dynamics.compile_cache import compiled
from fpf_notebook.finder.progress import CancelToken
from fpf_notebook.finder.proposals.curve_host import LEAST_STATES, build_host_tracer
from fpf_notebook.finder.proposals.curve_loop import (
    CurveEnd,
    CurveState,
    Job,
    Scales,
    build_tracer,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fpf_notebook.dynamics.step_map import StepMap

__all__ = ["Crossings", "Curve", "CurveEnd", "Tracer", "follow"]

_FIRST_STEP = 0.05
# Lanes that are advanced at once, by the number of states at most: enough to make good use of the
# processor, few enough for the matrices to stay in its caches.
_POOLS = {8: 128, 32: 64, 128: 32, 256: 16}
_SMALLEST_POOL = 8
_CHUNK_FLOPS = 1e9  # about a tenth of a second: what a cancellation has to wait for
_LONGEST_CHUNK = 64


@dataclass(frozen=True, eq=False)
class Curve:
    """A curve to follow: G(x, a) = 0, with the unknown ``a`` in one place or several.

    For a map ``G = boost(F(x + a shift, u + a drive), a push) - x - a force``, where ``boost`` adds
    its second argument to the inverse tanh of the first, within the box of the map; for a flow
    ``G = f(x + a shift, u + a drive) - a force``. All are zero unless given.

    Attributes
    ----------
    source : int
        Number of the known point that it starts from, -1 for none (a spine). Not looked at here:
        it comes back with every crossing.
    start : array, [n_states]
        Where to start, at ``a_start``. It is polished first; for a spine any guess will do that
        Newton's method can start from.
    u : array, [n_inputs]
        Constant input.
    force, shift, push, drive : array, [n_states] or [n_inputs], optional
        See above.
    a_start : float
        Where the curve starts: 0 for a known point.
    low, high : float
        The curve ends where ``a`` leaves this range.
    scale : float
        Length of ``a`` that counts as much as a typical distance of states. Default 1.
    kind : str
        For the records, for example ``"residual, random"``.
    max_steps, max_length
        Longest curve, each way.
    """

    source: int
    start: np.ndarray
    u: np.ndarray
    force: np.ndarray | None = None
    shift: np.ndarray | None = None
    push: np.ndarray | None = None
    drive: np.ndarray | None = None
    a_start: float = 0.0
    low: float = -3.0
    high: float = 3.0
    scale: float = 1.0
    kind: str = ""
    max_steps: int = 1500
    max_length: float = np.inf

    @property
    def spine(self) -> bool:
        """Whether it comes in from outside, not from a known point."""
        return self.source < 0


@dataclass(frozen=True)
class Crossings:
    """What was found by one advance of a `Tracer`.

    Attributes
    ----------
    x : array, [m, n_states]
        States at which a curve passed through ``a = 0``, polished: fixed points to about 1e-11.
    curve : array of int, [m]
        Number of the curve (as `Tracer.add` returned it) that met each.
    source : array of int, [m]
        The known point from which that curve started; -1 for a spine.
    ended : dict
        Numbers of the curves that are over, and why: their legs' last `CurveEnd`.
    n_steps : int
        Steps of all lanes.
    n_spine_steps : int
        Those of spines among them.
    """

    x: np.ndarray
    curve: np.ndarray
    source: np.ndarray
    ended: dict[int, CurveEnd]
    n_steps: int
    n_spine_steps: int = 0


class Tracer:
    """Follows curves, a pool of lanes at a time; new ones can be added at any time.

    A curve from a known point is followed one way, and, unless it comes back to its start, the
    other way afterwards; a spine is followed inwards.

    Parameters
    ----------
    step_map : StepMap
        The network.
    sigma : float
        Typical distance of states: step sizes are in this unit. Default 1, right for units
        between -1 and 1.

    Examples
    --------
    Three fixed points, from one of them:

    >>> import numpy as np
    >>> import jax.numpy as jnp
    >>> from fpf_notebook import as_step_map
    >>> from fpf_notebook.finder.proposals.fibers import Curve, Tracer
    >>> latch = as_step_map(
    ...     lambda h: jnp.tanh(2 * h), n_states=1, n_inputs=0, batched=False
    ... )
    >>> tracer = Tracer(latch)
    >>> number = tracer.add(Curve(0, np.zeros(1), np.zeros(0), force=np.ones(1)))
    >>> met = []
    >>> while tracer.busy:
    ...     met.extend(tracer.advance().x[:, 0].round(3).tolist())
    >>> sorted(met)
    [-0.958, 0.958]
    """

    def __init__(self, step_map: StepMap, sigma: float = 1.0) -> None:
        if not (np.isfinite(sigma) and sigma > 0):
            raise ValueError(f"sigma is {sigma!r}, expected a positive number.")
        n = step_map.n_states
        self.step_map = step_map
        self.sigma = float(sigma)
        self.size = next((size for most, size in _POOLS.items() if n <= most), _SMALLEST_POOL)
        # Of the host's loop most is a factorization; in the other the Jacobian costs more than it.
        on_host = n >= LEAST_STATES
        flops = self.size * (0.7 * (n + 1) ** 3 + 1e6 if on_host else 4.0 * (n + 1) ** 3)
        self.chunk = int(2 ** np.floor(np.log2(np.clip(_CHUNK_FLOPS / flops, 4, _LONGEST_CHUNK))))
        self._waiting: deque[tuple[int, Curve, int]] = deque()
        self._curves: dict[int, Curve] = {}
        self._n_added = 0
        self._lane_curve = np.full(self.size, -1)
        self._job = _empty_job(step_map, self.size)
        self._state = _empty_state(n, self.size, self.chunk // 2)
        self._scales: dict[bytes, Scales] = {}

    @property
    def busy(self) -> bool:
        """Whether curves are under way or wait."""
        return bool(self._waiting) or bool((self._lane_curve >= 0).any())

    @property
    def n_waiting(self) -> int:
        """How many legs of curves wait for a lane."""
        return len(self._waiting)

    def add(self, curve: Curve) -> int:
        """Put a curve in the queue.

        Parameters
        ----------
        curve : Curve
            What to follow.

        Returns
        -------
        int
            Its number.

        Raises
        ------
        ValueError
            If a shape does not fit or the range of ``a`` does not hold the start.
        """
        self._check(curve)
        number = self._n_added
        self._n_added += 1
        self._curves[number] = curve
        sign = 1 if not curve.spine else (-1 if curve.a_start > 0 else 1)
        self._waiting.append((number, curve, sign))
        return number

    def compile(self) -> None:
        """Compile the loop, for what the first advance would have to wait else."""
        state = self._state._replace(end=np.full_like(self._state.end, CurveEnd.RUNNING))
        n = self.step_map.n_states
        scales = Scales(np.float64(self.sigma), np.zeros(n), np.ones(n))
        with jax.enable_x64(True):
            self._loop()(self.step_map.params, self._job, state, scales, np.int32(1))

    def drop_waiting(self) -> int:
        """Forget the curves of which no part has been followed yet; return how many."""
        fresh = [entry for entry in self._waiting if entry[2] > 0 or entry[1].spine]
        for entry in fresh:
            self._waiting.remove(entry)
            del self._curves[entry[0]]
        return len(fresh)

    def advance(self, cancel: CancelToken | None = None) -> Crossings:
        """Move all lanes on by one compiled chunk, about a tenth of a second.

        Parameters
        ----------
        cancel : CancelToken, optional
            If it is set, all curves end with the status CANCELLED.

        Returns
        -------
        Crossings
            The points that were met, and the curves that ended.
        """
        if cancel is not None and cancel.cancelled:
            return self._cancelled()
        self._refill()
        lanes = np.flatnonzero(self._lane_curve >= 0)
        if not len(lanes):
            return self._crossings(lanes, {}, 0)
        step_map = self.step_map
        run = self._loop()
        before = self._state.n_steps[lanes].copy()
        inwards = np.array([self._curves[int(k)].spine for k in self._lane_curve[lanes]])
        with jax.enable_x64(True):
            state = run(
                step_map.params, self._job, self._state, self._shared(), np.int32(self.chunk)
            )
            self._state = CurveState(*(np.array(field) for field in state))
        steps = self._state.n_steps[lanes] - before
        over: dict[int, CurveEnd] = {}
        done = lanes[self._state.end[lanes] != CurveEnd.RUNNING]
        for lane in done:
            number = int(self._lane_curve[lane])
            curve, end = self._curves[number], CurveEnd(int(self._state.end[lane]))
            forth = self._job.sign[lane] > 0
            if not curve.spine and forth and end not in (CurveEnd.CLOSED, CurveEnd.NO_START):
                self._waiting.appendleft((number, curve, -1))
            else:
                over[number] = end
        met = self._crossings(lanes, over, int(steps.sum()))
        met = replace(met, n_spine_steps=int(steps[inwards].sum()))
        self._state.n_found[lanes] = 0
        self._lane_curve[done] = -1
        for number in over:
            del self._curves[number]
        return met

    # -- private -----------------------------------------------------------------------------------

    def _loop(self) -> Callable[..., CurveState]:
        step_map, options = self.step_map, (self.step_map.time, self.step_map.dtype)
        if step_map.n_states >= LEAST_STATES:
            return compiled(
                "curves on the host", step_map, options, lambda _: build_host_tracer(step_map)
            )
        return compiled("curves", step_map, options, lambda step: build_tracer(step, *options))

    def _crossings(self, lanes: np.ndarray, over: dict[int, CurveEnd], n_steps: int) -> Crossings:
        count = self._state.n_found[lanes]
        curve = np.repeat(self._lane_curve[lanes], count)
        x = [self._state.found[lane, :k] for lane, k in zip(lanes, count, strict=True)]
        states = np.concatenate([np.empty((0, self.step_map.n_states)), *x]) * self.sigma
        source = np.array([self._curves[int(k)].source for k in curve], dtype=int)
        return Crossings(states, curve, source, over, n_steps)

    def _cancelled(self) -> Crossings:
        over = dict.fromkeys(self._curves, CurveEnd.CANCELLED)
        self._waiting.clear()
        self._curves.clear()
        self._lane_curve[:] = -1
        self._state.end[:] = CurveEnd.CANCELLED
        self._state.n_found[:] = 0
        return self._crossings(np.zeros(0, int), over, 0)

    def _refill(self) -> None:
        job, state, sigma = self._job, self._state, self.sigma
        for lane in np.flatnonzero(self._lane_curve < 0):
            if not self._waiting:
                break
            number, curve, sign = self._waiting.popleft()
            self._lane_curve[lane] = number
            nothing = np.zeros(self.step_map.n_states)
            for name in ("force", "shift", "push"):
                given = getattr(curve, name)
                getattr(job, name)[lane] = nothing if given is None else given
            job.drive[lane] = 0.0 if curve.drive is None else curve.drive
            job.u[lane], job.scale[lane], job.sign[lane] = curve.u, curve.scale, sign
            job.low[lane], job.high[lane] = curve.low / curve.scale, curve.high / curve.scale
            job.start[lane] = np.nan if curve.spine else curve.start / sigma
            job.max_steps[lane], job.max_length[lane] = curve.max_steps, curve.max_length
            point = np.append(curve.start / sigma, curve.a_start / curve.scale)
            state.z[lane], state.y[lane], state.tangent[lane] = point, point, 0.0
            state.bend[lane] = 0.0
            state.guess[lane] = point[:-1]
            state.room[lane] = np.inf if curve.spine else 1e-3
            state.h[lane], state.length[lane] = _FIRST_STEP, 0.0
            for field in (state.n_steps, state.phase, state.rounds, state.end, state.n_found):
                field[lane] = 0

    def _shared(self) -> Scales:
        """Return the box of the map: the push of a curve is in its units."""
        u = self._job.u[int((self._lane_curve >= 0).argmax())]
        key = u.tobytes()
        if key not in self._scales:
            n = self.step_map.n_states
            edges = None if self.step_map.time == "continuous" else self.step_map.invariant_box(u)
            if edges is None or not np.isfinite(edges).all():
                self._scales[key] = Scales(np.float64(self.sigma), np.zeros(n), np.ones(n))
            else:
                low, high = (np.asarray(edge, dtype=np.float64) for edge in edges)
                half = np.maximum((high - low) / 2, 1e-12)
                self._scales[key] = Scales(np.float64(self.sigma), (low + high) / 2, half)
        return self._scales[key]

    def _check(self, curve: Curve) -> None:
        n, n_inputs = self.step_map.n_states, self.step_map.n_inputs
        widths = {"start": n, "force": n, "shift": n, "push": n, "u": n_inputs, "drive": n_inputs}
        for name, width in widths.items():
            value = getattr(curve, name)
            if value is None:
                continue
            if np.shape(value) != (width,):
                raise ValueError(f"{name} has shape {np.shape(value)}, expected ({width},).")
            if not np.isfinite(value).all():
                raise ValueError(f"{name} must be finite; NaN or inf was given.")
        if not curve.low <= curve.a_start <= curve.high:
            raise ValueError(
                f"a_start is {curve.a_start:g}, expected a number between low={curve.low:g} and "
                f"high={curve.high:g}."
            )
        if not curve.scale > 0:
            raise ValueError(f"scale is {curve.scale!r}, expected a positive number.")
        if curve.push is not None and self.step_map.box is None:
            raise ValueError(
                f"push was given, but {self.step_map.name} has no invariant box to push within. "
                "Use force, or give the step map a box."
            )


def follow(
    step_map: StepMap,
    curves: Sequence[Curve],
    *,
    sigma: float = 1.0,
    cancel: CancelToken | None = None,
) -> Crossings:
    """Follow curves to their ends.

    Parameters
    ----------
    step_map : StepMap
        The network.
    curves : sequence of Curve
        What to follow.
    sigma : float
        As for `Tracer`.
    cancel : CancelToken, optional
        Looked at about ten times a second.

    Returns
    -------
    Crossings
        All points met; curves are numbered in the order given.
    """
    tracer = Tracer(step_map, sigma)
    for curve in curves:
        tracer.add(curve)
    parts = [tracer.advance(cancel)]
    while tracer.busy:
        parts.append(tracer.advance(cancel))
    joined = replace(
        parts[0],
        x=np.concatenate([part.x for part in parts]),
        curve=np.concatenate([part.curve for part in parts]),
        source=np.concatenate([part.source for part in parts]),
        n_steps=sum(part.n_steps for part in parts),
        n_spine_steps=sum(part.n_spine_steps for part in parts),
    )
    for part in parts[1:]:
        joined.ended.update(part.ended)
    return joined


def _empty_job(step_map: StepMap, size: int) -> Job:
    n, n_inputs = step_map.n_states, step_map.n_inputs
    return Job(
        force=np.zeros((size, n)),
        shift=np.zeros((size, n)),
        push=np.zeros((size, n)),
        drive=np.zeros((size, n_inputs)),
        u=np.zeros((size, n_inputs)),
        scale=np.ones(size),
        low=np.full(size, -1.0),
        high=np.ones(size),
        sign=np.ones(size),
        start=np.full((size, n), np.nan),
        max_steps=np.zeros(size, np.int32),
        max_length=np.full(size, np.inf),
    )


def _empty_state(n: int, size: int, room: int) -> CurveState:
    return CurveState(
        z=np.zeros((size, n + 1)),
        tangent=np.zeros((size, n + 1)),
        bend=np.zeros((size, n + 1)),
        ahead=np.zeros((size, n + 1)),
        ahead_tangent=np.zeros((size, n + 1)),
        side=np.zeros(size),
        h=np.zeros(size),
        length=np.zeros(size),
        n_steps=np.zeros(size, np.int32),
        phase=np.zeros(size, np.int8),
        y=np.zeros((size, n + 1)),
        guess=np.zeros((size, n)),
        room=np.zeros(size),
        rounds=np.zeros(size, np.int32),
        end=np.full(size, CurveEnd.CANCELLED, np.int8),
        found=np.zeros((size, room, n)),
        n_found=np.zeros(size, np.int32),
    )
