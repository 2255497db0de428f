"""The different constant inputs of a search."""

from __future__ import annotations

import numpy as np

__all__ = ["distinct_inputs"]


def distinct_inputs(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the different rows, in order, and for each row which of them it is.

    Parameters
    ----------
    inputs : array, [n, n_inputs]
        The input of each initial state, as a rule the same for all.

    Returns
    -------
    distinct : array, [n_conditions, n_inputs]
    which : array of int, [n]
    """
    if len(inputs) and (inputs == inputs[0]).all():  # far quicker than sorting them
        return inputs[:1].copy(), np.zeros(len(inputs), dtype=np.intp)
    distinct, which = np.unique(inputs, axis=0, return_inverse=True)
    return distinct, which.ravel()
