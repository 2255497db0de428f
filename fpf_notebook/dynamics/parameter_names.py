"""What the names of a function's parameters say: which is the state, and which the input."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Literal, TypeAlias

from fpf_notebook._types import AnyFunction

Convention: TypeAlias = Literal["input_state", "state_input"]
Role: TypeAlias = Literal["state", "input"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STATE = _words(
    """h hx h0 h_0 z0 z_0 hc s state states hidden hiddens hid hidden_state hidden_states carry
    r rate rates memory z latent v y"""
)
# Names that are now this, now that (a rate may be the state or its output, s a stimulus): they tell
# something only beside a name of the other kind.
_VAGUE = _words("s z r rate rates v y")
_INPUT = _words(
    """u i inp input inputs stimulus stimuli stim drive ext external cue ext_input external_input
    inputs_t input_t"""
)
# What tells something within a longer name, too.
_LONG_STATE = _words("state states hidden hiddens carry memory latent")
_LONG_INPUT = _words("input inputs stimulus stimuli stim external")
# Where another name is that of an input, x is the state (control theory), else it is the input.
_EITHER = frozenset({"x", "xs"})
# What is put before or after a name to say which moment it belongs to.
_MOMENT = re.compile(
    r"(^(prev|previous|last|old|current|cur|init|initial|new|next)_)"
    r"|(_?(prev|t|old|last|new|next|tp1|out|\d+)$)"
)


def names_of_pair(function: AnyFunction, n_before: int = 0) -> tuple[str, str] | None:
    """Return the names of the two parameters that hold the state and the input.

    Parameters
    ----------
    function
        Any callable.
    n_before
        How many parameters stand before them (1 where parameters are passed first).

    Returns
    -------
    tuple of str or None
        None where the function does not tell them: no signature, ``*args``, fewer than two.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [p.name for p in parameters if p.kind in plain][n_before : n_before + 2]
    return (names[0], names[1]) if len(names) == 2 else None


def names_of_returned(function: AnyFunction) -> tuple[str, ...]:
    """Return the names of the values that a function returns side by side, as its source has them.

    Parameters
    ----------
    function
        Any callable.

    Returns
    -------
    tuple of str
        An empty name for what is no plain variable; nothing where there is no source, or where it
        returns in several ways.

    Examples
    --------
    >>> names_of_returned(lambda x, h: (x + h, h)) in ((), ("", "h"))
    True
    """
    try:
        source = textwrap.dedent(inspect.getsource(inspect.unwrap(function)))
        tree = ast.parse(source).body[0]
    except (OSError, TypeError, SyntaxError, IndexError, ValueError):
        return ()
    if not isinstance(tree, ast.FunctionDef):
        return ()
    found = {_names_in(statement.value) for statement in _returns(tree.body)}
    return found.pop() if len(found) == 1 else ()


def _returns(body: list[ast.stmt]) -> Iterator[ast.Return]:
    """Yield the statements that return, those of functions within aside."""
    for statement in body:
        if isinstance(statement, ast.Return):
            yield statement
        elif not isinstance(statement, ast.FunctionDef | ast.ClassDef):
            for name in ("body", "orelse", "finalbody"):
                yield from _returns(getattr(statement, name, []))


def _names_in(value: ast.expr | None) -> tuple[str, ...]:
    if not isinstance(value, ast.Tuple):
        return ()
    return tuple(item.id if isinstance(item, ast.Name) else "" for item in value.elts)


def required_names(function: AnyFunction) -> list[str] | None:
    """Return the names of the arguments that must be given by place, or None if unknown."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.kind in plain and p.default is p.empty]


def n_required(function: AnyFunction, n_before: int = 0) -> int | None:
    """Return how many arguments must be given, those before the pair aside, or None if unknown."""
    names = required_names(function)
    return None if names is None else len(names) - n_before


def order_by_names(names: tuple[str, str] | None) -> Convention | None:
    """Return the order that two names tell, or None where they are not clear.

    Parameters
    ----------
    names
        As `names_of_pair` returns them.

    Returns
    -------
    str or None
        ``"input_state"``, ``"state_input"`` or None.

    Examples
    --------
    >>> order_by_names(("hidden", "x")), order_by_names(("x", "u")), order_by_names(("a", "b"))
    ('state_input', 'state_input', None)
    >>> order_by_names(("r", "u")), order_by_names(("x", "r"))
    ('state_input', None)
    >>> order_by_names(("state", "rnn_state")) is None
    True
    """
    if names is None:
        return None
    roles = [role_of_name(name) or _role_of_words(name) for name in names]
    for place, other in ((0, 1), (1, 0)):
        clear = roles[other] is not None and _core(names[other]) not in _VAGUE
        if roles[place] is None and _core(names[place]) in _EITHER and clear:
            roles[place] = "input" if roles[other] == "state" else "state"
    # One clear name is enough, unless the other one claims the same.
    if roles[0] == roles[1] or (None in roles and any(_core(name) in _VAGUE for name in names)):
        return None
    if roles[0] == "state" or roles[1] == "input":
        return "state_input"
    return "input_state"


def role_of_name(name: str) -> Role | None:
    """Return whether a name is clearly that of a state or of an input, else None."""
    core = _core(name)
    if core in _STATE:
        return "state"
    return "input" if core in _INPUT else None


def _role_of_words(name: str) -> Role | None:
    """Return what a word within a longer name says (rnn_state), unless there is one of each."""
    words = set(name.lower().split("_"))
    state, given = words & _LONG_STATE, words & _LONG_INPUT
    return None if bool(state) == bool(given) else "state" if state else "input"


def likeness_to_state(name: str, argument: str | None) -> int:
    """Say how clearly a returned value of a name is the next state.

    Parameters
    ----------
    name
        Of the value; empty if it has none.
    argument
        The name of the argument that holds the state, if it is known.

    Returns
    -------
    int
        2 if it is named as the argument is, 1 if as states are, else 0.

    Examples
    --------
    >>> [likeness_to_state(name, "x") for name in ("x_new", "hidden", "rates", "")]
    [2, 1, 0, 0]
    """
    if not name:
        return 0
    core = _core(name)
    if argument is not None and core == _core(argument):
        return 2
    return int(core in _STATE and core not in _VAGUE)


def _core(name: str) -> str:
    lower = name.lower().strip("_")
    while lower not in _STATE | _INPUT | _EITHER:
        shorter = _MOMENT.sub("", lower, count=1).strip("_")
        if shorter in ("", lower):
            break
        lower = shorter
    return lower
