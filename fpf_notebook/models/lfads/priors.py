"""Priors of initial conditions and of inferred inputs, and their divergence from posteriors."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from fpf_notebook.models.forward import Parameters


@dataclass(frozen=True)
class MultivariateNormal:
    """Independent normal distributions, for initial conditions and for inferred inputs.

    Parameters
    ----------
    mean, variance : float
        At the start. The mean of each component is trained.
    trains_variance : bool
        Whether the variances are trained as well. Default False: a prior that may widen no longer
        holds the posterior back.

    Examples
    --------
    >>> MultivariateNormal(variance=0.1).initial_arrays(3)["mean"].shape
    (3,)
    """

    mean: float = 0.0
    variance: float = 0.1
    trains_variance: bool = False

    def __post_init__(self) -> None:
        _check_finite("mean", self.mean)
        _check_positive("variance", self.variance)

    def initial_arrays(self, dim: int) -> dict[str, np.ndarray]:
        """Return the arrays to train, for `dim` components."""
        arrays = {"mean": np.full(dim, self.mean, np.float32)}
        if self.trains_variance:
            arrays["log_variance"] = np.full(dim, np.log(self.variance), np.float32)
        return arrays

    def divergence(
        self,
        params: Parameters,
        mean: Float[Array, "*batch dim"],
        variance: Float[Array, "*batch dim"],
    ) -> Float[Array, "*batch"]:
        """Return the Kullback–Leibler divergence of normal posteriors from this prior."""
        log_prior = params.get("log_variance", jnp.log(self.variance))
        ratio = variance / jnp.exp(log_prior)
        distance = (mean - params["mean"]) ** 2 / jnp.exp(log_prior)
        return 0.5 * jnp.sum(ratio + distance - 1 - jnp.log(ratio), axis=-1)


@dataclass(frozen=True)
class AutoregressiveMultivariateNormal:
    """Independent first-order autoregressive processes, for inferred inputs that change slowly.

    ``u_t = a u_{t-1} + noise`` with ``a = exp(-1 / tau)``, of variance `nvar` in the long run and
    at the first step.

    Parameters
    ----------
    tau : float
        Time constant in bins, at the start; trained. Default 10.
    nvar : float
        Variance at the start; trained. Default 0.1.
    """

    tau: float = 10.0
    nvar: float = 0.1

    def __post_init__(self) -> None:
        _check_positive("tau", self.tau)
        _check_positive("nvar", self.nvar)

    def initial_arrays(self, dim: int) -> dict[str, np.ndarray]:
        """Return the arrays to train, for `dim` components."""
        return {
            "log_tau": np.full(dim, np.log(self.tau), np.float32),
            "log_nvar": np.full(dim, np.log(self.nvar), np.float32),
        }

    def divergence(
        self,
        params: Parameters,
        mean: Float[Array, "*batch time dim"],
        variance: Float[Array, "*batch time dim"],
    ) -> Float[Array, "*batch"]:
        """Return the divergence of posteriors that are independent over steps from this prior.

        In closed form, for means and variances as they are: ``E (u_t - a u_{t-1})² = (m_t - a
        m_{t-1})² + s_t + a² s_{t-1}``.
        """
        a = jnp.exp(-jnp.exp(-params["log_tau"]))
        nvar = jnp.exp(params["log_nvar"])
        first = (mean[..., :1, :] ** 2 + variance[..., :1, :]) / nvar
        change = mean[..., 1:, :] - a * mean[..., :-1, :]
        spread = variance[..., 1:, :] + a**2 * variance[..., :-1, :]
        step_variance = nvar * (1 - a**2)
        squares = jnp.concatenate([first, (change**2 + spread) / step_variance], axis=-2)
        logs = jnp.concatenate(
            [
                jnp.broadcast_to(jnp.log(nvar), first.shape),
                jnp.broadcast_to(jnp.log(step_variance), change.shape),
            ],
            axis=-2,
        )
        return 0.5 * jnp.sum(squares - 1 + logs - jnp.log(variance), axis=(-2, -1))


Prior = MultivariateNormal | AutoregressiveMultivariateNormal


def divergence_over_time(
    prior: Prior, params: Parameters, mean: Float[Array, "trial time dim"], variance: Array
) -> Float[Array, "trial"]:
    """Return the divergence of each trial, the sum over its steps."""
    value = prior.divergence(params, mean, variance)
    return value if value.ndim == 1 else jnp.sum(value, axis=-1)


def _check_finite(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise ValueError(f"{name} must be a finite number, got {value!r}")


def _check_positive(name: str, value: float) -> None:
    _check_finite(name, value)
    if value <= 0:
        raise ValueError(f"{name} must be above 0, got {value!r}")
