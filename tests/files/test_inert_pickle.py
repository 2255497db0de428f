import builtins
import codecs
import copyreg
import importlib
import operator
import os
import pickle
import shutil
import subprocess
import tracemalloc
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpf_notebook.files import FileError, inert_pickle
from fpf_notebook.files.inert_values import Attributes
from fpf_notebook.files.input_file import InputFile, default_limit
from tests.files.samples import billion_laughs


def load_inert(data: bytes, class_name: str) -> Any:
    source = InputFile(Path("points.fps"), "old points", data, default_limit(len(data)))
    return inert_pickle.load_inert(source, class_name)


PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def plain_values() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "float64": rng.normal(size=(3, 4)),
        "complex64": (rng.normal(size=3) + 1j).astype(np.complex64),
        "int": np.arange(3),
        "bool": np.array([True, False]),
        "no dimensions": np.array(3.0),
        "no entries": np.empty((0, 3)),
        "fortran": np.asfortranarray(rng.normal(size=(3, 4))),
        "transposed": rng.normal(size=(2, 3, 4)).transpose(1, 0, 2),
        "strided": np.arange(10.0)[::3],
        "big endian": np.arange(3.0).astype(">f8"),
        "scalar": np.float32(3),
        "complex scalar": np.complex128(1 + 2j),
        "true": np.bool_(True),
        "type": np.float32,
        "dtype": np.dtype("f4"),
        "python": [None, True, 1, 2**70, -1.5, 1 + 2j, "é", b"\xff\0", b"", (1, (2,)), {"a": {1}}],
        "frozen": frozenset([1, 2]),
    }


@pytest.mark.parametrize("code", "?bhilBHILefdFD")
def test_types_of_every_size_come_through(code) -> None:
    kind = np.dtype(code)
    loaded = load_inert(pickle.dumps({"type": kind.type, "one": kind.type(1)}), "Thing")
    assert loaded["type"] == kind.type.__name__
    assert loaded["one"] == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", plain_values())
def test_plain_values_come_through(name, protocol) -> None:
    value = plain_values()[name]
    loaded = load_inert(pickle.dumps({"x": value}, protocol), "Thing")["x"]
    if isinstance(value, np.ndarray):
        np.testing.assert_array_equal(loaded, value)
        assert loaded.dtype == value.dtype.newbyteorder("=")
    elif name == "type":
        assert loaded == "float32"
    else:
        assert loaded == value


class Thing:
    """An object of the one class that may stand in a pickle."""


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_object_becomes_its_attributes(protocol) -> None:
    thing = Thing()
    thing.__dict__ = {"x": np.arange(3), "y": "text"}
    loaded = load_inert(pickle.dumps(thing, protocol), "Thing")
    assert isinstance(loaded, Attributes)
    assert loaded.values["x"].tolist() == [0, 1, 2]
    assert loaded.values["y"] == "text"
    with pytest.raises(FileError, match=r"asks for .*\.Thing, which does not belong"):
        load_inert(pickle.dumps(thing, protocol), "Other")


class Call:
    """Pickles as a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


HARMFUL = {
    "os.system": (os.system, "touch harm"),
    "subprocess.Popen": (subprocess.Popen, ["touch", "harm"]),
    "builtins.eval": (builtins.eval, "open('harm', 'w')"),
    "builtins.exec": (builtins.exec, "open('harm', 'w')"),
    "builtins.open": (builtins.open, "harm", "w"),
    "builtins.getattr": (builtins.getattr, np, "load"),
    "builtins.__import__": (builtins.__import__, "antigravity"),
    "importlib.import_module": (importlib.import_module, "antigravity"),
    "operator.attrgetter": (operator.attrgetter, "system"),
    "functools.partial": (partial, os.system, "touch harm"),
    "shutil.rmtree": (shutil.rmtree, "somewhere"),
    "codecs.decode": (codecs.decode, "AAAA", "base64"),
    "pickle.loads": (pickle.loads, b"."),
    "numpy.load": (np.load, "file.npy", None, True),
    "numpy.save": (np.save, "harm", np.zeros(1)),
    "numpy.fromfile": (np.fromfile, "/etc/passwd"),
    "numpy.memmap": (np.memmap, "harm", "u1", "w+", 0, (1,)),
    "numpy.frombuffer": (np.frombuffer, b"1234"),
    "numpy.vectorize": (np.vectorize, os.system),
    "numpy.recarray": (np.recarray, (1,), "f8"),
    "numpy.genfromtxt": (np.genfromtxt, "/etc/passwd"),
    "bytes of any size": (bytes, 10),
    "object array": (np.array, [None], "O"),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", HARMFUL)
def test_whatever_runs_something_is_refused(name, protocol, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    function, *arguments = HARMFUL[name]
    arguments = ["numpy" if argument is np else argument for argument in arguments]
    data = pickle.dumps({"xstar": Call(function, *arguments)}, protocol)
    with pytest.raises(FileError):
        load_inert(data, "FixedPoints")
    assert list(tmp_path.iterdir()) == []


def program(*lines: bytes) -> bytes:
    """Return a pickle written by hand, in protocol 0."""
    return b"".join(lines) + b"."


@pytest.mark.parametrize(
    "data",
    [
        # dotted names, which protocol 4 resolves attribute by attribute
        b"\x80\x04\x8c\x05numpy\x8c\x0bndarray.put\x93.",
        b"\x80\x04\x8c\x05numpy\x8c\x13lib.npyio.os.system\x93.",
        b"\x80\x04\x8c\x08builtins\x8c\x0eobject.__new__\x93.",
        b"\x80\x04\x8c\x0bFixedPoints\x8c\x14FixedPoints.__init__\x93.",
        program(b"cnumpy.core.multiarray\nscalar.__globals__\n"),
        program(b"cfpf_notebook.files.inert_pickle\npickle\n"),
        # an external object, and one of the extension registry
        program(b"P1\n"),
        b"\x80\x02\x82\x01.",
    ],
)
def test_names_behind_allowed_names_are_refused(data) -> None:
    with pytest.raises(FileError):
        load_inert(data, "FixedPoints")


DTYPE = b"cnumpy\ndtype\n(S'%s'\nI0\nI1\ntR"
ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
ORDER = b"(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb"
STATE = b"(I1\n(I1\nt%sI00\nS'12345678'\ntb"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        # raw bytes as pointers to objects, with a type that pretends to hold none
        (ARRAY + STATE % (DTYPE % b"O8" + ORDER), "array of type 'O8', expected numbers"),
        (ARRAY + STATE % (DTYPE % b"V8" + ORDER), "array of type 'V8', expected numbers"),
        (ARRAY + STATE % (DTYPE % b"f8,O8" + ORDER), "array of type 'f8,O8'"),
        (
            ARRAY + STATE % (DTYPE % b"f8" + b"(I3\nS'<'\nN(S'a'\nt(dI8\nI1\nI27\ntb"),
            "structured type",
        ),
        (ARRAY + STATE % (DTYPE % b"f8" + b"(I3\nS'!'\nNNNI-1\nI-1\nI0\ntb"), "byte order '!'"),
        # shapes and contents that do not belong together
        (ARRAY + b"(I1\n(I-1\nt" + DTYPE % b"f8" + b"I00\nS'12345678'\ntb", "malformed array"),
        (ARRAY + b"(I1\n(I1\ntNI00\nS'12345678'\ntb", "malformed array"),
        (ARRAY + b"(I1\n(I1\nt" + DTYPE % b"f8" + b"I00\n(lS'a'\natb", "malformed array"),
        (ARRAY + b"(I1\n(I1\nttb", "malformed array"),
        (ARRAY, "array without content"),
        # changing what stands for numpy, or using it as a value
        (b"cnumpy\ndtype\n(dS'_build'\nNsb", "tries to change Builder"),
        (b"cnumpy\nndarray\n(dS'name'\nNsb", "tries to change Name"),
        (b"cnumpy\ndtype\n", "function in the place of a value"),
        # other objects, other encodings
        (b"ccopy_reg\n_reconstructor\n(c__builtin__\nobject\nc__builtin__\nobject\nNtR", "class"),
        (b"c_codecs\nencode\n(Vabc\nS'zlib'\ntR", "encoding 'zlib'"),
        (b"c__builtin__\nset\n(Vabc\ntR", "malformed set"),
        (b"c__builtin__\ncomplex\n(Vabc\nF1\ntR", "malformed complex"),
    ],
)
def test_forged_arrays_and_tricks_are_refused(data, message) -> None:
    with pytest.raises(FileError, match=message):
        load_inert(program(data), "FixedPoints")


@pytest.mark.parametrize(
    "data",
    [
        ARRAY + b"(I1\n(I2\nt" + DTYPE % b"f8" + b"I00\nS'12345678'\ntb",  # too few bytes
        ARRAY + b"(I1\n(I99999999999\nt" + DTYPE % b"f8" + b"I00\nS''\ntb",  # a huge promise
        b"cFixedPoints\nFixedPoints\n(dS'__setstate__'\nNsb",  # changing the class itself
        b"cnumpy\nndarray\n(I9\ntR",  # calling what is only a name
        b"(lp0\ng0\na",  # a list in itself
    ],
)
def test_impossible_contents_are_errors(data) -> None:
    with pytest.raises(FileError, match=r"points\.fps cannot be loaded as old points: it "):
        load_inert(program(data), "FixedPoints")


def test_nothing_done_to_one_pickle_reaches_the_next() -> None:
    data = program(
        b"ccopy_reg\n_reconstructor\n(cFixedPoints\nFixedPoints\nc__builtin__\nobject\nNtR"
    )
    first, second = (load_inert(data, "FixedPoints") for _ in range(2))
    assert first.values == second.values == {}
    assert first.values is not second.values


def test_out_of_band_buffers_are_refused() -> None:
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(np.zeros(3), protocol=5, buffer_callback=buffers.append)
    assert buffers
    with pytest.raises(FileError):
        load_inert(data, "FixedPoints")


# -- no more time and memory than the size allows --------------------------------------------------


def test_shared_objects_are_counted_at_each_place() -> None:
    # 2**60 leaves in 366 bytes: they never ended.
    data = billion_laughs(60)
    assert len(data) < 500
    with pytest.raises(FileError, match="more than the limit of 67,108,864"):
        load_inert(data, "FixedPoints")
    loaded = load_inert(billion_laughs(10), "FixedPoints")
    assert np.asarray(loaded["xstar"]).size == 0  # and a few of them are what they are
    assert loaded["xstar"][0] is loaded["xstar"][1]


def test_shared_arrays_stay_one_array() -> None:
    array = np.arange(1000.0)
    loaded = load_inert(pickle.dumps({"a": array, "b": [array, array]}, 4), "FixedPoints")
    assert loaded["a"] is loaded["b"][0] is loaded["b"][1]


@pytest.mark.parametrize("how", ["key", "member", "frozen", "argument"])
def test_nested_tuples_are_never_hashed(how) -> None:
    # The hash of a tuple is that of its parts, each time anew: 2**60 steps.
    nest = b"))\x86" + b"2\x86" * 60  # () and (), then 60 times: it and itself
    data = {
        "key": b"}" + nest + b"Ns.",
        "member": b"\x80\x04\x8f(" + nest + b"\x90.",
        "frozen": b"\x80\x04(" + nest + b"\x91.",
        "argument": b"c__builtin__\nset\n](" + nest + b"e\x85R.",
    }[how]
    with pytest.raises(FileError, match=r"key of type tuple|malformed set"):
        load_inert(data, "FixedPoints")


@pytest.mark.parametrize("depth", [99, 5000])
def test_depth_is_bounded(depth) -> None:
    data = b"]" * depth + b"a" * (depth - 1) + b"."
    if depth < 100:
        assert load_inert(data, "FixedPoints")
    else:
        with pytest.raises(FileError, match="nested more than 100 deep"):
            load_inert(data, "FixedPoints")


def test_an_object_in_itself_is_refused() -> None:
    for data in (b"(lp0\ng0\na.", b"}q\0K\1h\0s."):
        with pytest.raises(FileError, match="contains itself"):
            load_inert(data, "FixedPoints")


def test_numbers_of_the_memo_and_lengths_allocate_nothing() -> None:
    huge = (2**31 - 1).to_bytes(4, "little")
    assert load_inert(b"]r" + huge + b"j" + huge + b"0.", "FixedPoints") == []
    length = (2**40).to_bytes(8, "little")
    for data in (b"\x80\x05\x96" + length + b"abc.", b"\x80\x04\x8e" + length + b"abc."):
        with pytest.raises(FileError):
            load_inert(data, "FixedPoints")


def test_copies_of_one_text_are_bounded() -> None:
    # One text in the memo, encoded again and again: 5 bytes each in the file, a megabyte in memory.
    text = b"X" + (10**6).to_bytes(4, "little") + b"a" * 10**6 + b"\x85q\0000"
    call = b"h\1h\0R0"
    data = b"c_codecs\nencode\nq\1" + text + call * 100_000 + b"N."
    tracemalloc.start()
    with pytest.raises(FileError, match="more copies of its texts than its limit"):
        load_inert(data, "FixedPoints")
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


def test_the_registry_of_extensions_is_never_asked(monkeypatch) -> None:
    # Its cache may hold real classes that other pickles have asked for.
    monkeypatch.setitem(copyreg._extension_cache, 1, os.system)  # type: ignore[attr-defined]
    for code in (b"\x82\1", b"\x83\1\0", b"\x84\1\0\0\0"):
        with pytest.raises(FileError, match="outside of the file"):
            load_inert(b"\x80\2" + code + b".", "FixedPoints")
