"""What the recurrent models share: parameters, the single-step call, running over time."""

from abc import abstractmethod
from collections.abc import Hashable, Mapping, Sequence

import brainpy as bp
import brainpy.math as bm
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float
from numpy.typing import ArrayLike

from fpf_notebook.arguments import checked_argument
from fpf_notebook.models.forward import (
    Forward,
    Readout,
    Step,
    forward_of,
    linear_readout,
    run_compiled,
)
from fpf_notebook.models.one_step import one_step, run_arguments
from fpf_notebook.models.sending import Sendable

Box = tuple[Float[Array, "n_states"], Float[Array, "n_states"]]
"""Lower and upper corner of an axis-aligned box of states."""


def check_sizes(n_inputs: object, n_hidden: object, n_outputs: object) -> tuple[int, int, int]:
    """Return the three sizes of a model as ``int``, or raise an error that names the wrong one."""
    return (
        checked_argument("models", "n_inputs", n_inputs),
        checked_argument("models", "n_hidden", n_hidden),
        checked_argument("models", "n_outputs", n_outputs),
    )


def normal_weights(
    rng: np.random.Generator, n_inputs: int, n_hidden: int, n_outputs: int, n_rows: int
) -> dict[str, np.ndarray]:
    """Draw the weight matrices of a cell with `n_rows` rows, and of its readout, in float32.

    Each is normal with a variance of 1 over the number of channels that it adds up, so that a
    sum keeps the variance of what is summed.
    """
    shapes = {
        "W_ih": (n_rows, n_inputs),
        "W_hh": (n_rows, n_hidden),
        "W_out": (n_outputs, n_hidden),
    }
    return {
        name: rng.normal(0.0, max(shape[1], 1) ** -0.5, shape).astype(np.float32)
        for name, shape in shapes.items()
    }


class RecurrentModel(Sendable, bp.DynamicalSystem):  # type: ignore[misc]
    """A recurrent cell with a linear readout and a trainable initial state.

    Called with one time step, ``model(inputs[batch, 1, n_inputs], hidden[batch, n_states])``, it
    returns ``(outputs[batch, 1, n_outputs], h_next[batch, n_states])``. The model itself keeps no
    state: its only Variables are its parameters.

    Attributes
    ----------
    n_inputs, n_hidden, n_states, n_outputs : int
        Channels in, units, components of the state vector (``2 n_hidden`` for an LSTM), channels
        out.
    state_slices : tuple of (str, int)
        Name and size of each part of the state vector, in order.
    """

    kind: str
    """Name of the cell: ``"tanh"``, ``"relu"``, ``"sigmoid"``, ``"gru"`` or ``"lstm"``."""
    invariant_box_reason: str
    """Where the invariant box comes from, or why there is none."""

    def _build(
        self,
        arrays: Mapping[str, ArrayLike | None],
        *,
        bias_names: Sequence[str],
        n_blocks: int,
        state_names: Sequence[str] = ("h",),
        name: str | None = None,
    ) -> None:
        """Initialize the object from a cell's arrays.

        Parameters
        ----------
        arrays : dict
            ``W_ih`` and ``W_hh`` and the biases; ``None`` or nothing for the readout and the
            initial state mean no outputs and an initial state of zeros.
        bias_names : sequence of str
            The biases that the cell has, each of the height of ``W_hh``.
        n_blocks : int
            Rows of ``W_hh`` for each unit: 1, or one for each gate.
        state_names : sequence of str
            The parts of the state, each with one component a unit.
        name : str, optional
            Name of the BrainPy object.
        """
        n_inputs = _matrix_shape("W_ih", arrays["W_ih"])[1]
        n_hidden = _matrix_shape("W_hh", arrays["W_hh"])[1]
        W_out, b_out = arrays.get("W_out"), arrays.get("b_out")
        if W_out is not None:
            n_outputs = _matrix_shape("W_out", W_out)[0]
        else:
            n_outputs = 0 if b_out is None else np.size(b_out)
        n_states = n_hidden * len(state_names)
        n_rows = n_blocks * n_hidden
        shapes: dict[str, tuple[int, ...]] = {
            "W_ih": (n_rows, n_inputs),
            "W_hh": (n_rows, n_hidden),
        }
        shapes |= {bias: (n_rows,) for bias in bias_names}
        shapes |= {"W_out": (n_outputs, n_hidden), "b_out": (n_outputs,), "h0": (n_states,)}
        # Checked before BrainPy registers the object under its name.
        values = {key: _checked_array(key, arrays.get(key), shape) for key, shape in shapes.items()}
        # A mode of its own: the global one is the user's, and may be changed at any time.
        super().__init__(name=name, mode=bm.TrainingMode())
        self.n_inputs = n_inputs
        self.n_hidden = n_hidden
        self.n_outputs = n_outputs
        self.n_states = n_states
        self.state_slices = tuple((state, n_hidden) for state in state_names)
        self._parameter_names = tuple(shapes)
        for key, value in values.items():
            setattr(self, key, bm.TrainVar(value))

    @property
    @abstractmethod
    def step(self) -> Step:
        """The pure single step ``step(params, h[n_states], u[n_inputs]) -> h_next[n_states]``.

        The same object for all models of a kind, so that compiled functions are shared.
        """

    @abstractmethod
    def invariant_box(self, u: Float[Array, "n_inputs"]) -> Box | None:
        """Return a box that the step under the constant input `u` maps into itself, or ``None``."""

    @property
    def readout_function(self) -> Readout:
        """The pure readout ``readout(params, h[..., n_states]) -> y[..., n_outputs]``."""
        return linear_readout

    @property
    def forward(self) -> Forward:
        """The pure run ``forward(params, inputs) -> (outputs, states)`` from the initial state.

        Arrays are ``[trial, time, channel]``. It is not compiled by itself.
        """
        return forward_of(self.step, self.readout_function)

    def parameters(self) -> dict[str, Array]:
        """Return the present values of the parameters by name."""
        return {name: jnp.asarray(getattr(self, name).value) for name in self._parameter_names}

    def step_identity(self) -> Hashable | None:
        """Return what is equal for networks that differ in their parameters only.

        `as_step_map` reads one of them and takes the others for the same with other numbers. None
        for a class of somebody else's, or an object with methods of its own: what its step depends
        on cannot be known.
        """
        own = type(self)
        changed = vars(self).keys() & {"update", "invariant_box", "parameters"}
        if own.__module__.partition(".")[0] != "fpf_notebook" or changed:
            return None
        methods = own.update, own.invariant_box, own.__call__
        return own, self.kind, self.step, self.readout_function, self.state_slices, methods

    def initial_state(self, batch: int = 1) -> Float[Array, "batch n_states"]:
        """Return the trained initial state, once for each of `batch` trials."""
        return jnp.broadcast_to(self.h0.value, (batch, self.n_states))

    def readout(self, h: Float[Array, "... n_states"]) -> Float[Array, "... n_outputs"]:
        """Return the outputs that belong to states."""
        return self.readout_function(self.parameters(), jnp.asarray(h))

    def update(
        self,
        inputs: Float[Array, "batch 1 n_inputs"],
        hidden: Float[Array, "batch n_states"] | None = None,
    ) -> tuple[Float[Array, "batch 1 n_outputs"], Float[Array, "batch n_states"]]:
        """Advance by one step; this is what calling the model does.

        Parameters
        ----------
        inputs : array, [batch, 1, n_inputs]
            The inputs of this step.
        hidden : array, [batch, n_states], optional
            The states before it; by default the initial state.

        Returns
        -------
        outputs : array, [batch, 1, n_outputs]
            The readout of the new states.
        h_next : array, [batch, n_states]
            The new states.

        Raises
        ------
        ValueError
            If an array has another shape than these.
        """
        return one_step(self, inputs, hidden)

    def run(
        self, inputs: ArrayLike, initial_states: ArrayLike | None = None
    ) -> tuple[Float[Array, "trial time n_outputs"], Float[Array, "trial time n_states"]]:
        """Run over whole trials in one compiled loop.

        Parameters
        ----------
        inputs : array, [trial, time, n_inputs]
            The inputs of every step.
        initial_states : array, [trial, n_states], optional
            The states before the first step; by default the trained initial state.

        Returns
        -------
        outputs : array, [trial, time, n_outputs]
            The readout after each step.
        states : array, [trial, time, n_states]
            The states after each step.

        Raises
        ------
        ValueError
            If an array has another shape than these.
        """
        inputs, h0 = run_arguments(self, inputs, initial_states)
        return run_compiled(self.step, self.readout_function, self.parameters(), h0, inputs)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.kind}: {self.n_inputs} inputs, {self.n_hidden} units, "
            f"{self.n_outputs} outputs)"
        )


def _matrix_shape(name: str, value: ArrayLike | None) -> tuple[int, int]:
    shape = np.shape(value) if value is not None else ()
    if len(shape) != 2:
        raise ValueError(f"{name} must be a matrix, got the shape {list(shape)}")
    return shape[0], shape[1]


def _checked_array(name: str, value: ArrayLike | None, shape: tuple[int, ...]) -> Array:
    if value is None:
        return jnp.zeros(shape, jnp.float32)
    array = np.asarray(value)
    if array.shape != shape:
        raise ValueError(f"{name} must have the shape {list(shape)}, got {list(array.shape)}")
    if not (np.issubdtype(array.dtype, np.floating) or np.issubdtype(array.dtype, np.integer)):
        raise TypeError(f"{name} must be an array of real numbers, got the dtype {array.dtype}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity in it")
    if np.issubdtype(array.dtype, np.integer):
        array = array.astype(np.float32)
    return jnp.asarray(array)  # float64 where the user has turned it on, else float32
