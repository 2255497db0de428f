"""Spike times of Neurodata Without Borders, binned and aligned."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from fpf_notebook.analysis.spike_data import SpikeData
from fpf_notebook.files.hdf5 import Hdf5Reader
from fpf_notebook.files.input_file import InputFile

__all__ = ["spikes_of_nwb"]

_TRIALS = "intervals/trials/"
_INDEX = "units/spike_times_index"


def spikes_of_nwb(
    source: InputFile,
    file: Hdf5Reader,
    bin_width: float,
    align_to: str,
    window: tuple[float, float] | None,
    n_heldin: int | None,
) -> SpikeData:
    """Bin the spike times of an NWB file; see `load_spikes`."""
    times, ends = _spike_times(source, file)
    start = _column(source, file, "start_time")
    stop = _column(source, file, "stop_time", len(start))
    event = start if align_to == "start_time" else _column(source, file, align_to, len(start))
    known = np.isfinite(event)
    if not known.any():
        raise source.error(f"its trials have no {align_to!r} that is a number")
    if window is None:
        shortest = float((stop - event)[known].min())
        n_bins = int(np.floor(shortest / bin_width + 1e-9))
        if n_bins < 1:
            raise ValueError(f"bin_width is {bin_width}, but the shortest trial lasts {shortest} s")
        window = (0.0, n_bins * bin_width)
    n_bins = _check_window(window, bin_width)
    before = (event + window[0] < start - 1e-9) & known
    after = (event + window[1] > stop + 1e-9) & known
    if (before | after).any():
        k = int(np.flatnonzero(before | after)[0])
        raise ValueError(
            f"window is {window}, longer than the trial in {int((before | after).sum())} of "
            f"{int(known.sum())} trials: trial {k} has from {start[k] - event[k]:.3f} to "
            f"{stop[k] - event[k]:.3f} s around its {align_to}"
        )
    edges = event[known, None] + window[0] + bin_width * np.arange(n_bins + 1)
    held_out = _held_out(source, file, len(ends))
    order = np.argsort(held_out, kind="stable")
    counts = np.empty((len(edges), n_bins, len(ends)), np.float32)
    firsts = np.concatenate([[0], ends[:-1]])
    for place, unit in enumerate(order):
        own = np.sort(times[firsts[unit] : ends[unit]])
        # A spike just on an edge belongs to the bin that begins there.
        counts[:, :, place] = np.diff(np.searchsorted(own, edges - 1e-9), axis=1)
    if n_heldin is None and held_out.any() and not held_out.all():
        n_heldin = int((~held_out).sum())
    return SpikeData(
        counts,
        dt=bin_width,
        n_heldin=n_heldin,
        valid=_validation(source, file, known),
        conditions=_conditions(source, file, known),
    )


def _spike_times(source: InputFile, file: Hdf5Reader) -> tuple[np.ndarray, np.ndarray]:
    if any(part not in file for part in ("units", "units/spike_times", _INDEX)):
        raise source.error("it has no units with spike times")
    times = file.numbers("units/spike_times").astype(np.float64)
    ends = file.numbers(_INDEX).astype(np.int64)
    if not ends.size:
        raise source.error("it has no units")
    if (
        times.ndim != 1
        or ends.ndim != 1
        or (np.diff(ends) < 0).any()
        or ends[0] < 0
        or ends[-1] > len(times)
    ):
        raise source.error("the index of its spike times does not fit them")
    if not np.isfinite(times).all():
        raise source.error("it has spike times that are NaN or infinite")
    return times, ends


def _column(
    source: InputFile, file: Hdf5Reader, name: str, n_trials: int | None = None
) -> Float[np.ndarray, "trial"]:
    if _TRIALS + name not in file:
        raise source.error(f"its trials have no column {name!r}")
    values = file.numbers(_TRIALS + name).astype(np.float64)
    if values.ndim != 1 or n_trials not in (None, len(values)):
        raise source.error(f"the column {name!r} of its trials is not one number for each")
    return values


def _held_out(source: InputFile, file: Hdf5Reader, n_units: int) -> Bool[np.ndarray, "unit"]:
    if "units/heldout" not in file:
        return np.zeros(n_units, bool)
    values = file.numbers("units/heldout")
    if values.shape != (n_units,):
        raise source.error("the column 'heldout' of its units is not one value for each")
    return values.astype(bool)


def _validation(
    source: InputFile, file: Hdf5Reader, known: Bool[np.ndarray, "trial"]
) -> Bool[np.ndarray, "trial"] | None:
    if _TRIALS + "split" not in file:
        return None
    words, _ = file.texts(_TRIALS + "split")
    if len(words) != len(known):
        raise source.error("the column 'split' of its trials is not one word for each")
    valid = np.array([word.lower().startswith(("val", "test")) for word in words])[known]
    return valid if valid.any() and not valid.all() else None


def _conditions(
    source: InputFile, file: Hdf5Reader, known: Bool[np.ndarray, "trial"]
) -> np.ndarray | None:
    """Return a number for each kind of trial, if the columns of the maze set name them."""
    columns = [
        _column(source, file, name, len(known))[known]
        for name in ("trial_type", "trial_version", "maze_id", "condition")
        if _TRIALS + name in file
    ]
    if not columns:
        return None
    numbers: np.ndarray = np.unique(np.column_stack(columns), axis=0, return_inverse=True)[1]
    return numbers.ravel()


def _check_window(window: tuple[float, float], bin_width: float) -> int:
    try:
        first, last = (float(edge) for edge in window)
    except (TypeError, ValueError):  # not two of them, or no numbers
        first = last = np.nan
    if not np.isfinite([first, last]).all() or last <= first:
        raise ValueError(f"window must be two times, the later one second, got {window!r}")
    n_bins = round((last - first) / bin_width)
    if n_bins < 1 or abs(n_bins * bin_width - (last - first)) > 1e-6:
        raise ValueError(
            f"window must be a whole number of bins of {bin_width} s, got {window}, "
            f"{(last - first) / bin_width:.3f} bins"
        )
    return n_bins
