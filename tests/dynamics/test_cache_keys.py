"""No option is forgotten: what was compiled for one reading never answers for another.

Each model is made into step maps with two values of one option, in one process, and both are
compared with what they give alone.
"""

import itertools

import brainpy as bp
import brainpy.math as bm
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, as_step_map
from fpf_notebook.dynamics import compile_cache
from fpf_notebook.dynamics.jacobians import linearize

N = 3
RNG = np.random.default_rng(5)
W, V = RNG.normal(size=(N, N)), RNG.normal(size=(N, N))
H, U = RNG.uniform(-1, 1, (4, N)), RNG.uniform(-1, 1, (4, N))


def jax_step(a, b):
    """Both arguments may be the state; one state and a batch are the same to it."""
    return jnp.tanh(a @ W.T + 0.5 * b @ V.T)


def jax_with_params(params, state, input):
    return jnp.tanh(params * (state @ W.T) + input)


def torch_module():
    torch = pytest.importorskip("torch")

    class Ambiguous(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.W, self.V = torch.nn.Linear(N, N), torch.nn.Linear(N, N)

        def forward(self, hidden, input):
            return torch.tanh(self.W(hidden) + 0.5 * self.V(input))

    torch.manual_seed(0)
    return Ambiguous()


def torch_function():
    torch = pytest.importorskip("torch")
    weights = torch.as_tensor(W), torch.as_tensor(V)

    def step(a, b):
        mean = b.mean() if b.ndim == 1 else b.mean(dim=1, keepdim=True)
        return torch.tanh(a @ weights[0].T.to(a.dtype) + 0.5 * b @ weights[1].T.to(a.dtype) + mean)

    return step


def torch_method():
    return torch_module().forward


class BrainPyModel(bp.DynamicalSystem):
    def __init__(self):
        super().__init__()
        self.W, self.V = (bm.Variable(jnp.asarray(x, jnp.float32)) for x in (W, V))

    def update(self, a, b):
        return jnp.tanh(a @ self.W.value.T + 0.5 * b @ self.V.value.T)


SIZES = {"n_states": N, "n_inputs": N}
ORDER = {"convention": "input_state"}
FLOWS = [{"time": "discrete"}, {"time": "continuous"}]
TYPES = [{"dtype": "float64"}, {"dtype": "float32"}]
ORDERS = [{"convention": "input_state"}, {"convention": "state_input"}]
BOXES = [{}, {"invariant_box": (-2.0, 2.0)}, {"invariant_box": (-3.0, 3.0)}]
STEPS = [{"dt": 0.5, "time": "continuous"}, {"dt": 0.25, "time": "continuous"}]

CASES = [
    *((lambda: jax_step, {**SIZES, **ORDER}, pair) for pair in (FLOWS, TYPES, BOXES, STEPS)),
    (lambda: jax_step, SIZES, ORDERS),
    (lambda: jax_step, {**SIZES, **ORDER}, [{"batched": False}, {"batched": True}]),
    (lambda: jax_with_params, SIZES, [{"params": np.array(0.5)}, {"params": np.array(2.0)}]),
    *((torch_module, SIZES, options) for options in (FLOWS, TYPES, ORDERS, BOXES, STEPS)),
    (torch_module, SIZES, [{"batched": True}, {"batched": False}]),
    (torch_method, SIZES, ORDERS),
    (torch_function, {**SIZES, "framework": "torch"}, ORDERS),
    (
        torch_function,
        {**SIZES, **ORDER, "framework": "torch"},
        [{"batched": True}, {"batched": False}],
    ),
    *((BrainPyModel, {**SIZES, **ORDER}, pair) for pair in (FLOWS, TYPES, BOXES, STEPS)),
    (BrainPyModel, SIZES, ORDERS),
]


def everything(step_map):
    """Return all that a step map computes."""
    states = [step_map(H, U), *linearize(step_map, H, U)]
    if step_map.time == "discrete" or step_map.dt is not None:
        states.append(step_map.trajectory(H, np.stack([U, U], axis=1)))
    if step_map.box is not None:
        states += step_map.invariant_box(U[0])
    return states


@pytest.mark.parametrize(("make", "common", "options"), CASES)
def test_each_option_by_pairs(make, common, options):
    model = make()
    alone = []
    for chosen in options:
        compile_cache.clear()
        alone.append(everything(as_step_map(model, **common, **chosen)))
    for first, second in itertools.permutations(range(len(options)), 2):
        compile_cache.clear()
        for k in (first, second):
            found = everything(as_step_map(model, **common, **options[k]))
            for ours, expected in zip(found, alone[k], strict=True):
                np.testing.assert_array_equal(ours, expected)


def test_a_module_searched_with_another_convention_is_another_network():
    torch = pytest.importorskip("torch")
    module = torch_module()
    found = []
    for convention in ("input_state", "state_input"):
        finder = FixedPointFinder(module, convention=convention, n_states=N, n_inputs=N)
        unique, _ = finder.find_fixed_points(initial_states=H, inputs=np.zeros((1, N)))
        x = torch.tensor(unique.xstar).float()
        zero = torch.zeros_like(x)
        with torch.no_grad():
            pair = (zero, x) if convention == "input_state" else (x, zero)
            assert torch.allclose(module(*pair), x, atol=1e-6)
        found.append(unique.xstar)
    assert len(found[0]) == len(found[1]) == 1
    assert np.abs(found[0] - found[1]).max() > 1e-3


def test_the_methods_of_a_module_share_what_was_compiled():
    module = torch_module()
    first = as_step_map(module.forward, **SIZES)
    assert as_step_map(module.forward, **SIZES).signature == first.signature


# -- what may be either ----------------------------------------------------------------------------


def unnamed_module():
    torch = pytest.importorskip("torch")

    class Unnamed(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.W, self.V = torch.nn.Linear(N, N), torch.nn.Linear(N, N)

        def forward(self, a, b):
            return torch.tanh(self.W(a) + self.V(b))

    return Unnamed()


def equinox_module():
    eqx = pytest.importorskip("equinox")

    class Unnamed(eqx.Module):
        def __call__(self, a, b):
            return jnp.tanh(a + 2 * b)

    return Unnamed()


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (lambda: jax_step, {}),
        (lambda: lambda a, b: (a + b, a - b), {}),
        (lambda: lambda p, a, b: jnp.tanh(p * a + b), {"params": np.ones(())}),
        (unnamed_module, {}),
        (lambda: unnamed_module().forward, {}),
        (torch_function, {"framework": "torch"}),
        (BrainPyModel, {}),
        (equinox_module, {}),
    ],
)
def test_what_may_be_either_is_refused_with_the_same_words_everywhere(make, options):
    with pytest.raises(
        ValueError, match=r"with either of its arguments, named 'a' and 'b'"
    ) as info:
        as_step_map(make(), **SIZES, **options)
    assert "n_states=3 and n_inputs=3" in str(info.value)
    assert "convention='input_state'" in str(info.value)
    assert "convention='state_input'" in str(info.value)


@pytest.mark.parametrize(
    ("function", "order"),
    [
        (lambda h, u: jnp.tanh(h @ W.T + u), "state_input"),
        (lambda x, h: jnp.tanh(h @ W.T + x), "input_state"),
        (lambda x, u: jnp.tanh(x @ W.T + u), "state_input"),
        (lambda inputs, prev_state: jnp.tanh(prev_state @ W.T + inputs), "input_state"),
        (lambda s, i: jnp.tanh(s @ W.T + i), "state_input"),
    ],
)
def test_clear_names_decide_and_it_is_told(function, order):
    step_map = as_step_map(function, **SIZES)
    np.testing.assert_allclose(step_map(H, U), np.tanh(H @ W.T + U), rtol=1e-12)
    assert step_map.reading.order == order
    assert "the names of its parameters" in str(step_map.reading)


def test_clear_names_decide_for_a_module():
    torch = pytest.importorskip("torch")
    module = torch_module()
    step_map = as_step_map(module, **SIZES)
    assert step_map.reading.order == "state_input"
    with torch.no_grad():
        expected = module.double()(torch.as_tensor(H), torch.as_tensor(U)).numpy()
    np.testing.assert_allclose(step_map(H, U), expected, atol=1e-6)


def test_where_sizes_decide_names_are_not_asked():
    step_map = as_step_map(lambda a, b: jnp.tanh(a @ W.T + b[:1]), n_states=N, n_inputs=2)
    assert step_map.reading.order == "state_input"
    assert step_map.reading.decided_by == "what can be called"
