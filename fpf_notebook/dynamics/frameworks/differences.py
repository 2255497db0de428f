"""Jacobians of a step on the host by differences, where its own derivatives leave a part out.

A number of NumPy or of Python that a module makes of its tensors has no derivative for PyTorch: the
Jacobian that it gives is that of another map.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fpf_notebook.dynamics.frameworks.bridge import Host, Parameters
from fpf_notebook.dynamics.step_map import Precision

_ROWS = 4096  # at once


def leaves_out(
    host: Host, params: Parameters, n_states: int, n_inputs: int, work: Precision
) -> bool:
    """Say whether the Jacobians of a host are not those of what it computes.

    Parameters
    ----------
    host
        The step.
    params
        Its parameters.
    n_states, n_inputs
        Sizes.
    work
        The precision in which it computes.

    Returns
    -------
    bool
        True only where differences of two lengths agree with each other, and not with it: next to
        a jump or a corner they do not agree, and nothing is said.
    """
    rng = np.random.default_rng(6)
    h, u = (rng.uniform(-0.6, 0.6, (2, n)).astype(work) for n in (n_states, n_inputs))
    theirs = np.concatenate(host.jacobians(params, h, u), axis=2)
    near, far = (
        np.concatenate(_differences(host, params, h, u, length), axis=2)
        for length in (_length(work), 3 * _length(work))
    )
    close = 1e-5 if work == "float64" else 2e-2
    size = close * (1 + np.abs(near).max(initial=0))
    same = np.isclose(near, far, rtol=0, atol=size)
    return bool((same & ~np.isclose(theirs, near, rtol=0, atol=3 * size)).any())


def by_differences(host: Host, work: Precision) -> Host:
    """Return a host whose Jacobians are central differences of its values.

    Parameters
    ----------
    host
        The step.
    work
        The precision in which it computes: they are good to ten digits in double precision, and to
        three in single.
    """

    def jacobians(
        params: Parameters, h: np.ndarray, u: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        return _differences(host, params, h, u, _length(work))

    return host._replace(jacobians=jacobians)


def _length(work: Precision) -> float:
    return 6e-6 if work == "float64" else 1e-2


def _differences(
    host: Host, params: Parameters, h: np.ndarray, u: np.ndarray, length: float
) -> tuple[np.ndarray, np.ndarray]:
    point = np.concatenate([h, u], axis=1)
    n_batch, n = point.shape
    steps = np.eye(n, dtype=point.dtype) * length * (1 + np.abs(point))[:, None]
    moved = np.concatenate([point[:, None] + steps, point[:, None] - steps], axis=1)
    rows = moved.reshape(n_batch * 2 * n, n)
    found = [
        np.concatenate(host.call(params, *_parts(rows[i : i + _ROWS], h.shape[1])), axis=1)
        for i in range(0, len(rows), _ROWS)
    ]
    values = np.concatenate(found).reshape(n_batch, 2, n, -1)
    # What was really added, after rounding.
    lengths = np.diagonal(moved[:, :n] - moved[:, n:], axis1=1, axis2=2)
    slopes = (values[:, 0] - values[:, 1]) / lengths[..., None]
    by_h, by_u = np.split(np.swapaxes(slopes, 1, 2).astype(point.dtype), [h.shape[1]], axis=2)
    return by_h, by_u


def _parts(rows: np.ndarray, n_states: int) -> Sequence[np.ndarray]:
    return [np.ascontiguousarray(part) for part in np.split(rows, [n_states], axis=1)]
