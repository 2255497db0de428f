"""The options of a search, checked before any work starts."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, TypeAlias

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.arguments import checked_argument
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
    dense_limit: int = 2048
    max_memory: int = 512_000_000
    search_tol_q: float | None = None
    n_runs: int = 64
    do_follow_curves: bool = True
    do_find_manifolds: bool = True

    def __post_init__(self) -> None:
        """Check every option and bring it to its type."""
        if isinstance(self.dtype, type | np.dtype):
            object.__setattr__(self, "dtype", np.dtype(self.dtype).name)
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name == "method" and isinstance(value, Solver):
                continue
            checked = checked_argument("FixedPointFinder", item.name, value)
            object.__setattr__(self, item.name, checked)

    def to_dict(self) -> JsonObject:
        """Return plain values by name; a solver of one's own as its name."""
        given = {item.name: getattr(self, item.name) for item in fields(self)}
        method = self.method
        return {**given, "method": method if isinstance(method, str) else method.name}

    @property
    def newton_tol_q(self) -> float:
        """The q to which Newton's method carries a lane."""
        return self.tol_q if self.search_tol_q is None else self.search_tol_q
