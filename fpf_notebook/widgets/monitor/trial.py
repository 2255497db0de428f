"""An example trial as the browser draws it."""

from __future__ import annotations

import numpy as np

from fpf_notebook._types import JsonObject


def trial_scene(
    inputs: np.ndarray | None, targets: np.ndarray | None, outputs: np.ndarray | None
) -> JsonObject:
    """Return lanes of input, target and output, one for each output channel.

    Parameters
    ----------
    inputs, targets, outputs
        [time, channel], or None. Each kind is scaled by its largest value.
    """
    given = [np.asarray(a, dtype=np.float64) for a in (inputs, targets, outputs) if a is not None]
    if not given:
        return {"time": np.zeros(0), "channels": []}
    n_time = given[0].shape[0]
    rows = max(a.shape[1] for a in given)
    both = [np.abs(a).max(initial=0) for a in (targets, outputs) if a is not None]
    scale = max([*map(float, both), 1e-9])

    def lane(array: np.ndarray | None, k: int, size: float) -> np.ndarray | None:
        if array is None or k >= array.shape[1]:
            return None
        return np.clip(np.asarray(array)[:, k] / size, -1.3, 1.3)

    top = 1.0 if inputs is None else max(float(np.abs(inputs).max(initial=0)), 1e-9)
    channels = [
        {
            "name": str(k + 1),
            "input": lane(inputs, k, top),
            "target": lane(targets, k, scale),
            "output": lane(outputs, k, scale),
        }
        for k in range(min(rows, 8))
    ]
    return {"time": np.arange(n_time), "channels": channels}
