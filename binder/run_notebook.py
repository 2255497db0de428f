"""Run one notebook from top to bottom, watch its memory, and keep it with its outputs.

    python binder/run_notebook.py SOURCE TARGET [--max-seconds S] [--max-megabytes M] [--one-core]

Prints one line of JSON: seconds, seconds of the processor, peak of the resident memory of the
kernel and its children in MB, number of warnings, and what went wrong ("" if nothing did), which is
also the exit status. The limit is one of the processor's seconds: on a core of its own a notebook
takes as long, and other work on the machine makes no difference. What hangs is ended after four
times as long.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_KEY = "fpf_notebook"
_SAMPLES_PER_SECOND = 10
_CODE = (".py", ".js", ".json", ".npz")


def fingerprint(source: Path) -> str:
    """Return a checksum of a notebook and of the package that it runs."""
    digest = hashlib.sha256(source.read_bytes())
    for path in sorted((ROOT / "fpf_notebook").rglob("*")):
        if path.suffix in _CODE and path.is_file():
            digest.update(path.relative_to(ROOT).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def is_fresh(target: Path, source: Path) -> bool:
    """Say whether a notebook that was run is still what its source would give."""
    try:
        metadata = json.loads(target.read_text(encoding="utf-8"))["metadata"]
    except (OSError, ValueError, KeyError):
        return False
    return metadata.get(_KEY, {}).get("fingerprint") == fingerprint(source)


class Watch(threading.Thread):
    """Take samples of a tree of processes, and end it if it takes too much memory or time."""

    def __init__(self, root: int, max_bytes: float, max_seconds: float) -> None:
        super().__init__(daemon=True)
        import psutil

        self._me = psutil.Process(root)
        self._max_bytes, self._max_seconds = max_bytes, max_seconds
        self._done = threading.Event()
        self._cpu: dict[int, float] = {}
        self.peak = 0
        self.problem = ""

    @property
    def cpu_seconds(self) -> float:
        """Time of the processor, of all processes that were ever seen."""
        return sum(self._cpu.values())

    def run(self) -> None:
        """Watch until told to stop."""
        import psutil

        while not self._done.wait(1 / _SAMPLES_PER_SECOND):
            children = self._me.children(recursive=True)
            total = 0
            for process in children:
                try:
                    total += process.memory_info().rss
                    times = process.cpu_times()
                except psutil.Error:  # it has just ended
                    continue
                self._cpu[process.pid] = times.user + times.system
            self.peak = max(self.peak, total)
            if self.problem:
                continue
            if total > self._max_bytes:
                self.problem = f"more than {self._max_bytes / 1e6:g} MB of memory"
            elif self.cpu_seconds > self._max_seconds:
                self.problem = f"more than {self._max_seconds:g} s of the processor"
            if self.problem:
                for process in children:
                    process.kill()

    def stop(self) -> None:
        """Take no more samples."""
        self._done.set()
        self.join()


def run(source: Path, target: Path, max_seconds: float, max_megabytes: float) -> dict[str, object]:
    """Run a notebook and write it to `target`, outputs included, whatever happens.

    Parameters
    ----------
    source, target
        Files. The notebook runs in the folder of its source.
    max_seconds
        Limit of the processor's time, start of the kernel included.
    max_megabytes
        Limit of the resident memory of the kernel and its children, 10⁶ bytes.

    Returns
    -------
    dict
        ``seconds``, ``cpu_seconds``, ``megabytes``, ``warnings`` (their number), ``problem``.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(source, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=int(4 * max_seconds),
        kernel_name="python3",
        extra_arguments=["--IPKernelApp.log_level=40"],  # errors only, of the kernel's own
        resources={"metadata": {"path": str(source.parent)}},
    )
    watch = Watch(os.getpid(), max_megabytes * 1e6, max_seconds)
    watch.start()
    began = time.perf_counter()
    problem = ""
    try:
        client.execute()
    except Exception as error:  # a cell's, nbclient's own, a kernel that was killed
        problem = f"{type(error).__name__}: {str(error).strip()[-1500:]}"
    seconds = time.perf_counter() - began
    watch.stop()
    problem = watch.problem or problem
    warnings = sum(
        output["text"].count("Warning:")  # not the progress bars, which go the same way
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.get("name") == "stderr"
    )
    result = {
        "seconds": round(seconds, 1),
        "cpu_seconds": round(watch.cpu_seconds, 1),
        "megabytes": round(watch.peak / 1e6),
        "warnings": warnings,
        "problem": problem,
    }
    if not problem:
        notebook.metadata[_KEY] = {"fingerprint": fingerprint(source), **result}
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)
    return result


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--max-seconds", type=float, default=180.0)
    parser.add_argument("--max-megabytes", type=float, default=1500.0)
    parser.add_argument("--one-core", action="store_true", help="use one core only, as on Binder")
    arguments = parser.parse_args()
    if arguments.one_core and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    result = run(
        arguments.source.resolve(), arguments.target, arguments.max_seconds, arguments.max_megabytes
    )
    print(json.dumps(result))
    return 1 if result["problem"] else 0


if __name__ == "__main__":
    sys.exit(main())
