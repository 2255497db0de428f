"""When two points are one: their certificates say so, or a tolerance where there are none.

A certificate is a ball in which there is exactly one fixed point. What a lane, a run or a curve
found within the ball of a known point is that point; what it found outside is another one, however
near it is, if it has a certificate of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int

from fpf_notebook.finder.proof.certificates import (
    Certificates,
    Certifier,
    certifier_of,
    uncertified,
)

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap

__all__ = ["Balls", "ended_together"]

_TOGETHER = {"float64": 1e-8, "float32": 1e-5}  # relative: lanes this near have ended in one point


def ended_together(
    step_map: StepMap, x: Float[np.ndarray, "n n_states"], distance: Float[np.ndarray, "n"]
) -> Bool[np.ndarray, "n"]:
    """Tell which distances are no more than what is left of the way to one and the same point."""
    limit = _TOGETHER[step_map.precision] * (1.0 + np.linalg.norm(x, axis=1))
    return np.asarray(distance <= limit)


class Balls:
    """Certificates of the points of a ledger, each made when somebody asks for it.

    Parameters
    ----------
    step_map : StepMap
        The network.
    """

    def __init__(self, step_map: StepMap) -> None:
        self._step_map = step_map
        self._certifiers: dict[bytes, Certifier | str] = {}
        self.forget()

    def forget(self) -> None:
        """Drop all certificates."""
        self._tried = np.zeros(0, dtype=bool)
        self._certified = np.zeros(0, dtype=bool)
        self._enclosure, self._uniqueness = np.zeros(0), np.zeros(0)

    def of_states(
        self, x: Float[np.ndarray, "n n_states"], u: Float[np.ndarray, "n n_inputs"]
    ) -> Certificates:
        """Certify states, each under its own input."""
        found = uncertified(len(x), "")
        inputs, which = np.unique(u, axis=0, return_inverse=True)
        reasons = np.full(len(x), "", dtype=object)
        for k, one in enumerate(inputs):
            rows = np.flatnonzero(which.reshape(-1) == k)
            certifier = self._certifier(one)
            if isinstance(certifier, str):
                reasons[rows] = certifier
                continue
            part = certifier(x[rows])
            found.certified[rows] = part.certified
            found.enclosure_radius[rows] = part.enclosure_radius
            found.uniqueness_radius[rows] = part.uniqueness_radius
            reasons[rows] = part.reasons
        return Certificates(
            found.certified,
            found.enclosure_radius,
            found.uniqueness_radius,
            tuple(reasons.tolist()),
        )

    def of_points(
        self,
        rows: Int[np.ndarray, "m"],
        states: Float[np.ndarray, "n_points n_states"],
        inputs: Float[np.ndarray, "n_points n_inputs"],
    ) -> tuple[Bool[np.ndarray, "m"], Float[np.ndarray, "m"], Float[np.ndarray, "m"]]:
        """Return of some points of the ledger whether they are certified, and both radii.

        Parameters
        ----------
        rows : array of int, [m]
            Which.
        states, inputs : arrays
            All points.

        Returns
        -------
        certified : array of bool, [m]
        enclosure_radius, uniqueness_radius : arrays, [m]
            In the maximum norm; NaN without a certificate.
        """
        more = len(states) - len(self._tried)
        self._tried = np.concatenate([self._tried, np.zeros(more, dtype=bool)])
        self._certified = np.concatenate([self._certified, np.zeros(more, dtype=bool)])
        self._enclosure = np.concatenate([self._enclosure, np.full(more, np.nan)])
        self._uniqueness = np.concatenate([self._uniqueness, np.full(more, np.nan)])
        new = np.unique(rows[~self._tried[rows]])
        if len(new):
            found = self.of_states(states[new], inputs[new])
            self._tried[new] = True
            self._certified[new] = found.certified
            self._enclosure[new] = found.enclosure_radius
            self._uniqueness[new] = found.uniqueness_radius
        return self._certified[rows], self._enclosure[rows], self._uniqueness[rows]

    def _certifier(self, u: np.ndarray) -> Certifier | str:
        key = u.tobytes()
        if key not in self._certifiers:
            self._certifiers[key] = certifier_of(self._step_map, u)
        return self._certifiers[key]
