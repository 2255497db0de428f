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

from fpf_notebook.dynamics import StepMap
from fpf_notebook.dynamics.jaxpr import Inclusion, NotCoveredError, program_of
from fpf_notebook.dynamics.jaxpr import rounding as iv
from fpf_notebook.dynamics.jaxpr.rounding import U
from fpf_notebook.dynamics.jaxpr.slopes import Slopes

_MAX_TRIES = 10
_CLOSE = 1.2  # the largest radius is sought to this factor


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
    >>> from fpf_notebook.finder.proof.certificates import certify
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
    n = len(points)
    try:
        program = program_of(step_map, u=u, fold_arithmetic=False)
        certifier = Certifier(Inclusion(program), step_map.time == "continuous")
    except NotCoveredError as error:
        nothing = np.full(n, np.nan)
        return Certificates(np.zeros(n, dtype=bool), nothing, nothing.copy(), (str(error),) * n)
    found = [certifier.certify(point, largest) for point in points]
    return Certificates(
        certified=np.array([f[0] > 0 for f in found], dtype=bool),
        enclosure_radius=np.array([f[0] if f[0] > 0 else np.nan for f in found]),
        uniqueness_radius=np.array([f[1] if f[0] > 0 else np.nan for f in found]),
        reasons=tuple(f[2] for f in found),
    )


class Certifier:
    """Certifies the fixed points of one inclusion function.

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

    def certify(self, x: np.ndarray, largest: float) -> tuple[float, float, str]:
        """Return the radii of enclosure and uniqueness (0 if none) and why there are none."""
        if not np.all(np.isfinite(x)):
            return 0.0, 0.0, "the point is not finite"
        try:
            test = _Test(self, x)
        except np.linalg.LinAlgError:
            return 0.0, 0.0, "I - J is singular at the point"
        except NotCoveredError as error:
            return 0.0, 0.0, str(error)
        largest = max(largest, 4 * test.least)
        inner = next((r for r in test.least * np.array([1, 8, 100, 1e4]) if test.holds(r)), None)
        if inner is None:
            return 0.0, 0.0, test.why or "no fixed point is within reach of the test"
        return float(inner), float(max(inner, test.greatest(inner, largest))), ""


class _Test:
    """The test at one point: everything that does not depend on the radius."""

    def __init__(self, certifier: Certifier, x: np.ndarray) -> None:
        self.certifier, self.x, self.why = certifier, x, ""
        n = len(x)
        at = certifier.inclusion.enclose(x, x, correlated=False)
        low, high = (end[:, 0] for end in at.of(certifier.inclusion.program.output))
        self.jacobian, radius = (part[0] for part in certifier.slopes(at))
        identity = np.eye(n)
        shift = 0.0 if certifier.flow else identity
        self.inverse = np.linalg.inv(shift - self.jacobian)
        if not np.all(np.isfinite(self.inverse)):
            raise np.linalg.LinAlgError
        self.size = np.abs(self.inverse)
        gamma = iv.dot_error(n)
        self.safe = 1 + 4 * gamma
        if not certifier.flow:
            low, high = iv.sub((low, high), iv.point(x))
        residual = np.maximum(np.abs(low), np.abs(high))
        self.defect = (self.size @ residual) * self.safe + iv.TINY
        self.identity, self.shift, self.gamma = identity, shift, gamma
        self.contraction = self._row_sums(self.jacobian, radius)
        floor = 4 * U * max(1.0, float(np.abs(x).max(initial=0.0)))
        self.least = max(2.0 * float(self.defect.max(initial=0.0)), floor)

    def _row_sums(self, middle: np.ndarray, radius: np.ndarray) -> np.ndarray:
        """Return the row sums of |I - A (I - J)| for all J within ``middle ± radius``."""
        difference = self.shift - middle
        product = np.abs(self.identity - self.inverse @ difference).sum(axis=1)
        # The product's rounding and that of the difference, and the radius; times a vector of ones.
        spread = ((2 * self.gamma + U) * np.abs(difference) + radius).sum(axis=1)
        total: np.ndarray = (product + self.size @ (spread * self.safe)) * self.safe
        return total

    def factor(self, r: float) -> np.ndarray | None:
        """Return the row sums of |I - A (I - J)| on the ball; None if they are not bounded."""
        low, high = iv.down(self.x - r), iv.up(self.x + r)
        certifier = self.certifier
        try:
            ball = certifier.inclusion.enclose(low, high, correlated=False)
            middle, radius = (part[0] for part in certifier.slopes(ball))
        except NotCoveredError as error:
            self.why = str(error)
            return None
        total = self._row_sums(middle, radius)
        return total if np.all(np.isfinite(total)) else None

    def _holds(self, r: float, factor: np.ndarray | None) -> bool:
        if factor is None:
            return False
        # The ball of the test is moved outwards by a rounding: so is its radius.
        reach = iv.up(np.asarray(r)) + 2 * U * float(np.abs(self.x).max(initial=0.0))
        return bool(np.all((self.defect + factor * reach) * self.safe < r))

    def holds(self, r: float) -> bool:
        """Whether the test succeeds on the ball of radius r."""
        return self._holds(r, self.factor(r))

    def greatest(self, inner: float, largest: float) -> float:
        """Return about the largest radius at which the test succeeds.

        The slopes leave those at x about linearly: the radius where they are too far is found by
        the secant, then closed in on.
        """
        good, bad = inner, np.inf
        r = min(largest, max(8 * inner, 0.01))
        for _ in range(_MAX_TRIES):
            factor = self.factor(r)
            if self._holds(r, factor):
                if r >= largest:
                    return r
                good = r
            else:
                bad = r
            if bad <= good * _CLOSE:
                break
            guess = np.sqrt(good * bad) if np.isfinite(bad) else 8 * good
            if factor is not None:
                rise = float(np.max((factor - self.contraction) / r))
                room = 1.0 - float(np.max(self.contraction))
                if rise > 0 and room > 0:
                    guess = 0.98 * room / rise
            low, high = good * 1.02, bad / 1.02 if np.isfinite(bad) else largest
            if not low < guess < high:
                guess = np.sqrt(good * bad) if np.isfinite(bad) else min(8 * good, largest)
            r = float(min(guess, largest))
        return good
