"""From a step map to its program: step, Jacobians, readout and box, through the one interpreter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr
from jaxtyping import Float

from fpf_notebook._types import PyTree
from fpf_notebook.dynamics.jaxpr.builder import Builder, Symbol
from fpf_notebook.dynamics.jaxpr.interpreter import interpret
from fpf_notebook.dynamics.jaxpr.program import NotCoveredError, Operand, Program, View
from fpf_notebook.dynamics.program.forecast import require_moderate
from fpf_notebook.dynamics.program.page_program import FORMAT, VERSION, PageProgram
from fpf_notebook.dynamics.program.segments import to_segments
from fpf_notebook.dynamics.program.symbols import ParameterSymbol, find_symbols, with_values
from fpf_notebook.dynamics.program.weights import WeightPool

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap

_MAX_OPERATIONS = 20_000


def export_program(
    step_map: StepMap,
    *,
    symbols: Iterable[str] = (),
    u: Float[np.ndarray, "n_inputs"] | None = None,
) -> PageProgram:
    """Write a step map as a program; see `StepMap.to_program`.

    Parameters
    ----------
    step_map
        The step map.
    symbols
        Parameters that stay open.
    u
        The input for which the box is stored where it is no formula of the input. Default: zeros.

    Returns
    -------
    PageProgram
        The program.

    Raises
    ------
    ValueError
        If something is not covered.
    """
    found = find_symbols(step_map, symbols)
    n, m = step_map.n_states, step_map.n_inputs
    inputs = np.zeros(m) if u is None else np.asarray(u, dtype=np.float64)
    if inputs.shape != (m,):
        raise ValueError(f"u has shape {inputs.shape}, expected ({m},).")
    try:
        closed, names = _trace(step_map, found)
    except Exception as error:
        if type(error).__module__.startswith("fpf_notebook"):
            raise
        raise NotCoveredError(
            f"{step_map.name} cannot be written as a program: JAX cannot trace the Jacobian of its "
            f"step ({str(error).splitlines()[0]})."
        ) from error
    require_moderate(closed, step_map.name)
    builder = Builder(True, _MAX_OPERATIONS)
    h = builder.input("h", (n,))
    v = builder.input("v", (m + len(found),))
    params = [np.asarray(leaf) for leaf in jax.tree.leaves(step_map.params)]
    results = dict(
        zip(names, interpret(builder, closed, [*params, h, v], step_map.name), strict=True)
    )
    fixed_box = None
    if step_map.box is not None and "low" not in results:
        bounds = step_map.invariant_box(inputs)
        if bounds is not None and np.isfinite(bounds).all():
            low, high = (np.asarray(edge, np.float64).tolist() for edge in bounds)
            fixed_box = {"u": inputs.tolist(), "low": low, "high": high}
    parts = [builder.symbol(value).addresses.reshape(-1) for value in results.values()]
    program = builder.finish(Symbol(np.concatenate(parts)))
    if program.uncovered:
        raise NotCoveredError(
            f"{step_map.name} cannot be written as a program: "
            + "; ".join(map(str, program.uncovered))
            + "."
        )
    lengths = {name: len(part) for name, part in zip(results, parts, strict=True)}
    return _document(step_map, program, lengths, found, fixed_box)


def _trace(step_map: StepMap, symbols: list[ParameterSymbol]) -> tuple[ClosedJaxpr, list[str]]:
    """Trace everything that a page computes, of parameters, state and (input, open parameters)."""
    n, m, width = step_map.n_states, step_map.n_inputs, step_map.n_inputs + len(symbols)
    kind = np.dtype(step_map.dtype)
    readout, box = step_map.readout, step_map.box
    if getattr(box, "on_host", False):
        box = None

    def split(params: PyTree, v: Any) -> tuple[Any, Any]:
        return with_values(params, symbols, v[m:]), v[:m].astype(kind)

    def everything(params: PyTree, x: Any, v: Any) -> dict[str, Any]:
        def step(x: Any, v: Any) -> Any:
            inner, u = split(params, v)
            return step_map.step(inner, x.astype(kind), u).astype(x.dtype)

        # As the finder does it, so that both round alike; rules for derivatives of the user's own
        # are kept.
        F, push = jax.linearize(step, x, v)
        zeros = (jnp.zeros_like(x), jnp.zeros_like(v))
        J = jax.vmap(lambda t: push(t, zeros[1]), out_axes=1)(jnp.eye(n))
        out = {"F": F, "J": J, "K": jnp.zeros((n, 0))}
        if width:
            out["K"] = jax.vmap(lambda t: push(zeros[0], t), out_axes=1)(jnp.eye(width))
        inner, u = split(params, v)
        out["Y"] = jnp.zeros(0) if readout is None else readout(inner, x.astype(kind), u)
        if box is not None:
            out["low"], out["high"] = box(inner, u)
        return {name: jnp.asarray(value, x.dtype) for name, value in out.items()}

    def like(leaf: Any) -> Any:
        return jax.ShapeDtypeStruct(np.shape(leaf), leaf.dtype)

    with jax.enable_x64(True):
        number = np.dtype(np.float64)
        closed, shapes = jax.make_jaxpr(everything, return_shape=True)(
            jax.tree.map(like, step_map.params),
            jax.ShapeDtypeStruct((n,), number),
            jax.ShapeDtypeStruct((width,), number),
        )
    return closed, sorted(shapes)  # JAX flattens dictionaries in the order of their keys


def _document(
    step_map: StepMap,
    program: Program,
    lengths: dict[str, int],
    symbols: list[ParameterSymbol],
    fixed_box: dict[str, list[float]] | None,
) -> PageProgram:
    pool = WeightPool()
    n_inputs = step_map.n_states + step_map.n_inputs + len(symbols)
    # Weights get negative addresses first (-1 - place), for their number is not known yet.
    moved = np.zeros(program.size, dtype=np.int64)
    moved[:n_inputs] = np.arange(n_inputs)
    size, rows = n_inputs, []

    def address(operand: Operand) -> np.ndarray:
        return (
            moved[operand.addresses]
            if isinstance(operand, View)
            else -1 - pool.place(operand.values)
        )

    for operation in program.operations:
        if operation.name == "constant":
            moved[operation.cells] = address(operation.operands[0])
            continue
        operands = [address(operand) for operand in operation.operands]
        extra: list[Any] = [list(operation.shape)] if operation.shape else []
        if operation.name == "power":
            extra = [operation.exponent]
        rows.append((operation.name, operation.size, operands, extra))
        moved[operation.cells] = np.arange(size, size + operation.size)
        size += operation.size
    flat = moved[program.output.addresses]
    if pool.has_nan():
        raise NotCoveredError(f"{step_map.name} cannot be written as a program: a number is NaN.")

    def written(a: np.ndarray) -> list[list[int]]:
        return to_segments(np.where(a < 0, -1 - a, a + pool.size))

    outputs, at = {}, 0
    for name, length in lengths.items():
        outputs[name] = written(flat[at : at + length])
        at += length
    dtype, data = pool.encoded()
    return PageProgram(
        {
            "format": FORMAT,
            "version": VERSION,
            "name": step_map.name,
            "n_states": step_map.n_states,
            "n_inputs": step_map.n_inputs,
            "n_outputs": lengths["Y"],
            "time": step_map.time,
            "dt": step_map.dt,
            "precision": "float32"
            if "float32" in (step_map.precision, step_map.dtype)
            else "float64",
            "parameters": [{"name": s.name, "value": s.value} for s in symbols],
            "fixed_box": fixed_box,
            "weights": {"dtype": dtype, "size": pool.size, "data": data},
            "operations": [
                [name, length, [written(a) for a in operands], *extra]
                for name, length, operands, extra in rows
            ],
            "outputs": outputs,
        }
    )
