"""The format of programs: symbols, messages, sizes, and how addresses and weights are written."""

import base64
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fpf_notebook import as_step_map
from fpf_notebook.dynamics.program import FORMAT, VERSION, PageProgram
from fpf_notebook.dynamics.program import forecast as forecasts
from fpf_notebook.dynamics.program.reference import decode_weights
from fpf_notebook.dynamics.program.segments import from_segments, to_segments
from fpf_notebook.dynamics.program.symbols import labels
from fpf_notebook.dynamics.program.weights import WeightPool
from fpf_notebook.models import GRU

PARAMS = {"gain": np.array(1.5), "rnn": {"W": np.array([[0.1, 2.0], [-2.0, 0.3]])}}


def gained():
    return as_step_map(
        lambda p, h, u: jnp.tanh(p["gain"] * (p["rnn"]["W"] @ h) + u),
        n_states=2,
        n_inputs=2,
        params=PARAMS,
    )


def test_it_survives_json_and_says_what_it_is():
    program = gained().to_program(["gain"])
    again = PageProgram(json.loads(program.to_json()))
    assert (again.document["format"], again.document["version"]) == (FORMAT, VERSION)
    h, u = np.array([[0.2, -0.1]]), np.array([0.1, 0.0])
    for name, value in program.evaluate(h, u).items():
        assert np.array_equal(again.evaluate(h, u)[name], value)
    assert again.n_states == again.n_inputs == 2


def test_symbols_stay_open_and_have_their_columns_in_K():
    step_map = gained()
    program = step_map.to_program(["gain", "rnn.W[0, 1]"])
    assert program.parameters == {"gain": 1.5, "rnn.W[0, 1]": 2.0}
    h, u = np.array([0.2, -0.1]), np.array([0.1, 0.3])
    out = program.evaluate(h, u, {"gain": 0.5, "rnn.W[0, 1]": 1.0})
    moved = {"gain": np.array(0.5), "rnn": {"W": np.array([[0.1, 1.0], [-2.0, 0.3]])}}
    np.testing.assert_allclose(out["F"], step_map.with_params(moved)(h, u), atol=1e-15)
    K = out["K"].reshape(2, 4)
    for column, name in ((2, "gain"), (3, "rnn.W[0, 1]")):
        values = {"gain": 0.5, "rnn.W[0, 1]": 1.0}
        up = program.evaluate(h, u, values | {name: values[name] + 1e-6})["F"]
        down = program.evaluate(h, u, values | {name: values[name] - 1e-6})["F"]
        np.testing.assert_allclose(K[:, column], (up - down) / 2e-6, atol=1e-9)


def test_a_whole_array_is_as_many_symbols():
    program = gained().to_program(["rnn.W"])
    assert list(program.parameters) == [f"rnn.W[{i}, {j}]" for i in range(2) for j in range(2)]


@pytest.mark.parametrize(
    ("symbols", "error", "message"),
    [
        ("gain", TypeError, r"symbols is 'gain', expected a list"),
        (["gian"], ValueError, r"'gian', expected some of the parameters gain, rnn.W"),
        (["rnn.W[2, 0]"], ValueError, r"rnn.W has the shape \(2, 2\)"),
        (["rnn.W[0]"], ValueError, r"rnn.W has the shape \(2, 2\)"),
        (["gain", "gain"], ValueError, r"each parameter once"),
        (["rnn.W", "rnn.W[0, 0]"], ValueError, r"each parameter once"),
    ],
)
def test_wrong_symbols_are_named(symbols, error, message):
    with pytest.raises(error, match=message):
        gained().to_program(symbols)


def test_labels_drop_what_the_step_map_added():
    held = np.ones(2)
    step_map = as_step_map(
        lambda p, h, u: jnp.tanh(p["a"] * h + jnp.asarray(held)),
        n_states=2,
        n_inputs=1,
        params={"a": np.array(2.0)},
    )
    assert "a" in labels(step_map)


def test_a_wrong_input_is_refused():
    with pytest.raises(ValueError, match=r"u has shape \(3,\), expected \(2,\)"):
        gained().to_program(u=np.zeros(3))
    program = gained().to_program()
    with pytest.raises(ValueError, match=r"h has shape \(3,\)"):
        program.evaluate(np.zeros(3), np.zeros(2))
    with pytest.raises(ValueError, match=r"parameters names gain"):
        program.evaluate(np.zeros(2), np.zeros(2), {"gain": 1.0})


def line_of(text):
    for number, line in enumerate(Path(__file__).read_text().splitlines(), 1):
        if text in line and "line_of" not in line:
            return number
    raise AssertionError(text)


def test_a_loop_whose_length_depends_on_the_state_is_named_with_its_line():
    def step(h, u):
        return jax.lax.while_loop(lambda x: jnp.sum(x) > 1, lambda x: 0.5 * x, h)  # the loop

    step_map = as_step_map(step, n_states=2, n_inputs=1, batched=False)
    with pytest.raises(ValueError, match="while") as caught:
        step_map.to_program()
    assert f"test_program.py:{line_of('# the loop')}" in str(caught.value)


def test_a_call_of_python_is_named_with_its_line():
    def own(x):
        return np.tanh(x)

    @jax.custom_jvp
    def called(x):
        return jax.pure_callback(
            own, jax.ShapeDtypeStruct(x.shape, x.dtype), x, vmap_method="sequential"
        )

    called.defjvp(lambda p, t: (called(*p), (1 - called(*p) ** 2) * t[0]))
    step_map = as_step_map(lambda h, u: called(h), n_states=2, n_inputs=1)  # the call
    with pytest.raises(ValueError, match="pure_callback") as caught:
        step_map.to_program()
    assert f"test_program.py:{line_of('# the call')}" in str(caught.value)


def test_sorting_is_named():
    step_map = as_step_map(lambda h, u: jnp.sort(h) * 0.5, n_states=3, n_inputs=1, batched=False)
    with pytest.raises(ValueError, match=r"sort .*test_program\.py"):
        step_map.to_program()


def test_torch_modules_that_are_called_are_refused():
    torch = pytest.importorskip("torch")

    class Own(torch.nn.Module):
        def forward(self, x, h):
            return torch.tanh(h * 0.5 + x)

    class Guarded(Own):
        def forward(self, x, h):
            assert not torch.isnan(h).any()
            return super().forward(x, h)

    exported = as_step_map(Own(), n_states=2, n_inputs=2, convention="input_state").to_program()
    found = exported.evaluate(np.ones(2), np.zeros(2))
    J = 0.5 * (1 - np.tanh(0.5) ** 2) * np.eye(2)
    np.testing.assert_allclose(found["J"], J.ravel(), rtol=1e-12)
    step_map = as_step_map(Guarded(), n_states=2, n_inputs=2, convention="input_state")
    with pytest.raises(ValueError, match="pure_callback"):
        step_map.to_program()


def test_what_is_too_large_is_refused_before_it_is_written(monkeypatch):
    monkeypatch.setattr(forecasts, "MAX_NUMBERS", 1000)
    with pytest.raises(ValueError, match=r"too large for a program: about [\d,]+ numbers"):
        as_step_map(GRU(2, 16, 1)).to_program()


@pytest.mark.parametrize("n", [4, 16, 48])
def test_the_forecast_is_an_upper_bound_that_is_not_idle(n):
    from fpf_notebook.dynamics.program.export import _trace

    step_map = as_step_map(GRU(2, n, 1, seed=0))
    closed, _ = _trace(step_map, [])
    forecast, numbers = forecasts.forecast_numbers(closed), step_map.to_program().size.n_numbers
    assert numbers <= forecast <= 5 * numbers  # JAX 0.12 writes more that is folded later


def test_a_box_that_is_a_formula_follows_the_input():
    step_map = as_step_map(
        lambda h, u: 0.5 * h + u,
        n_states=1,
        n_inputs=1,
        invariant_box=lambda u: (u - 4, u + 4),
        batched=False,
    )
    program = step_map.to_program()
    out = program.evaluate(np.zeros(1), np.array([2.0]))
    assert (out["low"].item(), out["high"].item()) == (-2.0, 6.0)
    assert program.document["fixed_box"] is None


def test_a_box_that_is_proven_for_one_input_says_for_which():
    step_map = as_step_map(lambda h, u: 0.5 * h + jnp.tanh(u), n_states=1, n_inputs=1)
    program = step_map.to_program(u=np.array([0.3]))
    low, high = step_map.invariant_box(np.array([0.3]))
    assert program.document["fixed_box"] == {
        "u": [0.3], "low": low.tolist(), "high": high.tolist()
    }  # fmt: skip
    assert "low" not in program.evaluate(np.zeros(1), np.array([0.3]))


@settings(max_examples=200, deadline=None)
@given(
    base=st.lists(st.integers(0, 30), min_size=0, max_size=12),
    counts=st.lists(st.integers(1, 4), max_size=3),
    steps=st.lists(st.integers(-5, 5), min_size=3, max_size=3),
)
def test_segments_stand_for_their_addresses(base, counts, steps):
    a = np.array(base, dtype=np.int64)
    for count, step in zip(counts, steps, strict=False):
        a = (step * np.arange(count)[:, None] + a[None, :]).reshape(-1)
    assert np.array_equal(from_segments(to_segments(a)), a)


def test_views_of_a_matrix_take_one_segment():
    places = np.arange(60).reshape(3, 4, 5)
    for view in (places.T, places[::-1], places[:, ::2], np.broadcast_to(places[0, 0], (7, 5)),
                 np.repeat(places[0, 0], 3), places.transpose(1, 0, 2)):  # fmt: skip
        assert len(to_segments(view.reshape(-1))) == 1


def test_weights_are_stored_once():
    pool, W = WeightPool(), np.random.default_rng(0).normal(size=(8, 8))
    first = pool.place(W.ravel())
    again = pool.place(W.T.ravel())
    assert pool.size == 64
    assert np.array_equal(again, first.reshape(8, 8).T.ravel())
    pool.place(np.eye(8).ravel())
    assert pool.size == 66
    assert np.signbit(decode_weights(encoded(pool, np.array([-0.0])))[-1])


def encoded(pool, more):
    pool.place(more)
    dtype, data = pool.encoded()
    return {"dtype": dtype, "data": data}


def test_single_precision_where_that_is_exact():
    for values, dtype in (([0.5, 2.0], "float32"), ([0.1], "float64"), ([1e300], "float64")):
        pool = WeightPool()
        pool.place(np.array(values))
        name, data = pool.encoded()
        assert name == dtype
        assert len(base64.b64decode(data)) == len(values) * (4 if dtype == "float32" else 8)
        assert decode_weights({"dtype": name, "data": data}).tolist() == values


def test_a_net_of_sixteen_units_takes_a_few_kilobytes():
    program = as_step_map(GRU(3, 16, 3, seed=0)).to_program()
    assert program.size.n_bytes < 30_000
    assert str(program.size).startswith(f"{program.size.n_bytes / 1e3:.1f} kB")
