"""A disk that is full at every byte: ``python -m benchmarks.reliability disks [--step 1]``.

For each format that the package writes, its own writer is stopped by the system after 0, 1, 2, …
bytes (a limit on the size of files, RLIMIT_FSIZE), in a process of its own. Each time there must be
an OSError that names the file, the old file as it was, and nothing left behind. What a writer makes
is made once, and written again and again; at every hundredth place the whole of it is done anew.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from fpf_notebook.files import write_file
from tests.files.samples import SAMPLES, points


def _page(path: Path) -> None:
    from fpf_notebook.plots import plot_fixed_points, save_html

    save_html(plot_fixed_points(points(), backend="plotly"), path, "Points")


def _picture(path: Path) -> None:
    from fpf_notebook.plots import plot_fixed_points
    from fpf_notebook.plots.picture_file import save_figure

    save_figure(plot_fixed_points(points()), path, dpi=20)


WRITERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    name: (sample.suffix, sample.write)
    for name, sample in SAMPLES.items()
    if name in ("netcdf", "npz", "checkpoint", "training state", "network", "monitor", "legacy")
} | {"picture": (".png", _picture), "page": (".html", _page)}


def _work(name: str, step: int) -> None:
    suffix, write = WRITERS[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{suffix}"
        write(path)
        image = path.read_bytes()
        step = max(step, len(image) // 100_000 * 500)  # of megabytes, at some thousand places
        path.write_bytes(b"the old file")
        tried = whole = 0
        problems = []
        began = time.perf_counter()
        for k, room in enumerate(range(0, len(image), step)):
            anew = k % max(1, len(image) // step // 100) == 0
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
            try:
                if anew:
                    write(path)
                else:
                    write_file(path, image)
                problem = "it was written"
            except OSError as error:
                named = str(path) in str(error) and error.errno == errno.EFBIG
                problem = "" if named else repr(error)
            except Exception as error:
                problem = repr(error)
            resource.setrlimit(
                resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            )
            tried, whole = tried + 1, whole + anew
            if path.read_bytes() != b"the old file" or os.listdir(folder) != [path.name]:
                problem = problem or "the folder is not as before"
            if problem:
                problems.append(f"{room}: {problem}")
        line = {"bytes": len(image), "tried": tried, "whole": whole, "problems": problems[:10],
                "n_problems": len(problems), "seconds": time.perf_counter() - began}  # fmt: skip
        print(json.dumps(line))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--step", type=int, default=1, help="bytes between two places")
    parser.add_argument("--only", nargs="+", choices=WRITERS, default=list(WRITERS))
    parser.add_argument("--work", choices=WRITERS, help=argparse.SUPPRESS)
    given = parser.parse_args(argv)
    if given.work:
        _work(given.work, given.step)
        return 0
    print("| format | bytes | places tried | with the whole writer | deaths | anything else |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    failed = False
    for name in given.only:
        command = [sys.executable, "-m", "benchmarks.reliability", "disks", "--work", name]
        command += ["--step", str(given.step)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"| {name} | | | | 1 | {done.stderr.strip()[-200:]} |", flush=True)
            failed = True
            continue
        line = json.loads(done.stdout)
        failed |= line["n_problems"] > 0
        print(f"| {name} | {line['bytes']:,} | {line['tried']:,} | {line['whole']} | 0 | "
              f"{line['n_problems']} |", flush=True)  # fmt: skip
        for problem in line["problems"]:
            print(f"{name} {problem}", file=sys.stderr)
    return int(failed)
