"""An LFADS as a header of plain values and named arrays, and back: for the shipped ones."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.models.jslds import JSLDS
from fpf_notebook.models.lfads.network import LFADS

__all__ = ["header_of_lfads", "lfads_of"]

_SIZES = (
    "encod_data_dim", "recon_data_dim", "encod_seq_len", "recon_seq_len", "ext_input_dim",
    "ic_enc_dim", "ci_enc_dim", "ci_lag", "con_dim", "co_dim", "ic_dim", "gen_dim", "fac_dim",
)  # fmt: skip


def header_of_lfads(model: LFADS) -> JsonObject:
    """Return what `lfads_of` needs besides the arrays ``model.parameters()``.

    Raises
    ------
    ValueError
        If the generator is no GRU, or priors are others than the usual ones, which this does not
        describe.
    """
    s = model.structure
    usual = LFADS(
        encod_data_dim=1, encod_seq_len=1, gen_dim=1, ic_enc_dim=1, ic_dim=1, fac_dim=1
    ).structure
    if model.rnn.kind != "gru" or (s.ic_prior, s.co_prior) != (usual.ic_prior, usual.co_prior):
        raise ValueError(
            "model must have a GRU as its generator and the usual priors, got "
            f"{model.rnn!r}, {s.ic_prior!r} and {s.co_prior!r}"
        )
    return {
        "class": "LFADS",
        "sizes": {name: getattr(s, name) for name in _SIZES},
        "dropout_rate": s.dropout_rate,
        "reconstruction": s.reconstruction,
        "has_jslds": model.has_jslds,
        "dt": model.dt,
    }


def lfads_of(header: JsonObject, arrays: JsonObject) -> LFADS:
    """Build an LFADS from its header and its parameters.

    Raises
    ------
    KeyError, TypeError, ValueError
        If something is missing, or an array is not of the model or of another shape.
    """
    model = LFADS(
        **{name: header["sizes"][name] for name in _SIZES},
        dropout_rate=header["dropout_rate"],
        reconstruction=header["reconstruction"],
        generator=JSLDS if header["has_jslds"] else None,
        dt=header["dt"],
    )
    variables = model.train_vars(method="relative")
    if set(variables) != set(arrays):
        odd = sorted(set(variables) ^ set(arrays))
        raise ValueError(f"the arrays are not those of the model: {', '.join(odd[:4])}")
    for name, variable in variables.items():
        value = np.asarray(arrays[name], np.float32)
        if value.shape != variable.shape:
            raise ValueError(
                f"{name} must have the shape {list(variable.shape)}, got {list(value.shape)}"
            )
        variable.value = jnp.asarray(value)
    return model
