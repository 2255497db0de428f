"""Which outputs of a program depend on which states: zeros of weights are seen."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool

from fpf_notebook.dynamics.jaxpr.program import Constant, Operand, Program


def dependence(program: Program) -> Bool[np.ndarray, "n_states n_states"]:
    """Return which components of the result may depend on which components of the state.

    Parameters
    ----------
    program
        The program.

    Returns
    -------
    array of bool
        ``[i, j]`` is False only if component i of the result does not depend on ``h[j]``.

    Examples
    --------
    >>> import jax.numpy as jnp, numpy as np
    >>> from fpf_notebook.dynamics import as_step_map
    >>> from fpf_notebook.dynamics.jaxpr import program_of
    >>> from fpf_notebook.dynamics.jaxpr.dependence import dependence
    >>> W = np.array([[1.0, 0.0], [2.0, 3.0]])
    >>> step_map = as_step_map(lambda h, u: jnp.tanh(W @ h), n_states=2, n_inputs=1)
    >>> dependence(program_of(step_map, u=np.zeros(1))).tolist()
    [[True, False], [True, True]]
    """
    n = program.inputs["h"].stop
    depends = np.zeros((program.size, n), dtype=bool)
    depends[:n] = np.eye(n, dtype=bool)

    def of(operand: Operand) -> np.ndarray:
        if isinstance(operand, Constant):
            return np.zeros((operand.size, n), dtype=bool)
        return operand.of(depends)

    for operation in program.operations:
        cells, operands = operation.cells, operation.operands
        if operation.name == "unknown":
            depends[cells] = True
        elif operation.name == "matmul":
            batch, rows, inner, columns = operation.shape
            a, b = (of(operand) for operand in operands)
            b = b.reshape(batch, inner, columns * n)
            if isinstance(operands[0], Constant):
                weights = operands[0].values.reshape(batch, rows, inner) != 0
            else:
                weights = np.ones((batch, rows, inner), dtype=bool)
            found = (weights.astype(np.float32) @ b.astype(np.float32)).reshape(
                batch, rows, columns, n
            ) > 0
            left = np.any(a.reshape(batch, rows, inner, n), axis=2, keepdims=True)
            depends[cells] = (found | left).reshape(-1, n)
        elif operation.shape:
            depends[cells] = of(operands[0]).reshape(*operation.shape, n).any(axis=1)
        else:
            for operand in operands:
                depends[cells] |= of(operand)
    return program.output.of(depends)
