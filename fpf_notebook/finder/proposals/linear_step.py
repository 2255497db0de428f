"""The fixed point of a linear step, in exact arithmetic.

Where I - J is so near to singular that Newton's method cannot tell the point from its surroundings,
and the network itself leaves it for millions of steps before it comes back, a step that is linear
(affine) can still be solved: in fractions, which do not round.

That a matrix of doubles is regular says nothing where only their rounding makes it so, as for the
weights of a line attractor: an eigenvalue of J that is 1 to the last digits. Such a step keeps its
line of points. (The eigenvalues of a chain are blurred, too, but not all to the same place.)
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from fpf_notebook.finder.evaluation import evaluate, jacobians_at, residuals

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap

__all__ = ["solve_linear_step"]

_MOST = 24  # units: fractions grow with each elimination, to a second
_SAFETY = 16
_WELL = 1e6  # condition of a matrix that doubles are enough for
_N_PROBES = 3
_REACH = 1e3
_ROUNDED = 1e-9  # relative: what is left of the residual of a point that solves the step


def solve_linear_step(
    step_map: StepMap, u: Float[np.ndarray, "n_inputs"]
) -> Float[np.ndarray, "n_states"] | None:
    """Return the fixed point of a step that is linear in the state.

    Parameters
    ----------
    step_map : StepMap
        The network.
    u : array, [n_inputs]
        The constant input.

    Returns
    -------
    array, [n_states], or None
        The solution, for the coefficients as they are: the nearest doubles where I - J is near to
        singular. None where the Jacobian is not the same everywhere (as far as a few states tell),
        or I - J is singular, exactly or because an eigenvalue is zero to the last digits.

    Examples
    --------
    >>> import jax.numpy as jnp, numpy as np
    >>> from fpf_notebook import as_step_map
    >>> from fpf_notebook.finder.proposals.linear_step import solve_linear_step
    >>> linear = as_step_map(lambda h: 0.5 * h + 1.0, n_states=2, n_inputs=0, batched=False)
    >>> solve_linear_step(linear, np.zeros(0)).tolist()
    [2.0, 2.0]
    """
    n = step_map.n_states
    if n > _MOST:
        return None
    rng = np.random.default_rng(0)
    x = np.concatenate([np.zeros((1, n)), _REACH * rng.standard_normal((_N_PROBES, n))])
    inputs = np.repeat(np.asarray(u, dtype=np.float64)[None], len(x), axis=0)
    jacobians, _ = jacobians_at(step_map, x, inputs)
    if not np.isfinite(jacobians).all() or (jacobians != jacobians[0]).any():
        return None
    at_zero = evaluate(step_map, x[:1], inputs[:1])[0]
    if not np.isfinite(at_zero).all():
        return None
    identity = 0 if step_map.time == "continuous" else 1
    matrix = identity * np.eye(n) - jacobians[0]
    last_digits = _SAFETY * n * np.finfo(np.float64).eps * np.linalg.norm(jacobians[0])
    if np.abs(np.linalg.eigvals(matrix)).min(initial=np.inf) <= last_digits:
        return None
    if np.linalg.cond(matrix) < _WELL:
        return np.linalg.solve(matrix, at_zero)
    rows = [
        [Fraction(identity * (i == j)) - Fraction(float(a)) for j, a in enumerate(row)]
        + [Fraction(float(at_zero[i]))]
        for i, row in enumerate(jacobians[0])
    ]
    solution = _eliminated(rows)
    if solution is None:
        return None
    point = np.array([float(value) for value in solution])
    rest = np.abs(residuals(step_map, point[None], inputs[:1])).max(initial=0.0)
    return point if rest <= _ROUNDED * (1.0 + np.abs(point).max(initial=0.0)) else None


def _eliminated(rows: list[list[Fraction]]) -> list[Fraction] | None:
    """Solve by Gauss and Jordan; None if the matrix is singular."""
    n = len(rows)
    for k in range(n):
        pivot = next((i for i in range(k, n) if rows[i][k]), None)
        if pivot is None:
            return None
        rows[k], rows[pivot] = rows[pivot], rows[k]
        inverse = 1 / rows[k][k]
        rows[k] = [value * inverse for value in rows[k]]
        for i in range(n):
            factor = rows[i][k]
            if i != k and factor:
                rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k], strict=True)]
    return [row[-1] for row in rows]
