"""The shortest algebra: plain numbers. What a program means is what this file says."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float

from fpf_notebook.dynamics.jaxpr.program import Constant, Operand, Operation, Program


def _logistic(x: np.ndarray) -> np.ndarray:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, e) / (1.0 + e)


def _special(name: str) -> Callable[[np.ndarray], np.ndarray]:
    def function(x: np.ndarray) -> np.ndarray:
        from scipy import special

        result: np.ndarray = getattr(special, name)(x)
        return result

    return function


def _float(function: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    return lambda *args: function(*args).astype(float)


def _logical(function: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    return lambda *args: function(*(a != 0 for a in args)).astype(float)


def _select(condition: np.ndarray, yes: np.ndarray, no: np.ndarray) -> np.ndarray:
    return np.where(condition != 0, yes, no)


ELEMENTWISE: dict[str, Callable[..., np.ndarray]] = {
    "neg": np.negative,
    "abs": np.abs,
    "sign": np.sign,
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.round,  # half to even
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1.0 / np.sqrt(x),
    "cbrt": np.cbrt,
    "square": np.square,
    "tanh": np.tanh,
    "logistic": _logistic,
    "softplus": lambda x: np.logaddexp(x, 0.0),
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "erf": _special("erf"),
    "erfc": _special("erfc"),
    "not": _logical(np.logical_not),
    "is_finite": _float(np.isfinite),
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "max": np.maximum,
    "min": np.minimum,
    "pow": np.power,
    "atan2": np.arctan2,
    "rem": np.fmod,
    "lt": _float(np.less),
    "le": _float(np.less_equal),
    "gt": _float(np.greater),
    "ge": _float(np.greater_equal),
    "eq": _float(np.equal),
    "ne": _float(np.not_equal),
    "and": _logical(np.logical_and),
    "or": _logical(np.logical_or),
    "xor": _logical(np.logical_xor),
    "select": _select,
}
"""One rule for each operation that works element by element."""

_REDUCTIONS: dict[str, Callable[..., np.ndarray]] = {
    "sum": np.sum,
    "product": np.prod,
    "maximum": np.max,
    "minimum": np.min,
}


def apply(
    name: str, values: list[np.ndarray], shape: tuple[int, ...] = (), exponent: int = 0
) -> np.ndarray:
    """Apply one operation to numbers.

    Parameters
    ----------
    name, shape, exponent
        As in :class:`~fpf_notebook.dynamics.jaxpr.program.Operation`.
    values
        The operands, of shape ``[size, *lanes]``.

    Returns
    -------
    numpy.ndarray
        The result, ``[size, *lanes]``.
    """
    if name == "constant":
        return values[0]
    if name == "power":
        result: np.ndarray = values[0] ** float(exponent)
        return result
    if name in _REDUCTIONS:
        x = values[0].reshape(*shape, *values[0].shape[1:])
        return _REDUCTIONS[name](x, axis=1)
    if name == "matmul":
        batch, rows, inner, columns = shape
        lanes = np.broadcast_shapes(values[0].shape[1:], values[1].shape[1:])
        a = values[0].reshape(batch, rows, inner, *values[0].shape[1:])
        b = values[1].reshape(batch, inner, columns, *values[1].shape[1:])
        if a.ndim == 3 or (all(n == 1 for n in a.shape[3:]) and batch == 1):
            flat = b.reshape(batch, inner, -1)
            return (a.reshape(batch, rows, inner) @ flat).reshape(-1, *b.shape[3:])
        return np.einsum("brk...,bkc...->brc...", a, b).reshape(-1, *lanes)
    return ELEMENTWISE[name](*values)


def evaluate(
    program: Program, inputs: Mapping[str, Float[np.ndarray, "*lanes size"]]
) -> Float[np.ndarray, "*lanes n_states"]:
    """Evaluate a program with numbers.

    Parameters
    ----------
    program
        The program.
    inputs
        The value of each input of the program, by name; leading axes ("lanes") broadcast.

    Returns
    -------
    numpy.ndarray
        The result of the step in each lane.

    Raises
    ------
    ValueError
        If an input is missing or has the wrong size.
    NotCoveredError
        If the program contains something that is not known.

    Examples
    --------
    >>> import jax.numpy as jnp, numpy as np
    >>> from fpf_notebook.dynamics import as_step_map
    >>> from fpf_notebook.dynamics.jaxpr import evaluate, program_of
    >>> step_map = as_step_map(lambda h, u: jnp.tanh(2 * h + u), n_states=2, n_inputs=2)
    >>> program = program_of(step_map, u=np.zeros(2))
    >>> [operation.name for operation in program.operations]
    ['mul', 'tanh']
    >>> evaluate(program, {"h": np.array([0.0, 0.5])}).round(4).tolist()
    [0.0, 0.7616]
    """
    program.require_covered()
    given: dict[str, np.ndarray] = {}
    for name, cells in program.inputs.items():
        if name not in inputs:
            raise ValueError(f"inputs lacks {name!r}; the program has {list(program.inputs)}.")
        value, size = np.asarray(inputs[name], dtype=float), cells.stop - cells.start
        if value.ndim == 0 or value.shape[-1] != size:
            raise ValueError(f"inputs[{name!r}] has shape {value.shape}, expected [..., {size}].")
        given[name] = value
    lanes = np.broadcast_shapes(*(value.shape[:-1] for value in given.values()))
    memory = np.empty((program.size, *lanes))
    for name, value in given.items():
        memory[program.inputs[name]] = np.moveaxis(
            np.broadcast_to(value, (*lanes, value.shape[-1])), -1, 0
        )
    with np.errstate(all="ignore"):
        for operation in program.operations:
            memory[operation.cells] = _operate(operation, memory, len(lanes))
    return np.moveaxis(program.output.of(memory), 0, -1)


def _operate(operation: Operation, memory: np.ndarray, n_lanes: int) -> np.ndarray:
    def read(operand: Operand) -> np.ndarray:
        if isinstance(operand, Constant):
            return operand.values.reshape(-1, *[1] * n_lanes)
        return operand.of(memory)

    return apply(
        operation.name,
        [read(operand) for operand in operation.operands],
        operation.shape,
        operation.exponent,
    )
