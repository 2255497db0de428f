"""The network of a finder: its model as step maps, traced anew only when the model changed."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from fpf_notebook._types import JsonObject
from fpf_notebook.dynamics import StepMap, StepOptions, check_model
from fpf_notebook.dynamics.adapt import step_map_of
from fpf_notebook.dynamics.fingerprint import Fingerprint, fingerprint
from fpf_notebook.dynamics.state_form import form_of
from fpf_notebook.dynamics.step_map import Precision
from fpf_notebook.dynamics.step_options import STEP_OPTION_NAMES
from fpf_notebook.finder.options import Options

if TYPE_CHECKING:
    from fpf_notebook.finder.request import SearchRequest

__all__ = ["MODEL_OPTIONS", "TracedModel"]

MODEL_OPTIONS = tuple(name for name in STEP_OPTION_NAMES if name != "dtype")
"""Options of `as_step_map` that the finder and the explorer hand on."""


class TracedModel:
    """A model, with the options of `as_step_map`.

    Parameters
    ----------
    model : object
        What `as_step_map` takes.
    n_states, n_inputs : int, optional
        Sizes.
    model_options : dict
        Further options of `as_step_map`.

    Raises
    ------
    TypeError
        If the model cannot be one, or there is no option of a name.
    ValueError
        If an option has a wrong value.

    Attributes
    ----------
    options : StepOptions
        All of them.
    """

    def __init__(
        self,
        model: object,
        n_states: object,
        n_inputs: int | None,
        model_options: JsonObject,
    ) -> None:
        check_model(model)
        own = [*(field.name for field in dataclasses.fields(Options)), "progress"]
        if "dtype" in model_options:  # the finder itself searches in both
            raise TypeError("FixedPointFinder has no option 'dtype'.")
        given = {"n_states": n_states, "n_inputs": n_inputs, **model_options}
        self.options = StepOptions.of("FixedPointFinder", given, own)
        self.model = model
        self._traced: dict[str, tuple[StepMap, Fingerprint | None]] = {}

    def __getstate__(self) -> JsonObject:
        """Return what is pickled: where it arrives, the model is traced anew."""
        return {**vars(self), "_traced": {}}

    def step_map(
        self,
        n_states: int | None = None,
        n_inputs: int | None = None,
        dtype: Precision = "float64",
    ) -> StepMap:
        """Return the network with the weights that the model has now."""
        if isinstance(self.model, StepMap):
            return self.model
        known, then = self._traced.get(dtype, (None, None))
        own = self.options
        wanted = own.changed(
            n_states=n_states if own.n_states is None else own.n_states,
            n_inputs=n_inputs if own.n_inputs is None else own.n_inputs,
            dtype=dtype,
        )
        if known is None or not _same_sizes(known, wanted):
            step_map = step_map_of(self.model, wanted)
        elif not _holds_arrays(known) and then and then == fingerprint(self.model, own):
            return known
        else:
            step_map = known.with_model(self.model)
        self._traced[dtype] = (step_map, fingerprint(self.model, own))
        return step_map

    def step_map_for(self, request: SearchRequest) -> StepMap:
        """Return the network that a request is for, once its data have been found to fit.

        Raises
        ------
        ValueError
            If they do not; where the model tells its sizes, it names the data at fault.
        """
        try:
            step_map = self.step_map(request.n_states, request.n_inputs)
        except ValueError:
            by_itself = self.as_it_says()
            if by_itself is not None:
                request.check_fits(by_itself)  # rather name the data than the model
            raise
        request.check_fits(step_map)
        return step_map

    def as_it_says(self) -> StepMap | None:
        """Return the network with the sizes that it tells itself, or None if it tells none."""
        try:
            return step_map_of(self.model, self.options)
        except ValueError:
            return None

    def in_single_precision(self, step_map: StepMap) -> StepMap | None:
        """Return the network in single precision, or None where it is given as a step map."""
        if isinstance(self.model, StepMap):
            return None
        return self.step_map(step_map.n_states, step_map.n_inputs, "float32")


def _same_sizes(known: StepMap, wanted: StepOptions) -> bool:
    n_states = None if wanted.n_states is None else form_of(wanted.n_states).n_states
    return n_states in (None, known.n_states) and wanted.n_inputs in (None, known.n_inputs)


def _holds_arrays(step_map: StepMap) -> bool:
    # They come from places that are not watched.
    return isinstance(step_map.params, dict) and set(step_map.params) == {"given", "held"}
