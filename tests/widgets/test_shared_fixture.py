"""What Python sends and what the browser reads are tested on one file."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np

from fpf_notebook.plots.style import POINTS
from fpf_notebook.widgets.arrays import pack
from fpf_notebook.widgets.points import CLASS_CODES

FIXTURE = Path(__file__).parents[2] / "js" / "test" / "fixtures" / "shared.json"

ARRAYS = [
    np.array([[1.5, -2.25, 0.0], [1e30, 3.0, 0.1]]),
    np.array([1, -2, 300_000]),
    np.array([True, False]),
    np.zeros((0, 3)),
    np.array([[1.0, 2.0], [3.0, 4.0]])[:, ::-1],  # not contiguous
]


def current() -> dict:
    arrays = []
    for array in ARRAYS:
        packed = pack(array)
        sent = np.frombuffer(packed["view"], dtype=packed["dtype"])
        arrays.append(
            {
                "view": base64.b64encode(packed["view"]).decode(),
                "dtype": packed["dtype"],
                "shape": packed["shape"],
                "values": [v.item() for v in sent],
            }
        )
    classes = [
        {"name": name, "light": POINTS[name].light, "dark": POINTS[name].dark}
        for name in CLASS_CODES
    ]
    return {"arrays": arrays, "classes": classes}


def test_fixture_is_what_the_package_sends():
    assert json.loads(FIXTURE.read_text()) == current(), (
        "write it again: python -m tests.widgets.test_shared_fixture"
    )


if __name__ == "__main__":
    FIXTURE.write_text(json.dumps(current(), indent=1) + "\n")
