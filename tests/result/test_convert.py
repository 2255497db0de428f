import sys

import numpy as np
import pytest

from fpf_notebook.dynamics.step_map import StateSlice
from fpf_notebook.result.completeness import Completeness
from fpf_notebook.result.fields import FIELDS
from fpf_notebook.result.fixed_points import FixedPoints
from tests.result.records import full_record


@pytest.mark.parametrize("n", [0, 1, 5])
def test_dataset_has_every_field_with_its_dimensions(n) -> None:
    fps = full_record(n)
    dataset = fps.to_xarray()
    assert dict(dataset.sizes) == {
        "point": n,
        "state": 4,
        "state_from": 4,
        "input": 3,
        "mode": 4,
    }
    for name, spec in FIELDS.items():
        assert dataset[name].dims == spec.dims
        np.testing.assert_array_equal(dataset[name].values, getattr(fps, name))
    np.testing.assert_array_equal(dataset["time_constants"], fps.time_constants)
    np.testing.assert_array_equal(dataset["frequencies"], fps.frequencies)
    assert dataset.attrs["dt"] == 0.1
    assert dataset.attrs["dtype"] == "float32"


def test_dataset_can_be_selected_from_and_changed_without_touching_the_record() -> None:
    fps = full_record(4)
    dataset = fps.to_xarray()
    np.testing.assert_array_equal(dataset.isel(point=2)["xstar"], fps.xstar[2])
    dataset["qstar"][0] = 7
    assert fps.qstar[0] != 7


def test_states_are_named_after_the_arrays_of_the_model() -> None:
    slices = (StateSlice("h", (2,), 0, 2), StateSlice("v", (1, 2), 2, 4), StateSlice("c", (), 4, 5))
    fps = FixedPoints(np.zeros((1, 5)), slices=slices, J_xstar=np.zeros((1, 5, 5)))
    dataset = fps.to_xarray()
    names = ["h[0]", "h[1]", "v[0, 0]", "v[0, 1]", "c"]
    assert dataset["state"].values.tolist() == names
    assert dataset["state_from"].values.tolist() == names
    assert "state" not in FixedPoints(np.zeros((1, 5))).to_xarray().coords


def test_dataset_of_the_empty_set() -> None:
    assert dict(FixedPoints().to_xarray().sizes) == {"point": 0, "state": 0}


def test_dataset_speaks_of_completeness() -> None:
    fps = FixedPoints(completeness=Completeness(index_sum=0, reason="no box"))
    text = "index sum 0, expected sum unknown (no box)"
    assert fps.to_xarray().attrs["completeness"] == text


@pytest.mark.parametrize("n", [0, 1, 5])
def test_frame_has_a_row_for_each_point(n) -> None:
    fps = full_record(n)
    frame = fps.to_dataframe()
    assert len(frame) == n
    assert frame.index.name == "point"
    for name, spec in FIELDS.items():
        assert (name in frame) == (spec.dims == ("point",))
    np.testing.assert_array_equal(frame["qstar"], fps.qstar)
    np.testing.assert_array_equal(frame[[f"xstar_{k}" for k in range(4)]], fps.xstar)
    np.testing.assert_array_equal(frame["inputs_2"], fps.inputs[:, 2])
    np.testing.assert_array_equal(frame["eigval_0"], fps.eigval_J_xstar[:, 0])
    np.testing.assert_array_equal(frame["time_constant_0"], fps.time_constants[:, 0])


def test_frame_can_be_grouped() -> None:
    fps = FixedPoints(np.zeros((3, 1)), stability=["stable", "saddle", "saddle"], hits=[1, 2, 3])
    sums = fps.to_dataframe().groupby("stability")["hits"].sum()
    assert sums.to_dict() == {"saddle": 5, "stable": 1}


def test_frame_of_the_empty_set() -> None:
    assert FixedPoints().to_dataframe().shape == (0, 0)


@pytest.mark.parametrize(
    ("package", "method"), [("xarray", "to_xarray"), ("pandas", "to_dataframe")]
)
def test_missing_package_is_named_with_the_command_that_installs_it(
    package, method, monkeypatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf'{package}: pip install "fpf-notebook\[dataframes\]"'):
        getattr(FixedPoints(), method)()
