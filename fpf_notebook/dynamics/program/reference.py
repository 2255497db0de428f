"""What the format of programs means, in numpy: the model of every other interpreter."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from fpf_notebook.dynamics.jaxpr.plain import apply
from fpf_notebook.dynamics.program.segments import from_segments


def evaluate_document(
    document: Mapping[str, Any],
    h: Float[np.ndarray, "*lanes n_states"],
    u: Float[np.ndarray, "n_inputs"],
    parameters: Mapping[str, float] | None = None,
) -> dict[str, Float[np.ndarray, "*lanes size"]]:
    """Evaluate a program.

    Parameters
    ----------
    document
        The program as its JSON says it.
    h, u, parameters
        As for `PageProgram.evaluate`.

    Returns
    -------
    dict
        Every output of the program.

    Raises
    ------
    ValueError
        If a size or a name does not fit.
    """
    n, m = document["n_states"], document["n_inputs"]
    states, inputs = np.asarray(h, dtype=float), np.asarray(u, dtype=float)
    if states.ndim == 0 or states.shape[-1] != n:
        raise ValueError(f"h has shape {states.shape}, expected [..., n_states={n}].")
    if inputs.shape != (m,):
        raise ValueError(f"u has shape {inputs.shape}, expected [n_inputs={m}].")
    values = {p["name"]: float(p["value"]) for p in document["parameters"]}
    unknown = set(parameters or {}) - set(values)
    if unknown:
        raise ValueError(
            f"parameters names {', '.join(sorted(unknown))}, expected some of {list(values)}."
        )
    values |= parameters or {}
    lanes = states.shape[:-1]
    flat = states.reshape(-1, n).T
    weights = decode_weights(document["weights"])
    rows = [weights, inputs, np.array(list(values.values()), dtype=float)]
    w, v = (
        np.broadcast_to(r[:, None], (len(r), flat.shape[1]))
        for r in (rows[0], np.concatenate(rows[1:]))
    )
    memory = [w, flat, v]
    size = sum(len(part) for part in memory)
    total = size + sum(op[1] for op in document["operations"])
    cells = np.empty((total, flat.shape[1]))
    cells[:size] = np.concatenate(memory)
    with np.errstate(all="ignore"):
        for name, length, operands, *extra in document["operations"]:
            read = [cells[from_segments(operand)] for operand in operands]
            shape = tuple(extra[0]) if name != "power" and extra else ()
            exponent = int(extra[0]) if name == "power" else 0
            cells[size : size + length] = apply(name, read, shape, exponent)
            size += length
    return {
        name: cells[from_segments(operand)].T.reshape(*lanes, -1)
        for name, operand in document["outputs"].items()
    }


def decode_weights(weights: Mapping[str, Any]) -> Float[np.ndarray, "size"]:
    """Return the numbers of a program.

    Parameters
    ----------
    weights
        The entry ``weights`` of a program.

    Returns
    -------
    numpy.ndarray
        In double precision.
    """
    kind = {"float32": "<f4", "float64": "<f8"}[weights["dtype"]]
    return np.frombuffer(base64.b64decode(weights["data"]), kind).astype(np.float64)
