"""`checks`: the declared arguments of a function are checked before it begins."""

import inspect

import numpy as np
import pytest

from fpf_notebook.arguments import CALLS, checks
from fpf_notebook.arguments.calls_by_room import CALLS_BY_ROOM
from tests.arguments.calls_by_room import CALLS_TO_MAKE, NOT_CALLED


def test_the_signature_stays_and_what_is_wrong_is_refused_before_the_body():
    ran = []

    @checks("analysis.embed_distances")
    def places(distances, n_components=2):
        """Say something."""
        ran.append((distances, n_components))
        return distances

    given = np.zeros((1, 1))
    assert places(given) is given
    assert places(given, n_components=np.int64(3)) is given
    assert ran[1][1] == 3
    assert type(ran[1][1]) is int
    assert places.__doc__ == "Say something."
    assert str(inspect.signature(places)) == "(distances, n_components=2)"
    for wrong, text in (
        ({"n_components": "3"}, "n_components is '3', expected a whole number from 1"),
        ({"n_components": None}, "n_components is None"),
        ({"distances": "far"}, "distances has type"),
        ({"distance": given}, "distance"),
    ):
        with pytest.raises((TypeError, ValueError), match=text):
            places(**{"distances": given, **wrong})
    assert len(ran) == 2


@pytest.mark.parametrize("call", CALLS_BY_ROOM)
def test_what_is_declared_is_there_and_its_default_is_accepted(call):
    function, good = CALLS_TO_MAKE[call]
    signature = inspect.signature(function)
    for name, kind in CALLS[call].items():
        assert kind.meaning or kind.of.meaning == "", (call, name)
        default = signature.parameters[name].default
        if default is not inspect.Parameter.empty:
            kind.check(name, default)
        if name in good and call not in NOT_CALLED:
            kind.check(name, good[name])


@pytest.mark.parametrize("call", [call for call in CALLS_BY_ROOM if call not in NOT_CALLED])
def test_a_good_call_is_made(call):
    function, good = CALLS_TO_MAKE[call]
    function(**good)


def test_sizes_that_do_not_fit_are_named():
    step_map = CALLS_TO_MAKE["finder.prove"][1]["step_map"]
    for call, wrong, text in (
        ("finder.prove", {"u": np.zeros(3)}, r"u has shape \(3,\), expected \[n_inputs=2\]"),
        ("finder.prove", {"box": np.zeros((2, 3))}, r"box has shape \(2, 3\)"),
        ("StepMap.invariant_box", {"u": np.zeros(3)}, r"u has shape \(3,\)"),
        ("StepMap.box_is_whole", {"u": 1.0}, r"u has shape \(\), expected \[n_inputs=2\]"),
        ("analysis.embed_distances", {"distances": [[0, 1], [2, 0]]}, "not symmetric"),
        ("analysis.embed_distances", {"distances": [[0, -1], [-1, 0]]}, "negative"),
        ("analysis.embed_distances", {"distances": [[5, 1], [1, 5]]}, "not zero on its diagonal"),
    ):
        function, good = CALLS_TO_MAKE[call]
        with pytest.raises(ValueError, match=text):
            function(**{**good, **wrong})
    assert step_map.n_inputs == 2
