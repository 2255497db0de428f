"""What a compiled LFADS depends on besides its parameters: sizes, and the generator's step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fpf_notebook.models.forward import Step
from fpf_notebook.models.input_point import InputPoint
from fpf_notebook.models.jslds_core import Core
from fpf_notebook.models.lfads.priors import Prior

Reconstruction = Literal["poisson", "gaussian"]


@dataclass(frozen=True)
class Structure:
    """Sizes, priors and pure functions; equal structures share what was compiled.

    Attributes
    ----------
    step : callable
        The nonlinear generator, ``step(params, h, u)``.
    core : callable or None
        Both systems of a JSLDS generator, ``core(params, carry, u)``.
    input_point : callable or None
        Its u*, a function of the input.

    The others are as for `LFADS`.
    """

    encod_data_dim: int
    recon_data_dim: int
    encod_seq_len: int
    recon_seq_len: int
    ext_input_dim: int
    ic_enc_dim: int
    ci_enc_dim: int
    ci_lag: int
    con_dim: int
    co_dim: int
    ic_dim: int
    gen_dim: int
    fac_dim: int
    dropout_rate: float
    ic_prior: Prior
    co_prior: Prior
    ic_post_var_min: float
    reconstruction: Reconstruction
    step: Step
    core: Core | None
    input_point: InputPoint | None

    @property
    def has_controller(self) -> bool:
        """Whether inputs to the generator are inferred."""
        return self.con_dim > 0
