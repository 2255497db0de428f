"""Where the weights lie that the authors of JSLDS have published, for tests that read them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_CHECKOUT = Path(__file__).parent.parent
_FILES = {
    "3-bit, figures": "trained_params_jslds_nbit_memory_weights_used_for_paper_plots.npz",
    "3-bit, another run": "trained_params_jslds_nbit_memory_0.000413_2021-04-28_20_08_37.npz",
    "context": "trained_params_jslds_context_integration_0.000819_2021-03-29_18_01_27.npz",
    "context, alone": "trained_params_context_int_no_JSLDS.npz",
}
PUBLISHED = tuple(_FILES)


def published(name: str) -> Path:
    """Return the path of a published file; skip the test where there is none.

    They are looked for in the folder that ``FPF_SHARED`` names, or in ``shared`` beside or above
    the checkout.
    """
    given = os.environ.get("FPF_SHARED")
    places = [Path(given)] if given else [folder / "shared" for folder in _CHECKOUT.parents]
    for place in places:
        path = place / "published" / "jslds" / _FILES[name]
        if path.is_file():
            return path
    pytest.skip("the published weights are not at hand")
