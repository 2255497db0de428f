"""What every algebra may rely on: the form of programs, and that they say what the step does."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.dynamics import StepMap, as_step_map
from fpf_notebook.dynamics.jaxpr import (
    OPERATIONS,
    Constant,
    NotCoveredError,
    View,
    evaluate,
    parameter_names,
    plain,
    program_of,
)
from tests.dynamics.jaxpr.user_steps import user_steps

STEPS = user_steps()


def step_map_of(case):
    return StepMap(
        step=lambda params, h, u: case.step(h, u),
        params={},
        n_states=case.n_states,
        n_inputs=2,
        time="continuous" if case.flow else "discrete",
    )


def check_form(program):
    """Nothing is read before it is written, nothing written twice, sizes fit."""
    written = sum(cells.stop - cells.start for cells in program.inputs.values())
    for operation in program.operations:
        assert operation.name in OPERATIONS
        assert operation.start == written
        for operand in operation.operands:
            if isinstance(operand, View):
                assert operand.addresses.min(initial=0) >= 0
                assert operand.addresses.max(initial=-1) < written
            else:
                assert operand.values.dtype == np.float64
        sizes = [operand.size for operand in operation.operands]
        if operation.name == "matmul":
            batch, rows, inner, columns = operation.shape
            assert sizes == [batch * rows * inner, batch * inner * columns]
            assert operation.size == batch * rows * columns
        elif operation.name in ("sum", "product", "maximum", "minimum"):
            assert operation.size == operation.shape[0]
            assert sizes == [operation.shape[0] * operation.shape[1]]
        elif operation.name != "unknown":
            assert sizes == [operation.size] * len(sizes)
        written += operation.size
    assert program.size == written
    assert program.output.addresses.max() < written


@pytest.mark.parametrize("fold", [True, False])
@pytest.mark.parametrize("case", STEPS, ids=lambda case: case.name)
def test_a_program_says_what_the_step_does(case, fold):
    step_map = step_map_of(case)
    rng = np.random.default_rng(0)
    h, u = rng.uniform(-1, 1, (7, case.n_states)), rng.uniform(-1, 1, 2)
    known = program_of(step_map, u=u, fold_arithmetic=fold)
    symbolic = program_of(step_map, fold_arithmetic=fold)
    assert known.uncovered == symbolic.uncovered == ()
    right = step_map(h, u)
    for program, inputs in ((known, {"h": h}), (symbolic, {"h": h, "u": u})):
        check_form(program)
        np.testing.assert_allclose(evaluate(program, inputs), right, rtol=1e-11, atol=1e-12)


def test_every_operation_has_a_rule_for_numbers():
    special = {"constant", "power", "matmul", "sum", "product", "maximum", "minimum", "unknown"}
    assert set(plain.ELEMENTWISE) | special == OPERATIONS


def test_parameters_stay_symbols_where_that_is_asked_for():
    params = {"W": np.array([[0.5, -1.0], [2.0, 0.25]]), "b": np.array([0.1, -0.2])}
    step_map = as_step_map(
        lambda p, h, u: jnp.tanh(p["W"] @ h + p["b"]), n_states=2, n_inputs=1, params=params
    )
    names = parameter_names(step_map)
    weights = next(name for name in names if "W" in name)
    program = program_of(step_map, u=np.zeros(1), symbols=[weights])
    assert set(program.inputs) == {"h", weights}
    h, W = np.array([0.3, -0.4]), np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_allclose(
        evaluate(program, {"h": h, weights: W.ravel()}), np.tanh(W @ h + params["b"])
    )
    with pytest.raises(ValueError, match=r"symbols names 'V', expected some of the parameters"):
        program_of(step_map, symbols=["V"])


def test_the_values_of_parameters_are_read_anew():
    step_map = as_step_map(
        lambda p, h, u: p["a"] * h, n_states=1, n_inputs=1, params={"a": np.array(2.0)}
    )
    other = step_map.with_params({"a": np.array(3.0)})
    for each, right in ((step_map, 2.0), (other, 3.0)):
        assert evaluate(program_of(each, u=np.zeros(1)), {"h": np.ones(1)}) == right


def names_of(step, n=2, **options):
    step_map = as_step_map(step, n_states=n, n_inputs=1, batched=False)
    return [
        operation.name for operation in program_of(step_map, u=np.zeros(1), **options).operations
    ]


def test_equal_expressions_are_there_once():
    assert names_of(lambda h, u: jnp.tanh(h) * h + h * jnp.tanh(h)) == ["tanh", "mul", "add"]


def test_moving_numbers_takes_no_operations():
    def step(h, u):
        x = jnp.stack([h, h[::-1]])[:, jnp.array([2, 0, 1])].T.reshape(-1)
        return jnp.tanh(jax.lax.dynamic_slice(x, (1,), (3,)))

    assert names_of(step, 3) == ["tanh"]
    step_map = as_step_map(step, n_states=3, n_inputs=1)
    h = np.array([0.1, 0.2, 0.3])
    out = evaluate(program_of(step_map, u=np.zeros(1)), {"h": h})
    np.testing.assert_allclose(out, np.tanh([0.1, 0.1, 0.3]))


def test_known_numbers_are_folded_and_dead_ones_dropped():
    def step(h, u):
        _ = jnp.sin(h) * 2
        return h * jnp.sum(jnp.arange(4.0)) + (jnp.exp(0.5) + u[0])

    assert names_of(step) == ["mul", "add"]
    # What rounds is kept where bounds of it are wanted; what is exact is folded.
    assert names_of(step, fold_arithmetic=False) == ["mul", "exp", "add"]


def test_idioms_are_recognized():
    assert names_of(lambda h, u: 1 / (1 + jnp.exp(-h))) == ["logistic"]
    assert names_of(lambda h, u: jax.nn.softplus(h)) == ["softplus"]
    assert names_of(lambda h, u: jax.nn.relu(h)) == ["max"]


def test_what_is_not_covered_is_named_with_its_line():
    def step(h, u):
        ordered = jnp.sort(h)  # the line that must be named
        return jnp.tanh(ordered)

    program = program_of(as_step_map(step, n_states=3, n_inputs=1, batched=False), u=np.zeros(1))
    (missing,) = program.uncovered
    assert missing.operation == "sort"
    file, line = missing.source.split(" (")[0].rsplit(":", 1)
    assert "the line that must be named" in Path(file).read_text().splitlines()[int(line) - 1]
    with pytest.raises(NotCoveredError, match=r"sort at .*test_contract\.py:\d+ \(.*step\)"):
        evaluate(program, {"h": np.zeros(3)})


def test_what_is_not_covered_does_not_count_where_it_is_not_used():
    def step(h, u):
        return jnp.tanh(h) + 0 * u[0] + jnp.sort(jnp.array([3.0, 1.0]))[0]

    assert program_of(as_step_map(step, n_states=2, n_inputs=1)).uncovered == ()


def test_a_loop_whose_length_depends_on_the_state_is_not_covered():
    def step(h, u):
        return jax.lax.while_loop(lambda x: jnp.sum(x) > 1, lambda x: 0.5 * x, h)

    program = program_of(as_step_map(step, n_states=2, n_inputs=1, batched=False), u=np.zeros(1))
    assert "depends on the state" in program.uncovered[0].operation


def test_a_program_is_bounded():
    step_map = as_step_map(
        lambda h, u: jax.lax.fori_loop(0, 500, lambda _, x: jnp.tanh(x), h), n_states=1, n_inputs=1
    )
    with pytest.raises(NotCoveredError, match="more than 100 operations"):
        program_of(step_map, max_operations=100)


def test_wrong_inputs_are_refused():
    step_map = as_step_map(lambda h, u: jnp.tanh(h), n_states=2, n_inputs=1)
    with pytest.raises(ValueError, match=r"u has shape \(3,\), expected \(1,\)"):
        program_of(step_map, u=np.zeros(3))
    program = program_of(step_map, u=np.zeros(1))
    with pytest.raises(ValueError, match=r"inputs lacks 'h'"):
        evaluate(program, {})
    with pytest.raises(ValueError, match=r"inputs\['h'\] has shape \(4, 3\)"):
        evaluate(program, {"h": np.zeros((4, 3))})


def test_constants_and_views_read_in_order():
    view = View(np.array([2, 3, 4]))
    assert view.run == slice(2, 5)
    assert View(np.array([2, 4, 3])).run is None
    np.testing.assert_array_equal(view.of(np.arange(10.0)), [2, 3, 4])
    assert Constant(np.zeros(4)).size == 4
