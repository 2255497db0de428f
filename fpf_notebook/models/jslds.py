"""Jacobian switching linear dynamical systems: networks that name their own fixed points."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial

import brainpy as bp
import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float
from numpy.typing import ArrayLike

from fpf_notebook._types import AnyFunction
from fpf_notebook.arguments import checked_argument
from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.models.base import RecurrentModel
from fpf_notebook.models.expansion import ExpansionModule, ResidualMLP, check_expansion
from fpf_notebook.models.forward import Forward, Parameters, Readout, Step
from fpf_notebook.models.input_point import InputPoint, as_input_point
from fpf_notebook.models.jslds_core import (
    EXPANSION,
    RNN,
    Core,
    JSLDSCarry,
    jslds_core,
    linearized_step,
    part_of,
    roll_out_core,
)
from fpf_notebook.models.one_step import one_step, run_arguments
from fpf_notebook.models.sending import Sendable
from fpf_notebook.models.step_map_rnn import StepMapRNN


@dataclass(frozen=True, eq=False)
class JSLDSRun:
    """Both systems run over the same trials, each from its own states.

    Attributes
    ----------
    rnn_states, jslds_states : array, [trial, time, n_states]
        h of the nonlinear network and a of the switching linear system, after each step.
    rnn_outputs, jslds_outputs : array, [trial, time, n_outputs]
        Their readouts.
    expansion_points : array, [trial, time, n_states]
        e, around which each step of the switching linear system was linear.
    F_expansion : array, [trial, time, n_states]
        F(e, u*): equal to e where e is a fixed point.
    """

    rnn_states: Float[np.ndarray, "trial time n_states"]
    jslds_states: Float[np.ndarray, "trial time n_states"]
    rnn_outputs: Float[np.ndarray, "trial time n_outputs"]
    jslds_outputs: Float[np.ndarray, "trial time n_outputs"]
    expansion_points: Float[np.ndarray, "trial time n_states"]
    F_expansion: Float[np.ndarray, "trial time n_states"]


class JSLDS(Sendable, bp.DynamicalSystem):  # type: ignore[misc]
    """A recurrent network F together with a switching linear system that approximates it.

    An expansion network E names a point ``e = E(a)`` for each state a of the linear system, which
    advances by the first-order expansion of F around it, eq. 5 of the paper::

        a' = e + dF/dh(e, u*) (a - e) + dF/du(e, u*) (u - u*)

    Trained together (`fpf_notebook.training.co_training_loss`), e becomes a fixed point of
    F, and a stays close to the state h of F itself.

    The model by itself is the switching linear system: called with one step,
    ``model(inputs[batch, 1, n_inputs], hidden[batch, n_states])``, it returns its outputs and next
    states. The nonlinear network is ``model.rnn``; `run` runs both, independently.

    Parameters
    ----------
    rnn : RecurrentModel or StepMap
        The network F. It is not copied: training changes it.
    expansion : bp.DynamicalSystem, optional
        The network E, by default ``ResidualMLP(n_states)``. Any feed-forward BrainPy module from
        states ``[batch, n_states]`` to states will do.
    input_point : array [n_inputs] or callable, optional
        u*: zero by default, a constant, or a pure function of the input, such as
        ``KeepChannels((2, 3))`` for a context on channels 2 and 3.
    n_outputs : int
        For a StepMap only: outputs of a new linear readout, by default none.
    seed : int
        For a StepMap only: seed of that readout's weights.
    name : str, optional
        Name of the BrainPy object.

    Attributes
    ----------
    rnn, expansion : bp.DynamicalSystem
        F and E.
    n_inputs, n_hidden, n_states, n_outputs : int
        As those of the network.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, or its widths do not fit.

    References
    ----------
    Smith, Linderman and Sussillo, "Reverse engineering recurrent neural networks with Jacobian
    switching linear dynamical systems", NeurIPS 2021.
    """

    kind = "jslds"
    _made_anew = ("_expand",)
    invariant_box_reason = "none: a system that is linear around each point is not bounded"

    def __init__(
        self,
        rnn: RecurrentModel | StepMap,
        expansion: object = None,
        input_point: ArrayLike | InputPoint | None = None,
        *,
        n_outputs: int = 0,
        seed: int = 0,
        name: str | None = None,
    ) -> None:
        if isinstance(rnn, StepMap):
            rnn = StepMapRNN(rnn, n_outputs=n_outputs, seed=seed)
        elif not isinstance(rnn, RecurrentModel):
            raise TypeError(
                "rnn must be one of fpf_notebook.models or a StepMap (see as_step_map), got "
                f"{type(rnn).__name__}"
            )
        elif checked_argument("models", "n_outputs", n_outputs):
            raise ValueError("n_outputs is for a StepMap; this network has its own readout")
        point = as_input_point(input_point, rnn.n_inputs)
        if expansion is None:
            expansion = ResidualMLP(rnn.n_states)
        source = expansion if isinstance(expansion, ResidualMLP) else ExpansionModule(expansion)
        check_expansion(source.expand, source.parameters(), rnn.n_states)
        super().__init__(name=name, mode=bm.TrainingMode())
        self.rnn = rnn
        self.expansion = expansion
        self.input_point: InputPoint = point
        self._expand = source.expand
        self.n_inputs, self.n_hidden = rnn.n_inputs, rnn.n_hidden
        self.n_states, self.n_outputs = rnn.n_states, rnn.n_outputs
        self.state_slices = rnn.state_slices

    def _restore(self) -> None:
        own = self.expansion
        self._expand = (own if isinstance(own, ResidualMLP) else ExpansionModule(own)).expand

    # -- pure functions ----------------------------------------------------------------------------

    @property
    def core(self) -> Core:
        """The pure step of both systems, ``core(params, carry, u) -> carry`` of one trial.

        ``functools.partial(model.core, params)`` is a plain ``(carry, input) -> carry`` for
        ``lax.scan``, beginning with ``initial_carry(h0)``: a generator for larger models.
        """
        return jslds_core(self.rnn.step, self._expand, self.input_point)

    @property
    def step(self) -> Step:
        """The pure single step of the switching linear system alone."""
        return _jslds_step(linearized_step(self.rnn.step, self._expand, self.input_point))

    @property
    def readout_function(self) -> Readout:
        """The pure readout of states, that of the network."""
        return _prefixed_readout(self.rnn.readout_function)

    @property
    def forward(self) -> Forward:
        """The pure run of the switching linear system alone, from the initial state.

        ``forward(params, inputs) -> (outputs, states)``, arrays ``[trial, time, channel]``.
        """
        return _jslds_forward(self.core, self.readout_function)

    # -- the model ---------------------------------------------------------------------------------

    def parameters(self) -> dict[str, Array]:
        """Return the present values of all parameters, as ``rnn.…`` and ``expansion.…``."""
        variables = self.train_vars(method="relative")
        return {name: jnp.asarray(variable.value) for name, variable in variables.items()}

    def initial_state(self, batch: int = 1) -> Float[Array, "batch n_states"]:
        """Return the trained initial state of both systems, once for each of `batch` trials."""
        return self.rnn.initial_state(batch)

    def invariant_box(self, u: Float[Array, "n_inputs"]) -> None:
        """Return ``None``: the switching linear system has no bound."""

    def readout(self, h: Float[Array, "... n_states"]) -> Float[Array, "... n_outputs"]:
        """Return the outputs that belong to states."""
        return self.rnn.readout(h)

    def expansion_points(self, a: Float[Array, "... n_states"]) -> Float[Array, "... n_states"]:
        """Return e = E(a) for states of any leading dimensions.

        Raises
        ------
        ValueError
            If the states have another width than ``n_states``.
        """
        a = jnp.asarray(a)
        if a.ndim == 0 or a.shape[-1] != self.n_states:
            raise ValueError(f"a must have the width n_states={self.n_states}, got {list(a.shape)}")
        params = part_of(self.parameters(), EXPANSION)
        flat = jax.vmap(self._expand, in_axes=(None, 0))(params, a.reshape(-1, self.n_states))
        return flat.reshape(a.shape)

    def update(
        self,
        inputs: Float[Array, "batch 1 n_inputs"],
        hidden: Float[Array, "batch n_states"] | None = None,
    ) -> tuple[Float[Array, "batch 1 n_outputs"], Float[Array, "batch n_states"]]:
        """Advance the switching linear system by one step; this is what calling the model does.

        Parameters
        ----------
        inputs : array, [batch, 1, n_inputs]
            The inputs of this step.
        hidden : array, [batch, n_states], optional
            The states a before it; by default the initial state.

        Returns
        -------
        outputs : array, [batch, 1, n_outputs]
            The readout of the new states.
        a_next : array, [batch, n_states]
            The new states.

        Raises
        ------
        ValueError
            If an array has another shape than these.
        """
        return one_step(self, inputs, hidden)

    def run(self, inputs: ArrayLike, initial_states: ArrayLike | None = None) -> JSLDSRun:
        """Run both systems over whole trials, independently, in one compiled loop.

        Parameters
        ----------
        inputs : array, [trial, time, n_inputs]
            The inputs of every step.
        initial_states : array, [trial, n_states], optional
            The states of both before the first step; by default the trained initial state.

        Returns
        -------
        run : JSLDSRun

        Raises
        ------
        ValueError
            If an array has another shape than these.
        """
        inputs, h0 = run_arguments(self, inputs, initial_states)
        carry, rnn_outputs, jslds_outputs = _run_compiled(
            self.core, self.readout_function, self.parameters(), h0, inputs
        )
        return JSLDSRun(
            rnn_states=np.asarray(carry.rnn_state),
            jslds_states=np.asarray(carry.jslds_state),
            rnn_outputs=np.asarray(rnn_outputs),
            jslds_outputs=np.asarray(jslds_outputs),
            expansion_points=np.asarray(carry.expansion_point),
            F_expansion=np.asarray(carry.F_expansion),
        )

    def __repr__(self) -> str:
        return f"JSLDS({self.rnn!r}, input_point={self.input_point!r})"


@lru_cache(maxsize=256)
def _jslds_step(linearized: AnyFunction) -> Step:
    def step(params: Parameters, a: Array, u: Array) -> Array:
        return linearized(params, a, u)[0]

    return step


@lru_cache(maxsize=256)
def _prefixed_readout(readout: Readout) -> Readout:
    def prefixed(params: Parameters, h: Array) -> Array:
        return readout(part_of(params, RNN), h)

    return prefixed


def run_both(core: Core, params: Parameters, inputs: Array) -> JSLDSCarry:
    """Return both systems' states over trials, from the initial state of the parameters."""
    h0 = params[f"{RNN}h0"]
    return roll_out_core(core, params, jnp.broadcast_to(h0, (inputs.shape[0], *h0.shape)), inputs)


@lru_cache(maxsize=256)
def _jslds_forward(core: Core, readout: Readout) -> Forward:
    def forward(params: Parameters, inputs: Array) -> tuple[Array, Array]:
        states = run_both(core, params, inputs).jslds_state
        return readout(params, states), states

    return forward


@partial(jax.jit, static_argnames=("core", "readout"))
def _run_compiled(
    core: Core, readout: Readout, params: Parameters, h0: Array, inputs: Array
) -> tuple[JSLDSCarry, Array, Array]:
    carry = roll_out_core(core, params, h0, inputs)
    return carry, readout(params, carry.rnn_state), readout(params, carry.jslds_state)
