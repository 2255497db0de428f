"""How a network integrates: the choice axis, the input axes, and what selects between inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int

from fpf_notebook.analysis.record_points import record_points
from fpf_notebook.arguments import checks
from fpf_notebook.result.fixed_points import FixedPoints

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap


__all__ = ["IntegrationAnalysis", "analyze_integration"]


@dataclass(frozen=True, eq=False)
class IntegrationAnalysis:
    """The linear dynamics of integration in one context.

    Attributes
    ----------
    points : FixedPoints
        The expansion points that were analysed, a sample of all, with their modes.
    axes : array, [n_states, 1 + n_streams]
        The choice axis and the input axes, orthonormal, in this order.
    choice : array, [n_states]
        The mean leading right eigenvector, of unit length: where evidence is kept.
    input_axes : array, [n_states, n_streams]
        How each stream drives the state, of unit length, before orthogonalization.
    input_axes_are : str
        Where they come from: ``"input weights"``, ``"mean input Jacobian"`` or ``"given"``.
    selection : array, [n, n_states]
        The leading left eigenvector of each point, of unit length: what of an input is kept.
    overlap : array, [n, n_streams]
        Cosine of the angle between selection vector and the effect of each stream.
    gain : array, [n, n_streams]
        How far a unit of each stream moves the state along the choice axis, for good.
    leading : array, [n]
        The leading eigenvalue of each point.
    used : array of bool, [n]
        Points whose leading eigenvalue is real; the others have no single direction, and their
        rows of `selection`, `overlap` and `gain` are NaN.
    rows : array of int, [n, 2]
        Trial and step of each point.
    """

    points: FixedPoints
    axes: Float[np.ndarray, "n_states n_axes"]
    choice: Float[np.ndarray, "n_states"]
    input_axes: Float[np.ndarray, "n_states n_streams"]
    input_axes_are: str
    selection: Float[np.ndarray, "n n_states"]
    overlap: Float[np.ndarray, "n n_streams"]
    gain: Float[np.ndarray, "n n_streams"]
    leading: np.ndarray
    used: Bool[np.ndarray, "n"]
    rows: Int[np.ndarray, "n 2"]

    def project(self, states: Float[np.ndarray, "*any n_states"]) -> Float[np.ndarray, "*any axes"]:
        """Return states in the coordinates of `axes`: choice, first input, second input.

        Raises
        ------
        ValueError
            If the states have another width.
        """
        states = np.asarray(states, np.float64)
        if states.ndim == 0 or states.shape[-1] != len(self.axes):
            raise ValueError(
                f"states must have the width n_states={len(self.axes)}, got {list(states.shape)}"
            )
        return states @ self.axes

    def mean_overlap(self) -> Float[np.ndarray, "n_streams"]:
        """Return the mean |cosine| of selection vectors with each stream's effect."""
        return np.nanmean(np.abs(self.overlap), axis=0)

    def selection_angle(self, stream: int = 0) -> float:
        """Return how far the drawn selection vectors lie from a stream's axis, in degrees.

        The mean over points of the angle, from 0 to 90, in the plane of the first two input axes,
        which is what `plot_selection_vectors` draws: 0 where only this stream is kept, 90 where
        only the other one is.

        Raises
        ------
        ValueError
            If there are fewer than two streams, or `stream` is neither 0 nor 1.
        """
        if self.axes.shape[1] < 3:
            raise ValueError("there is no plane of the inputs: two streams are needed, got 1")
        if isinstance(stream, bool) or stream not in (0, 1):
            raise ValueError(f"stream must be 0 or 1, got {stream!r}")
        along = np.abs(self.selection[self.used] @ self.axes[:, 1:3])
        return float(np.degrees(np.arctan2(along[:, 1 - stream], along[:, stream])).mean())

    def line_points(self, n: int = 40) -> FixedPoints:
        """Return at most n of the points, evenly spread along the choice axis."""
        place = self.points.xstar.astype(np.float64) @ self.choice
        targets = np.linspace(place.min(), place.max(), n)
        chosen = np.unique(np.abs(place[:, None] - targets).argmin(axis=0))
        return self.points[chosen]


@checks("analysis.analyze_integration")
def analyze_integration(
    step_map: StepMap,
    expansion_points: Float[np.ndarray, "trial time n_states"],
    input_point: Float[np.ndarray, "n_inputs"],
    *,
    streams: tuple[int, ...] = (0, 1),
    readout: Float[np.ndarray, "n_states"] | None = None,
    input_columns: Float[np.ndarray, "n_states n_streams"] | None = None,
    offset: int = 2,
    n_points: int = 500,
    seed: int = 0,
) -> IntegrationAnalysis:
    """Find choice axis, input axes and selection vectors from the expansion points of a context.

    The choice axis is the leading right eigenvector of the Jacobian, averaged over expansion
    points. The input axes are the raw columns of the input weights, as the authors take them: what
    a stream drives, before the slopes of the units, which differ between contexts. Gated networks
    have no such columns; there it is the effect of a stream on the state, dF/du, averaged over the
    points (``input_axes_are`` says which). Together they are orthogonalized, choice first, by QR,
    in each context by itself. The selection vector of a point is its leading left eigenvector.

    Parameters
    ----------
    step_map : StepMap
        The nonlinear network, ``as_step_map(model.rnn)``.
    expansion_points : array, [trial, time, n_states]
        Of trials of one context.
    input_point : array, [n_inputs]
        u* of this context: its channel on, the streams zero.
    streams : tuple of int
        Input channels to analyse, by default (0, 1).
    readout : array, [n_states], optional
        The output weights. Eigenvectors have no sign of their own: with this, they point to where
        the output grows; without, all to one side.
    input_columns : array, [n_states, n_streams], optional
        What to take for the input axes. By default the columns of the step map's parameter
        ``W_ih`` if the network is ungated, that is if dF/du is everywhere these columns times the
        slopes of the units; else the mean of dF/du.
    offset : int
        First steps to leave out, while states come from where trials begin. Default 2.
    n_points : int
        Points to analyse, drawn at random: an eigendecomposition each. Default 500.
    seed : int
        Of the draw.

    Returns
    -------
    analysis : IntegrationAnalysis

    Raises
    ------
    ValueError
        If a shape does not fit, a channel does not exist, no step is left, or no point has a real
        leading eigenvalue.

    References
    ----------
    Mante, Sussillo, Shenoy and Newsome, Nature 503, 2013, supplement 7.6. Smith, Linderman and
    Sussillo, NeurIPS 2021, Fig. 3.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> import numpy as np
    >>> from fpf_notebook import as_step_map
    >>> J, B = jnp.array([[1.0, 0.8], [0.0, 0.3]]), jnp.array([[0.0, 1.0], [1.0, 0.0]])
    >>> F = as_step_map(lambda h, u: J @ h + B @ u, n_states=2, n_inputs=2)
    >>> line = np.stack([np.linspace(-1, 1, 20), np.zeros(20)], axis=1)[None]
    >>> found = analyze_integration(F, line, np.zeros(2), n_points=10)
    >>> np.abs(np.nanmean(found.gain, axis=0)).round(3)
    array([1.143, 1.   ])
    """
    e = np.asarray(expansion_points, np.float64)
    if e.ndim != 3 or e.shape[2] != step_map.n_states:
        raise ValueError(
            f"expansion_points must have the shape [trial, time, n_states={step_map.n_states}], "
            f"got {list(e.shape)}"
        )
    u = np.asarray(input_point, np.float64)
    if u.shape != (step_map.n_inputs,):
        raise ValueError(
            f"input_point must have the shape [n_inputs={step_map.n_inputs}], got {list(u.shape)}"
        )
    channels = list(streams)
    if not channels or any(not 0 <= k < step_map.n_inputs for k in channels):
        raise ValueError(
            f"streams must be input channels below n_inputs={step_map.n_inputs}, got {streams!r}"
        )
    if not 0 <= offset < e.shape[1]:
        raise ValueError(f"offset must be from 0 to below the {e.shape[1]} steps, got {offset!r}")
    if readout is not None and np.shape(readout) != (step_map.n_states,):
        raise ValueError(
            f"readout must have the shape [n_states={step_map.n_states}], got "
            f"{list(np.shape(readout))}"
        )
    if input_columns is not None and (
        np.shape(input_columns) != (step_map.n_states, len(channels))
        or not np.isfinite(input_columns).all()
    ):
        raise ValueError(
            f"input_columns must be finite, of the shape [n_states={step_map.n_states}, "
            f"{len(channels)}], got {list(np.shape(input_columns))}"
        )
    rows = np.argwhere(np.ones((e.shape[0], e.shape[1] - offset), bool))
    rows[:, 1] += offset
    if len(rows) > n_points:
        rng = np.random.default_rng(seed)
        rows = rows[np.sort(rng.choice(len(rows), n_points, replace=False))]
    points = record_points(step_map, e[rows[:, 0], rows[:, 1]], u[None])
    right = points.require("eigvec_J_xstar")[:, :, 0]
    left = points.require("eigvec_left_J_xstar")[:, :, 0]
    leading = points.require("eigval_J_xstar")[:, 0]
    used = np.abs(leading.imag) <= 1e-9 * np.maximum(np.abs(leading), 1)
    if not used.any():
        raise ValueError(
            "no expansion point has a real leading eigenvalue: there is no direction in which "
            "this network would integrate"
        )
    signed = _with_one_sign(_unit(right.real), used, readout)
    choice = _unit(signed[used].mean(axis=0))
    # l^H r = 1 fixes length and sign of the left eigenvector, given those of the right one.
    factor = np.where(np.sum(signed * _unit(right.real), axis=1) < 0, -1.0, 1.0)
    raw = factor[:, None] * left.real * np.linalg.norm(right.real, axis=1, keepdims=True)
    effects = points.require("dFdu")[:, :, channels].astype(np.float64)
    columns, are = _input_columns(step_map, channels, effects[used], input_columns)
    input_axes = _unit(columns, axis=0)
    axes, R = np.linalg.qr(np.column_stack([choice, input_axes]))
    axes *= np.where(np.diag(R) < 0, -1.0, 1.0)
    selection = _unit(raw)
    gain = np.einsum("ni,nik->nk", raw, effects)
    overlap = np.einsum("ni,nik->nk", selection, _unit(effects, axis=1))
    for array in (selection, gain, overlap):
        array[~used] = np.nan
    return IntegrationAnalysis(
        points=points,
        axes=axes,
        choice=choice,
        input_axes=input_axes,
        input_axes_are=are,
        selection=selection,
        overlap=overlap,
        gain=gain,
        leading=leading,
        used=used,
        rows=rows,
    )


def _input_columns(
    step_map: StepMap,
    channels: list[int],
    effects: Float[np.ndarray, "n n_states n_streams"],
    given: Float[np.ndarray, "n_states n_streams"] | None,
) -> tuple[Float[np.ndarray, "n_states n_streams"], str]:
    """Return what drives the state for each stream, and where it comes from."""
    if given is not None:
        return np.asarray(given, np.float64), "given"
    mean = effects.mean(axis=0)
    weights = step_map.params.get("W_ih") if isinstance(step_map.params, Mapping) else None
    if weights is None or np.shape(weights) != (step_map.n_states, step_map.n_inputs):
        return mean, "mean input Jacobian"
    columns = np.asarray(weights, np.float64)[:, channels]
    # A name proves nothing: in an ungated network each row of dF/du is the row of the weights
    # times one slope. With the slope that fits best, is nothing left over?
    norms = np.maximum((columns**2).sum(axis=1), 1e-300)
    slopes = (effects * columns).sum(axis=2) / norms
    rest = effects - slopes[:, :, None] * columns
    if np.abs(rest).max() > 1e-6 * np.abs(effects).max():
        return mean, "mean input Jacobian"
    return columns, "input weights"


def _unit(vectors: np.ndarray, axis: int = -1) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=axis, keepdims=True), 1e-300)


def _with_one_sign(vectors: np.ndarray, used: np.ndarray, readout: object) -> np.ndarray:
    """Flip vectors so that all point to where the output grows, or to one side."""
    if readout is None:
        outer = vectors[used].T @ vectors[used]
        reference = np.linalg.eigh(outer)[1][:, -1]
        reference = reference * np.sign(reference[np.argmax(np.abs(reference))])
    else:
        reference = np.asarray(readout, np.float64)
    return vectors * np.where(vectors @ reference < 0, -1.0, 1.0)[:, None]
