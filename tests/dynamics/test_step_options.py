"""Options are declared and checked once, and adapters find their models."""

import dataclasses
import inspect

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, as_step_map
from fpf_notebook.dynamics import StepOptions, adapters, check_model, register_adapter
from fpf_notebook.dynamics.adapters import registry
from fpf_notebook.dynamics.function import recipe_of_function


def test_the_signature_shows_every_option():
    shown = inspect.signature(as_step_map).parameters
    assert list(shown) == ["model", *(f.name for f in dataclasses.fields(StepOptions))]
    assert shown["time"].default == "discrete"


def test_options_do_not_change():
    options = StepOptions(n_states=3)
    with pytest.raises(dataclasses.FrozenInstanceError):
        options.n_states = 4
    assert options.changed(n_states=4).n_states == 4
    with pytest.raises(ValueError, match="n_states is 0"):
        options.changed(n_states=0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n_states": True}, "n_states is True, expected an integer of at least 1"),
        ({"n_inputs": -1}, "n_inputs is -1, expected an integer of at least 0"),
        ({"time": "steps"}, "time is 'steps'"),
        ({"dt": 0.0}, r"dt is 0\.0, expected a positive number"),
        ({"dt": "1"}, "dt is '1'"),
        ({"convention": "state"}, "convention is 'state'"),
        ({"batched": 2}, "batched is 2"),
        ({"dtype": "float16"}, "dtype is 'float16'"),
        ({"framework": "jax"}, "framework is 'jax'"),
    ],
)
def test_each_value_is_checked_before_there_is_a_model(given, message):
    with pytest.raises(ValueError, match=message):
        StepOptions(**given)
    with pytest.raises(ValueError, match=message):
        FixedPointFinder(lambda h: h, **given) if "dtype" not in given else StepOptions(**given)


def test_what_is_no_option_is_said_with_a_suggestion():
    with pytest.raises(TypeError, match=r"as_step_map has no option 'n_state'\..*'n_states'"):
        as_step_map(len, n_state=3)
    with pytest.raises(TypeError, match=r"no option 'f_type'.*time='continuous'"):
        FixedPointFinder(len, f_type="continuous")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (None, "model is None, expected"),
        ("tanh", "model is str, expected"),
        (3.0, "model is float"),
        (np.eye(3), "model is ndarray"),
        ({"W": np.eye(3)}, "model is dict"),
        (dict, "model is the class dict, expected an object of it"),
    ],
)
def test_what_cannot_be_a_model_is_refused_when_the_finder_is_made(model, message):
    for refuse in (check_model, FixedPointFinder, as_step_map):
        with pytest.raises(TypeError, match=message):
            refuse(model)


def test_an_adapter_of_ones_own_is_asked_first(monkeypatch):
    class Matrix:
        def __init__(self, W):
            self.W = W

        def __call__(self):
            raise AssertionError("it is no function")

    class Matrices:
        def takes(self, model, options):
            return isinstance(model, Matrix)

        def recipe(self, model, options):
            return recipe_of_function(
                lambda h: jnp.tanh(model.W @ h), options.changed(n_states=len(model.W))
            )

    adapters.adapter_of(len, StepOptions())  # those of the package are there
    monkeypatch.setattr(registry, "_adapters", [*registry._adapters])
    register_adapter(Matrices())
    step_map = as_step_map(Matrix(2 * np.eye(2)))
    np.testing.assert_allclose(step_map(np.ones(2), np.zeros(0)), np.tanh([2.0, 2.0]))


def test_each_model_is_taken_by_one_adapter_only():
    import brainpy as bp

    models = [lambda h: h, bp.dyn.RNNCell(1, 2)]
    for name, make in (("torch", lambda t: t.nn.GRU(1, 2)), ("equinox", lambda e: e.nn.Identity())):
        try:
            models.append(make(__import__(name)))
        except ImportError:
            continue
    for model in models:
        options = StepOptions()
        adapters.adapter_of(model, options)
        assert sum(adapter.takes(model, options) for adapter in registry._adapters) == 1


def test_the_way_of_a_torch_module_is_short():
    torch = pytest.importorskip("torch")
    import sys

    rooms = set()

    def watch(frame, event, _):
        name = frame.f_code.co_filename
        if event == "call" and "fpf_notebook/dynamics" in name:
            rooms.add(name.partition("dynamics/")[2])

    options, module = StepOptions(), torch.nn.GRU(2, 3)
    adapter = adapters.adapter_of(module, options)
    adapter.recipe(module, options)  # whatever it needs is imported
    sys.setprofile(watch)
    try:
        adapter.recipe(module, options)
    finally:
        sys.setprofile(None)
    assert len(rooms - {"frameworks/activations.py"}) <= 6, rooms  # a table
