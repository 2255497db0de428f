"""The networks of a sweep: by name, each read when its turn comes."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from fpf_notebook._types import JsonObject
from fpf_notebook.dynamics import StepMap, as_step_map

__all__ = ["Network", "named_networks"]

_NAME = re.compile(r"[\w][\w .,=+@-]{0,119}")


class Network(NamedTuple):
    """One network of a sweep.

    Parameters
    ----------
    name
        Its name, which is that of its file as well.
    model
        A model, a function without arguments that returns one, or, where ``base`` is given, values
        of its parameters.
    base
        The network whose parameters these are.
    options
        Options of `as_step_map`.
    """

    name: str
    model: object
    base: StepMap | None = None
    options: JsonObject = {}  # noqa: RUF012  # nobody writes into it

    def step_map(self, n_states: int | None = None, n_inputs: int | None = None) -> StepMap:
        """Return the network as a step map.

        Parameters
        ----------
        n_states, n_inputs : int, optional
            Sizes, for models that do not tell them.
        """
        if self.base is not None:
            return self.base.with_params(self.model)
        model = self.model
        if is_loader(model):
            model = model()  # type: ignore[operator]
        if isinstance(model, StepMap):
            return model
        sizes = {"n_states": n_states, "n_inputs": n_inputs}
        return as_step_map(model, **{**sizes, **self.options})


def named_networks(
    networks: Mapping[str, object] | Iterable[object], model: object, options: JsonObject
) -> list[Network]:
    """Return the networks of a sweep, each with its name.

    Parameters
    ----------
    networks
        By name, or in order; those without a name get their number.
    model
        The network that `networks` are parameters of, or None if they are networks.
    options
        Options of `as_step_map`.

    Raises
    ------
    TypeError
        If `networks` is neither.
    ValueError
        If there is none, or a name cannot be that of a file.
    """
    if isinstance(networks, Mapping):
        pairs = [(name, network) for name, network in networks.items()]
    elif isinstance(networks, str | bytes) or not isinstance(networks, Iterable):
        raise TypeError(
            f"networks is of type {type(networks).__name__}, expected a list of networks or a "
            "dictionary of them by name."
        )
    else:
        listed = list(networks)
        digits = max(4, len(str(len(listed))))
        pairs = [(f"{k:0{digits}d}", network) for k, network in enumerate(listed)]
    if not pairs:
        raise ValueError("networks is empty, expected at least one network.")
    for name, _ in pairs:
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name != name.rstrip(" ."):
            raise ValueError(
                f"networks has the name {name!r}, expected a text that can be the name of a file: "
                "letters, digits, spaces and any of . , = + @ - _"
            )
    same = {name.casefold() for name, _ in pairs}
    if len(same) < len(pairs):
        raise ValueError("networks has names that differ in upper and lower case only.")
    base = None
    if model is not None:
        base = model if isinstance(model, StepMap) else as_step_map(model, **options)
    return [Network(name, network, base, options) for name, network in pairs]


def is_loader(model: object) -> bool:
    """Say whether this is a function without arguments, which returns a network."""
    if isinstance(model, functools.partial):
        parameters = inspect.signature(model).parameters.values()
        return all(one.default is not one.empty for one in parameters)
    if not inspect.isfunction(model) and not inspect.ismethod(model):
        return False
    return not inspect.signature(model).parameters
