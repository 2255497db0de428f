"""Any module or function of PyTorch, called and differentiated by PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from fpf_notebook.dynamics.assemble import Recipe
from fpf_notebook.dynamics.frameworks.bridge import Host, bridged
from fpf_notebook.dynamics.frameworks.missing import require
from fpf_notebook.dynamics.frameworks.torch_weights import is_recurrent
from fpf_notebook.dynamics.function import Convention
from fpf_notebook.dynamics.step_map import Precision

_RANDOM = ("dropout",)
_BATCH_NORM = ("batchnorm", "instancenorm")


def recipe_of_torch_call(
    model: Any,
    *,
    n_states: int | None,
    n_inputs: int | None,
    convention: Convention | None,
    batched: bool | None,
    dtype: Precision,
) -> Recipe:
    """Find out how a module or a function of PyTorch is called.

    Parameters
    ----------
    model
        A ``torch.nn.Module``, a method of one, or a function of tensors, called as
        ``model(input, state) -> (output, next_state)`` or ``model(state, input) -> next_state``.
    n_states, n_inputs, convention, batched, dtype
        As in :func:`fpf_notebook.as_step_map`. Default: for a batch, ``"input_state"``.

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
    if not callable(model):
        raise TypeError(f"model is {name}, expected a torch.nn.Module or a function of tensors.")
    if module is not None:
        _check_mode(module, name)
    if n_states is None or n_inputs is None:
        raise ValueError(_no_sizes(name, module))
    weights = {} if module is None else {**_tensors(module)}
    call = _caller(torch, model, module, list(weights), convention, batched, n_states)
    arrays = [_numpy(tensor) for tensor in weights.values()]

    rng = np.random.default_rng(0)
    h = rng.uniform(-0.5, 0.5, (3, n_states))
    u = rng.uniform(-0.5, 0.5, (3, n_inputs))
    work, n_outputs = _probe(torch, call, arrays, h, u, dtype, name, module)
    host = _host(torch, call, n_outputs, model)
    step = bridged(host, n_states, n_inputs)

    def both(params: Any, h: Any, u: Any) -> tuple[Any, Any]:
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
        box_reason=(
            f"nothing is known of the range of {name}, which is called; give "
            "invariant_box=(low, high) if it does not leave a box"
        ),
    )


def _tensors(module: Any) -> dict[str, Any]:
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def _numpy(tensor: Any) -> np.ndarray:
    plain = tensor.detach().to("cpu")
    if str(plain.dtype) == "torch.bfloat16":
        plain = plain.float()
    return np.array(plain.numpy())


def _check_mode(module: Any, name: str) -> None:
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


def _no_sizes(name: str, module: Any) -> str:
    message = (
        f"{name} is called as a step, and a call does not tell its sizes: pass n_states= and "
        "n_inputs=."
    )
    return message + _hint(module)


def _hint(module: Any) -> str:
    """Point at a recurrent module inside, which could be read by its weights."""
    inside = [] if module is None else list(module.named_modules())
    for path, part in inside:
        if path and is_recurrent(part):
            return (
                f" Or give its recurrent part alone, which is read by its weights and much faster: "
                f"as_step_map(model.{path}), with readout= its linear readout, if it has one."
            )
    return ""


def _caller(
    torch: Any,
    model: Any,
    module: Any,
    names: Sequence[str],
    convention: Convention | None,
    batched: bool | None,
    n_states: int,
) -> Callable[..., tuple[Any, Any]]:
    """Return ``call(weights, h, u) -> (next state, output or None)`` of batches of tensors."""
    state_first = convention == "state_input"
    target = model
    if module is not None and model is not module:  # a method

        class Method(torch.nn.Module):  # type: ignore[misc,name-defined]
            def __init__(self) -> None:
                super().__init__()
                self.owner = module

            def forward(self, *arguments: Any) -> Any:
                return getattr(self.owner, model.__name__)(*arguments)

        target = Method()

    def plain(weights: Sequence[Any], first: Any, second: Any) -> Any:
        if module is None:
            return target(first, second)
        start = "" if target is module else "owner."
        named = {f"{start}{name}": value for name, value in zip(names, weights, strict=True)}
        return torch.func.functional_call(target, named, (first, second))

    def single(weights: Sequence[Any], h: Any, u: Any) -> tuple[Any, Any]:
        pair = (h, u) if state_first else (u, h)
        result = plain(weights, *pair)
        if isinstance(result, tuple | list) and len(result) == 2:
            return result[1], result[0] if torch.is_tensor(result[0]) else None
        return result, None

    def call(weights: Sequence[Any], h: Any, u: Any) -> tuple[Any, Any]:
        if batched is not False:
            return single(weights, h, u)
        rows = [single(weights, x, v) for x, v in zip(h, u, strict=True)]
        following = torch.stack([row[0] for row in rows])
        output = None if rows[0][1] is None else torch.stack([row[1] for row in rows])
        return following, output

    return call


def _probe(
    torch: Any,
    call: Callable[..., tuple[Any, Any]],
    arrays: Sequence[np.ndarray],
    h: np.ndarray,
    u: np.ndarray,
    dtype: Precision,
    name: str,
    module: Any,
) -> tuple[Precision, int]:
    """Call the step with a batch; return in which precision it works, and the output's length."""
    failures = []
    for work in ("float64", "float32") if dtype == "float64" else ("float32",):
        tensors = [torch.as_tensor(_rounded(array, work)) for array in arrays]
        try:
            with torch.no_grad():
                following, output = call(
                    tensors, torch.as_tensor(h.astype(work)), torch.as_tensor(u.astype(work))
                )
        except Exception as error:
            failures.append(f"  in {work}: {type(error).__name__}: {str(error).strip()[:300]}")
            continue
        if not torch.is_tensor(following) or tuple(following.shape) != h.shape:
            shown = tuple(following.shape) if torch.is_tensor(following) else type(following)
            failures.append(f"  in {work}: it returned a next state of {shown}, expected {h.shape}")
            continue
        n_outputs = 0 if output is None else int(np.prod(output.shape[1:], dtype=int))
        return work, n_outputs  # type: ignore[return-value]
    tried = "\n".join(failures)
    raise ValueError(
        f"{name} could not be called as a step with input [3, {u.shape[1]}] and state "
        f"[3, {h.shape[1]}]:\n{tried}\n"
        "Expected f(input, state) -> (output, next_state), of batches; convention='state_input' is "
        "for f(state, input) -> next_state, batched=False for a function of one state."
        + _hint(module)
    )


def _rounded(array: np.ndarray, work: str) -> np.ndarray:
    return array.astype(work) if array.dtype.kind == "f" else array


def _host(torch: Any, call: Callable[..., tuple[Any, Any]], n_outputs: int, model: Any) -> Host:
    def tensors(arrays: Sequence[np.ndarray]) -> list[Any]:
        # Copied: what JAX hands out must not be written to, and torch has no such thing.
        return [torch.tensor(array) for array in arrays]

    def values(params: Any, h: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with torch.no_grad():
            following, output = call(tensors(params), *tensors([h, u]))
        rest = np.empty((len(h), 0), h.dtype)
        if output is not None:
            rest = output.reshape(len(h), n_outputs).numpy()
        return following.numpy(), rest

    def jacobians(params: Any, h: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # Row by row, for the whole batch at once: no state of the batch depends on another. This
        # asks less of a model than torch.func does, whose vmap not every operation knows.
        with torch.enable_grad():
            x, v = (part.requires_grad_() for part in tensors([h, u]))
            following, output = call(tensors(params), x, v)
            parts = [following]
            if output is not None:
                parts.append(output.reshape(len(h), n_outputs))
            rows = torch.cat(parts, dim=1)
            found = []
            for i in range(rows.shape[1]):
                column = rows[:, i].sum()
                if not column.requires_grad:
                    found.append((torch.zeros_like(x), torch.zeros_like(v)))
                    continue
                found.append(
                    torch.autograd.grad(
                        column, (x, v), retain_graph=True, allow_unused=True, materialize_grads=True
                    )
                )
        by_h, by_u = (torch.stack(part, dim=1).numpy() for part in zip(*found, strict=True))
        return by_h, by_u

    return Host(values, jacobians, n_outputs, model)
