"""Edge states: what lies on the border between the basins of two attractors.

On the line from one attractor to the other there is a state whose runs go neither way, and they
come near to a saddle on the border before rounding decides for them. Where on the way a run is
slowest is a start from which Newton's method finds that saddle.

Source: the bisection of Itano & Toh (2001) and Skufca, Yorke & Eckhardt (2006), "Edge of chaos in a
parallel shear flow".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax
import numpy as np

from fpf_notebook.finder.options import Options
from fpf_notebook.finder.proposals.forward_runs import Runner

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap
    from fpf_notebook.finder.progress import CancelToken

__all__ = ["EdgeStates", "edge_states"]

_CUTS = 7  # states between two at once: three bits a round
_ROUNDS = 11  # to 1e-10: well above rounding, so that the two sides part later
_NEAR = 1e-2  # so near to an attractor, relative to the distance of both, a run has reached it


_TOGETHER = 1e-3  # and two runs whose states are this near have not left the border


@dataclass(frozen=True)
class EdgeStates:
    """Starts on the borders between basins.

    Attributes
    ----------
    x : array, [n_pairs, n_states]
        The slowest state of the run along the border; NaN where none was found.
    border : array, [n_pairs, n_states]
        The state between the two attractors from which that run started.
    speed : array, [n_pairs]
        Length of the step there.
    found : array of bool, [n_pairs]
        Whether runs from the one end of the line reach the one attractor and from the other end
        the other.
    interrupted : bool
        Whether it was cancelled.
    """

    x: np.ndarray
    border: np.ndarray
    speed: np.ndarray
    found: np.ndarray
    interrupted: bool


def edge_states(
    step_map: StepMap,
    ones: np.ndarray,
    others: np.ndarray,
    inputs: np.ndarray,
    *,
    max_steps: int = 500,
    n_follow: int = 100,
    cancel: CancelToken | None = None,
) -> EdgeStates:
    """Find a start on the border between the basins of two attractors, for many pairs at once.

    Parameters
    ----------
    step_map : StepMap
        The network, a map or a flow.
    ones, others : arrays, [n_pairs, n_states]
        The two attractors of each pair.
    inputs : array, [n_pairs, n_inputs]
        Constant inputs.
    max_steps : int
        Longest run that is waited for. Default 500.
    n_follow : int
        Steps along the border. Default 100; rounding leaves it earlier as a rule.
    cancel : CancelToken, optional
        Looked at between compiled chunks.

    Returns
    -------
    EdgeStates

    Raises
    ------
    ValueError
        If shapes do not fit, or the two of a pair are the same state.

    Examples
    --------
    >>> import numpy as np
    >>> import jax.numpy as jnp
    >>> from fpf_notebook import as_step_map
    >>> from fpf_notebook.finder.proposals.edges import edge_states
    >>> latch = as_step_map(
    ...     lambda h: jnp.tanh(2 * h), n_states=1, n_inputs=0, batched=False
    ... )
    >>> edge = edge_states(latch, np.array([[-0.9575]]), np.array([[0.9575]]), np.zeros((1, 0)))
    >>> bool(edge.found[0]), bool(abs(edge.x[0, 0]) < 1e-9)
    (True, True)
    """
    a, b, u = (np.array(part, dtype=np.float64) for part in (ones, others, inputs))
    shape = (len(a), step_map.n_states)
    if a.shape != shape or b.shape != shape or u.shape != (len(a), step_map.n_inputs):
        raise ValueError(
            f"ones, others and inputs have the shapes {a.shape}, {b.shape} and {u.shape}, expected "
            f"twice [n_pairs, n_states={step_map.n_states}] and "
            f"[n_pairs, n_inputs={step_map.n_inputs}]."
        )
    apart = np.linalg.norm(b - a, axis=1)
    if not (apart > 0).all():
        raise ValueError(f"others[{int((apart == 0).argmax())}] is the same state as in ones.")
    search = _Search(step_map, a, b, u, max_steps, cancel)
    low, high, found = search.bisect()
    border = (low + high) / 2
    x, speed = search.slowest(low, high, n_follow)
    x[~found], border[~found], speed[~found] = np.nan, np.nan, np.nan
    return EdgeStates(x, border, speed, found, search.interrupted)


class _Search:
    """Bisection of all pairs together."""

    def __init__(
        self,
        step_map: StepMap,
        a: np.ndarray,
        b: np.ndarray,
        u: np.ndarray,
        max_steps: int,
        cancel: CancelToken | None,
    ) -> None:
        self.step_map, self.a, self.b, self.u = step_map, a, b, u
        self.max_steps, self.cancel = max_steps, cancel
        self.interrupted = False

    def reaches_other(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Run from states [n_pairs, k, n]; tell which reach the other end, and which either end."""
        n, k, size = x.shape
        end = self._run(x.reshape(n * k, size), self.max_steps).reshape(n, k, size)
        to_a = np.linalg.norm(end - self.a[:, None], axis=2)
        to_b = np.linalg.norm(end - self.b[:, None], axis=2)
        near = _NEAR * np.linalg.norm(self.b - self.a, axis=1)[:, None]
        return to_b <= near, (to_a <= near) | (to_b <= near)

    def bisect(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        low, high = self.a.copy(), self.b.copy()
        ends, _ = self.reaches_other(np.stack([low, high], axis=1))
        found = ~ends[:, 0] & ends[:, 1]
        weights = np.arange(1, _CUTS + 1) / (_CUTS + 1)
        for _ in range(_ROUNDS):
            if self.interrupted or not found.any():
                break
            inner = low[:, None] + weights[:, None] * (high - low)[:, None]
            other, _ = self.reaches_other(inner)
            # The first that reaches the other end, and the one before it: a third attractor on the
            # way counts as not reaching it, so that its border is found.
            first = np.where(other.any(axis=1), other.argmax(axis=1), _CUTS)
            states = np.concatenate([low[:, None], inner, high[:, None]], axis=1)
            rows = np.arange(len(low))
            low, high = states[rows, first], states[rows, first + 1]
        return low, high, found

    def slowest(
        self, low: np.ndarray, high: np.ndarray, n_steps: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Follow both sides of the borders, as long as they stay together; return the slowest."""
        n, apart = len(low), np.linalg.norm(self.b - self.a, axis=1)
        best, slowest, together = low.copy(), np.full(n, np.inf), np.ones(n, dtype=bool)
        x, u = np.concatenate([low, high]), np.concatenate([self.u, self.u])
        runner = Runner(self.step_map, x, u, Options(), max_steps=1, cancel=self.cancel)
        runner.limits.tol_rest[:] = 1e-300  # to the end, however slow
        for step in range(1, n_steps + 1):
            before = runner.state.x[:n].copy()
            runner.limits = runner.limits._replace(max_steps=np.int32(step))
            with jax.enable_x64(True):
                runner.run(np.arange(2 * n))
            if runner.stop():
                self.interrupted = True
                break
            gap = np.linalg.norm(runner.state.x[:n] - runner.state.x[n:], axis=1)
            together &= gap <= _TOGETHER * apart
            speed = runner.state.speed[:n]
            slower = together & (speed < slowest)
            slowest[slower], best[slower] = speed[slower], before[slower]
            if not together.any():
                break
        return best, slowest

    def _run(self, x: np.ndarray, n_steps: int) -> np.ndarray:
        u = np.repeat(self.u, len(x) // len(self.u), axis=0)
        # Next to the border runs are slow, and must not be taken for resting.
        runner = Runner(
            self.step_map, x, u, Options(), max_steps=n_steps, tol_rest=1e-12, cancel=self.cancel
        )
        with jax.enable_x64(True):
            runner.run(np.arange(len(x)))
        self.interrupted |= runner.interrupted
        end: np.ndarray = runner.state.x
        return end
