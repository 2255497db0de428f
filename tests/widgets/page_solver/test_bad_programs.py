"""A thousand programs that lie: each ends in a message or in a picture, none in a hang."""

import base64
import copy
import json
import random

import numpy as np

from fpf_notebook import as_step_map
from fpf_notebook.models import GRU, VanillaRNN
from tests.widgets.page_solver.node import encoded, run_in_node

COUNT = 1000
ODD = (
    *(None, True, -1, 0, 1, 2, 7, 1e9, 2**53, 1e308, 0.5, "", "x", "matmul", [], {}, [0]),
    *([[0, 1, 1]], [[0, 10**7, 1]], [[5, 3, -4]], {"a": 1}, [[[]]]),
)


def places(value, path=()):
    """Yield the path of every part of a document."""
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    if not isinstance(value, dict | list):
        return
    for key, part in parts:
        if isinstance(part, dict | list):
            yield from places(part, (*path, key))
        else:
            yield (*path, key)


def mutated(document, rng):
    """Change one or two parts of a program: another value, one less, one twice, damaged weights."""
    changed = copy.deepcopy(document)
    for _ in range(rng.choice([1, 1, 2])):
        path = rng.choice([p for p in places(changed) if p])
        home = changed
        for key in path[:-1]:
            home = home[key]
        what, key = rng.random(), path[-1]
        if path == ("weights", "data") or what < 0.1:
            raw = bytearray(base64.b64decode(changed["weights"]["data"]))
            at = 4 * rng.randrange(len(raw) // 4)
            raw[at : at + 4] = rng.choice([b"\x00\x00\xc0\x7f", b"\x00\x00\x80\x7f", b"\xff\xff"])
            changed["weights"]["data"] = base64.b64encode(bytes(raw)).decode()
            break
        if isinstance(home[key], int) and what < 0.4:
            home[key] += rng.choice([-1, 1, 5, -100, 10**6])
        elif what < 0.55:
            del home[key]
            break
        elif isinstance(home, list) and what < 0.65:
            home.insert(key, copy.deepcopy(home[key]))
        else:
            home[key] = rng.choice(ODD)
        if not isinstance(changed.get("weights"), dict) or "data" not in changed["weights"]:
            break
        if not isinstance(changed["weights"]["data"], str):
            break
    return changed


def truncated(document, rng):
    """Cut the text of a program somewhere."""
    text = json.dumps(document)
    return text[: rng.randrange(len(text))]


def test_a_thousand_bad_programs_end_in_a_message():
    rng = random.Random(0)
    models = VanillaRNN(2, 3, 1, seed=0), GRU(2, 3, 1, seed=0)
    documents = [as_step_map(model).to_program().document for model in models]
    requests = []
    for k in range(COUNT):
        document = documents[k % 2]
        bad = truncated(document, rng) if k % 10 == 9 else mutated(document, rng)
        requests += [
            {"id": 1, "type": "load", "program": bad},
            {"id": 2, "type": "search", "count": 8, "u": [0.0, 0.0]},
        ]
    (answer,) = run_in_node([{"task": "desk", "requests": requests}], timeout=250)
    loads, searches = answer["answers"][::2], answer["answers"][1::2]
    assert len(loads) == COUNT
    refused = [a for a in loads if a["type"] == "error"]
    # A page cannot see that another number is not the right one; whatever does not fit it must see.
    assert len(refused) > 0.7 * COUNT
    for a in refused:
        assert a["message"].startswith("This program cannot be computed: "), a["message"]
    for load, found in zip(loads, searches, strict=True):
        assert found["type"] == ("error" if load["type"] == "error" else "picture"), (load, found)
        if load["type"] == "error":
            assert found["message"] == "No program was loaded."


def test_requests_that_make_no_sense_are_answered():
    document = as_step_map(VanillaRNN(2, 3, 1, seed=0)).to_program().document
    ask = [
        {"id": 1, "type": "follow", "u": [0.0, 0.0]},
        {"id": 2, "type": "load", "program": document},
        {"id": 3, "type": "adopt", "u": [0.0, 0.0], "arrays": {"x": encoded(np.zeros(4))}},
        {"id": 4, "type": "adopt", "u": [0.0, 0.0], "arrays": {"x": encoded(np.zeros(0))}},
        {"id": 5, "type": "follow", "u": [0.1, 0.0]},
    ]
    (answer,) = run_in_node([{"task": "desk", "requests": ask}])
    types = [a["type"] for a in answer["answers"]]
    assert types == ["error", "loaded", "error", "done", "picture"]
    assert "expected a multiple of 3" in answer["answers"][2]["message"]
