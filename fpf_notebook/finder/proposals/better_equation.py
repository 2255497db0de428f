"""The better equation: the same solutions, better conditioned, sometimes fewer unknowns.

A gated step ``h + g (n(h) - h)`` has the fixed points of ``n``, a leaky one those of its drive, a
rate model (flow) ``-h / τ + …`` those of what drives it. Where gates are nearly shut, F(h) - h is
small everywhere and says little; n(h) - h says it all. Of an LSTM the cells follow from the
outputs, ``c = i g / (1 - f)``: half of the unknowns are gone.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from fpf_notebook._types import AnyFunction, PyTree
from fpf_notebook.dynamics.compile_cache import QUICK, compiled
from fpf_notebook.dynamics.step_map import StepFunction
from fpf_notebook.finder.proposals.affine import affine_parts

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap

__all__ = ["BetterEquation", "better_equation"]

_SHUT = 1e-12  # 1 - A below which a unit keeps all of its state, and F itself is solved
_N_PROBES = 3
_REACHES = (1.0, 3.0, 10.0, 30.0, 100.0) * 2  # of further probes, should states seem to follow


@dataclass(frozen=True, eq=False)
class BetterEquation:
    """A map with the same fixed points as a network.

    Attributes
    ----------
    step_map : StepMap
        The map; always discrete, also for a flow. Its states are those of the network at
        ``kept``.
    kept : array of int, [n_kept]
        Which of the network's states are left; the others follow from them.
    original : StepMap
        The network.
    """

    step_map: StepMap
    kept: np.ndarray
    original: StepMap

    def reduce(self, x: np.ndarray) -> np.ndarray:
        """Take the states that are left out of whole ones, [..., n_states] to [..., n_kept]."""
        return np.asarray(x, dtype=np.float64)[..., self.kept]

    def lift(self, x: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Return whole states at which the others are as they must be at a fixed point.

        Parameters
        ----------
        x, u : arrays, [n, n_kept] and [n, n_inputs] or [1, n_inputs]
            States of `step_map`, and inputs.

        Returns
        -------
        array, [n, n_states]
        """
        original, kept = self.original, self.kept
        x = np.asarray(x, dtype=np.float64)
        if len(kept) == original.n_states or not len(x):
            return np.array(x).reshape(len(x), original.n_states)
        whole = _whole(kept, original.n_states)
        key = (original.time, original.dtype, tuple(kept.tolist()))

        def build(step: AnyFunction) -> AnyFunction:
            solved = _solved(step, original.time, original.dtype)

            def lifted(params: PyTree, part: jax.Array, given: jax.Array) -> object:
                others = solved(params, whole(part), given)
                return others.at[kept].set(part)

            return jax.jit(jax.vmap(lifted, in_axes=(None, 0, 0)), compiler_options=QUICK)

        run = compiled("lift", original, key, build)
        with jax.enable_x64(True):
            given = np.broadcast_to(np.asarray(u, dtype=np.float64), (len(x), original.n_inputs))
            return np.asarray(run(original.params, x, given))


def better_equation(step_map: StepMap, *, seed: int = 0) -> BetterEquation | None:
    """Look for a better equation in the program of a step.

    Parameters
    ----------
    step_map : StepMap
        The network, a map or a flow.
    seed : int
        Of the states at which it is tried.

    Returns
    -------
    BetterEquation or None
        None where the step keeps nothing of its state directly, as a plain network.

    Examples
    --------
    >>> import numpy as np
    >>> from fpf_notebook import as_step_map
    >>> from fpf_notebook.finder.proposals.better_equation import better_equation
    >>> from fpf_notebook.models import LSTM
    >>> better = better_equation(as_step_map(LSTM(2, 8, 1)))
    >>> better.original.n_states, better.step_map.n_states
    (16, 8)
    """
    n, rng = step_map.n_states, np.random.default_rng(seed)
    x = np.concatenate([np.zeros((1, n)), rng.uniform(-1, 1, (_N_PROBES - 1, n))])
    u = rng.uniform(-1, 1, (_N_PROBES, step_map.n_inputs))
    time, dtype = step_map.time, step_map.dtype
    probe = compiled(
        "affine parts", step_map, (time, dtype), lambda step: _probe(step, time, dtype)
    )
    with jax.enable_x64(True):
        kept_share, jacobian = (np.asarray(part) for part in probe(step_map.params, x, u))
    if not (np.isfinite(kept_share).all() and np.isfinite(jacobian).all()):
        return None
    loses = -kept_share if time == "continuous" else 1.0 - kept_share
    if not ((kept_share != 0) & (np.abs(loses) > _SHUT)).any():
        return None
    depends = (jacobian != 0).any(axis=0)
    # States that follow from the others: their own equations hold none of them.
    follow = (kept_share != 0).all(axis=0)
    candidates = follow & ~depends[:, follow].any(axis=1)
    for reach in _REACHES if candidates.any() else ():
        # A relu that is shut hides what its unit depends on: it opens somewhere far out.
        far = rng.uniform(-reach, reach, (_N_PROBES, n))
        with jax.enable_x64(True):
            share, jacobian = (np.asarray(part) for part in probe(step_map.params, far, u))
        # A gate that is shut there leaves its unit as it was: that is no dependence.
        moves = np.abs(share if time == "continuous" else 1.0 - share) > _SHUT
        depends |= ((jacobian != 0) & moves[:, :, None]).any(axis=0)
    follow &= ~depends[:, follow].any(axis=1)
    kept = np.flatnonzero(~follow)
    if not len(kept):
        kept = np.arange(n)
    if time == "continuous" and not _all_solved(kept_share, kept, follow):
        return None
    return BetterEquation(_reduced(step_map, kept), kept, step_map)


def _all_solved(kept_share: np.ndarray, kept: np.ndarray, follow: np.ndarray) -> bool:
    """Tell whether every state of a flow has its own term: F(h) = h is no equation of a flow's."""
    return bool((np.abs(kept_share[:, kept]) > _SHUT).all() or follow.all())


def _probe(step: StepFunction, time: str, dtype: str) -> AnyFunction:
    solved = _solved(step, time, dtype)

    def one(params: PyTree, x: jax.Array, u: jax.Array) -> tuple[object, object]:
        a, _ = affine_parts(step, params, x.astype(dtype), u.astype(dtype))
        return a, jax.jacfwd(lambda state: solved(params, state, u))(x)

    return jax.jit(jax.vmap(one, in_axes=(None, 0, 0)), compiler_options=QUICK)


def _solved(step: StepFunction, time: str, dtype: str) -> StepFunction:
    """Return B / (1 - A) of a map, -B / A of a flow: the state at which a unit would rest."""

    def solved(params: PyTree, x: jax.Array, u: jax.Array) -> jax.Array:
        a, b = affine_parts(step, params, x.astype(dtype), u.astype(dtype))
        a, b = a.astype(x.dtype), b.astype(x.dtype)
        loses = -a if time == "continuous" else 1.0 - a
        safe = jnp.abs(loses) > _SHUT
        rest = b / jnp.where(safe, loses, 1.0)
        return jnp.where(safe, rest, a * x + b)

    return solved


def _whole(kept: np.ndarray, n: int) -> AnyFunction:
    """Return what fills states that are left into whole ones; no one looks at the others."""

    def whole(part: jax.Array) -> jax.Array:
        return jnp.zeros(n, part.dtype).at[kept].set(part)

    return whole


def _reduced(step_map: StepMap, kept: np.ndarray) -> StepMap:
    step, box, n = step_map.step, step_map.box, step_map.n_states
    solved, whole = _solved(step, step_map.time, step_map.dtype), _whole(kept, n)

    def better(params: PyTree, x: jax.Array, u: jax.Array) -> jax.Array:
        once = solved(params, whole(x), u)
        if len(kept) == n:
            return once
        # Now that the states which follow are known, the step of the others.
        others = once.at[kept].set(x)
        return solved(params, others, u)[kept]

    def smaller_box(params: PyTree, u: jax.Array) -> tuple[jax.Array, jax.Array]:
        assert box is not None
        low, high = box(params, u)
        return low[kept], high[kept]

    # A box that was proven works on numbers, and so does this one then.
    smaller_box.on_host = getattr(box, "on_host", False)  # type: ignore[attr-defined]

    return dataclasses.replace(
        step_map,
        step=better,
        n_states=len(kept),
        slices=(),
        time="discrete",
        dt=None,
        dtype="float64",
        box=None if box is None else smaller_box,
        readout=None,
        n_outputs=None,
        name=f"{step_map.name}, better equation",
        signature=f"{step_map.signature} better {step_map.time} {kept.tolist()}",
        _retrace=None,
        _origin=None,
    )
