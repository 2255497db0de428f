"""Spikes of experiments and of other toolboxes."""

from __future__ import annotations

import os
from typing import Any, Literal, get_args

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.analysis.spike_checks import check_positive
from fpf_notebook.analysis.spike_data import SpikeData
from fpf_notebook.files.hdf5 import MAGIC, Hdf5Reader
from fpf_notebook.files.input_file import InputFile, open_input
from fpf_notebook.files.npy import read_npy
from fpf_notebook.files.npz import NpzReader
from fpf_notebook.io.nwb import spikes_of_nwb

__all__ = ["load_spikes"]

Format = Literal["auto", "nwb", "lfads_torch", "nlb", "autolfads", "arrays"]
_NPY_MAGIC = b"\x93NUMPY"
# How the bins of trials are called in each format: training, then validation.
_SPLITS = ("train", "valid")


def load_spikes(
    path: str | os.PathLike[str],
    *,
    bin_width: float | None = None,
    align_to: str = "start_time",
    window: tuple[float, float] | None = None,
    n_heldin: int | None = None,
    format: Format = "auto",
    max_bytes: int | None = None,
) -> SpikeData:
    """Read spikes from a file.

    ===============  ===========================================================================
    format           what is read
    ===============  ===========================================================================
    ``nwb``          Neurodata Without Borders: spike times of the units, binned and aligned to an
                     event of each trial. Units with a true ``heldout`` come last and are held out;
                     trials whose ``split`` begins with "val" or "test" are for validation.
    ``lfads_torch``  HDF5 of lfads-torch: ``train_encod_data``, ``train_recon_data``, … and
                     ``valid_…``, with ``_truth`` for true rates and ``_ext_input``
    ``nlb``          HDF5 of the Neural Latents Benchmark: ``train_spikes_heldin`` and
                     ``train_spikes_heldout``, ``eval_…``
    ``autolfads``    HDF5 of (Auto)LFADS: ``train_data``, ``valid_data``, ``train_truth``, …
    ``arrays``       ``.npy`` of counts, or ``.npz`` with ``spikes`` and, if you like, ``rates``,
                     ``conditions``, ``valid``, ``ext_inputs``, ``latents``, ``n_heldin``, ``dt``
    ===============  ===========================================================================

    Nothing in a file is run, links in it are not followed, and what it unpacks to is bounded.

    Parameters
    ----------
    path : path
        The file.
    bin_width : float, optional
        Width of a bin in seconds. Of NWB by default 0.02; of the other formats, which hold bins,
        it says what these are (default: the file's ``dt``, or 0.01).
    align_to : str
        NWB: the column of trials with the time to align to, for example ``"move_onset_time"``.
        Trials in which it is missing (NaN) are left out. Default ``"start_time"``.
    window : (float, float), optional
        NWB: from when to when, in seconds after that time. By default from 0 for as long as the
        shortest trial lasts.
    n_heldin : int, optional
        Neurons that a model may see, the first ones; by default what the file says, or all.
    format : {"auto", "nwb", "lfads_torch", "nlb", "autolfads", "arrays"}
        By default found out.
    max_bytes : int, optional
        The most bytes that the content may need in memory, by default 64 times the file's size.

    Returns
    -------
    data : SpikeData

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileError
        If it is damaged, of another format, or holds no units.
    ValueError
        If spikes are negative, fractional or not finite, the window is longer than a trial or no
        multiple of the bins, or an argument is out of range.

    Examples
    --------
    >>> import numpy as np, os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "spikes.npz")
    ...     np.savez(path, spikes=np.ones((10, 5, 3), int), dt=0.02)
    ...     data = load_spikes(path, n_heldin=2)
    >>> data
    SpikeData(10 trials, 2 of them for validation, 5 bins of 20 ms, 3 neurons, 2 held in)
    """
    if format not in get_args(Format):
        raise ValueError(f"format must be one of {get_args(Format)}, got {format!r}")
    if bin_width is not None:
        check_positive("bin_width", bin_width)
    source = open_input(path, "a set of spikes", max_bytes=max_bytes)
    if not source.data.startswith(MAGIC):
        if format not in ("auto", "arrays"):
            raise source.error(f"it is no HDF5 file, which the format {format!r} needs")
        return _of_arrays(source, bin_width, n_heldin)
    with Hdf5Reader(source) as file:
        found = _format_of(source, file) if format == "auto" else format
        if found == "nwb":
            return spikes_of_nwb(source, file, bin_width or 0.02, align_to, window, n_heldin)
        if window is not None or align_to != "start_time":
            raise ValueError(
                f"window and align_to are for NWB; {found} holds trials that are cut already"
            )
        if found == "nlb":
            return _of_nlb(source, file, bin_width, n_heldin)
        if found in ("lfads_torch", "autolfads"):
            return _of_lfads(source, file, bin_width, n_heldin, torch=found == "lfads_torch")
    raise source.error(f"it is an HDF5 file, which the format {format!r} is not")


def _format_of(source: InputFile, file: Hdf5Reader) -> str:
    if "units" in file or "intervals" in file or "nwb_version" in file:
        return "nwb"
    for name, key in (
        ("lfads_torch", "train_encod_data"),
        ("nlb", "train_spikes_heldin"),
        ("autolfads", "train_data"),
    ):
        if key in file:
            return name
    names = ", ".join(file.names()[:6]) or "nothing"
    if file.attribute("nwb_version") is not None:
        return "nwb"
    raise source.error(
        f"it is of none of the known formats: it holds {names}; expected units (NWB), "
        "train_encod_data (lfads-torch), train_spikes_heldin (NLB) or train_data (AutoLFADS)"
    )


def _of_arrays(source: InputFile, bin_width: float | None, n_heldin: int | None) -> SpikeData:
    if source.data.startswith(_NPY_MAGIC):
        import io

        with source.guarded():
            spikes = read_npy(source, "spikes", io.BytesIO(source.data), len(source.data))
        return SpikeData(spikes, dt=bin_width or 0.01, n_heldin=n_heldin)
    with NpzReader(source) as file:
        if "spikes" not in file.names:
            raise source.error(
                f"it has no array 'spikes', but {', '.join(file.names) or 'nothing'}"
            )
        arrays: JsonObject = {
            name: file.read(name)
            for name in ("spikes", "rates", "conditions", "valid", "ext_inputs", "latents")
            if name in file.names
        }
        for name in ("dt", "n_heldin"):
            if name in file.names:
                value = file.read(name)
                if value.size != 1:
                    raise source.error(f"its {name} is not a single number")
                arrays[name] = value.reshape(())
    dt = float(arrays.pop("dt", np.float64(0.01)))
    given = arrays.pop("n_heldin", None)
    heldin = n_heldin if n_heldin is not None or given is None else int(given)
    return SpikeData(dt=bin_width or dt, n_heldin=heldin, **arrays)


def _of_nlb(
    source: InputFile, file: Hdf5Reader, bin_width: float | None, n_heldin: int | None
) -> SpikeData:
    parts, n_seen = [], 0
    for split in ("train", "eval"):
        if f"{split}_spikes_heldin" not in file:
            continue
        seen = file.numbers(f"{split}_spikes_heldin")
        if f"{split}_spikes_heldout" in file:
            blocks = [seen, file.numbers(f"{split}_spikes_heldout")]
        elif split == "eval":
            continue  # what the benchmark keeps to itself
        else:
            blocks = [seen]
        if any(block.ndim != 3 or block.shape[:2] != seen.shape[:2] for block in blocks):
            raise source.error(f"its {split}_spikes_heldin and _heldout do not fit together")
        n_seen = seen.shape[2]
        parts.append(np.concatenate(blocks, axis=2))
    return _joined(source, parts, bin_width, n_heldin or n_seen or None)


def _of_lfads(
    source: InputFile,
    file: Hdf5Reader,
    bin_width: float | None,
    n_heldin: int | None,
    *,
    torch: bool,
) -> SpikeData:
    data = "recon_data" if torch and "train_recon_data" in file else "data"
    data = "encod_data" if torch and data == "data" else data
    n_seen = None
    if torch:
        seen = file.numbers("train_encod_data")
        n_seen = seen.shape[2] if seen.ndim == 3 else None
    splits = [split for split in _SPLITS if f"{split}_{data}" in file]
    parts = [file.numbers(f"{split}_{data}") for split in splits]
    extra = {}
    for name, key in (("rates", "truth"), ("ext_inputs", "ext_input")):
        if all(f"{split}_{key}" in file for split in splits):
            values = [file.numbers(f"{split}_{key}") for split in splits]
            if all(value.ndim == 3 and value.shape[2] for value in values):
                extra[name] = np.concatenate(values)
    if bin_width is None and "dt" in file:
        bin_width = float(np.ravel(file.numbers("dt"))[0])
    factor = 1.0
    if not torch and "conversion_factor" in file and "rates" in extra:
        factor = float(np.ravel(file.numbers("conversion_factor"))[0])
    if "rates" in extra and factor not in (0.0, 1.0):
        extra["rates"] = extra["rates"] / factor
    return _joined(source, parts, bin_width, n_heldin or n_seen, **extra)


def _joined(
    source: InputFile,
    parts: list[np.ndarray],
    bin_width: float | None,
    n_heldin: int | None,
    **extra: Any,
) -> SpikeData:
    if not parts:
        raise source.error("it holds no trials")
    if any(part.ndim != 3 or part.shape[1:] != parts[0].shape[1:] for part in parts):
        shapes = " and ".join(str(list(part.shape)) for part in parts)
        raise source.error(f"its trials do not fit together: they have the shapes {shapes}")
    # The first part is for training; with nothing beside it, every fifth trial is held back.
    valid = np.repeat(np.arange(len(parts)) > 0, [len(part) for part in parts])
    return SpikeData(
        np.concatenate(parts),
        dt=bin_width or 0.01,
        n_heldin=n_heldin,
        valid=valid if valid.any() else None,
        **extra,
    )
