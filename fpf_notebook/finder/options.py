"""The options of a search, checked before any work starts."""

from __future__ import annotations

import contextlib
import numbers
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.finder.solvers import METHODS, Solver

__all__ = ["METHODS", "Method", "Options"]

Method: TypeAlias = Literal["newton", "joint", "sequential"] | Solver


@dataclass(frozen=True)
class Options:
    """Settings of `FixedPointFinder`, which documents them; every one is checked here.

    Raises
    ------
    ValueError, TypeError
        Naming the option, what was given and what is expected.
    """

    method: Method = "newton"
    max_iters: int = 5000
    tol_q: float = 1e-12
    tol_dq: float = 1e-20
    lr_init: float = 1.0
    lr_factor: float = 0.95
    lr_patience: int = 5
    lr_cooldown: int = 0
    tol_unique: float = 1e-3
    do_exclude_distance_outliers: bool = False
    outlier_distance_scale: float = 10.0
    do_rerun_q_outliers: bool = False
    outlier_q_scale: float = 10.0
    max_n_unique: float = np.inf
    final_q_threshold: float = 1e-8
    do_compute_jacobians: bool = True
    do_decompose_jacobians: bool = True
    dtype: Literal["float64", "float32"] = "float64"
    random_seed: int = 0
    verbose: bool = False
    super_verbose: bool = False
    n_iters_per_print_update: int = 100
    marginal_tol: float = 1e-6
    tol_slope: float = 1e-2
    dense_limit: int = 512
    max_memory: int = 512_000_000
    search_tol_q: float | None = None
    n_runs: int = 64
    do_follow_curves: bool = True

    def __post_init__(self) -> None:
        """Check every option and bring it to its type."""
        if not isinstance(self.method, Solver):
            _one_of("method", self.method, METHODS)
        dtype = self.dtype
        if not isinstance(dtype, str):
            with contextlib.suppress(TypeError):  # not a type at all: refused by name below
                dtype = np.dtype(dtype).name  # type: ignore[assignment]
        _one_of("dtype", dtype, ("float64", "float32"))
        object.__setattr__(self, "dtype", dtype)
        for name in ("max_iters", "lr_patience", "n_iters_per_print_update", "max_memory"):
            self._number(name, integer=True, low=1)
        for name in ("lr_cooldown", "dense_limit", "random_seed", "n_runs"):
            self._number(name, integer=True, low=0)
        for name in ("tol_q", "tol_dq", "final_q_threshold", "marginal_tol", "tol_slope"):
            self._number(name, low=0.0)
        for name in ("lr_init", "tol_unique", "outlier_distance_scale", "outlier_q_scale"):
            self._number(name, low=0.0, strict=True)
        if self.search_tol_q is not None:
            self._number("search_tol_q", low=0.0)
        self._number("lr_factor", low=0.0, strict=True, high=1.0)
        if self.max_n_unique != np.inf:
            self._number("max_n_unique", integer=True, low=1)
        for field in fields(self):
            if field.type == "bool":
                value = getattr(self, field.name)
                if not isinstance(value, bool | np.bool_):
                    raise TypeError(f"{field.name} is {value!r}, expected True or False.")

    def to_dict(self) -> JsonObject:
        """Return plain values by name; a solver of one's own as its name."""
        given = {item.name: getattr(self, item.name) for item in fields(self)}
        method = self.method
        return {**given, "method": method if isinstance(method, str) else method.name}

    @property
    def newton_tol_q(self) -> float:
        """The q to which Newton's method carries a lane."""
        return self.tol_q if self.search_tol_q is None else self.search_tol_q

    def _number(
        self,
        name: str,
        *,
        low: float,
        strict: bool = False,
        high: float = np.inf,
        integer: bool = False,
    ) -> None:
        value: Any = getattr(self, name)
        kind = "a whole number" if integer else "a number"
        bounds = f"{'above' if strict else 'of at least'} {low:g}"
        if high != np.inf:
            bounds += f" and at most {high:g}"
        ok = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if ok and integer:
            ok = float(value).is_integer()
        if not ok:
            raise TypeError(f"{name} is {value!r}, expected {kind} {bounds}.")
        if not (low < value if strict else low <= value) or not value <= high:
            raise ValueError(f"{name} is {value!r}, expected {kind} {bounds}.")
        object.__setattr__(self, name, int(value) if integer else float(value))


def _one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}, expected one of {', '.join(map(repr, allowed))}.")
