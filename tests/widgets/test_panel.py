"""The controls in the view, their traits, and the same as ipywidgets."""

from __future__ import annotations

import time

import anywidget
import ipywidgets as ipw
import jax.numpy as jnp
import numpy as np
import pytest
import traitlets

from fpf_notebook.dynamics.program.symbols import find_symbols
from fpf_notebook.widgets import FixedPointExplorer, JacobianInspector
from fpf_notebook.widgets.panel import items_of


def with_gain(params, state, input):
    return jnp.tanh(params["gain"] * state + params["b"] + input)


@pytest.fixture
def gained(states):
    explorer = FixedPointExplorer(
        with_gain, states, np.zeros(3), noise_scale=0.3, n_inits=256, invariant_box=(-1, 1),
        params={"gain": np.array(1.6), "b": np.zeros(3)},
        parameters={"gain": (0.5, 2.0), "b[1]": (-1, 1)},
    )  # fmt: skip
    yield explorer.wait(120)
    explorer.close()


def test_explorer_and_inspector_are_one_anywidget_each(explorer):
    inspector = JacobianInspector(explorer).wait(60)
    for widget in (explorer, inspector):
        assert isinstance(widget, anywidget.AnyWidget)
        assert widget.picture is widget
        assert "children" not in widget.keys
        assert isinstance(widget.controls, ipw.VBox)
    inspector.close()


def test_each_control_has_a_trait_that_the_browser_may_set(explorer, gained):
    inspector = JacobianInspector(explorer)
    for widget in (explorer, gained, inspector):
        names = []
        for item in items_of(widget.panel):
            assert item["title"]
            names.append(item["name"])
            if item["type"] != "button":
                assert item["trait"] in widget.FROM_BROWSER
                assert widget.trait_metadata(item["trait"], "sync") is True
        assert len(names) == len(set(names))
    assert [i["key"] for i in items_of(gained.panel) if i.get("trait") == "parameters"] == [
        "gain",
        "b[1]",
    ]
    inspector.close()


def test_what_the_browser_sets_is_searched_with(explorer):
    explorer.set_state({"input": [0.4, 0.0, 0.0], "noise_scale": 0.5, "n_inits": 300})
    explorer.wait(60)
    assert explorer.input == (0.4, 0.0, 0.0)
    assert len(explorer.fixed_points) == 9
    assert explorer.request.n_inits == 300
    explorer.set_state({"input": [0.4, "x", 0.0]})
    assert explorer.input == (0.4, 0.0, 0.0)
    assert "refused: input is" in explorer.status["note"]


def test_the_place_says_where_the_points_hold(explorer):
    explorer.input = (0.0, 0.4, 0.0)
    explorer.wait(60)
    place = explorer.place
    assert place["u"] == [0.0, 0.4, 0.0]
    assert place["whole"] is True
    np.testing.assert_array_equal(place["x"], explorer.fixed_points.xstar)
    turn = place["turn"]
    explorer.find().wait(60)  # the same points, and an answer nevertheless
    assert explorer.place["turn"] > turn


def test_parameters_move_the_points(gained):
    assert gained.parameters == {"gain": 1.6, "b[1]": 0.0}
    assert len(gained.fixed_points) == 27
    gained.parameters = {"gain": 0.8}
    assert len(gained.wait(60).fixed_points) == 1
    assert gained.parameters == {"gain": 0.8, "b[1]": 0.0}
    assert find_symbols(gained.step_map, ["gain"])[0].value == 0.8
    gained.parameters = {"gain": 1.6, "b[1]": 0.4}
    assert len(gained.wait(60).fixed_points) == 9
    residual = gained.step_map(gained.fixed_points.xstar, np.zeros(3)) - gained.fixed_points.xstar
    assert abs(residual).max() < 1e-9
    for wrong, words in (
        ({"gian": 1.0}, "names 'gian', expected some of: gain, b"),
        ({"gain": np.nan}, "gain is nan, expected a finite number"),
    ):
        with pytest.raises(traitlets.TraitError, match=words):
            gained.parameters = wrong
    assert gained.parameters == {"gain": 1.6, "b[1]": 0.4}


def test_the_script_has_the_parameters_where_they_are(gained, states):
    assert "with_values" not in gained.to_code()
    gained.parameters = {"gain": 1.3, "b[1]": 0.05}
    gained.wait(60)
    code = gained.to_code()
    assert "with_values({'gain': 1.3, 'b[1]': 0.05})" in code
    known = {"model": with_gain, "state_traj": states}
    known["params"] = {"gain": np.array(1.6), "b": np.zeros(3)}
    exec(code.replace("unique_fps.print_summary()", ""), known)
    np.testing.assert_array_equal(known["unique_fps"].xstar, gained.fixed_points.xstar)
    assert len(gained.fixed_points) == 27


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"gian": (0, 1)}, "parameters names 'gian', expected some of the parameters"),
        ({"gain": (2, 1)}, "gain has the range .2, 1., expected its two ends in order"),
        ({"gain": "wide"}, "gain has the range 'wide'"),
        ("gain", "expected ranges by name"),
    ],
)
def test_wrong_parameters_are_refused(states, parameters, words):
    with pytest.raises((TypeError, ValueError), match=words):
        FixedPointExplorer(
            with_gain, states, np.zeros(3), params={"gain": np.array(1.6), "b": np.zeros(3)},
            parameters=parameters,
        )  # fmt: skip


def control_of(widget, name):
    found = []

    def walk(node):
        if name in getattr(node, "_dom_classes", ()):
            found.append(node)
        for child in getattr(node, "children", ()):
            walk(child)

    walk(widget.controls)
    (one,) = found
    return one


def test_controls_as_ipywidgets_are_linked_both_ways(gained):
    tol_q = control_of(gained, "fpf-tol-q")
    tol_q.value = 1e-20
    assert gained.tol_q == 1e-20
    gained.tol_q = 3.3e-13  # between two steps of the slider: it stays what it is
    assert tol_q.value == pytest.approx(3.3e-13)
    assert gained.tol_q == 3.3e-13
    second = control_of(gained, "fpf-input-1")
    second.value = 0.4
    assert gained.input == (0.0, 0.4, 0.0)
    gained.input = (0.0, -7.0, 0.0)  # beyond the slider: it grows
    assert second.value == -7.0
    gain = control_of(gained, "fpf-parameter-0")
    gain.value = 1.2
    assert gained.parameters["gain"] == 1.2
    gained.parameters = {"gain": 1.7}
    assert gain.value == 1.7
    units = control_of(gained, "fpf-units")
    assert units.layout.display == "none"
    gained.projection = "units"
    assert units.layout.display is None
    units.value = "2, 0, 9"
    assert gained.units == (0, 1, 2)
    assert units.value == "0, 1, 2"
    units.value = "2, 0, 1"
    assert gained.units == (2, 0, 1)
    gained.auto = False
    gained.n_inits = 100
    control_of(gained, "fpf-find").click()
    gained.wait(60)
    assert gained._found.request.n_inits == 100


def test_buttons_send_what_they_ask_for(explorer):
    explorer.selected = 0
    explorer._handle_custom_msg({"type": "launch"}, [])
    assert [label for _, label in explorer._launches] == ["from point 0"] * 4
    explorer._handle_custom_msg({"type": "clear_launches"}, [])
    assert explorer._launches == []
    explorer._handle_custom_msg({"type": "pulse", "channel": 1, "amplitude": 2, "steps": 3}, [])
    assert [label for _, label in explorer._launches] == ["pulse of u2"]
    for wrong in ({"channel": 3}, {"steps": 0}, {"amplitude": "big"}, {"channel": None}):
        pulse = {"type": "pulse", "channel": 1, "amplitude": 2, "steps": 3, **wrong}
        explorer._handle_custom_msg(pulse, [])
        assert len(explorer._launches) == 1
        assert "a pulse needs a channel" in explorer.status["error"]


def test_what_a_thread_sets_meanwhile_is_not_undone(explorer):
    """A refused value of the browser rolls back nothing but itself."""

    def refuse(proposal):
        explorer.put(status={**explorer.status, "text": "set meanwhile"})
        raise traitlets.TraitError("no")

    explorer._trait_validators["noise_scale"] = lambda owner, proposal: refuse(proposal)
    explorer.set_state({"noise_scale": 0.9})
    assert explorer.status["text"] == "set meanwhile"
    assert explorer.noise_scale == 0.3


def live_of(explorer):
    """Wait for what a page computes with."""
    end = time.monotonic() + 60
    while not explorer.live and time.monotonic() < end:
        time.sleep(0.05)
    return explorer.live


def test_the_program_is_written_when_a_view_asks(explorer):
    assert not explorer.live
    explorer._handle_custom_msg({"type": "program"}, [])
    assert live_of(explorer)["program"]["format"] == "fpf-program"
    assert "fpfSolver" in explorer.live["solver"]


def test_a_network_without_a_program_says_why(make_explorer):
    explorer = make_explorer(lambda state, input: jnp.sort(jnp.tanh(1.6 * state + input))).wait(120)
    explorer._send_program()
    assert "sort" in live_of(explorer)["reason"]
