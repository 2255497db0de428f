import io
import os
import pickle
import sys
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpf_notebook.io import load_legacy_fps
from fpf_notebook.result.fixed_points import FixedPoints

RNG = np.random.default_rng(0)
N, N_STATES, N_INPUTS = 5, 3, 2


def attributes(**changes: Any) -> dict[str, Any]:
    """Return what FixedPointFinder's object has in its __dict__."""
    eigvals, eigvecs = np.linalg.eig(RNG.normal(size=(N, N_STATES, N_STATES)))
    return {
        "tol_unique": 1e-2,
        "dtype": np.float32,
        "dtype_complex": np.complex64,
        "do_alloc_nan": False,
        "verbose": True,
        "n": N,
        "n_states": N_STATES,
        "n_inputs": N_INPUTS,
        "xstar": RNG.normal(size=(N, N_STATES)).astype(np.float32),
        "x_init": RNG.normal(size=(N, N_STATES)).astype(np.float32),
        "inputs": RNG.normal(size=(N, N_INPUTS)).astype(np.float32),
        "F_xstar": RNG.normal(size=(N_STATES, N)).T.astype(np.float32),  # in Fortran order
        "qstar": RNG.random(N).astype(np.float32),
        "dq": RNG.random(N).astype(np.float32),
        "n_iters": np.arange(N, dtype=np.int32),
        "J_xstar": RNG.normal(size=(N, N_STATES, N_STATES)).astype(np.float32),
        "eigval_J_xstar": eigvals.astype(np.complex64),
        "eigvec_J_xstar": eigvecs.astype(np.complex64),
        "is_stable": np.array([True, False, True, False, False]),
        "cond_id": None,
    } | changes


@pytest.fixture
def legacy_class() -> Iterator[type]:
    """Give a class that pickles as FixedPointFinder's does."""
    module = types.ModuleType("FixedPoints")
    cls = type("FixedPoints", (), {"__module__": "FixedPoints"})
    module.FixedPoints = cls  # type: ignore[attr-defined]
    sys.modules["FixedPoints"] = module
    yield cls
    del sys.modules["FixedPoints"]


def write(path: Path, content: Any, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


def check(fps: FixedPoints, source: dict[str, Any]) -> None:
    for name in (
        *("xstar", "x_init", "inputs", "F_xstar", "qstar", "dq", "n_iters"),
        *("J_xstar", "eigval_J_xstar", "eigvec_J_xstar", "is_stable"),
    ):
        value = getattr(fps, name)
        np.testing.assert_array_equal(value, source[name], err_msg=name)
        assert value.dtype == source[name].dtype
    assert fps.cond_id is None
    assert fps.tol_unique == 1e-2
    assert fps.dtype == np.float32
    assert fps.time == "discrete"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("as_object", [False, True])
def test_both_layouts_in_every_protocol(as_object, protocol, legacy_class, tmp_path) -> None:
    source = attributes()
    content: Any = source
    if as_object:
        content = legacy_class()
        content.__dict__.update(source)
    path = write(tmp_path / "old.fps", content, protocol)
    fps = load_legacy_fps(path)
    check(fps, source)
    assert dict(fps.provenance) == {
        "source": "FixedPointFinder",
        "file": "old.fps",
        "integrity": "not checked: the file carries no checksums",
    }


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_module_names_of_numpy_1_and_2(protocol, tmp_path, monkeypatch) -> None:
    source = attributes()
    whichmodule = pickle.whichmodule  # type: ignore[attr-defined]
    for old, new in (("numpy._core", "numpy.core"), ("numpy.core", "numpy._core")):
        with monkeypatch.context() as patched, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy warns of its old names
            patched.setattr(
                pickle,
                "whichmodule",
                lambda obj, name, old=old, new=new: whichmodule(obj, name).replace(old, new),
            )
            buffer = io.BytesIO()
            pickle._Pickler(buffer, protocol).dump(source)  # type: ignore[attr-defined]
        assert f"{new}.".encode() in buffer.getvalue()
        assert f"{old}.".encode() not in buffer.getvalue()
        (tmp_path / "old.fps").write_bytes(buffer.getvalue())
        check(load_legacy_fps(tmp_path / "old.fps"), source)


def test_file_of_python_2(tmp_path) -> None:
    # What cPickle.dumps(fps.__dict__) of Python 2.7 gave: text, with byte strings.
    raw = repr(np.array([[1, -2], [3, 4]], "<f4").tobytes())[1:]
    path = tmp_path / "old.fps"
    path.write_bytes(
        (
            "(dp1\nS'xstar'\np2\ncnumpy.core.multiarray\n_reconstruct\np3\n"
            "(cnumpy\nndarray\np4\n(I0\ntS'b'\ntRp5\n(I1\n(I2\nI2\ntcnumpy\ndtype\np6\n"
            "(S'f4'\nI0\nI1\ntRp7\n(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\n"
            f"S{raw}\ntbsS'tol_unique'\np8\nF0.01\nsS'verbose'\nI01\nsS'cond_id'\nNs."
        ).encode("latin1")
    )
    fps = load_legacy_fps(path)
    assert fps.xstar.tolist() == [[1.0, -2.0], [3.0, 4.0]]
    assert fps.tol_unique == 0.01


def test_other_byte_order_and_axes(tmp_path) -> None:
    J = RNG.normal(size=(N_STATES, N, N_STATES)).transpose(1, 0, 2)
    source = attributes(xstar=RNG.normal(size=(N, N_STATES)).astype(">f8"), J_xstar=J)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        fps = load_legacy_fps(write(tmp_path / "old.fps", source, protocol))
        np.testing.assert_array_equal(fps.xstar, source["xstar"])
        np.testing.assert_array_equal(fps.J_xstar, J)


def test_fields_that_were_allocated_and_never_filled_are_none(tmp_path) -> None:
    empty = np.full(N, np.nan, np.float32)
    source = attributes(
        is_stable=empty,
        cond_id=empty,
        n_iters=empty,
        eigval_J_xstar=np.full((N, N_STATES), np.nan, np.complex64),
        eigvec_J_xstar=np.full((N, N_STATES, N_STATES), np.nan, np.complex64),
        do_alloc_nan=True,
    )
    fps = load_legacy_fps(write(tmp_path / "old.fps", source))
    assert fps.is_stable is None
    assert fps.cond_id is None
    assert fps.n_iters is None
    assert not fps.has_decomposed_jacobians
    np.testing.assert_array_equal(fps.qstar, source["qstar"])


def test_counts_that_were_kept_as_floats_are_integers(tmp_path) -> None:
    source = attributes(n_iters=np.arange(N, dtype=np.float32), cond_id=np.zeros(N, np.float32))
    fps = load_legacy_fps(write(tmp_path / "old.fps", source))
    assert fps.n_iters.tolist() == [0, 1, 2, 3, 4]
    assert fps.n_iters.dtype == np.int64


def test_attributes_without_a_place_are_named(tmp_path) -> None:
    source = attributes(colour="red", dFdu=None)
    fps = load_legacy_fps(write(tmp_path / "old.fps", source))
    assert fps.provenance["ignored"] == ["colour"]
    assert fps.dFdu is None


def test_no_points_and_one_point(tmp_path) -> None:
    source = {"xstar": np.zeros((0, 3)), "inputs": np.zeros((0, 2)), "qstar": np.zeros(0)}
    assert load_legacy_fps(write(tmp_path / "old.fps", source)).xstar.shape == (0, 3)
    assert load_legacy_fps(write(tmp_path / "old.fps", {"xstar": np.ones((1, 1))})).n == 1


# -- bad files -----------------------------------------------------------------------------------


def test_missing_file(tmp_path) -> None:
    with pytest.raises(FileNotFoundError):
        load_legacy_fps(tmp_path / "none.fps")


@pytest.mark.parametrize("part", [0.0, 0.01, 0.3, 0.7, 0.99])
def test_truncated_file_is_an_error_that_names_it(part, tmp_path) -> None:
    path = write(tmp_path / "old.fps", attributes())
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(ValueError, match=r"old\.fps"):
        load_legacy_fps(path)


@pytest.mark.parametrize("content", [{"a": 1}, [1, 2], None, {"n": 3, "qstar": np.zeros(3)}])
def test_pickles_of_something_else(content, tmp_path) -> None:
    with pytest.raises(ValueError, match=r"old\.fps cannot be loaded as fixed points .* no xstar"):
        load_legacy_fps(write(tmp_path / "old.fps", content))


@pytest.mark.parametrize(
    "changes",
    [{"qstar": np.zeros(N + 1)}, {"xstar": "none"}, {"xstar": np.zeros(3)}, {"tol_unique": "a"}],
)
def test_damaged_fields_are_named_with_the_file(changes, tmp_path) -> None:
    with pytest.raises(ValueError, match=r"old\.fps cannot be loaded as fixed points of Fixed"):
        load_legacy_fps(write(tmp_path / "old.fps", attributes(**changes)))


def test_text_file(tmp_path) -> None:
    (tmp_path / "old.fps").write_text("hello")
    with pytest.raises(ValueError, match=r"old\.fps"):
        load_legacy_fps(tmp_path / "old.fps")


def test_file_that_wants_to_run_something_is_refused_by_name(tmp_path) -> None:
    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path}/harm",)

    path = write(tmp_path / "old.fps", attributes(J_xstar=Evil()))
    with pytest.raises(ValueError, match=r"old\.fps .* was refused: it asks for posix\.system"):
        load_legacy_fps(path)
    assert not (tmp_path / "harm").exists()
