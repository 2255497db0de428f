"""Files are written whole, or not at all."""

import errno
import os
import resource
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from fpf_notebook.files import atomic, write_file
from tests.files.samples import SAMPLES, points

OWN = [name for name, sample in SAMPLES.items() if sample.checked] + ["legacy"]


def leftovers(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if name.startswith(".fpf-")]


def test_a_new_file_and_its_successor(tmp_path):
    path = tmp_path / "a.bin"
    assert write_file(str(path), b"first") == path
    write_file(path, memoryview(np.arange(3, dtype=np.uint8)))
    assert path.read_bytes() == b"\0\1\2"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_missing_folders_are_named_or_made(tmp_path):
    path = tmp_path / "none" / "further" / "a"
    with pytest.raises(FileNotFoundError, match=r"a cannot be written: there is no .*further"):
        write_file(path, b"x")
    write_file(path, b"x", make_folders=True)
    assert path.read_bytes() == b"x"


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_permissions_are_those_of_any_new_file(tmp_path, umask):
    before = os.umask(umask)
    try:
        write_file(tmp_path / "a", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o666 & ~umask


def test_umask_is_never_set(tmp_path, monkeypatch):
    # It belongs to the whole process: another thread's file would be readable by everybody.
    monkeypatch.setattr(os, "umask", lambda mask: pytest.fail("umask was set"))
    write_file(tmp_path / "a", b"x")


def test_an_existing_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "private"
    path.touch(0o600)
    write_file(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_stays_and_its_target_changes(tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "one").write_bytes(b"old")
    (tmp_path / "latest").symlink_to("runs/one")
    write_file(tmp_path / "latest", b"new")
    assert (tmp_path / "latest").is_symlink()
    assert (tmp_path / "runs" / "one").read_bytes() == b"new"


def test_devices_pipes_and_folders_are_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(ValueError, match="is not a file, and cannot be replaced by one"):
            write_file(path, b"x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert os.listdir(tmp_path) == ["pipe"]


def test_the_file_is_synced_before_it_is_renamed_and_the_folder_after(tmp_path, monkeypatch):
    done = []
    fsync, replace = os.fsync, os.replace

    def synced(handle):
        done.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def renamed(source, target):
        done.append("renamed")
        replace(source, target)

    monkeypatch.setattr(atomic.os, "fsync", synced)
    monkeypatch.setattr(atomic.os, "replace", renamed)
    write_file(tmp_path / "a", b"x")
    assert done == ["file", "renamed", "folder"]


def test_the_system_may_take_a_part_of_what_it_is_given(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(atomic.os, "write", lambda handle, data: write(handle, data[:3]))
    data = bytes(range(200))
    write_file(tmp_path / "a", data)
    assert (tmp_path / "a").read_bytes() == data


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interruption_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, error):
    write_file(tmp_path / "a", b"old")

    def interrupted(handle, data):
        raise error

    monkeypatch.setattr(atomic.os, "write", interrupted)
    with pytest.raises(error):
        write_file(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


# -- leftovers -------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from fpf_notebook.files import atomic
write = os.write
def dies(handle, data):
    write(handle, data[: len(data) // 2])
    os.kill(os.getpid(), signal.SIGKILL)
atomic.os.write = dies
atomic.write_file(sys.argv[1], bytes(1000))
"""


def test_what_a_killed_process_left_is_removed_by_the_next_writer(tmp_path):
    path = tmp_path / "a"
    write_file(path, b"old")
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert len(leftovers(tmp_path)) == 1
    assert path.read_bytes() == b"old"
    write_file(tmp_path / "another", b"x")
    assert sorted(os.listdir(tmp_path)) == ["a", "another"]


def test_the_file_of_a_writer_at_work_is_left_alone(tmp_path, monkeypatch):
    write = os.write
    seen = []

    def while_another_writes(handle, data):
        monkeypatch.setattr(atomic.os, "write", write)
        write_file(tmp_path / "b", b"in between")
        seen.extend(leftovers(tmp_path))
        return write(handle, data)

    monkeypatch.setattr(atomic.os, "write", while_another_writes)
    write_file(tmp_path / "a", b"x")
    assert len(seen) == 1
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]
    assert (tmp_path / "a").read_bytes() == b"x"


def test_a_file_that_was_taken_for_a_leftover_is_made_anew(tmp_path, monkeypatch):
    # Between making a file and locking it, another writer can lock and remove it.
    flock, removed = atomic.fcntl.flock, []

    def late(handle, how):
        if not removed:
            removed.extend(leftovers(tmp_path))
            os.unlink(tmp_path / removed[0])
        flock(handle, how)

    monkeypatch.setattr(atomic.fcntl, "flock", late)
    write_file(tmp_path / "a", b"x")
    assert removed
    assert (tmp_path / "a").read_bytes() == b"x"
    assert os.listdir(tmp_path) == ["a"]


def test_only_our_own_leftovers_are_removed(tmp_path):
    target = tmp_path / "precious"
    target.write_bytes(b"precious")
    (tmp_path / ".fpf-0123456789abcdef.tmp").symlink_to(target)
    others = [".fpf-notes.tmp", ".fpf-0123456789abcdef.tmp.txt", "x.fpf-0123456789abcdef.tmp"]
    for name in others:
        (tmp_path / name).touch()
    write_file(tmp_path / "a", b"x")
    assert target.read_bytes() == b"precious"
    assert set(others) < set(os.listdir(tmp_path))


def test_without_locks_files_are_written_and_nothing_is_removed(tmp_path, monkeypatch):
    def unsupported(handle, how):
        raise OSError(errno.ENOTSUP, "no locks here")

    (tmp_path / ".fpf-0123456789abcdef.tmp").touch()
    monkeypatch.setattr(atomic.fcntl, "flock", unsupported)
    write_file(tmp_path / "a", b"x")
    monkeypatch.setattr(atomic, "fcntl", None)  # as on Windows
    write_file(tmp_path / "a", b"y")
    assert (tmp_path / "a").read_bytes() == b"y"
    assert sorted(os.listdir(tmp_path)) == [".fpf-0123456789abcdef.tmp", "a"]


# -- full disks ------------------------------------------------------------------------------------


class FullDisk:
    """Takes `room` bytes, then none; a piece that does not fit is taken in part."""

    def __init__(self, room: int) -> None:
        self.room = room

    def write(self, handle: int, data: memoryview) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = min(self.room, len(data))
        self.room -= taken
        return os_write(handle, data[:taken])


os_write = os.write


@pytest.mark.parametrize(
    "places", [200, pytest.param(None, marks=pytest.mark.slow)], ids=["some", "all"]
)
@pytest.mark.parametrize("name", OWN)
def test_a_disk_that_is_full_at_every_byte(name, places, tmp_path, monkeypatch):
    sample = SAMPLES[name]
    path = tmp_path / f"file{sample.suffix}"
    sample.write(path)
    image = path.read_bytes()
    path.write_bytes(b"the old file")
    for room in range(0, len(image), 1 if places is None else len(image) // places + 1):
        monkeypatch.setattr(atomic.os, "write", FullDisk(room).write)
        with pytest.raises(OSError, match="cannot be written") as caught:
            write_file(path, image)
        assert caught.value.errno == errno.ENOSPC
        assert caught.value.filename == str(path)
    # The writer of the format itself, at some of them: making the image takes longer.
    for room in range(0, len(image), len(image) // 6):
        monkeypatch.setattr(atomic.os, "write", FullDisk(room).write)
        with pytest.raises(OSError, match="No space left on device"):
            sample.write(path)
    assert path.read_bytes() == b"the old file"
    assert os.listdir(tmp_path) == [path.name]


LIMITED = """
import resource, sys
from pathlib import Path
from tests.files.samples import SAMPLES
sample, path = SAMPLES[sys.argv[1]], Path(sys.argv[2])
sample.write(path.with_name("good"  + path.suffix))  # everything is imported by now
size = path.with_name("good" + path.suffix).stat().st_size
path.write_bytes(b"the old file")
for k in range(8):
    resource.setrlimit(resource.RLIMIT_FSIZE, (k * size // 8, resource.RLIM_INFINITY))
    try:
        sample.write(path)
    except OSError as error:
        print(error.errno)
assert path.read_bytes() == b"the old file"
"""


@pytest.mark.parametrize("name", ["netcdf", "npz", "checkpoint"])
def test_a_limit_of_the_system_on_the_size_of_files(name, tmp_path):
    path = tmp_path / f"a{SAMPLES[name].suffix}"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, name, str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=root,
    )
    assert done.stdout.split() == [str(errno.EFBIG)] * 8, done.stderr
    assert leftovers(tmp_path) == []
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY  # only there


@pytest.mark.parametrize("suffix", [".nc", ".h5", ".npz"])
def test_a_real_disk_of_64_kilobytes(suffix, tmp_path):
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)], capture_output=True
    ).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        path = tmp_path / f"points{suffix}"
        points(2).save(path)
        old = path.read_bytes()
        (tmp_path / "filler").write_bytes(bytes(4096 * ((65536 - len(old)) // 4096 - 1)))
        for _ in range(3):
            with pytest.raises(OSError, match="No space left"):
                points(40).save(path)
        assert path.read_bytes() == old
        assert leftovers(tmp_path) == []
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def test_killed_at_random_times_there_is_an_old_or_a_new_file(tmp_path):
    path = tmp_path / "a"
    write_file(path, bytes(200_000))
    code = (
        "import sys; from fpf_notebook.files import write_file\n"
        "print(1, flush=True)\n"
        "while True: write_file(sys.argv[1], bytes([1]) * 200_000)\n"
    )
    rng = np.random.default_rng(0)
    for _ in range(4):
        with subprocess.Popen(
            [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE
        ) as writer:
            writer.stdout.readline()
            time.sleep(rng.uniform(0, 0.02))
            writer.kill()
        content = path.read_bytes()
        assert len(content) == 200_000
        assert len(set(content)) == 1
    write_file(path, b"x")
    assert os.listdir(tmp_path) == ["a"]
