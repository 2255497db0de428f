"""Modules that take their state by a keyword, and arguments of noise, which are set to zero."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fpf_notebook.dynamics.parameter_names import role_of_name
from fpf_notebook.dynamics.time_argument import time_argument

if TYPE_CHECKING:
    import torch

_PLAIN = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True)
class Keywords:
    """What is passed by name beside the input, or beside the input and the state.

    Parameters
    ----------
    state
        The name of the argument that holds the state, where it is not the second one.
    fixed
        Arguments that have the same value in each call: noise, which is off, and switches
        (``return_states=True``), which are on.
    """

    state: str | None
    fixed: Mapping[str, float | bool]
    others: tuple[str, ...] = ()
    """The names of all other arguments, where a fixed one stands before them."""

    def call(self, model: Callable[..., object], *arguments: torch.Tensor) -> object:
        """Call a model with an input and a state."""
        if self.others:
            return model(**dict(zip(self.others, arguments, strict=True)), **self.fixed)
        if self.state is None:
            return model(*arguments, **self.fixed)
        given, state = arguments
        result = model(given, **{self.state: state}, **self.fixed)
        if isinstance(result, tuple | list):
            return type(result)(_last(part, given, state) for part in result)
        return _last(result, given, state)

    def later(self) -> Keywords:
        """Return the same with another number for what is fixed: the time."""
        return replace(self, fixed=dict.fromkeys(self.fixed, 1.7))

    def __str__(self) -> str:
        parts = [] if self.state is None else [f"{self.state}=state"]
        return ", ".join([*parts, *(f"{name}={value}" for name, value in self.fixed.items())])


def keywords_of(function: Callable[..., object]) -> Keywords | None:
    """Return what has to be passed by name, or None if input and state are all that there is.

    Parameters
    ----------
    function
        What is called.

    Examples
    --------
    >>> str(keywords_of(lambda input, return_dynamics=False, initial_states=None: 0))
    'initial_states=state, return_dynamics=True'
    >>> str(keywords_of(lambda x, inp, noise: 0))
    'noise=0.0'
    >>> str(keywords_of(lambda t, y, u: 0))
    't=0.0'
    >>> keywords_of(lambda input, hidden=None: 0) is None
    True
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    required = [p.name for p in parameters if p.default is p.empty and p.kind in _PLAIN]
    time = time_argument(function, 2)
    if time is not None:
        return Keywords(None, {time: 0.0}, tuple(name for name in required if name != time))
    # Nothing of the first two: what is called noise there may be the input.
    fixed: dict[str, float | bool] = {n: 0.0 for n in required[2:] if _is_noise(n)}
    optional = {p.name: p.default for p in parameters if p.default is not p.empty}
    fixed |= {name: False for name, value in optional.items() if value is True and _is_noise(name)}
    needed = [name for name in required if name not in fixed]
    state = None
    if len(needed) == 1:
        names = [p.name for p in parameters if p.kind in _PLAIN]
        states = [name for name in optional if role_of_name(name) == "state"]
        if states and names[1:2] != states[:1]:
            state = states[0]
            switches = [n for n, v in optional.items() if v is False and n.startswith("return")]
            fixed |= dict.fromkeys(switches, True)
    if state is None and (not fixed or len(needed) + (len(needed) == 1 < len(optional)) != 2):
        return None
    return Keywords(state, fixed)


def _is_noise(name: str) -> bool:
    return "noise" in name.lower()


def _last(part: object, given: torch.Tensor, state: torch.Tensor) -> object:
    """Return the end of a trajectory that begins with the state before the step."""
    import torch

    if not isinstance(part, torch.Tensor) or part.ndim != 3 or given.ndim != 3:
        return part
    n_batch, shape = state.shape[-2], tuple(part.shape)
    if given.shape[1] == 1 and shape == (n_batch, 2, state.shape[-1]):
        return part[:, -1]
    if given.shape[0] == 1 and shape == (2, n_batch, state.shape[-1]):
        return part[-1]
    return part
