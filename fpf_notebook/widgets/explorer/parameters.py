"""Parameters of the network that sliders move: a gain, a bias, a single weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from fpf_notebook.dynamics.program.symbols import ParameterSymbol, find_symbols
from fpf_notebook.dynamics.step_map import StepMap

__all__ = ["Movable", "movable"]


@dataclass
class Movable:
    """A network, and those of its parameters that may be moved.

    Attributes
    ----------
    step_map : StepMap
        The network as it was given.
    symbols : list of ParameterSymbol
        One for each parameter that may be moved.
    ranges : dict
        Ends of the sliders by name.
    """

    step_map: StepMap
    symbols: list[ParameterSymbol]
    ranges: dict[str, tuple[float, float]]
    _kept: tuple[tuple[float, ...], StepMap] | None = field(default=None, repr=False)

    @property
    def values(self) -> dict[str, float]:
        """The numbers that the network was given with."""
        return {symbol.name: symbol.value for symbol in self.symbols}

    def at(self, values: Mapping[str, float]) -> StepMap:
        """Return the network with other numbers; nothing is compiled anew."""
        if not self.symbols:
            return self.step_map
        numbers = tuple(float(values[symbol.name]) for symbol in self.symbols)
        if numbers == tuple(self.values.values()):
            return self.step_map
        kept = self._kept
        if kept is None or kept[0] != numbers:
            kept = self._kept = numbers, self.step_map.with_values(values)
        return kept[1]

    def checked(self, values: object) -> dict[str, float]:
        """Return numbers for all parameters: those given, and the present ones for the others.

        Raises
        ------
        ValueError
            For a name that is not among them, and for what is no finite number.
        """
        if not isinstance(values, Mapping):
            raise ValueError(f"parameters is {values!r}, expected numbers by name.")
        out = {}
        for name, value in values.items():
            if name not in self.ranges:
                known = ", ".join(self.ranges) or "none: name them when the explorer is made"
                raise ValueError(f"parameters names {name!r}, expected some of: {known}.")
            number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
            if not number or not np.isfinite(value):
                raise ValueError(f"parameters: {name} is {value!r}, expected a finite number.")
            out[str(name)] = float(value)
        return out


def movable(step_map: StepMap, parameters: object) -> Movable:
    """Check what a user names.

    Parameters
    ----------
    step_map
        The network.
    parameters : dict, list of str, or None
        Names as `StepMap.to_program` takes them (``"gain"``, ``"W[0, 1]"``), with the two ends of
        their sliders, or None for ends of ours; or names alone.

    Raises
    ------
    TypeError, ValueError
        If there is no such parameter, or the ends are not two numbers in order.
    """
    if parameters is None:
        return Movable(step_map, [], {})
    if not isinstance(parameters, Mapping):
        if isinstance(parameters, str) or not isinstance(parameters, list | tuple):
            raise TypeError(
                f"parameters is {parameters!r}, expected ranges by name, for example "
                '{"gain": (0.5, 2.0)}, or a list of names.'
            )
        parameters = dict.fromkeys(parameters)
    try:
        by_name = {str(name): find_symbols(step_map, [str(name)]) for name in parameters}
    except ValueError as problem:
        raise ValueError(str(problem).replace("symbols", "parameters", 1)) from None
    ranges = {}
    for name, ends in parameters.items():
        for symbol in by_name[str(name)]:
            ranges[symbol.name] = _ends(symbol, ends)
    symbols = find_symbols(step_map, ranges)
    return Movable(step_map, symbols, ranges)


def _ends(symbol: ParameterSymbol, ends: object) -> tuple[float, float]:
    if ends is None:
        reach = max(1.0, abs(symbol.value))
        low, high = symbol.value - reach, symbol.value + reach
        return (0.0, 2 * symbol.value) if symbol.value > 0 else (low, high)
    try:
        low, high = (float(end) for end in ends)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        low, high = 0.0, 0.0
    if not (np.isfinite([low, high]).all() and low < high):
        raise ValueError(
            f"parameters: {symbol.name} has the range {ends!r}, expected its two ends in order, "
            "for example (0.5, 2.0)."
        )
    return min(low, symbol.value), max(high, symbol.value)
