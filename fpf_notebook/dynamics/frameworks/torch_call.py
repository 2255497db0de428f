"""Any module or function of PyTorch, called and differentiated by PyTorch."""

from __future__ import annotations

import inspect
import io
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from fpf_notebook._types import AnyFunction, JsonObject, PyTree
from fpf_notebook.dynamics.advice import function_around
from fpf_notebook.dynamics.assemble import Recipe
from fpf_notebook.dynamics.call_form import CallForm, forms_in_turn
from fpf_notebook.dynamics.call_identity import CallIdentity
from fpf_notebook.dynamics.choose_form import Choice, choose_form
from fpf_notebook.dynamics.frameworks.bridge import Host, bridged
from fpf_notebook.dynamics.frameworks.missing import require
from fpf_notebook.dynamics.frameworks.torch_jacobians import all_rows
from fpf_notebook.dynamics.frameworks.torch_weights import is_recurrent
from fpf_notebook.dynamics.parameter_names import (
    Convention,
    n_required,
    order_by_names,
    role_of_name,
)
from fpf_notebook.dynamics.probe import not_repeatable
from fpf_notebook.dynamics.reading import Reading, decide_order, first_line, unclear
from fpf_notebook.dynamics.returned import Names, WrongReturnError, names_of
from fpf_notebook.dynamics.state_form import Ops, StateForm, form_of
from fpf_notebook.dynamics.step_map import Precision
from fpf_notebook.dynamics.step_options import StepOptions

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

ModuleLike: TypeAlias = "Module | AnyFunction"


_RANDOM = ("dropout",)
_BATCH_NORM = ("batchnorm", "instancenorm")


def recipe_of_torch_call(model: Any, options: StepOptions) -> Recipe:
    """Find out how a module or a function of PyTorch is called.

    Parameters
    ----------
    model
        A ``torch.nn.Module``, a method of one, or a function of tensors, called as
        ``model(input, state) -> (output, next_state)`` or ``model(state, input) -> next_state``.
    options
        The sizes must be there: a call does not tell them.

    Returns
    -------
    Recipe
        The weights of a module are its parameters; those that a function reaches stay where they
        are.

    Raises
    ------
    ImportError
        If PyTorch is not installed.
    ValueError
        If it cannot be called so, or is random or depends on the batch.
    """
    torch = require("torch", "framework='torch'")
    name = getattr(model, "__name__", type(model).__name__)
    owner = getattr(model, "__self__", model)
    module = owner if isinstance(owner, torch.nn.Module) else None
    if module is not None:
        _check_mode(module, name)
    n_states, n_inputs = options.n_states, options.n_inputs
    autonomous = _takes_state_only(model, module, n_inputs)
    n_inputs = 0 if autonomous and n_inputs is None else n_inputs
    if n_states is None or n_inputs is None:
        raise ValueError(_no_sizes(name, module))
    form = form_of(n_states)
    n_states = form.n_states
    weights = {} if module is None else {**_tensors(module)}
    scripted = module is not None and isinstance(module, torch.jit.ScriptModule)
    source: Any = model
    if scripted:  # it takes no other weights than its own: a copy has those of now
        source, weights = _Copy(torch, model, module), {}
    target = source if scripted else _target(torch, model, module, list(weights), autonomous)
    arrays = [_numpy(tensor) for tensor in weights.values()]
    ops = _ops(torch)
    called = module.forward if model is module else model
    sizes, names = (n_states, n_inputs), names_of(called)
    probes = _Probes(torch, ops, target, arrays, sizes, name, names, module or model)
    work, choice = _choose(model, module, form, options, autonomous, probes, sizes)
    chosen = choice.forms[0]
    n_outputs = probes.n_outputs[chosen]
    identity = CallIdentity("torch", source, (repr(chosen), work, n_outputs, tuple(weights)))
    host = _host(torch, ops, target, chosen, names, n_outputs, identity)
    step = bridged(host, n_states, n_inputs)

    def both(params: PyTree, h: jax.Array, u: jax.Array) -> tuple[Tensor, Tensor]:
        given = [params[key] for key in weights]
        rounded = [p.astype(work) if jnp.issubdtype(p.dtype, jnp.floating) else p for p in given]
        result = step(rounded, h.astype(work), u.astype(work)).astype(h.dtype)
        return result[:n_states], result[n_states:] if n_outputs else None

    return Recipe(
        both=both,
        params=dict(zip(weights, arrays, strict=True)),
        n_states=n_states,
        n_inputs=n_inputs,
        name=f"torch {name}",
        slices=chosen.state.slices,
        box_reason=(
            f"nothing is known of the range of {name}, which is called; give "
            "invariant_box=(low, high) if it does not leave a box"
        ),
        reading=Reading(
            source="a module of PyTorch, called" if module is not None else "a function of tensors",
            call=chosen.describe(name, n_inputs),
            order=chosen.order,
            decided_by="its only argument" if autonomous else choice.decided_by,
            returned=probes.where[chosen],
            parameters="parameters and buffers of the module" if module is not None else "none",
        ),
    )


def _takes_state_only(model: Any, module: Module, n_inputs: int | None) -> bool:
    """Tell whether a model is a function of the state alone, not of a sequence of inputs alone."""
    try:
        signature = inspect.signature(module.forward if model is module else model)
    except (TypeError, ValueError):
        return False
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    kinds = [p.kind for p in signature.parameters.values()]
    names = [p.name for p in signature.parameters.values() if p.kind in plain]
    if len(names) != 1 or inspect.Parameter.VAR_POSITIONAL in kinds:
        return False
    return n_inputs == 0 or (n_inputs is None and role_of_name(names[0]) == "state")


def _ops(torch: ModuleType) -> Ops:
    return Ops(torch.is_tensor, torch.reshape, lambda parts: torch.cat(list(parts), dim=-1))


def _tensors(module: Module) -> JsonObject:
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def _numpy(tensor: Tensor) -> np.ndarray:
    plain = tensor.detach().to("cpu")
    if str(plain.dtype) == "torch.bfloat16":
        plain = plain.float()
    return np.array(plain.numpy())


def _check_mode(module: Module, name: str) -> None:
    for path, part in module.named_modules():
        kind = type(part).__name__
        lower = kind.lower()
        where = f"{name}.{path}" if path else name
        if not part.training:
            continue
        if any(word in lower for word in _RANDOM) and getattr(part, "p", 1) != 0:
            raise ValueError(
                f"{where} is a {kind} in training mode: the step is random, so it has no fixed "
                "points. Call .eval() on the module first."
            )
        if any(word in lower for word in _BATCH_NORM):
            raise ValueError(
                f"{where} is a {kind} in training mode: what becomes of one state depends on the "
                "others of its batch. Call .eval() on the module first."
            )


def _no_sizes(name: str, module: Module) -> str:
    message = (
        f"{name} is called as a step, and a call does not tell its sizes: pass n_states= and "
        "n_inputs=."
    )
    return message + _hint(module)


def _hint(module: Module) -> str:
    """Point at a recurrent module inside, which could be read by its weights."""
    inside = [] if module is None else list(module.named_modules())
    for path, part in inside:
        if path and is_recurrent(part):
            return (
                f" Or give its recurrent part alone, which is read by its weights and much faster: "
                f"as_step_map(model.{path}), with readout= its linear readout, if it has one."
            )
    return ""


def _advice(name: str, failures: list[str], module: Module) -> str:
    """Return the code to paste for a module without a state among its arguments, or for others."""
    if module is not None and any("positional argument" in failure for failure in failures):
        steps = [
            key
            for key in ("step", "recurrence", "cell", "rnn_cell", "rnncell", "rnn")
            if callable(getattr(module, key, None))
        ]
        if steps:
            return (
                f"\n{name} takes no state: it begins with its own, and runs a whole sequence. Its "
                f"{steps[0]} may be the step:\n    model = model.{steps[0]}"
            )
    return function_around(name, failures, "torch")


class _Copy:
    """A compiled module with the weights that it has now, in the precision of what it is given."""

    def __init__(self, torch: ModuleType, model: ModuleLike, module: Module) -> None:
        self._name = None if model is module else model.__name__
        # Not by deepcopy, whose parameters are no leaves of a graph, which PyTorch warns of.
        buffer = io.BytesIO()
        torch.jit.save(module, buffer)
        self._copies = {}
        for kind in (torch.float64, torch.float32):
            buffer.seek(0)
            self._copies[kind] = torch.jit.load(buffer).to(kind)

    def __call__(self, _: Sequence[Tensor], *arguments: Tensor) -> PyTree:
        module = self._copies[next(a.dtype for a in arguments if hasattr(a, "dtype"))]
        return (module if self._name is None else getattr(module, self._name))(*arguments)


def _target(
    torch: ModuleType, model: ModuleLike, module: Module, names: Sequence[str], autonomous: bool
) -> AnyFunction:
    """Return ``target(weights, *arguments)``, which calls the model with these weights."""
    target = model
    if module is not None and model is not module:  # a method

        class Method(torch.nn.Module):  # type: ignore[misc,name-defined]
            def __init__(self) -> None:
                super().__init__()
                self.owner = module

            def forward(self, *arguments: Tensor) -> PyTree:
                return getattr(self.owner, model.__name__)(*arguments)

        target = Method()

    def call(weights: Sequence[object], *arguments: Tensor) -> PyTree:
        given = arguments[:1] if autonomous else arguments
        if module is None:
            return target(*given)
        start = "" if target is module else "owner."
        named = {f"{start}{name}": value for name, value in zip(names, weights, strict=True)}
        return torch.func.functional_call(target, named, given)

    return call


def _stepped(
    torch: ModuleType,
    ops: Ops,
    target: AnyFunction,
    form: CallForm,
    names: Names,
    weights: Sequence[Tensor],
    h: Tensor,
    u: Tensor,
) -> tuple[Tensor, Tensor | None, str]:
    """Step a batch: next states, outputs or None, and where the state was found."""

    def call(*arguments: Tensor) -> PyTree:
        return target(weights, *arguments)

    if form.is_batched:
        return form.step(ops, call, h, u, names)
    rows = [form.step(ops, call, x, v, names) for x, v in zip(h, u, strict=True)]
    following = torch.stack([row[0] for row in rows])
    output = None if rows[0][1] is None else torch.stack([row[1] for row in rows])
    return following, output, rows[0][2]


class _Probes:
    """Calls a model in different ways with small batches."""

    def __init__(
        self,
        torch: ModuleType,
        ops: Ops,
        target: AnyFunction,
        arrays: Sequence[np.ndarray],
        sizes: tuple[int, int],
        name: str,
        names: Names,
        owner: object,
    ) -> None:
        self.names, self.owner = names, owner
        self._torch, self._ops, self._target, self._arrays = torch, ops, target, arrays
        self._sizes, self._name = sizes, name
        self.work: Precision = "float64"
        self.where: dict[CallForm, str] = {}
        self.n_outputs: dict[CallForm, int] = {}
        self.unclear: dict[CallForm, WrongReturnError] = {}

    def __call__(self, form: CallForm) -> str | None:
        """Return why a form does not fit, or None."""
        torch, rng = self._torch, np.random.default_rng(0)
        n_batch = next(b for b in (3, 5, 7) if b not in self._sizes)
        h, u = (
            torch.as_tensor(rng.uniform(-0.5, 0.5, (n_batch, n)).astype(self.work))
            for n in self._sizes
        )
        weights = [torch.as_tensor(_rounded(array, self.work)) for array in self._arrays]

        def step(x: Tensor, v: Tensor) -> tuple[PyTree, PyTree, str]:
            return _stepped(torch, self._ops, self._target, form, self.names, weights, x, v)

        try:
            with torch.no_grad(), torch.random.fork_rng(devices=[]):
                following, output, where = step(h, u)
                again = step(h, u)[0]
                # A batch of another size: three may be the length of something else as well.
                rows = step(torch.cat([h] * 3), torch.cat([u] * 3))[0][:n_batch]
                single = torch.cat([step(x[None], v[None])[0] for x, v in zip(h, u, strict=True)])
        except WrongReturnError as error:
            if not error.places:
                return str(error)
            self.unclear[form] = error
            return None
        except Exception as error:
            return f"raised {type(error).__name__}: {first_line(error)}"
        if not torch.equal(following, again) and not following.isnan().any():
            raise ValueError(not_repeatable(self._name, self.owner))
        close = 1e-9 if following.dtype == torch.float64 else 1e-4
        if not all(
            torch.allclose(following, other, rtol=close, atol=close, equal_nan=True)
            for other in (rows, single)
        ):
            return "does with one state of a batch what depends on the others"
        self.where[form] = where
        self.n_outputs[form] = 0 if output is None else int(output.shape[-1])
        return None


def _choose(
    model: Any,
    module: Module,
    form: StateForm,
    options: StepOptions,
    autonomous: bool,
    probes: _Probes,
    sizes: tuple[int, int],
) -> tuple[Precision, Choice]:
    """Return the precision in which the model works, and the way of calling it."""
    name = getattr(model, "__name__", type(model).__name__)
    called = module.forward if model is module else model
    failures = []
    given: Convention | None = "state_input" if autonomous else options.convention
    works: tuple[Precision, ...] = ("float64", "float32")
    for work in works if options.dtype == "float64" else works[1:]:
        probes.work = work
        choice = choose_form(
            forms_in_turn(
                given,
                options.batched,
                sizes[0],
                None if form.structure is None else form,
                single_first=False,
                n_required=2 if autonomous else n_required(called),
                by_names=order_by_names(probes.names.arguments),
            ),
            probes,
            given=given,
            decide_order=lambda: decide_order(called, name, *sizes),
        )
        if choice.forms:
            if choice.forms[0] in probes.unclear:
                raise ValueError(unclear(name, choice.forms[0], probes.unclear[choice.forms[0]]))
            return work, choice
        failures += [
            f"  in {work}: {form.describe(name, sizes[1])} {why}" for form, why in choice.failures
        ]
    tried = "\n".join(failures)
    raise ValueError(
        f"{name} could not be called as a step with n_states={sizes[0]} and n_inputs={sizes[1]}. "
        f"Tried:\n{tried}\nExpected f(input, state) -> (output, next_state) or "
        "f(state, input) -> next_state, of batches; convention= says which order is meant, "
        "batched=False is for a function of one state."
        + _hint(module)
        + _advice(name, failures, module)
    )


def _rounded(array: np.ndarray, work: str) -> np.ndarray:
    return array.astype(work) if array.dtype.kind == "f" else array


def _host(
    torch: ModuleType,
    ops: Ops,
    target: AnyFunction,
    form: CallForm,
    names: Names,
    n_outputs: int,
    identity: CallIdentity,
) -> Host:
    def call(weights: Sequence[Tensor], h: Tensor, u: Tensor) -> tuple[Tensor, Tensor | None]:
        return _stepped(torch, ops, target, form, names, weights, h, u)[:2]

    def tensors(arrays: Sequence[np.ndarray]) -> list[Tensor]:
        # Copied: what JAX hands out must not be written to, and torch has no such thing.
        return [torch.tensor(array) for array in arrays]

    def values(params: PyTree, h: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with torch.no_grad():
            following, output = call(tensors(params), *tensors([h, u]))
        rest = np.empty((len(h), 0), h.dtype)
        if output is not None:
            rest = output.reshape(len(h), n_outputs).numpy()
        return following.numpy(), rest

    def jacobians(params: PyTree, h: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # For the whole batch at once: no state of the batch depends on another.
        with torch.enable_grad():
            x, v = (part.requires_grad_() for part in tensors([h, u]))
            following, output = call(tensors(params), x, v)
            parts = [following]
            if output is not None:
                parts.append(output.reshape(len(h), n_outputs))
            by_h, by_u = all_rows(torch, torch.cat(parts, dim=1), x, v)
        return by_h.numpy(), by_u.numpy()

    return Host(values, jacobians, n_outputs, identity)
