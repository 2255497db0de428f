"""The compiled loop that follows curves of solutions, batched over lanes.

A curve is the set of (x, a) with G(x, a) = 0, n equations for n + 1 unknowns. It is followed by
pseudo-arclength: a step along the tangent, then Newton's corrections at a right angle to it, with
one LU factorization a step. Where a passes through 0 the lane pauses, polishes the state at a = 0
by Newton's method, writes it down and goes on: each such state is a fixed point.

Sources: Keller (1977), Allgower & Georg (1990) for the method; Katz & Reggia (2018), "Using
directional fibers to locate fixed points of recurrent neural networks", for its use.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from fpf_notebook._types import AnyFunction, PyTree
from fpf_notebook.dynamics.arrays import AnyArray
from fpf_notebook.finder.endings import Ending

__all__ = [
    "MAX_CORRECTIONS",
    "TOL_CURVE",
    "TOL_POINT",
    "TRACE",
    "Corrected",
    "CurveEnd",
    "CurveState",
    "Job",
    "Scales",
    "ahead_of",
    "boosted",
    "build_tracer",
    "decide",
    "residual_of",
]


class CurveEnd(Ending):
    """Why a curve ended; `message` is the text that people read."""

    RUNNING = 0, "not finished"
    CLOSED = 1, "came back to its start"
    LEFT = 2, "left the range of its parameter"
    LONG = 3, "reached its longest length"
    STUCK = 4, "could not be followed further"
    NO_START = 5, "has no point where it should start"
    CANCELLED = 6, "cancelled"


class Job(NamedTuple):
    """What a lane follows: G(x, a) = boost(F(x + a shift, u + a drive), a push) - x - a force.

    For a flow, G(x, a) = f(x + a shift, u + a drive) - a force. ``boost`` adds its second argument
    to the inverse tanh of the first, within the box: for ``F = tanh(z)`` on [-1, 1] it is
    ``tanh(z + a push)``.
    """

    force: AnyArray  # [L, N]
    shift: AnyArray  # [L, N]
    push: AnyArray  # [L, N]
    drive: AnyArray  # [L, I]
    u: AnyArray  # [L, I]
    scale: AnyArray  # [L], a = scale * (last coordinate of the curve)
    low: AnyArray  # [L], range of the last coordinate
    high: AnyArray  # [L]
    sign: AnyArray  # [L], into which direction of a the curve is followed
    start: AnyArray  # [L, N], the fixed point that it starts from; NaN for none
    max_steps: AnyArray  # [L] int32
    max_length: AnyArray  # [L]


class CurveState(NamedTuple):
    """Where the lanes are. Coordinates are x / sigma, and a / scale as the last one."""

    z: AnyArray  # [L, N + 1], the last point accepted
    tangent: AnyArray  # [L, N + 1]
    bend: AnyArray  # [L, N + 1], how the tangent turned over the last step, per length
    ahead: AnyArray  # [L, N + 1], the next point, behind the one that is being polished
    ahead_tangent: AnyArray  # [L, N + 1]
    side: AnyArray  # [L], sign of the determinant of G's Jacobian with the tangent below it
    h: AnyArray  # [L], step size
    length: AnyArray  # [L]
    n_steps: AnyArray  # [L] int32
    phase: AnyArray  # [L] int8
    y: AnyArray  # [L, N + 1], the point that is being polished at constant a
    guess: AnyArray  # [L, N], where the polish started
    room: AnyArray  # [L], how far it may lead
    rounds: AnyArray  # [L] int32, of the polish
    end: AnyArray  # [L] int8
    found: Any  # [L, K, N], states at a = 0
    n_found: AnyArray  # [L] int32


class Corrected(NamedTuple):
    """What one step of the lanes brought.

    Attributes
    ----------
    point, along : arrays, [L, N + 1]
        The corrected points, and the tangents there, into the direction of the last ones.
    good : array of bool, [L]
        Whether the corrector came to its end.
    used : array of int, [L]
        How many corrections it took.
    side : array, [L]
        Sign of the determinant of the matrix that was factorized.
    """

    point: AnyArray
    along: AnyArray
    good: AnyArray
    used: AnyArray
    side: AnyArray


class Scales(NamedTuple):
    """Numbers of a network that all lanes share."""

    sigma: float | AnyArray  # typical distance of states
    middle: AnyArray  # [N], of the box
    half: AnyArray  # [N]


_START, TRACE, _POLISH = 0, 1, 2

MAX_CORRECTIONS = 4
_MAX_ROUNDS, _MAX_ROUNDS_AT_START = 8, 30  # Jacobians of a polish
TOL_CURVE, TOL_POINT = 1e-4, 1e-11
_SMALLEST, _LARGEST = 1e-7, 2.0  # step sizes
_CLOSE, _FINE = 0.02, 5e-3  # where a nearly touches 0 steps are no longer than the latter
_DOUBT = 0.01  # of both slopes together; a parabola falls by an eighth of that
_TINY_STEP, _AFTER_KINK = 1e-5, 1e-4
_STRAIGHT, _BENT = 0.95, 0.8  # cosines of the angle between two tangents


def boosted(y: jax.Array, a: AnyArray, job: Job, scales: Scales) -> jax.Array:
    """Add ``a push`` to the inverse tanh of a state, within the box."""
    w, by = (y - scales.middle) / scales.half, jnp.tanh(a * job.push)
    moved = scales.middle + scales.half * (w + by) / jnp.maximum(1.0 + w * by, 1e-300)
    return jnp.asarray(moved)


def ahead_of(now: CurveState) -> jax.Array:
    """Return where a curve is expected one step on.

    On the parabola through the last point, along its tangent, that turns as the curve did between
    the last two: it allows steps a third longer than the tangent alone.
    """
    h = jnp.asarray(now.h)[:, None]
    return jnp.asarray(now.z + h * (now.tangent + 0.5 * h * now.bend))


def residual_of(step: AnyFunction, time: str, dtype: str) -> Callable[..., jax.Array]:
    """Return G as a function of params, the point of a curve, its job and the scales."""

    def residual(params: PyTree, z: jax.Array, job: Job, scales: Scales) -> jax.Array:
        x, a = z[:-1] * scales.sigma, z[-1] * job.scale
        y = step(
            params, (x + a * job.shift).astype(dtype), (job.u + a * job.drive).astype(dtype)
        ).astype(z.dtype)
        if time == "discrete":
            y = boosted(y, a, job, scales) - x
        return (y - a * job.force) / scales.sigma

    return residual


def build_tracer(step: AnyFunction, time: str, dtype: str) -> Callable[..., CurveState]:
    """Compile the loop.

    Parameters
    ----------
    step, time, dtype
        The step, whether it is a map or a flow, and the type that it takes.

    Returns
    -------
    callable
        ``advance(params, job, state, scales, n_steps)``, jitted. Each lane that is not at its end
        is moved on ``n_steps`` times; at most half as many states are found meanwhile.
    """
    residual = residual_of(step, time, dtype)

    def system(
        params: PyTree, z: jax.Array, job: Job, scales: Scales
    ) -> tuple[jax.Array, jax.Array]:
        g, push = jax.linearize(lambda point: residual(params, point, job, scales), z)
        return g, jax.vmap(push, out_axes=1)(jnp.eye(len(z), dtype=z.dtype))

    axes = (None, 0, Job._make([0] * len(Job._fields)), None)
    residuals = jax.vmap(residual, in_axes=axes)
    systems = jax.vmap(system, in_axes=axes)

    def iterate(params: PyTree, job: Job, now: CurveState, scales: Scales) -> CurveState:
        n = now.z.shape[1] - 1
        last = jnp.zeros(n + 1, now.z.dtype).at[n].set(1.0)
        tracing = now.phase == TRACE
        point = jnp.where(tracing[:, None], ahead_of(now), now.y)
        row = jnp.where(tracing[:, None], now.tangent, last)
        g, jacobian = systems(params, point, job, scales)
        solve, side = _factorized(jnp.concatenate([jacobian, row[:, None, :]], axis=1))

        # Both at once: what takes the time is to read the factors.
        ends = jnp.broadcast_to(last, point.shape)
        first = solve(jnp.stack([_with_zero(g), ends], axis=2))
        along = first[..., 1] / jnp.linalg.norm(first[..., 1], axis=1, keepdims=True)

        def correct(carry: tuple[Any, ...]) -> tuple[Any, ...]:
            k, where, move, before, good, bad, used = carry
            open_ = ~(good | bad)
            length = jnp.linalg.norm(move, axis=1)
            where = jnp.where(open_[:, None], where - move, where)
            size = 1.0 + jnp.linalg.norm(where, axis=1)
            fine = length <= jnp.where(tracing, TOL_CURVE, TOL_POINT * size)
            slow = ~(length <= 0.5 * before)
            far = ~(length <= 0.3 * now.h) & tracing
            good, bad = good | (open_ & fine), bad | (open_ & ~fine & (slow | far))
            used = jnp.where(open_, k + 1, used)
            move = jax.lax.cond(
                (k + 1 < MAX_CORRECTIONS) & ~jnp.all(good | bad),
                lambda: solve(_with_zero(residuals(params, where, job, scales))[..., None])[..., 0],
                lambda: move,
            )
            return k + 1, where, move, length, good, bad, used

        def unsettled(carry: tuple[Any, ...]) -> jax.Array:
            k, _, _, _, good, bad, _ = carry
            return (k < MAX_CORRECTIONS) & ~jnp.all(good | bad)

        done = now.end != CurveEnd.RUNNING
        zeros = jnp.zeros_like(now.n_steps)
        infinite = jnp.full(len(g), jnp.inf, g.dtype)
        begin = (jnp.int32(0), point, first[..., 0], infinite, jnp.zeros_like(done), done, zeros)
        _, point, _, _, good, _, used = jax.lax.while_loop(unsettled, correct, begin)
        return decide(job, now, Corrected(point, along, good, used, side))

    def trace_on(
        params: PyTree, job: Job, state: CurveState, scales: Scales, n_steps: jax.Array
    ) -> CurveState:
        def body(_: object, now: CurveState) -> CurveState:
            return iterate(params, job, now, scales)

        return jax.lax.fori_loop(0, n_steps, body, state)

    return jax.jit(trace_on)


def decide(job: Job, now: CurveState, found: Corrected) -> CurveState:
    """Take what the corrector brought, or not, and say what each lane does next.

    Parameters
    ----------
    job, now
        What the lanes follow, and where they were.
    found : Corrected
        What a step has brought.
    """
    traced = _trace(job, now, found)
    polished = _polish(job, now, found)
    moved = _choose(now.phase == TRACE, traced, polished)
    return _choose(now.end != CurveEnd.RUNNING, now, moved)


def _trace(job: Job, now: CurveState, found: Corrected) -> CurveState:
    """Take the corrected point, or try again with a shorter step."""
    point, along, good, used, side = found
    turn = jnp.sum(along * now.tangent, axis=1)
    a_old, a_new = now.z[:, -1], point[:, -1]
    missed = _touches(now, point, along)
    # Along a curve the sign stays; where it does not, this is another one, or the same backwards.
    astray = side * now.side < 0
    take = good & (((turn >= _BENT) & ~astray) | (now.h <= _TINY_STEP)) & ~missed
    # At a kink, of a relu say, a curve may turn by more than a right angle: then there is nothing
    # ahead, and the determinant has the other sign. It leaves on the far side, backwards.
    back = ~good & (now.h <= _TINY_STEP) & astray
    shorter = jnp.where(~good, 0.4, jnp.where(missed, 0.3, 0.5))
    longer = jnp.where(
        (used <= 2) & (turn > _STRAIGHT), 1.6, jnp.where(used >= MAX_CORRECTIONS, 0.7, 1.0)
    )
    h = jnp.minimum(now.h * jnp.where(take, longer, shorter), _LARGEST)
    h = jnp.where(back, _AFTER_KINK, h)
    crossing = take & (a_old * a_new < 0)
    distance = jnp.linalg.norm(point - now.z, axis=1)
    guess = _between(now, point, along, distance)
    move_on = take & ~crossing
    length = now.length + jnp.where(take, distance, 0.0)
    n_steps = now.n_steps + 1
    end = jnp.select(
        [
            take & ((a_new < job.low) | (a_new > job.high)),
            h < _SMALLEST,
            (n_steps >= job.max_steps) | (length >= job.max_length),
        ],
        [jnp.int8(CurveEnd.LEFT), jnp.int8(CurveEnd.STUCK), jnp.int8(CurveEnd.LONG)],
        jnp.int8(CurveEnd.RUNNING),
    )
    bend = jnp.where(back[:, None], 0.0, now.bend)
    return now._replace(
        z=jnp.where(move_on[:, None], point, now.z),
        tangent=_first((move_on, along), (back, -along), now.tangent),
        bend=jnp.where(move_on[:, None], _bend(now.tangent, along, distance), bend),
        ahead=point,
        ahead_tangent=along,
        side=jnp.where(take, side, now.side),
        h=h,
        length=length,
        n_steps=n_steps,
        phase=jnp.where(crossing, jnp.int8(_POLISH), jnp.int8(TRACE)),
        y=guess.at[:, -1].set(0.0),
        guess=guess[:, :-1],
        room=jnp.maximum(0.25 * distance, 1e-6),
        rounds=jnp.zeros_like(now.rounds),
        end=jnp.where(crossing & (end != CurveEnd.STUCK), jnp.int8(CurveEnd.RUNNING), end),
    )


def _bend(before: AnyArray, after: AnyArray, step: AnyArray) -> AnyArray:
    return (after - before) / jnp.maximum(step, 1e-12)[:, None]


def _between(now: CurveState, point: AnyArray, along: AnyArray, step: AnyArray) -> jax.Array:
    """Return the point of a cubic through both ends, and along both tangents, where a is 0."""
    a, b, by = now.z, point, step[:, None]
    p, q = now.tangent * by, along * by
    c, d = 3 * (b - a) - 2 * p - q, 2 * (a - b) + p + q

    def halve(_: jax.Array, bracket: tuple[AnyArray, AnyArray]) -> tuple[AnyArray, AnyArray]:
        low, high = bracket
        s = (low + high) / 2
        value = a[:, -1] + s * (p[:, -1] + s * (c[:, -1] + s * d[:, -1]))
        before = value * a[:, -1] > 0
        return jnp.where(before, s, low), jnp.where(before, high, s)

    low, high = jax.lax.fori_loop(0, 30, halve, (jnp.zeros_like(step), jnp.ones_like(step)))
    s = ((low + high) / 2)[:, None]
    return a + s * (p + s * (c + s * d))


def _touches(now: CurveState, point: AnyArray, along: AnyArray) -> AnyArray:
    """Tell whether a may have passed through 0 and back within a step: by a cubic between."""
    a, b = now.z[:, -1], point[:, -1]
    step = jnp.linalg.norm(point - now.z, axis=1)
    slope_a, slope_b = now.tangent[:, -1] * step, along[:, -1] * step
    turns = (a * b > 0) & (slope_a * a < 0) & (slope_b * b > 0)
    # |a| along the step is p(s) = |a| + |slope_a| (-s) + c s² + d s³; where it turns, p' = 0.
    a, b, slope_a, slope_b = a * jnp.sign(a), b * jnp.sign(a), -jnp.abs(slope_a), jnp.abs(slope_b)
    c, d = 3 * (b - a) - 2 * slope_a - slope_b, 2 * (a - b) + slope_a + slope_b
    root = jnp.sqrt(jnp.maximum(c * c - 3 * d * slope_a, 0.0))
    s = -slope_a / jnp.maximum(c + root, 1e-300)  # p'(s) = slope_a + 2 c s + 3 d s²
    lowest = a + s * (slope_a + s * (c + s * d))
    # The slopes are those of a point nearby, and so is what a falls by.
    through = (lowest <= _DOUBT * (jnp.abs(slope_a) + jnp.abs(slope_b))) & (now.h > _TINY_STEP)
    unsure = (lowest <= _CLOSE * step) & (now.h > _FINE)
    return turns & (through | unsure)


def _polish(job: Job, now: CurveState, corrected: Corrected) -> CurveState:
    """Write down a point that has been found, or go on with a fresh Jacobian, or give it up."""
    point, along, good, _, side = corrected
    # Held exactly: were it 1e-17 beside 0, the next step would seem to cross 0 once more.
    point = jnp.concatenate([point[:, :-1], now.y[:, -1:]], axis=1)
    starting = now.phase == _START
    away = jnp.linalg.norm(point[:, :-1] - now.guess, axis=1)
    rounds = now.rounds + 1
    most = jnp.where(starting, _MAX_ROUNDS_AT_START, _MAX_ROUNDS)
    lost = ~(away <= now.room) | (~good & (rounds >= most))
    ready, found = good & ~lost, good & ~lost & ~starting
    # If Newton's method leads away, the step was too long: it is taken again, in smaller ones.
    again = ~starting & lost & (now.h > _TINY_STEP)
    on = ~starting & (ready | lost) & ~again
    # At the start the tangent is that of the point; after a crossing it is the curve's own.
    direction = jnp.where((along[:, -1] * job.sign < 0)[:, None], -along, along)
    passed = jnp.linalg.norm(now.ahead - now.z, axis=1)
    home = jnp.linalg.norm(point[:, :-1] - job.start, axis=1) <= 1e-6 * (
        1.0 + jnp.linalg.norm(job.start, axis=1)
    )
    closed = found & home & (now.ahead[:, -1] * job.sign > 0)
    write = found & ~closed
    lanes = jnp.arange(len(good))
    slot = jnp.where(write, now.n_found, now.found.shape[1])  # out of range: not written
    left = on & ((now.ahead[:, -1] < job.low) | (now.ahead[:, -1] > job.high))
    end = jnp.select(
        [closed, starting & lost, left],
        [jnp.int8(CurveEnd.CLOSED), jnp.int8(CurveEnd.NO_START), jnp.int8(CurveEnd.LEFT)],
        jnp.int8(CurveEnd.RUNNING),
    )
    return now._replace(
        z=_first((starting & ready, point), (on, now.ahead), now.z),
        tangent=_first((starting & ready, direction), (on, now.ahead_tangent), now.tangent),
        bend=jnp.where(on[:, None], _bend(now.tangent, now.ahead_tangent, passed), now.bend),
        # At the start the row below was that of the parameter, into its direction.
        side=jnp.where(starting & ready, side * jnp.sign(direction[:, -1]), now.side),
        h=jnp.where(again, 0.2 * now.h, now.h),
        phase=jnp.where(ready | lost, jnp.int8(TRACE), now.phase),
        y=point,
        rounds=rounds,
        end=end,
        found=now.found.at[lanes, slot].set(point[:, :-1], mode="drop"),
        n_found=now.n_found + write,
    )


def _first(
    one: tuple[AnyArray, AnyArray], two: tuple[AnyArray, AnyArray], otherwise: AnyArray
) -> AnyArray:
    return jnp.where(one[0][:, None], one[1], jnp.where(two[0][:, None], two[1], otherwise))


def _choose(condition: jax.Array, yes: CurveState, no: CurveState) -> CurveState:
    def pick(a: AnyArray, b: AnyArray) -> jax.Array:
        return jnp.where(condition.reshape(-1, *[1] * (a.ndim - 1)), a, b)

    return CurveState(*map(pick, yes, no))


def _factorized(matrix: jax.Array) -> tuple[Callable[[jax.Array], jax.Array], jax.Array]:
    """Factor a batch of matrices once.

    Returns
    -------
    solve, sign
        What solves for right-hand sides [L, N, K]; the signs of the determinants, [L].
    """
    factors, pivots, order = jax.lax.linalg.lu(matrix)
    swaps = jnp.sum(pivots != jnp.arange(pivots.shape[-1]), axis=-1)
    signs = jnp.sign(jnp.diagonal(factors, axis1=-2, axis2=-1))
    sign = jnp.prod(signs, axis=-1) * jnp.where(swaps % 2 == 0, 1.0, -1.0)

    def solve(rhs: jax.Array) -> jax.Array:
        below = jax.lax.linalg.triangular_solve(
            factors,
            jnp.take_along_axis(rhs, order[..., None], axis=1),
            left_side=True,
            lower=True,
            unit_diagonal=True,
        )
        return jax.lax.linalg.triangular_solve(factors, below, left_side=True, lower=False)

    return solve, sign


def _with_zero(g: AnyArray) -> jax.Array:
    return jnp.concatenate([g, jnp.zeros_like(g[:, :1])], axis=1)
