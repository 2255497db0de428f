import os
import shutil
import stat
from pathlib import Path

import h5netcdf
import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fpf_notebook.dynamics.step_map import StateSlice
from fpf_notebook.io import load, netcdf, npz, save
from fpf_notebook.result.audit import Audit
from fpf_notebook.result.completeness import Completeness
from fpf_notebook.result.fields import FIELDS, KINDS, STABILITIES
from fpf_notebook.result.fixed_points import FixedPoints
from tests.result.records import assert_same, full_record

SUFFIXES = [".nc", ".h5", ".npz"]


@pytest.fixture(params=SUFFIXES)
def path(request, tmp_path) -> Path:
    return tmp_path / f"points{request.param}"


@pytest.mark.parametrize("n", [0, 1, 5])
def test_what_is_loaded_is_what_was_saved(n, path) -> None:
    fps = full_record(n)
    save(fps, path)
    loaded = load(path)
    assert_same(fps, loaded)
    for name in ("tol_unique", "dtype", "time", "dt", "interrupted", "slices", "provenance"):
        assert getattr(loaded, name) == getattr(fps, name)
    assert loaded.completeness is None
    assert loaded.audit is None


def test_reports_and_slices_are_kept(path) -> None:
    audit = Audit(outcome=np.array([0, -1]), reason=np.array(["new", "outside the box"]))
    completeness = Completeness(
        index_sum=1, expected_sum=1, consistent=True, rounds=[{"new": 1}], n_points=1
    )
    slices = (StateSlice("h", (2,), 0, 2), StateSlice("c", (), 2, 3))
    fps = FixedPoints(
        np.zeros((1, 3)),
        audit=audit,
        completeness=completeness,
        slices=slices,
        time="continuous",
        provenance={"seed": np.int64(3), "scales": np.array([0.1, 0.2]), "nested": {"a": [None]}},
    )
    fps.save(path)
    loaded = FixedPoints.load(path)
    assert loaded.completeness == completeness
    assert loaded.audit.outcome.tolist() == [0, -1]
    assert loaded.audit.reason.tolist() == ["new", "outside the box"]
    assert loaded.slices == slices
    assert loaded.time == "continuous"
    assert loaded.provenance == {"seed": 3, "scales": [0.1, 0.2], "nested": {"a": [None]}}


def test_audit_of_many_initial_states_is_kept(path) -> None:
    # Longer than the 64 kB that HDF5 gives to an attribute.
    audit = Audit(outcome=np.arange(50_000), reason=np.array(["a reason"] * 50_000))
    save(FixedPoints(audit=audit), path)
    np.testing.assert_array_equal(load(path).audit.outcome, audit.outcome)


def test_empty_set_without_a_size(path) -> None:
    save(FixedPoints(), path)
    assert load(path).xstar.shape == (0, 0)


floats = st.floats(allow_nan=True, allow_infinity=True, width=32)


@st.composite
def records(draw) -> FixedPoints:
    n, n_states, n_inputs = (
        draw(st.integers(0, 4)),
        draw(st.integers(0, 3)),
        draw(st.integers(0, 2)),
    )
    sizes = {
        "point": n,
        "state": n_states,
        "state_from": n_states,
        "input": n_inputs,
        "mode": n_states,
    }
    fields = {}
    for name, spec in FIELDS.items():
        if name != "xstar" and draw(st.booleans()):
            continue
        shape = tuple(sizes[dim] for dim in spec.dims)
        match spec.type:
            case "float":
                dtype = draw(st.sampled_from([np.float32, np.float64]))
                fields[name] = draw(arrays(dtype, shape, elements=floats))
            case "complex":
                real, imaginary = (draw(arrays(np.float64, shape, elements=floats)) for _ in "ri")
                value = np.empty(shape, complex)
                value.real, value.imag = real, imaginary
                fields[name] = value
            case "int":
                dtype = draw(st.sampled_from([np.int32, np.int64]))
                fields[name] = draw(arrays(dtype, shape, elements=st.integers(-9, 9)))
            case "bool":
                fields[name] = draw(arrays(bool, shape))
            case "str":
                words = {"kind": KINDS, "stability": STABILITIES}.get(name)
                text = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=5)
                elements = st.sampled_from(words) if words else text
                value = [draw(elements) for _ in range(n)]
                fields[name] = np.array(value, dtype=str)
    return FixedPoints(**fields)


@given(records(), st.sampled_from(SUFFIXES))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_record_survives(tmp_path, fps, suffix) -> None:
    path = tmp_path / f"any{suffix}"
    save(fps, path)
    assert_same(fps, load(path))


@pytest.mark.parametrize("suffix", [".nc", ".h5"])
def test_other_programs_can_read_the_netcdf_file(suffix, tmp_path) -> None:
    xarray = pytest.importorskip("xarray")
    fps = full_record(3)
    save(fps, tmp_path / f"points{suffix}")
    with xarray.open_dataset(tmp_path / f"points{suffix}", engine="h5netcdf") as dataset:
        assert dataset.sizes == {"point": 3, "state": 4, "state_from": 4, "input": 3, "mode": 4}
        np.testing.assert_array_equal(dataset["xstar"], fps.xstar)
        np.testing.assert_array_equal(dataset["eigval_J_xstar_imag"], fps.eigval_J_xstar.imag)
        assert dataset["qstar"].attrs["long_name"].startswith("q = ")
        assert dataset["stability"].values.tolist() == fps.stability.tolist()


def test_content_decides_the_format_not_the_suffix(tmp_path) -> None:
    save(full_record(2), tmp_path / "points.npz")
    shutil.copy(tmp_path / "points.npz", tmp_path / "points.nc")
    assert_same(full_record(2), load(tmp_path / "points.nc"))


def test_paths_may_be_text_and_files_are_replaced(path) -> None:
    save(full_record(2), str(path))
    save(full_record(3), str(path))
    assert load(str(path)).n == 3


# -- bad files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_truncated_file_is_an_error_that_names_it(part, path) -> None:
    save(full_record(5), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(ValueError, match=f"{path.name} cannot be loaded as fixed points"):
        load(path)


def test_damage_within_the_npz_file_is_found(tmp_path) -> None:
    path = tmp_path / "points.npz"
    save(full_record(5), path)
    content = bytearray(path.read_bytes())
    for place in range(len(content) // 4, 3 * len(content) // 4, 97):
        content[place] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"points\.npz cannot be loaded as fixed points"):
        load(path)


def test_foreign_files_are_errors_that_name_them(tmp_path) -> None:
    np.savez(tmp_path / "a.npz", xstar=np.zeros((1, 1)))
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["xstar"] = np.zeros((1, 1))
    with h5netcdf.File(tmp_path / "c.nc", "w") as file:
        file.dimensions["point"] = 1
        file.create_variable("xstar", ("point",), float)
    for name in ("a.npz", "b.h5", "c.nc"):
        with pytest.raises(ValueError, match=rf"{name} cannot .* not written by fpf_notebook"):
            load(tmp_path / name)
    (tmp_path / "d.nc").write_text("hello, this is text")
    with pytest.raises(ValueError, match=r"d\.nc .* neither a NetCDF4 nor an npz file"):
        load(tmp_path / "d.nc")


def test_objects_in_an_npz_file_are_not_unpickled(tmp_path) -> None:
    called = []

    class Evil:
        def __reduce__(self):
            return called.append, (1,)

    path = tmp_path / "points.npz"
    save(full_record(1), path)
    with np.load(path) as file:
        entries = {name: file[name] for name in file.files}
    np.savez(path, **(entries | {"qstar": np.array([Evil()], dtype=object)}))
    with pytest.raises(ValueError, match=r"points\.npz cannot be loaded"):
        load(path)
    assert called == []


@pytest.mark.parametrize(("module", "suffix"), [(netcdf, ".nc"), (npz, ".npz")])
def test_newer_version_is_refused_with_advice(module, suffix, tmp_path, monkeypatch) -> None:
    path = tmp_path / f"points{suffix}"
    with monkeypatch.context() as patched:
        patched.setattr(module, "VERSION", 2)
        save(full_record(1), path)
    with pytest.raises(ValueError, match=r"points.* version 2, .* up to 1: install a newer one"):
        load(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_missing_file(suffix, tmp_path) -> None:
    with pytest.raises(FileNotFoundError):
        load(tmp_path / f"none{suffix}")


@pytest.mark.parametrize("suffix", [".fps", ".p", ".pkl"])
def test_pickled_files_are_sent_to_the_importer(suffix, tmp_path) -> None:
    path = tmp_path / f"old{suffix}"
    path.write_bytes(b"\x80\x04.")
    with pytest.raises(ValueError, match=r"use fpf_notebook\.io\.load_legacy_fps"):
        load(path)


# -- bad calls and failed writes -----------------------------------------------------------------


@pytest.mark.parametrize("name", ["points", "points.pkl", "points.NC"])
def test_unknown_suffix(name, tmp_path) -> None:
    with pytest.raises(
        ValueError, match=rf"{name} has the suffix .*, expected \.nc, \.h5 or \.npz"
    ):
        save(full_record(1), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_something_else_than_fixed_points(tmp_path) -> None:
    with pytest.raises(TypeError, match="fps is of type ndarray, expected FixedPoints"):
        save(np.zeros(3), tmp_path / "points.npz")  # type: ignore[arg-type]


def test_provenance_that_json_cannot_hold(path) -> None:
    fps = FixedPoints(provenance={"model": object()})
    with pytest.raises(TypeError, match=r"provenance .* of type object, expected something"):
        save(fps, path)
    assert not path.exists()


def test_missing_folder_is_named(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*/none"):
        save(full_record(1), tmp_path / "none" / "points.npz")


def test_failed_write_leaves_the_old_file_and_nothing_else(path, monkeypatch) -> None:
    save(full_record(2), path)

    def full_disk(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("fpf_notebook.files.atomic.os.fsync", full_disk)
    with pytest.raises(OSError, match="no space left"):
        save(full_record(3), path)
    assert load(path).n == 2
    assert list(path.parent.iterdir()) == [path]


def test_old_file_is_whole_until_the_new_one_is(path, monkeypatch) -> None:
    save(full_record(2), path)
    seen = []
    replace = os.replace

    def watched(source: Path, target: Path) -> None:
        seen.append((load(source).n, load(target).n))
        replace(source, target)

    monkeypatch.setattr("fpf_notebook.files.atomic.os.replace", watched)
    save(full_record(3), path)
    assert seen == [(3, 2)]
    assert load(path).n == 3


def test_the_file_is_as_readable_as_any_other_new_file(path) -> None:
    save(full_record(1), path)
    ordinary = path.with_name("ordinary")
    ordinary.touch()
    assert stat.S_IMODE(os.stat(path).st_mode) == stat.S_IMODE(os.stat(ordinary).st_mode)
