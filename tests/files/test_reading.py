"""What is read is checked first: against its checksums, its own size, and a limit."""

import io
import json
import logging
import os
import pickle
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from fpf_notebook.dynamics import step_map_from_weights
from fpf_notebook.files import FileError, read_arrays, write_arrays
from fpf_notebook.files.checksums import digests_of
from fpf_notebook.files.hdf5 import Hdf5Reader
from fpf_notebook.files.input_file import FLOOR, InputFile, default_limit, open_input
from fpf_notebook.files.npz import NpzReader, npz_image
from fpf_notebook.files.safetensors import read_safetensors
from fpf_notebook.io import load
from fpf_notebook.models import load_model
from fpf_notebook.result.fixed_points import FixedPoints
from tests.files.samples import SAMPLES, age, bomb, safetensors_bytes
from tests.result.records import full_record

OWN = [name for name, sample in SAMPLES.items() if sample.checked]


def source_of(data: bytes, limit: int | None = None) -> InputFile:
    return InputFile(Path("a.file"), "a test", data, limit or default_limit(len(data)))


def npz_of(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return buffer.getvalue()


def npy(header: str, data: bytes = b"", version: int = 1) -> bytes:
    text = header.encode("latin1")
    length = len(text).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + data


# -- the error -------------------------------------------------------------------------------------


def test_the_error_names_file_format_and_problem_and_can_be_pickled():
    error = FileError("a/run.npz", "a training state", "it is empty")
    again = pickle.loads(pickle.dumps(error))
    for one in (error, again):
        assert isinstance(one, ValueError)
        assert str(one) == "a/run.npz cannot be loaded as a training state: it is empty"
        assert (one.path, one.format, one.problem) == (
            Path("a/run.npz"),
            "a training state",
            "it is empty",
        )


@pytest.mark.parametrize("name", SAMPLES)
def test_a_good_file_is_read_and_an_empty_or_foreign_one_is_an_error(name, tmp_path):
    sample = SAMPLES[name]
    path = tmp_path / f"file{sample.suffix}"
    sample.write(path)
    assert sample.arrays_of(sample.load(path))
    for content in (b"", b"hello", bytes(1000), path.read_bytes()[:-1], path.read_bytes()[1:]):
        path.write_bytes(content)
        with pytest.raises(FileError, match=f"file{sample.suffix} cannot be loaded as "):
            sample.load(path)


@pytest.mark.parametrize("name", SAMPLES)
def test_missing_files_folders_and_pipes(name, tmp_path):
    sample = SAMPLES[name]
    if name != "checkpoint":  # which returns False
        with pytest.raises(FileNotFoundError):
            sample.load(tmp_path / f"none{sample.suffix}")
    folder = tmp_path / f"folder{sample.suffix}"
    folder.mkdir()
    with pytest.raises(IsADirectoryError):
        sample.load(folder)
    pipe = tmp_path / f"pipe{sample.suffix}"
    os.mkfifo(pipe)
    with pytest.raises(FileError, match="a device or a pipe"):
        sample.load(pipe)


def test_the_limit_is_a_positive_whole_number(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    for wrong, kind in ((True, TypeError), ("8", TypeError), (1.5, TypeError), (0, ValueError)):
        with pytest.raises(kind, match=r"max_bytes is .*, expected a whole number of at least 1"):
            open_input(tmp_path / "a", "a test", max_bytes=wrong)


# -- changed bits ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OWN)
def test_any_flipped_bit_is_an_error(name, tmp_path):
    sample = SAMPLES[name]
    path = tmp_path / f"file{sample.suffix}"
    sample.write(path)
    good = path.read_bytes()
    rng = np.random.default_rng(0)
    # The first and the last bytes, where formats keep what is checked last, and some between.
    places = {0, 7, *range(len(good) - 80, len(good)), *rng.integers(0, len(good), 60)}
    for place in sorted(int(place) for place in places):
        bad = bytearray(good)
        bad[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(bad)
        with pytest.raises(FileError, match=f"file{sample.suffix} cannot be loaded as"):
            sample.load(path)


@pytest.mark.parametrize("suffix", [".nc", ".npz"])
def test_the_damaged_array_is_named(suffix, tmp_path):
    path = tmp_path / f"points{suffix}"
    fps = full_record(40)
    fps.save(path)
    good = path.read_bytes()
    for field in ("xstar", "J_xstar"):
        bad = bytearray(good)
        if suffix == ".nc":
            place = good.index(np.ascontiguousarray(getattr(fps, field)).tobytes())
        else:
            with zipfile.ZipFile(path) as archive:
                place = archive.getinfo(f"{field}.npy").header_offset + 200
        bad[place] ^= 1
        path.write_bytes(bad)
        with pytest.raises(FileError, match=rf"SHA-256 differs\): {field} is damaged$"):
            load(path)
        path.write_bytes(good)
    bad = bytearray(good)
    bad[-10] ^= 1  # of the checksum itself
    path.write_bytes(bad)
    with pytest.raises(FileError, match=r"outside of its arrays|at the end is missing"):
        load(path)


def test_an_array_that_was_exchanged_is_named(tmp_path):
    # The file is whole, and so is the zip; another program has written a new number into it.
    path = tmp_path / "a.npz"
    write_arrays(path, {"W": np.ones(3), "b": np.zeros(2)}, content="test")
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    header = arrays.pop("__header__")
    for changed, text in (
        (arrays | {"W": np.array([1.0, 1, 2])}, r"W is not what was saved \(the SHA-256 differs\)"),
        (arrays | {"W": np.ones(3, np.float32)}, "W is not what was saved"),
        (arrays | {"W": np.ones((3, 1))}, "W is not what was saved"),
        (arrays | {"new": np.ones(3)}, "new is not what was saved"),
        ({"W": arrays["W"]}, "b is missing"),
    ):
        path.write_bytes(npz_image({"__header__": header, **changed}))
        with pytest.raises(FileError, match=text):
            read_arrays(path, content="test")
    path.write_bytes(npz_image({"__header__": header, **arrays}))
    read_arrays(path, content="test")


def test_a_lost_seal_is_noticed(tmp_path):
    for name in set(OWN) - {"sweep"}:  # which has its checksum within
        sample = SAMPLES[name]
        path = tmp_path / f"{name}{sample.suffix}"
        sample.write(path)
        if sample.suffix == ".npz":
            with zipfile.ZipFile(path, "a") as archive:
                archive.comment = b"mine"
        else:
            path.write_bytes(path.read_bytes()[:-76])
        with pytest.raises(FileError, match="its checksum at the end is missing"):
            sample.load(path)


def test_digests_know_type_shape_and_content_but_not_layout():
    a = np.arange(6.0).reshape(2, 3)
    same = {"a": a, "b": np.asfortranarray(a), "c": a.astype(">f8"), "d": a[::-1][::-1]}
    other = {"e": a.astype("f4"), "f": a.T, "g": a.reshape(3, 2), "h": a + 1e-300, "i": -a}
    digests = digests_of(same | other)
    assert len({digests[name] for name in same}) == 1
    assert len(set(digests.values())) == 1 + len(other)
    nothing = digests_of({"a": np.zeros((0, 2)), "b": np.zeros((2, 0)), "c": np.array("", "U")})
    assert len(set(nothing.values())) == 3


# -- older files -----------------------------------------------------------------------------------


def test_a_file_of_the_first_version_loads_with_a_note(tmp_path, caplog):
    fps = full_record(3)
    for path in (tmp_path / "old.nc", tmp_path / "old.npz"):
        fps.save(path)
        age(path)
        with caplog.at_level(logging.INFO, "fpf_notebook.files"):
            loaded = load(path)
        assert loaded.provenance["integrity"] == "not checked: the file carries no checksums"
        np.testing.assert_array_equal(loaded.xstar, fps.xstar)
        assert f"{path} holds no checksums" in caplog.text
        fps.save(path)
        assert "integrity" not in load(path).provenance


def test_the_shipped_networks_have_no_checksums_inside_and_load():
    from fpf_notebook.models.pretrained import load_pretrained, pretrained_names

    assert [load_pretrained(name) for name in pretrained_names()]


# -- sizes -----------------------------------------------------------------------------------------


def test_a_bomb_is_refused_before_it_unpacks(tmp_path):
    path = tmp_path / "bomb.npz"
    path.write_bytes(bomb(1 << 29))  # from half a megabyte
    assert path.stat().st_size < 600_000
    tracemalloc.start()
    with pytest.raises(FileError, match=r"bomb\.npz .* more than the limit of 67,108,864"):
        load_model(path)
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()


def test_the_user_can_raise_the_limit_and_lower_it(tmp_path):
    path = tmp_path / "zeros.npz"
    arrays = {"weight_ih_l0": np.zeros((9, 2)), "weight_hh_l0": np.zeros((9, 3))}
    np.savez_compressed(path, **arrays, rest=np.zeros(FLOOR // 8))
    assert path.stat().st_size < FLOOR / 500
    with pytest.raises(FileError, match="If you trust it, pass max_bytes=") as caught:
        step_map_from_weights(path, "gru")
    needed = int(str(caught.value).split("max_bytes=")[1].split()[0])
    assert step_map_from_weights(path, "gru", max_bytes=needed).n_states == 3
    full_record(9).save(tmp_path / "points.npz")
    with pytest.raises(FileError, match="more than the limit of 100"):
        load(tmp_path / "points.npz", max_bytes=100)


@pytest.mark.parametrize("suffix", [".nc", ".npz"])
def test_what_we_write_can_be_read_however_small_it_gets(suffix, tmp_path):
    # A thousandfold compression, beyond what a hostile file may do.
    fps = FixedPoints(xstar=np.zeros((9, 1_000_000)))
    assert fps.xstar.nbytes > FLOOR
    fps.save(tmp_path / f"a{suffix}")
    assert load(tmp_path / f"a{suffix}").xstar.shape == fps.xstar.shape


def test_sizes_are_compared_before_anything_is_allocated():
    huge = {
        "shape": npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"),
        "text": npy("{'descr': '<U999999999', 'fortran_order': False, 'shape': (9,), }"),
        "nothing": npy("{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000000,), }"),
        "more": npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", bytes(16)),
        "less": npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", bytes(8)),
        "header": b"\x93NUMPY\x02\x00\xff\xff\xff\x7f{}",
    }
    with NpzReader(source_of(npz_of(**huge))) as file:
        for name in huge:
            with pytest.raises(FileError, match=name):
                file.read(name)


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<M8[s]', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<f8', 'fortran_order': 1, 'shape': (1,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1 1,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'more': 1}",
        "{'descr': '<f8', 'fortran_order': False}",
        "[]",
        "",
        "(" * 5000,
    ],
)
def test_headers_that_say_something_else_are_refused(header):
    with (
        NpzReader(source_of(npz_of(a=npy(header, bytes(8))))) as file,
        pytest.raises(FileError, match=r"a\.file cannot be loaded as a test: a "),
    ):
        file.read("a")


@pytest.mark.parametrize(
    "array",
    [
        np.array(3),
        np.zeros((0, 3)),
        np.zeros((1, 2, 3), order="F"),
        np.arange(6, dtype=">i4").reshape(2, 3),
        np.array([True, False]),
        np.array([1j], np.complex64),
        np.array(["ein", "zwölf", "😀"]),
        np.array(["", ""]),
        np.array([b"bytes"]),
        np.array([1.5], np.float16),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    ],
    ids=str,
)
@pytest.mark.parametrize("version", [1, 2, 3])
def test_arrays_are_read_as_numpy_reads_them(array, version):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=(version, 0))
    with NpzReader(source_of(npz_of(a=buffer.getvalue()))) as file:
        read = file.read("a")
    assert read.dtype == array.dtype.newbyteorder("=")
    assert read.shape == array.shape
    assert read.flags.writeable
    np.testing.assert_array_equal(read, array)


def test_bytes_that_stand_for_no_value_are_refused():
    truth = npy("{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }", b"\1\2")
    text = npy("{'descr': '<U1', 'fortran_order': False, 'shape': (1,), }", b"\xff\xff\xff\x7f")
    with NpzReader(source_of(npz_of(truth=truth, text=text))) as file:
        for name in ("truth", "text"):
            with pytest.raises(FileError, match=f"{name} is damaged: it holds what is no"):
                file.read(name)


def test_two_arrays_of_one_name_and_other_compressions_are_refused():
    buffer = io.BytesIO()
    good = npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", bytes(8))
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.npy", good, compress_type=zipfile.ZIP_LZMA)
    with (
        NpzReader(source_of(buffer.getvalue())) as file,
        pytest.raises(FileError, match="compressed in a way"),
    ):
        file.read("a")
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("a.npy", good)
    with pytest.raises(FileError, match="it has 'a' twice"):
        NpzReader(source_of(buffer.getvalue()))


# -- HDF5 ------------------------------------------------------------------------------------------


def hdf5_of(fill) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        fill(file)
    return buffer.getvalue()


def test_links_and_other_files_are_not_followed(tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["x"] = np.arange(3.0)
    (tmp_path / "raw").write_bytes(bytes(24))
    layout = h5py.VirtualLayout((3,), "f8")
    layout[:] = h5py.VirtualSource(tmp_path / "secret.h5", "x", (3,))

    def fill(file):
        file["good"] = np.arange(3.0)
        file["soft"] = h5py.SoftLink("/good")
        file["external"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "x")
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset("raw", (3,), "f8", external=[(str(tmp_path / "raw"), 0, 24)])
        file.create_group("group")

    with Hdf5Reader(source_of(hdf5_of(fill))) as file:
        assert file.numbers("good").tolist() == [0, 1, 2]
        for name in ("soft", "external"):
            with pytest.raises(FileError, match=f"{name} is a link .* not followed"):
                file.numbers(name)
        for name in ("virtual", "raw"):
            with pytest.raises(FileError, match=f"{name} lies in another file"):
                file.numbers(name)
        with pytest.raises(FileError, match="group is not an array"):
            file.numbers("group")
        with pytest.raises(FileError, match="it has no 'none'"):
            file.texts("none")


def test_declared_sizes_in_hdf5_are_bounded():
    def fill(file):
        file.create_dataset("huge", (10**6, 10**6), "f8", chunks=(1, 1000))
        file.create_dataset("chunk", (1,), "f8", chunks=(2**28,), maxshape=(None,))
        shared = file.create_dataset("shared", (200_000,), h5py.string_dtype())
        shared[0] = "x" * 10_000
        file.create_dataset("lzf", data=np.zeros(10), compression="lzf")
        file.create_dataset("gzip", data=np.zeros(10), compression="gzip", shuffle=True)
        file.create_dataset("fletcher32", data=np.zeros(10), chunks=(5,), fletcher32=True)

    data = hdf5_of(fill)
    # Every reference becomes the one of the first text: 2 GB of text from 13 MB.
    with h5py.File(io.BytesIO(data)) as file:
        first = file["shared"].id.get_offset()
    data = data[:first] + data[first : first + 16] * 200_000 + data[first + 16 * 200_000 :]
    for name, text in (
        ("huge", "huge"),
        ("chunk", "a chunk of chunk"),
        ("shared", "shared"),
    ):
        with (
            Hdf5Reader(source_of(data)) as file,
            pytest.raises(FileError, match=rf"\(with {text}\), more than the limit"),
        ):
            (file.texts if name == "shared" else file.numbers)(name)
    with Hdf5Reader(source_of(data)) as file:
        with pytest.raises(FileError, match="lzf is compressed in a way other than gzip"):
            file.numbers("lzf")
        assert not file.numbers("gzip").any()
        assert not file.numbers("fletcher32").any()


def test_kinds_of_hdf5_that_are_not_ours_are_refused():
    def fill(file):
        file["text"] = "hello"
        file["texts"] = ["a", "b"]
        file["compound"] = np.zeros(2, [("a", "f8")])
        file["null"] = h5py.Empty("f8")
        file.attrs["many"] = [1, 2]
        file.attrs["one"] = [1]
        file.attrs["text"] = "yes"
        file.attrs["bytes"] = np.bytes_(b"fixed")

    with Hdf5Reader(source_of(hdf5_of(fill))) as file:
        for name in ("text", "compound", "null"):
            with pytest.raises(FileError, match=name):
                file.numbers(name)
        with pytest.raises(FileError, match="compound has the type"):
            file.texts("compound")
        assert file.texts("text") == (["hello"], ())
        assert file.texts("texts") == (["a", "b"], (2,))
        with pytest.raises(FileError, match="'many' is not a single value"):
            file.attribute("many")
        assert [file.attribute(name) for name in ("one", "text", "bytes", "none")] == [
            1,
            "yes",
            "fixed",
            None,
        ]


def test_hdf5_never_touches_the_disk(tmp_path):
    code = (
        "import sys, h5py\n"
        "from tests.result.records import full_record\n"
        "fps, path = full_record(3), sys.argv[1]\n"
        "opened = []\n"
        "sys.addaudithook(lambda event, args: opened.append(args) if event == 'open' else None)\n"
        "fps.save(path)\n"
        "writing = [a[0] for a in opened if isinstance(a[2], int) and a[2] & 3]\n"
        "print(len(writing), all('.fpf-' in str(name) for name in writing))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.nc")],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        timeout=60,
    )
    assert done.stdout.split() == ["1", "True"], done.stderr


# -- safetensors -----------------------------------------------------------------------------------


def test_safetensors_of_all_types():
    arrays = {
        "a": np.arange(6.0).reshape(2, 3),
        "b": np.array([1.5], np.float16),
        "c": np.array(3),
        "d": np.array([True, False]),
        "e": np.zeros((0, 2), np.float32),
        "f": np.arange(3, dtype=np.uint8),
    }
    read = read_safetensors(source_of(safetensors_bytes(arrays)))
    assert read.keys() == arrays.keys()
    for name, array in arrays.items():
        assert read[name].dtype == array.dtype
        assert read[name].shape == array.shape
        np.testing.assert_array_equal(read[name], array)
    half = safetensors_bytes({"a": np.array([1.5, -2.0, 1e30], np.float32).view("<u4")
                              .__rshift__(16).astype("u1")})  # fmt: skip
    bits = (np.array([1.5, -2.0, 1e30], np.float32).view(np.uint32) >> 16).astype(np.uint16)
    half = _safetensors({"a": {"dtype": "BF16", "shape": [3], "data_offsets": [0, 6]}}, bits)
    np.testing.assert_allclose(read_safetensors(half)["a"], [1.5, -2.0, 1e30], rtol=1e-2)


def _safetensors(header: object, data: np.ndarray) -> InputFile:
    text = json.dumps(header).encode()
    return source_of(len(text).to_bytes(8, "little") + text + data.tobytes())


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"dtype": "F8_E4M3"}, "has the type 'F8_E4M3'"),
        ({"shape": [3]}, "declares 24 bytes, at 0 to 16 of 16"),
        ({"shape": [-2]}, "the place of a is wrong"),
        ({"shape": [2.0]}, "the place of a is wrong"),
        ({"shape": [True, 2]}, "the place of a is wrong"),
        ({"data_offsets": [8, 24]}, "declares 16 bytes, at 8 to 24 of 16"),
        ({"data_offsets": [16, 0]}, "at 16 to 0"),
        ({"data_offsets": [0]}, "it is damaged"),
        ({"shape": None}, "it is damaged"),
        ({"dtype": ["F64"]}, "it is damaged"),
        ({"shape": [2**62, 4]}, "declares"),
    ],
)
def test_safetensors_that_declare_something_else(change, text):
    entry = {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]} | change
    with pytest.raises(FileError, match=text):
        read_safetensors(_safetensors({"a": entry}, np.zeros(2)))


def test_safetensors_that_share_their_bytes_are_bounded():
    entry = {"dtype": "U8", "shape": [10**6], "data_offsets": [0, 10**6]}
    header = {f"a{k}": entry for k in range(1000)}
    with pytest.raises(FileError, match="more than the limit"):
        read_safetensors(_safetensors(header, np.zeros(10**6, np.uint8)))


def test_half_numbers_in_safetensors_are_counted_as_what_they_become():
    text = {"a": {"dtype": "BF16", "shape": [50_000], "data_offsets": [0, 100_000]}}
    source = _safetensors(text, np.zeros(50_000, np.uint16))
    small = source_of(source.data, 150_000)
    with pytest.raises(FileError, match="more than the limit"):
        read_safetensors(small)
    assert read_safetensors(source_of(source.data, 250_000))["a"].shape == (50_000,)


def test_safetensors_with_a_name_twice_or_a_header_that_is_none():
    text = b'{"a": 1, "a": 2}'
    for data in (
        len(text).to_bytes(8, "little") + text,
        b"\x02" + bytes(7) + b"[]",
        (2**62).to_bytes(8, "little"),
        b"\x05" + bytes(7) + b"[[[[[",
        b"",
    ):
        with pytest.raises(FileError):
            read_safetensors(source_of(data))
