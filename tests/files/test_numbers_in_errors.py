"""What the file layer says in numbers, and the limits that only a number tells."""

import io
import json

import h5py
import numpy as np
import pytest

from fpf_notebook.files import FileError, read_arrays
from fpf_notebook.files.checksums import check_digests, digests_of
from fpf_notebook.files.hdf5 import Hdf5Reader
from fpf_notebook.files.input_file import JSON_EXPANSION
from fpf_notebook.files.npy import read_npy
from fpf_notebook.files.npz import npz_image
from fpf_notebook.files.safetensors import read_safetensors
from tests.files.test_reading import npy, source_of


def test_the_bytes_that_an_array_has_and_declares():
    data = npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }", bytes(16))
    with pytest.raises(FileError, match="x is damaged: it declares 24 bytes and has 16"):
        read_npy(source_of(data), "x", io.BytesIO(data), len(data))


@pytest.mark.parametrize("missing", ["descr", "fortran_order", "shape"])
def test_a_header_without_one_of_its_entries(missing):
    entries = {"descr": "'<f8'", "fortran_order": "False", "shape": "(1,)"}
    del entries[missing]
    data = npy("{" + ", ".join(f"'{k}': {v}" for k, v in entries.items()) + ", }", bytes(8))
    with pytest.raises(FileError, match="its header is wrong"):
        read_npy(source_of(data), "x", io.BytesIO(data), len(data))


def test_the_order_of_an_array_in_its_file():
    a = np.arange(6.0).reshape(2, 3)
    for array in (a, np.asfortranarray(a)):
        buffer = io.BytesIO()
        np.save(buffer, array)
        data = buffer.getvalue()
        found = read_npy(source_of(data), "x", io.BytesIO(data), len(data))
        np.testing.assert_array_equal(found, a)


@pytest.mark.parametrize("length", [2, 100, 2**63])
def test_a_safetensors_header_longer_than_the_file(length):
    with pytest.raises(FileError, match="it is cut off within its header"):
        read_safetensors(source_of(length.to_bytes(8, "little") + b"{" * (length == 100)))


def test_how_many_arrays_are_damaged_beside_those_that_are_named():
    arrays = {f"a{k:02d}": np.array(k) for k in range(11)}
    digests = digests_of({name: array + 1 for name, array in arrays.items()})
    with pytest.raises(FileError, match="a03, a04 and 6 more are not what was saved"):
        check_digests(source_of(b""), arrays, digests)
    with pytest.raises(FileError, match="a00, a01, a02, a03, a04 are missing"):
        check_digests(source_of(b""), {}, {name: "" for name in list(arrays)[:5]})


def test_the_header_is_counted_as_what_it_becomes_in_memory(tmp_path):
    text = json.dumps({"content": "test", "version": 1, "x": [{}] * 1000}).encode()
    path = tmp_path / "a.npz"
    path.write_bytes(npz_image({"__header__": np.frombuffer(text, np.uint8)}))
    needed = (1 + JSON_EXPANSION) * len(text)
    read_arrays(path, content="test", max_bytes=needed)
    with pytest.raises(FileError, match=f"unpacks to at least {needed:,} .with the header"):
        read_arrays(path, content="test", max_bytes=needed - 1)


def test_texts_are_counted_with_the_objects_that_they_become():
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["words"] = np.array([b"abcdefgh"] * 1000)
    needed = 1000 * (64 + 8) + 1000 * 8
    with Hdf5Reader(source_of(buffer.getvalue(), needed)) as reader:
        assert reader.texts("words") == (["abcdefgh"] * 1000, (1000,))
    with (
        Hdf5Reader(source_of(buffer.getvalue(), needed - 1)) as reader,
        pytest.raises(FileError, match=f"unpacks to at least {needed:,} .with words"),
    ):
        reader.texts("words")
