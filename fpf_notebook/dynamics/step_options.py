"""The options of a step map, declared once."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.dynamics.parameter_names import Convention
from fpf_notebook.dynamics.step_map import Precision, PyTree, Time

Sizes: TypeAlias = int | Sequence[Any] | Mapping[str, Any]
"""One length, or a tree of lengths: that of a state of several arrays."""


@dataclass(frozen=True, eq=False)
class StepOptions:
    """How a model is to be read as a step.

    Checked when they are made; what they mean for a model is found out by
    :func:`fpf_notebook.as_step_map`, which takes each of them by name.

    Parameters
    ----------
    n_states, n_inputs
        Lengths of the flat state and of the input. Needed where the model does not tell them. For a
        state of several arrays, a tree of lengths (or of arrays of the right shapes):
        ``n_states={"v": 10, "w": 10}`` or ``n_states=(64, 64)``.
    state_vars
        For a model that keeps its state in Variables: which ones, by name or as objects. Default:
        every Variable that the step changes and that is not a parameter.
    time
        ``"discrete"`` (default): the step is a map, h -> F(h, u). ``"continuous"``: it is a flow.
        A function then returns dh/dt; of a model that integrates by ``bp.odeint``, the derivative
        is taken in place of the step, whatever the method of integration.
    dt
        Duration of one step, in the unit of your choice, for time constants and frequencies.
        Default: that of the model's integrator, if it has one.
    convention
        ``"input_state"`` or ``"state_input"``, the order of the arguments of what is called.
        Default: found out by probing, then by the names of the parameters; where neither tells it,
        it is asked for.
    batched
        For a function: whether its arguments have a leading batch axis. Default: found out by
        probing.
    params
        For a function: its parameters, passed as the first argument. New ones of the same shapes
        can be given later without compiling anew. For a cell of Flax linen: its variables.
    invariant_box
        ``(low, high)``, numbers or arrays, or a function of the input that returns them: a box
        that the step does not leave. Checked by probing. Default: the model's own, if it has one.
    dtype
        ``"float64"`` (default) or ``"float32"``, the precision in which the step is traced.
    readout
        For a recurrent module of a framework: what computes the network's output from that of the
        module. A linear layer of the same framework, arrays ``(W, b)`` with W [n_outputs,
        n_hidden], or a JAX function.
    framework
        ``"torch"``, ``"tensorflow"``: the model is a function of the tensors of this framework.
        Needed for plain functions only; default: that of the model's class, and JAX for functions.

    Raises
    ------
    ValueError
        If one has a wrong value.

    Examples
    --------
    >>> StepOptions(n_states=4, time="continuous").dtype
    'float64'
    """

    n_states: Sizes | None = None
    n_inputs: int | None = None
    state_vars: str | Sequence[object] | None = None
    time: Time = "discrete"
    dt: float | None = None
    convention: Convention | None = None
    batched: bool | None = None
    params: PyTree | None = field(default=None, repr=False)
    invariant_box: object = field(default=None, repr=False)
    dtype: Precision = "float64"
    readout: Any = field(default=None, repr=False)
    framework: str | None = None

    def __post_init__(self) -> None:
        """Check what can be checked without a model."""
        for label, size, least in (("n_states", self.n_states, 1), ("n_inputs", self.n_inputs, 0)):
            tree = label == "n_states" and isinstance(size, tuple | list | Mapping)
            if size is None or tree:
                continue
            if isinstance(size, bool) or not isinstance(size, numbers.Integral) or size < least:
                raise ValueError(f"{label} is {size!r}, expected an integer of at least {least}.")
        if self.time not in ("discrete", "continuous"):
            raise ValueError(
                f"time is {self.time!r}, expected 'discrete' (a map) or 'continuous' (a flow)."
            )
        if self.dtype not in ("float64", "float32"):
            raise ValueError(f"dtype is {self.dtype!r}, expected 'float64' or 'float32'.")
        if self.dt is not None and not _is_positive(self.dt):
            raise ValueError(f"dt is {self.dt!r}, expected a positive number or None.")
        if self.convention not in (None, "input_state", "state_input"):
            raise ValueError(
                f"convention is {self.convention!r}, expected 'input_state' for "
                "f(input, state) -> (output, next_state), 'state_input' for "
                "F(state, input) -> next_state, or None to find out."
            )
        if self.batched not in (None, True, False):
            raise ValueError(f"batched is {self.batched!r}, expected True, False or None.")
        if self.framework not in (None, "torch", "tensorflow"):
            raise ValueError(
                f"framework is {self.framework!r}, expected 'torch' or 'tensorflow', for a "
                "function of tensors, or None: modules tell theirs, and a function is taken as one "
                "of JAX."
            )

    @classmethod
    def of(cls, owner: str, given: JsonObject, also: Sequence[str] = ()) -> StepOptions:
        """Make options of keywords.

        Parameters
        ----------
        owner
            Who was called with them, for the message.
        given
            The keywords.
        also
            Names of the owner's other options, for the suggestion.

        Returns
        -------
        StepOptions
            The options.

        Raises
        ------
        TypeError
            If there is no option of a name. The message suggests the nearest.
        """
        for name in given:
            if name in STEP_OPTION_NAMES:
                continue
            if name in _OF_BRAINPY:
                hint = _OF_BRAINPY[name]
                if name == "target_vars" and isinstance(given[name], Mapping):
                    hint += f"\n    options = {{'state_vars': {list(map(str, given[name]))}}}"
            else:
                near = difflib.get_close_matches(name, [*also, *STEP_OPTION_NAMES], n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
            raise TypeError(f"{owner} has no option {name!r}.{hint}")
        return cls(**given)

    def changed(self, **changes: Any) -> StepOptions:
        """Return the options with other values for some."""
        return dataclasses.replace(self, **changes)

    def refuse(self, *names: str, why: str) -> None:
        """Raise ValueError if one of these options was given.

        Parameters
        ----------
        names
            Names of options that this kind of model does not take.
        why
            The rest of the sentence that begins with ``name=``.
        """
        for name in names:
            if getattr(self, name) is not None:
                raise ValueError(f"{name}= {why}")


_OF_BRAINPY = {
    "f_type": (
        " In BrainPy's f_type='continuous' it is called time='continuous' here:\n"
        "    options = {'time': 'continuous'}"
    ),
    "f_cell": " What BrainPy's SlowPointFinder calls f_cell is the first argument here, the model.",
    "f_loss": " The residual is told by time='discrete' or 'continuous' here.",
    "target_vars": " BrainPy's target_vars={'name': variable} are state_vars=['name'] here.",
    "included_vars": " BrainPy's included_vars={'name': variable} are state_vars=['name'] here.",
    "excluded_vars": " Name those that are the state by state_vars=['name', ...].",
    "explain": (
        " How a model was read is told by the step map that it became: "
        "as_step_map(model, ...).explain()."
    ),
    "candidates": (
        " BrainPy's candidates are find_fixed_points(initial_states=candidates) here; a dictionary "
        "of arrays is taken as well."
    ),
}
"""What options of BrainPy's SlowPointFinder are here, and other words that one may try."""

STEP_OPTION_NAMES = tuple(item.name for item in dataclasses.fields(StepOptions))

_KEYWORDS = list(inspect.signature(StepOptions).parameters.values())


def with_step_options(function: Any) -> Any:
    """Let a function that takes ``**options`` show the options of a step map in its signature."""
    own = list(inspect.signature(function).parameters.values())
    own = [p for p in own if p.kind is not p.VAR_KEYWORD]
    keywords = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in _KEYWORDS]
    function.__signature__ = inspect.Signature([*own, *keywords])
    return function


def _is_positive(value: Any) -> bool:
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return number and bool(np.isfinite(value) and value > 0)
