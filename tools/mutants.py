"""Change the code in many small ways, and see whether the tests of its room notice.

    python -m tools.mutants [--n 150] [--seed 0] [--limit N] [--rooms ROOM …] [--report]
    python -m tools.mutants --sample files arguments --n 100    # of these rooms alone
    python -m tools.mutants --sample files arguments --n 100 --again ID

The changes are those of Cosmic Ray (https://cosmic-ray.readthedocs.io). Of all that it could make
in some rooms a sample is drawn by a seed, and each is tried in a copy of the checkout under
``build/mutants``, against the tests of its room that are not slow: first those that run the changed
line, the quickest before the others (`tools/covering.py`). What has been tried is kept there:
started again, it goes on where it was, as long as code and tests are the same. The table is written
to ``benchmarks/MUTANTS.md``, that of a sample of some rooms to a file with their names; the reasons
in its last column are kept. With ``--again`` the survivors of a sample are tried once more, against
the tests as they are now; the code is as it was when the sample was drawn.

mutmut was looked at first. It puts every mutant of a function behind a switch in one file and
forks for each, which does not agree with the threads that JAX has running, and its wrappers hide
the signatures by which the adapters tell models apart.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import chdir
from pathlib import Path
from typing import NamedTuple

from cosmic_ray.commands.init import init
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkerOutcome, WorkItem, WorkResult

from tools.covering import FIRST, Covering, measure

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "mutants"
REPORT = ROOT / "benchmarks" / "MUTANTS.md"
ROOMS = ("finder", "result", "io", "files", "arguments")  # those that exist
_LEAST_SECONDS = 120  # for the tests of a room
_TIMES = 4  # as long as without a change, then the change is taken to make them hang


class Mutant(NamedTuple):
    """One change: where it is, and what became of it."""

    item: WorkItem
    result: WorkResult

    @property
    def spec(self) -> MutationSpec:
        """The change itself."""
        return self.item.mutations[0]

    @property
    def room(self) -> str:
        """The room that it is in."""
        return self.spec.module_path.parts[1]

    @property
    def survived(self) -> bool:
        """Whether no test noticed it."""
        return self.result.test_outcome == TestOutcome.SURVIVED

    @property
    def possible(self) -> bool:
        """Whether the change could be made at all."""
        return self.result.worker_outcome == WorkerOutcome.NORMAL

    @property
    def lines(self) -> tuple[str, str]:
        """The changed lines, before and after."""
        rows = (self.result.diff or "").splitlines()
        before = [row[1:].strip() for row in rows if row.startswith("-") and row[:3] != "---"]
        after = [row[1:].strip() for row in rows if row.startswith("+") and row[:3] != "+++"]
        return " ".join(before), " ".join(after)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--n", type=int, default=150, help="size of the sample (default 150)")
    parser.add_argument("--seed", type=int, default=0, help="which sample (default 0)")
    parser.add_argument("--limit", type=int, help="stop after so many more of them")
    parser.add_argument("--rooms", nargs="+", choices=ROOMS, help="try those in these rooms only")
    parser.add_argument("--sample", nargs="+", choices=ROOMS, help="draw from these rooms only")
    parser.add_argument("--again", metavar="ID", help="try the survivors of this sample once more")
    parser.add_argument("--report", action="store_true", help="write the table only, try nothing")
    given = parser.parse_args(arguments)
    if given.n < 1:
        parser.error(f"--n is {given.n}, expected at least 1")
    rooms = [room for room in given.sample or ROOMS if (ROOT / "fpf_notebook" / room).is_dir()]
    report = REPORT
    if given.sample:
        report = REPORT.with_name(f"MUTANTS_{'_'.join(rooms)}.md")
    files = tracked()
    folder = BUILD / f"{given.again or digest(files, rooms)}-{given.seed}-{given.n}"
    checkout = folder / "checkout"
    if given.again:
        if not (folder / "session.sqlite").exists():
            parser.error(f"--again is {given.again!r}, but there is no {folder}")
        refresh_tests(files, rooms, checkout, folder)
    if not (folder / "session.sqlite").exists():
        shutil.rmtree(folder, ignore_errors=True)
        copy(files, checkout)
        with chdir(checkout):
            prepare(folder, rooms, given.n, given.seed)
    with chdir(checkout), use_db(str(folder / "session.sqlite"), WorkDB.Mode.open) as session:
        if not given.report:
            try:
                if given.again:
                    try_survivors(session, folder)
                else:
                    try_all(session, folder, given.rooms or rooms, given.limit)
            except KeyboardInterrupt:
                print("mutants: stopped; the next run goes on from here")
        tried = [Mutant(*pair) for pair in session.completed_work_items]
        mutants = [mutant for mutant in tried if mutant.possible]
        left = session.num_work_items - session.num_results
    text = table(mutants, left, given.n, given.seed, reasons(report))
    report.write_text(text, encoding="utf-8")
    n_killed = sum(not mutant.survived for mutant in mutants)
    print(f"mutants: {n_killed} of {len(mutants)} noticed, {left} still to try; see {report.name}")
    return 0


# -- the sample ------------------------------------------------------------------------------------


def tracked() -> list[str]:
    """Return the files that git tracks or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return sorted(name for name in set(done.stdout.splitlines()) if (ROOT / name).is_file())


def digest(files: Iterable[str], rooms: Iterable[str]) -> str:
    """Return what is the same as long as the package and the tests of these rooms are."""
    kept = ("fpf_notebook/", *(f"tests/{room}/" for room in rooms))
    state = hashlib.sha256()
    for name in files:
        if name.startswith(kept) and name.endswith(".py"):
            state.update(name.encode() + (ROOT / name).read_bytes())
    return state.hexdigest()[:12]


def copy(files: Iterable[str], checkout: Path) -> None:
    """Copy the checkout, so that nobody meets a changed file in theirs."""
    for name in files:
        target = checkout / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)


def prepare(folder: Path, rooms: Iterable[str], n: int, seed: int) -> None:
    """Draw the sample and write it to the session."""
    modules = [path for room in rooms for path in sorted(Path("fpf_notebook", room).rglob("*.py"))]
    with use_db(str(folder / "all.sqlite")) as everything:
        init(modules, everything, {})
        items = everything.work_items
    spoken = {path: not_run(path.read_text(encoding="utf-8")) for path in modules}
    able = [item for item in items if not _is_spoken(item.mutations[0], spoken)]
    able.sort(key=lambda item: _key(item.mutations[0]))
    chosen = random.Random(seed).sample(able, min(n, len(able)))
    unfinished = folder / "unfinished.sqlite"
    with use_db(str(unfinished)) as session:
        session.add_work_items(chosen)
    unfinished.rename(folder / "session.sqlite")
    print(f"mutants: {len(chosen)} of {len(able)} possible changes drawn by seed {seed}")


def not_run(source: str) -> list[tuple[int, int]]:
    """Return the lines of annotations, which nothing runs: from the first to the last of each."""
    spans = []
    for node in ast.walk(ast.parse(source)):
        parts: list[ast.AST | None] = []
        if isinstance(node, ast.FunctionDef):
            parts = [node.returns]
        elif isinstance(node, ast.arg | ast.AnnAssign):
            parts = [node.annotation]
        spans += [
            (part.lineno * 10_000 + part.col_offset,
             (part.end_lineno or part.lineno) * 10_000 + (part.end_col_offset or 0))
            for part in parts if isinstance(part, ast.expr)
        ]  # fmt: skip
    return spans


def _is_spoken(spec: MutationSpec, spoken: dict[Path, list[tuple[int, int]]]) -> bool:
    place = spec.start_pos[0] * 10_000 + spec.start_pos[1]
    return any(first <= place < last for first, last in spoken[spec.module_path])


def _key(spec: MutationSpec) -> tuple[str, str, int]:
    return str(spec.module_path), spec.operator_name, spec.occurrence


# -- the tests -------------------------------------------------------------------------------------


def try_all(session: WorkDB, folder: Path, rooms: Iterable[str], limit: int | None) -> None:
    """Try what has not been tried, in the order of the sample."""
    pending = sorted(session.pending_work_items, key=lambda item: _key(item.mutations[0]))
    pending = [item for item in pending if item.mutations[0].module_path.parts[1] in rooms]
    random.Random(0).shuffle(pending)  # so that what has been tried is a sample by itself
    try_each(session, folder, pending[:limit])


def try_survivors(session: WorkDB, folder: Path) -> None:
    """Try once more what no test has noticed."""
    tried = [Mutant(*pair) for pair in session.completed_work_items]
    survivors = [mutant.item for mutant in tried if mutant.survived and mutant.possible]
    try_each(session, folder, sorted(survivors, key=lambda item: _key(item.mutations[0])))


def refresh_tests(files: Iterable[str], rooms: Iterable[str], checkout: Path, folder: Path) -> None:
    """Bring the tests of a copy, and what they import, to what they are now."""
    copy([name for name in files if name.startswith(("tests/", "benchmarks/"))], checkout)
    for room in rooms:
        (folder / f"{room}.json").unlink(missing_ok=True)  # which tests run which line


def try_each(session: WorkDB, folder: Path, items: Sequence[WorkItem]) -> None:
    """Try some changes, one after another."""
    # The changed copy is what is tested, also by tests that start a Python of their own.
    os.environ["PYTHONPATH"] = os.pathsep.join([os.getcwd(), str(Path(__file__).parents[1])])
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    # Most of a change's tests compile what those of the change before compiled.
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(BUILD / "jax-cache")
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.05"
    os.environ[FIRST] = str(folder / "first.txt")
    for k, item in enumerate(items):
        spec = item.mutations[0]
        room = spec.module_path.parts[1]
        covering = baseline(room, folder)
        first = covering.order(spec.module_path, spec.start_pos[0])
        (folder / "first.txt").write_text("\n".join(first), encoding="utf-8")
        timeout = max(_LEAST_SECONDS, _TIMES * covering.seconds)
        began = time.monotonic()
        result = mutate_and_test(item.mutations, shlex.join(command(room)), timeout)
        session.set_result(item.job_id, result)
        outcome = "survived" if result.test_outcome == TestOutcome.SURVIVED else "noticed"
        print(
            f"mutants: {k + 1} of {len(items)}, {time.monotonic() - began:.0f} s: {outcome}, "
            f"{spec.module_path}:{spec.start_pos[0]}",
            flush=True,
        )


def baseline(room: str, folder: Path) -> Covering:
    """Return what the tests of a room run without a change; measure it where nobody has."""
    kept = folder / f"{room}.json"
    if not kept.exists():
        print(f"mutants: running the tests of {room} without a change", flush=True)
        Path(os.environ[FIRST]).write_text("", encoding="utf-8")
        try:
            measured = measure(command(room), room, folder / f"{room}.coverage")
        except RuntimeError as error:
            sys.exit(f"mutants: the tests of {room} fail without any change:\n{error}")
        measured.write(kept)
    return Covering.read(kept)


def command(room: str) -> list[str]:
    """Return the command that tests a room, first what runs the line that is changed."""
    words = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    return [*words, "-p", "tools.covering", "-m", "not slow", f"tests/{room}"]


# -- the table -------------------------------------------------------------------------------------


def table(
    mutants: Sequence[Mutant], left: int, n: int, seed: int, known: dict[tuple[str, str], str]
) -> str:
    """Return the report, as Markdown."""
    lines = [
        "# Mutants",
        "",
        f"{n} small changes of the code, drawn by seed {seed}, each against the tests of its room "
        "that are not slow: how many of them make a test fail. Made by `make mutants`.",
        "",
        "| room | tried | noticed | survived | share noticed |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    rooms = sorted({mutant.room for mutant in mutants})
    for room in [*rooms, "all"]:
        mine = [mutant for mutant in mutants if room in (mutant.room, "all")]
        survived = sum(mutant.survived for mutant in mine)
        share = f"{100 * (1 - survived / len(mine)):.0f} %" if mine else "–"
        lines.append(f"| {room} | {len(mine)} | {len(mine) - survived} | {survived} | {share} |")
    if left:
        lines += ["", f"{left} of the sample have not been tried yet."]
    lines += ["", "## Survivors", "", "| where | change | why it survives |", "| --- | --- | --- |"]
    survivors = sorted((m for m in mutants if m.survived), key=lambda m: _key(m.spec))
    for mutant in survivors:
        before, after = (f"`{line.replace('|', '¦')}`" for line in mutant.lines)
        change = f"{before} → {after}"
        where = str(mutant.spec.module_path.relative_to("fpf_notebook"))
        lines.append(f"| {where} | {change} | {known.get((where, change), '')} |")
    return "\n".join(lines) + "\n"


def reasons(report: Path) -> dict[tuple[str, str], str]:
    """Return the reasons that stand in a table so far, by file and change."""
    if not report.exists():
        return {}
    rows = re.findall(
        r"^\| (\S+\.py) \| (.*) \| (.*) \|$", report.read_text(encoding="utf-8"), re.MULTILINE
    )
    return {(where, change): why.strip() for where, change, why in rows}


if __name__ == "__main__":
    sys.exit(main())
