"""The derivative of a BrainPy model whose state is integrated by ``bp.odeint``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import brainpy as bp
import jax
from brainpy.integrators.base import Integrator
from brainpy.integrators.ode.base import ODEIntegrator

from fpf_notebook._types import AnyFunction, PyTree
from fpf_notebook.dynamics.brainpy_guard import objects_in
from fpf_notebook.dynamics.brainpy_pure import plain

if TYPE_CHECKING:
    import brainpy as bp


class Derivative:
    """Stand-ins for the integrators of a model, which take an infinitesimal step.

    In place of an integration from ``x``, an integrator returns ``x + eps f(x, t, ...)``. The
    derivative of the whole update by ``eps`` at zero is then the derivative of the state by time,
    whatever method the model integrates with, and whatever else the update does.

    Parameters
    ----------
    model
        The model.

    Raises
    ------
    ValueError
        If the model has no integrator of ordinary differential equations, or one of another kind.
    """

    def __init__(self, model: bp.DynamicalSystem) -> None:
        name = type(model).__name__
        self.n_calls = 0
        self.integrators = integrators_of(model)
        others = [
            item
            for item in objects_in(model)
            if isinstance(item, Integrator) and not isinstance(item, ODEIntegrator)
        ]
        if others:
            raise ValueError(
                f"{name} integrates by {type(others[0]).__name__}, which is not an integrator of "
                "ordinary differential equations. Use bp.odeint, without noise and delays, to "
                "find fixed points of a flow."
            )
        if not self.integrators:
            raise ValueError(
                f"time='continuous' was given, but {name} has no integrator made by bp.odeint "
                "whose derivative could be taken. Pass time='discrete' to study its step, or a "
                "function F(state, input) that returns the derivative."
            )
        for item in self.integrators:
            if item.state_delays or item.neutral_delays:
                raise ValueError(
                    f"{name} integrates an equation with delays. Its state is a whole stretch of "
                    "the past, which a step map cannot hold."
                )

    def advanced(self, function: AnyFunction, eps: jax.Array) -> AnyFunction:
        """Return the function, with the integrators replaced while it runs.

        The attributes of the integrators are put back by the guard around the call.
        """

        def run(*inputs: PyTree) -> PyTree:
            for integrator in self.integrators:
                integrator.__dict__["_integral"] = self._stand_in(integrator, eps)
            return function(*inputs)

        return run

    def _stand_in(self, integrator: Integrator, eps: jax.Array) -> AnyFunction:
        names = integrator.variables

        def integral(**arguments: PyTree) -> PyTree:
            self.n_calls += 1
            arguments.pop("dt", None)
            slopes = integrator.f(**arguments)
            if not isinstance(slopes, tuple | list):
                slopes = [slopes]
            if len(slopes) != len(names):
                raise ValueError(
                    f"The derivative function of {', '.join(names)} returns {len(slopes)} "
                    f"derivatives, expected {len(names)}."
                )
            moved = [
                plain(arguments[name]) + eps * plain(slope)
                for name, slope in zip(names, slopes, strict=True)
            ]
            return moved[0] if len(moved) == 1 else moved

        return integral

    def of(
        self, values: Callable[[jax.Array], tuple[PyTree, PyTree]], like: PyTree
    ) -> tuple[PyTree, PyTree, PyTree]:
        """Differentiate by the length of the step.

        Parameters
        ----------
        values
            ``values(eps)`` returns ``(next state, output)``.
        like
            An array, for the type of ``eps``.

        Returns
        -------
        tuple
            The state after a step of length zero, its derivative, and the output.
        """
        zero = jax.numpy.zeros((), like.dtype)
        one = jax.numpy.ones((), like.dtype)
        before, slope, output = jax.jvp(values, (zero,), (one,), has_aux=True)
        return before, slope, output


def integrators_of(model: bp.DynamicalSystem) -> list[Integrator]:
    """Return the integrators of ordinary differential equations that a model holds."""
    return [item for item in objects_in(model) if isinstance(item, ODEIntegrator)]
