"""The interpreter: walks through the jaxpr of a step and builds its program."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, Var
from jaxtyping import Float

from fpf_notebook._types import EqnParams, PyTree
from fpf_notebook.dynamics.arrays import AnyArray
from fpf_notebook.dynamics.compile_cache import compiled
from fpf_notebook.dynamics.jaxpr.builder import Builder, Symbol, TooLongError, Value
from fpf_notebook.dynamics.jaxpr.calls import body_of_call
from fpf_notebook.dynamics.jaxpr.lowering import lower
from fpf_notebook.dynamics.jaxpr.moves import NoRuleError, choose
from fpf_notebook.dynamics.jaxpr.program import NotCoveredError, Program
from fpf_notebook.dynamics.jaxpr.source import line_of

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap

# Bodies that split numbers into bits to round less, by the name of the function: what they compute.
_KNOWN_CALLS = {"exp_neg_sq": ("square", "neg", "exp")}
_MAX_TURNS = 10_000


def program_of(
    step_map: StepMap,
    *,
    u: Float[np.ndarray, "n_inputs"] | None = None,
    symbols: Iterable[str] = (),
    fold_arithmetic: bool = True,
    max_operations: int = 20_000,
) -> Program:
    """Write the step of a step map as a program.

    Parameters
    ----------
    step_map
        The step map. Its state is the input ``"h"`` of the program.
    u
        The network's input, if it is known; else it is the input ``"u"`` of the program.
    symbols
        Parameters that stay symbols, by the names that :func:`parameter_names` gives. All others
        are known numbers.
    fold_arithmetic
        Whether what depends on known numbers only is carried out at once in float64 (default).
        Without, whatever rounds stays in the program, so that intervals can bound it.
    max_operations
        The longest program; loops are unrolled.

    Returns
    -------
    Program
        The program. What cannot be said in operations stands in ``program.uncovered``, with the
        line of the user's code.

    Raises
    ------
    ValueError
        If ``u`` has the wrong size or ``symbols`` names something that is no parameter.
    NotCoveredError
        If the program would be longer than ``max_operations``.

    Notes
    -----
    The program is about real numbers: rounding to single precision inside the step is ignored, as
    are rules for derivatives of the user's own (``custom_jvp``, ``stop_gradient``).

    Examples
    --------
    >>> import jax.numpy as jnp, numpy as np
    >>> from fpf_notebook.dynamics import as_step_map
    >>> from fpf_notebook.dynamics.jaxpr import program_of
    >>> W = np.eye(3)
    >>> step_map = as_step_map(lambda h, u: jnp.tanh(W @ h)[::-1], n_states=3, n_inputs=1)
    >>> program = program_of(step_map)
    >>> [operation.name for operation in program.operations], program.output.addresses - 4
    (['matmul', 'tanh'], array([5, 4, 3]))
    """
    wanted = list(symbols)
    names = parameter_names(step_map)
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise ValueError(
            f"symbols names {', '.join(map(repr, unknown))}, expected some of the parameters "
            f"{', '.join(names)}."
        )
    if u is not None:
        u = np.asarray(u, dtype=float)
        if u.shape != (step_map.n_inputs,):
            raise ValueError(f"u has shape {u.shape}, expected ({step_map.n_inputs},).")
    closed = jaxpr_of(step_map)
    builder = Builder(fold_arithmetic, max_operations)
    h = builder.input("h", (step_map.n_states,))
    given: Value = builder.input("u", (step_map.n_inputs,)) if u is None else u
    args: list[Value] = []
    _refuse_keys(jax.tree.leaves(step_map.params), step_map.name)
    for name, leaf in zip(names, jax.tree.leaves(step_map.params), strict=True):
        args.append(builder.input(name, np.shape(leaf)) if name in wanted else np.asarray(leaf))
    (result,) = interpret(builder, closed, [*args, h, given], step_map.name)
    return builder.finish(result)


def interpret(builder: Builder, closed: ClosedJaxpr, args: list[Value], name: str) -> list[Value]:
    """Walk through a jaxpr and emit its operations.

    Parameters
    ----------
    builder
        Where to.
    closed
        The jaxpr.
    args
        Its arguments: known arrays, or symbols of the builder.
    name
        What to call the step map in messages.

    Returns
    -------
    list
        Its results.

    Raises
    ------
    NotCoveredError
        If the program would be longer than the builder allows, or draws random numbers.
    """
    _refuse_keys([*args, *closed.consts], name)
    try:
        return _Walk(builder).jaxpr(closed.jaxpr, closed.consts, args)
    except TooLongError:
        raise NotCoveredError(
            f"The step of {name} takes more than {builder.max_operations} operations (the last at "
            f"{builder.source or 'an unknown line'})."
        ) from None


def _refuse_keys(values: Iterable[Any], name: str) -> None:
    if any(
        jax.dtypes.issubdtype(getattr(value, "dtype", np.dtype(float)), jax.dtypes.prng_key)
        for value in values
    ):
        raise NotCoveredError(f"The step of {name} draws random numbers.")


def parameter_names(step_map: StepMap) -> list[str]:
    """Return the names of all arrays of parameters, in the order of the tree's leaves.

    Parameters
    ----------
    step_map
        The step map.

    Returns
    -------
    list of str
        For example ``["['W']", "['b']"]`` for ``params = {"W": ..., "b": ...}``.
    """
    paths, _ = jax.tree_util.tree_flatten_with_path(step_map.params)
    return [jax.tree_util.keystr(path) for path, _ in paths]


def jaxpr_of(step_map: StepMap) -> ClosedJaxpr:
    """Return the jaxpr of a step, traced once for each computation.

    Parameters
    ----------
    step_map
        The step map.
    """

    def shape(value: Any) -> Any:
        return jax.ShapeDtypeStruct(np.shape(value), value.dtype)

    params = jax.tree.map(shape, step_map.params)
    work = np.dtype(step_map.dtype)
    states = jax.ShapeDtypeStruct((step_map.n_states,), work)
    inputs = jax.ShapeDtypeStruct((step_map.n_inputs,), work)

    def build(step: PyTree) -> PyTree:
        with jax.enable_x64(True):
            made = jax.make_jaxpr(step)(params, states, inputs)
        return lambda: made

    closed: ClosedJaxpr = compiled("jaxpr", step_map, (), build)()
    return closed


def _function_of(inner: ClosedJaxpr) -> str:
    """Return the name of JAX's own function that was traced into a jaxpr; others have none."""
    info = getattr(inner.jaxpr, "debug_info", None)
    source = str(getattr(info, "func_filename", "") or "").replace("\\", "/")
    return str(getattr(info, "func_name", "")) if "/jax/_src/lax/" in source else ""


class _Walk:
    """One walk through a jaxpr and those inside it."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder

    def jaxpr(self, jaxpr: Jaxpr, consts: Sequence[AnyArray], args: list[Value]) -> list[Value]:
        env: dict[Var, Value] = {}

        def read(atom: Any) -> Value:
            return np.asarray(atom.val) if isinstance(atom, Literal) else env[atom]

        env.update(zip(jaxpr.constvars, map(_known, consts), strict=True))
        env.update(zip(jaxpr.invars, args, strict=True))
        for eqn in jaxpr.eqns:
            outer = self.builder.source
            self.builder.source = line_of(eqn.source_info) or outer
            env.update(zip(eqn.outvars, self._eqn(eqn, [read(a) for a in eqn.invars]), strict=True))
            self.builder.source = outer
        return [read(atom) for atom in jaxpr.outvars]

    def _closed(self, inner: ClosedJaxpr, args: list[Value]) -> list[Value]:
        if isinstance(inner, ClosedJaxpr):
            return self.jaxpr(inner.jaxpr, inner.consts, args)
        return self.jaxpr(inner, (), args)

    def _eqn(self, eqn: Any, values: list[Value]) -> list[Value]:
        name, p = eqn.primitive.name, eqn.params
        try:
            inner = body_of_call(eqn)
            if inner is not None:
                known = _KNOWN_CALLS.get(_function_of(inner)) if len(values) == 1 else None
                if known is None:
                    return self._closed(inner, values)
                value = values[0]
                for operation in known:
                    value = self.builder.elementwise(operation, value)
                return [value]
            if name == "scan":
                return self._scan(p, values)
            if name == "while":
                return self._while(p, values)
            if name == "cond":
                return self._cond(p, values)
            return lower(self.builder, eqn, values)
        except NoRuleError as why:
            said = f"{name} ({why})" if str(why) else name
        shapes = [tuple(v.aval.shape) for v in eqn.outvars]
        kinds = [_kind_of(v.aval) for v in eqn.outvars]
        return self.builder.unknown(said, shapes, kinds)

    def _scan(self, p: EqnParams, values: list[Value]) -> list[Value]:
        (n_consts, n_carry), length = _scan_parts(p), p["length"]
        consts, carry = values[:n_consts], values[n_consts : n_consts + n_carry]
        xs = values[n_consts + n_carry :]
        rows: list[list[Value]] = []
        for i in range(length)[:: -1 if p["reverse"] else 1]:
            taken = [
                Symbol(x.addresses[i], x.kind) if isinstance(x, Symbol) else np.asarray(x)[i]
                for x in xs
            ]
            outs = self._closed(p["jaxpr"], [*consts, *carry, *taken])
            carry = outs[:n_carry]
            rows.append(outs[n_carry:])
        if p["reverse"]:
            rows.reverse()
        n_ys = len(p["jaxpr"].jaxpr.outvars) - n_carry
        return [
            *carry,
            *(self._stacked([row[j] for row in rows], p, n_carry + j) for j in range(n_ys)),
        ]

    def _stacked(self, values: list[Value], p: EqnParams, output: int) -> Value:
        if not values:
            aval = p["jaxpr"].jaxpr.outvars[output].aval
            return np.zeros((0, *aval.shape))
        if all(not isinstance(v, Symbol) for v in values):
            return np.stack([np.asarray(v) for v in values])
        symbols = [self.builder.symbol(v) for v in values]
        return Symbol(np.stack([s.addresses for s in symbols]), symbols[0].kind)

    def _while(self, p: EqnParams, values: list[Value]) -> list[Value]:
        n_cond, n_body = p["cond_nconsts"], p["body_nconsts"]
        cond, body = values[:n_cond], values[n_cond : n_cond + n_body]
        carry = values[n_cond + n_body :]
        for _ in range(_MAX_TURNS):
            (going,) = self._closed(p["cond_jaxpr"], [*cond, *carry])
            if isinstance(going, Symbol):
                raise NoRuleError("how often it turns depends on the state or on a symbol")
            if not going:
                return carry
            carry = self._closed(p["body_jaxpr"], [*body, *carry])
        raise NoRuleError(f"more than {_MAX_TURNS} turns")

    def _cond(self, p: EqnParams, values: list[Value]) -> list[Value]:
        which, args, branches = values[0], values[1:], p["branches"]
        if not isinstance(which, Symbol):
            index = int(np.clip(int(which), 0, len(branches) - 1))
            return self._closed(branches[index], args)
        if len(branches) != 2:
            raise NoRuleError("which of several branches depends on the state or on a symbol")
        results = [self._closed(branch, args) for branch in branches]
        return [choose(self.builder, which, [no, yes]) for no, yes in zip(*results, strict=True)]


def _known(value: object) -> np.ndarray:
    return np.asarray(value)


def _kind_of(aval: Any) -> str:
    if jax.dtypes.issubdtype(aval.dtype, jax.dtypes.extended):
        return "i"
    kind = np.dtype(aval.dtype).kind
    return kind if kind in "fb" else "i" if kind in "iu" else "f"


def _scan_parts(p: EqnParams) -> tuple[int, int]:
    """Return how many constants a scan has, and how many carried values."""
    if "num_consts" in p:
        return p["num_consts"], p["num_carry"]
    consts, carry = (len(list(part)) for part in p["ft_in"].elts[:2])  # since JAX 0.11
    return consts, carry
