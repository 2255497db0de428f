"""Which tests run a line, and how long each takes: to try the likeliest tests of a change first.

Measured once for a room by coverage.py (https://coverage.readthedocs.io), which notes for each
line the tests that ran it. As a plugin of pytest (``-p tools.covering``) it puts the tests that are
named in the file ``$FPF_TESTS_FIRST``, one a line, before the others, in that order. The others
follow: what a test computes once for all, a later test meets without running its lines.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

FIRST = "FPF_TESTS_FIRST"
_DURATION = re.compile(r"^([\d.]+)s (?:setup|call|teardown) +(\S.*)$", re.MULTILINE)


class Covering(NamedTuple):
    """What the tests of a room run.

    Parameters
    ----------
    seconds
        How long all of them take together, without coverage.
    durations
        How long each takes, by its name.
    by_line
        The tests that run a line, by file and line.
    """

    seconds: float
    durations: dict[str, float]
    by_line: dict[str, dict[int, list[str]]]

    def order(self, path: Path, line: int) -> list[str]:
        """Return the tests that run a line, the quickest first."""
        tests = self.by_line.get(str(path), {}).get(line, [])
        return sorted(tests, key=lambda test: (self.durations.get(test, 0.0), test))

    def write(self, path: Path) -> None:
        """Write this to a file."""
        path.write_text(json.dumps(self._asdict()), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Covering:
        """Read what `write` wrote."""
        kept = json.loads(path.read_text(encoding="utf-8"))
        by_line = {
            name: {int(line): tests for line, tests in lines.items()}
            for name, lines in kept["by_line"].items()
        }
        return cls(kept["seconds"], kept["durations"], by_line)


def measure(command: Sequence[str], room: str, data: Path) -> Covering:
    """Run the tests of a room, in the current folder, without a change.

    Raises
    ------
    RuntimeError
        If they fail; with the end of what they printed.
    """
    began = time.monotonic()
    _run(command)
    seconds = time.monotonic() - began
    source = f"fpf_notebook/{room}"
    printed = _run(
        [
            *command,
            f"--cov={source}",
            "--cov-context=test",
            "--cov-report=",
            "--durations=0",
            "-vv",
        ],
        COVERAGE_FILE=str(data),
    )
    durations: dict[str, float] = {}
    for taken, test in _DURATION.findall(printed):
        durations[test] = durations.get(test, 0.0) + float(taken)
    return Covering(seconds, durations, _by_line(data))


def _run(command: Sequence[str], **variables: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **variables})
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-500:])
    return done.stdout


def _by_line(data: Path) -> dict[str, dict[int, list[str]]]:
    # Here, so that pytest needs no coverage.py for the order of the tests.
    from coverage import CoverageData

    measured = CoverageData(str(data))
    measured.read()
    by_line: dict[str, dict[int, list[str]]] = {}
    for name in measured.measured_files():
        path = os.path.relpath(name)
        by_line[path] = {}
        for line, contexts in measured.contexts_by_lineno(name).items():
            tests = {context.rpartition("|")[0] for context in contexts if context}
            by_line[path][line] = sorted(tests)
    return by_line


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that are named in the file before the others."""
    if not os.environ.get(FIRST):
        return
    named = Path(os.environ[FIRST]).read_text(encoding="utf-8").splitlines()
    rank = {test: k for k, test in enumerate(named)}
    items.sort(key=lambda item: rank.get(item.nodeid, len(rank)))


if __name__ == "__main__":
    sys.exit("tools.covering is used by tools.mutants")
