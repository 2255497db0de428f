"""The network within an LFADS that generates the dynamics."""

from __future__ import annotations

from fpf_notebook.analysis.spike_checks import check_count
from fpf_notebook.models.base import RecurrentModel
from fpf_notebook.models.gru import GRU
from fpf_notebook.models.jslds import JSLDS

__all__ = ["generator_of"]


def generator_of(
    given: object, n_inputs: int, gen_dim: int | None, seed: int
) -> RecurrentModel | JSLDS:
    """Return the network that generates; check that it fits."""
    if given is None or given is JSLDS or given is GRU:
        n = check_count("gen_dim", 64 if gen_dim is None else gen_dim, least=1)
        gru = GRU(n_inputs, n, 0, seed=seed)
        # As in LFADS: a bias of 1 towards keeping the state, for dynamics slower than a bin.
        gru.b_ih.value = gru.b_ih.value.at[n : 2 * n].set(1.0)
        return JSLDS(gru) if given is JSLDS else gru
    if isinstance(given, type) and issubclass(given, RecurrentModel):
        n = check_count("gen_dim", 64 if gen_dim is None else gen_dim, least=1)
        return given(n_inputs, n, 0, seed=seed)  # type: ignore[call-arg]
    if not isinstance(given, RecurrentModel | JSLDS):
        raise TypeError(
            "generator must be one of fpf_notebook.models, a JSLDS, or one of these classes, got "
            f"{given!r}"
        )
    if given.n_inputs != n_inputs:
        raise ValueError(
            f"generator must have co_dim + ext_input_dim = {n_inputs} inputs, got {given.n_inputs}"
        )
    if gen_dim not in (None, given.n_states):
        raise ValueError(
            f"gen_dim is {gen_dim}, but the generator that is given has {given.n_states} states"
        )
    return given
