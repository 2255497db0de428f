"""One generation of branch and prune: contract, decide and cut many boxes at once."""

from __future__ import annotations

import numpy as np

from fpf_notebook.dynamics.jaxpr import Inclusion
from fpf_notebook.dynamics.jaxpr import rounding as iv
from fpf_notebook.dynamics.jaxpr.rounding import U
from fpf_notebook.dynamics.jaxpr.slopes import Slopes
from fpf_notebook.finder.proof.certificates import inverses

_INFLATION = 0.02
_LEAST = 1e-11  # relative width below which boxes are not cut
_OFF_CENTRE = 0.53  # not in the middle, where symmetric networks have their points


class Prune:
    """Decides boxes of one block of a network.

    Parameters
    ----------
    inclusion
        The inclusion function of the whole network.
    flow
        Whether zeros are sought, not fixed points.
    rows
        The states of the block: these components depend on no others.
    low, high
        The box to search, of the whole network.
    """

    def __init__(
        self, inclusion: Inclusion, flow: bool, rows: np.ndarray, low: np.ndarray, high: np.ndarray
    ) -> None:
        self.inclusion, self.flow, self.rows = inclusion, flow, rows
        self.slopes = Slopes(inclusion)
        self.low, self.high = low, high
        self.middle = low / 2 + high / 2
        self.scale = np.maximum(high - low, 1e-300)[rows][:, None]
        # Of each point found: a box that holds it, and a box that holds no other.
        self._found: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []

    def start(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the box to begin with, ``[block, 1]``."""
        return self.low[self.rows][:, None], self.high[self.rows][:, None]

    # -- one generation --------------------------------------------------------------------------

    def generation(
        self, low: np.ndarray, high: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
        """Work on boxes ``[block, lanes]``; return those to go on with, and those stuck."""
        before = high - low
        low, high, alive = self._image(low, high)
        low, high, before = low[:, alive], high[:, alive], before[:, alive]
        if not low.shape[1]:
            return low, high, (low, high)
        low, high, alive, radius = self._krawczyk(low, high)
        low, high, before = low[:, alive], high[:, alive], before[:, alive]
        radius = radius[alive]
        width = high - low
        small = np.all(width <= _LEAST * self.scale, axis=0)
        stuck = low[:, small], high[:, small]
        low, high, before, radius = (
            low[:, ~small],
            high[:, ~small],
            before[:, ~small],
            radius[~small],
        )
        width = high - low
        with np.errstate(all="ignore"):
            shrunk = np.min(np.where(before > 0, width / before, 1.0), axis=0) < 0.5
        keep_low, keep_high = low[:, shrunk], high[:, shrunk]
        cut_low, cut_high = self._cut(low[:, ~shrunk], high[:, ~shrunk], radius[~shrunk])
        return (
            np.concatenate([keep_low, cut_low], axis=1),
            np.concatenate([keep_high, cut_high], axis=1),
            stuck,
        )

    def _whole(self, part: np.ndarray) -> np.ndarray:
        """Return states of the whole network with these of the block."""
        full = np.tile(self.middle[:, None], (1, part.shape[1]))
        full[self.rows] = part
        return full

    def _step(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        memory = self.inclusion.enclose(self._whole(low), self._whole(high), correlated=False)
        a, b = memory.of(self.inclusion.program.output)
        return a[self.rows], b[self.rows]

    def _image(
        self, low: np.ndarray, high: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Intersect boxes with their images."""
        a, b = self._step(low, high)
        if self.flow:
            return low, high, np.all((a <= 0) & (b >= 0), axis=0)
        low, high = np.maximum(low, a), np.minimum(high, b)
        return low, high, np.all(low <= high, axis=0)

    def _krawczyk(
        self, low: np.ndarray, high: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Contract by Krawczyk's operator; note the points of boxes mapped into themselves.

        Returns bounds, which boxes are to be gone on with, and how far slopes spread in them,
        ``[lanes, block, block]``.
        """
        grown = _INFLATION * (high - low) + 1e-13 * self.scale + 4 * U * np.abs(high)
        big_low, big_high = iv.down(low - grown), iv.up(high + grown)
        k_low, k_high, spread = self._operator(big_low, big_high)
        inside = np.all((k_low > big_low) & (k_high < big_high), axis=0)
        if inside.any():
            self._note(k_low[:, inside], k_high[:, inside], big_low[:, inside], big_high[:, inside])
        low, high = np.maximum(low, k_low), np.minimum(high, k_high)
        return low, high, ~inside & np.all(low <= high, axis=0), spread

    def _operator(
        self, low: np.ndarray, high: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return bounds of Krawczyk's operator on boxes; infinite where it is not defined."""
        m = len(self.rows)
        memory = self.inclusion.enclose(self._whole(low), self._whole(high), correlated=False)
        jacobian, radius = self.slopes(memory)
        jacobian = jacobian[:, self.rows[:, None], self.rows]
        radius = radius[:, self.rows[:, None], self.rows]
        identity = np.eye(m)
        difference = (0.0 if self.flow else identity) - jacobian
        fine = np.all(np.isfinite(radius), axis=(1, 2))
        inverse = inverses(np.where(fine[:, None, None], difference, identity))
        fine &= np.all(np.isfinite(inverse), axis=(1, 2))
        inverse = np.where(fine[:, None, None], inverse, 0.0)
        spread = np.where(fine[:, None, None], radius, 1.0)
        gamma = iv.dot_error(m)
        size = np.abs(inverse)
        centre = (low / 2 + high / 2).T
        reach = np.maximum(high.T - centre, centre - low.T) * (1 + 4 * U) + iv.TINY
        a, b = self._step(centre.T, centre.T)
        if not self.flow:
            a, b = iv.sub((a, b), iv.point(centre.T))
        middle, error = (part.T[..., None] for part in iv.middle_radius((a, b)))
        shift = (inverse @ middle)[..., 0]
        doubt = (size @ (error + gamma * np.abs(middle)))[..., 0]
        contraction = np.abs(identity - inverse @ difference) * (1 + 4 * U)
        apart = contraction @ reach[..., None]
        slack = (2 * gamma + U) * np.abs(difference) + spread
        apart = (apart + size @ (slack @ reach[..., None]))[..., 0]
        total = (doubt + apart) * (1 + 16 * gamma) + 4 * U * (np.abs(centre) + np.abs(shift))
        k_low, k_high = iv.down(centre + shift - total), iv.up(centre + shift + total)
        bad = ~fine[:, None] | ~np.isfinite(k_low) | ~np.isfinite(k_high)
        return (
            np.where(bad, -np.inf, k_low).T,
            np.where(bad, np.inf, k_high).T,
            spread + 1e-3 * np.abs(jacobian),
        )

    def _cut(
        self, low: np.ndarray, high: np.ndarray, spread: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Cut each box in two, across the state whose width makes slopes spread most."""
        if not low.shape[1]:
            return low, high
        width = high - low
        smear = spread.sum(axis=1).T * width
        smear = np.where(np.isfinite(smear), smear, width * 1e300)
        smear = np.where(width > _LEAST * self.scale, smear, -1.0)
        which = np.argmax(smear, axis=0)
        lanes = np.arange(low.shape[1])
        at = low[which, lanes] + _OFF_CENTRE * width[which, lanes]
        first_high, second_low = high.copy(), low.copy()
        first_high[which, lanes], second_low[which, lanes] = at, at
        return np.concatenate([low, second_low], axis=1), np.concatenate([first_high, high], axis=1)

    # -- points ----------------------------------------------------------------------------------

    def _note(self, *boxes: np.ndarray) -> None:
        for lane in zip(*(box.T for box in boxes), strict=True):
            self._found.append(lane)  # type: ignore[arg-type]

    def points(self) -> tuple[np.ndarray, np.ndarray, int]:
        """Return boxes ``[n_points, block]`` of one point each, and how many pairs are unclear."""
        m = len(self.rows)
        if not self._found:
            return np.empty((0, m)), np.empty((0, m)), 0
        low, high, big_low, big_high = (np.array(side) for side in zip(*self._found, strict=True))
        low, high = self._tightened(low, high)
        order = np.lexsort(low.T[::-1])
        low, high, big_low, big_high = (a[order] for a in (low, high, big_low, big_high))
        kept: list[int] = []
        ambiguous = 0
        for i in range(len(low)):
            if kept:
                k = np.array(kept)
                touching = k[np.all((low[k] <= high[i]) & (high[k] >= low[i]), axis=1)]
                # The point of k lies where that of i is alone, or vice versa.
                same = np.all(
                    (low[touching] >= big_low[i]) & (high[touching] <= big_high[i]), axis=1
                )
                same |= np.all(
                    (low[i] >= big_low[touching]) & (high[i] <= big_high[touching]), axis=1
                )
                if same.any():
                    continue
                ambiguous += len(touching)
            kept.append(i)
        return low[kept], high[kept], ambiguous

    def _tightened(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Apply Krawczyk's operator until the boxes are as small as rounding lets them be."""
        for _ in range(8):
            k_low, k_high, _ = self._operator(low.T, high.T)
            new = np.maximum(low, k_low.T), np.minimum(high, k_high.T)
            # An empty intersection cannot be: the point is in both. Kept as it was for safety.
            bad = np.any(new[0] > new[1], axis=1)[:, None]
            low_, high_ = np.where(bad, low, new[0]), np.where(bad, high, new[1])
            gain = np.max((high - low) - (high_ - low_), initial=0.0)
            low, high = low_, high_
            if gain < 1e-15:
                break
        return low, high

    def settle(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Decide boxes ``[n, block]`` that could not be cut further, from around; return the rest.

        A point on the face between two boxes lies inside neither. A box around both may decide it.
        """
        left_low, left_high = [], []
        for a, b in zip(low, high, strict=True):
            if np.any(b - a > 1e-6 * self.scale[:, 0]):
                left_low.append(a)
                left_high.append(b)
                continue
            for factor in (4.0, 1e2, 1e4):
                grown = factor * ((b - a) + _LEAST * self.scale[:, 0])
                big = (a - grown)[:, None], (b + grown)[:, None]
                k_low, k_high, _ = self._operator(*big)
                if np.all((k_low > big[0]) & (k_high < big[1])):
                    self._note(k_low, k_high, *big)
                    break
                if np.any((k_low[:, 0] > b) | (k_high[:, 0] < a)):
                    break  # no point in it
            else:
                left_low.append(a)
                left_high.append(b)
        shape = (-1, len(self.rows))
        return np.array(left_low).reshape(shape), np.array(left_high).reshape(shape)
