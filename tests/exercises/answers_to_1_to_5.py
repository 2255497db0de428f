"""Right answers in several forms, and wrong ones from common errors: tutorials 1 to 5.

2.3 and 3.3 want the result of a search; they are tried in the tests of their tutorials.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np

LOW, HIGH = (1 - np.sqrt(3)) / 2, (1 + np.sqrt(3)) / 2
FOLD = np.sqrt(2) - np.arctanh(np.sqrt(0.5))


def kind_by(grows):
    """Return a classifier, given which directions grow."""

    def classify(J):
        growing = np.asarray(grows(J))
        return "unstable" if growing.all() else "saddle" if growing.any() else "stable"

    return classify


def by_trace_and_determinant(J):
    """Classify by the formula for 2 × 2, which many textbooks give."""
    (a, b), (c, d) = J
    root = np.sqrt(complex((a + d) ** 2 / 4 - (a * d - b * c)))
    return kind_by(lambda J: np.abs([(a + d) / 2 + root, (a + d) / 2 - root]) > 1)(J)


def by_counting(J):
    """Classify by loops, without numpy's all and any."""
    n = 0
    for value in np.linalg.eigvals(J):
        n += abs(value) > 1
    return ("Stable" if n == 0 else "Saddle") if n < len(J) else "Unstable"


def by_leading_two(J):
    """Classify by the two largest eigenvalues, as if there were no more."""
    return kind_by(lambda J: np.sort(np.abs(np.linalg.eigvals(J)))[-2:] > 1)(J)


def parts_recursively(n, k):
    """Count the parts of a prism over a cube of one dimension less."""
    if k < 0 or k > n:
        return 0
    return 1 if n == 0 else 2 * parts_recursively(n - 1, k) + parts_recursively(n - 1, k - 1)


def parts_by_listing(n, k):
    """List all the states of n bits."""
    return sum(state.count(0) == k for state in itertools.product((-1, 0, 1), repeat=n))


def q_by_loops(h, F_h):
    """Add up by hand."""
    return [sum((b - a) ** 2 for a, b in zip(*pair, strict=True)) / 2
            for pair in zip(h, F_h, strict=True)]  # fmt: skip


def index_by_counting(v):
    """Count real eigenvalues above 1."""
    return (-1) ** int(np.sum((abs(np.imag(v)) < 1e-12) & (np.real(v) > 1)))


def singles(hits):
    return sum(1 for h in hits if h == 1)


RIGHT = {
    "1.1": [
        {"stable": -0.366, "unstable": 1.37},
        {"unstable": HIGH, "stable": LOW},
        {"stable": np.array([LOW]), "unstable": np.complex128(HIGH)},
    ],
    "1.2": [FOLD, 0.53, np.float32(0.54)],
    "1.3": [
        kind_by(lambda J: np.abs(np.linalg.eigvals(J)) > 1),
        by_counting,
        lambda J: ["saddle", "stable", "unstable"][
            1 * bool(max(abs(np.linalg.eigvals(J))) <= 1)
            + 2 * bool(min(abs(np.linalg.eigvals(J))) > 1)
        ],
    ],
    "2.1": [
        lambda h, F_h: 0.5 * np.sum((F_h - h) ** 2, axis=1),
        lambda h, F_h: np.linalg.norm(h - F_h, axis=-1) ** 2 / 2,
        lambda h, F_h: np.einsum("ni,ni->n", h - F_h, h - F_h) / 2,
        q_by_loops,
    ],
    "2.2": [5e-11, 0.5 * (0.01 * 1e-3) ** 2, Fraction(5, 10**11)],
    "3.1": [lambda n, k: math.comb(n, k) * 2 ** (n - k), parts_recursively, parts_by_listing],
    "3.2": [
        lambda v: np.sign(np.prod(1 - v).real),
        lambda v: np.prod(1 - v) / abs(np.prod(1 - v)),
        index_by_counting,
    ],
    "4.1": [
        lambda hits: 1 - np.sum(hits == 1) / np.sum(hits),
        lambda hits: 1 - singles(hits) / sum(hits),
        lambda hits: np.sum(hits[hits > 1]) / np.sum(hits),
    ],
    "4.2": [[0, 2, 6, 4, 0], (0, 2.0, 6, 4, 0), np.array([16, 32, 24, 8, 1]) - [16, 30, 18, 4, 1]],
    "4.3": [math.log(0.01, 0.97), 152, np.float32(151.2)],
    "5.1": [[18, 22], {22, 18}, np.array([22, 18])],
    "5.2": [
        {"A": "pitchfork", "B": "flip", "C": "neimark-sacker", "D": "fold"},
        {"A": "Pitchfork", "B": "FLIP", "C": "Neimark–Sacker", "D": " fold "},
        {"A": "pitchfork", "B": "period doubling", "C": "Neimark Sacker", "D": "saddle-node"},
    ],
    "5.3": [0.1 + 0.02 / 3, 0.107, np.float64(0.1067)],
}

WRONG = {
    "1.1": [
        {"stable": HIGH, "unstable": LOW},
        {"stable": -np.sqrt(0.5), "unstable": np.sqrt(0.5)},
        {"stable": -LOW, "unstable": -HIGH},
        {"stable": LOW, "unstable": LOW},
        {"stable": -0.37, "unstable": 1.4},
        {"stable": 0.0, "unstable": HIGH},
        {"stable": 0.2, "unstable": HIGH},
        {"stable": LOW},
        (LOW, HIGH),
    ],
    "1.2": [0.0, 0.5, 0.58, 1.0, -FOLD, np.sqrt(0.5), np.sqrt(2) + np.arctanh(np.sqrt(0.5))],
    "1.3": [
        by_trace_and_determinant,
        by_leading_two,
        kind_by(lambda J: np.linalg.eigvals(J).real > 0),
        kind_by(lambda J: np.linalg.eigvals(J).real > 1),
        kind_by(lambda J: np.abs(np.diag(J)) > 1),
        kind_by(lambda J: np.linalg.svd(J)[1] > 1),
        lambda J: "stable" if max(abs(np.linalg.eigvals(J))) < 1 else "unstable",
        lambda J: "attractor",
        lambda J: print("stable"),
        lambda: "stable",
        "stable",
    ],
    "2.1": [
        lambda h, F_h: ((F_h - h) ** 2).sum(axis=1),
        lambda h, F_h: np.linalg.norm(F_h - h, axis=1),
        lambda h, F_h: ((F_h - h) ** 2).mean(axis=1) / 2,
        lambda h, F_h: ((F_h - h) ** 2).sum() / 2,
        lambda h, F_h: ((F_h - h) ** 2).sum(axis=0) / 2,
        lambda h, F_h: (F_h**2).sum(axis=1) / 2,
        lambda h, F_h: (F_h - h).sum(axis=1) ** 2 / 2,
        lambda h, F_h: (F_h - h) ** 2 / 2,
        lambda h, F_h: ((F_h - h) ** 2).reshape(5, 3).sum(axis=1) / 2,
        lambda h: (h**2).sum(axis=1) / 2,
    ],
    "2.2": [1e-10, 5e-7, 0.5 * (0.99e-3) ** 2, 1e-5, 5e-9, 1e-12, -5e-11, 4.5e-11],
    "3.1": [
        lambda n, k: math.comb(n, k),
        lambda n, k: math.comb(n, k) * 2**k,
        lambda n, k: 2 ** (n - k),
        lambda n, k: [8, 12, 6, 1, 0, 0][k],
        lambda n, k: 3**n,
        lambda n, k: n**k,
        lambda n: 3**n,
        27,
    ],
    "3.2": [
        lambda v: (-1) ** np.sum(abs(v) > 1),
        lambda v: np.sign(np.prod(v - 1).real),
        lambda v: -1 if (v.real > 1).any() else 1,
        lambda v: np.prod(1 - v).real,
        lambda v: 1,
        lambda v: np.sign(1 - v),
        lambda v: (-1) ** np.sum(v.real > 1.1),
        1,
    ],
    "4.1": [
        lambda h: 1 - np.mean(h == 1),
        lambda h: np.sum(h == 1) / np.sum(h),
        lambda h: 1 - np.sum(h == 1),
        lambda h: 1 - np.sum(h == h.min()) / np.sum(h),
        lambda h: 1 - np.sum(h <= 2) / np.sum(h),
        lambda h: 100 * (1 - np.sum(h == 1) / np.sum(h)),
        lambda h: 1 - np.sum(h == 1) / 100,
        lambda h: None,
        lambda h: 1 - h[5] / np.sum(h),
        0.95,
    ],
    "4.2": [
        [16, 30, 18, 4, 1],
        [16, 32, 24, 8, 1],
        [0, -2, -6, -4, 0],
        [0, 0, 0, 0, 0],
        [0, 4, 6, 2, 0],
        [0, 3, 6, 3, 0],
        [0, 2, 6, 3, 0],
        12,
    ],
    "4.3": [
        1 / 0.03,
        np.log(0.99) / np.log(0.97),
        -151.2,
        0.03,
        np.log(0.01) / -0.03,
        np.log10(0.01) / np.log(0.97),
        np.log(0.1) / np.log(0.97),
        100,
    ],
    "5.1": [[18], [], [1, 3, 21, 25, 27], [18, 22, 25], [18, 22, 4], [18.5, 22.9], [1, 3, 3, 18,
            21, 22, 27, 25], 18],
    "5.2": [
        {"A": "fold", "B": "flip", "C": "neimark-sacker", "D": "fold"},
        {"A": "pitchfork", "B": "fold", "C": "neimark-sacker", "D": "fold"},
        {"A": "pitchfork", "B": "flip", "C": "flip", "D": "fold"},
        {"A": "pitchfork", "B": "flip", "C": "neimark-sacker", "D": "pitchfork"},
        {"A": "pitchfork", "B": "flip", "C": "hopf", "D": "fold"},
        {"A": "pitchfork", "B": "flip", "C": "neimark-sacker"},
        ["pitchfork", "flip", "neimark-sacker", "fold"],
    ],
    "5.3": [0.12, 0.09, 0.5, 0.11, 0.10 + 0.02 * 0.4472 / (0.6325 - 0.4472), 0.115, "0.107"],
}  # fmt: skip
