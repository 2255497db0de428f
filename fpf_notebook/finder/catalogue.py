"""The points that an exhaustive search knows so far, and how often each was hit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook.finder.coverage import chao1_unseen, good_turing_coverage
from fpf_notebook.finder.degenerate import not_settled, residual_noise, settle
from fpf_notebook.finder.evaluation import evaluate, linearize, residual_of
from fpf_notebook.finder.search import Candidates
from fpf_notebook.finder.unique import FIXED, Judgement
from fpf_notebook.finder.witness import on_boundary
from fpf_notebook.result import spectrum
from fpf_notebook.result.dedupe import unique_indices

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap
    from fpf_notebook.finder.options import Options

__all__ = ["Catalogue"]


class Catalogue:
    """Grows from round to round; a point is entered once, with its index.

    Parameters
    ----------
    step_map : StepMap
        The network.
    options : Options
        Tolerances.
    """

    def __init__(self, step_map: StepMap, options: Options) -> None:
        self._step_map = step_map
        self._options = options
        self.states = np.empty((0, step_map.n_states))
        self.inputs = np.empty((0, step_map.n_inputs))
        self.index = np.empty(0, dtype=int)
        self.hits: dict[str, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self.states)

    @property
    def total_hits(self) -> np.ndarray:
        """Hits of each point by starts of every kind."""
        return sum(self.hits.values(), np.zeros(len(self), dtype=int))

    @property
    def undecided(self) -> bool:
        """Whether the index of some point is not known, and with it the sum."""
        return bool((self.index == 0).any()) or bool(
            on_boundary(self._step_map, self.states, self.inputs).any()
        )

    def index_sums(self, distinct_inputs: np.ndarray) -> np.ndarray:
        """Sum of the indices of the points known, for each of the inputs."""
        mine = (self.inputs[:, None] == distinct_inputs[None]).all(axis=2)
        return np.asarray(self.index @ mine, dtype=int)

    def coverage(self) -> float | None:
        """Probability that one more start ends in a point known (Good–Turing)."""
        return good_turing_coverage(self.total_hits)

    def unseen(self) -> float | None:
        """How many points are probably missing: the most that any kind of start gives to expect.

        The hits of all kinds together have their own estimate; one kind that alone would promise
        more points than all kinds have found counts too.
        """
        pooled = chao1_unseen(self.total_hits)
        if pooled is None:
            return None
        excess = [
            np.count_nonzero(hits) + (chao1_unseen(hits) or 0.0) - len(self)
            for hits in self.hits.values()
        ]
        return float(max([pooled, *excess]))

    def absorb(self, found: Candidates, judgement: Judgement, kinds: np.ndarray) -> int:
        """Count hits of known points and enter new ones.

        Parameters
        ----------
        found, judgement
            The lanes of a round.
        kinds : array of str, [n]
            Which kind of start each lane had.

        Returns
        -------
        int
            How many points were new.
        """
        lanes = np.flatnonzero(judgement.kind == FIXED)
        places = np.hstack([found.lanes.x, found.inputs])[lanes]
        owner = self._match(places)
        fresh = np.flatnonzero(owner < 0)
        chosen, labels = unique_indices(
            places[fresh], found.lanes.q[lanes[fresh]], self._options.tol_unique
        )
        known = len(self)
        accepted = self._enter(found, lanes[fresh[chosen]])
        owner[fresh] = accepted[labels]
        for kind in np.unique(kinds):
            mine = owner[(kinds[lanes] == kind) & (owner >= 0)]
            counts = np.bincount(mine, minlength=len(self))
            before = self.hits.get(str(kind), np.empty(0, dtype=int))
            self.hits[str(kind)] = counts + np.pad(before, (0, len(self) - len(before)))
        for kind, counts in self.hits.items():
            self.hits[kind] = np.pad(counts, (0, len(self) - len(counts)))
        return len(self) - known

    def _match(self, places: np.ndarray) -> np.ndarray:
        """Return which known point each place is, or -1."""
        if not len(self) or not len(places):
            return np.full(len(places), -1)
        from scipy.spatial import cKDTree

        tree = cKDTree(np.hstack([self.states, self.inputs]))
        _, nearest = tree.query(places, distance_upper_bound=self._options.tol_unique)
        return np.where(nearest < len(self), nearest, -1)

    def _enter(self, found: Candidates, lanes: np.ndarray) -> np.ndarray:
        """Enter those that pass the exact forward-error test; return their numbers or -1."""
        numbers = np.full(len(lanes), -1)
        if not len(lanes):
            return numbers
        tol, time = self._options.tol_unique, self._step_map.time
        x, u = np.array(found.lanes.x[lanes]), found.inputs[lanes]
        jacobian, error = self._linearize(x, u, found.F_x[lanes])
        index = spectrum.fixed_point_index(jacobian, time)
        good = error <= tol
        moving = np.flatnonzero(good & not_settled(self._step_map, x, error))
        if len(moving):
            x[moving], undecided, lost = settle(self._step_map, x[moving], u[moving])
            good[moving] = ~lost
            f_x = evaluate(self._step_map, x[moving], u[moving])
            jacobian, _ = self._linearize(x[moving], u[moving], f_x)
            index[moving] = np.where(undecided, 0, spectrum.fixed_point_index(jacobian, time))
        # Where a point was led on it may have met another.
        numbers[good] = self._match(np.hstack([x, u])[good])
        fresh = np.flatnonzero(good & (numbers < 0))
        chosen, labels = unique_indices(np.hstack([x, u])[fresh], found.lanes.q[lanes[fresh]], tol)
        numbers[fresh] = len(self) + labels
        entered = fresh[chosen]
        self.states = np.concatenate([self.states, x[entered]])
        self.inputs = np.concatenate([self.inputs, u[entered]])
        self.index = np.concatenate([self.index, index[entered]])
        return numbers

    def _linearize(
        self, x: np.ndarray, u: np.ndarray, f_x: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return Jacobians and lengths of the exact Newton steps."""
        step_map = self._step_map
        jacobian, _ = linearize(step_map, x, u)
        residual = residual_of(f_x, x, step_map.time)
        noise = residual_noise(step_map, x)
        return jacobian, spectrum.forward_error(jacobian, residual, step_map.time, noise=noise)
