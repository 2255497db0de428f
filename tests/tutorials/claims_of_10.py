# ruff: noqa: E501  (quotations are kept whole)
"""The claims of tutorial 10."""

from __future__ import annotations

import re

import numpy as np

from tests.tutorials.claims import Claim, Outputs, line, printed


def frequencies(report: str) -> list[list[float]]:
    """Return the two strongest frequencies of each system of a report, the lower one first."""
    parts = re.split(r"(?m)^system \d+: ", report)[1:]
    return [sorted(float(f) for f in re.findall(r"([\d.]+) Hz", part)[:2]) for part in parts]


def time_constants(report: str) -> list[float]:
    """Return the time constants of the two strongest modes of the first system."""
    return [float(t) for t in re.findall(r"time constant ([\d.]+) s", report)[:2]]


def by_regime(report: str) -> np.ndarray:
    """Return how many steps of each system are of each regime."""
    return np.array(
        [printed(one.split("[")[1]) for one in report.splitlines() if one.startswith("steps of")]
    )


def near(found: list[float], said: list[float], tolerance: float) -> bool:
    """Whether numbers are those that the text says, but for their last digit."""
    return len(found) == len(said) and bool(np.allclose(found, said, atol=tolerance))


def angles(out: Outputs) -> list[list[float]]:
    """Return smallest and largest angle of each pair of planes, as printed."""
    return [printed(one)[-2:] for one in out["jpca"].splitlines() if one.startswith("jPC plane")]


CLAIMS: dict[str, list[Claim]] = {
    "10_lfads_dynamics_from_spikes": [
        Claim("spikes", "# of the neurons are *held out*",
              lambda n, out: n == [20]),
        Claim("rates-read", "come rates with an R² of #, where smoothing reaches #",
              lambda n, out: near([printed(line(out["rates"], "R² of rates"))[0]], n[:1], 0.011)
              and near([printed(line(out["raster"], "smoothed over 6"))[-1]], n[1:], 0.011)),
        Claim("rates-read", "The network and its switching linear system can hardly be told apart",
              lambda n, out: printed(line(out["rates"], "the two run apart"))[0] < 0.05),
        Claim("one-system-read", "There is one linear system, at all # sampled steps",
              lambda n, out: f"one linear system at {n[0]:g} sampled steps" in out["one-system"]
              and "system 1: 100 %" in out["one-system"]),
        Claim("one-system-read", "They turn with # and # Hz, and the truth is # and #",
              lambda n, out: near(frequencies(out["one-system"])[0], n[:2], 0.011) and n[2:] == [0.9, 1.8]),
        Claim("one-system-read", "Their time constants are less certain: # and # s",
              lambda n, out: near(time_constants(out["one-system"]), n, 0.02)),
        Claim("inspector-text", "It has this one near the states of the trials",
              lambda n, out: "near the named ones: 1" in out["inspector"]),
        Claim("jpca-read", "both to #° in every direction, and at nearly a right angle to the other's",
              lambda n, out: sorted(max(pair) for pair in angles(out))[1] <= n[0]
              and sorted(min(pair) for pair in angles(out))[2] > 85),
        Claim("jpca-read", "it turns with # Hz and explains nothing (R² #)",
              lambda n, out: near(
                  [printed(line(out["jpca"], "plane 3"))[k] for k in (1, -1)], n, 0.011)),
        Claim("two-systems-read", "but for # of the # steps each is that of its own regime",
              lambda n, out: by_regime(out["two-systems"]).min(axis=1).sum() == n[0]
              and by_regime(out["two-systems"]).sum() == n[1]),
        Claim("two-systems-read", "No frequency is off by more than # per cent: # and # Hz for the one, # and # for the other",
              lambda n, out: near(frequencies(out["two-systems"])[0], n[1:3], 0.011)
              and near(frequencies(out["two-systems"])[1], n[3:], 0.011)
              and np.abs(np.array(n[1:]) / [1.4, 2.6, 0.8, 1.6] - 1).max() < n[0] / 100),
        Claim("standard-read", "It finds # fixed points. # are stable",
              lambda n, out: f"{n[0]:g} fixed points: {n[1]:g} stable" in out["standard"]),
        Claim("standard-read", "their frequencies are close to the truth",
              lambda n, out: max(
                  np.abs(np.array(found) / truth - 1).max()
                  for found, truth in zip(
                      sorted(frequencies(out["standard"])), ([0.8, 1.6], [1.4, 2.6]), strict=True)) < 0.06),
        Claim("standard-error-read", "by a quarter of the length of its states; the JSLDS stays with it to #",
              lambda n, out: 0.2 < printed(line(out["standard-error"], "nearest"))[0] < 0.28
              and near(printed(line(out["standard-error"], "JSLDS")), n, 0.006)),
        Claim("standard-error-read", "of the regime with # and # Hz every seventh step is nearer to a point of the other law",
              lambda n, out: 5.5 < by_regime(out["standard"])[:, 1].sum() / by_regime(out["standard"])[:, 1].min() < 8.5),
        Claim("standard-error-read", "with an R² of # for #",
              lambda n, out: near([printed(line(out["standard"], "R² of rates"))[0],
                                   printed(line(out["two-systems"], "R² of rates"))[0]], n, 0.011)),
    ],
}  # fmt: skip
