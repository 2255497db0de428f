# ruff: noqa: E501  (quotations are kept whole)
"""The claims of tutorials 1 to 5."""

from __future__ import annotations

import re

import numpy as np

from tests.tutorials.claims import Claim, Outputs, line, printed


def lives(out: Outputs) -> dict[int, tuple[list[tuple[int, float]], list[tuple[int, float]]]]:
    """Return births and deaths by epoch: unstable directions and eigenvalue of each point."""
    point = re.compile(r"(\d) unstable \(λ = ([\d.]+)\)")
    found = {}
    for one in out["lives-loop"].splitlines():
        epoch, born, died = re.fullmatch(r"epoch (\d+): born (.*); died (.*)", one).groups()
        found[int(epoch)] = tuple(
            [(int(n), float(value)) for n, value in point.findall(part)] for part in (born, died)
        )
    return found


def kinds(out: Outputs) -> dict[int, list[int]]:
    """Return the kinds of points at each epoch at which they changed."""
    return {
        int(epoch): [int(n) for n in counts.split(",")]
        for epoch, counts in re.findall(r"epoch +(\d+): \[([\d, ]+)\]", out["kinds"])
    }


def pairs_are_opposite(out: Outputs) -> bool:
    """Whether what is born at once, or dies at once, are pairs around the eigenvalue 1."""
    for born, died in lives(out).values():
        for part in (born, died):
            if len(part) % 2 == 0 and part:
                indices = [(-1) ** n for n, _ in part]
                values = sorted(value for _, value in part)
                half = len(values) // 2
                if sum(indices) or not max(values[:half]) < 1 < min(values[half:]):
                    return False
    return True


def noise(out: Outputs, level: str) -> list[float]:
    """Return points, kinds and index sum of a level of noise in tutorial 3."""
    return printed(line(out["noise"], f"noise {level:>4}").split(":")[1])


CLAIMS: dict[str, list[Claim]] = {
    "01_what_is_a_fixed_point": [
        Claim("cobweb-seen", "On the right there are #.",
              lambda n, out: len({abs(v) for v in printed(out["newton"])[::2]}) == 2 and n == [3]),
        Claim("newton-seen", "Starts in the middle found #, although every orbit runs away from it",
              lambda n, out: "slope 2.0000" in out["newton"] and n == [0]),
        Claim("two-dimensions-text", "each can be at #, # or #:",
              lambda n, out: n[1] == 0 and n[0] == -n[2]
              and abs(max(printed(out["newton"])[::2]) - n[2]) < 1e-3),
        Claim("two-latches-seen", "none at the # corners, one at the # points between two corners, both in the middle",
              lambda n, out: n == [4, 4] and "9 fixed points: 4 stable" in out["two-latches"]),
        Claim("trained-seen", "# points again, of the same kinds as in the network that we built: # stable, # with one unstable direction, and one with two",
              lambda n, out: f"{n[0]:g} fixed points: {n[1]:g} stable" in out["train"]
              and f"{n[1]:g} with 0, {n[2]:g} with 1, 1 with 2" in out["train"]),
        Claim("trained-seen", "its outputs there are close to",
              lambda n, out: np.allclose(np.abs([printed(one.split("outputs")[1]) for one in out["readout"].splitlines()]), 1, atol=0.15)),
    ],
    "02_two_bit_flip_flop": [
        Claim("nine-points", "# points: # memories, a saddle with one unstable direction between each two neighbouring memories",
              lambda n, out: f"{n[0]:g} fixed points: {n[1]:g} stable" in out["find"]),
        Claim("pulse-text", "when the pulse ends, the # points are back",
              lambda n, out: line(out["scan"], "u1 = 0.00").startswith(f"u1 = 0.00: {n[0]:g} fixed")),
        Claim("pulse-text", "The two memories with the wrong first bit move towards saddles, meet them, and vanish",
              lambda n, out: "3 fixed (2 stable)" in line(out["scan"], "u1 = 0.50")),
        Claim("slow-text", "Beyond a fold something is left where the two points have met: a **slow point**",
              lambda n, out: "q = " in line(out["scan"], "u1 = 0.12")),
        Claim("think", "With $u_1 = #$ held for ever",
              lambda n, out: "(2 stable)" in line(out["scan"], f"u1 = {n[0]:.2f}")),
        Claim("recap", "has # fixed points without input: # memories, # saddles with one unstable direction, and one with two",
              lambda n, out: n[0] == n[1] + n[2] + 1 == 9 and "9 fixed points: 4 stable, 5 saddles" in out["find"]),
    ],
    "03_three_bit_flip_flop": [
        Claim("title", "# fixed points on a cube", lambda n, out: n == printed(out["find"])[:1]),
        Claim("cube-text", "corners: the memories | # |",
              lambda n, out: n[0] == printed(out["readout"].splitlines()[0])[0]),
        Claim("cube-text", "between two memories | # |",
              lambda n, out: n[0] == printed(out["readout"].splitlines()[1])[0]),
        Claim("cube-text", "between four | # |",
              lambda n, out: n[0] == printed(out["readout"].splitlines()[2])[0]),
        Claim("cube-text", "between all eight | # |",
              lambda n, out: n[0] == printed(out["readout"].splitlines()[3])[0]),
        Claim("index-definition", "So the sum has to be #.",
              lambda n, out: n == [1] and f"sum: {n[0]}" in out["solution-2"]),
        Claim("noise-seen", "all starts fall into the memories. The sum is #",
              lambda n, out: noise(out, "0.0")[0] == noise(out, "0.0")[-1] == n[0]),
        Claim("noise-seen", "Around #, which is the distance from a corner of the box to its middle planes, "
              "everything is found",
              lambda n, out: n == [1] and noise(out, "0.8")[0] == noise(out, "1.5")[0] == 27),
        Claim("noise-seen", "what is found is left to chance again",
              lambda n, out: noise(out, "10.0")[0] < 27),
        Claim("noise-seen", "Look at noise #: in our run, # points of the #, and a sum of #, since a face ($+1$) "
              "and the centre ($-1$) are missing together",
              lambda n, out: noise(out, str(n[0])) == [n[1], 8, 12, 5, 0, n[3]] and n[2] == 27),
        Claim("noise-seen", "on purpose, #, and that is the lesson: it shows # points and an index sum of #, and the "
              "grade of such a search is *open*",
              lambda n, out: f"{n[1]:g} points, index sum {n[2]:g}: open" in out["explorer"] and n[0] == 0.1),
        Claim("exhaustive-text", "For a network as small as ours the search then *proves* that it has found all",
              lambda n, out: "all of them, proved" in out["find"] and "proved" in out["rounds"]),
        Claim("exhaustive-text", "the proof is so quick that it comes after the first round",
              lambda n, out: out["find"].rstrip().endswith("1 round")),
        Claim("recap", "has # fixed points on a cube: # corners, # edges, # faces and the centre",
              lambda n, out: n[0] == sum(n[1:]) + 1
              and noise(out, "0.8") == [*n, 1, 1]),
    ],
    "04_four_bit_flip_flop": [
        Claim(
            "title",
            "# fixed points",
            lambda n, out: n == printed(line(out["exhaustive"], "[16").split("]")[1])[:1],
        ),
        Claim(
            "train-text",
            "of them: #, #, #, # and #, the parts of a four-dimensional cube",
            lambda n, out: printed(line(out["exhaustive"], "[16").split("]")[0]) == n,
        ),
        Claim(
            "find-seen",
            "In our run it shows # points, and an index sum of **#**, as it should be: # points are "
            "missing",
            lambda n, out: f"{n[0]:g} points; index sum {n[1]:g} of expected 1" in out["find"]
            and n[0] + n[2] == 81,
        ),
        Claim(
            "hits-seen",
            "a good many points just once",
            lambda n, out: 0.5 < printed(out["solution-1"])[0] < 1,
        ),
        Claim(
            "blind-seen",
            "so the coverage is perfect and nothing seems to be unseen: and # of the # points are "
            "missing",
            lambda n, out: printed(out["blind"])[:3] == [n[1] - n[0], 1, 0],
        ),
        Claim(
            "blind-seen",
            "Here the index sum objects.",
            lambda n, out: "index sum 16 of 1, grade: open" in out["blind"],
        ),
        Claim(
            "grades-seen",
            "The points are # in the last three, but only the last search *knows* that.",
            lambda n, out: [one.split(" points, ")[1].split(".")[0] for one in out["grades"].splitlines()]
            == ["open", "open", "consistent", "proved"]
            and out["grades"].count(f": {n[0]:g} points") == 3,
        ),
        Claim(
            "explorer-text",
            "The picture shows three of the four outputs",
            lambda n, out: "69 points" in out["find"],
        ),
        Claim(
            "cells-seen",
            "state spaces of #, # and # dimensions, and the same # fixed points: #, # and # with",
            lambda n, out: [printed(one.split(None, 1)[1]) for one in out["cells"].splitlines()]
            == [[states, *n[4:7], 1] for states in n[:3]]
            and sum(n[4:7]) == n[3],
        ),
        Claim(
            "recap",
            "has # fixed points: #, #, #, # and # with",
            lambda n, out: n[0] == sum(n[1:]) == 81,
        ),
    ],
    "05_attractors_being_born": [
        Claim("title", "An untrained network has # fixed point; a trained one has #.",
              lambda n, out: [sum(k) for k in kinds(out).values()][:: len(kinds(out)) - 1] == n),
        Claim("pages-text", "one point; then three; in the end nine. In between the number goes up and down.",
              lambda n, out: [sum(k) for k in kinds(out).values()][:2] == [1, 3]
              and min(np.diff([sum(k) for k in kinds(out).values()])) < 0),
        Claim("pages-seen", "the count is always **odd**",
              lambda n, out: all(sum(k) % 2 for k in kinds(out).values())),
        Claim("pitchfork-seen", "Points come in pairs, and they go in pairs; in each pair the numbers of unstable "
              "directions differ by one", lambda n, out: pairs_are_opposite(out)),
        Claim("pitchfork-seen", "The two lines with one birth and one death hide two pairs",
              lambda n, out: sum(len(b) == len(d) == 1 for b, d in lives(out).values()) == 2),
        Claim("pitchfork-seen", "So it is at epoch #. The one stable point moves on to one side, and on the other "
              "side a second stable point is born together with a saddle",
              lambda n, out: [k for k, _ in lives(out)[n[0]][0]] == [0, 1]
              and not lives(out)[n[0]][1] and n[0] == min(lives(out))),
        Claim("pitchfork-seen", "Epochs # to # show the second fork",
              lambda n, out: [e for e in lives(out) if 14 <= e <= 34] == [*range(int(n[0]), int(n[1]) + 1)]),
        Claim("pitchfork-seen", "At epochs # and # all of this happens within a single epoch. The count is # before "
              "and after, and yet the saddle is another one",
              lambda n, out: all(
                  [k for k, _ in lives(out)[e][0]] == [k for k, _ in lives(out)[e][1]] == [1]
                  and e not in kinds(out) for e in n[:2]) and n[2] == 3),
        Claim("pitchfork-seen", "From epoch # on the fork is wide enough to stay open: # points.",
              lambda n, out: sum(kinds(out)[n[0]]) == n[1]),
        Claim("pitchfork-seen", "At epoch # a memory and a saddle are born in a fold, far from the other points; at # "
              "they are gone; at # they are back, together with their mirror images: # points",
              lambda n, out: [k for k, _ in lives(out)[n[0]][0]] == [0, 1]
              and [k for k, _ in lives(out)[n[1]][1]] == [0, 1] and not lives(out)[n[1]][0]
              and [k for k, _ in lives(out)[n[2]][0]] == [0, 0, 1, 1]
              and n[3] == sum(kinds(out)[n[2]])),
        Claim("input-text", "the count goes from # over odd numbers to 3",
              lambda n, out: sum(list(kinds(out).values())[-1]) == n[0]),
    ],
}  # fmt: skip
