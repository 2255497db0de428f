"""Which linear dynamics a generator uses: its modes, and how many linear systems there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from fpf_notebook.arguments import checks

if TYPE_CHECKING:
    from fpf_notebook.analysis.inferred import LFADSRun

__all__ = ["GeneratorModes", "LinearSystem", "generator_modes"]

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True, eq=False)
class LinearSystem:
    """One linear system that a generator uses, and its modes, the strongest in the readout first.

    Attributes
    ----------
    share : float
        Share of the sampled steps that use it.
    J : array, [n_states, n_states]
        The mean of the Jacobians of its core, the half of these steps that differ least from the
        others. (At the first steps of a trial the generator may still be under way to a system.)
    centre : array, [n_states]
        The mean of the points that the core expands around.
    eigenvalues : array, [mode]
        Of J, one of each complex pair, that above the real axis.
    power : array, [mode]
        Share of the readout's variance that is due to each mode. Not their moduli: slow modes that
        nothing excites, or that no neuron shows, tell nothing.
    frequencies : array, [mode]
        In Hz if the width of a bin is known, else in turns a bin.
    time_constants : array, [mode]
        In seconds or bins; infinite or negative for modes that do not decay.
    spread : array, [mode]
        Largest distance, over the sampled steps, from each eigenvalue to the nearest of the step's
        own Jacobian.
    planes : array, [mode, n_states, 2]
        Real and imaginary part of each eigenvector.
    """

    share: float
    J: Float[np.ndarray, "n_states n_states"]
    centre: Float[np.ndarray, "n_states"]
    eigenvalues: np.ndarray
    power: Float[np.ndarray, "mode"]
    frequencies: Float[np.ndarray, "mode"]
    time_constants: Float[np.ndarray, "mode"]
    spread: Float[np.ndarray, "mode"]
    planes: Float[np.ndarray, "mode n_states 2"]

    def rotations(self, n: int | None = None) -> Int[np.ndarray, "k"]:
        """Return which modes rotate, the strongest first, at most `n` of them."""
        return np.flatnonzero(self.eigenvalues.imag > 1e-9)[:n]


@dataclass(frozen=True, eq=False)
class GeneratorModes:
    """The linear systems of a generator, found at sampled steps of its runs.

    Attributes
    ----------
    systems : tuple of LinearSystem
        The most used first.
    rows : array of int, [sample, 2]
        Trial and step of each sample.
    labels : array of int, [sample]
        Which system each uses; -1: none of them, a step in between.
    eigenvalues : array, [sample, n_states]
        Of each sample's Jacobian.
    difference : array, [sample, sample]
        How differently two samples' linear systems move the readout in a step, relative to how far
        it moves.
    dt : float or None
        Seconds a bin.
    """

    systems: tuple[LinearSystem, ...]
    rows: Int[np.ndarray, "sample 2"]
    labels: Int[np.ndarray, "sample"]
    eigenvalues: np.ndarray
    difference: Float[np.ndarray, "sample sample"]
    dt: float | None

    @property
    def n_systems(self) -> int:
        """How many linear systems the generator uses."""
        return len(self.systems)

    def distance_to(self, eigenvalue: complex) -> Float[np.ndarray, "sample"]:
        """Return how far each sample's nearest eigenvalue is from a given one."""
        return np.abs(self.eigenvalues - eigenvalue).min(axis=1)

    def __str__(self) -> str:
        n = self.n_systems
        word = _WORDS[n] if n < len(_WORDS) else str(n)
        upper = self.difference[np.triu_indices(len(self.difference), 1)]
        median = f"{100 * np.median(upper):.0f} %" if len(upper) else "0 %"
        lines = [
            f"{word} linear system{'' if n == 1 else 's'} at {len(self.rows)} sampled steps of "
            f"{len(np.unique(self.rows[:, 0]))} trials; two steps differ by {median} in what they "
            "do to the readout (median)"
        ]
        between = np.mean(self.labels < 0)
        if between:
            lines.append(f"{100 * between:.0f} % of the steps are in between")
        unit, second = ("Hz", "s") if self.dt else ("a bin", "bins")
        for k, system in enumerate(self.systems):
            lines.append(f"system {k + 1}: {100 * system.share:.0f} % of the steps")
            for i in range(min(6, len(system.eigenvalues))):
                value = system.eigenvalues[i]
                lines.append(
                    f"  {100 * system.power[i]:3.0f} % of the readout: "
                    f"{system.frequencies[i]:.3g} {unit}, time constant "
                    f"{system.time_constants[i]:.3g} {second}, |λ| {abs(value):.3f}, spread "
                    f"{system.spread[i]:.2g}"
                )
        return "\n".join(lines)


@checks("analysis.generator_modes")
def generator_modes(
    run: LFADSRun,
    *,
    points: Float[np.ndarray, "point n_states"] | None = None,
    n_samples: int = 200,
    max_difference: float = 0.25,
    min_share: float = 0.08,
    seed: int = 0,
) -> GeneratorModes:
    """Find the linear systems that a generator uses, and the modes of each.

    At sampled steps the nonlinear generator is linearized, where the switching linear system did
    it. Samples are grouped by what their Jacobians do to the readout, not by where they are taken:
    expansion points may wander while the Jacobian stays the same. In each group modes are ranked by
    the variance that they bring into the readout.

    Parameters
    ----------
    run : LFADSRun
        What a model inferred. Of a plain generator, `points` are needed.
    points : array, [point, n_states], optional
        Where to linearize instead, at the nearest of these to each state: numerical fixed points,
        for comparison with the standard method.
    n_samples : int
        Steps to sample, an eigendecomposition each. Default 200.
    max_difference : float
        Groups that differ more than this in what they do to the readout, relative to how far it
        moves, are two systems. Default 0.25.
    min_share : float
        A system is used at this share of the samples at least; what is rarer is in between.
        Default 0.08.
    seed : int
        Of the samples.

    Returns
    -------
    modes : GeneratorModes
        Prints as a table that begins with how many systems there are.

    Raises
    ------
    TypeError, ValueError
        If it is no such run, there are no points to linearize at, or a number is out of range.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import pdist, squareform

    rows, places, inputs, deviations = _samples(run, points, n_samples, seed)
    if not 0 < max_difference < np.inf or not 0 < min_share <= 1:
        raise ValueError(
            "max_difference must be above 0 and min_share above 0 and at most 1, got "
            f"{max_difference!r} and {min_share!r}"
        )
    from fpf_notebook.dynamics.jacobians import linearize

    J = np.asarray(linearize(run.generator, places, inputs)[0], np.float64)
    W = run.readout.astype(np.float64)
    effects, scale = _effects(J, W, deviations)
    flat = effects.reshape(len(J), -1) / scale
    distances = pdist(flat) if len(J) > 1 else np.zeros(0)
    if len(J) > 1:
        groups = fcluster(linkage(distances, "average"), max_difference, "distance")
    else:
        groups = np.ones(1, int)
    names, counts = np.unique(groups, return_counts=True)
    used = [k for k in np.argsort(-counts, kind="stable") if counts[k] >= min_share * len(J)]
    used = used or [int(np.argmax(counts))]
    difference = squareform(distances) if len(J) > 1 else np.zeros((1, 1))
    labels = np.full(len(J), -1)
    eigenvalues = np.linalg.eigvals(J)
    systems = []
    for number, k in enumerate(used):
        members = np.flatnonzero(groups == names[k])
        labels[members] = number
        typical = np.argsort(difference[np.ix_(members, members)].mean(axis=1), kind="stable")
        core = members[typical[: -(-len(members) // 2)]]
        systems.append(
            _system(J[core], places[core], deviations[members], eigenvalues[members], W,
                    len(members) / len(J), run.dt)
        )  # fmt: skip
    return GeneratorModes(
        systems=tuple(systems),
        rows=rows,
        labels=labels,
        eigenvalues=eigenvalues,
        difference=difference,
        dt=run.dt,
    )


def _samples(
    run: object, points: object, n_samples: object, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return trials and steps, where to linearize, at which input, and how far states are off."""
    from fpf_notebook.analysis.inferred import LFADSRun

    if not isinstance(run, LFADSRun):
        raise TypeError(f"run must be an LFADSRun, got {type(run).__name__}")
    if isinstance(n_samples, bool) or not isinstance(n_samples, int) or n_samples < 1:
        raise ValueError(f"n_samples must be an integer of at least 1, got {n_samples!r}")
    n_trials, n_time, n_states = run.generator_states.shape
    rng = np.random.default_rng(seed)
    flat = rng.choice(n_trials * n_time, min(n_samples, n_trials * n_time), replace=False)
    trial, step = np.divmod(np.sort(flat), n_time)
    after = run.generator_states if run.jslds_states is None else run.jslds_states
    if points is not None:
        after = run.generator_states
    first = step == 0
    before = np.where(
        first[:, None], run.initial_conditions[trial], after[trial, np.maximum(step - 1, 0)]
    ).astype(np.float64)
    if points is not None:
        given = np.asarray(points, np.float64)
        if given.ndim != 2 or given.shape[1] != n_states or not len(given):
            raise ValueError(
                f"points must have the shape [point, n_states={n_states}], got {list(given.shape)}"
            )
        nearest = np.linalg.norm(before[:, None] - given, axis=-1).argmin(axis=1)
        places = given[nearest]
        inputs = np.zeros((len(trial), run.generator_inputs.shape[2]))
    elif run.expansion_points is None or run.input_points is None:
        raise ValueError(
            "run has no expansion points, since its generator is no JSLDS; give points= to "
            "linearize at, for example fixed points that a search found"
        )
    else:
        places = run.expansion_points[trial, step].astype(np.float64)
        inputs = run.input_points[trial, step].astype(np.float64)
    return np.column_stack([trial, step]), places, inputs, before - places


def _effects(J: np.ndarray, W: np.ndarray, deviations: np.ndarray) -> tuple[np.ndarray, float]:
    """Return what each Jacobian does to the readout, over states as they occur, and its scale.

    The Euclidean distance of two effects is the root of the mean square, over states, of how
    differently the two move the readout in a step; the scale is how far it is moved at all.
    """
    reduced = np.linalg.qr(W, mode="r")
    root: Any = np.linalg.qr(deviations / np.sqrt(len(deviations)), mode="r")
    moved = reduced @ (J.mean(axis=0) - np.eye(len(J[0]))) @ root.T
    return reduced @ J @ root.T, max(float(np.linalg.norm(moved)), 1e-300)


def _system(
    J: np.ndarray,
    places: np.ndarray,
    deviations: np.ndarray,
    eigenvalues: np.ndarray,
    W: np.ndarray,
    share: float,
    dt: float | None,
) -> LinearSystem:
    mean = J.mean(axis=0)
    values, right = np.linalg.eig(mean)
    amplitudes = np.linalg.solve(right, deviations.T.astype(complex))
    power = (np.abs(amplitudes) ** 2).mean(axis=1) * (np.abs(W @ right) ** 2).sum(axis=0)
    kept = np.flatnonzero(values.imag >= 0)
    power = np.where(values.imag > 0, 2, 1) * power
    order = kept[np.argsort(-power[kept], kind="stable")]
    chosen, unit = values[order], 1.0 if dt is None else dt
    with np.errstate(divide="ignore"):
        time_constants = -unit / np.log(np.abs(chosen))
    spread = np.abs(eigenvalues[:, :, None] - chosen).min(axis=1).max(axis=0)
    return LinearSystem(
        share=share,
        J=mean,
        centre=places.mean(axis=0),
        eigenvalues=chosen,
        power=power[order] / power[kept].sum(),
        frequencies=np.angle(chosen) / (2 * np.pi * unit),
        time_constants=time_constants,
        spread=spread,
        planes=np.stack([right.real, right.imag], axis=-1)[:, order].transpose(1, 0, 2),
    )
