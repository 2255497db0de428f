"""Certificates: a ball around a point in which there is one fixed point, and no other.

Krawczyk's test: with A near the inverse of I - J(x), and M ± R the Jacobians on the ball of radius
r (in the maximum norm) around x,

    |A (F(x) - x)| + (|I - A (I - M)| + |A| R) r < r    in each component

says that h + A (F(h) - h) maps the ball into its inside and contracts it: one fixed point of F in
it, and no other. For a flow, zero takes the place of the identity.

References
----------
Krawczyk (1969); Rump, "Verification methods", Acta Numerica 19 (2010), section 13; Neumaier,
"Interval methods for systems of equations" (1990), chapter 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from fpf_notebook.arguments import checks
from fpf_notebook.dynamics import StepMap
from fpf_notebook.dynamics.jaxpr import Inclusion, NotCoveredError, program_of
from fpf_notebook.dynamics.jaxpr import rounding as iv
from fpf_notebook.dynamics.jaxpr.rounding import U
from fpf_notebook.dynamics.jaxpr.slopes import Slopes
from fpf_notebook.result.blas_threads import single_threaded

_MAX_TRIES = 10
_CLOSE = 1.2  # the largest radius is sought to this factor
_MOST_LANES = 256  # points at once
_LARGEST_BLOCK = 400_000  # numbers in the Jacobians of so many: they stay in the caches


@dataclass(frozen=True, eq=False)
class Certificates:
    """What is proven of some points.

    Parameters
    ----------
    certified
        Whether a fixed point exists next to each point, and only one.
    enclosure_radius
        It lies within this distance (in the maximum norm) of the point; NaN if nothing is proven.
    uniqueness_radius
        There is no other within this distance; NaN if nothing is proven.
    reasons
        Why nothing is proven; empty where something is.
    """

    certified: Bool[np.ndarray, "n_points"]
    enclosure_radius: Float[np.ndarray, "n_points"]
    uniqueness_radius: Float[np.ndarray, "n_points"]
    reasons: tuple[str, ...]


@checks("finder.certify")
@single_threaded
@np.errstate(all="ignore")  # infinite ends are met on purpose
def certify(
    step_map: StepMap,
    x: Float[np.ndarray, "n_points n_states"],
    u: Float[np.ndarray, "n_inputs"],
    *,
    largest: float = 1.0,
) -> Certificates:
    """Prove that there is one fixed point next to each of some points.

    Statements are about the real function of the float64 parameters, not about its rounding.

    Parameters
    ----------
    step_map
        The map or flow. Its step is read as a program; see :mod:`fpf_notebook.dynamics.jaxpr`.
    x
        Approximate fixed points, converged as far as they can be.
    u
        The input under which they are fixed.
    largest
        No larger radius of uniqueness is sought (default 1, the size of a unit's range).

    Returns
    -------
    Certificates
        One entry for each point.

    Raises
    ------
    ValueError
        If a shape is wrong or ``largest`` is not positive.

    Examples
    --------
    >>> import jax.numpy as jnp, numpy as np
    >>> from fpf_notebook.dynamics import as_step_map
    >>> from fpf_notebook.finder import certify
    >>> latch = as_step_map(lambda h, u: jnp.tanh(2 * h), n_states=1, n_inputs=1)
    >>> points = np.array([[0.0], [0.9575040240772688], [0.5]])
    >>> found = certify(latch, points, np.zeros(1))
    >>> found.certified.tolist()
    [True, True, False]
    >>> found.reasons[2]
    'no fixed point is within reach of the test'
    """
    points = np.asarray(x, dtype=float)
    if points.ndim != 2 or points.shape[1] != step_map.n_states:
        raise ValueError(
            f"x has shape {points.shape}, expected [n_points, n_states={step_map.n_states}]."
        )
    if not largest > 0:
        raise ValueError(f"largest is {largest!r}, expected a positive radius.")
    certifier = certifier_of(step_map, u)
    return (
        uncertified(len(points), certifier)
        if isinstance(certifier, str)
        else certifier(points, largest)
    )


def certifier_of(step_map: StepMap, u: Float[np.ndarray, "n_inputs"]) -> Certifier | str:
    """Read the step as a program; return what certifies its points, or why nothing can.

    Parameters
    ----------
    step_map, u
        As for :func:`certify`.
    """
    try:
        program = program_of(step_map, u=u, fold_arithmetic=False)
        return Certifier(Inclusion(program), step_map.time == "continuous")
    except NotCoveredError as error:
        return str(error)


def uncertified(n: int, reason: str) -> Certificates:
    """Return the record of points of which nothing is proven."""
    nothing = np.full(n, np.nan)
    return Certificates(np.zeros(n, dtype=bool), nothing, nothing.copy(), (reason,) * n)


class Certifier:
    """Certifies the fixed points of one inclusion function, many at once.

    Parameters
    ----------
    inclusion
        The inclusion function of the step.
    flow
        Whether zeros are sought, not fixed points.
    """

    def __init__(self, inclusion: Inclusion, flow: bool) -> None:
        self.inclusion = inclusion
        self.slopes = Slopes(inclusion)
        self.flow = flow

    @np.errstate(all="ignore")  # infinite ends are met on purpose
    def __call__(
        self, x: Float[np.ndarray, "n_points n_states"], largest: float = 1.0
    ) -> Certificates:
        """Certify points; see :func:`certify`."""
        n, n_states = x.shape
        lanes = max(1, min(_MOST_LANES, _LARGEST_BLOCK // max(n_states**2, 1)))
        radii = np.full((2, n), np.nan)
        reasons: list[str] = []
        for start in range(0, n, lanes):
            part = slice(start, start + lanes)
            try:
                test = _Test(self, x[part])
                radii[:, part], why = test.radii(largest)
            except NotCoveredError as error:
                why = [str(error)] * len(x[part])
            reasons += why
        return Certificates(np.isfinite(radii[0]), radii[0], radii[1], tuple(reasons))


class _Test:
    """The test at some points: everything that does not depend on the radius."""

    def __init__(self, certifier: Certifier, x: np.ndarray) -> None:
        self.certifier = certifier
        self.finite = np.isfinite(x).all(axis=1)
        self.x = x = np.where(self.finite[:, None], x, 0.0)
        n = x.shape[1]
        at = certifier.inclusion.enclose(x.T, x.T, correlated=False)
        low, high = at.of(certifier.inclusion.program.output)
        jacobian, radius = certifier.slopes(at)
        self.identity = np.eye(n)
        self.shift = 0.0 if certifier.flow else self.identity
        difference: np.ndarray = self.shift - jacobian
        bounded: np.ndarray = np.isfinite(difference).all(axis=(1, 2))
        inverse = inverses(np.where(bounded[:, None, None], difference, self.identity))
        self.regular = bounded & np.isfinite(inverse).all(axis=(1, 2))
        self.inverse = np.where(self.regular[:, None, None], inverse, self.identity)
        self.size = np.abs(self.inverse)
        self.gamma = iv.dot_error(n)
        self.safe = 1 + 4 * self.gamma
        if not certifier.flow:
            low, high = iv.sub((low, high), iv.point(x.T))
        residual = np.maximum(np.abs(low), np.abs(high)).T
        self.defect = (self.size @ residual[..., None])[..., 0] * self.safe + iv.TINY
        every = np.arange(len(x))
        self.contraction = self._row_sums(every, jacobian, radius)
        self.largest_entry = np.abs(x).max(axis=1, initial=0.0)
        floor = 4 * U * np.maximum(1.0, self.largest_entry)
        self.least = np.maximum(2.0 * self.defect.max(axis=1, initial=0.0), floor)

    def radii(self, largest: float) -> tuple[np.ndarray, list[str]]:
        """Return the radii of enclosure and uniqueness, NaN if there are none, and why not."""
        inner = np.full(len(self.x), np.nan)
        open_ = np.flatnonzero(self.regular & self.finite & np.isfinite(self.least))
        for factor in (1.0, 8.0, 100.0, 1e4):
            r = self.least[open_] * factor
            good = self._holds(open_, r, self._factor(open_, r))
            inner[open_[good]] = r[good]
            open_ = open_[~good]
            if not len(open_):
                break
        rows = np.flatnonzero(np.isfinite(inner))
        outer = np.full(len(self.x), np.nan)
        outer[rows] = self._greatest(rows, inner[rows], np.maximum(largest, 4 * self.least[rows]))
        why = np.select(
            [np.isfinite(inner), ~self.finite, ~self.regular],
            ["", "the point is not finite", "I - J is singular at the point"],
            "no fixed point is within reach of the test",
        )
        return np.stack([inner, outer]), why.tolist()

    def _row_sums(self, rows: np.ndarray, middle: np.ndarray, radius: np.ndarray) -> np.ndarray:
        """Return the row sums of |I - A (I - J)| for all J within ``middle ± radius``."""
        difference = self.shift - middle
        product = np.abs(self.identity - self.inverse[rows] @ difference).sum(axis=2)
        # The product's rounding and that of the difference, and the radius; times a vector of ones.
        spread = ((2 * self.gamma + U) * np.abs(difference) + radius).sum(axis=2)
        apart = (self.size[rows] @ (spread * self.safe)[..., None])[..., 0]
        total: np.ndarray = (product + apart) * self.safe
        return np.where(np.isnan(total), np.inf, total)

    def _factor(self, rows: np.ndarray, r: np.ndarray) -> np.ndarray:
        """Return the row sums of |I - A (I - J)| on balls; infinite where not bounded."""
        x = self.x[rows]
        low, high = iv.down(x - r[:, None]), iv.up(x + r[:, None])
        certifier = self.certifier
        ball = certifier.inclusion.enclose(low.T, high.T, correlated=False)
        return self._row_sums(rows, *certifier.slopes(ball))

    def _holds(self, rows: np.ndarray, r: np.ndarray, factor: np.ndarray) -> np.ndarray:
        """Tell at which points the test succeeds on the ball of radius r."""
        # The ball of the test is moved outwards by a rounding: so is its radius.
        reach = iv.up(r) + 2 * U * self.largest_entry[rows]
        bound = (self.defect[rows] + factor * reach[:, None]) * self.safe
        return np.asarray(np.all(bound < r[:, None], axis=1))

    def _greatest(self, rows: np.ndarray, inner: np.ndarray, largest: np.ndarray) -> np.ndarray:
        """Return about the largest radii at which the test succeeds.

        The slopes leave those at x about linearly: the radius where they are too far is found by
        the secant, then closed in on.
        """
        good, bad = inner.copy(), np.full(len(rows), np.inf)
        r = np.minimum(largest, np.maximum(8 * inner, 0.01))
        room = 1.0 - self.contraction[rows].max(axis=1)
        open_ = np.arange(len(rows))
        for _ in range(_MAX_TRIES):
            if not len(open_):
                break
            factor = self._factor(rows[open_], r[open_])
            holds = self._holds(rows[open_], r[open_], factor)
            good[open_[holds]] = r[open_[holds]]
            bad[open_[~holds]] = r[open_[~holds]]
            rise = ((factor - self.contraction[rows[open_]]) / r[open_, None]).max(axis=1)
            more = (good[open_] < largest[open_]) & (bad[open_] > good[open_] * _CLOSE)
            open_, rise = open_[more], rise[more]
            bracket = np.isfinite(bad[open_])
            between = np.sqrt(good[open_] * np.where(bracket, bad[open_], 1.0))
            further = np.minimum(8 * good[open_], largest[open_])
            middle = np.where(bracket, between, further)
            secant = np.isfinite(rise) & (rise > 0) & (room[open_] > 0)
            guess = 0.98 * room[open_] / np.where(secant, rise, 1.0)
            low = good[open_] * 1.02
            high = np.where(bracket, bad[open_] / 1.02, largest[open_])
            fits = secant & (low < guess) & (guess < high)
            r[open_] = np.minimum(np.where(fits, guess, middle), largest[open_])
        return good


def inverses(matrices: Float[np.ndarray, "m n n"]) -> Float[np.ndarray, "m n n"]:
    """Return the inverses of matrices; NaN for those that are singular."""
    try:
        return np.linalg.inv(matrices)
    except np.linalg.LinAlgError:  # one of many is singular, and numpy does not say which
        out = np.full_like(matrices, np.nan)
        for i, matrix in enumerate(matrices):
            try:
                out[i] = np.linalg.inv(matrix)
            except np.linalg.LinAlgError:
                continue
        return out
