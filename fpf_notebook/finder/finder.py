"""`FixedPointFinder`: the public door of a search."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from fpf_notebook.arguments import checked_argument
from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.finder import arguments, engine
from fpf_notebook.finder.candidates import Candidates
from fpf_notebook.finder.conditions import distinct_inputs
from fpf_notebook.finder.estimate import Estimate, estimate_search
from fpf_notebook.finder.notebook_progress import default_progress
from fpf_notebook.finder.options import Method, Options
from fpf_notebook.finder.progress import CancelToken, PrintedProgress, Progress
from fpf_notebook.finder.proposals.sampling import sample_states, sample_steps
from fpf_notebook.finder.request import SearchRequest
from fpf_notebook.finder.search import search
from fpf_notebook.finder.state_trees import flat_states, with_structure_of
from fpf_notebook.finder.traced_model import TracedModel
from fpf_notebook.result.fixed_points import FixedPoints
from fpf_notebook.result.other_names import missing_attribute

__all__ = ["FixedPointFinder"]

_CALL = "FixedPointFinder.find_fixed_points"


class FixedPointFinder:
    """Find the fixed points of a recurrent network, with Jacobians and stability.

    A fixed point under a constant input u is a state with F(x, u) = x (a map) or f(x, u) = 0 (a
    flow). From many initial states at once, q = |F(x, u) - x|² / 2 is brought to zero
    (Sussillo & Barak 2013), by default by Levenberg–Marquardt in double precision.

    Parameters
    ----------
    rnn_model
        A `brainpy.DynamicalSystem`, a module of PyTorch, Keras, Flax, Equinox or BrainState, a
        `StepMap`, or a function: whatever `as_step_map` takes.
        It is read at each search, in the caller's thread, and never changed.
    method : {"newton", "joint", "sequential"} or Solver
        ``"newton"``: batched Levenberg–Marquardt. ``"joint"``: Adam on the mean of q, as in
        FixedPointFinder and canns. ``"sequential"``: Adam with a learning rate and an end for each
        initial state. Lanes that Adam brought below `tol_q` are finished by Newton steps, which is
        what tells a fixed point from a merely slow one. Or a solver of your own, such as a root
        finder of optimistix: see `fpf_notebook.finder.Solver`. Default ``"newton"``.
    max_iters : int
        Iterations of a lane at most. Default 5000. The Newton steps that finish lanes of Adam or of
        single precision come on top.
    tol_q : float
        A fixed point has a q of at most this, or of what rounding leaves in double precision.
        Default 1e-12.
    tol_dq : float
        A lane ends when q changes by less than this in one iteration (with Adam, times the
        learning rate; with Newton, only once q is below ``tol_q``). Default 1e-20.
    lr_init, lr_factor, lr_patience, lr_cooldown
        Adam only: initial learning rate (default 1), and the factor (0.95) by which it falls after
        `lr_patience` (5) iterations without progress, followed by `lr_cooldown` (0) iterations
        that do not count.
    tol_unique : float
        Points nearer than this (Euclidean, over states and inputs) are one point; also the longest
        Newton step that a fixed point may have. Default 1e-3.
    do_exclude_distance_outliers : bool
        Drop points further from the centre of the initial states than `outlier_distance_scale`
        (10) times their mean distance. Default False, unlike in the peers: what the filter is for,
        points that are none, fails the test of the Newton step here, while true points that lie
        apart would be lost.
    do_rerun_q_outliers : bool
        Search again from points whose q is more than `outlier_q_scale` (10) times the median.
        Default False.
    max_n_unique : int
        Keep at most so many points, those of smallest q. Default: all.
    final_q_threshold : float
        Keep only points with a q of at most this; it bears on slow points. 0 keeps all. Default
        1e-8.
    do_compute_jacobians, do_decompose_jacobians : bool
        Compute dF/dx and dF/du at the unique points; decompose dF/dx. Default True. Without
        Jacobians there is no index and no statement on completeness.
    dtype : {"float64", "float32"}
        Precision of the search. After a search in float32 the lanes that converged, or that only
        its rounding kept from it, are finished in float64, so that results are in double precision
        either way. Default ``"float64"``.
    random_seed : int
        Seed of each call of `find_fixed_points`: equal calls give equal results. Default 0.
    verbose, super_verbose : bool
        Print a line a stage, or every `n_iters_per_print_update` (100) iterations. Default False.
    marginal_tol : float
        Distance from the unit circle (imaginary axis) within which an eigenvalue is marginal.
        Default 1e-6.
    tol_slope : float
        Where |grad q| / |residual| is at most this, q is stationary: a slow point. Default 1e-2.
    dense_limit : int
        States up to which linear systems are solved densely; above, by conjugate gradients that
        need no matrix. Default 2048.
    max_memory : int
        Bytes that a batch of lanes may take. Default 512 MB.
    search_tol_q : float, optional
        Newton's method carries lanes to a q of this in place of `tol_q`, which can then be moved
        afterwards without another search. The explorer searches so, to 1e-24. Default: `tol_q`.
    n_runs : int
        From so many of the starts, at most, the network itself is run under its constant input, and
        where it comes to rest is polished by Newton's method: attractors that a solver misses are
        found so. Not for cycles (`period` above 1). Default 64; 0 for a search by the solver alone.
    do_follow_curves : bool
        In an exhaustive search, follow curves of solutions of F(x) - x = a c from the points known
        and from outside, which meet points that attract nobody (Katz & Reggia 2018). Default True.
    do_find_manifolds : bool
        Look for lines, rings and sheets of fixed or slow points: `FixedPoints.manifolds`. Networks
        without slow directions spend no time on it. Default True.
    n_states, n_inputs, state_vars, time, dt, convention, batched, params, invariant_box
        Passed to `as_step_map`. Sizes are taken from the trajectories and inputs when not given.
    readout, framework
        Likewise.
    progress : Progress, optional
        Where progress is reported to. Default: a bar that appears after a second.

    Raises
    ------
    TypeError, ValueError
        If an option is not as described.

    See Also
    --------
    fpf_notebook.as_step_map : which models are accepted.
    fpf_notebook.FixedPoints : the result.

    References
    ----------
    .. [1] Sussillo & Barak, "Opening the black box", Neural Computation 25 (2013).
    .. [2] Golub & Sussillo, "FixedPointFinder", Journal of Open Source Software 3 (2018).

    Examples
    --------
    >>> import jax.numpy as jnp, numpy as np
    >>> finder = FixedPointFinder(lambda state, input: jnp.tanh(2 * state + input))
    >>> unique_fps, all_fps = finder.find_fixed_points(
    ...     initial_states=np.linspace(-1, 1, 9)[:, None], inputs=np.zeros((1, 1)))
    >>> np.round(unique_fps.xstar.ravel(), 4) + 0.0
    array([-0.9575,  0.9575,  0.    ])
    """

    def __init__(
        self,
        rnn_model: object,
        method: Method = "newton",
        max_iters: int = 5000,
        tol_q: float = 1e-12,
        tol_dq: float = 1e-20,
        lr_init: float = 1.0,
        lr_factor: float = 0.95,
        lr_patience: int = 5,
        lr_cooldown: int = 0,
        do_compute_jacobians: bool = True,
        do_decompose_jacobians: bool = True,
        tol_unique: float = 1e-3,
        do_exclude_distance_outliers: bool = False,
        outlier_distance_scale: float = 10.0,
        do_rerun_q_outliers: bool = False,
        outlier_q_scale: float = 10.0,
        max_n_unique: float = np.inf,
        final_q_threshold: float = 1e-8,
        dtype: object = "float64",
        verbose: bool = False,
        super_verbose: bool = False,
        n_iters_per_print_update: int = 100,
        *,
        random_seed: int = 0,
        marginal_tol: float = 1e-6,
        tol_slope: float = 1e-2,
        dense_limit: int = 2048,
        max_memory: int = 512_000_000,
        search_tol_q: float | None = None,
        n_runs: int = 64,
        do_follow_curves: bool = True,
        do_find_manifolds: bool = True,
        progress: Progress | None = None,
        n_states: int | None = None,
        n_inputs: int | None = None,
        **model_options: Any,
    ) -> None:
        given = locals()
        self.options = Options(
            **{field.name: given[field.name] for field in dataclasses.fields(Options)}
        )
        self._network = TracedModel(rnn_model, n_states, n_inputs, model_options)
        self._progress = checked_argument("FixedPointFinder", "progress", progress)

    @property
    def model(self) -> Any:
        """The model that was given."""
        return self._network.model

    if not TYPE_CHECKING:  # a type checker is to go on telling what there is not

        def __getattr__(self, name: str) -> object:
            raise missing_attribute("FixedPointFinder", name)

    # -- the network -------------------------------------------------------------------------------

    def step_map(self, n_states: int | None = None, n_inputs: int | None = None) -> StepMap:
        """Return the network as a pure step, with the weights that the model has now.

        Parameters
        ----------
        n_states, n_inputs : int, optional
            Sizes, for models that do not tell them.

        Returns
        -------
        StepMap
            Another thread may search with it while the model is trained further: it holds its own
            parameters.
        """
        return self._network.step_map(n_states, n_inputs)

    # -- the search --------------------------------------------------------------------------------

    def find_fixed_points(
        self,
        state_traj: ArrayLike | None = None,
        inputs: ArrayLike | None = None,
        n_inits: int = 1024,
        noise_scale: float = 0.0,
        valid_bxt: ArrayLike | None = None,
        cond_ids: ArrayLike | None = None,
        exhaustive: bool = False,
        *,
        initial_states: ArrayLike | None = None,
        include_slow: bool = False,
        period: int = 1,
        max_rounds: int = 30,
        max_seconds: float | None = None,
        patience: int = 2,
        prove: bool | None = None,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> tuple[FixedPoints, FixedPoints]:
        """Search from states that the network visits.

        Parameters
        ----------
        state_traj : array, [n_batch, n_time, n_states], optional
            Trajectories to draw initial states from. States ``[n_inits, n_states]``, as
            FixedPointFinder takes them, are `initial_states`. Either may be a dictionary of arrays,
            for a model whose state is one.
        inputs : array, [1, n_inputs] or [n_inits, n_inputs], optional
            Constant input, one for all or one for each initial state. None: no input, or zero.
        n_inits : int
            How many initial states to draw: without replacement while there are enough.
        noise_scale : float
            Standard deviation of the Gaussian noise added to them, in units of the state.
        valid_bxt : array of bool, [n_batch, n_time], optional
            Only states where this is True are drawn.
        cond_ids : array of int, [n_inits], optional
            Numbers of conditions, kept with the points.
        exhaustive : bool
            Go on in rounds until all points are proved to be known; or until the index sum is right
            (where it is known), `patience` further rounds found nothing new, and curves that
            started elsewhere reached each point often enough. Default False.
        initial_states : array, [n_inits, n_states], optional
            Start from these instead; `state_traj`, if given, then only serves as the pool of an
            exhaustive search.
        include_slow : bool
            Return slow points among the unique ones too. Default False.
        period : int
            Find cycles of this length: fixed points of F applied `period` times that are not fixed
            points of fewer applications, with `orbit_id`. `J_xstar` is then that of the whole
            cycle. Default 1.
        max_rounds, max_seconds : int, float or None
            Ends of an exhaustive search. Default 30 rounds, no time limit.
        patience : int
            Default 2.
        prove : bool, optional
            Whether an exhaustive search tries to prove that no point of the invariant box is
            missing, by branch and prune. Default: up to 8 units, where it takes next to nothing;
            True: in any case, for a minute at most.
        progress : Progress, optional
            For this call.
        cancel : CancelToken, optional
            Ends the search between two compiled chunks, as Ctrl-C does: what was found so far is
            returned, with ``interrupted=True``.

        Returns
        -------
        unique_fps : FixedPoints
            The fixed points, each once, with Jacobians, eigenmodes, stability, index, `audit` and
            `completeness`. Ordered by input, number of unstable directions and coordinates.
        all_fps : FixedPoints
            Where every start ended, in order, with its `kind` and the reason it stopped.

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described, before any work starts.
        """
        request = self.request(
            state_traj,
            inputs,
            n_inits,
            noise_scale,
            valid_bxt,
            cond_ids,
            exhaustive,
            initial_states=initial_states,
            include_slow=include_slow,
            period=period,
            max_rounds=max_rounds,
            max_seconds=max_seconds,
            patience=patience,
            prove=prove,
        )
        return self.run(request, progress=progress, cancel=cancel)

    def run(
        self,
        request: SearchRequest,
        step_map: StepMap | None = None,
        *,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
        second_searches: bool = True,
    ) -> tuple[FixedPoints, FixedPoints]:
        """Make the search of a request; see `find_fixed_points`.

        Parameters
        ----------
        request : SearchRequest
            What `request` returned.
        step_map : StepMap, optional
            Use this instead of reading the model: then any thread may call.
        progress, cancel
            As for `find_fixed_points`.
        second_searches : bool
            Whether slow points are led on to where q is smallest. Default True.

        Returns
        -------
        unique_fps, all_fps : FixedPoints
        """
        progress = checked_argument(_CALL, "progress", progress)
        cancel = checked_argument(_CALL, "cancel", cancel)
        single = None
        if step_map is None:
            step_map = self._network.step_map_for(request)
            single = self.in_single_precision(step_map)
        shown = self._shown(progress)
        n_rounds = request.max_rounds if request.exhaustive else 1
        shown.start(request.n_inits * n_rounds, "Searching for fixed points")
        try:
            searched = engine.run_search(
                request, step_map, single=single, progress=shown, cancel=cancel
            )
            found = engine.finish(
                searched, request, step_map, cancel=cancel, second_searches=second_searches
            )
        finally:
            shown.close()
        completeness = found.unique.completeness
        shown.log(f"{found.unique!r}" if completeness is None else f"{completeness}")
        return found.unique, found.everything

    def request(
        self,
        state_traj: Any = None,
        inputs: Any = None,
        n_inits: int = 1024,
        noise_scale: float = 0.0,
        valid_bxt: Any = None,
        cond_ids: Any = None,
        exhaustive: bool = False,
        **further: Any,
    ) -> SearchRequest:
        """Return what `find_fixed_points` would search for, checked; nothing is searched.

        Parameters
        ----------
        state_traj, inputs, n_inits, noise_scale, valid_bxt, cond_ids, exhaustive, **further
            As for `find_fixed_points`.

        Returns
        -------
        SearchRequest
            ``request.to_code()`` is the script that makes this search.
        """
        network = self._network
        starts = further.get("initial_states")
        network.options = with_structure_of(network.options, network.model, state_traj, starts)
        state_traj = flat_states("state_traj", state_traj, network.options)
        if starts is not None:
            further["initial_states"] = flat_states("initial_states", starts, network.options)
        if initial_states_given(state_traj) and further.get("initial_states") is None:
            further["initial_states"], state_traj = state_traj, None
        return SearchRequest(
            options=self.options,
            state_traj=state_traj,
            inputs=inputs,
            n_inits=n_inits,
            noise_scale=noise_scale,
            valid_bxt=valid_bxt,
            cond_ids=cond_ids,
            exhaustive=exhaustive,
            **further,
        )

    def sample_states(
        self,
        state_traj: ArrayLike | None,
        n_inits: int,
        valid_bxt: ArrayLike | None = None,
        noise_scale: float = 0.0,
    ) -> np.ndarray:
        """Draw states that the network visits, as FixedPointFinder does.

        Parameters
        ----------
        state_traj, n_inits, valid_bxt, noise_scale
            As for `find_fixed_points`, which draws the same states by itself.

        Returns
        -------
        array, [n_inits, n_states]
            To be given to `find_fixed_points`.
        """
        request = self.request(state_traj, None, n_inits, noise_scale, valid_bxt)
        assert request.state_traj is not None
        rng = np.random.default_rng(self.options.random_seed)
        return sample_states(
            request.state_traj, request.n_inits, rng, request.noise_scale, request.valid_bxt
        )

    def sample_inputs_and_states(
        self,
        inputs: Any,
        state_traj: Any,
        n_inits: int,
        valid_bxt: Any = None,
        noise_scale: float = 0.0,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw states that the network visits, each with the input that it has there.

        Parameters
        ----------
        inputs : array, [n_batch, n_time, n_inputs]
            The inputs under which the trajectories ran.
        state_traj, n_inits, valid_bxt, noise_scale
            As for `sample_states`, which draws the same states.

        Returns
        -------
        inputs : array, [n_inits, n_inputs]
            Without noise.
        states : array, [n_inits, n_states]
            To be given to `find_fixed_points` with these inputs.

        Raises
        ------
        ValueError
            If there is not one input for each state.
        """
        request = self.request(state_traj, None, n_inits, noise_scale, valid_bxt)
        states = request.state_traj
        assert states is not None
        driven = np.asarray(inputs, np.float64)
        if driven.ndim != 3 or driven.shape[:2] != states.shape[:2]:
            raise ValueError(
                f"inputs has shape {driven.shape}, expected [n_batch={states.shape[0]}, "
                f"n_time={states.shape[1]}, n_inputs], one input for each state of state_traj."
            )
        rng = np.random.default_rng(self.options.random_seed)
        starts, chosen = sample_steps(
            states, driven, request.n_inits, rng, request.noise_scale, request.valid_bxt
        )
        assert chosen is not None
        return chosen, starts

    def search(
        self,
        initial_states: ArrayLike | None,
        inputs: ArrayLike | None = None,
        *,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
        step_map: StepMap | None = None,
    ) -> Candidates:
        """Run the search alone; `select` makes fixed points of the result.

        For those who change tolerances and look again, as the widgets do.

        Parameters
        ----------
        initial_states : array, [n_inits, n_states]
            Where to start.
        inputs, progress, cancel
            As for `find_fixed_points`.
        step_map : StepMap, optional
            Use this instead of reading the model: then any thread may call.

        Returns
        -------
        Candidates
            Where every start ended.
        """
        progress = checked_argument(_CALL, "progress", progress)
        cancel = checked_argument(_CALL, "cancel", cancel)
        states = arguments.check_states("initial_states", initial_states, 2, None)
        reading = step_map is None
        if step_map is None:
            step_map = self.step_map(states.shape[1], _width(inputs))
        states = arguments.check_states("initial_states", states, 2, step_map.n_states)
        u = arguments.check_inputs(inputs, len(states), step_map.n_inputs)
        single = self.in_single_precision(step_map) if reading else None
        shown = self._shown(progress)
        shown.start(len(states), "Searching for fixed points")
        try:
            return search(
                step_map, states, u, self.options, progress=shown, cancel=cancel, single=single
            )
        finally:
            shown.close()

    def select(
        self,
        candidates: Candidates,
        *,
        step_map: StepMap | None = None,
        include_slow: bool = False,
        **tolerances: Any,
    ) -> tuple[FixedPoints, FixedPoints]:
        """Make fixed points of candidates, possibly with other tolerances. Searches nothing.

        Parameters
        ----------
        candidates : Candidates
            What `search` returned.
        step_map : StepMap, optional
            The one that was searched; default: that of the model.
        include_slow : bool
            As for `find_fixed_points`.
        **tolerances
            Options that only filter: ``tol_q``, ``tol_unique``, ``final_q_threshold``,
            ``max_n_unique``, ``marginal_tol``, ….

        Returns
        -------
        unique_fps, all_fps : FixedPoints
            As for `find_fixed_points`.
        """
        if step_map is None:
            step_map = self.step_map(candidates.x_init.shape[1], candidates.inputs.shape[1])
        request = SearchRequest(
            options=dataclasses.replace(self.options, **tolerances),
            initial_states=candidates.x_init,
            inputs=candidates.inputs,
            include_slow=include_slow,
        )
        kinds = np.full(len(candidates), "initial", dtype=object)
        why = "interrupted" if candidates.interrupted else "one round was asked for"
        conditions, _ = distinct_inputs(candidates.inputs)
        searched = engine.Searched([(candidates, kinds)], conditions, None, None, why)
        found = engine.finish(searched, request, step_map, second_searches=False)
        return found.unique, found.everything

    def estimate(
        self,
        state_traj: ArrayLike | None = None,
        inputs: ArrayLike | None = None,
        n_inits: int = 1024,
        *,
        initial_states: ArrayLike | None = None,
        exhaustive: bool = False,
    ) -> Estimate:
        """Forecast memory and time of a search, by measuring a few iterations of it.

        Parameters
        ----------
        state_traj, inputs, n_inits, initial_states, exhaustive
            As for `find_fixed_points`.

        Returns
        -------
        Estimate
            Prints as one line.
        """
        request = self.request(
            state_traj, inputs, n_inits, initial_states=initial_states, exhaustive=exhaustive
        )
        step_map = self._network.step_map_for(request)
        return estimate_search(request, step_map, self.in_single_precision(step_map))

    # -- parts -------------------------------------------------------------------------------------

    def in_single_precision(self, step_map: StepMap) -> StepMap | None:
        """Return the network in single precision where ``dtype="float32"`` asks for it."""
        if self.options.dtype != "float32":
            return None
        return self._network.in_single_precision(step_map)

    def _shown(self, progress: Progress | None) -> Progress:
        chosen = progress or self._progress
        if chosen is not None:
            return chosen
        if self.options.verbose or self.options.super_verbose:
            return PrintedProgress(detail=self.options.super_verbose)
        return default_progress()


def initial_states_given(states: Any) -> bool:
    """Tell whether the first argument is FixedPointFinder's: states ``[n_inits, n_states]``."""
    return states is not None and _ndim(states) == 2


def _width(inputs: ArrayLike | None) -> int | None:
    return None if inputs is None or _ndim(inputs) != 2 else np.shape(inputs)[1]


def _ndim(value: ArrayLike) -> int | None:
    try:
        return np.ndim(value)
    except ValueError:  # lists of different lengths, refused by name later
        return None
