"""What is computed from the output of a recurrent network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fpf_notebook.dynamics.arrays import AnyArray
from fpf_notebook.dynamics.frameworks.activations import Activation
from fpf_notebook.dynamics.step_map import PyTree


@dataclass(frozen=True, eq=False)
class Readout:
    """A readout, pure.

    Parameters
    ----------
    params
        Its weights.
    apply
        ``apply(params, h)`` returns the output for one state.
    n_inputs
        Length of the h that it takes, or None if that is not known.
    """

    params: PyTree
    apply: Callable[[PyTree, Any], Any]
    n_inputs: int | None = None

    def check(self, n_outputs: int, name: str) -> None:
        """Raise ValueError if it does not fit a network.

        Parameters
        ----------
        n_outputs
            Length of the network's output.
        name
            What to call the network.
        """
        if self.n_inputs is not None and self.n_inputs != n_outputs:
            raise ValueError(
                f"readout takes {self.n_inputs} values, but {name} gives {n_outputs}. Give the "
                "readout that belongs to this network."
            )


@dataclass(frozen=True, eq=False)
class Affine:
    """``y = W h + b``; ``W`` is (out, in)."""

    W: object
    b: Any = None


def chain(parts: Sequence[Affine | Activation]) -> Readout:
    """Return a readout that consists of affine maps and activations.

    Parameters
    ----------
    parts
        What is applied, in this order.

    Returns
    -------
    Readout
        The readout.
    """
    params = []
    functions: list[Callable[[Any], Any] | None] = []
    for part in parts:
        if isinstance(part, Activation):
            functions.append(part.function)
            continue
        functions.append(None)
        W = np.asarray(part.W)
        params.append({"W": W} if part.b is None else {"W": W, "b": np.asarray(part.b)})

    def apply(given: PyTree, h: AnyArray) -> AnyArray:
        weights = iter(given)
        for function in functions:
            if function is not None:
                h = function(h)
                continue
            affine = next(weights)
            h = affine["W"] @ h
            if "b" in affine:
                h = h + affine["b"]
        return h

    return Readout(params, apply, int(params[0]["W"].shape[1]) if params else None)


def given_readout(given: object) -> Readout:
    """Return the readout that a caller gave without a framework.

    Parameters
    ----------
    given
        ``(W, b)`` or ``W``, with ``W`` [n_outputs, n_hidden] and ``b`` [n_outputs], or a JAX
        function of one h.

    Returns
    -------
    Readout
        The readout.

    Raises
    ------
    TypeError, ValueError
        If it is none of these.
    """
    pair = given if isinstance(given, tuple | list) and len(given) == 2 else (given, None)
    if hasattr(pair[0], "shape") and hasattr(pair[0], "dtype"):
        W, b = np.asarray(pair[0]), None if pair[1] is None else np.asarray(pair[1])
        if W.ndim != 2 or (b is not None and b.shape != W.shape[:1]):
            raise ValueError(
                f"readout is (W, b) of shapes {W.shape} and {None if b is None else b.shape}, "
                "expected W [n_outputs, n_hidden] and b [n_outputs] or None."
            )
        return chain([Affine(W, b)])
    if callable(given):
        return Readout({}, lambda _, h: given(h))
    raise TypeError(
        f"readout is {type(given).__name__}, expected a linear layer of the model's framework, "
        "arrays (W, b) with W [n_outputs, n_hidden], or a JAX function of the state."
    )
