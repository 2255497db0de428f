"""JAX's primitives as operations of a program: one rule for each primitive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax import lax
from jax.extend.core import JaxprEqn

from fpf_notebook.dynamics.arrays import AnyArray
from fpf_notebook.dynamics.jaxpr.builder import Builder, Symbol, Value
from fpf_notebook.dynamics.jaxpr.moves import (
    MOVES,
    MOVING_RULES,
    NoRuleError,
    Params,
    Rule,
    choose,
    split,
    unstack,
)
from fpf_notebook.dynamics.jaxpr.program import Constant, View

_SAME_NAMES = (
    "neg abs sign floor ceil exp exp2 expm1 log log1p sqrt rsqrt cbrt square tanh logistic sin cos "
    "tan asin acos atan sinh cosh asinh acosh atanh erf erfc is_finite "
    "add sub mul div max min pow atan2 rem lt le gt ge eq ne"
)
SAME = {name: name for name in _SAME_NAMES.split()}
_CUTS = {"split": split, "unstack": unstack}
_TRUTH = frozenset(["is_finite", "lt", "le", "gt", "ge", "eq", "ne"])
IDENTITIES = frozenset(
    [
        "stop_gradient",
        "copy",
        "copy_p",
        "sharding_constraint",
        "layout_constraint",
        "optimization_barrier",
        "reduce_precision",
        "pvary",
        "pcast",
        "name",
        "device_put",
    ]
)
_REDUCTIONS = {
    "reduce_sum": "sum",
    "reduce_prod": "product",
    "reduce_max": "maximum",
    "reduce_min": "minimum",
    "reduce_and": "minimum",
    "reduce_or": "maximum",
}
# Linear, with numbers copied or added only: their matrix can be read off unit vectors exactly.
_LINEAR = frozenset(["cumsum", "scatter-add", "reduce_window_sum", "conv_general_dilated"])
_MAX_PRODUCTS = 100_000


def lower(builder: Builder, eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Emit the operations of one equation without inner computations.

    Parameters
    ----------
    builder
        Where to.
    eqn
        The equation of a jaxpr.
    values
        Its operands.

    Returns
    -------
    list
        Its results.

    Raises
    ------
    NoRuleError
        If there is no rule.
    """
    name, p = eqn.primitive.name, eqn.params
    if name in IDENTITIES:
        return list(values)
    if any(_kind(v.aval) == "k" for v in (*eqn.invars, *eqn.outvars)):
        raise NoRuleError("random keys")
    known = [v for v in values if not isinstance(v, Symbol)]
    if len(known) == len(values) and not _is_arithmetic(eqn):
        return _evaluated(eqn, values)
    if any(_is_complex(v) for v in known) or any(_kind(v.aval) == "c" for v in eqn.outvars):
        raise NoRuleError("complex numbers")
    if name in MOVES:
        return [_moved(values[0], lambda a: MOVES[name](a, p))]
    if name in _CUTS:
        x = values[0]
        if isinstance(x, Symbol):
            return [Symbol(a, x.kind) for a in _CUTS[name](x.addresses, p)]
        return list(_CUTS[name](x, p))
    rule = _RULES.get(name)
    if rule is not None:
        return rule(builder, values, p, eqn)
    if name in SAME:
        kinds = {v.kind if isinstance(v, Symbol) else np.asarray(v).dtype.kind for v in values}
        if kinds & set("iu") and name in ("div", "rem"):
            raise NoRuleError("division of whole numbers")
        return [builder.elementwise(SAME[name], *values, kind="b" if name in _TRUTH else "f")]
    if name in _REDUCTIONS:
        return [_reduce(builder, values[0], tuple(p["axes"]), _REDUCTIONS[name])]
    if name in _LINEAR:
        return [_linear(builder, values, eqn)]
    raise NoRuleError("")


def matrix_product(
    builder: Builder, a: Value, b: Value, batch: int, rows: int, inner: int, columns: int
) -> Value:
    """Emit a product; returns [batch, rows, columns]. What does not vary goes to the left."""
    left, right = builder.operand(a), builder.operand(b)
    if builder.varies(left) and not builder.varies(right):
        back = matrix_product(builder, _transposed(b), _transposed(a), batch, columns, inner, rows)
        return _transposed(back)
    return builder.emit(
        "matmul", (left, right), (batch, rows, columns), shape=(batch, rows, inner, columns)
    )


def _transposed(x: Value) -> Value:
    return _moved(x, lambda a: np.swapaxes(a, -1, -2))


def _moved(x: Value, move: Callable[[np.ndarray], np.ndarray]) -> Value:
    return Symbol(move(x.addresses), x.kind) if isinstance(x, Symbol) else move(x)


def _reshaped(x: Value, shape: tuple[int, ...]) -> Value:
    return _moved(x, lambda a: a.reshape(shape))


def _kind(aval: Any) -> str:
    if jax.dtypes.issubdtype(aval.dtype, jax.dtypes.extended):
        return "k"  # a random key: NumPy has no type for it
    return "f" if jax.numpy.issubdtype(aval.dtype, np.floating) else np.dtype(aval.dtype).kind


def _is_complex(value: Value) -> bool:
    return not isinstance(value, Symbol) and np.asarray(value).dtype.kind == "c"


def _is_arithmetic(eqn: JaxprEqn) -> bool:
    """Whether an equation on known numbers may round, so that the builder must decide."""
    name = eqn.primitive.name
    if name in MOVING_RULES or any(_kind(v.aval) != "f" for v in (*eqn.outvars, *eqn.invars)):
        return False
    return name in SAME or name in _RULES or name in _REDUCTIONS


def _evaluated(eqn: JaxprEqn, values: list[Value]) -> list[Value]:
    """Carry out an equation of which everything is known."""
    name, p = eqn.primitive.name, eqn.params
    quick = _QUICK.get(name)
    if name in MOVES:
        return [MOVES[name](np.asarray(values[0]), p)]
    if name in _CUTS:
        return list(_CUTS[name](np.asarray(values[0]), p))
    if name == "iota":
        shape, axis = p["shape"], p["dimension"]
        line = np.arange(shape[axis], dtype=np.dtype(p["dtype"]))
        return [
            np.broadcast_to(
                line.reshape([-1 if i == axis else 1 for i in range(len(shape))]), shape
            )
        ]
    if name == "convert_element_type" and jax.numpy.issubdtype(p["new_dtype"], np.number):
        return [np.asarray(values[0]).astype(p["new_dtype"])]
    if name == "stack":
        axis = int(p["axis"] if "axis" in p else p["dimension"])
        return [np.stack([np.asarray(v) for v in values], axis)]
    if name == "concatenate":
        return [np.concatenate([np.asarray(v) for v in values], p["dimension"])]
    if quick is not None:  # a compiled program for each shape would take longer
        return [quick(*values)]
    with jax.enable_x64(True):
        out = eqn.primitive.bind(*[jax.numpy.asarray(v) for v in values], **p)
    return [np.asarray(v) for v in (out if eqn.primitive.multiple_results else [out])]


_QUICK: dict[str, Callable[..., np.ndarray]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "neg": np.negative, "abs": np.abs,
    "max": np.maximum, "min": np.minimum, "lt": np.less, "le": np.less_equal, "gt": np.greater,
    "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal,
    "select_n": lambda which, *cases: np.choose(which.astype(int), cases),
}  # fmt: skip


def _convert(builder: Builder, values: list[Value], p: Params, eqn: JaxprEqn) -> list[Value]:
    x, to = values[0], p["new_dtype"]
    if not isinstance(x, Symbol):
        return _evaluated(eqn, values)
    target = "f" if jax.numpy.issubdtype(to, np.floating) else np.dtype(to).kind
    if target == "f" or x.kind == target or (x.kind == "b" and target in "iu"):
        return [Symbol(x.addresses, "i" if target in "iu" else target)]
    if target == "b":
        return [builder.elementwise("ne", x, np.zeros(()), kind="b")]
    raise NoRuleError("rounding to whole numbers")


def _round(builder: Builder, values: list[Value], p: Params, eqn: JaxprEqn) -> list[Value]:
    if int(p["rounding_method"]) == int(lax.RoundingMethod.TO_NEAREST_EVEN):
        return [builder.elementwise("round", values[0])]
    size = builder.elementwise(
        "floor", builder.elementwise("add", builder.elementwise("abs", values[0]), np.full((), 0.5))
    )
    return [builder.elementwise("mul", builder.elementwise("sign", values[0]), size)]


def _integer_pow(builder: Builder, values: list[Value], p: Params, eqn: JaxprEqn) -> list[Value]:
    return [power(builder, values[0], int(p["y"]))]


def power(builder: Builder, x: Value, exponent: int) -> Value:
    """Emit an integer power."""
    shape = x.shape
    if exponent == 0:
        return np.ones(shape)
    if exponent == 1:
        return x
    if exponent == 2:
        return builder.elementwise("square", x)
    return builder.emit("power", (builder.operand(x),), shape, exponent=exponent)


def _pow(builder: Builder, values: list[Value], p: Params, eqn: JaxprEqn) -> list[Value]:
    x, y = values
    if not isinstance(y, Symbol) and isinstance(x, Symbol):
        exponents = np.unique(np.asarray(y))
        if len(exponents) == 1 and float(exponents[0]).is_integer() and abs(exponents[0]) < 100:
            return [power(builder, x, int(exponents[0]))]
        if len(exponents) == 1 and exponents[0] == 0.5:
            return [builder.elementwise("sqrt", x)]
    return [builder.elementwise("pow", x, y)]


def _mul(builder: Builder, values: list[Value], p: Params, eqn: JaxprEqn) -> list[Value]:
    x, y = values
    if isinstance(x, Symbol) and isinstance(y, Symbol) and np.array_equal(x.addresses, y.addresses):
        return [builder.elementwise("square", x)]
    return [builder.elementwise("mul", x, y)]


def _one_minus_square(
    builder: Builder, values: list[Value], p: Params, eqn: JaxprEqn
) -> list[Value]:
    """Write 1 - x² as a product, which loses no digits where |x| is near 1."""
    (x,), one = values, np.ones(())
    return [
        builder.elementwise(
            "mul", builder.elementwise("add", one, x), builder.elementwise("sub", one, x)
        )
    ]


def _div(builder: Builder, values: list[Value], p: Params, eqn: JaxprEqn) -> list[Value]:
    x, y = values
    gate = _logistic_argument(builder, y) if _is(x, 1.0) else None
    if gate is not None:  # 1 / (1 + exp(-x)), written out
        return [builder.elementwise("logistic", gate)]
    return [builder.elementwise("div", x, y)]


def _logistic_argument(builder: Builder, denominator: Value) -> Value | None:
    total = builder.producer(denominator)
    if total is None or total.name != "add":
        return None
    for one, rest in (total.operands, total.operands[::-1]):
        if isinstance(one, Constant) and np.all(one.values == 1.0) and isinstance(rest, View):
            growth = builder.producer(Symbol(rest.addresses))
            if growth is not None and growth.name == "exp" and isinstance(growth.operands[0], View):
                argument = growth.operands[0]
                shape = np.shape(
                    denominator.addresses if isinstance(denominator, Symbol) else denominator
                )
                inner = builder.producer(Symbol(argument.addresses))
                if (
                    inner is not None
                    and inner.name == "neg"
                    and isinstance(inner.operands[0], View)
                ):
                    return Symbol(inner.operands[0].addresses.reshape(shape))
                return builder.elementwise("neg", Symbol(argument.addresses.reshape(shape)))
    return None


def _addresses(value: Value) -> np.ndarray:
    return value.addresses if isinstance(value, Symbol) else value


def _is(value: Value, number: float) -> bool:
    return not isinstance(value, Symbol) and bool(np.all(np.asarray(value) == number))


def _add(builder: Builder, values: list[Value], p: Params, eqn: JaxprEqn) -> list[Value]:
    """Recognize max(x, 0) + log1p(exp(-|x|)), which is ``logaddexp(x, 0)`` written out."""
    for rest, tail in (values, values[::-1]):
        names, at = [], tail
        for _ in range(4):
            made = builder.producer(at)
            if made is None or not made.operands or not isinstance(made.operands[0], View):
                break
            names.append(made.name)
            operand = made.operands[0]
            at = Symbol(operand.addresses)
        top = builder.producer(rest)
        if names == ["log1p", "exp", "neg", "abs"] and top is not None and top.name == "max":
            for x, zero in (top.operands, top.operands[::-1]):
                if (
                    isinstance(x, View)
                    and isinstance(zero, Constant)
                    and not zero.values.any()
                    and isinstance(at, Symbol)
                    and np.array_equal(x.addresses, at.addresses.reshape(-1))
                ):
                    return [
                        builder.elementwise("softplus", Symbol(x.addresses.reshape(rest.shape)))
                    ]
    return [builder.elementwise("add", *values)]


def _compared_with_itself(truth: bool, name: str) -> Rule:
    def rule(builder: Builder, values: list[Value], p: Params, eqn: JaxprEqn) -> list[Value]:
        x, y = values
        both = isinstance(x, Symbol) and isinstance(y, Symbol)
        if both and np.array_equal(_addresses(x), _addresses(y)):  # a test for NaN
            return [np.full(x.shape, truth)]
        return [builder.elementwise(name, x, y, kind="b")]

    return rule


def _clamp(builder: Builder, values: list[Value], p: Params, eqn: JaxprEqn) -> list[Value]:
    low, x, high = values
    return [builder.elementwise("min", builder.elementwise("max", x, low), high)]


def _logic(name: str) -> Rule:
    def rule(builder: Builder, values: list[Value], p: Params, eqn: JaxprEqn) -> list[Value]:
        for v in values:
            kind = v.kind if isinstance(v, Symbol) else np.asarray(v).dtype.kind
            if kind != "b":
                raise NoRuleError("on whole numbers")
        return [builder.elementwise(name, *values, kind="b")]

    return rule


def _select(builder: Builder, values: list[Value], p: Params, eqn: JaxprEqn) -> list[Value]:
    which, *cases = values
    return [choose(builder, which, cases)]


def _dot(builder: Builder, values: list[Value], p: Params, eqn: JaxprEqn) -> list[Value]:
    (cx, cy), (bx, by) = p["dimension_numbers"]
    x, y = values

    def arranged(
        v: Value, contracted: Sequence[int], batch: Sequence[int], left: bool
    ) -> tuple[Value, list[int], tuple[int, ...]]:
        shape = v.shape
        free = [i for i in range(len(shape)) if i not in contracted and i not in batch]
        order = [*batch, *free, *contracted] if left else [*batch, *contracted, *free]
        sizes = [int(np.prod([shape[i] for i in g], dtype=int)) for g in (batch, free, contracted)]
        b, f, c = sizes
        to = (b, f, c) if left else (b, c, f)
        return (
            _moved(v, lambda a: np.transpose(a, order).reshape(to)),
            sizes,
            tuple(shape[i] for i in free),
        )

    a, (batch, rows, inner), free_x = arranged(x, cx, bx, True)
    b, (_, columns, _), free_y = arranged(y, cy, by, False)
    out = matrix_product(builder, a, b, batch, rows, inner, columns)
    shape = (*(x.shape[i] for i in bx), *free_x, *free_y)
    return [_reshaped(out, shape)]


def _reduce(builder: Builder, x: Value, axes: tuple[int, ...], name: str) -> Value:
    shape = x.shape
    kept = [i for i in range(len(shape)) if i not in axes]
    result = tuple(shape[i] for i in kept)
    inner = int(np.prod([shape[i] for i in axes], dtype=int))
    rows = int(np.prod(result, dtype=int))
    arranged = _moved(x, lambda a: np.transpose(a, [*kept, *axes]).reshape(rows, inner))
    kind = x.kind if isinstance(x, Symbol) else np.asarray(x).dtype.kind
    if inner == 1:
        return _moved(arranged, lambda a: a.reshape(result))
    if inner == 0:
        raise NoRuleError("of nothing")
    return builder.emit(name, (builder.operand(arranged),), result, shape=(rows, inner), kind=kind)


def _linear(builder: Builder, values: list[Value], eqn: Any) -> Value:
    """Write a linear primitive as a matrix, read off unit vectors."""
    moving = [i for i, v in enumerate(values) if isinstance(v, Symbol)]
    name, p = eqn.primitive.name, eqn.params
    if name == "conv_general_dilated" and len(moving) != 1:
        return _convolution(builder, values, eqn)
    if name == "scatter-add" and 1 in moving:
        raise NoRuleError("its index depends on the state or on a symbol")
    total: Value | None = None
    shape = tuple(eqn.outvars[0].aval.shape)
    for i in [0, 2] if name == "scatter-add" else moving:
        x = values[i]
        size = int(np.prod(x.shape, dtype=int))
        others = [
            np.zeros(v.shape)
            if isinstance(v, Symbol) or (name == "scatter-add" and j in (0, 2))
            else np.asarray(v)
            for j, v in enumerate(values)
        ]

        def column(
            unit: AnyArray,
            i: int = i,
            others: list[np.ndarray] = others,
            to: Sequence[int] = x.shape,
        ) -> AnyArray:
            args = [
                unit.reshape(to) if j == i else jax.numpy.asarray(o) for j, o in enumerate(others)
            ]
            return eqn.primitive.bind(*args, **p)

        with jax.enable_x64(True):
            columns = np.asarray(jax.vmap(column)(np.eye(size)))
        matrix = columns.reshape(size, -1).T[None]
        flat = _reshaped(x, (1, size, 1))
        part = matrix_product(builder, matrix, flat, 1, matrix.shape[1], size, 1)
        part = _reshaped(part, shape)
        total = part if total is None else builder.elementwise("add", total, part)
    assert total is not None
    return total


def _convolution(builder: Builder, values: list[Value], eqn: Any) -> Value:
    """Write the convolution of two arrays that are not known as products and their sums."""
    x, kernel = (builder.symbol(v) for v in values)
    shape = tuple(eqn.outvars[0].aval.shape)
    size, n = int(np.prod(shape, dtype=int)), kernel.addresses.size
    if size * n > _MAX_PRODUCTS:
        raise NoRuleError("both operands depend on the state or on a symbol")

    def places(unit: AnyArray) -> AnyArray:
        # Addresses from 1 on, so that 0 says: nothing of x (the padding).
        return eqn.primitive.bind(
            jax.numpy.asarray(x.addresses + 1.0), unit.reshape(kernel.shape), **eqn.params
        )

    with jax.enable_x64(True):
        found = np.asarray(jax.vmap(places)(np.eye(n))).reshape(n, size).T.astype(np.intp) - 1
    zero = builder.symbol(np.zeros(()))
    taken = Symbol(np.where(found < 0, zero.addresses, found))
    weights = Symbol(np.broadcast_to(kernel.addresses.reshape(1, n), (size, n)))
    products = builder.elementwise("mul", taken, weights)
    return _reshaped(_reduce(builder, products, (1,), "sum"), shape)


_RULES: dict[str, Rule] = {
    "convert_element_type": _convert,
    "round": _round,
    "integer_pow": _integer_pow,
    "pow": _pow,
    "add": _add,
    "add_any": _add,
    "eq": _compared_with_itself(True, "eq"),
    "ne": _compared_with_itself(False, "ne"),
    "mul": _mul,
    "div": _div,
    "one_minus_square": _one_minus_square,
    "clamp": _clamp,
    "and": _logic("and"),
    "or": _logic("or"),
    "xor": _logic("xor"),
    "not": _logic("not"),
    "select_n": _select,
    "dot_general": _dot,
    **MOVING_RULES,
}
