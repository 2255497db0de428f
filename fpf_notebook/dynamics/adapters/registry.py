"""Which adapter takes a model."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Protocol

from fpf_notebook.dynamics.assemble import Recipe
from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.dynamics.step_options import StepOptions

_adapters: list[Adapter] = []
_KNOWN = (
    "a brainpy.DynamicalSystem, a JAX function f(input, state) -> (output, next_state) or "
    "F(state, input) -> next_state, a recurrent module of PyTorch, Keras, Flax, Equinox or "
    "BrainState, or a StepMap"
)


class Adapter(Protocol):
    """Reads the models of one framework."""

    def takes(self, model: object, options: StepOptions) -> bool:
        """Say whether a model is one of this framework, without importing it.

        Parameters
        ----------
        model
            Any object.
        options
            What was asked for.
        """

    def recipe(self, model: object, options: StepOptions) -> Recipe:
        """Find out how a model that is taken is stepped.

        Parameters
        ----------
        model, options
            As for `takes`.

        Returns
        -------
        Recipe
            How to step it.

        Raises
        ------
        TypeError, ValueError
            If it cannot be stepped. The message says why.
        """


def register_adapter(adapter: Adapter) -> Adapter:
    """Add an adapter; it is asked before those that were registered earlier.

    Parameters
    ----------
    adapter
        The adapter.

    Returns
    -------
    Adapter
        The same.
    """
    _adapters.insert(0, adapter)
    return adapter


def adapter_of(model: object, options: StepOptions) -> Adapter:
    """Return the adapter that takes a model.

    Parameters
    ----------
    model
        Any object.
    options
        What was asked for.

    Returns
    -------
    Adapter
        The first that takes it.

    Raises
    ------
    TypeError
        If none does.
    """
    folder = importlib.import_module(__package__).__path__
    for module in sorted(found.name for found in pkgutil.iter_modules(folder)):
        importlib.import_module(f"{__package__}.{module}")
    check_model(model)
    for adapter in _adapters:
        if adapter.takes(model, options):
            return adapter
    raise TypeError(f"model is {type(model).__name__}, expected {_KNOWN}.")


def check_model(model: object) -> None:
    """Refuse at once what cannot be a model. Nothing is imported and nothing is called.

    Parameters
    ----------
    model
        Any object.

    Raises
    ------
    TypeError
        If it is None, a text, a number, an array, a container, or a class in place of an object.

    Examples
    --------
    >>> check_model(len)
    >>> try:
    ...     check_model("tanh")
    ... except TypeError as error:
    ...     print(str(error)[:22])
    model is str, expected
    """
    if isinstance(model, StepMap):
        return
    if isinstance(model, type):
        raise TypeError(
            f"model is the class {model.__name__}, expected an object of it: make one, for example "
            f"{model.__name__}(...)."
        )
    if not callable(model):
        name = "None" if model is None else type(model).__name__
        raise TypeError(f"model is {name}, expected {_KNOWN}.")
