"""Damage files of every format, load them, and say what came of it.

Usage::

    python -m benchmarks.corruption                    # 10,000 corruptions a loader
    python -m benchmarks.corruption --count 200 --only netcdf npz

Each loader works in a process of its own, so that one that dies is seen and counted. A corruption
is made from a seed, the name of the loader and its number: what goes wrong can be made again. Exit
status 1 if a loader died, raised something else than a `FileError`, changed a value in silence, or
took more than a second or 500 MB.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fpf_notebook.files import FileError
from tests.files.samples import SAMPLES, Sample

MOST_SECONDS = 1.0
MOST_BYTES = 500_000_000
_BAD = ("raw exception", "silent change", "slow", "large", "died")


# -- ways to damage a file -------------------------------------------------------------------------


def _flip(data: bytearray, rng: np.random.Generator) -> bytearray:
    for place in rng.integers(len(data), size=rng.integers(1, 9)):
        data[place] ^= 1 << int(rng.integers(8))
    return data


def _cut(data: bytearray, rng: np.random.Generator) -> bytearray:
    return data[: rng.integers(len(data))]


def _splice(data: bytearray, rng: np.random.Generator) -> bytearray:
    a, b, c, d = np.sort(rng.integers(len(data) + 1, size=4))
    return [
        data[:a] + data[b:],  # a part is missing
        data[:b] + data[a:],  # or stands twice
        data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:],  # two have changed places
        data[:a] + bytearray(rng.bytes(int(b - a))) + data[b:],  # or are of something else
        data[:a] + bytearray(int(b - a)) + data[b:],
    ][rng.integers(5)]


def _inflate(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Put a huge number where one may stand: a size, a count, an offset."""
    for _ in range(rng.integers(1, 4)):
        width = int(rng.choice([1, 2, 4, 8]))
        place = int(rng.integers(max(1, len(data) - width)))
        if rng.random() < 0.5:  # in the front and at the end are the headers
            place = int(rng.integers(min(512, len(data)))) if rng.random() < 0.5 else max(
                0, len(data) - int(rng.integers(1, 512))
            )  # fmt: skip
        bits = int(rng.integers(max(1, 8 * width - 8), 8 * width + 1))
        value = (1 << bits) - 1 - int(rng.integers(2))
        data[place : place + width] = value.to_bytes(width, "little")
    # Sizes that are written as text: JSON, and NumPy's headers.
    if rng.random() < 0.3:
        digits = [k for k, byte in enumerate(data) if 48 <= byte <= 57]
        if digits:
            place = digits[rng.integers(len(digits))]
            data[place:place] = b"9" * int(rng.integers(1, 12))
    return data


WAYS = {"flipped bits": _flip, "cut": _cut, "spliced": _splice, "inflated": _inflate}


def corrupted(good: bytes, name: str, number: int, seed: int = 0) -> tuple[str, bytes]:
    """Return how a file was damaged, and what it is then.

    Parameters
    ----------
    good
        The file.
    name, number, seed
        What the damage follows from.
    """
    rng = np.random.default_rng([seed, zlib.crc32(name.encode()), number])
    way = list(WAYS)[number % len(WAYS)]
    return way, bytes(WAYS[way](bytearray(good), rng))


# -- what came of it -------------------------------------------------------------------------------


def outcome(sample: Sample, good: dict[str, Any], path: Path) -> tuple[str, str]:
    """Load a damaged file; return what came of it, and a message."""
    try:
        arrays = sample.arrays_of(sample.load(path))
    except FileError as error:
        return ("refused" if path.name in str(error) else "raw exception"), str(error)
    except ValueError as error:
        # Weights without checksums may be whole, and no longer those of such a network.
        known = not sample.checked or "belongs to another model" in str(error)
        return ("refused" if known else "raw exception"), repr(error)
    except Exception as error:  # what we look for
        return "raw exception", repr(error)
    if same(arrays, good):
        return "harmless", ""
    return ("silent change" if sample.checked else "no checksum"), ""


def same(one: Any, other: Any) -> bool:
    """Say whether values are the same, bit by bit."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        a, b = np.asarray(one), np.asarray(other)
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return type(one) is type(other) and repr(one) == repr(other)


def _peak() -> int:
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _work(name: str, first: int, count: int, seed: int) -> None:
    """Damage and load, and print a line of JSON for each; the process may die of it."""
    sample = SAMPLES[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"damaged{sample.suffix}"
        sample.write(path)
        image = path.read_bytes()
        good = sample.arrays_of(sample.load(path))
        for number in range(first, count):
            way, data = corrupted(image, name, number, seed)
            path.write_bytes(data)
            print(json.dumps({"begun": number, "way": way}), flush=True)
            before = _peak()
            began = time.perf_counter()
            result, message = outcome(sample, good, path)
            seconds = time.perf_counter() - began
            # By how much a load has raised the process's peak: the largest of them shows.
            n_bytes = _peak() - before
            line = {"result": result, "seconds": seconds, "bytes": n_bytes, "message": message}
            print(json.dumps(line), flush=True)


def measure(name: str, count: int, seed: int) -> dict[str, Any]:
    """Damage and load a file `count` times; return numbers by what came of it."""
    results: Counter[str] = Counter()
    notes: list[str] = []
    slowest, largest, first = 0.0, 0, 0
    while first < count:
        command = [sys.executable, "-m", "benchmarks.corruption", "--work", name]
        command += ["--first", str(first), "--count", str(count), "--seed", str(seed)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
            assert worker.stdout is not None
            begun = None
            for line in worker.stdout:
                entry = json.loads(line)
                if "begun" in entry:
                    begun = entry
                    continue
                kinds = [entry["result"]]
                kinds += ["slow"] * (entry["seconds"] > MOST_SECONDS)
                kinds += ["large"] * (entry["bytes"] > MOST_BYTES)
                results.update(kinds)
                if set(kinds) & set(_BAD):
                    notes.append(f"{name} {begun}: {', '.join(kinds)}: {entry['message'][:300]}")
                slowest = max(slowest, entry["seconds"])
                largest = max(largest, entry["bytes"])
                first, begun = begun["begun"] + 1, None
        if begun is not None:
            results["died"] += 1
            notes.append(f"{name} {begun}: died with status {worker.returncode}")
            first = begun["begun"] + 1
        elif first < count:
            raise RuntimeError(f"the worker for {name} did not begin (status {worker.returncode})")
    return {"results": results, "slowest": slowest, "largest": largest, "notes": notes}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the loaders and print a table."""
    parser = argparse.ArgumentParser(prog="benchmarks.corruption", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="corruptions a loader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=SAMPLES, default=list(SAMPLES))
    parser.add_argument("--work", choices=SAMPLES, help=argparse.SUPPRESS)
    parser.add_argument("--first", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.work:
        _work(arguments.work, arguments.first, arguments.count, arguments.seed)
        return 0
    print("| loader | tried | refused | harmless | no checksum | raw exceptions | silent changes "
          "| deaths | slowest | most memory |")  # fmt: skip
    print("| --- " * 10 + "|")
    failed = False
    for name in arguments.only:
        measured = measure(name, arguments.count, arguments.seed)
        results = measured["results"]
        kinds = ("refused", "harmless", "no checksum", "raw exception", "silent change", "died")
        print(
            f"| {name} | {arguments.count:,} | "
            + " | ".join(f"{results[kind]:,}" for kind in kinds)
            + f" | {1000 * measured['slowest']:.0f} ms | {measured['largest'] / 1e6:.0f} MB |",
            flush=True,
        )
        for note in measured["notes"][:10]:
            print(note, file=sys.stderr, flush=True)
        failed |= any(results[kind] for kind in _BAD)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
