"""The how-to for one's own spikes, on a file that pynwb writes in the layout of the maze set."""

import datetime

import numpy as np
import pytest

from fpf_notebook.analysis import co_smoothing, generator_modes
from fpf_notebook.io import load_spikes
from fpf_notebook.models import JSLDS, LFADS
from fpf_notebook.tasks import RotationSpikes, SpikeTask
from fpf_notebook.training import train_lfads

BIN, BEFORE, AFTER = 0.02, 0.25, 0.45


def write_maze(path, task, rng):
    """Write the spikes of a set as those of reaches around the onset of movement."""
    pynwb = pytest.importorskip("pynwb")
    zone = datetime.UTC
    file = pynwb.NWBFile("reaches", "maze-1", datetime.datetime(2009, 9, 18, tzinfo=zone))
    data = task.data
    onset = 3.0 * np.arange(data.n_trials) + 1.5 + rng.uniform(0, 0.3, data.n_trials)
    times = {name: f"time of {name}" for name in ("target_on", "go_cue", "move_onset")}
    columns = {f"{name}_time": text for name, text in times.items()}
    columns |= {"rt": "reaction time, ms", "delay": "ms", "success": "whether it was rewarded"}
    columns |= {"trial_type": "maze", "trial_version": "version of it", "maze_id": "its number"}
    columns |= {"num_targets": "targets", "active_target": "the one", "split": "part of the set"}
    for name, text in columns.items():
        file.add_trial_column(name, text)
    for k in range(data.n_trials):
        kind = int(data.conditions[k])
        file.add_trial(
            start_time=onset[k] - 1.2, stop_time=onset[k] + 0.9, target_on_time=onset[k] - 1.0,
            go_cue_time=onset[k] - 0.3, move_onset_time=onset[k], rt=300, delay=700, success=True,
            trial_type=kind, trial_version=kind % 3, maze_id=kind + 10, num_targets=1,
            active_target=0, split="val" if data.valid[k] else "train",
        )  # fmt: skip
    file.add_unit_column("heldout", "kept from the model")
    starts = onset[:, None] - BEFORE + BIN * np.arange(data.n_time)
    for unit in range(data.n_neurons):
        counts = data.spikes[:, :, unit].astype(int).ravel()
        own = np.repeat(starts.ravel(), counts)
        own = np.sort(own + BIN * rng.uniform(0.05, 0.95, len(own)))
        file.add_unit(spike_times=own, heldout=unit >= data.n_heldin)
    with pynwb.NWBHDF5IO(str(path), "w") as writer:
        writer.write(file)


# hdmf and h5py warn of things of their own.
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_from_the_file_to_the_modes(tmp_path):
    rng = np.random.default_rng(0)
    task = RotationSpikes(
        n_trials=60, n_neurons=12, n_conditions=6, n_time=35, frequencies=(1.5,),
        time_constants=(1.0,),
    )  # fmt: skip
    write_maze(tmp_path / "maze.nwb", task, rng)
    data = load_spikes(
        tmp_path / "maze.nwb", align_to="move_onset_time", window=(-BEFORE, AFTER), bin_width=BIN
    )
    np.testing.assert_array_equal(data.spikes, task.data.spikes)
    np.testing.assert_array_equal(data.valid, task.data.valid)
    assert data.n_heldin == task.data.n_heldin
    same = data.conditions[:, None] == data.conditions
    np.testing.assert_array_equal(same, task.data.conditions[:, None] == task.data.conditions)

    model = LFADS.for_data(data, generator=JSLDS, gen_dim=6, ic_enc_dim=5, ic_dim=3, fac_dim=3)
    train_lfads(model, SpikeTask(data), n_epochs=2)
    held_back = data.trials(data.valid)
    run = model.run(held_back.model_inputs())
    assert np.isfinite(co_smoothing(run.rates, held_back.spikes, data.n_heldin))
    assert generator_modes(run).n_systems >= 1
