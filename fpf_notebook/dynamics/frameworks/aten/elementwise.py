"""Operators of ATen that act on each number by itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from fpf_notebook.dynamics.frameworks.aten.rules import Number, Operand, Value, rule

_UNARY: dict[str, Callable[[Value], Value]] = {
    "acos": jnp.arccos,
    "acosh": jnp.arccosh,
    "asin": jnp.arcsin,
    "asinh": jnp.arcsinh,
    "atan": jnp.arctan,
    "atanh": jnp.arctanh,
    "bitwise_not": jnp.bitwise_not,
    "ceil": jnp.ceil,
    "cos": jnp.cos,
    "cosh": jnp.cosh,
    "erf": lax.erf,
    "exp": jnp.exp,
    "expm1": jnp.expm1,
    "floor": jnp.floor,
    "isinf": jnp.isinf,
    "isnan": jnp.isnan,
    "log": jnp.log,
    "log10": jnp.log10,
    "log1p": jnp.log1p,
    "log2": jnp.log2,
    "logical_not": jnp.logical_not,
    "neg": jnp.negative,
    "reciprocal": lambda x: 1 / x,
    "relu": jax.nn.relu,  # derivative 0 in 0, as in PyTorch
    "round": jnp.round,
    "rsqrt": lax.rsqrt,
    "sigmoid": lax.logistic,
    "sign": jnp.sign,
    "silu": lambda x: x * lax.logistic(x),
    "sin": jnp.sin,
    "sinh": jnp.sinh,
    "sqrt": jnp.sqrt,
    "tan": jnp.tan,
    "tanh": jnp.tanh,
    "trunc": jnp.trunc,
}
_BINARY: dict[str, Callable[[Operand, Operand], Value]] = {
    "atan2": jnp.arctan2,
    "bitwise_and": jnp.bitwise_and,
    "bitwise_or": jnp.bitwise_or,
    "bitwise_xor": jnp.bitwise_xor,
    "eq": jnp.equal,
    "fmod": jnp.fmod,
    "ge": jnp.greater_equal,
    "gt": jnp.greater,
    "le": jnp.less_equal,
    "logical_and": jnp.logical_and,
    "logical_or": jnp.logical_or,
    "logical_xor": jnp.logical_xor,
    "lt": jnp.less,
    "maximum": jnp.maximum,
    "minimum": jnp.minimum,
    "mul": jnp.multiply,
    "ne": jnp.not_equal,
    "remainder": jnp.remainder,
}
_ALSO = (
    "add.Tensor add.Scalar sub.Tensor sub.Scalar rsub.Tensor rsub.Scalar div.Tensor div.Scalar "
    "div.Tensor_mode div.Scalar_mode pow.Tensor_Scalar pow.Tensor_Tensor pow.Scalar where.self "
    "where.ScalarOther where.ScalarSelf where.Scalar clamp.default clamp.Tensor clamp_min.default "
    "clamp_min.Tensor clamp_max.default clamp_max.Tensor hardtanh.default leaky_relu.default "
    "abs.default elu.default softplus.default gelu.default"
)
_KINDS = ("default", "Tensor", "Scalar")
ELEMENTWISE = frozenset(
    [
        *(f"{name}.default" for name in _UNARY),
        *(f"{name}.{kind}" for name in _BINARY for kind in _KINDS),
        *_ALSO.split(),
    ]
)
"""Operators that act on each number by itself: axes of length one are nothing to them."""

for _name, _function in _UNARY.items():
    rule(f"{_name}.default")(_function)
for _name, _binary in _BINARY.items():
    rule(*(f"{_name}.{kind}" for kind in _KINDS))(_binary)


@rule("add.Tensor", "add.Scalar")
def _add(x: Operand, y: Operand, alpha: Number = 1) -> Value:
    return jnp.add(x, y if alpha == 1 else alpha * y)


@rule("sub.Tensor", "sub.Scalar")
def _sub(x: Operand, y: Operand, alpha: Number = 1) -> Value:
    return jnp.subtract(x, y if alpha == 1 else alpha * y)


@rule("rsub.Tensor", "rsub.Scalar")
def _rsub(x: Operand, y: Operand, alpha: Number = 1) -> Value:
    return _sub(y, x, alpha)


@rule("div.Tensor", "div.Scalar", "div.Tensor_mode", "div.Scalar_mode")
def _div(x: Operand, y: Operand, rounding_mode: str | None = None) -> Value:
    if rounding_mode == "floor":
        return jnp.floor_divide(x, y)
    quotient = jnp.true_divide(x, y)
    return quotient if rounding_mode is None else jnp.trunc(quotient)


@rule("pow.Tensor_Scalar", "pow.Tensor_Tensor", "pow.Scalar")
def _pow(x: Operand, y: Operand) -> Value:
    if isinstance(y, float) and y.is_integer() and abs(y) < 64:
        y = int(y)  # whole powers are known of negative numbers as well
    return jnp.power(x, y)


@rule("where.self", "where.ScalarOther", "where.ScalarSelf", "where.Scalar")
def _where(condition: Value, x: Operand, y: Operand) -> Value:
    return jnp.where(condition, x, y)


@rule("clamp.default", "clamp.Tensor", "clamp_min.default", "clamp_min.Tensor")
def _clamp(x: Value, low: Operand | None = None, high: Operand | None = None) -> Value:
    bounds = [
        np.inf * sign if b is None else b for b, sign in zip((low, high), (-1, 1), strict=True)
    ]
    low, high = (jnp.asarray(b, x.dtype) for b in bounds) if _is_float(x) else (low, high)
    return _between(x, low, high) if _is_float(x) else jnp.clip(x, low, high)


@rule("clamp_max.default", "clamp_max.Tensor")
def _clamp_max(x: Value, high: Operand) -> Value:
    return _clamp(x, None, high)


@rule("hardtanh.default", "hardtanh_.default", "relu6.default")
def _hardtanh(x: Value, low: Number = -1, high: Number = 1) -> Value:
    return _cut(x, float(low), float(high))


@rule("abs.default")
def _absolute(x: Value) -> Value:
    return _abs(x) if _is_float(x) else jnp.abs(x)


@rule("leaky_relu.default")
def _leaky_relu(x: Value, slope: Number = 0.01) -> Value:
    return jnp.where(x > 0, x, slope * x)


@rule("elu.default")
def _elu(x: Value, alpha: Number = 1, scale: Number = 1, input_scale: Number = 1) -> Value:
    # The exponential of what is not negative is not needed, and its derivative may be infinite.
    negative = jnp.where(x > 0, 0.0, x)
    return jnp.where(x > 0, scale * x, scale * alpha * jnp.expm1(input_scale * negative))


@rule("softplus.default")
def _softplus(x: Value, beta: Number = 1, threshold: Number = 20) -> Value:
    # Above the threshold PyTorch returns x, which is less than 1e-8 away.
    return jnp.where(x * beta > threshold, x, jax.nn.softplus(x * beta) / beta)


@rule("gelu.default")
def _gelu(x: Value, approximate: str = "none") -> Value:
    return jax.nn.gelu(x, approximate=approximate == "tanh")


@rule("log_sigmoid_forward.default")
def _log_sigmoid(x: Value) -> tuple[Value, Value]:
    return jax.nn.log_sigmoid(x), jnp.zeros_like(x)  # the second is for the way back


def _is_float(x: Value) -> bool:
    return bool(jnp.issubdtype(x.dtype, np.floating))


# PyTorch differs from JAX, and from itself, in the derivative on the very edge. It matters: the
# zero state of a network without biases lies there.
@jax.custom_jvp
def _abs(x: Value) -> Value:
    return jnp.abs(x)


@_abs.defjvp
def _abs_jvp(primals: tuple[Value], tangents: tuple[Value]) -> tuple[Value, Value]:
    return jnp.abs(primals[0]), jnp.sign(primals[0]) * tangents[0]


@jax.custom_jvp
def _between(x: Value, low: Value, high: Value) -> Value:
    return jnp.minimum(jnp.maximum(x, low), high)


@_between.defjvp
def _between_jvp(
    primals: tuple[Value, Value, Value], tangents: tuple[Value, Value, Value]
) -> tuple[Value, Value]:
    x, low, high = primals
    moved, below, above = (jnp.broadcast_to(t, jnp.shape(x)) for t in tangents)
    change = jnp.where(x < low, below, jnp.where(x > high, above, moved))
    return _between(x, low, high), change


@partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _cut(x: Value, low: float, high: float) -> Value:
    return jnp.minimum(jnp.maximum(x, low), high)


@_cut.defjvp
def _cut_jvp(
    low: float, high: float, primals: tuple[Value], tangents: tuple[Value]
) -> tuple[Value, Value]:
    inside = (primals[0] > low) & (primals[0] < high)
    return _cut(primals[0], low, high), jnp.where(inside, tangents[0], 0.0)
