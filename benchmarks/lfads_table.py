"""What `benchmarks.lfads` has measured, over all seeds, beside what was aimed at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

SETS = ("rotations", "two_regimes", "lorenz", "chaotic")
Results = Mapping[str, Mapping[str, Any]]
# Of each figure: its name, how to take it from a result, the target, and whether more is better.
Row = tuple[str, Callable[[Mapping[str, Any]], float], float | None, bool]


def _share(result: Mapping[str, Any]) -> float:
    return 100 * float(result["co_smoothing"]) / float(result["co_smoothing_true"])


def _distance(result: Mapping[str, Any]) -> float:
    return max(float(row["largest_distance"]) for row in result["eigenvalues"])


def _frequency_error(result: Mapping[str, Any]) -> float:
    """Return the largest deviation of a frequency, in per cent; 100 where none was found."""
    return max(
        100.0 if row["found_hertz"] is None else 100 * abs(row["found_hertz"] / row["hertz"] - 1)
        for row in result["eigenvalues"]
    )


_R2: Row = ("R² of rates", lambda r: float(r["r2"]), None, True)
_R2_JSLDS: Row = ("R² of rates, JSLDS", lambda r: float(r["r2_jslds"]), None, True)
_ERROR: Row = ("free relative error", lambda r: float(r["relative_error"]), None, False)
_SYSTEMS: Row = ("linear systems", lambda r: float(r["n_systems"]), None, False)
_CPU: Row = ("s of CPU, training", lambda r: float(r["cpu_seconds"]), None, False)
_SMOOTH: Row = ("R² of smoothed spikes", lambda r: float(r["r2_smoothed"]), None, True)
_CO: Row = ("co-smoothing, % of the truth's", _share, None, True)
_HERTZ: Row = ("largest error of a frequency, %", _frequency_error, None, False)


def _aim(row: Row, target: float) -> Row:
    return row[0], row[1], target, row[3]


ROWS: dict[str, tuple[Row, ...]] = {
    "rotations": (
        _aim(_R2, 0.94),
        _R2_JSLDS,
        _SMOOTH,
        _aim(_CO, 96),
        _aim(_ERROR, 0.03),
        ("largest distance of an eigenvalue", _distance, 0.006, False),
        _HERTZ,
        (
            "largest angle of a jPC plane, °",
            lambda r: max(a[1] for a in r["angles"]),
            10,
            False,
        ),
        ("smallest angle of a jPC plane, °", lambda r: max(a[0] for a in r["angles"]), 6, False),
        _aim(_SYSTEMS, 1),
        _aim(_CPU, 60),
    ),
    "two_regimes": (
        _R2,
        _R2_JSLDS,
        _SMOOTH,
        _CO,
        _ERROR,
        _aim(_HERTZ, 5),
        _aim(_SYSTEMS, 2),
        _CPU,
    ),
    "lorenz": (_aim(_R2, 0.97), _R2_JSLDS, _SMOOTH, _aim(_ERROR, 0.10), _SYSTEMS, _CPU),
    "chaotic": (_R2, _R2_JSLDS, _SMOOTH, _ERROR, _SYSTEMS, _CPU),
}
"""The figures of each set."""


def table(results: Results) -> str:
    """Return the tables, in Markdown: each seed, mean, the worst, the target."""
    parts = []
    for name in SETS:
        for method in ("jslds", "standard"):
            found = {
                key.split()[1]: value
                for key, value in results.items()
                if key.split()[0] == name and key.split()[2] == method
            }
            if found:
                parts.append(f"### {name}, {method}\n\n{_of_one(ROWS[name], found)}")
    return "\n\n".join(parts)


def _of_one(rows: tuple[Row, ...], found: Mapping[str, Mapping[str, Any]]) -> str:
    heads = ["", *(f"seed {seed}" for seed in found), "mean", "worst", "target"]
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    for label, take, target, more_is_better in rows:
        values = []
        for result in found.values():
            try:
                values.append(take(result))
            except KeyError:  # a figure of a JSLDS, or of points that were not found
                values.append(float("nan"))
        known = [v for v in values if v == v]
        if not known:
            continue
        worst = min(known) if more_is_better else max(known)
        aim = "" if target is None else f"{'≥' if more_is_better else '≤'} {target:g}"
        if label == "linear systems":
            aim = "" if target is None else f"{target:g}"
        cells = [*("–" if v != v else _number(v) for v in values)]
        cells += [_number(sum(known) / len(known)), _number(worst), aim]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) >= 1 else f"{value:.4f}"
