"""The network of a finder: its model as step maps, traced anew only when the model changed."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from fpf_notebook.dynamics import StepMap, as_step_map
from fpf_notebook.dynamics.fingerprint import Fingerprint, fingerprint
from fpf_notebook.dynamics.step_map import Precision
from fpf_notebook.finder.options import Options

if TYPE_CHECKING:
    from fpf_notebook.finder.request import SearchRequest

__all__ = ["MODEL_OPTIONS", "Source"]

_GIVEN_ON = (
    *("state_vars", "time", "dt", "convention", "batched", "params", "invariant_box"),
    *("readout", "framework"),
)
MODEL_OPTIONS = ("n_states", "n_inputs", *_GIVEN_ON)
"""Options of `as_step_map` that the finder and the explorer hand on."""


class Source:
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
        If there is no option of a name.
    """

    def __init__(
        self,
        model: Any,
        n_states: int | None,
        n_inputs: int | None,
        model_options: dict[str, Any],
    ) -> None:
        _check_model_options(model_options)
        self.model = model
        self._sizes: dict[str, int | None] = {"n_states": n_states, "n_inputs": n_inputs}
        self._model_options = model_options
        self._traced: dict[str, tuple[StepMap, Fingerprint | None]] = {}

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
        wanted = {
            "n_states": self._sizes["n_states"] or n_states,
            "n_inputs": n_inputs if self._sizes["n_inputs"] is None else self._sizes["n_inputs"],
        }
        same = known is not None and all(
            size is None or getattr(known, name) == size for name, size in wanted.items()
        )
        # Arrays that the step holds beside its parameters come from places that are not watched.
        watched = known is not None and not _holds_arrays(known)
        if (
            known is not None
            and same
            and watched
            and then is not None
            and then == fingerprint(self.model, self._model_options)
        ):
            return known
        if known is not None and same:
            step_map = known.with_model(self.model)
        else:
            options: dict[str, Any] = {**wanted, **self._model_options}
            step_map = as_step_map(self.model, dtype=dtype, **options)
        self._traced[dtype] = (step_map, fingerprint(self.model, self._model_options))
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
        options: dict[str, Any] = {**self._sizes, **self._model_options}
        try:
            return as_step_map(self.model, **options)
        except ValueError:
            return None

    def in_single_precision(self, step_map: StepMap) -> StepMap | None:
        """Return the network in single precision, or None where it is given as a step map."""
        if isinstance(self.model, StepMap):
            return None
        return self.step_map(step_map.n_states, step_map.n_inputs, "float32")


def _check_model_options(given: dict[str, Any]) -> None:
    for name in given:
        if name not in _GIVEN_ON:
            import difflib

            known = [field.name for field in dataclasses.fields(Options)]
            near = difflib.get_close_matches(name, [*known, *_GIVEN_ON, "progress"], n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise TypeError(f"FixedPointFinder has no option {name!r}.{hint}")


def _holds_arrays(step_map: StepMap) -> bool:
    return isinstance(step_map.params, dict) and set(step_map.params) == {"given", "held"}
