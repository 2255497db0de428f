"""The model within what frameworks put around it: compiled, run in parallel, bound as a method."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from fpf_notebook._types import PyTree
from fpf_notebook.dynamics.frameworks.origin import framework_of, is_brainpy
from fpf_notebook.dynamics.step_map import Time

if TYPE_CHECKING:
    from brainpy.integrators.ode.base import ODEIntegrator

_PARALLEL = ("DataParallel", "DistributedDataParallel")


def unwrapped(model: object, time: Time) -> object:
    """Return the model itself.

    Parameters
    ----------
    model
        Any object. Of ``torch.compile`` and ``torch.nn.DataParallel`` the module within is
        returned, of the method ``update`` of a BrainPy model the model, of an integrator made by
        ``bp.odeint`` a function of its variables, the time and its parameters.
    time
        Of an integrator: its step, or the derivative that it integrates.

    Returns
    -------
    object
        Anything else as it is.
    """
    if framework_of(model) == "torch":
        while (inner := _inside(model)) is not None:
            model = inner
        return model
    owner = getattr(model, "__self__", None)
    if is_brainpy(owner) and getattr(model, "__name__", "") in (
        *("update", "__call__"),
        "_compatible_update",  # what BrainPy puts in the place of `update`
    ):
        return owner
    integrators = sys.modules.get("brainpy.integrators.ode.base")
    if integrators is not None and isinstance(model, integrators.ODEIntegrator):
        return _of_integrator(model, time)
    return model


def _inside(model: object) -> object | None:
    compiled = getattr(model, "_orig_mod", None)
    if compiled is not None:
        return compiled
    return getattr(model, "module", None) if type(model).__name__ in _PARALLEL else None


def _of_integrator(integrator: ODEIntegrator, time: Time) -> Callable[..., PyTree]:
    derivative = integrator.f
    names = [*integrator.variables, *integrator.parameters]

    def step(*arguments: PyTree) -> PyTree:
        if time == "continuous":
            return derivative(*arguments)
        return integrator(*arguments)

    parameters = [inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in names]
    step.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    step.__name__ = f"integrator of {', '.join(integrator.variables)}"
    return step
