import io
import os
import pickle
import zipfile

import brainpy as bp
import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.files import read_arrays, write_arrays
from fpf_notebook.models import GRU, LSTM, VanillaRNN
from fpf_notebook.training import load_checkpoint, save_checkpoint
from tests.training.helpers import same_weights


class Mixed(bp.DynamicalSystem):
    """Variables of unusual kinds."""

    def __init__(self, seed, batch=2):
        super().__init__()
        rng = np.random.default_rng(seed)
        self.half = bm.TrainVar(jnp.asarray(rng.normal(size=4), jnp.bfloat16))
        self.key = bm.Variable(jax.random.key(seed))
        self.count = bm.Variable(jnp.asarray(seed))
        self.states = bm.Variable(jnp.asarray(rng.normal(size=(batch, 3))), batch_axis=0)
        self.rnn = VanillaRNN(2, 3, 1, seed=seed)


def values(model):
    return {
        name: np.asarray(jax.random.key_data(v.value) if name == "key" else v.value)
        for name, v in model.vars(method="relative").items()
    }


@pytest.mark.parametrize(
    "make",
    [
        lambda seed: VanillaRNN(2, 5, 3, seed=seed),
        lambda seed: GRU(2, 5, 3, seed=seed),
        lambda seed: LSTM(2, 5, 3, seed=seed),
        Mixed,
    ],
    ids=["vanilla", "gru", "lstm", "mixed"],
)
def test_there_and_back(make, tmp_path):
    saved, loaded = make(1), make(2)
    path = tmp_path / "new" / "folders" / "model.msgpack"
    assert save_checkpoint(saved, path) is None
    assert not same_weights(values(saved), values(loaded))
    assert load_checkpoint(loaded, str(path)) is True
    assert values(saved).keys() == values(loaded).keys()
    assert same_weights(values(saved), values(loaded))
    assert all(
        v.value.dtype == w.value.dtype
        for v, w in zip(
            saved.vars(method="relative").values(),
            loaded.vars(method="relative").values(),
            strict=True,
        )
    )


def test_a_cell_of_brainpy(tmp_path):
    cells = [
        bp.dyn.GRUCell(2, 3, bp.init.Constant(k), bp.init.Constant(k), mode=bm.TrainingMode())
        for k in range(2)
    ]
    for cell, size in zip(cells, (4, 1), strict=True):
        cell.reset_state(size)
    save_checkpoint(cells[0], tmp_path / "cell")
    assert load_checkpoint(cells[1], tmp_path / "cell")
    assert same_weights(values(cells[0]), values(cells[1]))


def test_a_missing_file(tmp_path):
    model = VanillaRNN(2, 3, 1)
    before = model.parameters()
    assert load_checkpoint(model, tmp_path / "none.msgpack") is False
    assert same_weights(before, model.parameters())


def test_the_file_is_plain_and_the_same_each_time(tmp_path):
    model = GRU(2, 3, 1)
    save_checkpoint(model, tmp_path / "a")
    save_checkpoint(model, tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with np.load(tmp_path / "a", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["W_hh"], model.W_hh.value)
        assert all(file[name].dtype != object for name in file.files)


def saved_bytes(tmp_path):
    save_checkpoint(VanillaRNN(2, 3, 1, seed=5), tmp_path / "good")
    return (tmp_path / "good").read_bytes()


def a_pickle():
    return pickle.dumps({"W_hh": np.ones((3, 3))})


def objects_in_npz():
    stream = io.BytesIO()
    np.savez(stream, W_hh=np.array([{}], dtype=object), allow_pickle=True)
    return stream.getvalue()


def with_longer_members(data):
    """Append bytes to every array of the file; its checksums are right."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name) + b"\0" * 8)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda data: b"", "empty, or of another program"),
        (lambda data: data[: len(data) // 2], "cut off, or not an npz file"),
        (lambda data: data.replace(b"{'descr'", b"{'dxscr'", 1), "is damaged"),
        (lambda data: data[:200] + bytes([data[200] ^ 255]) + data[201:], "is damaged"),
        (lambda data: a_pickle(), "of another program"),
        (with_longer_members, "is damaged: it declares .* bytes and has"),
        (lambda data: objects_in_npz(), "it has no header, and is of another program"),
    ],
    ids=["empty", "truncated", "header", "bit", "pickle", "longer", "objects"],
)
def test_damaged_and_foreign_files(tmp_path, damage, text):
    path = tmp_path / "bad.npz"
    path.write_bytes(damage(saved_bytes(tmp_path)))
    model = VanillaRNN(2, 3, 1)
    before = model.parameters()
    with pytest.raises(ValueError, match=text) as caught:
        load_checkpoint(model, path)
    assert str(path) in str(caught.value)
    assert same_weights(before, model.parameters())


def test_every_flipped_bit_is_noticed_or_harmless(tmp_path):
    data, path = saved_bytes(tmp_path), tmp_path / "bad.npz"
    good = VanillaRNN(2, 3, 1, seed=5).parameters()
    rng = np.random.default_rng(0)
    noticed = 0
    for place in rng.integers(len(data), size=150):
        path.write_bytes(data[:place] + bytes([data[place] ^ 16]) + data[place + 1 :])
        model = VanillaRNN(2, 3, 1)
        before = model.parameters()
        try:
            load_checkpoint(model, path)
        except ValueError:
            noticed += 1
            assert same_weights(before, model.parameters())
        else:  # a date, or another byte that nothing depends on
            assert same_weights(good, model.parameters())
    assert noticed > 75


def test_files_of_other_kinds_and_times(tmp_path):
    model = VanillaRNN(2, 3, 1)
    np.savez(tmp_path / "a.npz", **model.parameters())
    with pytest.raises(ValueError, match="as a model checkpoint: it has no header"):
        load_checkpoint(model, tmp_path / "a.npz")
    write_arrays(tmp_path / "b.npz", {}, content="training state")
    with pytest.raises(ValueError, match="as a model checkpoint: it is a training state"):
        load_checkpoint(model, tmp_path / "b.npz")
    write_arrays(tmp_path / "c.npz", {}, content="model checkpoint", header={"version": 99})
    with pytest.raises(ValueError, match=r"newer fpf_notebook \(format 99.*upgrade"):
        load_checkpoint(model, tmp_path / "c.npz")


@pytest.mark.parametrize(
    ("other", "text"),
    [
        (VanillaRNN(2, 4, 1), r"W_hh of shape \[3, 3\] where the model has \[4, 4\]"),
        (GRU(2, 3, 1), "no b_ih.*an unknown b"),
        (Mixed(0), "no half"),
    ],
)
def test_checkpoints_of_other_models(tmp_path, other, text):
    save_checkpoint(VanillaRNN(2, 3, 1, seed=5), tmp_path / "saved")
    before = values(other)
    with pytest.raises(ValueError, match=text) as caught:
        load_checkpoint(other, tmp_path / "saved")
    assert "belongs to another model" in str(caught.value)
    assert same_weights(before, values(other))


def test_another_dtype(tmp_path):
    arrays = {
        name: np.asarray(v, np.float64) for name, v in VanillaRNN(2, 3, 1).parameters().items()
    }
    with jax.enable_x64(True):
        save_checkpoint(VanillaRNN.from_arrays(**arrays), tmp_path / "saved")
    with pytest.raises(ValueError, match="W_ih of dtype float64 where the model has float32"):
        load_checkpoint(VanillaRNN(2, 3, 1), tmp_path / "saved")


def test_a_batch_of_another_size_is_the_same_model(tmp_path):
    save_checkpoint(Mixed(1, batch=5), tmp_path / "saved")
    model = Mixed(2, batch=2)
    assert load_checkpoint(model, tmp_path / "saved")
    assert model.states.value.shape == (5, 3)


def test_an_interrupted_write_leaves_the_old_file_alone(tmp_path, monkeypatch):
    path = tmp_path / "model"
    old, new = VanillaRNN(2, 3, 1, seed=1), VanillaRNN(2, 3, 1, seed=2)
    save_checkpoint(old, path)

    def full(stream, array, **options):
        stream.write(b"half of it")
        raise OSError("no space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", full)
    with pytest.raises(OSError, match="no space left"):
        save_checkpoint(new, path)
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["model"]
    load_checkpoint(new, path)
    assert same_weights(old.parameters(), new.parameters())


def test_what_cannot_be_saved(tmp_path):
    with pytest.raises(TypeError, match=r"model must be a bp\.DynamicalSystem, got dict"):
        save_checkpoint({}, tmp_path / "a")
    with pytest.raises(TypeError, match=r"model must be a bp\.DynamicalSystem, got dict"):
        load_checkpoint({}, tmp_path / "a")
    with pytest.raises(TypeError, match="'x' holds Python objects"):
        write_arrays(tmp_path / "a", {"x": np.array([{}])}, content="anything")
    assert not os.listdir(tmp_path)


def test_arrays_of_all_kinds(tmp_path):
    arrays = {
        "file": np.arange(3),  # a name that numpy.savez cannot take
        "a/b.c": np.zeros((0, 2)),
        "flag": np.array(True),
        "text": np.array(["ein", "zwei"]),
        "complex": np.array([1j], np.complex64),
    }
    write_arrays(tmp_path / "x", arrays, content="test", header={"note": "ü"})
    header, again = read_arrays(tmp_path / "x", content="test")
    assert header["note"] == "ü"
    assert again.keys() == arrays.keys()
    for name, array in arrays.items():
        assert again[name].dtype == array.dtype
        np.testing.assert_array_equal(again[name], array)
