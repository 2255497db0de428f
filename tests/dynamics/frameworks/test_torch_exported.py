"""Modules of PyTorch that become programs of JAX, with the numbers of PyTorch, or are called."""

import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, as_step_map
from fpf_notebook.dynamics.jacobians import linearize

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402  (needs torch)
from torch.nn import functional as F  # noqa: E402, N812  (so they all call it)

from fpf_notebook.dynamics.frameworks.aten import (  # noqa: E402
    NotCoveredError,
    evaluate,
    read_graph,
)

N, M = 4, 3
W = torch.tensor(np.random.default_rng(0).normal(size=(N, N)))
V = torch.tensor(np.random.default_rng(1).normal(size=(M, N)))
MASK = torch.tensor([True, False, True, False])
ORDER = torch.tensor([2, 0, 3, 1])


def in_place(h, u):
    h = h.clone()
    h[:, 0] *= 0.5
    h[:, 1:3] = torch.tanh(h[:, 1:3]) + u[:, :2]
    h[h > 1.5] = 1.5
    return h


def attention(h, u):
    score = torch.softmax(h @ W @ h.unsqueeze(-1).squeeze(-1).T / 2, dim=-1)
    return score @ h + u @ V


STEPS = {
    "affine": lambda h, u: torch.addmm(u @ V, h, W, alpha=0.5, beta=2.0),
    "linear layer": lambda h, u: F.linear(h, W, V[0]) - 0.1 * u.sum(-1, keepdim=True),
    "einsum": lambda h, u: torch.tanh(torch.einsum("bi,ij->bj", h, W) + u @ V),
    "gates": lambda h, u: torch.sigmoid(h @ W) * h + (1 - torch.sigmoid(h @ W)) * torch.tanh(u @ V),
    "relu": lambda h, u: F.relu(h @ W + u @ V),
    "clamp": lambda h, u: (h @ W).clamp(min=0.0, max=1.0) + torch.clamp(u @ V, max=0.5),
    "hardtanh": lambda h, u: F.hardtanh(h @ W, 0.0, 1.0) + F.relu6(u @ V),
    "leaky": lambda h, u: F.leaky_relu(h @ W, 0.2) + F.elu(u @ V) + F.selu(h),
    "smooth": lambda h, u: F.softplus(h, beta=2.0) + F.silu(h) + F.gelu(h) + F.mish(h),
    "softsign": lambda h, u: F.softsign(h) + F.logsigmoid(h) + torch.sigmoid(h).log(),
    "powers": lambda h, u: h**2 + h**3.0 + (h.abs() + 1) ** 0.5 + 2.0**h + (h**2 + 1) ** -1,
    "trigonometric": lambda h, u: torch.sin(h) + torch.cos(h) * torch.atan(h) + torch.sinh(h / 9),
    "logarithms": lambda h, u: torch.log1p(h**2) + torch.log(2 + h**2) + torch.expm1(-(h**2)),
    "norm": lambda h, u: (
        h / (1 + h.norm(dim=-1, keepdim=True)) + h / (1 + h.pow(2).mean(-1))[:, None]
    ),
    "softmax": lambda h, u: torch.softmax(h @ W, -1) + torch.log_softmax(h, 1),
    "layer norm": lambda h, u: F.layer_norm(h, (N,), V[0], V[1]) + h.var(-1, keepdim=True),
    "statistics": lambda h, u: (
        (h + V[0]).std(-1, keepdim=True) + h.amax(-1, keepdim=True) - (h + V[0]).max(1, True)[0]
    ),
    "pieces": lambda h, u: (
        torch.cat([h[:, 2:], h.chunk(2, -1)[0]], -1) + h.split([1, 3], 1)[1].sum(1, True)
    ),
    "places": lambda h, u: h[:, ORDER] + h.index_select(1, ORDER) + h.flip(-1) + h.roll(1, -1),
    "one unit": lambda h, u: torch.stack([h[:, 0], h[:, -1], u[:, 0], u[:, 1]], dim=-1),
    "mask": lambda h, u: torch.where(MASK, h, torch.tanh(h)) + h.masked_fill(MASK, 0.3),
    "comparison": lambda h, u: h * (h > 0.1) + h * (h.abs() <= 2).double(),
    "in place": in_place,
    "outer product": lambda h, u: (h[:, :, None] * h[:, None, :]).tanh() @ W[0],
    "own matrix": lambda h, u: torch.bmm(h[:, None], (W * torch.eye(N)).expand(len(h), N, N))[:, 0],
    "padding": lambda h, u: F.pad(u, (0, 1)) + F.pad(h[:, :2], (1, 1), value=0.5),
    "cumulated": lambda h, u: torch.cumsum(h, -1) + torch.tril(W).T[0] + torch.linspace(0, 1, N),
    "whole numbers": lambda h, u: h + torch.arange(N) // 2 + torch.remainder(h, 3.0) * 0,
    "bilinear": lambda h, u: torch.tanh(h @ W + torch.outer(u[:, 0], V[0]) * h),
    "pair": lambda h, u: (
        torch.maximum(h, u @ V) + torch.minimum(h, h @ W) - torch.lerp(h, h @ W, 0.3)
    ),
    "addcmul": lambda h, u: torch.addcmul(h, h, u @ V, value=0.3) + torch.atan2(h, h @ W + 3),
}


def both_ways(step, h, u):
    """Values and Jacobians by the graph in JAX and by PyTorch, batches of one."""
    import jax

    graph = read_graph(lambda x, v: (step(x[None], v[None])[0],), [h[0], u[0]])
    with jax.enable_x64(True):

        def f(x, v):
            return evaluate(graph, [x, v])[0]

        ours = [
            np.asarray(jax.vmap(g)(h.numpy(), u.numpy()))
            for g in (f, jax.jacfwd(f), jax.jacrev(f, 1))
        ]
    jacobians = [
        torch.autograd.functional.jacobian(lambda a, b: step(a[None], b[None])[0], (x, v))
        for x, v in zip(h, u, strict=True)
    ]
    theirs = [torch.cat([step(x[None], v[None]) for x, v in zip(h, u, strict=True)]).numpy()]
    theirs += [torch.stack(part).numpy() for part in zip(*jacobians, strict=True)]
    return ours, theirs


@pytest.mark.parametrize("name", STEPS)
def test_values_and_derivatives_are_those_of_pytorch(name):
    rng = np.random.default_rng(3)
    h, u = torch.tensor(rng.normal(size=(5, N))), torch.tensor(rng.normal(size=(5, M)))
    h[1] *= 30  # far out, where activations saturate
    h[2], u[2] = 0.0, 0.0  # on the edges of rectified ones
    for ours, theirs in zip(*both_ways(STEPS[name], h, u), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("n", [1, 2])
def test_one_unit_and_one_input(n):
    cell = nn.GRUCell(1, n).double()

    class Step(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = cell

        def forward(self, x, h):
            return self.cell(x, h)

    step_map = as_step_map(Step(), n_states=n, n_inputs=1)
    assert step_map.reading.source.endswith("exported to JAX")
    h, u = np.linspace(-1, 1, 3 * n).reshape(3, n), np.ones((3, 1))
    expected = as_step_map(cell)
    np.testing.assert_allclose(step_map(h, u), expected(h, u), atol=1e-14)
    np.testing.assert_allclose(linearize(step_map, h, u).J, linearize(expected, h, u).J, atol=1e-14)


class Surrogate(torch.autograd.Function):
    """A threshold with a derivative of its own, as in spiking networks."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(context, gradient):
        return gradient / (1 + context.saved_tensors[0].abs()) ** 2


def without_gradient(u, h):
    with torch.no_grad():
        gain = 1 + h.mean(-1, keepdim=True)
    return h, torch.tanh(gain * h + u)


def bounded(u, h):
    if h.norm() > 2:
        h = 2 * h / h.norm()
    if h.norm() > 1e4:
        raise FloatingPointError("the state grows")
    return u, torch.tanh(h) + u


NOT_EXPORTED = {
    "own derivative": (lambda u, h: (h, Surrogate.apply(h + u)), "recorded", "different"),
    "detached": (lambda u, h: (h, torch.tanh(h.detach() + u)), "recorded", "cuts gradients"),
    "detached far out": (
        lambda u, h: (h, torch.where(h > 50, h.detach(), h) + u),
        "recorded",
        "cuts gradients",
    ),
    "no_grad": (without_gradient, "recorded", "cuts gradients"),
    "branch": (lambda u, h: (h, h / 2 if h.sum() > 0 else h / 3), "otherwise", "branch"),
    "branch far out": (bounded, "otherwise", "branch"),
    "numpy": (
        lambda u, h: (h, h + float(np.sin(h.detach().numpy()).sum())),
        "called",
        "does not read",
    ),
    "Bessel function": (lambda u, h: (h, torch.special.bessel_j0(h)), "called", "no rule"),
}
ONE_STATE = ("branch", "branch far out", "numpy")  # depends on the whole of a batch


def differences(step, x, length=1e-5):
    columns = []
    for k in range(N):
        aside = torch.zeros_like(x)
        aside[..., k] = length
        columns.append(((step(x + aside) - step(x - aside)) / (2 * length)).reshape(N))
    return torch.stack(columns, dim=1)


@pytest.mark.parametrize("name", NOT_EXPORTED)
def test_what_is_not_exported_has_the_derivative_that_pytorch_gives(name, capfd):
    """But where PyTorch leaves a part out: there it is what differences of the values give."""
    step, how, why = NOT_EXPORTED[name]
    options = {"n_states": N, "n_inputs": N, "framework": "torch", "batched": name not in ONE_STATE}
    step_map = as_step_map(step, convention="input_state", **options)
    assert how in step_map.reading.source
    assert why in step_map.reading.source
    h = np.random.default_rng(0).uniform(-1, 1, (4, N)) * np.array([[1], [1], [7], [100]])
    J = linearize(step_map, h, np.zeros((1, N))).J
    for x, slope, value in zip(h, J, step_map(h, np.zeros((1, N))), strict=True):
        x = torch.tensor(x[None] if options["batched"] else x)
        np.testing.assert_allclose(value, step(0 * x, x)[1].detach().reshape(N), rtol=1e-6)
        if step_map.precision == "float64":
            expected = torch.autograd.functional.jacobian(lambda y: step(0 * y, y)[1], x)
            if how == "called":
                assert np.abs(slope - expected.reshape(N, N).numpy()).max() > 0.01
                expected = differences(lambda y: step(0 * y, y)[1], x)
            close = 1e-6 if how == "called" else 1e-12
            np.testing.assert_allclose(slope, expected.reshape(N, N), atol=close)
    assert capfd.readouterr() == ("", "")


class Remembering(nn.Module):
    """Keeps what it has seen, counts its calls, and has noise that is off."""

    def __init__(self, noise=0.0):
        super().__init__()
        self.W, self.noise, self.last, self.seen = nn.Parameter(W[:2, :2].clone()), noise, None, []
        self.register_buffer("n_calls", torch.zeros((), dtype=torch.long))

    def forward(self, x, h):
        self.n_calls += 1
        h = torch.tanh(h @ self.W + x) + self.noise * torch.randn_like(h) * 0.3
        self.last = h.detach()
        with torch.no_grad():
            self.largest = h.abs().max()
        self.seen.append(h)
        return h


def test_nothing_of_the_export_stays_in_the_module():
    module = Remembering()
    step_map = as_step_map(module, n_states=2, n_inputs=1)
    assert step_map.reading.source == "a module of PyTorch, exported to JAX"
    assert all(type(h) is torch.Tensor for h in (module.last, *module.seen))
    assert int(module.n_calls) == 0
    seen = len(module.seen)
    h = np.ones((2, 2))
    np.testing.assert_allclose(step_map(h, np.zeros((1, 1))), np.tanh(h @ W[:2, :2].numpy()))
    assert len(module.seen) == seen  # never called again
    with pytest.raises(ValueError, match="does something different when it is called"):
        as_step_map(Remembering(noise=0.1), n_states=2, n_inputs=1)


def test_noise_that_is_off_where_it_was_tried_only_is_not_taken_for_none():
    def step(x, h):
        return torch.tanh(h) + torch.relu(h - 5) * torch.randn_like(h)

    graph = read_graph(lambda x: (step(x, x),), [torch.zeros(2)])
    with pytest.raises(NotCoveredError, match="draws random numbers"):
        evaluate(graph, [np.zeros(2, np.float32)])


def test_a_network_of_ones_own_gets_box_proof_and_program():
    from fpf_notebook.dynamics.jaxpr import program_of

    class Rate(nn.Module):
        def __init__(self):
            super().__init__()
            self.W = nn.Parameter(torch.tensor([[2.5, -0.5], [0.5, 2.5]]))

        def forward(self, x, h):
            return (1 - 0.2) * h + 0.2 * torch.tanh(h @ self.W + x)

    finder = FixedPointFinder(Rate(), n_states=2, n_inputs=1)
    unique, _ = finder.find_fixed_points(
        initial_states=np.random.default_rng(0).uniform(-1, 1, (32, 2)),
        inputs=np.zeros((1, 1)),
        exhaustive=True,
    )
    assert unique.completeness.grade == "proved"
    step_map = finder.step_map()
    assert step_map.box_reason.startswith("proven from the step")
    program = program_of(step_map)
    program.require_covered()


def test_weights_are_arguments(tmp_path):
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = nn.RNNCell(1, N)

        def forward(self, x, h):
            return self.cell(x, h)

    module = Own()
    first = as_step_map(module, n_states=N, n_inputs=1)
    weights = {key: 2 * value for key, value in first.params.items()}
    h, u = np.ones((1, N)), np.ones((1, 1))
    before = first(h, u)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter *= 2
    again = first.with_model(module)
    assert again.signature == first.signature
    np.testing.assert_array_equal(again(h, u), first.with_params(weights)(h, u))
    np.testing.assert_array_equal(first(h, u), before)
    assert not np.allclose(again(h, u), before)
