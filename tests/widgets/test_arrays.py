"""Arrays on their way to the browser."""

from __future__ import annotations

import numpy as np
import pytest
import traitlets

from fpf_notebook.widgets.arrays import ArrayDict, pack, same


def test_pack_sends_small_contiguous_buffers():
    packed = pack({"a": [np.arange(6.0).reshape(2, 3).T], "n": np.int64(3)})
    array = packed["a"][0]
    assert array["dtype"] == "float32"
    assert array["shape"] == [3, 2]
    assert np.frombuffer(array["view"], np.float32).tolist() == [0, 3, 1, 4, 2, 5]
    assert type(packed["n"]) is int


def test_text_has_no_binary_form():
    with pytest.raises(TypeError, match="expected numbers"):
        pack(np.array(["a"]))


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        (np.array([1.0, np.nan]), np.array([1.0, np.nan]), True),
        (np.array([1.0]), np.array([1]), False),
        (np.zeros((0, 3)), np.zeros((0, 2)), False),
        ({"x": [np.ones(2)]}, {"x": [np.ones(2)]}, True),
        ({"x": 1}, {"x": 1, "y": 2}, False),
        (np.ones(1), None, False),
    ],
)
def test_same_compares_contents(a, b, equal):
    assert same(a, b) is equal


def test_setting_an_equal_value_is_silent():
    class Holder(traitlets.HasTraits):
        scene = ArrayDict()

    holder, heard = Holder(), []
    holder.observe(heard.append, names="scene")
    holder.set_trait("scene", {"a": np.ones(3)})
    holder.set_trait("scene", {"a": np.ones(3)})
    assert len(heard) == 1
    holder.set_trait("scene", {"a": np.zeros(3)})
    assert len(heard) == 2
