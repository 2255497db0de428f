"""Checks the exercises of tutorial 5, "Attractors being born"."""

from __future__ import annotations

from fpf_notebook.exercises.reading import array, entries, number, word
from fpf_notebook.exercises.registry import exercise

_COUNTS = (1, 3, 3, 18, 21, 22, 27, 25)
_INPUTS, _EIGENVALUES = (0.08, 0.10), (0.60, 0.80)
_BIFURCATIONS = ("fold", "pitchfork", "flip", "neimark-sacker")
_CASES = {
    "A": ("pitchfork", "What does the symmetry of the map allow at λ = 1 that a fold does not?"),
    "B": ("flip", "At which number does this eigenvalue cross the unit circle?"),
    "C": ("neimark-sacker", "What is special about eigenvalues that are not real?"),
    "D": ("fold", "How many fixed points are there before and after?"),
}


@exercise("5.1")
def impossible_counts(answer: object) -> str | None:
    """Check which numbers of fixed points cannot be complete."""
    listed = sorted(answer) if isinstance(answer, set | frozenset) else answer
    given = set(array(listed, (None,), "the list of numbers").tolist())
    right = {count for count in _COUNTS if count % 2 == 0}
    strange = sorted(given - set(_COUNTS))
    if given == right:
        return None
    if strange:
        return f"{strange[0]:g} is not among the numbers of the log."
    if given == set(_COUNTS) - right:
        return "The other way round: these can be complete."
    if given == set(_COUNTS):
        return "That is the whole log. Some of these searches may have found everything."
    if given - right:
        return (
            f"{min(given - right):g} points could be complete, even if there were more before. "
            "Only ask: can so many numbers +1 and −1 add up to 1?"
        )
    if not given:
        return "There are some. Can two numbers, each +1 or −1, add up to 1?"
    return "These are right, but not all of them."


@exercise("5.2")
def name_them(answer: object) -> str | None:
    """Check the names of four bifurcations, given what their eigenvalues do."""
    given = entries(answer, tuple(_CASES))
    words = {
        case: word(_plain(name), _BIFURCATIONS, f"case {case}") for case, name in given.items()
    }
    for case, (right, reason) in _CASES.items():
        if words[case] != right:
            return f"Case {case} is not a {words[case]} bifurcation. {reason}"
    return None


def _plain(name: object) -> object:
    """Return a name as the exercise spells it; the table of the tutorial has other names too."""
    if not isinstance(name, str):
        return name
    plain = name.strip().lower().replace("–", "-").replace("—", "-").replace("_", "-")
    plain = plain.removesuffix(" bifurcation").replace(" ", "-")
    return {"saddle-node": "fold", "period-doubling": "flip"}.get(plain, plain)


@exercise("5.3")
def forecast(answer: object) -> str | None:
    """Check where (1 − λ)², a straight line through two points, reaches zero."""
    u = number(answer, "the input at the fold")
    low, high = _INPUTS
    a, b = ((1 - value) ** 2 for value in _EIGENVALUES)
    right = high + b * (high - low) / (a - b)
    if abs(u - right) <= 5e-4:  # 0.107 is right to three digits
        return None
    if abs(u - right) <= 5e-3 and round(100 * u, 6) == round(100 * right):
        return "Give three digits or more."
    roots = [(1 - value) ** 0.5 for value in _EIGENVALUES]
    straight = high + (1 - _EIGENVALUES[1]) * (high - low) / (_EIGENVALUES[1] - _EIGENVALUES[0])
    if abs(u - straight) <= 1e-3:
        return (
            "That is where λ itself would reach 1 on a straight line. Near a fold λ goes faster "
            "and faster: which quantity is it that follows a straight line?"
        )
    if u <= high:
        return f"At u = {high:g} the memory was still there, with λ = {_EIGENVALUES[1]:g}."
    if abs(u - (high + roots[1] * (high - low) / (roots[0] - roots[1]))) <= 1e-3:
        return "You took the square root of 1 − λ; it is the square that follows a straight line."
    if abs(u - (high + _EIGENVALUES[1] ** 2 * (high - low) / 0.28)) <= 1e-3 or (
        abs(u - (high + (1 - _EIGENVALUES[1] ** 2) * (high - low) / 0.28)) <= 1e-3
    ):
        return "You squared λ. The square of 1 − λ follows a straight line, not 1 less the square."
    if u > straight:
        return "That is too far: λ would reach 1 earlier even if it grew at a constant rate."
    return "Compute (1 − λ)² at the two inputs. Where does the straight line through them meet 0?"
