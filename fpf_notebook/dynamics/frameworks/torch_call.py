"""Any module or function of PyTorch: exported to JAX, or else called and differentiated there."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np
from jax import Array

from fpf_notebook.dynamics.advice import as_torch
from fpf_notebook.dynamics.assemble import Recipe
from fpf_notebook.dynamics.call_identity import CallIdentity
from fpf_notebook.dynamics.frameworks.aten.graph import CUT, array_of_tensor
from fpf_notebook.dynamics.frameworks.aten.rules import NotCoveredError
from fpf_notebook.dynamics.frameworks.bridge import Host, bridged
from fpf_notebook.dynamics.frameworks.differences import by_differences, leaves_out
from fpf_notebook.dynamics.frameworks.missing import require
from fpf_notebook.dynamics.frameworks.torch_exported import (
    ExportedStep,
    FlatStep,
    exported_step,
    flat_step,
)
from fpf_notebook.dynamics.frameworks.torch_host import torch_host
from fpf_notebook.dynamics.frameworks.torch_keywords import Keywords, keywords_of
from fpf_notebook.dynamics.frameworks.torch_paths import recorded_step
from fpf_notebook.dynamics.frameworks.torch_probes import (
    Probes,
    Sizes,
    choose_call,
    no_sizes,
    rounded,
)
from fpf_notebook.dynamics.frameworks.torch_target import (
    Model,
    ScriptCopy,
    Target,
    called_of,
    check_mode,
    module_of,
    name_of,
    target_of,
    tensors_of,
)
from fpf_notebook.dynamics.parameter_names import role_of_name
from fpf_notebook.dynamics.reading import Reading
from fpf_notebook.dynamics.returned import names_of
from fpf_notebook.dynamics.state_form import form_of
from fpf_notebook.dynamics.step_map import Precision
from fpf_notebook.dynamics.step_options import StepOptions
from fpf_notebook.dynamics.time_argument import depends_on_time

if TYPE_CHECKING:
    import torch


def recipe_of_torch_call(model: Model, options: StepOptions) -> Recipe:
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
        The weights of a module are its parameters; those that a function reaches are constants.

    Raises
    ------
    ImportError
        If PyTorch is not installed.
    ValueError
        If it cannot be called so, or is random or depends on the batch.
    """
    require("torch", "framework='torch'")
    import torch

    name = name_of(model)
    module = module_of(model)
    if module is not None:
        check_mode(module, name)
    n_states, n_inputs = options.n_states, options.n_inputs
    autonomous = _takes_state_only(model, module, n_inputs)
    n_inputs = 0 if autonomous and n_inputs is None else n_inputs
    if n_states is None or n_inputs is None:
        raise ValueError(no_sizes(model, module))
    form = form_of(n_states)
    sizes = Sizes(form.n_states, n_inputs)
    weights: Mapping[str, torch.Tensor] = {} if module is None else tensors_of(module)
    scripted = module is not None and isinstance(module, torch.jit.ScriptModule)
    source: Model = model
    keywords = None if scripted or autonomous else keywords_of(called_of(model, module))
    if scripted and module is not None:
        weights = {}
        source = ScriptCopy(model, module, autonomous)
        target: Target = source
    else:
        target = target_of(model, module, list(weights), autonomous, keywords)
    arrays = [array_of_tensor(tensor) for tensor in weights.values()]
    names = names_of(called_of(model, module))
    if keywords is not None and keywords.state is not None:
        names = names._replace(arguments=("input", keywords.state))
    elif keywords is not None and len(keywords.others) == 2:
        names = names._replace(arguments=keywords.others)
    probes = Probes(target, arrays, sizes, name, names, module or model)
    work, choice = choose_call(model, module, form, options, autonomous, probes, keywords)
    chosen = choice.forms[0]
    n_outputs = probes.n_outputs[chosen]
    identity = CallIdentity(
        "torch", source, (repr(chosen), work, n_outputs, tuple(weights), str(keywords))
    )
    host = torch_host(target, chosen, names, n_outputs, identity)
    how, step = _as_program(
        lambda: flat_step(
            source, module, list(weights), arrays, chosen, names, sizes, work, autonomous, keywords
        ),
        host,
        sizes,
        scripted,
        [rounded(array, work) for array in arrays],
        work,
    )
    if keywords is not None and keywords.others:
        later = target_of(model, module, list(weights), autonomous, keywords.later())
        if probes.differ(chosen, later):
            raise ValueError(
                depends_on_time(called_of(model, module), name, next(iter(keywords.fixed)))
                + as_torch("torch")
            )

    def both(params: Mapping[str, Array], h: Array, u: Array) -> tuple[Array, Array | None]:
        given = [jnp.asarray(params[key]) for key in weights]
        typed = [p.astype(work) if jnp.issubdtype(p.dtype, jnp.floating) else p for p in given]
        result = jnp.asarray(step(typed, h.astype(work), u.astype(work))).astype(h.dtype)
        return result[: sizes.n_states], result[sizes.n_states :] if n_outputs else None

    return Recipe(
        both=both,
        params=dict(zip(weights, arrays, strict=True)),
        n_states=sizes.n_states,
        n_inputs=sizes.n_inputs,
        name=f"torch {name}",
        slices=chosen.state.slices,
        box_reason=(
            f"nothing is known of the range of {name}, which is called; give "
            "invariant_box=(low, high) if it does not leave a box"
            if how.startswith(", called")
            else "no invariant box is known for this kind of model"
        ),
        reading=Reading(
            source=("a function of tensors" if module is None else "a module of PyTorch") + how,
            call=chosen.describe(name, sizes.n_inputs)
            + ("" if keywords is None else f" with {keywords}"),
            order=chosen.order,
            decided_by=_decided_by(choice.decided_by, autonomous, keywords),
            returned=probes.where[chosen],
            parameters="parameters and buffers of the module" if weights else "none",
        ),
    )


def _decided_by(decided_by: str, autonomous: bool, keywords: Keywords | None) -> str:
    if autonomous:
        return "its only argument"
    if keywords is not None and keywords.state is not None:
        return f"the name {keywords.state}"
    return decided_by


def _as_program(
    flat_of: Callable[[], FlatStep],
    host: Host,
    sizes: Sizes,
    scripted: bool,
    weights: Sequence[np.ndarray],
    work: Precision,
) -> tuple[str, ExportedStep]:
    """Return how a step is computed, in words, and the quickest function that computes it."""
    try:
        if scripted:
            raise NotCoveredError("torch.export reads no ScriptModule")
        return ", exported to JAX", exported_step(flat_of())
    except NotCoveredError as error:
        why = str(error)
    try:
        step, branches = recorded_step(flat_of(), host, own_derivative=why.startswith(CUT))
    except NotCoveredError as error:
        also = "" if str(error) == why else f"; and not recorded, because {error}"
        how = f", called (and not exported to JAX, because {why}{also})"
        if leaves_out(host, weights, *sizes, work):
            how += "; differentiated by differences, for PyTorch's own derivatives are others"
            host = by_differences(host, work)
        return how, bridged(host, *sizes)
    if branches:
        return (
            f", recorded as programs of JAX, and called where it branches otherwise ({why})",
            step,
        )
    return f", recorded as a program of JAX ({why})", step


def _takes_state_only(model: Model, module: torch.nn.Module | None, n_inputs: int | None) -> bool:
    """Tell whether a model is a function of the state alone, not of a sequence of inputs alone."""
    try:
        signature = inspect.signature(called_of(model, module))
    except (TypeError, ValueError):
        return False
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    kinds = [p.kind for p in signature.parameters.values()]
    names = [p.name for p in signature.parameters.values() if p.kind in plain]
    if len(names) != 1 or inspect.Parameter.VAR_POSITIONAL in kinds:
        return False
    return n_inputs == 0 or (n_inputs is None and role_of_name(names[0]) == "state")
