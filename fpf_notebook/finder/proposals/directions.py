"""Which curves to follow: from where, in which direction, by which equation.

Found by trial on networks with known points: leading singular vectors of the weights pay early,
random vectors and weights times random vectors later, and differences between known points reach
the rare ones: of the second published context net, 16 curves along such directions met all 53
points, along any other 37 to 46. All are drawn in turn.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook.finder.evaluation import evaluate, jacobians_at
from fpf_notebook.finder.proposals.drive import Driven, with_drive
from fpf_notebook.finder.proposals.fibers import Curve

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap

__all__ = ["CurveSource", "typical_distance"]

_N_LEADING = 12
_LEAST_SLOPE = 1e-6  # of a nonlinearity, by which a row of the Jacobian may be divided
_WEAK = -20.0  # log of a gain so low that no nonlinearity saturates
_FAR = 10.0  # in typical distances: where F(x) - x = a c is solved first, if nothing saturates
_SCALE, _LONGEST = 2.0, 40.0  # of the drive; and how long, in that unit, its range may be
_DOUBLINGS, _ONE_STATE = 6, 1e-3  # how often a push is doubled, until only one state is left
_ASIDE = 1e-3  # of a difference between points, at random: so that no two directions are the same
_RUN_IN = 60  # steps from anywhere to the state far out where a spine begins
_ROUGHLY = 1e-3  # how near to it they must lead: Newton's method does the rest
_AT_ONCE = 4  # states


class CurveSource:
    """Draws curves for one network under one input.

    Parameters
    ----------
    step_map : StepMap
        The network.
    u : array, [n_inputs]
        The constant input.
    states : array, [m, n_states]
        States in use, of trajectories or from the box: their middle is where the weights are
        looked at, their spread the unit of distances.
    seed : int
        Of the random choices.

    Attributes
    ----------
    step_map : StepMap
        The map that the curves are those of: with an input into the nonlinearity where there is
        one. Its fixed points under ``u`` (this attribute, of the length that it takes) are those of
        the network.
    sigma : float
        Typical distance of states.
    kinds : tuple of str
        The equations that are drawn from.

    Examples
    --------
    >>> import numpy as np
    >>> import jax.numpy as jnp
    >>> from fpf_notebook import as_step_map
    >>> from fpf_notebook.finder.proposals.directions import CurveSource
    >>> from fpf_notebook.finder.proposals.fibers import follow
    >>> latch = as_step_map(
    ...     lambda h: jnp.tanh(2 * h), n_states=2, n_inputs=0, batched=False
    ... )
    >>> source = CurveSource(latch, np.zeros(0), np.random.default_rng(0).uniform(-1, 1, (20, 2)))
    >>> source.kinds
    ('drive', 'gain', 'residual')
    >>> curve = source.from_point(0, np.zeros(2))
    >>> met = follow(source.step_map, [curve], sigma=source.sigma)
    >>> bool(np.allclose(met.x, np.tanh(2 * met.x)))
    True
    """

    def __init__(
        self, step_map: StepMap, u: np.ndarray, states: np.ndarray, *, seed: int = 0
    ) -> None:
        states = np.asarray(states, dtype=np.float64)
        if states.ndim != 2 or states.shape[1] != step_map.n_states or not len(states):
            raise ValueError(
                f"states has shape {states.shape}, expected [m, n_states={step_map.n_states}] "
                "with at least one state."
            )
        self._rng = np.random.default_rng(seed)
        self._driven: Driven | None = with_drive(step_map)
        self._n = step_map.n_states
        self.sigma = typical_distance(step_map, u, states)
        self._middle = states.mean(axis=0)
        if self._driven is None:
            self.step_map, self.u = step_map, np.asarray(u, dtype=np.float64)
        else:
            self.step_map, self.u = self._driven.step_map, self._driven.inputs(u)
        self._weights, self._slope_free = self._read_weights()
        left, _, _ = np.linalg.svd(self._weights)
        self._leading = left[:, :_N_LEADING]
        self._reach = 3.0 * float(np.abs(self._weights).sum(axis=1).max()) * self.sigma + 3.0
        self._reach = max(self._reach, 3.0 * self._saturating(self._reach / 3.0, states))
        self._scale = max(_SCALE, self._reach / _LONGEST)
        boxed = step_map.box is not None and step_map.invariant_box(np.asarray(u)) is not None
        self._range = boxed and step_map.time == "discrete"
        kinds = ["drive", "gain"] if self._driven is not None else []
        if self._driven is None and self._range:
            kinds.append("push")
        self.kinds = (*kinds, "residual")
        self._gained: set[int] = set()

    def from_point(self, source: int, x: np.ndarray, known: np.ndarray | None = None) -> Curve:
        """Draw a curve that starts from a known point.

        Parameters
        ----------
        source : int
            Its number, which comes back with what the curve meets.
        x : array, [n_states]
            The point.
        known : array, [m, n_states], optional
            All known points: some directions are differences between two of them.
        """
        # From a point there is one curve of the gain: followed again, it would tell nothing.
        kinds = [kind for kind in self.kinds if kind != "gain" or source not in self._gained]
        kind = kinds[self._rng.integers(len(kinds))]
        if kind == "gain":
            self._gained.add(source)
            v = np.zeros(self.step_map.n_inputs)
            v[-1] = 1.0
            return Curve(source, x, self.u, drive=v, low=-8.0, high=3.0, kind=kind)
        if kind in ("drive", "push"):
            how, c = self._direction(self._weights, known)
            return self._pushed(Curve(source, x, self.u, kind=f"{kind}, {how}"), c)
        how, c = self._direction(self._weights if self._slope_free else None, known)
        force = c * self.sigma
        return Curve(source, x, self.u, force=force, kind=f"residual, {how}")

    def spine(self) -> Curve:
        """Draw a curve that comes in from far out.

        Where the network has a nonlinearity, or a box, it begins where everything is saturated;
        else where F(x) - x is large, if Newton's method finds a state there.
        """
        sign = self._rng.choice([-1.0, 1.0])
        how, c = self._direction(self._weights)
        curve = Curve(-1, self._middle, self.u, kind=f"spine, {how}", max_steps=4000)
        if self._driven is None and not self._range:
            far = 1.01 * _FAR
            force = c * self.sigma
            # On which side of the middle the states far out lie is not known: some starts fail.
            start = self._middle + self._rng.uniform(-_FAR, _FAR) * force
            return replace(curve, start=start, force=force, a_start=sign * _FAR, low=-far, high=far)
        curve = replace(self._pushed(curve, c), a_start=sign * self._reach)
        if self._driven is not None:
            assert curve.drive is not None
            return replace(curve, start=self._run_in(self.u + curve.a_start * curve.drive))
        low, high = self._box()
        return replace(curve, start=np.where(sign * c > 0, high, low))

    # -- private -----------------------------------------------------------------------------------

    def _read_weights(self) -> tuple[np.ndarray, bool]:
        """Return what goes into the nonlinearity, by state; and whether states are its output."""
        x, u = self._middle[None], self.u[None].copy()
        driven = self._driven
        if driven is None:
            return jacobians_at(self.step_map, x, u)[0][0], False
        u[0, -1] = _WEAK
        jacobians, by_input = jacobians_at(self.step_map, x, u)
        u[0, -1] = -np.inf  # exp(w) = 0: what of the Jacobian does not go through the nonlinearity
        rest, _ = jacobians_at(self.step_map, x, u)
        through = (jacobians[0] - rest[0]) * np.exp(-_WEAK)
        slopes = by_input[0, :, driven.n_inputs : -1]
        slope = np.diag(slopes) if driven.n_driven == self._n else np.zeros(0)
        if len(slope) and not (slopes - np.diag(slope)).any():
            fine = np.abs(slope) > _LEAST_SLOPE
            return np.where(fine[:, None], through / np.where(fine, slope, 1.0)[:, None], 0.0), True
        # Fewer units than states: what moves them, in the space of the drive.
        return np.linalg.lstsq(slopes, through, rcond=1e-6)[0], False

    def _saturating(self, push: float, states: np.ndarray) -> float:
        """Return a push of all units, either way, that leaves a map one state to rest in.

        Couplings alone do not tell it: a threshold can be as large as what it holds back.
        """
        driven = self._driven
        if driven is None or self.step_map.time == "continuous":
            return push
        spread = 3.0 * self.sigma
        ends = np.stack([states.min(axis=0) - spread, states.max(axis=0) + spread])
        for _ in range(_DOUBLINGS):
            u = np.repeat(self.u[None], _AT_ONCE, axis=0)
            u[:2, driven.n_inputs : -1], u[2:, driven.n_inputs : -1] = push, -push
            x = self._rest(np.concatenate([ends, ends]), u)
            if max(np.abs(x[0] - x[1]).max(), np.abs(x[2] - x[3]).max()) <= _ONE_STATE * self.sigma:
                break
            push *= 2.0
        return push

    def _direction(
        self, weights: np.ndarray | None, known: np.ndarray | None = None
    ) -> tuple[str, np.ndarray]:
        """Draw a direction, its largest component 1."""
        rng = self._rng
        size = self._n if weights is None else len(weights)
        ways = ["random"] if weights is None else ["random", "leading", "weights"]
        if known is not None and len(known) > 1:
            ways += ["difference"] * 2  # reach rare points twice as often as the others
        how = ways[rng.integers(len(ways))]
        if how == "random":
            c = rng.standard_normal(size)
        elif how == "difference":
            assert known is not None
            i, j = rng.choice(len(known), 2, replace=False)
            c = known[i] - known[j] if weights is None else weights @ (known[i] - known[j])
            c = c + _ASIDE * float(np.abs(c).max()) * rng.standard_normal(size)
        elif how == "leading":
            m = int(rng.integers(1, min(size, _N_LEADING) + 1))
            c = self._leading[:, :m] @ rng.standard_normal(m)
        else:
            assert weights is not None
            c = weights @ rng.standard_normal(weights.shape[1])
        largest = float(np.abs(c).max())
        return how, c / largest if largest > 0 else np.ones(size)

    def _pushed(self, curve: Curve, c: np.ndarray) -> Curve:
        """Let the unknown stand inside the nonlinearity; it then ranges until all is saturated."""
        far = 1.01 * self._reach
        curve = replace(curve, low=-far, high=far, scale=self._scale)
        if self._driven is None:
            return replace(curve, push=c)
        v = np.zeros(self.step_map.n_inputs)
        v[self._driven.n_inputs : -1] = c
        return replace(curve, drive=v)

    def _run_in(self, u: np.ndarray) -> np.ndarray:
        """Let the driven network come near to where it rests; a flow starts from the middle."""
        if self.step_map.time == "continuous":
            return self._middle
        # As many states as above, for which the step is compiled already.
        x, u = np.repeat(self._middle[None], _AT_ONCE, axis=0), np.repeat(u[None], _AT_ONCE, axis=0)
        return self._rest(x, u, _ROUGHLY)[0]

    def _rest(self, x: np.ndarray, u: np.ndarray, tolerance: float = 1e-9) -> np.ndarray:
        """Run until all states rest, or for some steps."""
        for _ in range(_RUN_IN):
            moved = evaluate(self.step_map, x, u)
            if not np.isfinite(moved).all():
                break
            x, before = moved, x
            if np.abs(x - before).max() <= tolerance * self.sigma:
                break
        return x

    def _box(self) -> tuple[np.ndarray, np.ndarray]:
        edges = self.step_map.invariant_box(self.u)
        assert edges is not None
        return edges


def typical_distance(step_map: StepMap, u: np.ndarray, states: np.ndarray) -> float:
    """Return the root mean square distance of states from their middle, in one coordinate.

    Parameters
    ----------
    step_map : StepMap
        The network; its box, where it has one, bounds the distance from above.
    u : array, [n_inputs]
        The constant input.
    states : array, [m, n_states]
        States in use.
    """
    spread = float(np.sqrt(np.mean((states - states.mean(axis=0)) ** 2)))
    edges = step_map.invariant_box(np.asarray(u, dtype=np.float64))
    if edges is not None:
        half = (np.asarray(edges[1]) - np.asarray(edges[0])) / 2
        half = half[np.isfinite(half) & (half > 0)]
        if len(half):
            # States that have been seen may be few, and all in one place.
            return float(np.clip(spread, 0.3 * half.min(), half.max()))
    return spread if spread > 0 else 1.0 + float(np.abs(states).max())
