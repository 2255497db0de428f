"""The program of a step map as it travels: a few kilobytes of JSON, documented, with a version."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float

FORMAT = "fpf-program"
VERSION = 1


@dataclass(frozen=True)
class ProgramSize:
    """How large a program is, and how much work it asks of who evaluates it.

    Parameters
    ----------
    n_bytes
        Length of its JSON text.
    n_weights
        Numbers that are stored.
    n_operations
        Operations on arrays.
    n_numbers
        Numbers that one evaluation computes: step, Jacobians, readout and box together.
    n_products
        Multiplications in its matrix products.
    """

    n_bytes: int
    n_weights: int
    n_operations: int
    n_numbers: int
    n_products: int

    def __str__(self) -> str:
        return (
            f"{self.n_bytes / 1e3:.1f} kB: {self.n_weights} weights, {self.n_operations} "
            f"operations on {self.n_numbers} numbers, {self.n_products} products"
        )


@dataclass(frozen=True, eq=False)
class PageProgram:
    """A step map as a list of operations that need no Python: made by ``StepMap.to_program()``.

    Parameters
    ----------
    document
        The program as its JSON says it; the format is described in the documentation under
        "Programs of step maps".
    """

    document: dict[str, Any]

    @property
    def n_states(self) -> int:
        """Length of the state."""
        return int(self.document["n_states"])

    @property
    def n_inputs(self) -> int:
        """Length of the input."""
        return int(self.document["n_inputs"])

    @property
    def parameters(self) -> dict[str, float]:
        """The parameters that stayed open, with the values that the step map had."""
        return {p["name"]: float(p["value"]) for p in self.document["parameters"]}

    @cached_property
    def size(self) -> ProgramSize:
        """How large it is."""
        operations = self.document["operations"]
        return ProgramSize(
            n_bytes=len(self.to_json()),
            n_weights=int(self.document["weights"]["size"]),
            n_operations=len(operations),
            n_numbers=sum(int(size) for _, size, *_ in operations),
            n_products=sum(int(np.prod(op[3])) for op in operations if op[0] == "matmul"),
        )

    def to_json(self) -> str:
        """Return the program as a text."""
        return json.dumps(self.document, separators=(",", ":"), allow_nan=False)

    def evaluate(
        self,
        h: Float[np.ndarray, "*lanes n_states"],
        u: Float[np.ndarray, "n_inputs"],
        parameters: dict[str, float] | None = None,
    ) -> dict[str, Float[np.ndarray, "*lanes size"]]:
        """Evaluate the program here, with numpy: what a page must find, too.

        Parameters
        ----------
        h
            States, with any leading axes.
        u
            One input.
        parameters
            Values of the parameters that stayed open, by name; those not given are as they were.

        Returns
        -------
        dict
            ``F``, ``J`` and ``K`` (each row by row), ``Y``; ``low`` and ``high`` where the box is a
            formula of the input.

        Raises
        ------
        ValueError
            If a size or a name does not fit.

        Examples
        --------
        >>> import jax.numpy as jnp, numpy as np
        >>> from fpf_notebook.dynamics import as_step_map
        >>> step_map = as_step_map(lambda h, u: jnp.tanh(2 * h + u), n_states=2, n_inputs=2)
        >>> out = step_map.to_program().evaluate(np.zeros(2), np.zeros(2))
        >>> out["F"].tolist(), out["J"].tolist(), out["K"].tolist()
        ([0.0, 0.0], [2.0, 0.0, 0.0, 2.0], [1.0, 0.0, 0.0, 1.0])
        """
        from fpf_notebook.dynamics.program.reference import evaluate_document  # scipy, perhaps

        return evaluate_document(self.document, h, u, parameters)
