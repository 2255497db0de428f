"""Any step map as a trainable recurrent network with a linear readout."""

from __future__ import annotations

from typing import Any

import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from fpf_notebook._types import JsonObject, PyTree
from fpf_notebook.arguments import checked_argument
from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.models.base import Box, RecurrentModel
from fpf_notebook.models.forward import Parameters, Step


class StepMapRNN(RecurrentModel):
    """A `StepMap` as one of our networks: its parameters trainable, its readout linear.

    Parameters
    ----------
    step_map : StepMap
        A map, not a flow, whose step works in single precision:
        ``as_step_map(model, dtype="float32")``, or a StepMap written out by hand. Floating-point
        arrays among its parameters are trained, the others are constants.
    n_outputs : int
        Outputs of a linear readout ``W_out h + b_out`` of the state, by default none. (The
        readout of a step map is of a step, not of a state, so that it is not taken over.)
    seed : int
        Seed of the readout's weights, normal with a variance of ``1/n_states``.
    name : str, optional
        Name of the BrainPy object.

    Raises
    ------
    TypeError, ValueError
        If it is no step map, or a flow, or bound to double precision.
    """

    kind = "step_map"
    _made_anew = ("_step",)

    def __init__(
        self, step_map: StepMap, *, n_outputs: int = 0, seed: int = 0, name: str | None = None
    ) -> None:
        if not isinstance(step_map, StepMap):
            raise TypeError(f"step_map must be a StepMap, got {type(step_map).__name__}")
        if step_map.time != "discrete":
            raise ValueError(
                f"step_map {step_map.name!r} is a flow; a recurrent network needs a map (its step "
                "of one dt)"
            )
        n_outputs = checked_argument("models", "n_outputs", n_outputs)
        rng = np.random.default_rng(checked_argument("models", "seed", seed))
        self._names, self._constants, self._structure = _named_leaves(step_map.params)
        self._check_precision(step_map)
        super(RecurrentModel, self).__init__(name=name, mode=bm.TrainingMode())
        self.step_map = step_map
        self.n_inputs, self.n_states = step_map.n_inputs, step_map.n_states
        self.n_hidden, self.n_outputs = step_map.n_states, n_outputs
        self.state_slices = tuple((s.name, s.stop - s.start) for s in step_map.slices)
        self.invariant_box_reason = "the parameters of the step map change in training"
        arrays = dict(zip(self._names, jax.tree.leaves(step_map.params), strict=True))
        arrays |= {
            "W_out": rng.normal(0.0, self.n_states**-0.5, (n_outputs, self.n_states)),
            "b_out": np.zeros(n_outputs),
            "h0": np.zeros(self.n_states),
        }
        self._parameter_names = tuple(key for key in arrays if key not in self._constants)
        for key in self._parameter_names:
            setattr(self, key, bm.TrainVar(jnp.asarray(arrays[key], jnp.float32)))
        self._step = self._make_step()

    @property
    def step(self) -> Step:
        """The pure single step ``step(params, h[n_states], u[n_inputs]) -> h_next[n_states]``."""
        return self._step

    def step_identity(self) -> None:
        """Return ``None``: the step map may hold constants of its own."""

    def invariant_box(self, u: Float[Array, "n_inputs"]) -> Box | None:
        """Return ``None``: no box is known for parameters that training changes."""
        return None

    def _restore(self) -> None:
        self._step = self._make_step()

    def _make_step(self) -> Step:
        names, constants, structure = self._names, self._constants, self._structure
        given = self.step_map.step

        def step(params: Parameters, h: Array, u: Array) -> Array:
            leaves = [constants[key] if key in constants else params[key] for key in names]
            return given(jax.tree.unflatten(structure, leaves), h, u)

        return step

    def _check_precision(self, step_map: StepMap) -> None:
        single = [
            jnp.asarray(leaf, jnp.float32) if key not in self._constants else leaf
            for key, leaf in zip(self._names, jax.tree.leaves(step_map.params), strict=True)
        ]
        params = jax.tree.unflatten(self._structure, single)
        h = jax.ShapeDtypeStruct((step_map.n_states,), jnp.float32)
        u = jax.ShapeDtypeStruct((step_map.n_inputs,), jnp.float32)
        problem = ""
        try:
            out = jax.eval_shape(step_map.step, params, h, u)
        except Exception as error:
            problem = f" ({type(error).__name__}: {str(error).splitlines()[0][:120]})"
        else:
            if out.shape == h.shape and out.dtype == h.dtype:
                return
        raise ValueError(
            f"step_map {step_map.name!r} does not step in single precision, in which networks are "
            f'trained{problem}. Make it with as_step_map(model, dtype="float32").'
        )


def _named_leaves(params: PyTree) -> tuple[tuple[str, ...], dict[str, Any], Any]:
    """Return a name for each leaf, the leaves that are no floats by name, and the structure."""
    paths, structure = jax.tree_util.tree_flatten_with_path(params)
    names: list[str] = []
    constants: JsonObject = {}
    for path, leaf in paths:
        words = [str(getattr(k, "key", getattr(k, "name", getattr(k, "idx", "")))) for k in path]
        name = "_".join(["step", *words]).replace(".", "_")
        while name in names:
            name += "_"
        names.append(name)
        if not jnp.issubdtype(jnp.result_type(leaf), jnp.floating):
            constants[name] = leaf
    return tuple(names), constants, structure
