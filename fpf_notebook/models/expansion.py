"""The expansion network of a JSLDS: from a state to the point to linearize around."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import brainpy as bp
import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from fpf_notebook.arguments import checked_argument
from fpf_notebook.models.forward import Parameters
from fpf_notebook.models.sending import Sendable

Expand = Callable[[Parameters, Array], Array]
"""``expand(params, a) -> e`` of one state ``[n_states]``."""

_NONLINEARITIES: dict[str, Callable[[Array], Array]] = {
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "identity": lambda x: x,
}


class ResidualMLP(Sendable, bp.DynamicalSystem):  # type: ignore[misc]
    """A residual network that starts next to the identity.

    Each layer is ``x <- phi(x + W x + b)`` with W and b zero at first: eq. 6 of the paper, as in
    its published code. With a `width` of its own, each layer is
    ``x <- phi(x + V phi(W x + b))`` with V zero at first.

    Parameters
    ----------
    n_states : int
        Width of the states that go in and come out.
    depth : int
        Number of layers, by default 2.
    width : int, optional
        Units inside each layer; by default none of their own, as in the paper.
    nonlinearity : {"tanh", "relu", "identity"}
        The function phi. tanh keeps expansion points within -1 and 1: for networks whose states
        go further (relu, the cell of an LSTM) take ``"identity"`` with a `width`; phi is then
        left out around the sum, and is tanh inside of it.
    seed : int
        Seed of W where there is a `width`.
    name : str, optional
        Name of the BrainPy object.

    Raises
    ------
    TypeError, ValueError
        If a size is no positive integer, or the nonlinearity is unknown, or ``"identity"`` is
        given without a width (the network would be linear).

    References
    ----------
    Smith, Linderman and Sussillo, "Reverse engineering recurrent neural networks with Jacobian
    switching linear dynamical systems", NeurIPS 2021, eq. 6.
    """

    def __init__(
        self,
        n_states: int,
        *,
        depth: int = 2,
        width: int | None = None,
        nonlinearity: str = "tanh",
        seed: int = 0,
        name: str | None = None,
    ) -> None:
        n_states = checked_argument("models", "n_states", n_states)
        depth = checked_argument("models", "depth", depth)
        width = checked_argument("models", "width", width)
        seed = checked_argument("models", "seed", seed)
        if nonlinearity not in _NONLINEARITIES:
            raise ValueError(
                f"nonlinearity must be one of {list(_NONLINEARITIES)}, got {nonlinearity!r}"
            )
        if nonlinearity == "identity" and width is None:
            raise ValueError(
                'nonlinearity "identity" needs a width: without it the layers are linear'
            )
        super().__init__(name=name, mode=bm.TrainingMode())
        self.n_states = n_states
        self.depth = depth
        self.width = width
        self.nonlinearity = nonlinearity
        rng = np.random.default_rng(seed)
        rows = n_states if width is None else width
        names = []
        for layer in range(depth):
            W = np.zeros((rows, n_states))
            if width is not None:
                W = rng.normal(0.0, n_states**-0.5, W.shape)
            arrays = {f"W{layer}": W, f"b{layer}": np.zeros(rows)}
            if width is not None:
                arrays[f"V{layer}"] = np.zeros((n_states, width))
            for key, value in arrays.items():
                setattr(self, key, bm.TrainVar(jnp.asarray(value, jnp.float32)))
                names.append(key)
        self._parameter_names = tuple(names)

    @property
    def expand(self) -> Expand:
        """The pure function ``expand(params, a[n_states]) -> e[n_states]``.

        The same object for all networks of one depth and kind.
        """
        return _residual_mlp(self.depth, self.width is not None, self.nonlinearity)

    def parameters(self) -> dict[str, Array]:
        """Return the present values of the parameters by name."""
        return {name: jnp.asarray(getattr(self, name).value) for name in self._parameter_names}

    def update(self, x: Float[Array, "... n_states"]) -> Float[Array, "... n_states"]:
        """Return the expansion points of states; this is what calling the network does."""
        return self.expand(self.parameters(), jnp.asarray(x))


@lru_cache(maxsize=64)
def _residual_mlp(depth: int, has_width: bool, nonlinearity: str) -> Expand:
    outer = _NONLINEARITIES[nonlinearity]
    inner = jnp.tanh if nonlinearity == "identity" else outer

    def expand(params: Parameters, x: Array) -> Array:
        for layer in range(depth):
            change = x @ params[f"W{layer}"].T + params[f"b{layer}"]
            if has_width:
                change = inner(change) @ params[f"V{layer}"].T
            x = outer(x + change)
        return x

    return expand


class ExpansionModule:
    """Any BrainPy module ``module(x[batch, n_states]) -> [batch, n_states]`` as a pure function.

    Parameters
    ----------
    module : bp.DynamicalSystem
        A feed-forward module. Its trainable Variables are its parameters; others are constants,
        read at the time of this call.

    Raises
    ------
    TypeError
        If it is no BrainPy module.
    """

    def __init__(self, module: object) -> None:
        if not isinstance(module, bp.DynamicalSystem):
            raise TypeError(
                "expansion must be a brainpy.DynamicalSystem that maps states [batch, n_states] "
                f"to states, got {type(module).__name__}"
            )
        self.module = module

        def expand(params: Parameters, x: Array) -> Array:
            return _call_with(module, params, x[None])[0]

        self.expand: Expand = expand

    def parameters(self) -> dict[str, Array]:
        """Return the present values of the trainable Variables by name."""
        variables = self.module.train_vars(method="relative")
        return {name: jnp.asarray(variable.value) for name, variable in variables.items()}


def _call_with(module: Any, params: Mapping[str, Array], x: Array) -> Array:
    """Call a module with other values in its trainable Variables, and put the old ones back."""
    variables = dict(module.train_vars(method="relative").items())
    before = {name: variable.value for name, variable in variables.items()}
    try:
        for name, variable in variables.items():
            # The checks of the setter compare with the old value's type, which may differ here.
            variable._value = params[name]
        out = module(x)
        return jnp.asarray(getattr(out, "value", out))
    finally:
        for name, variable in variables.items():
            variable._value = before[name]


def check_expansion(expand: Expand, params: Parameters, n_states: int) -> None:
    """Raise an error unless the network maps one state to a state.

    Raises
    ------
    ValueError
        If the output has another width than the states, or the network does not take them.
    """
    try:
        shape = jax.eval_shape(expand, params, jax.ShapeDtypeStruct((n_states,), jnp.float32)).shape
    except Exception as error:
        raise ValueError(
            f"expansion cannot be called with states of width n_states={n_states}: {error}"
        ) from error
    if shape != (n_states,):
        raise ValueError(
            f"expansion must return states of width n_states={n_states}, but its output has the "
            f"width {shape[-1] if shape else 'of a scalar'}"
        )
