"""The self-contained page, as text; a browser test uses it."""

from __future__ import annotations

import base64
import json
import os
import re
import stat

import numpy as np
import pytest

from fpf_notebook.widgets.export import page, write_page
from fpf_notebook.widgets.view import BUNDLE

LIMIT = 200_000


def test_bundle_is_small_and_asks_nobody():
    text = BUNDLE.read_text(encoding="utf-8")
    assert len(text.encode()) <= LIMIT
    # The one address is the name of the SVG namespace, which nobody fetches.
    assert set(re.findall(r"https?://[\w./-]+", text)) <= {"http://www.w3.org/2000/svg"}
    for word in ("fetch(", "XMLHttpRequest", "WebSocket", "eval("):
        assert word not in text


def test_page_holds_everything_and_cannot_be_broken_out_of():
    text = page([{"kind": "explorer", "words": "</script><b>", "a": np.arange(3.0)}], "a<b")
    assert "<title>a&lt;b</title>" in text
    state = re.search(r'id="fpf-state">(.*?)</script>', text, re.DOTALL).group(1)
    assert "<" not in state
    (decoded,) = json.loads(state)
    assert decoded["words"] == "</script><b>"
    raw = base64.b64decode(decoded["a"]["view"])
    assert np.frombuffer(raw, np.float32).tolist() == [0, 1, 2]
    assert "default-src 'none'" in text
    assert not re.search(r"(src|href)=[\"']?http", text)


def test_numbers_that_json_does_not_know_are_refused():
    with pytest.raises(ValueError, match="JSON"):
        page([{"x": float("nan")}])


def test_file_is_written_whole_or_not_at_all(tmp_path):
    target = tmp_path / "page.html"
    write_page(target, [{"kind": "explorer"}])
    first = target.read_text()
    with pytest.raises(TypeError):
        write_page(target, [{"kind": object()}])
    assert target.read_text() == first
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~umask
