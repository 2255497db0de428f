"""LFADS as a trainable model."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

import brainpy as bp
import brainpy.math as bm
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float
from numpy.typing import ArrayLike

from fpf_notebook.analysis.inferred import LFADSRun
from fpf_notebook.analysis.spike_checks import check_count
from fpf_notebook.models.base import RecurrentModel
from fpf_notebook.models.forward import Forward, Parameters
from fpf_notebook.models.jslds import JSLDS
from fpf_notebook.models.jslds_core import part_of
from fpf_notebook.models.lfads.arguments import check_inputs, check_structure
from fpf_notebook.models.lfads.cells import affine_arrays, gru_arrays
from fpf_notebook.models.lfads.encoder import encoder_arrays, input_encoder_arrays
from fpf_notebook.models.lfads.generators import generator_of
from fpf_notebook.models.lfads.inference import averaged_samples, posterior_mean
from fpf_notebook.models.lfads.passes import READOUT, no_noise, run_pass
from fpf_notebook.models.lfads.priors import (
    AutoregressiveMultivariateNormal,
    MultivariateNormal,
    Prior,
)
from fpf_notebook.models.lfads.readout import (
    factors_of,
    initial_rate_bias,
    output_parameters,
    rates_of,
    readout_arrays,
)
from fpf_notebook.models.lfads.structure import Reconstruction, Structure
from fpf_notebook.models.sending import Sendable

if TYPE_CHECKING:
    from fpf_notebook.analysis.spike_data import SpikeData
    from fpf_notebook.dynamics.step_map import StepMap


class ArrayGroup(Sendable, bp.DynamicalSystem):  # type: ignore[misc]
    """Named trainable arrays, with nothing that they do: a part of a larger model."""

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        super().__init__(mode=bm.TrainingMode())
        for key, value in arrays.items():
            setattr(self, key, bm.TrainVar(jnp.asarray(value, jnp.float32)))

    def update(self) -> None:
        """Do nothing."""


class LFADS(Sendable, bp.DynamicalSystem):  # type: ignore[misc]
    """Latent factor analysis via dynamical systems: from spikes to rates and their dynamics.

    A bidirectional encoder reads a trial's spikes and gives the posterior of an initial condition;
    a recurrent network, the generator, runs from it; its states are read out as factors, and
    these as rates. With a controller, which is off by default, inputs to the generator are
    inferred as well. Train it with ``train(model, task, loss=lfads_loss(model))``, or by
    `fpf_notebook.training.train_lfads`.

    The generator may be any of our networks, or a `JSLDS` over one. That names the fixed points of
    the dynamics it has inferred: both systems begin in the same state, a_0 = h_0, and both are
    read out.

    Called with trials, the model returns their rates.

    Parameters
    ----------
    encod_data_dim : int
        Neurons that the encoder reads. The first ones of those that are reconstructed.
    encod_seq_len : int
        Bins that the encoder reads.
    recon_data_dim : int, optional
        Neurons that are reconstructed, held-out ones after the others; by default as many as are
        read.
    recon_seq_len : int, optional
        Bins that are generated, forward steps after the others; by default as many as are read.
    ext_input_dim : int
        Channels of known inputs to the generator. Default 0.
    ic_enc_dim : int
        Units of the encoder in each direction. Default 48.
    ci_enc_dim : int
        Units in each direction of the encoder that feeds the controller. Default 32.
    ci_lag : int
        Bins by which the controller is behind what it is given. Default 1.
    con_dim : int
        Units of the controller; 0, the default, for none.
    co_dim : int
        Inferred inputs. Default 0; at least 1 with a controller.
    ic_dim : int
        Dimension of the posterior. Default 32.
    gen_dim : int, optional
        Units of the default generator, 64; of a generator that is given it is what that has.
    fac_dim : int
        Number of factors. Default 40.
    dropout_rate : float
        Share of what is dropped in training, from the encoder and from the generator's states.
        Default 0.05.
    ic_prior : MultivariateNormal, optional
        Of the initial condition; by default of variance 0.1.
    co_prior : MultivariateNormal or AutoregressiveMultivariateNormal, optional
        Of the inferred inputs; by default autoregressive, with tau 10 and nvar 0.1.
    ic_post_var_min : float
        Least variance of posteriors. Default 1e-4.
    reconstruction : {"poisson", "gaussian"}
        What the data are: spike counts, or numbers with Gaussian noise.
    generator : RecurrentModel, JSLDS, or one of these classes, optional
        A network with ``co_dim + ext_input_dim`` inputs, whose own readout is not used. A class is
        made of `gen_dim` units; ``JSLDS`` is one over a GRU. By default a GRU.
    dt : float, optional
        Width of a bin in seconds, for frequencies and time constants.
    seed : int
        Of the initial weights.
    name : str, optional
        Name of the BrainPy object.

    Attributes
    ----------
    generator : RecurrentModel or JSLDS
        The generator; `rnn` is its nonlinear network.
    structure : Structure
        All sizes.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range or of the wrong kind, or the generator's inputs do not fit.

    References
    ----------
    Pandarinath et al., "Inferring single-trial neural population dynamics using sequential
    auto-encoders", Nature Methods 15, 2018. Smith, Linderman and Sussillo, NeurIPS 2021, section
    4.3, for the generator. Keshtkaran and Pandarinath, NeurIPS 2019, for coordinated dropout. The
    names of sizes are those of lfads-torch (Sedler and Pandarinath, 2023).

    Examples
    --------
    >>> from fpf_notebook.models import JSLDS, LFADS
    >>> from fpf_notebook.tasks import RotationSpikes
    >>> task = RotationSpikes(n_trials=20, n_neurons=8, n_conditions=4)
    >>> model = LFADS.for_data(task.data, generator=JSLDS, gen_dim=10)
    >>> run = model.run(task.validation_trials().inputs)
    >>> run.rates.shape, run.jslds_states.shape
    ((4, 45, 8), (4, 45, 10))
    """

    kind = "lfads"

    def __init__(
        self,
        *,
        encod_data_dim: int,
        encod_seq_len: int,
        recon_data_dim: int | None = None,
        recon_seq_len: int | None = None,
        ext_input_dim: int = 0,
        ic_enc_dim: int = 48,
        ci_enc_dim: int = 32,
        ci_lag: int = 1,
        con_dim: int = 0,
        co_dim: int = 0,
        ic_dim: int = 32,
        gen_dim: int | None = None,
        fac_dim: int = 40,
        dropout_rate: float = 0.05,
        ic_prior: MultivariateNormal | None = None,
        co_prior: Prior | None = None,
        ic_post_var_min: float = 1e-4,
        reconstruction: Reconstruction = "poisson",
        generator: Any = None,
        dt: float | None = None,
        seed: int = 0,
        name: str | None = None,
    ) -> None:
        seed = check_count("seed", seed, least=0)
        sizes = {
            "encod_data_dim": encod_data_dim,
            "encod_seq_len": encod_seq_len,
            "recon_data_dim": encod_data_dim if recon_data_dim is None else recon_data_dim,
            "recon_seq_len": encod_seq_len if recon_seq_len is None else recon_seq_len,
            "ext_input_dim": ext_input_dim,
            "ic_enc_dim": ic_enc_dim,
            "ci_enc_dim": ci_enc_dim,
            "ci_lag": ci_lag,
            "con_dim": con_dim,
            "co_dim": co_dim,
            "ic_dim": ic_dim,
            "fac_dim": fac_dim,
        }
        n_inputs = check_count("co_dim", co_dim, least=0) + check_count(
            "ext_input_dim", ext_input_dim, least=0
        )
        network = generator_of(generator, n_inputs, gen_dim, seed)
        rnn = network.rnn if isinstance(network, JSLDS) else network
        structure = check_structure(
            sizes,
            gen_dim=network.n_states,
            dropout_rate=dropout_rate,
            ic_prior=MultivariateNormal() if ic_prior is None else ic_prior,
            co_prior=AutoregressiveMultivariateNormal() if co_prior is None else co_prior,
            ic_post_var_min=ic_post_var_min,
            reconstruction=reconstruction,
            dt=dt,
            step=rnn.step,
            core=network.core if isinstance(network, JSLDS) else None,
            input_point=network.input_point if isinstance(network, JSLDS) else None,
        )
        super().__init__(name=name, mode=bm.TrainingMode())
        self.structure: Structure = structure
        self.dt = None if dt is None else float(dt)
        self.n_inputs = structure.encod_data_dim + structure.ext_input_dim
        self.n_outputs = structure.recon_data_dim
        self.generator = network
        rng = np.random.default_rng([seed, 1])
        self.encoder = ArrayGroup(encoder_arrays(structure, rng))
        self.initial = ArrayGroup(affine_arrays(rng, structure.gen_dim, structure.ic_dim, "g0"))
        self.readout = ArrayGroup(readout_arrays(structure, rng))
        self.ic_prior = ArrayGroup(structure.ic_prior.initial_arrays(structure.ic_dim))
        if structure.has_controller:
            n_given = 2 * structure.ci_enc_dim + structure.fac_dim
            self.input_encoder = ArrayGroup(input_encoder_arrays(structure, rng))
            self.controller = ArrayGroup(
                gru_arrays(rng, n_given, structure.con_dim)
                | affine_arrays(rng, 2 * structure.co_dim, structure.con_dim, "posterior")
                | {"h0": np.zeros(structure.con_dim)}
            )
            self.co_prior = ArrayGroup(structure.co_prior.initial_arrays(structure.co_dim))

    @classmethod
    def for_data(cls, data: SpikeData, **options: Any) -> Self:
        """Make a model of the sizes of a set of spikes, with readout biases that give its means.

        Parameters
        ----------
        data : SpikeData
            The set: its neurons, held-in neurons, bins, external inputs and `dt`.
        options
            As for `LFADS`. ``encod_seq_len`` may be shorter than the trials; the rest are then
            forward steps.
        """
        sizes = {
            "encod_data_dim": data.n_heldin,
            "recon_data_dim": data.n_neurons,
            "encod_seq_len": data.n_time,
            "recon_seq_len": data.n_time,
            "ext_input_dim": data.n_ext_inputs,
            "dt": data.dt,
            "reconstruction": "poisson" if data.counts else "gaussian",
        }
        longest = options.get("encod_seq_len", 1)
        if isinstance(longest, int) and longest > data.n_time:
            raise ValueError(
                f"encod_seq_len is {longest}, but the trials have only {data.n_time} bins: the "
                "window is longer than a trial"
            )
        model = cls(**{**sizes, **options})
        start = initial_rate_bias(model.structure, data.spikes[data.training_rows])
        for key, value in start.items():
            getattr(model.readout, key).value = jnp.asarray(value, jnp.float32)
        return model

    # -- the generator -----------------------------------------------------------------------------

    @property
    def rnn(self) -> RecurrentModel:
        """The nonlinear network of the generator."""
        network = self.generator
        return network.rnn if isinstance(network, JSLDS) else network

    @property
    def has_jslds(self) -> bool:
        """Whether the generator is a JSLDS."""
        return isinstance(self.generator, JSLDS)

    def generator_step_map(self) -> StepMap:
        """Return the nonlinear generator as a step map, with the bin width for its time scales.

        For `FixedPointFinder`, the explorer, and whatever else takes a step map.
        """
        from fpf_notebook.dynamics import as_step_map

        return as_step_map(self.rnn, dt=self.dt)

    # -- pure functions ----------------------------------------------------------------------------

    @property
    def forward(self) -> Forward:
        """The pure run at the posterior mean, ``forward(params, inputs) -> (rates, states)``.

        Of the nonlinear generator; arrays are ``[trial, time, channel]``.
        """
        return _forward(self.structure)

    def parameters(self) -> dict[str, Array]:
        """Return the present values of all parameters, by part: ``generator.…``, ``readout.…``."""
        variables = self.train_vars(method="relative")
        return {name: jnp.asarray(variable.value) for name, variable in variables.items()}

    # -- inference ---------------------------------------------------------------------------------

    def run(self, inputs: ArrayLike) -> LFADSRun:
        """Infer at the mean of the posterior.

        Parameters
        ----------
        inputs : array, [trial, time, encod_data_dim + ext_input_dim]
            Spikes of the held-in neurons, then external inputs; as long as is encoded, or as long
            as is generated.

        Returns
        -------
        run : LFADSRun

        Raises
        ------
        TypeError, ValueError
            If spikes are negative, fractional, NaN or infinite, or a width or length does not fit.
        """
        array = check_inputs(self.structure, inputs)
        return self._record(posterior_mean(self.structure, self.parameters(), array), 0)

    def posterior_sample_and_average(
        self, inputs: ArrayLike, n_samples: int = 50, seed: int = 0
    ) -> LFADSRun:
        """Infer with samples of the posterior, and average everything over them.

        Parameters
        ----------
        inputs : array, [trial, time, encod_data_dim + ext_input_dim]
            As for `run`.
        n_samples : int
            Samples of each trial. Default 50.
        seed : int
            Of the samples.

        Returns
        -------
        run : LFADSRun

        Raises
        ------
        TypeError, ValueError
            As for `run`, or if a number is out of range.
        """
        n_samples = check_count("n_samples", n_samples, least=1)
        seed = check_count("seed", seed, least=0)
        array = check_inputs(self.structure, inputs)
        params = self.parameters()
        made = averaged_samples(self.structure, params, array, n_samples=n_samples, seed=seed)
        return self._record(made, n_samples)

    def _record(self, arrays: dict[str, Any], n_samples: int) -> LFADSRun:
        generator = self.generator_step_map()
        return LFADSRun(**arrays, generator=generator, dt=self.dt, n_samples=n_samples)

    def update(self, inputs: ArrayLike) -> Float[Array, "trial time neuron"]:
        """Return the rates of trials; this is what calling the model does."""
        return jnp.asarray(self.run(inputs).rates)

    def __repr__(self) -> str:
        s = self.structure
        controller = f", {s.co_dim} inferred inputs" if s.has_controller else ""
        return (
            f"LFADS({s.encod_data_dim} of {s.recon_data_dim} neurons, {s.recon_seq_len} bins, "
            f"{s.fac_dim} factors{controller}, generator={self.generator!r})"
        )


@lru_cache(maxsize=256)
def _forward(structure: Structure) -> Forward:
    def forward(params: Parameters, inputs: Array) -> tuple[Array, Array]:
        made = run_pass(structure, params, inputs, no_noise(structure, inputs.shape[0]))
        readout = part_of(params, READOUT)
        states = made.states.rnn_state
        output = output_parameters(readout, factors_of(readout, states))
        return rates_of(structure, output), states

    return forward
