"""`SearchRequest`: everything that a search was asked for, checked once.

The finder, the explorer, snapshots of a training, forecasts and the command line all make one, and
hand it on; nobody else draws starts, applies masks or chooses pools.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from fpf_notebook._types import JsonObject
from fpf_notebook.arguments import CALLS, checked_argument
from fpf_notebook.dynamics.arrays import without_gradient
from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.finder import arguments
from fpf_notebook.finder.given_arrays import mask_of
from fpf_notebook.finder.options import Options
from fpf_notebook.finder.proposals.sampling import sample_states, warm_starts
from fpf_notebook.finder.suggest import refuse_unknown

__all__ = ["SearchRequest", "Starts"]

_CALL = "FixedPointFinder.find_fixed_points"
# Arrays and what hangs together with them have checks of their own.
_DECLARED = set(CALLS[_CALL]) - {"state_traj", "inputs", "progress", "cancel"}


class Starts(NamedTuple):
    """What a search takes: drawn from a request, for one network.

    Attributes
    ----------
    states : array, [n_inits, n_states]
        Initial states.
    inputs : array, [n_inits, n_inputs]
        The constant input of each.
    cond_ids : array of int, [n_inits], or None
        Numbers of conditions.
    kinds : array of str, [n_inits]
        What each start is: "initial", or of a warm search the kind of proposal.
    pool : array, [n, n_states]
        The states that later rounds draw from.
    rng : numpy.random.Generator
        Goes on where the drawing of the starts has left it.
    """

    states: Float[np.ndarray, "n_inits n_states"]
    inputs: Float[np.ndarray, "n_inits n_inputs"]
    cond_ids: Int[np.ndarray, "n_inits"] | None
    kinds: Shaped[np.ndarray, "n_inits"]
    pool: Float[np.ndarray, "n n_states"]
    rng: np.random.Generator


@dataclass(frozen=True, eq=False)
class SearchRequest:
    """What a search was asked for. Frozen; checked when it is made, before any work.

    Parameters
    ----------
    options : Options
        Method, tolerances, seed.
    state_traj, valid_bxt, initial_states, inputs, cond_ids, n_inits, noise_scale, exhaustive, \
    include_slow, period, max_rounds, max_seconds, patience, prove
        As for `FixedPointFinder.find_fixed_points`.
    known_states : array, [n_known, n_states], optional
        Points known beforehand, those of a like network. The starts are then these (a quarter at
        most) and, in equal parts, states of the trajectories with noise, of segments between the
        points, and of the box around all.

    Raises
    ------
    TypeError, ValueError
        Naming the argument, what was given and what is expected.
    """

    options: Options = field(default_factory=Options)
    state_traj: Float[np.ndarray, "n_batch n_time n_states"] | None = None
    inputs: Float[np.ndarray, "n n_inputs"] | None = None
    n_inits: int = 1024
    noise_scale: float = 0.0
    valid_bxt: Bool[np.ndarray, "n_batch n_time"] | None = None
    cond_ids: Int[np.ndarray, "n_inits"] | None = None
    exhaustive: bool = False
    initial_states: Float[np.ndarray, "n_inits n_states"] | None = None
    include_slow: bool = False
    period: int = 1
    max_rounds: int = 30
    max_seconds: float | None = None
    patience: int = 2
    known_states: Float[np.ndarray, "n_known n_states"] | None = None
    prove: bool | None = None

    def __post_init__(self) -> None:
        """Check every field and bring it to its type."""
        self._check({item.name for item in dataclasses.fields(self)})

    def replace(self, **changes: Any) -> SearchRequest:
        """Return a request with other values of some fields; only these are checked again.

        For those who make many requests of the same trajectories, as a slider does.
        """
        names = {item.name for item in dataclasses.fields(self)}
        refuse_unknown("SearchRequest", changes, names)
        other = object.__new__(SearchRequest)
        for name in names:
            other._set(name, changes.get(name, getattr(self, name)))
        other._check(set(changes))
        return other

    def _check(self, names: set[str]) -> None:
        """Check some of the fields, and what hangs together with them."""
        if self.state_traj is None and self.initial_states is None:
            raise ValueError(
                "Neither state_traj nor initial_states is given; expected trajectories "
                "[n_batch, n_time, n_states] or states [n_inits, n_states] to start from."
            )
        for name in names & _DECLARED:
            self._set(name, checked_argument(_CALL, name, getattr(self, name)))
        if names & {"initial_states", "n_inits"} and self.initial_states is not None:
            starts = arguments.check_states("initial_states", self.initial_states, 2, None)
            self._set("initial_states", _frozen(starts))
            self._set("n_inits", len(starts))
        if names & {"state_traj", "valid_bxt", "initial_states"}:
            self._check_trajectories()
        if "known_states" in names and self.known_states is not None and len(self.known_states):
            known = arguments.check_states("known_states", self.known_states, 2, self.n_states)
            self._set("known_states", _frozen(known))
        if names & {"inputs", "n_inits", "initial_states"} and self.inputs is not None:
            arguments.check_inputs(self.inputs, self.n_inits, None)
            given = np.asarray(without_gradient(self.inputs), dtype=np.float64)
            self._set("inputs", _frozen(given.copy()))
        if names & {"cond_ids", "n_inits", "initial_states"} and self.cond_ids is not None:
            ids = arguments.check_cond_ids(self.cond_ids, self.n_inits)
            self._set("cond_ids", _frozen(np.asarray(ids).copy()))

    def _check_trajectories(self) -> None:
        if self.state_traj is None:
            if self.valid_bxt is not None:
                raise ValueError("valid_bxt is given without state_traj, expected both or neither.")
            return
        width = None if self.initial_states is None else self.initial_states.shape[1]
        traj = arguments.check_states("state_traj", self.state_traj, 3, width, finite=False)
        mask = arguments.check_mask(self.valid_bxt, traj.shape[:2])
        mask = arguments.check_mask(mask_of(self.state_traj, mask), traj.shape[:2])
        arguments.check_finite("state_traj", traj, mask)
        self._set("state_traj", _frozen(traj))
        self._set("valid_bxt", None if mask is None else _frozen(mask))

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    # -- for one network ---------------------------------------------------------------------------

    @property
    def n_states(self) -> int:
        """Width of the states given."""
        given = self.state_traj if self.initial_states is None else self.initial_states
        assert given is not None
        return given.shape[-1]

    @property
    def n_inputs(self) -> int | None:
        """Width of the inputs given, or None if there are none."""
        return None if self.inputs is None else self.inputs.shape[1]

    def check_fits(self, step_map: StepMap) -> Float[np.ndarray, "n_inits n_inputs"]:
        """Refuse data that do not fit a network; return the constant input of each start.

        Raises
        ------
        ValueError
            Naming the argument and both sizes.
        """
        for name in ("state_traj", "initial_states"):
            given = getattr(self, name)
            if given is not None:
                arguments.check_states(name, given, given.ndim, step_map.n_states, finite=False)
        return arguments.check_inputs(self.inputs, self.n_inits, step_map.n_inputs)

    def draw(self, step_map: StepMap) -> Starts:
        """Draw the starts. Equal requests draw equal ones.

        Raises
        ------
        ValueError
            If the data do not fit the network.
        """
        u = self.check_fits(step_map)
        rng = np.random.default_rng(self.options.random_seed)
        if self.initial_states is not None:
            states = np.array(self.initial_states)
            if self.noise_scale > 0:
                states += self.noise_scale * rng.standard_normal(states.shape)
        elif self.known_states is not None:
            return self._draw_around(self.known_states, step_map, u, rng)
        else:
            assert self.state_traj is not None
            states = sample_states(
                self.state_traj, self.n_inits, rng, self.noise_scale, self.valid_bxt
            )
        kinds = np.full(len(states), "initial", dtype=object)
        return Starts(states, u, self.cond_ids, kinds, self._pool(states), rng)

    def _draw_around(
        self, known: np.ndarray, step_map: StepMap, u: np.ndarray, rng: np.random.Generator
    ) -> Starts:
        pool = self._pool(known)
        edges = step_map.invariant_box(u[0])
        states, kinds = warm_starts(rng, self.n_inits, pool, known, edges)
        return Starts(states, u, self.cond_ids, kinds, pool, rng)

    def _pool(self, starts: np.ndarray) -> np.ndarray:
        """Return the states visited, or, where there are none, those to start from."""
        if self.state_traj is None:
            return starts
        visited = self.state_traj if self.valid_bxt is None else self.state_traj[self.valid_bxt]
        return np.asarray(visited).reshape(-1, self.n_states)

    # -- in other forms ----------------------------------------------------------------------------

    def same_search(self, other: SearchRequest) -> bool:
        """Tell whether the other request runs the same lanes, and at most filters otherwise."""
        for item in dataclasses.fields(self):
            mine, theirs = getattr(self, item.name), getattr(other, item.name)
            if item.name in ("options", "include_slow") or mine is theirs:
                continue
            if isinstance(mine, np.ndarray) or isinstance(theirs, np.ndarray):
                if not np.array_equal(mine, theirs):
                    return False
            elif mine != theirs:
                return False
        return self._lanes_depend_on() == other._lanes_depend_on()

    def _lanes_depend_on(self) -> JsonObject:
        options = self.options
        needed = {k: v for k, v in dataclasses.asdict(options).items() if k not in _ONLY_FILTERS}
        if not self.exhaustive:  # else later rounds start from what was judged a point
            for name in ("tol_slope", "do_compute_jacobians"):
                del needed[name]
            needed["tol_unique"] = min(options.tol_unique, Options.tol_unique)
            if options.method == "newton" and options.dtype == "float64" and options.search_tol_q:
                needed["tol_q"] = options.newton_tol_q
        return needed

    def to_dict(self) -> JsonObject:
        """Return arrays and plain values by name, the options among them."""
        plain = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {**plain, "options": dataclasses.asdict(self.options)}

    @classmethod
    def from_dict(cls, record: JsonObject) -> SearchRequest:
        """Make a request of what :meth:`to_dict` returned; it is checked again."""
        return cls(**{**record, "options": Options(**record["options"])})

    def to_code(
        self,
        model_options: Mapping[str, object] | None = None,
        values: Mapping[str, float] | None = None,
    ) -> str:
        """Return a script that makes this search.

        Parameters
        ----------
        model_options : dict, optional
            Options of `as_step_map` that the model needs.
        values : dict, optional
            Parameters of the network that are changed first, as `StepMap.with_values` does.

        Returns
        -------
        str
            It takes ``model`` and the arrays given (``state_traj``, ``valid_bxt``, …) from where it
            runs; small arrays and everything else stand in it.
        """
        changed = _changed(self.options)
        finder = [f"    {name}={_code(value)},\n" for name, value in changed.items()]
        call, given = [], ["model"]
        network: list[str] = []
        for name, value in (model_options or {}).items():
            written = _is_literal(value)
            network.append(f"    {name}={_code(value) if written else name},\n")
            given += [] if written else [name]
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if item.name == "options" or value is None or _is_default(item, value):
                continue
            if item.name == "n_inits" and self.initial_states is not None:
                continue
            if isinstance(value, np.ndarray) and value.size > _LARGEST_LITERAL:
                given.append(f"{item.name} {list(value.shape)}")
                call.append(f"    {item.name}={item.name},\n")
            else:
                call.append(f"    {item.name}={_code(value)},\n")
        imports, change = "", ""
        if values:
            imports = "from fpf_notebook.dynamics import as_step_map\n"
            change = f"model = as_step_map(\n    model,\n{''.join(network)})"
            change += f".with_values({dict(values)!r})\n"
        else:
            finder += network
        return (
            "import numpy as np\n"
            f"from fpf_notebook import FixedPointFinder\n{imports}\n"
            f"# given: {', '.join(given)}\n"
            f"{change}"
            f"finder = FixedPointFinder(\n    model,\n{''.join(finder)})\n"
            f"unique_fps, all_fps = finder.find_fixed_points(\n{''.join(call)})\n"
            "unique_fps.print_summary()\n"
        )


_ONLY_FILTERS = {
    "final_q_threshold", "max_n_unique", "marginal_tol", "do_decompose_jacobians",
    "do_exclude_distance_outliers", "outlier_distance_scale", "do_rerun_q_outliers",
    "outlier_q_scale", "verbose", "super_verbose", "n_iters_per_print_update",
}  # fmt: skip
_LARGEST_LITERAL = 64  # numbers: larger arrays are taken from where the script runs


def _changed(options: Options) -> dict[str, object]:
    """Return the options that differ from their defaults."""
    return {
        f.name: getattr(options, f.name)
        for f in dataclasses.fields(options)
        if getattr(options, f.name) != f.default
    }


def _is_default(item: Any, value: object) -> bool:
    return not isinstance(value, np.ndarray) and bool(value == item.default)


def _is_literal(value: object) -> bool:
    if isinstance(value, tuple | list):
        return all(_is_literal(item) for item in value)
    if isinstance(value, np.ndarray):
        return value.size <= _LARGEST_LITERAL and value.dtype.kind in "fiub"
    return value is None or isinstance(value, str | int | float)


def _code(value: object) -> str:
    if isinstance(value, np.generic):
        return repr(value.item())
    if isinstance(value, tuple | list):
        inside = "".join(f"{_code(item)}, " for item in value)
        return f"({inside.rstrip()})" if isinstance(value, tuple) else f"[{inside.rstrip()}]"
    if isinstance(value, np.ndarray):
        return f"np.array({value.tolist()!r}, dtype={value.dtype.name!r})"
    if isinstance(value, float) and value == np.inf:
        return "np.inf"
    return repr(value)


def _frozen(array: np.ndarray) -> np.ndarray:
    """Make an array read-only that is ours."""
    array.flags.writeable = False
    return array
