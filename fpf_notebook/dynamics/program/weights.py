"""The numbers of a program, each of them stored once."""

from __future__ import annotations

import base64

import numpy as np
from jaxtyping import Float, Int

from fpf_notebook.dynamics.program.segments import to_segments

_FEW = 4  # an array with a fourth of its size in different numbers is written by these


class WeightPool:
    """Collects known arrays and says at which addresses their numbers stand.

    A transpose of an array that is there already, a part of it or a mask of zeros and ones take no
    room: their numbers are found where they are.
    """

    def __init__(self) -> None:
        self._parts: list[np.ndarray] = []
        self._places: dict[int, int] = {}
        self._placed: dict[bytes, np.ndarray] = {}
        self.size = 0

    def place(self, values: Float[np.ndarray, "size"]) -> Int[np.ndarray, "size"]:
        """Return the addresses of some numbers, which are added where they are not known.

        Parameters
        ----------
        values
            The numbers; compared by their bits, so that 0 and -0 are two.

        Returns
        -------
        numpy.ndarray
            One address for each of them.
        """
        flat = np.ascontiguousarray(values, dtype=np.float64)
        key = flat.tobytes()
        if key not in self._placed:
            self._placed[key] = self._found(flat)
        return self._placed[key]

    def _found(self, flat: np.ndarray) -> np.ndarray:
        bits = flat.view(np.int64)
        different, inverse = np.unique(bits, return_inverse=True)
        known = [self._places.get(b) for b in different.tolist()]
        few = len(different) * _FEW <= len(bits)
        if few or None not in known:
            for b, place in zip(different.tolist(), known, strict=True):
                if place is None:
                    self._append(np.array([b]).view(np.float64))
            places = np.array([self._places[b] for b in different.tolist()], dtype=np.int64)[
                inverse
            ]
            # Scattered over all weights they would take more room by their places than anew.
            if few or len(to_segments(places)) * _FEW <= len(bits):
                return places
        start = self.size
        self._append(flat)
        return start + np.arange(len(flat))

    def encoded(self) -> tuple[str, str]:
        """Return the type and the base64 text of all numbers, little-endian.

        Returns
        -------
        dtype
            ``"float32"`` where that holds every number exactly, else ``"float64"``.
        data
            The text.
        """
        flat = np.concatenate(self._parts) if self._parts else np.zeros(0)
        with np.errstate(over="ignore"):
            narrow = flat.astype("<f4")
        exact = bool((narrow.astype(np.float64) == flat).all())
        raw = narrow if exact else flat.astype("<f8")
        return ("float32" if exact else "float64"), base64.b64encode(raw.tobytes()).decode()

    def has_nan(self) -> bool:
        """Whether one of the numbers is NaN."""
        return any(bool(np.isnan(part).any()) for part in self._parts)

    def _append(self, flat: np.ndarray) -> None:
        for i, b in enumerate(flat.view(np.int64).tolist()):
            self._places.setdefault(b, self.size + i)
        self._parts.append(flat)
        self.size += len(flat)
