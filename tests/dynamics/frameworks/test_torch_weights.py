"""PyTorch's recurrent modules against PyTorch itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fpf_notebook import FixedPointFinder, as_step_map
from fpf_notebook.dynamics.jacobians import linearize

torch = pytest.importorskip("torch")

from tests.dynamics.frameworks import torch_models  # noqa: E402  (needs torch)

# torch says so itself, once, where it computes an LSTM with a projection in single precision.
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported")

RNG = np.random.default_rng(0)
TOLERANCES = {torch.float32: 1e-6, torch.float64: 1e-12}


@st.composite
def modules(draw):
    n_inputs, n_hidden = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    options = {"bias": draw(st.booleans())}
    kind = draw(st.sampled_from(["RNN", "GRU", "LSTM", "RNNCell", "GRUCell", "LSTMCell"]))
    if kind.startswith("RNN"):
        options["nonlinearity"] = draw(st.sampled_from(["tanh", "relu"]))
    if not kind.endswith("Cell"):
        options["num_layers"] = draw(st.integers(1, 3))
        options["batch_first"] = draw(st.booleans())
    if kind == "LSTM" and n_hidden > 1:
        options["proj_size"] = draw(st.integers(0, n_hidden - 1))
    dtype = draw(st.sampled_from(list(TOLERANCES)))
    module = getattr(torch.nn, kind)(n_inputs, n_hidden, dtype=dtype, **options)
    return torch_models.randomized(module, draw(st.integers(0, 99)))


def states_and_inputs(module, n=5, seed=1):
    rng = np.random.default_rng(seed)
    n_states = torch_models.n_states_of(module)
    return rng.uniform(-1, 1, (n, n_states)), rng.uniform(-1, 1, (n, module.input_size))


@settings(max_examples=12, deadline=None)
@given(module=modules())
def test_one_step_and_jacobians_are_those_of_torch(module):
    tolerance = TOLERANCES[next(module.parameters()).dtype]
    step_map = as_step_map(module)
    h, u = states_and_inputs(module)
    # In the module's own precision the states are rounded too.
    h = h.astype(np.float32).astype(np.float64)
    u = u.astype(np.float32).astype(np.float64)
    expected = torch_models.own_steps(module, h, u)
    np.testing.assert_allclose(step_map(h, u), expected, rtol=tolerance, atol=tolerance)

    exact = module.double()
    np.testing.assert_allclose(
        step_map(h, u), torch_models.own_steps(exact, h, u), rtol=1e-12, atol=1e-12
    )
    jacobian, input_jacobian = linearize(step_map, h[:1], u[:1])
    for ours, theirs in zip(
        (jacobian, input_jacobian), torch_models.own_jacobians(exact, h[0], u[0]), strict=True
    ):
        np.testing.assert_allclose(ours[0], theirs, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (torch.nn.GRU(2, 3), ["h"]),
        (torch.nn.LSTM(2, 3), ["h", "c"]),
        (torch.nn.RNN(2, 3, num_layers=2), ["h_l0", "h_l1"]),
        (torch.nn.LSTM(2, 3, num_layers=2), ["h_l0", "h_l1", "c_l0", "c_l1"]),
    ],
)
def test_state_arrays_lie_as_torch_returns_them(module, names):
    step_map = as_step_map(module)
    assert [part.name for part in step_map.slices] == names
    assert [part.start for part in step_map.slices] == list(range(0, 3 * len(names), 3))


def test_a_projection_has_states_of_two_lengths():
    slices = as_step_map(torch.nn.LSTM(2, 5, num_layers=2, proj_size=3)).slices
    assert [(part.name, part.shape) for part in slices] == [
        *(("h_l0", (3,)), ("h_l1", (3,)), ("c_l0", (5,)), ("c_l1", (5,))),
    ]


@pytest.mark.parametrize("scale", [0.5, 3.0])
@pytest.mark.parametrize(
    "module",
    [
        torch.nn.RNN(2, 3, num_layers=2),
        torch.nn.GRU(2, 3, num_layers=2),
        torch.nn.LSTM(2, 3, num_layers=2),
        torch.nn.LSTM(2, 4, num_layers=2, proj_size=2),
        torch.nn.LSTMCell(2, 3),
    ],
    ids=str,
)
def test_no_state_of_the_box_leaves_it(module, scale):
    torch_models.randomized(module, seed=3, scale=scale)
    step_map = as_step_map(module)
    u = np.array([0.7, -1.2])
    low, high = step_map.invariant_box(u)
    rng = np.random.default_rng(0)
    faces = rng.choice([0.0, 0.5, 1.0], (400, len(low)))
    after = step_map(low + faces * (high - low), u[None])
    tolerance = 1e-12 * (1 + np.abs(high) + np.abs(low))
    assert (after >= low - tolerance).all()
    assert (after <= high + tolerance).all()


def test_a_box_of_relu_is_unknown_and_its_growth_does_no_harm():
    module = torch.nn.RNN(1, 2, nonlinearity="relu", bias=False)
    with torch.no_grad():
        module.weight_ih_l0.zero_()
        module.weight_hh_l0.copy_(torch.tensor([[2.0, 0.0], [0.0, 0.5]]))
    finder = FixedPointFinder(module)
    step_map = finder.step_map()
    assert step_map.invariant_box(np.zeros(1)) is None
    assert "relu is not bounded" in step_map.box_reason
    # h doubles in one unit: there is nothing but the origin, and trajectories end in infinity.
    starts = np.abs(RNG.normal(size=(20, 2)))
    states = step_map.trajectory(starts, np.zeros((20, 1200, 1)))
    assert np.isinf(states).any()
    unique, _ = finder.find_fixed_points(initial_states=starts, inputs=np.zeros((1, 1)))
    np.testing.assert_allclose(unique.xstar, [[0.0, 0.0]], atol=1e-12)
    assert unique.completeness.expected_sum is None


def test_a_readout_is_kept():
    module, linear = torch.nn.LSTM(2, 3, num_layers=2), torch.nn.Linear(3, 2)
    head = torch.nn.Sequential(linear, torch.nn.Tanh(), torch.nn.Linear(2, 1))
    h, u = states_and_inputs(module)
    last = torch.tensor(as_step_map(module)(h, u)[:, 3:6])
    with torch.no_grad():
        for readout in (linear, head):
            expected = readout.double()(last).numpy()
            found = as_step_map(module, readout=readout).output(h, u)
            np.testing.assert_allclose(found, expected, atol=1e-12)
    arrays = (linear.weight.detach().numpy(), None)
    found = as_step_map(module, readout=arrays).output(h, u)
    np.testing.assert_allclose(found, last.numpy() @ arrays[0].T, atol=1e-12)
    with pytest.raises(ValueError, match="readout takes 4 values, but torch LSTM"):
        as_step_map(module, readout=torch.nn.Linear(4, 1))
    with pytest.raises(ValueError, match=r"readout has a Bilinear, expected torch\.nn\.Linear"):
        as_step_map(module, readout=torch.nn.Bilinear(3, 3, 2))
    with pytest.raises(TypeError, match="readout is str"):
        as_step_map(module, readout="linear")


def test_what_has_no_step_is_refused_with_the_reason():
    with pytest.raises(ValueError, match="bidirectional: its backward half starts at the end"):
        as_step_map(torch.nn.GRU(2, 3, bidirectional=True))
    noisy = torch.nn.GRU(2, 3, num_layers=2, dropout=0.5)
    with pytest.raises(ValueError, match=r"training mode .* Call \.eval\(\) on it first"):
        as_step_map(noisy)
    assert as_step_map(noisy.eval()).n_states == 6
    with pytest.raises(ValueError, match="readout drops out values"):
        as_step_map(torch.nn.GRU(2, 3), readout=torch.nn.Sequential(torch.nn.Dropout()))
    with pytest.raises(ValueError, match="'meta' and have no values"):
        as_step_map(torch.nn.GRU(2, 3, device="meta"))


def test_options_that_do_not_fit_are_refused():
    module = torch.nn.LSTM(2, 3)
    with pytest.raises(ValueError, match="convention= is for functions; LSTM tells its own way"):
        as_step_map(module, convention="input_state")
    with pytest.raises(ValueError, match=r"is a map, not a flow"):
        as_step_map(module, time="continuous")
    with pytest.raises(ValueError, match=r"n_inputs is 5, but torch LSTM\(2, 3\) takes 2"):
        as_step_map(module, n_inputs=5)
    # The usual mistake: torch's outputs are h alone.
    with pytest.raises(ValueError, match=r"has 6 components: h \[3\], c \[3\].*trajectory"):
        as_step_map(module, n_states=3)
    with pytest.raises(ValueError, match=r"has 3 states .* but the model has 6"):
        FixedPointFinder(module).find_fixed_points(np.zeros((2, 4, 3)), np.zeros((1, 2)))
    with pytest.raises(ValueError, match="framework is 'jax', expected 'torch'"):
        as_step_map(module, framework="jax")
    with pytest.raises(ValueError, match="readout= is for recurrent modules"):
        as_step_map(lambda h, u: h, n_states=1, n_inputs=1, readout=lambda h: h)


def test_parametrized_weights_are_those_in_effect():
    module = torch_models.randomized(torch.nn.RNN(2, 3))
    torch.nn.utils.parametrizations.orthogonal(module, "weight_hh_l0")
    h, u = states_and_inputs(module)
    expected = torch_models.own_steps(module, h, u)
    np.testing.assert_allclose(as_step_map(module)(h, u), expected, atol=1e-6)


def test_half_precision_weights_are_read():
    module = torch_models.randomized(torch.nn.GRU(2, 3))
    h, u = states_and_inputs(module)
    for dtype in (torch.bfloat16, torch.float16):
        rounded = module.to(dtype)
        step_map = as_step_map(rounded)
        expected = torch_models.own_steps(rounded.double(), h, u)
        np.testing.assert_allclose(step_map(h, u), expected, atol=1e-12)


def test_the_module_and_torch_stay_as_they_were():
    module = torch_models.randomized(torch.nn.GRU(2, 3))
    before = {name: weight.clone() for name, weight in module.state_dict().items()}
    generator, threads = torch.get_rng_state(), torch.get_num_threads()
    step_map = as_step_map(module, readout=torch.nn.Linear(3, 2))
    h, u = states_and_inputs(module)
    first = step_map(h, u)
    assert all(torch.equal(module.state_dict()[name], weight) for name, weight in before.items())
    assert all(weight.requires_grad for weight in module.parameters())
    assert torch.is_grad_enabled()
    assert torch.get_default_dtype() == torch.float32
    assert torch.get_num_threads() == threads
    torch.nn.Linear(3, 2)  # draws
    torch.set_rng_state(generator)
    with torch.no_grad():
        for weight in module.parameters():
            weight.zero_()
    np.testing.assert_array_equal(step_map(h, u), first)  # a copy of the weights


def test_retraining_compiles_nothing_anew():
    module = torch_models.randomized(torch.nn.GRU(2, 3), seed=1)
    step_map = as_step_map(module)
    torch_models.randomized(module, seed=2)
    again = step_map.with_model(module)
    assert again.signature == step_map.signature
    h, u = states_and_inputs(module)
    expected = torch_models.own_steps(module.double(), h, u)
    np.testing.assert_allclose(again(h, u), expected, atol=1e-12)
