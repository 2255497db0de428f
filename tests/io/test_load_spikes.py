"""Spikes from files: each format with content that is known, and what is refused."""

import datetime

import h5py
import numpy as np
import pytest

from fpf_notebook.io import FileError, load_spikes
from fpf_notebook.tasks import SpikeTask

RNG = np.random.default_rng(0)
COUNTS = RNG.poisson(0.5, (12, 6, 5)).astype(float)


def maze(n_trials=8, n_units=5, seed=0):
    """Return spike times of units, and trials, as in the maze set."""
    rng = np.random.default_rng(seed)
    start = 2.0 * np.arange(n_trials) + 1.0
    trials = {
        "start_time": start,
        "stop_time": start + 1.5,
        "move_onset_time": start + 0.5,
        "trial_type": np.arange(n_trials) % 2,
        "trial_version": np.zeros(n_trials, int),
        "split": np.where(np.arange(n_trials) % 4 == 3, "val", "train"),
    }
    trials["move_onset_time"][2] = np.nan  # no movement in this trial
    units = [np.sort(rng.uniform(0, start[-1] + 2, 300)) for _ in range(n_units)]
    return units, np.array([False, True, False, False, True]), trials


def counted(units, trials, align, window, width):
    """Count spikes one by one."""
    n_bins = round((window[1] - window[0]) / width)
    kept = np.flatnonzero(np.isfinite(trials[align]))
    counts = np.zeros((len(kept), n_bins, len(units)))
    for row, k in enumerate(kept):
        for u, times in enumerate(units):
            for t in times:
                b = int(np.floor((t - trials[align][k] - window[0]) / width + 1e-9))
                if 0 <= b < n_bins:
                    counts[row, b, u] += 1
    return counts, kept


def write_nwb(path, units, heldout, trials, leave_out=()):
    with h5py.File(path, "w") as file:
        file.attrs["nwb_version"] = "2.6.0"
        if "units" not in leave_out:
            file["units/spike_times"] = np.concatenate(units)
            file["units/spike_times_index"] = np.cumsum([len(u) for u in units])
            file["units/heldout"] = heldout
        for name, values in trials.items():
            if name not in leave_out:
                text = values.dtype.kind == "U"
                kind = h5py.string_dtype() if text else values.dtype
                values = values.astype(object) if text else values
                file.create_dataset(f"intervals/trials/{name}", data=values, dtype=kind)
    return path


def write_with_pynwb(path, units, heldout, trials):
    pynwb = pytest.importorskip("pynwb")
    zone = datetime.UTC
    file = pynwb.NWBFile("maze", "maze-1", datetime.datetime(2020, 1, 1, tzinfo=zone))
    for name in ("move_onset_time", "trial_type", "trial_version", "split"):
        file.add_trial_column(name, name)
    for k in range(len(trials["start_time"])):
        file.add_trial(**{name: values[k] for name, values in trials.items()})
    file.add_unit_column("heldout", "held out")
    for times, out in zip(units, heldout, strict=True):
        file.add_unit(spike_times=times, heldout=bool(out))
    with pynwb.NWBHDF5IO(str(path), "w") as writer:
        writer.write(file)
    return path


@pytest.mark.parametrize("write", [write_nwb, write_with_pynwb])
def test_nwb_spike_times_are_binned_and_aligned(tmp_path, write):
    units, heldout, trials = maze()
    path = write(tmp_path / "maze.nwb", units, heldout, trials)
    window, width = (-0.25, 0.45), 0.02
    data = load_spikes(path, align_to="move_onset_time", window=window, bin_width=width)
    counts, kept = counted(units, trials, "move_onset_time", window, width)
    assert 2 not in kept
    # Held-in units first.
    np.testing.assert_array_equal(data.spikes, counts[..., [0, 2, 3, 1, 4]])
    assert data.n_heldin == 3
    assert data.dt == width
    np.testing.assert_array_equal(data.valid, trials["split"][kept] == "val")
    np.testing.assert_array_equal(data.conditions, kept % 2)
    assert SpikeTask(data).n_time == 35


def test_nwb_without_a_window_takes_what_all_trials_have(tmp_path):
    units, heldout, trials = maze()
    data = load_spikes(write_nwb(tmp_path / "a.nwb", units, heldout, trials))
    assert data.spikes.shape == (8, 75, 5)
    assert data.dt == 0.02
    assert load_spikes(tmp_path / "a.nwb", n_heldin=4).n_heldin == 4


@pytest.mark.parametrize(
    ("leave_out", "options", "error", "message"),
    [
        (["units"], {}, FileError, "it has no units with spike times"),
        ([], {"align_to": "go"}, FileError, "its trials have no column 'go'"),
        (["stop_time"], {}, FileError, "its trials have no column 'stop_time'"),
        ([], {"window": (0, 1.6)}, ValueError, "longer than the trial in 8 of 8 trials: trial 0"),
        ([], {"window": (-0.1, 1.0)}, ValueError, "longer than the trial in 8 of 8 trials"),
        ([], {"window": (0, 0.11)}, ValueError, "window must be a whole number of bins of 0.02"),
        ([], {"window": (1, 1)}, ValueError, "window must be two times, the later one second"),
        ([], {"window": (0, np.nan)}, ValueError, "window must be two times"),
        ([], {"window": (0, 0.1, 0.2)}, ValueError, "window must be two times"),
        ([], {"window": ("early", "late")}, ValueError, "window must be two times"),
        ([], {"window": 0.5}, ValueError, "window must be two times"),
        ([], {"n_heldin": 0}, ValueError, "n_heldin must be a whole number from 1 to the 5"),
        ([], {"n_heldin": 6}, ValueError, "n_heldin must be a whole number from 1 to the 5"),
        ([], {"bin_width": np.nan}, ValueError, "bin_width must be a finite number above 0"),
        ([], {"bin_width": 2.0}, ValueError, "bin_width is 2.0, but the shortest trial lasts"),
        ([], {"bin_width": 0}, ValueError, "bin_width must be a finite number above 0"),
        ([], {"format": "matlab"}, ValueError, "format must be one of"),
    ],
)
def test_nwb_files_that_cannot_be_used_are_refused(tmp_path, leave_out, options, error, message):
    path = write_nwb(tmp_path / "a.nwb", *maze(), leave_out=leave_out)
    with pytest.raises(error, match=message):
        load_spikes(path, **options)


@pytest.mark.parametrize(
    ("dataset", "value", "message"),
    [
        ("units/spike_times", np.r_[np.nan, np.ones(1499)], "spike times that are NaN or inf"),
        ("units/spike_times_index", None, "it has no units with spike times"),
        ("units/heldout", np.zeros(3, bool), "'heldout' of its units is not one value for each"),
        ("intervals/trials/stop_time", np.ones(3), "'stop_time' of its trials is not one number"),
        ("intervals/trials/move_onset_time", np.ones(9), "'move_onset_time' of its trials is not"),
        ("intervals/trials/move_onset_time", np.full(8, np.nan), "no 'move_onset_time' that is a"),
        ("intervals/trials/trial_type", np.ones(2), "'trial_type' of its trials is not one number"),
        ("intervals/trials/trial_type", np.array(["a"] * 8, "S"), "trial_type has the type"),
    ],
)
def test_columns_that_do_not_fit_are_refused(tmp_path, dataset, value, message):
    path = write_nwb(tmp_path / "a.nwb", *maze())
    with h5py.File(path, "r+") as file:
        del file[dataset]
        if value is not None:
            file[dataset] = value
    with pytest.raises(FileError, match=message):
        load_spikes(path, align_to="move_onset_time", window=(-0.2, 0.2))


def test_a_file_of_pynwb_without_units_or_trials_is_refused(tmp_path):
    pynwb = pytest.importorskip("pynwb")
    when = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    for name, message in (("units", "no units with spike times"), ("trials", "trials have no col")):
        file = pynwb.NWBFile("maze", "maze-1", when)
        if name == "trials":
            file.add_unit(spike_times=[0.1, 0.2])
        else:
            file.add_trial(start_time=0.0, stop_time=1.0)
        path = tmp_path / f"{name}.nwb"
        with pynwb.NWBHDF5IO(str(path), "w") as writer:
            writer.write(file)
        with pytest.raises(FileError, match=message):
            load_spikes(path)


def test_an_index_that_points_beyond_the_spike_times_is_refused(tmp_path):
    path = write_nwb(tmp_path / "a.nwb", *maze())
    with h5py.File(path, "r+") as file:
        file["units/spike_times_index"][-1] = 10**9
    with pytest.raises(FileError, match="the index of its spike times does not fit them"):
        load_spikes(path)
    with h5py.File(path, "r+") as file:
        del file["units/spike_times_index"]
        file["units/spike_times_index"] = np.zeros(0, int)
    with pytest.raises(FileError, match="it has no units"):
        load_spikes(path)


def test_a_group_that_is_a_link_to_another_file_is_not_followed(tmp_path):
    write_nwb(tmp_path / "other.nwb", *maze())
    path = write_nwb(tmp_path / "a.nwb", *maze(), leave_out=["units"])
    with h5py.File(path, "r+") as file:
        file["units"] = h5py.ExternalLink(str(tmp_path / "other.nwb"), "/units")
    with pytest.raises(FileError, match=r"no units|is a link to another place"):
        load_spikes(path)


def test_lfads_torch_files(tmp_path):
    with h5py.File(tmp_path / "d.h5", "w") as file:
        for split, rows in (("train", slice(9)), ("valid", slice(9, 12))):
            file[f"{split}_encod_data"] = COUNTS[rows, :, :3]
            file[f"{split}_recon_data"] = COUNTS[rows]
            file[f"{split}_truth"] = COUNTS[rows] + 0.5
            file[f"{split}_ext_input"] = COUNTS[rows, :, :2]
    data = load_spikes(tmp_path / "d.h5", bin_width=0.005)
    np.testing.assert_array_equal(data.spikes, COUNTS)
    np.testing.assert_array_equal(data.rates, COUNTS + 0.5)
    np.testing.assert_array_equal(data.ext_inputs, COUNTS[..., :2])
    assert (data.n_heldin, data.dt) == (3, 0.005)
    np.testing.assert_array_equal(np.flatnonzero(data.valid), [9, 10, 11])


def test_nlb_files(tmp_path):
    with h5py.File(tmp_path / "d.h5", "w") as file:
        for split, rows in (("train", slice(9)), ("eval", slice(9, 12))):
            file[f"{split}_spikes_heldin"] = COUNTS[rows, :, :3]
            file[f"{split}_spikes_heldout"] = COUNTS[rows, :, 3:]
    data = load_spikes(tmp_path / "d.h5")
    np.testing.assert_array_equal(data.spikes, COUNTS)
    assert data.n_heldin == 3
    np.testing.assert_array_equal(np.flatnonzero(data.valid), [9, 10, 11])
    with h5py.File(tmp_path / "d.h5", "r+") as file:
        del file["eval_spikes_heldout"]
    data = load_spikes(tmp_path / "d.h5")
    assert data.spikes.shape == (9, 6, 5)
    assert data.valid.any()


def test_autolfads_files(tmp_path):
    with h5py.File(tmp_path / "d.h5", "w") as file:
        for split, rows in (("train", slice(9)), ("valid", slice(9, 12))):
            file[f"{split}_data"] = COUNTS[rows]
            file[f"{split}_truth"] = 4 * (COUNTS[rows] + 0.5)
        file["conversion_factor"] = 4.0
        file["dt"] = 0.01
    data = load_spikes(tmp_path / "d.h5")
    np.testing.assert_array_equal(data.spikes, COUNTS)
    np.testing.assert_allclose(data.rates, COUNTS + 0.5)
    with pytest.raises(ValueError, match="window and align_to are for NWB; autolfads holds"):
        load_spikes(tmp_path / "d.h5", window=(0, 1))


def test_plain_arrays(tmp_path):
    np.save(tmp_path / "d.npy", COUNTS)
    np.testing.assert_array_equal(load_spikes(tmp_path / "d.npy").spikes, COUNTS)
    valid = np.arange(12) > 8
    np.savez(tmp_path / "d.npz", spikes=COUNTS, rates=COUNTS + 1, valid=valid, dt=0.03, n_heldin=4)
    data = load_spikes(tmp_path / "d.npz")
    assert (data.dt, data.n_heldin) == (0.03, 4)
    np.testing.assert_array_equal(data.valid, valid)
    np.testing.assert_array_equal(data.rates, COUNTS + 1)
    assert load_spikes(tmp_path / "d.npz", n_heldin=2, bin_width=0.1).n_heldin == 2
    np.savez(tmp_path / "e.npz", counts=COUNTS)
    with pytest.raises(FileError, match="it has no array 'spikes', but counts"):
        load_spikes(tmp_path / "e.npz")


@pytest.mark.parametrize(
    ("value", "message"),
    [(-1.0, "the negative -1.0"), (0.5, "the fractional 0.5"), (np.nan, "must be finite, got nan")],
)
def test_spikes_that_are_no_counts_are_refused(tmp_path, value, message):
    spikes = COUNTS.copy()
    spikes[3, 2, 1] = value
    np.savez(tmp_path / "d.npz", spikes=spikes)
    with h5py.File(tmp_path / "d.h5", "w") as file:
        file["train_data"] = spikes
    for name in ("d.npz", "d.h5"):
        with pytest.raises(ValueError, match=message):
            load_spikes(tmp_path / name)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_spikes(tmp_path / "missing.nwb")
    (tmp_path / "text.nwb").write_text("not a file of spikes")
    with pytest.raises(FileError, match="cut off, or not an npz file"):
        load_spikes(tmp_path / "text.nwb")
    with pytest.raises(FileError, match="it is no HDF5 file, which the format 'nwb' needs"):
        load_spikes(tmp_path / "text.nwb", format="nwb")
    with h5py.File(tmp_path / "o.h5", "w") as file:
        file["other"] = COUNTS
    with pytest.raises(FileError, match="none of the known formats: it holds other"):
        load_spikes(tmp_path / "o.h5")
    with h5py.File(tmp_path / "p.h5", "w") as file:
        file["train_data"], file["valid_data"] = COUNTS, COUNTS[..., :3]
    with pytest.raises(FileError, match="its trials do not fit together"):
        load_spikes(tmp_path / "p.h5")
    whole = write_nwb(tmp_path / "a.nwb", *maze()).read_bytes()
    (tmp_path / "cut.nwb").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileError, match="is damaged"):
        load_spikes(tmp_path / "cut.nwb")
