"""The different inputs of a search."""

import numpy as np
import pytest

from fpf_notebook.finder.conditions import distinct_inputs


@pytest.mark.parametrize("n_inputs", [0, 1, 3])
def test_one_input_for_all(n_inputs):
    row = np.arange(n_inputs, dtype=float)
    distinct, which = distinct_inputs(np.tile(row, (5, 1)))
    np.testing.assert_array_equal(distinct, row[None])
    np.testing.assert_array_equal(which, np.zeros(5))


def test_several_inputs_come_in_order_and_give_the_rows_back():
    inputs = np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 0.0], [0.0, 1.0]])
    distinct, which = distinct_inputs(inputs)
    np.testing.assert_array_equal(distinct, [[0, 1], [0, 2], [1, 0]])
    np.testing.assert_array_equal(distinct[which], inputs)


def test_no_rows():
    distinct, which = distinct_inputs(np.zeros((0, 2)))
    assert distinct.shape == (0, 2)
    assert which.shape == (0,)
