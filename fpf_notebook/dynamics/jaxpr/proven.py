"""The box of a model that brings none of its own: proven from its step."""

from __future__ import annotations

import dataclasses
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

from fpf_notebook._types import AnyFunction
from fpf_notebook.dynamics.jaxpr.boxes import InvariantBox, invariant_box

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap

_MAX_STATES = 2048
_MAX_OPERATIONS = 1000
_MAX_KEPT = 64


def with_proven_box(step_map: StepMap) -> StepMap:
    """Give a step map without a box the one that can be proven quickly, if there is one.

    Parameters
    ----------
    step_map
        The step map. Nothing happens if it has a box.

    Returns
    -------
    StepMap
        With ``box`` and ``box_reason``; without a box, the reason says also what stands in the way
        of a proof.
    """
    if step_map.box is not None or step_map.n_states > _MAX_STATES:
        return step_map
    box = ProvenBox(step_map)
    # A step may be bounded under one input and not under another (a gain that is an input, say):
    # who has a box has it under each of these.
    shape = (step_map.n_inputs,)
    inputs = [np.zeros(shape), np.ones(shape), -np.ones(shape)]
    inputs.append(np.random.default_rng(0).normal(size=shape))
    for u in inputs:
        found = box.found(step_map.params, u)
        if not found.whole:
            # A box that holds some of the points only would keep a search from the others.
            why = found.reason
            if found.low is not None:
                why = f"a box is not left ({why}), but may not hold all fixed points"
            where = "" if not u.any() else f"under the input {np.round(u[:4], 3).tolist()}: "
            reasons = [step_map.box_reason, where + why]
            return dataclasses.replace(step_map, box_reason="; ".join(filter(None, reasons)))
    reason = f"proven from the step by interval arithmetic: {found.reason}"
    function: AnyFunction = (
        box  # unlike others it may say None, for an input under which there is no box
    )
    return dataclasses.replace(step_map, box=function, box_reason=reason)


class ProvenBox:
    """A box as a function of parameters and input, worked out anew for each input.

    Parameters
    ----------
    step_map
        The step map whose step is looked at.
    """

    on_host = True  # it works on numbers: not to be traced

    def __init__(self, step_map: StepMap) -> None:
        self._step_map = dataclasses.replace(step_map, box=None)
        self.identity = f"proven from {step_map.signature}"
        # The parameters stand in the entry too: as long as it lives, their address is theirs.
        self._kept: OrderedDict[tuple[int, bytes], tuple[object, InvariantBox]] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, params: Any, u: Any) -> tuple[np.ndarray, np.ndarray] | None:
        """Return ``(low, high)``, widened by a hair, or None if no box is found for this input."""
        found = self.found(params, u)
        if found.low is None:
            return None
        low, high = found.widened()
        if self._step_map.precision == "float32":  # whose rounding is no part of the proof
            hair = 2.0**-20 * np.maximum(1.0, np.maximum(np.abs(low), np.abs(high)))
            low, high = low - hair, high + hair
        return low.astype(self._step_map.dtype), high.astype(self._step_map.dtype)

    def proven_again(self, step_map: StepMap) -> StepMap:
        """Return a step map of the same step and other parameters with its own box, or none."""
        return with_proven_box(dataclasses.replace(step_map, box=None, box_reason=""))

    def found(self, params: object, u: object) -> InvariantBox:
        """Return the box, or the reason why there is none.

        Parameters
        ----------
        params
            The parameters of the step map.
        u
            The input.

        Returns
        -------
        InvariantBox
            What was found; kept for the next call.
        """
        inputs = np.asarray(u, dtype=float)
        key = (id(params), inputs.tobytes())
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None:
            return kept[1]
        step_map = dataclasses.replace(self._step_map, params=params)
        found = invariant_box(step_map, inputs, quick=True, max_operations=_MAX_OPERATIONS)
        with self._lock:
            self._kept[key] = (params, found)
            while len(self._kept) > _MAX_KEPT:
                self._kept.popitem(last=False)
        return found
