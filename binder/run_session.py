"""Open several notebooks at once, as a reader with many tabs does, and measure the whole session.

    python binder/run_session.py NOTEBOOK NOTEBOOK NOTEBOOK [--max-megabytes M] [--max-seconds S]

A server of Jupyter is started beside one kernel for each notebook. All run at the same time and
stay open to the end, when each kernel holds what it has made. Prints one line of JSON: the number
of notebooks, seconds, the peak in MB, and what went wrong ("" if nothing did), which is also the
exit status.

What is measured is the session: the memory of the server and all kernels together, every page
once (the proportional set size), which is what Binder counts. The resident memory, which counts
the libraries that kernels share once for each, is given as well.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

_SAMPLES_PER_SECOND = 2


class SessionWatch(threading.Thread):
    """Take samples of the memory of this process's children, all of them together."""

    def __init__(self, max_bytes: float) -> None:
        super().__init__(daemon=True)
        import psutil

        self._me = psutil.Process()
        self._max_bytes = max_bytes
        self._done = threading.Event()
        self.peak = self.peak_resident = self.most_kernels = 0

    @property
    def too_much(self) -> bool:
        """Whether the limit was passed."""
        return self.peak > self._max_bytes

    def run(self) -> None:
        """Watch until told to stop."""
        import psutil

        while not self._done.wait(1 / _SAMPLES_PER_SECOND):
            whole = resident = kernels = 0
            for process in self._me.children(recursive=True):
                try:
                    memory = process.memory_full_info()
                    kernels += "ipykernel_launcher" in " ".join(process.cmdline())
                except psutil.Error:  # it has just ended
                    continue
                whole += getattr(memory, "pss", memory.rss)
                resident += memory.rss
            self.peak, self.peak_resident = max(self.peak, whole), max(self.peak_resident, resident)
            self.most_kernels = max(self.most_kernels, kernels)

    def stop(self) -> None:
        """Take no more samples."""
        self._done.set()
        self.join()


def start_server(folder: Path) -> subprocess.Popen[bytes]:
    """Start a server of Jupyter that listens on a socket in a folder, and on no port."""
    command = [sys.executable, "-m", "jupyter_server", "--ServerApp.open_browser=False"]
    command += [f"--ServerApp.sock={folder / 'jupyter.sock'}", "--allow-root"]
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


async def run_all(sources: list[Path], max_seconds: float) -> str:
    """Run notebooks at the same time, and end their kernels when all are through."""
    import nbformat
    from nbclient import NotebookClient

    async def one(client: NotebookClient) -> str:
        try:
            await client.async_execute(cleanup_kc=False)
        except Exception as error:  # a cell's, nbclient's own, a kernel that was killed
            return f"{type(error).__name__}: {str(error).strip()[-800:]}"
        return ""

    clients = [
        NotebookClient(
            nbformat.read(source, as_version=4),
            timeout=int(max_seconds),
            kernel_name="python3",
            shutdown_kernel="immediate",
            extra_arguments=["--IPKernelApp.log_level=40"],
            resources={"metadata": {"path": str(source.parent)}},
        )
        for source in sources
    ]
    try:
        problems = await asyncio.gather(*(one(client) for client in clients))
        await asyncio.sleep(2)  # all open, and all idle: one more look
    finally:
        for client in clients:
            if client.km is not None:
                await client.km.shutdown_kernel(now=True)
    found = zip(sources, problems, strict=True)
    return "; ".join(f"{source.name}: {problem}" for source, problem in found if problem)


def run(sources: list[Path], max_megabytes: float, max_seconds: float) -> dict[str, object]:
    """Run notebooks together and return what the session took.

    Parameters
    ----------
    sources
        The notebooks; each runs in its own folder, in a kernel of its own.
    max_megabytes
        Limit of the session's memory, 10⁶ bytes.
    max_seconds
        Limit of a single cell.

    Returns
    -------
    dict
        ``notebooks``, ``seconds``, ``megabytes`` (each page once), ``resident_megabytes`` and
        ``problem``.
    """
    watch = SessionWatch(max_megabytes * 1e6)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="fpf-session-") as folder:
        server = start_server(Path(folder))
        watch.start()
        try:
            problem = asyncio.run(run_all(sources, max_seconds))
            if server.poll() is not None and not problem:
                problem = f"the server of Jupyter has ended with {server.returncode}"
        finally:
            watch.stop()
            server.terminate()
            server.wait()
    if not problem and watch.most_kernels < len(sources):
        problem = f"only {watch.most_kernels} kernels were open at once"
    if not problem and watch.too_much:
        problem = f"more than {max_megabytes:g} MB of memory in the session"
    return {
        "notebooks": len(sources),
        "seconds": round(time.perf_counter() - began, 1),
        "megabytes": round(watch.peak / 1e6),
        "resident_megabytes": round(watch.peak_resident / 1e6),
        "problem": problem,
    }


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", nargs="+", type=Path)
    parser.add_argument("--max-megabytes", type=float, default=1200.0)
    parser.add_argument("--max-seconds", type=float, default=600.0)
    parser.add_argument("--one-core", action="store_true", help="use one core only, as on Binder")
    arguments = parser.parse_args()
    if arguments.one_core and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    sources = [path.resolve() for path in arguments.sources]
    result = run(sources, arguments.max_megabytes, arguments.max_seconds)
    print(json.dumps(result))
    return 1 if result["problem"] else 0


if __name__ == "__main__":
    sys.exit(main())
