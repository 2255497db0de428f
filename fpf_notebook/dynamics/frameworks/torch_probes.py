"""How a module of PyTorch is called: found out with small batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fpf_notebook.dynamics.advice import function_around, part_that_steps
from fpf_notebook.dynamics.call_form import ENTANGLED, GIVEN_BACK, CallForm, forms_in_turn
from fpf_notebook.dynamics.choose_form import Choice, choose_form
from fpf_notebook.dynamics.frameworks.torch_keywords import Keywords
from fpf_notebook.dynamics.frameworks.torch_target import Model, Target, called_of, name_of, stepped
from fpf_notebook.dynamics.frameworks.torch_two_steps import OTHER_KIND, is_other_kind
from fpf_notebook.dynamics.frameworks.torch_weights import is_recurrent
from fpf_notebook.dynamics.parameter_names import Convention, n_required, order_by_names
from fpf_notebook.dynamics.probe import not_repeatable
from fpf_notebook.dynamics.reading import decide_order, first_line, unclear
from fpf_notebook.dynamics.returned import BY_CONVENTION, Names, WrongReturnError
from fpf_notebook.dynamics.second_of_first import unclear_pair
from fpf_notebook.dynamics.state_form import StateForm
from fpf_notebook.dynamics.step_map import Precision
from fpf_notebook.dynamics.step_options import StepOptions
from fpf_notebook.dynamics.time_argument import at_time

if TYPE_CHECKING:
    import torch


class Sizes(NamedTuple):
    """Lengths of the flat state and of the input."""

    n_states: int
    n_inputs: int


@dataclass(eq=False)
class Probes:
    """Calls a model in different ways with small batches.

    Parameters
    ----------
    target
        What is called.
    arrays
        Its weights.
    sizes
        Lengths of state and input.
    name
        What to call the model.
    names
        What its author calls arguments and results.
    owner
        The model or its module, whose attributes may tell what switches noise off.
    """

    target: Target
    arrays: Sequence[np.ndarray]
    sizes: Sizes
    name: str
    names: Names
    owner: object
    work: Precision = "float64"
    where: dict[CallForm, str] = field(default_factory=dict)
    n_outputs: dict[CallForm, int] = field(default_factory=dict)
    unclear: dict[CallForm, WrongReturnError] = field(default_factory=dict)
    other_kind: bool = False
    """Whether a way of calling fitted but for the kind of state that is returned."""

    def __call__(self, form: CallForm) -> str | None:
        """Return why a form does not fit, or None."""
        import torch

        rng = np.random.default_rng(0)
        n_batch = next(b for b in (3, 5, 7) if b not in self.sizes)
        h, u = (
            torch.as_tensor(rng.uniform(-0.5, 0.5, (n_batch, n)).astype(self.work))
            for n in self.sizes
        )
        weights = [torch.as_tensor(rounded(array, self.work)) for array in self.arrays]

        def step(x: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None, str]:
            return stepped(self.target, form, self.names, weights, x, v)

        try:
            with torch.no_grad(), torch.random.fork_rng(devices=[]):
                following, output, where = step(h, u)
                again = step(h, u)[0]
                # A batch of another size: three may be the length of something else as well.
                rows = step(torch.cat([h] * 3), torch.cat([u] * 3))[0][:n_batch]
                twice = step(following, u)[0]
                single = torch.cat([step(x[None], v[None])[0] for x, v in zip(h, u, strict=True)])
        except WrongReturnError as error:
            if not error.places:
                return str(error)
            self.unclear[form] = error
            return None
        except Exception as error:
            return f"raised {type(error).__name__}: {first_line(error)}"
        if not torch.equal(following, again) and not following.isnan().any():
            raise ValueError(not_repeatable(self.name, self.owner))
        close = 1e-9 if following.dtype == torch.float64 else 1e-4
        if not all(
            torch.allclose(following, other, rtol=close, atol=close, equal_nan=True)
            for other in (rows, single)
        ):
            return ENTANGLED
        if form.is_supposed and torch.equal(following, h):
            return GIVEN_BACK

        def call(*arguments: torch.Tensor) -> object:
            return self.target(weights, *arguments)

        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            if is_other_kind(call, form, h, u, following, twice, 10 * close):
                self.other_kind = True
                return OTHER_KIND
        self.where[form] = where
        self.n_outputs[form] = 0 if output is None else int(output.shape[-1])
        return None

    def differ(self, form: CallForm, other: Target) -> bool:
        """Say whether something else that is called gives another state."""
        import torch

        rng = np.random.default_rng(1)
        h, u = (
            torch.as_tensor(rng.uniform(0.1, 0.5, (2, n)).astype(self.work)) for n in self.sizes
        )
        weights = [torch.as_tensor(rounded(array, self.work)) for array in self.arrays]
        with torch.no_grad():
            first, second = (
                stepped(target, form, self.names, weights, h, u)[0]
                for target in (self.target, other)
            )
        return not torch.equal(first, second) and not first.isnan().any()

    def check_pair(self, form: CallForm) -> None:
        """Refuse a pair of two possible states of which the second is computed from the first."""
        import torch

        if not self.where[form].endswith(BY_CONVENTION):
            return
        rng = np.random.default_rng(1)
        h, u = (
            torch.tensor(rng.uniform(0.1, 0.5, (2, n)).astype(self.work), requires_grad=True)
            for n in self.sizes
        )
        weights = [torch.as_tensor(rounded(array, self.work)) for array in self.arrays]
        returned: list[object] = []

        def noted(given: Sequence[torch.Tensor], *arguments: torch.Tensor) -> object:
            returned.append(self.target(given, *arguments))
            return returned[-1]

        with torch.enable_grad(), torch.random.fork_rng(devices=[]):
            stepped(noted, form, self.names, weights, h, u)
        pair = returned[0]
        values = list(pair.values()) if isinstance(pair, Mapping) else pair
        if isinstance(values, tuple | list) and is_second_of_first(*values[:2]):
            raise ValueError(unclear(self.name, form, unclear_pair(), "torch"))


def is_second_of_first(first: object, second: object) -> bool:
    """Say whether a tensor was computed from another one alone, of those that need gradients."""
    import torch

    if not isinstance(first, torch.Tensor) or not isinstance(second, torch.Tensor):
        return False
    waiting, seen, met = [second.grad_fn], set(), False
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if node is first.grad_fn:
            met = True
        elif hasattr(node, "variable"):  # a leaf: the state or the input
            return False
        else:
            waiting.extend(following for following, _ in node.next_functions)
    return met


def choose_call(
    model: Model,
    module: torch.nn.Module | None,
    form: StateForm,
    options: StepOptions,
    autonomous: bool,
    probes: Probes,
    keywords: Keywords | None = None,
) -> tuple[Precision, Choice]:
    """Return the precision in which a model works, and the way of calling it.

    Parameters
    ----------
    model, module
        The model, and the module that it is or belongs to.
    form
        Of its state.
    options
        What was asked for.
    autonomous
        Whether it takes the state alone.
    probes
        Calls it.
    keywords
        What is passed by name.

    Raises
    ------
    ValueError
        If it cannot be called, or it is not clear how.
    """
    name, sizes = probes.name, probes.sizes
    called = called_of(model, module)
    if keywords is not None and keywords.others:
        called = at_time(called, next(iter(keywords.fixed)), 0.0)
    failures: list[str] = []
    given: Convention | None = "state_input" if autonomous else options.convention
    needed = 2 if autonomous or keywords is not None else n_required(called)
    if keywords is not None and keywords.state is not None:
        given = "input_state"
    works: tuple[Precision, ...] = ("float64", "float32")
    for work in works if options.dtype == "float64" else works[1:]:
        probes.work = work
        choice = choose_form(
            forms_in_turn(
                given,
                options.batched,
                sizes.n_states,
                None if form.structure is None else form,
                single_first=False,
                n_required=needed,
                by_names=order_by_names(probes.names.arguments),
                n_layers=_n_layers(module),
            ),
            probes,
            given=given,
            decide_order=lambda: decide_order(called, name, *sizes),
        )
        if choice.forms:
            if choice.forms[0] in probes.unclear:
                error = probes.unclear[choice.forms[0]]
                raise ValueError(unclear(name, choice.forms[0], error, "torch"))
            probes.check_pair(choice.forms[0])
            return work, choice
        failures += [
            f"  in {work}: {form.describe(name, sizes.n_inputs)} {why}"
            for form, why in choice.failures
        ]
    if probes.other_kind:
        raise ValueError(
            f"{name} could not be called as a step: it {OTHER_KIND}. Give a function of one input "
            "and one state that returns the next state itself."
        )
    tried = "\n".join(failures)
    raise ValueError(
        f"{name} could not be called as a step with n_states={sizes.n_states} and n_inputs="
        f"{sizes.n_inputs}. Tried:\n{tried}\nExpected f(input, state) -> (output, next_state) or "
        "f(state, input) -> next_state, of batches; convention= says which order is meant, "
        "batched=False is for a function of one state."
        + _hint(module)
        + _advice(name, failures, module, called)
    )


def _n_layers(module: torch.nn.Module | None) -> int:
    """Return how many layers the stacked modules within a module have, if all have as many."""
    inside = [] if module is None else [part for _, part in module.named_modules()]
    found = {int(getattr(part, "num_layers", 1)) for part in inside if is_recurrent(part)}
    return found.pop() if len(found) == 1 else 1


def no_sizes(model: Model, module: torch.nn.Module | None) -> str:
    """Return the message for a model that is called, without sizes."""
    return (
        f"{name_of(model)} is called as a step, and a call does not tell its sizes: pass n_states= "
        f"and n_inputs=.{_hint(module)}\n"
        "    options = {'n_states': 64, 'n_inputs': 3}  # for example"
    )


def rounded(array: np.ndarray, work: Precision) -> np.ndarray:
    """Return an array in the precision in which a model works, if it is one of reals."""
    return array.astype(work) if array.dtype.kind == "f" else array


def _hint(module: torch.nn.Module | None) -> str:
    """Point at a recurrent module inside, which could be read by its weights."""
    inside = [] if module is None else list(module.named_modules())
    for path, part in inside:
        if path and is_recurrent(part):
            return (
                f" Or give its recurrent part alone, which is read by its weights and much faster: "
                f"as_step_map(model.{path}), with readout= its linear readout, if it has one."
            )
    return ""


def _advice(
    name: str, failures: Sequence[str], module: torch.nn.Module | None, called: Model
) -> str:
    """Return the code to paste for a module without a state among its arguments, or for others."""
    part = "" if module is None else part_that_steps(module)
    if part and any("positional argument" in failure for failure in failures):
        return f"\n{name} takes no state: it begins with its own, and runs a whole sequence.{part}"
    if part:
        return f"\n{name} itself is no step.{part}"
    return function_around(name, list(failures), "torch", called)
