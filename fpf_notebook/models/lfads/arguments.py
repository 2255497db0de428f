"""Checks of what LFADS is given: sizes, and trials."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
from jaxtyping import Float

from fpf_notebook._types import JsonObject
from fpf_notebook.analysis.spike_checks import check_count, check_positive, checked_spikes
from fpf_notebook.models.forward import Step
from fpf_notebook.models.input_point import InputPoint
from fpf_notebook.models.jslds_core import Core
from fpf_notebook.models.lfads.priors import MultivariateNormal, Prior
from fpf_notebook.models.lfads.structure import Reconstruction, Structure

_MAY_BE_ZERO = ("ext_input_dim", "ci_lag", "con_dim", "co_dim")


def check_structure(
    sizes: JsonObject,
    *,
    gen_dim: int,
    dropout_rate: object,
    ic_prior: object,
    co_prior: object,
    ic_post_var_min: object,
    reconstruction: Any,
    dt: Any,
    step: Step,
    core: Core | None,
    input_point: InputPoint | None,
) -> Structure:
    """Return the structure of a model, or raise an error that names the wrong argument."""
    checked = {
        name: check_count(name, value, least=0 if name in _MAY_BE_ZERO else 1)
        for name, value in sizes.items()
    }
    for recon, encod in (("recon_data_dim", "encod_data_dim"), ("recon_seq_len", "encod_seq_len")):
        if checked[recon] < checked[encod]:
            raise ValueError(
                f"{recon} must be at least {encod} = {checked[encod]}, got {checked[recon]}"
            )
    if bool(checked["con_dim"]) != bool(checked["co_dim"]):
        raise ValueError(
            "con_dim and co_dim must both be 0 (no controller) or both be positive, got "
            f"{checked['con_dim']} and {checked['co_dim']}"
        )
    if checked["con_dim"] and checked["ci_lag"] >= checked["encod_seq_len"]:
        raise ValueError(
            f"ci_lag must be below encod_seq_len = {checked['encod_seq_len']}, got "
            f"{checked['ci_lag']}"
        )
    rate = check_positive("dropout_rate", dropout_rate, or_zero=True)
    if rate >= 1:
        raise ValueError(f"dropout_rate must be below 1, got {dropout_rate!r}")
    if not isinstance(ic_prior, MultivariateNormal):
        raise TypeError(f"ic_prior must be a MultivariateNormal, got {ic_prior!r}")
    if not isinstance(co_prior, Prior):
        raise TypeError(
            "co_prior must be a MultivariateNormal or an AutoregressiveMultivariateNormal, got "
            f"{co_prior!r}"
        )
    if reconstruction not in get_args(Reconstruction):
        raise ValueError(
            f"reconstruction must be one of {get_args(Reconstruction)}, got {reconstruction!r}"
        )
    if dt is not None:
        check_positive("dt", dt)
    return Structure(
        **checked,
        gen_dim=gen_dim,
        dropout_rate=rate,
        ic_prior=ic_prior,
        co_prior=co_prior,
        ic_post_var_min=check_positive("ic_post_var_min", ic_post_var_min),
        reconstruction=reconstruction,
        step=step,
        core=core,
        input_point=input_point,
    )


def check_inputs(structure: Structure, inputs: object) -> Float[np.ndarray, "trial time n_inputs"]:
    """Return trials as long as what is generated, or raise an error that says what is wrong."""
    array = np.asarray(inputs)
    n_data, n_ext = structure.encod_data_dim, structure.ext_input_dim
    if array.ndim != 3 or array.shape[2] != n_data + n_ext:
        more = f" and {n_ext} external inputs" if n_ext else ""
        raise ValueError(
            f"inputs must have the shape [trial, time, {n_data + n_ext}], the spikes of {n_data} "
            f"neurons{more}, got {list(array.shape)}"
        )
    n_time, encod, recon = array.shape[1], structure.encod_seq_len, structure.recon_seq_len
    least = recon if n_ext else encod
    if n_time < least:
        raise ValueError(
            f"inputs have {n_time} bins, but the model's window is {least}: the trials are "
            "shorter than the window"
        )
    if n_time not in (encod, recon) or n_time < least:
        expected = f"{encod}" if encod == recon else f"{encod} or {recon}"
        raise ValueError(f"inputs must have {expected} bins, got {n_time}: cut the trials")
    counts = structure.reconstruction == "poisson"
    spikes = checked_spikes("inputs", array[:, :, :n_data], counts=counts)
    if not n_ext:
        return spikes
    ext = np.asarray(array[:, :, n_data:], np.float32)
    if not np.isfinite(ext).all():
        raise ValueError("inputs must be finite, got NaN or infinity in the external inputs")
    return np.concatenate([spikes, ext], axis=2)
