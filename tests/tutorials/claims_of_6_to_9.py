# ruff: noqa: E501  (quotations are kept whole)
"""The claims of tutorials 6 to 9, and of the notebook of the widgets."""

from __future__ import annotations

import re

import numpy as np

from tests.tutorials.claims import Claim, Outputs, line, printed


def groups(out: Outputs) -> list[list[str]]:
    """Return the rows of the table of expansion points in tutorial 7."""
    return [
        one.split() for one in out["numerical"].splitlines() if re.match(r" *\d+ +\d+ +0\.", one)
    ]


def gaps(out: Outputs) -> list[float]:
    """Return the distances between groups: distance over its share of the gap."""
    return [float(row[3]) / float(row[4]) * 100 for row in groups(out)]


def watersheds(out: Outputs) -> list[tuple[list[float], list[int], list[int]]]:
    """Return shares of the lines and the two memories of each saddle in tutorial 6."""
    found = []
    for one in out["watersheds"].splitlines():
        shares, one_side, other = re.findall(r"\[([^\]]*)\]", one)
        found.append(
            (printed(shares), *([int(n) for n in side.split()] for side in (one_side, other)))
        )
    return found


def divides_by_the_line_it_hears(out: Outputs) -> bool:
    """Whether each saddle divides memories that differ in one bit, that of the loudest line."""
    for shares, one, other in watersheds(out):
        differ = np.flatnonzero(np.array(one) != other)
        if len(differ) != 1 or differ[0] != np.argmax(shares) or max(shares) < 0.9:
            return False
    return True


CLAIMS: dict[str, list[Claim]] = {
    "06_reading_a_jacobian": [
        Claim("network", "It has # fixed points: a stable one for each of the # memories, and # saddles",
              lambda n, out: f"{n[0]:g} fixed points: {n[1]:g} stable, {n[2]:g} saddles" in out["train"]),
        Claim("times", "this mode doubles in each step",
              lambda n, out: abs(printed(line(out["sum-of-modes"], "eigenvalues"))[0] - 2) < 0.25),
        Claim("times-of-all", "In this network everything is fast",
              lambda n, out: len(out["time-constants"].splitlines()) == 4),
        Claim("edges", "# of our saddles have one unstable mode",
              lambda n, out: len(watersheds(out)) == n[0]),
        Claim("edges-read", "Every saddle divides two memories that differ in one bit, and hears the line of just this bit",
              lambda n, out: divides_by_the_line_it_hears(out)),
    ],
    "07_jslds_on_three_bits": [
        Claim("points", "Half a per cent, in a system that runs by itself for # steps",
              lambda n, out: 0.003 < printed(out["relative-error"])[0] < 0.0055 and n == [25]),
        Claim("points-read", "There are # groups, one for each memory, about # apart and hardly # wide",
              lambda n, out: len(groups(out)) == n[0]
              and all(abs(gap - n[1]) < 0.1 for gap in gaps(out))
              and all(2 * float(row[2]) < 1.05 * n[2] for row in groups(out))),
        Claim("marginal", "At every group # or # eigenvalues lie within # of 1",
              lambda n, out: {int(row[-5]) for row in groups(out)} == set(n[:2]) and n[2] == 0.025),
        Claim("marginal", "not every group has a true fixed point beside it",
              lambda n, out: any(row[6] == "slow" for row in groups(out))),
        Claim("inspector-text", "The inspector shows the # numerical points",
              lambda n, out: len(groups(out)) == n[0]),
        Claim("exercise-2", "a way of 0.1, a fifteenth of the distance between two memories",
              lambda n, out: abs(0.1 * 15 - np.mean(gaps(out))) < 0.1),
        Claim("against", "completely as far as one can tell: # as in tutorial 3",
              lambda n, out: f"{n[0]:g} points; probably all of them" in out["alone"]),
        Claim("against-read", "true ones, all # of them",
              lambda n, out: f"{n[0]:g} fixed points: 8 stable" in out["alone"]),
        Claim("against-read", "off by nearly half the length of the state",
              lambda n, out: 0.4 < printed(line(out["errors"], "nearest fixed point, one_step"))[0] < 0.5),
        Claim("small-points-text", "$E$ has found the # memories",
              lambda n, out: line(out["small-result"], f"{n[0]:g} groups") != ""),
        Claim("small-read", "Less than one per cent of the gap",
              lambda n, out: printed(line(out["small-points"], "small"))[1] < 1),
        Claim("recap", "it names # places, one for each memory, and follows the network to half a per cent",
              lambda n, out: n == [len(groups(out))]),
    ],
    "08_jslds_and_context": [
        Claim("psychometric", "The linear steps follow the network to half a per cent.",
              lambda n, out: 0.003 < printed(line(out["error"], "relative error"))[0] < 0.0065),
        Claim("line-read", "One eigenvalue stays at # from one end to the other; the second, at #, is forgotten",
              lambda n, out: all(
                  np.allclose(printed(one.split("leading eigenvalue")[1])[:2], n, atol=0.05)
                  for one in out["line"].splitlines() if "leading eigenvalue" in one)),
        Claim("selection-read", "is at a right angle to that of colour, to a fraction of a degree; in the colour context the other way round",
              lambda n, out: abs(printed(line(out["selection"], "motion context"))[1]) < 0.02
              and abs(printed(line(out["selection"], "colour context"))[0]) < 0.02),
        Claim("modulation", "The relevant pulse arrives as # in the sum, as the task wants it; the irrelevant one as nothing",
              lambda n, out: [round(abs(printed(one)[1]), 1) for one in out["pulses"].splitlines()[1:]]
              == [n[0], 0.0, 0.0, n[0]]),
        Claim("modulation-read", "Both, then, and the input more than the selection vector",
              lambda n, out: "passes the check" in out["solution-3"]),
    ],
    "09_your_own_model": [
        Claim("cell-read", "The # stable points are the two patterns and their negatives",
              lambda n, out: f" {n[0]:g} stable" in out["cell-points"]
              and sum(one.rstrip().endswith(" 0 unstable") for one in out["cell-points"].splitlines()) == n[0]),
        Claim("map-and-flow-read", "an oscillation that dies out in # ms",
              lambda n, out: abs(printed(out["map-and-flow"].split("continuous")[1].split("τ =")[1])[0] - n[0]) < 0.5),
        Claim("map-and-flow-read", "its time constant is # ms",
              lambda n, out: abs(printed(out["map-and-flow"].split("τ =")[1])[0] - n[0]) < 0.5),
        Claim("same", "Without inhibition there are two independent bits. Weak inhibition leaves four memories",
              lambda n, out: ["4 stable" in one for one in out["sweep"].splitlines()][:2] == [True, True]),
        Claim("same", "strong inhibition, a single bit of which population has won",
              lambda n, out: "2 stable" in line(out["sweep"], "1.0")),
        Claim("bad", "They agree to single precision",
              lambda n, out: printed(out["compare"])[0] < 1e-6),
    ],
    "widgets": [
        Claim("cell-4", "proved that it has them all, # for three bits",
              lambda n, out: f"{n[0]:g} fixed points: 8 stable, 19 saddles" in out["cell-9"]
              and "all of them, proved" in out["cell-9"]),
    ],
}  # fmt: skip
