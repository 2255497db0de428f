"""The folder of a sweep: full disks, links, devices, damaged files."""

import errno
import json
import os

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import Completeness, FixedPointFinder, SilentProgress, StepMap
from fpf_notebook.files import FileError, atomic
from fpf_notebook.finder import search as searching
from fpf_notebook.io import load, save
from fpf_notebook.sweep import sweep

SILENT = SilentProgress()
STATES = np.linspace(-1, 1, 9)[:, None]


def latch(gain):
    return StepMap(lambda p, h, u: jnp.tanh(p * h + u), np.float64(gain), 1, 1,
                   signature="latch of the hostile folder")  # fmt: skip


REQUEST = FixedPointFinder(latch(1.0), n_runs=0, do_follow_curves=False).request(
    initial_states=STATES
)
NETS = {"a": latch(0.5), "b": latch(2.0)}


def swept(folder):
    return sweep(NETS, REQUEST, folder=folder, progress=SILENT)


@pytest.fixture
def kept(tmp_path):
    swept(tmp_path / "kept")
    return tmp_path / "kept"


def test_a_damaged_result_is_searched_again(kept):
    good = (kept / "b.npz").read_bytes()
    for content in (b"", good[:-1], good[1:], good.replace(b"xstar", b"xstat", 1), b"PK\3\4" * 99):
        (kept / "b.npz").write_bytes(content)
        assert swept(kept)["b"].n == 3
        assert len((kept / "b.npz").read_bytes()) > 0.9 * len(good)
    again = swept(kept)
    assert again["b"].provenance["sweep"]["seconds"] == again.rows[1].seconds


@pytest.mark.parametrize("name", ["sweep.json", "a.npz", "a.error.json"])
def test_links_are_neither_read_nor_replaced(kept, tmp_path, name):
    outside = tmp_path / "precious"
    outside.write_bytes((kept / name).read_bytes() if (kept / name).exists() else b"precious")
    before = outside.read_bytes()
    (kept / name).unlink(missing_ok=True)
    (kept / name).symlink_to(outside)
    with pytest.raises(FileError, match=f"{name} cannot be loaded as a sweep: it is a link"):
        swept(kept)
    assert outside.read_bytes() == before
    # Nor one that leads nowhere yet.
    outside.unlink()
    with pytest.raises(FileError, match="it is a link"):
        swept(kept)
    assert not outside.exists()


@pytest.mark.parametrize("name", ["sweep.json", "b.npz"])
@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_folders_and_pipes_are_refused_before_any_search(kept, name, make, monkeypatch):
    (kept / name).unlink()
    make(kept / name)
    monkeypatch.setattr("fpf_notebook.sweep.run.search_network", lambda *_: pytest.fail("searched"))
    with pytest.raises(FileError, match="a folder or a device where a file should be"):
        swept(kept)


def test_a_folder_behind_a_link_is_one(tmp_path):
    (tmp_path / "large disk").mkdir()
    (tmp_path / "here").symlink_to("large disk")
    assert swept(tmp_path / "here")["b"].n == 3
    assert (tmp_path / "large disk" / "b.npz").is_file()


def test_an_index_that_is_none_is_named(kept):
    index = kept / "sweep.json"
    good = json.loads(index.read_text())
    for content, text in (
        ("", "damaged"),
        ("[" * 100_000, "damaged"),
        ("[1]", "no index of one"),
        (json.dumps({**good, "request": "0" * 64}), "its SHA-256 differs"),
        (json.dumps({**good, "version": 2}), "newer version"),
        (json.dumps({k: v for k, v in good.items() if k != "sha256"}), "its SHA-256 differs"),
    ):
        index.write_text(content)
        with pytest.raises(FileError, match=f"sweep.json cannot be loaded as a sweep: .*{text}"):
            swept(kept)


def test_a_disk_that_gets_full_keeps_what_was_found(tmp_path, monkeypatch):
    write, room = os.write, [1 << 30]

    def full(handle, data):
        taken = min(room[0], len(data))
        if not taken:
            raise OSError(errno.ENOSPC, "No space left on device")
        room[0] -= taken
        return write(handle, data[:taken])

    monkeypatch.setattr(atomic.os, "write", full)
    swept(tmp_path / "all")
    sizes = {path.name: path.stat().st_size for path in (tmp_path / "all").iterdir()}
    total = sum(sizes.values())
    for number, share in enumerate(np.linspace(0, 0.99, 12)):
        folder = tmp_path / f"sweep {number}"
        room[0] = int(share * total)
        with pytest.raises(OSError, match="No space left") as caught:
            swept(folder)
        assert caught.value.errno == errno.ENOSPC
        kept = [path.name for path in folder.iterdir()] if folder.exists() else []
        assert set(kept) <= set(sizes)  # whole files only: no leftovers
        room[0] = 1 << 30
        again = swept(folder)
        assert [again["a"].n, again["b"].n] == [1, 3]


def test_ctrl_c_within_a_search_keeps_no_part_of_it(tmp_path, monkeypatch):
    # The finder answers Ctrl-C by what it has so far, and raises nothing.
    run_lanes, pressed = searching.run_lanes, []

    def interrupted(solver, step_map, *args, **options):
        if float(step_map.params) == 2.0 and not pressed:
            pressed.append(True)
            raise KeyboardInterrupt
        return run_lanes(solver, step_map, *args, **options)

    monkeypatch.setattr(searching, "run_lanes", interrupted)
    first = swept(tmp_path / "kept")
    assert pressed
    assert first.interrupted
    assert list(first) == ["a"]
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["a.npz", "sweep.json"]
    again = swept(tmp_path / "kept")
    assert [again["a"].n, again["b"].n] == [1, 3]
    assert not again.interrupted


def test_a_part_of_a_search_that_is_there_already_is_searched_again(kept):
    points = load(kept / "b.npz")
    save(points[:1].update(interrupted=True, provenance=points.provenance), kept / "b.npz")
    assert swept(kept)["b"].n == 3


def test_what_the_time_limit_ended_is_a_result(kept):
    points = load(kept / "b.npz")
    report = Completeness(index_sum=1, stopped_because="max_seconds=1 reached")
    save(points[:1].update(interrupted=True, completeness=report, provenance=points.provenance),
         kept / "b.npz")  # fmt: skip
    assert swept(kept)["b"].n == 1
