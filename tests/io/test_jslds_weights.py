"""Weights in the published layout, synthesized here: what they mean, and what is refused."""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest

from fpf_notebook.io import import_jslds_weights
from fpf_notebook.models import JSLDS, KeepChannels, VanillaRNN
from fpf_notebook.models.reset_first_gru import ResetFirstGRU

N, U, N_OUT = 5, 4, 2


def affine(rng, n_out, n_in):
    return {"W": rng.normal(size=(n_out, n_in)).astype("f4"), "b": rng.normal(size=n_out)}


@pytest.fixture
def gru():
    rng = np.random.default_rng(0)
    return {
        "rnn": {
            "h0": 0.3 * rng.normal(size=N),
            "wRUHX": rng.normal(size=(2 * N, N + U)).astype("f4"),
            "wCHX": rng.normal(size=(N, N + U)),
            "bRU": rng.normal(size=2 * N),
            "bC": rng.normal(size=N).astype("f4"),
        },
        "mlp": [affine(rng, N, N) for _ in range(3)],
        "out": affine(rng, N_OUT, N),
    }


@pytest.fixture
def vanilla():
    rng = np.random.default_rng(1)
    return {
        "rnn": {
            "h0": rng.normal(size=N), "wI": rng.normal(size=(N, U)),
            "wR": rng.normal(size=(N, N)), "bR": rng.normal(size=N),
        },
        "mlp": [affine(rng, N, N) for _ in range(2)],
        "out": affine(rng, N_OUT, N),
    }  # fmt: skip


def write(path, content):
    np.savez(path, content)  # arr_0: an array of one object, pickled
    return path


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_a_gru_steps_as_its_published_equations_say(tmp_path, gru):
    model = import_jslds_weights(write(tmp_path / "w.npz", gru))
    assert isinstance(model, JSLDS)
    assert isinstance(model.rnn, ResetFirstGRU)
    rng = np.random.default_rng(2)
    h, x = rng.normal(size=N), rng.normal(size=U)
    p = gru["rnn"]
    gates = sigmoid(p["wRUHX"] @ np.concatenate([h, x]) + p["bRU"])
    r, z = gates[:N], gates[N:]
    c = np.tanh(p["wCHX"] @ np.concatenate([r * h, x]) + p["bC"])
    expected = z * h + (1 - z) * c
    y, h_next = model.rnn(x[None, None], h[None])
    np.testing.assert_allclose(h_next[0], expected, atol=1e-5)
    np.testing.assert_allclose(y[0, 0], gru["out"]["W"] @ expected + gru["out"]["b"], atol=1e-4)
    np.testing.assert_allclose(model.initial_state(1)[0], p["h0"], atol=1e-6)
    e = h
    for layer in gru["mlp"]:
        e = np.tanh(e + layer["W"] @ e + layer["b"])
    np.testing.assert_allclose(model.expansion_points(h), e, atol=1e-5)


def test_a_vanilla_network_too_and_with_an_input_point(tmp_path, vanilla):
    point = KeepChannels((2, 3))
    model = import_jslds_weights(write(tmp_path / "w.npz", vanilla), input_point=point)
    assert isinstance(model.rnn, VanillaRNN)
    assert model.input_point == point
    rng = np.random.default_rng(2)
    h, x = rng.normal(size=N), rng.normal(size=U)
    p = vanilla["rnn"]
    expected = np.tanh(p["wR"] @ h + p["wI"] @ x + p["bR"])
    np.testing.assert_allclose(model.rnn(x[None, None], h[None])[1][0], expected, atol=1e-5)


def test_without_an_expansion_network_it_is_the_network_alone(tmp_path, vanilla):
    del vanilla["mlp"]
    assert isinstance(import_jslds_weights(write(tmp_path / "w.npz", vanilla)), VanillaRNN)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_any_protocol_is_read(tmp_path, vanilla, protocol):
    stream = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": ()}
    np.lib.format.write_array_header_1_0(stream, header)
    pickle.dump(np.array(vanilla, dtype=object), stream, protocol=protocol)
    with zipfile.ZipFile(tmp_path / "w.npz", "w") as archive:
        archive.writestr("arr_0.npy", stream.getvalue())
    model = import_jslds_weights(tmp_path / "w.npz")
    np.testing.assert_allclose(model.rnn.W_hh.value, vanilla["rnn"]["wR"], rtol=1e-6)


class Attack:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_nothing_in_a_file_is_run(tmp_path, vanilla):
    vanilla["rnn"]["h0"] = Attack(tmp_path / "made")
    path = write(tmp_path / "w.npz", vanilla)
    with pytest.raises(ValueError, match=r"was refused: it asks for posix\.mkdir|nt\.mkdir"):
        import_jslds_weights(path)
    assert not (tmp_path / "made").exists()


def test_arrays_of_objects_inside_are_refused(tmp_path, vanilla):
    vanilla["rnn"]["h0"] = np.array([1, "two", None], dtype=object)
    with pytest.raises(ValueError, match="was refused: it has an array of objects"):
        import_jslds_weights(write(tmp_path / "w.npz", vanilla))
    vanilla["rnn"]["h0"] = np.array({"a": 1}, dtype=object)
    with pytest.raises(ValueError, match="was refused"):
        import_jslds_weights(write(tmp_path / "w.npz", vanilla))


def test_further_arrays_are_not_even_opened(tmp_path, vanilla):
    # As published: settings and losses of the training beside the network.
    attack = np.array(Attack(tmp_path / "made"), dtype=object)
    np.savez(tmp_path / "w.npz", vanilla, attack, np.zeros(3))
    model = import_jslds_weights(tmp_path / "w.npz")
    np.testing.assert_allclose(model.rnn.W_hh.value, vanilla["rnn"]["wR"], rtol=1e-6)
    assert not (tmp_path / "made").exists()


def test_a_dictionary_that_unpacks_to_gigabytes_is_refused(tmp_path, vanilla):
    path = write(tmp_path / "w.npz", vanilla)
    with pytest.raises(ValueError, match=r"\(with arr_0\), more than the limit of 500"):
        import_jslds_weights(path, max_bytes=500)


def change(path, value):
    def apply(content):
        *way, last = path
        for key in way:
            content = content[key]
        if value is None:
            del content[last]
        else:
            content[last] = value

    return apply


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (change(["extra"], 1), "the dictionary has 'extra', which does not belong there"),
        (change(["out"], None), "the dictionary has no 'out'"),
        (change(["rnn", "bC"], None), "rnn has no 'bC'"),
        (change(["rnn", "wI"], np.zeros(3)), "rnn has 'wI', which does not belong there"),
        (change(["rnn", "bC"], np.zeros(N + 1)), r"b must have the shape \[15\], got \[16\]"),
        (change(["rnn", "wCHX"], np.zeros((N, 3))), "rnn.wRUHX must have the shape"),
        (change(["rnn", "h0"], "text"), "rnn.h0 is str, expected an array of real numbers"),
        (change(["rnn", "h0"], np.full(N, np.nan)), "rnn.h0 must be finite"),
        (change(["rnn", "h0"], np.zeros((N, 1))), "rnn.h0 must have 1 axes, got 2"),
        (change(["out", "W"], np.zeros(3)), "out.W must have 2 axes, got 1"),
        (change(["mlp"], []), "mlp must be a list of layers"),
        (change(["mlp", 1, "W"], np.zeros((N, 2))), "W1 of the expansion network must have"),
        (change(["out", "W"], np.zeros((N_OUT, 3))), "W_out must have the shape"),
    ],
)
def test_a_file_with_anything_else_in_it_is_refused(tmp_path, gru, damage, message):
    damage(gru)
    with pytest.raises(ValueError, match=r"cannot be loaded as JSLDS weights: .*" + message):
        import_jslds_weights(write(tmp_path / "w.npz", gru))


def test_other_files_are_refused(tmp_path, vanilla):
    with pytest.raises(FileNotFoundError):
        import_jslds_weights(tmp_path / "missing.npz")
    (tmp_path / "text.npz").write_text("not a zip")
    with pytest.raises(ValueError, match="cannot be loaded as JSLDS weights"):
        import_jslds_weights(tmp_path / "text.npz")
    np.savez(tmp_path / "plain.npz", np.zeros(3))
    with pytest.raises(ValueError, match="expected one pickled dictionary"):
        import_jslds_weights(tmp_path / "plain.npz")
    np.savez(tmp_path / "named.npz", vanilla, other=np.zeros(3))
    with pytest.raises(ValueError, match="it holds other, arr_0, expected arr_0"):
        import_jslds_weights(tmp_path / "named.npz")
    np.savez(tmp_path / "none.npz", arr_1=np.zeros(3))
    with pytest.raises(ValueError, match="it holds arr_1, expected arr_0"):
        import_jslds_weights(tmp_path / "none.npz")
    np.savez(tmp_path / "list.npz", np.array([vanilla], dtype=object))
    with pytest.raises(ValueError, match="expected one pickled dictionary"):
        import_jslds_weights(tmp_path / "list.npz")
    whole = write(tmp_path / "w.npz", vanilla).read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="cannot be loaded as JSLDS weights"):
        import_jslds_weights(tmp_path / "cut.npz")
