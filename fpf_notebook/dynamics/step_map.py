"""The step map: one step of a network as a pure function of parameters, state and input."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fpf_notebook._types import AnyFunction, JsonObject
from fpf_notebook._types import PyTree as PyTree
from fpf_notebook.arguments import checked_argument, checks
from fpf_notebook.dynamics.arrays import AnyArray, without_gradient
from fpf_notebook.dynamics.compile_cache import QUICK, compiled, identity_of
from fpf_notebook.dynamics.program.page_program import PageProgram
from fpf_notebook.dynamics.reading import Reading
from fpf_notebook.dynamics.sending import Origin, reduced

if TYPE_CHECKING:
    from fpf_notebook.dynamics.explanation import Explanation

Time: TypeAlias = Literal["discrete", "continuous"]
Precision: TypeAlias = Literal["float64", "float32"]

StepFunction: TypeAlias = Callable[
    [PyTree, Float[Array, "n_states"], Float[Array, "n_inputs"]], Float[Array, "n_states"]
]
ReadoutFunction: TypeAlias = Callable[
    [PyTree, Float[Array, "n_states"], Float[Array, "n_inputs"]], Float[Array, "n_outputs"]
]
BoxFunction: TypeAlias = Callable[
    [PyTree, Float[Array, "n_inputs"]],
    tuple[Float[Array, "n_states"], Float[Array, "n_states"]],
]

_anonymous = itertools.count()


@dataclass(frozen=True)
class StateSlice:
    """Where one of the model's own state arrays lies in the flat state vector.

    Parameters
    ----------
    name
        The model's name for it, for example ``"h"`` or ``"rnn.state"``.
    shape
        Its shape in the model, without the batch axis.
    start, stop
        It is ``state[start:stop]``, in C order.
    """

    name: str
    shape: tuple[int, ...]
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class StepMap:
    """One step of a network, pure and unbatched, with its parameters as an argument.

    Made by :func:`fpf_notebook.dynamics.as_step_map`; written out by hand only for a network that
    is already a pure JAX function.

    Parameters
    ----------
    step
        ``step(params, h, u)`` returns the next state ``h_next`` when ``time`` is ``"discrete"`` and
        the derivative ``dh/dt`` when it is ``"continuous"``. Pure, unbatched, differentiable.
    params
        Every number that the step depends on: a tree of arrays.
    n_states, n_inputs
        Lengths of ``h`` and ``u``.
    slices
        The state arrays of the model, in the order in which they stand in ``h``. Default: one, of
        name ``"state"``.
    time
        Whether ``step`` is a map or a flow. It decides which criterion of stability applies: the
        unit circle or the imaginary axis.
    dt
        Duration of one step in the unit of your choice, or None. For a flow, the step with which
        :meth:`trajectory` integrates.
    box
        ``box(params, u)`` returns ``(low, high)``, a box which the map does not leave, or None when
        none is known.
    box_reason
        Where the box comes from, or why there is none.
    readout
        ``readout(params, h, u)`` returns the output of the network, or None when it has none.
    n_outputs
        Length of the output, or None.
    name
        What to call the network in messages.
    signature
        Identity of the computation: maps of equal signature share their compiled functions.
        Default: unique to this map and to those derived from it. Whoever replaces ``step`` must
        replace the signature too.
    dtype
        The type in which ``step`` takes states and inputs, ``"float64"`` (default) or
        ``"float32"``.
    precision
        The coarsest floating-point type inside the step. ``"float32"`` when the model rounds its
        own numbers to single precision: residuals below about 1e-7 are then noise, whatever
        ``dtype`` says.
    reading
        How ``as_step_map`` read the model; ``print(step_map.reading)`` shows it. None for a map
        that was written out by hand.
    """

    step: StepFunction = field(repr=False)
    params: PyTree = field(repr=False)
    n_states: int
    n_inputs: int
    slices: tuple[StateSlice, ...] = ()
    time: Time = "discrete"
    dt: float | None = None
    box: BoxFunction | None = field(default=None, repr=False)
    box_reason: str = ""
    readout: ReadoutFunction | None = field(default=None, repr=False)
    n_outputs: int | None = None
    name: str = "step map"
    signature: str = ""
    dtype: Precision = "float64"
    precision: Precision = "float64"
    reading: Reading | None = None
    _retrace: Callable[[Any], StepMap] | None = field(default=None, repr=False)
    _origin: Origin | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Fill in the defaults that depend on other fields."""
        if not self.slices:
            whole = StateSlice("state", (self.n_states,), 0, self.n_states)
            object.__setattr__(self, "slices", (whole,))
        if not self.signature:
            object.__setattr__(self, "signature", f"anonymous {next(_anonymous)}")

    def __reduce__(self) -> tuple[Callable[..., StepMap], tuple[Any, ...]]:
        """Return how the step map is made again in another process.

        Raises
        ------
        pickle.PicklingError
            If the model that it was made of has changed since.
        """
        if self._origin is not None:
            return reduced(self, self._origin)
        fields = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        return _written_out, (fields,)

    # -- evaluation ------------------------------------------------------------------------------

    @checks("StepMap.__call__")
    def __call__(
        self, h: Float[AnyArray, "*#batch n_states"], u: Float[AnyArray, "*#batch n_inputs"]
    ) -> Float[np.ndarray, "*batch n_states"]:
        """Apply the step to one state or to many.

        Parameters
        ----------
        h
            States; any leading dimensions.
        u
            Inputs; the leading dimensions broadcast against those of ``h``.

        Returns
        -------
        numpy.ndarray
            The next states, or the derivatives of a flow, of type ``dtype``.
        """
        states, inputs, batch = self._flatten(h, u)
        apply = compiled("step", self, (), lambda step: _batched(step))
        with jax.enable_x64(True):
            out = np.asarray(apply(self.params, states, inputs))
        return out.reshape(*batch, self.n_states)

    def output(
        self, h: Float[AnyArray, "*#batch n_states"], u: Float[AnyArray, "*#batch n_inputs"]
    ) -> Float[np.ndarray, "*batch n_outputs"]:
        """Read the output of the network out of one state or of many.

        Parameters
        ----------
        h, u
            As for a call of the step map.

        Returns
        -------
        numpy.ndarray
            Outputs, as the model gives them in the step that starts in ``h``.

        Raises
        ------
        ValueError
            If the model has no readout.
        """
        readout = self.readout
        if readout is None:
            raise ValueError(
                f"{self.name} has no readout: its step returns no output next to the state. "
                "Return (output, next_state) from the model, or give the step map readout=."
            )
        states, inputs, batch = self._flatten(h, u)
        apply = compiled("readout", self, identity_of(readout), lambda _: _batched(readout))
        with jax.enable_x64(True):
            out = np.asarray(apply(self.params, states, inputs))
        return out.reshape(*batch, -1) if out.size else out.reshape(*batch, out.shape[-1])

    @checks("StepMap.invariant_box")
    def invariant_box(
        self, u: Float[AnyArray, "n_inputs"]
    ) -> tuple[Float[np.ndarray, "n_states"], Float[np.ndarray, "n_states"]] | None:
        """Return the box that the network does not leave under the constant input ``u``.

        Parameters
        ----------
        u
            One input.

        Returns
        -------
        tuple of numpy.ndarray or None
            ``(low, high)``, or None when no box is known (``box_reason`` says why).
        """
        box = self.box
        if box is None:
            return None
        inputs = self._one_input(u).astype(self.dtype)
        if getattr(box, "on_host", False):
            bounds: tuple[np.ndarray, np.ndarray] | None = box(self.params, inputs)  # type: ignore
            return bounds
        apply = compiled(
            "box", self, identity_of(box), lambda _: jax.jit(box, compiler_options=QUICK)
        )
        with jax.enable_x64(True):
            low, high = apply(self.params, inputs)
            return np.asarray(low), np.asarray(high)

    @checks("StepMap.box_is_whole")
    def box_is_whole(self, u: Float[AnyArray, "n_inputs"]) -> bool | None:
        """Say whether it is proven that all fixed points lie in the box.

        An invariant box need not hold all fixed points: there can be others around it. A box is
        whole if interval arithmetic shows that the step moves every state outside inwards (up to
        a size of 2^20).

        Parameters
        ----------
        u
            One input.

        Returns
        -------
        bool or None
            True if that is proven, False if it is not, None when no box is known.
        """
        bounds = self.invariant_box(u)
        if bounds is None:
            return None
        from fpf_notebook.dynamics.jaxpr import is_whole  # heavy, and seldom needed

        inputs = self._one_input(u)
        return is_whole(self, inputs, *(np.asarray(edge, np.float64) for edge in bounds))

    @checks("StepMap.trajectory")
    def trajectory(
        self,
        h0: Float[AnyArray, "batch n_states"],
        inputs: Float[AnyArray, "batch time n_inputs"],
    ) -> Float[np.ndarray, "batch time n_states"]:
        """Run the network.

        Parameters
        ----------
        h0
            The states before the first step.
        inputs
            The inputs at each step.

        Returns
        -------
        numpy.ndarray
            The states *after* each step. A flow is integrated by the classical Runge-Kutta method,
            one step of length ``dt`` for each input, which is held meanwhile.

        Raises
        ------
        ValueError
            If the shapes do not fit, or for a flow without ``dt``.
        """
        start, driven = (
            np.asarray(without_gradient(part), dtype=self.dtype) for part in (h0, inputs)
        )
        if start.ndim != 2 or start.shape[1] != self.n_states:
            raise ValueError(
                f"h0 has shape {start.shape}, expected [batch, n_states={self.n_states}]."
            )
        if driven.ndim != 3 or driven.shape[2] != self.n_inputs or len(driven) != len(start):
            raise ValueError(
                f"inputs has shape {driven.shape}, expected "
                f"[batch={len(start)}, time, n_inputs={self.n_inputs}]."
            )
        continuous = self.time == "continuous"
        if continuous and self.dt is None:
            raise ValueError(
                f"{self.name} is a flow without a time step: give as_step_map dt=, the step with "
                "which to integrate it."
            )
        run = compiled("trajectory", self, continuous, lambda step: _scanned(step, continuous))
        dt = np.asarray(self.dt if continuous else 1.0, dtype=self.dtype)
        with jax.enable_x64(True):
            return np.asarray(run(self.params, start, driven, dt))

    # -- as a program ----------------------------------------------------------------------------

    def to_program(
        self, symbols: Iterable[str] = (), *, u: Float[AnyArray, "n_inputs"] | None = None
    ) -> PageProgram:
        """Write step, Jacobians, readout and invariant box as a program that needs no Python.

        The program is a few kilobytes of JSON: a list of operations on arrays, in a format with a
        version that the documentation describes. A web page can evaluate it.

        Parameters
        ----------
        symbols
            Parameters that stay open beside the input, by name: arrays (``"gain"``, ``"rnn.b"``)
            or single numbers of them (``"W[0, 1]"``). All others are stored as numbers.
        u
            The input for which the invariant box is stored where it is proven for one input at a
            time. Default: zeros. Boxes that are formulas of the input need none.

        Returns
        -------
        PageProgram
            The program; ``program.size`` says how large it is, ``program.to_json()`` writes it, and
            ``program.evaluate(h, u)`` computes with it.

        Raises
        ------
        ValueError
            If the step does something that no program can say (a loop whose length depends on the
            state, a call of Python or of torch, random numbers); the message names the operation
            and the line of your code. Also if it is too large, or `symbols` or `u` do not fit.

        Examples
        --------
        >>> import jax.numpy as jnp, numpy as np
        >>> from fpf_notebook.dynamics import as_step_map
        >>> W = np.array([[0.0, 2.0], [-2.0, 0.0]])
        >>> step_map = as_step_map(
        ...     lambda p, h, u: jnp.tanh(p["gain"] * (W @ h) + u),
        ...     n_states=2, n_inputs=2, params={"gain": np.array(1.5)},
        ... )
        >>> program = step_map.to_program(symbols=["gain"])
        >>> program.parameters
        {'gain': 1.5}
        >>> program.evaluate(np.array([0.1, 0.0]), np.zeros(2))["F"].round(4).tolist()
        [0.0, -0.2913]
        """
        from fpf_notebook.dynamics.program.export import export_program  # heavy, and seldom needed

        inputs = None if u is None else np.asarray(u, dtype=np.float64)
        return export_program(self, symbols=symbols, u=inputs)

    def explain(self) -> Explanation:
        """Say how the model was read: the call, the state, the parameters, the box, and why.

        Returns
        -------
        Explanation
            To be printed, or read field by field.
        """
        from fpf_notebook.dynamics.explanation import explain  # seldom needed

        return explain(self)

    # -- derived maps ----------------------------------------------------------------------------

    def with_params(self, params: PyTree) -> StepMap:
        """Return the same network with other numbers. Nothing is compiled anew.

        Parameters
        ----------
        params
            A tree of the same structure, shapes and types as ``self.params``. When the step map
            holds constants of its own beside the parameters that were given (``params`` is then
            ``{"given": ..., "held": ...}``), the given part alone will do.

        Returns
        -------
        StepMap
            A step map with the same functions and the new parameters.

        Raises
        ------
        ValueError
            If structure, a shape or a type differ; the message names the array.
        """
        template, wrap = self.params, False
        if isinstance(template, dict) and set(template) == {"given", "held"}:
            wrap = _structure(params) == _structure(template["given"])
        if wrap:
            params = {"given": params, "held": template["held"]}
        new = dataclasses.replace(self, params=_like(params, template))
        # A box that was proven of the old numbers need not be there with the new ones.
        again = getattr(self.box, "proven_again", None)
        return new if again is None else again(new)

    def with_values(self, values: Mapping[str, float]) -> StepMap:
        """Return the same network with some numbers changed, by name. Nothing is compiled anew.

        Parameters
        ----------
        values
            Numbers by name, as for :meth:`to_program`: ``{"gain": 1.2, "W[0, 1]": 0.0}``.

        Raises
        ------
        ValueError
            If there is no such parameter, or a name stands for several numbers.

        Examples
        --------
        >>> import jax.numpy as jnp, numpy as np
        >>> from fpf_notebook.dynamics import as_step_map
        >>> step_map = as_step_map(
        ...     lambda p, h, u: jnp.tanh(p["gain"] * h) + u,
        ...     n_states=1, n_inputs=1, params={"gain": np.array(1.5)},
        ... )
        >>> step_map.with_values({"gain": 0.0})(np.ones((1, 1)), np.zeros(1)).tolist()
        [[0.0]]
        """
        from fpf_notebook.dynamics.program.symbols import replaced  # seldom needed

        return replaced(self, values)

    def with_model(self, model: object) -> StepMap:
        """Return the step map of another model, made with the options of this one.

        Parameters
        ----------
        model
            The same kind of object as the one this map was made of, as a rule the same after some
            training. It is traced once more; if its structure is the same, nothing is compiled
            anew.

        Returns
        -------
        StepMap
            The new step map.

        Raises
        ------
        ValueError
            If this step map was not made by ``as_step_map``.
        """
        if self._retrace is None:
            raise ValueError(
                f"{self.name} was not made of a model by as_step_map, so that it cannot read the "
                "weights of one. Use with_params(...) instead."
            )
        return self._retrace(model)

    def power(self, k: int) -> StepMap:
        """Return the map of ``k`` steps under a constant input, for the search of cycles.

        Parameters
        ----------
        k
            Number of steps, at least 1.

        Returns
        -------
        StepMap
            The ``k``-fold composition. It has the same parameters, the same readout and the same
            box: what one step does not leave, ``k`` steps do not leave.

        Raises
        ------
        ValueError
            If ``k`` is less than 1, or for a flow.
        """
        k = checked_argument("StepMap.power", "k", k)
        if self.time == "continuous":
            raise ValueError(
                f"{self.name} is a flow: the powers of a vector field are not the flow for a "
                "longer time. Cycles can be sought in maps only."
            )
        if k == 1:
            return self
        single = self.step

        def repeated(
            params: PyTree, h: Float[Array, "n_states"], u: Float[Array, "n_inputs"]
        ) -> Float[Array, "n_states"]:
            # A scan, not a Python loop: compile time does not grow with the period.
            return jax.lax.scan(lambda x, _: (single(params, x, u), None), h, length=k)[0]

        return dataclasses.replace(
            self,
            step=repeated,
            dt=None if self.dt is None else k * self.dt,
            name=f"{self.name}, {k} steps",
            signature=f"{self.signature}^{k}",
            _retrace=None,
            _origin=Origin(StepMap.power, (self, k)),
        )

    # -- private ---------------------------------------------------------------------------------

    def _one_input(self, u: AnyArray) -> Float[np.ndarray, "n_inputs"]:
        given = np.asarray(without_gradient(u), dtype=np.float64)
        if given.size != self.n_inputs:
            raise ValueError(f"u has shape {given.shape}, expected [n_inputs={self.n_inputs}].")
        return given.reshape(self.n_inputs)

    def _flatten(
        self, h: AnyArray, u: AnyArray
    ) -> tuple[
        Float[np.ndarray, "flat n_states"], Float[np.ndarray, "flat n_inputs"], tuple[int, ...]
    ]:
        states, inputs = (np.asarray(without_gradient(part), dtype=self.dtype) for part in (h, u))
        if states.ndim == 0 or states.shape[-1] != self.n_states:
            raise ValueError(
                f"h has shape {states.shape}, expected [..., n_states={self.n_states}]."
            )
        if inputs.ndim == 0 or inputs.shape[-1] != self.n_inputs:
            raise ValueError(
                f"u has shape {inputs.shape}, expected [..., n_inputs={self.n_inputs}]."
            )
        try:
            batch = np.broadcast_shapes(states.shape[:-1], inputs.shape[:-1])
        except ValueError:
            raise ValueError(
                f"The leading dimensions of h {states.shape} and u {inputs.shape} do not fit."
            ) from None
        n = int(np.prod(batch, dtype=int))
        states = np.broadcast_to(states, (*batch, self.n_states)).reshape(n, self.n_states)
        inputs = np.broadcast_to(inputs, (*batch, self.n_inputs)).reshape(n, self.n_inputs)
        return states, inputs, batch


def _written_out(fields: JsonObject) -> StepMap:
    return StepMap(**fields)


def _batched(function: AnyFunction) -> AnyFunction:
    return jax.jit(jax.vmap(function, in_axes=(None, 0, 0)), compiler_options=QUICK)


def _scanned(step: StepFunction, continuous: bool) -> AnyFunction:
    def advance(params: PyTree, h: Any, u: Any, dt: jax.Array) -> jax.Array:
        if not continuous:
            return step(params, h, u)
        k1 = step(params, h, u)
        k2 = step(params, h + dt / 2 * k1, u)
        k3 = step(params, h + dt / 2 * k2, u)
        k4 = step(params, h + dt * k3, u)
        return h + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    def run(params: PyTree, h0: AnyArray, inputs: AnyArray, dt: jax.Array) -> jax.Array:
        def body(h: Any, u: Any) -> tuple[Any, Any]:
            h = jax.vmap(advance, in_axes=(None, 0, 0, None))(params, h, u, dt)
            return h, h

        _, states = jax.lax.scan(body, h0, jnp.swapaxes(inputs, 0, 1))
        return jnp.swapaxes(states, 0, 1)

    return jax.jit(run)


def _structure(tree: PyTree) -> object:
    return jax.tree.structure(tree)


def _like(params: PyTree, template: PyTree) -> PyTree:
    """Check a tree of arrays against a template and give its leaves the types of the template."""
    expected, structure = jax.tree_util.tree_flatten_with_path(template)
    given_structure = _structure(params)
    if given_structure != structure:
        raise ValueError(
            f"params has the structure {given_structure}, expected {structure}. "
            "Pass a tree with the same keys as the step map's own params."
        )
    leaves = []
    for (path, old), new in zip(expected, jax.tree.leaves(params), strict=True):
        where = f"params{jax.tree_util.keystr(path)}"
        old_type, new_type = np.dtype(old.dtype), np.asarray(new).dtype
        if np.shape(new) != np.shape(old):
            raise ValueError(
                f"{where} has shape {np.shape(new)}, expected {np.shape(old)}. Parameters can be "
                "exchanged only for others of the same shape; make a new step map for a network "
                "of another size."
            )
        # A narrower type is widened (the numbers stay the same), the opposite would round them.
        if not np.can_cast(new_type, old_type, "safe"):
            raise ValueError(
                f"{where} has the type {new_type}, expected {old_type}. Convert it first, for "
                f"example by .astype({old_type.name!r})."
            )
        leaves.append(np.array(new, dtype=old_type))
    return jax.tree.unflatten(structure, leaves)
