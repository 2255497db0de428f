"""Operators that networks use beside the common ones: windows, groups, order, places."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402  (needs torch)
from torch.nn import functional as F  # noqa: E402, N812  (so they all call it)

from fpf_notebook.dynamics.frameworks.aten import evaluate, read_graph  # noqa: E402

N = 6
W = torch.tensor(np.random.default_rng(0).normal(size=(N, N)))
BIG = W + 9 * torch.eye(N, dtype=torch.float64)
K1 = torch.tensor(np.random.default_rng(1).normal(size=(2, 1, 3)))
K2 = torch.tensor(np.random.default_rng(2).normal(size=(2, 1, 2, 2)))
GROUPS = torch.tensor(np.random.default_rng(3).normal(size=(6, 2, 3)))
PLACES = torch.tensor([5, 4, 3, 2, 1, 0])
BILINEAR = nn.Bilinear(N, N, N).double()
TURN = torch.polar(torch.full((3,), 0.9, dtype=torch.float64), torch.arange(3.0).double())

STEPS = {
    "convolution": lambda h: torch.tanh(F.conv1d(h[:, None], K1, V1, padding=1).sum(1)),
    "strided": lambda h: F.conv1d(h[:, None], K1, stride=2, dilation=2, padding=2).reshape(-1, N),
    "in groups": lambda h: F.conv1d(h.view(-1, 6, 1), GROUPS, padding=1, groups=3).reshape(-1, N),
    "two axes": lambda h: F.conv2d(h.view(-1, 1, 2, 3), K2, padding=1).sum(1)[:, :2, :3].flatten(1),
    "transposed": lambda h: F.conv_transpose1d(
        h[:, None, :3], K1.swapaxes(0, 1)[:, :1], stride=2, padding=1, output_padding=1
    )[:, 0],
    "ring": lambda h: F.conv1d(F.pad(h[:, None], (1, 1), mode="circular"), K1[:1])[:, 0],
    "group norm": lambda h: F.group_norm(h @ W, 2, V, V + 1),
    "instance norm": lambda h: F.instance_norm((h @ W).view(-1, 2, 3)).flatten(1),
    "average of windows": lambda h: F.avg_pool1d(h[:, None], 3, 1, 1)[:, 0],
    "average without padding": lambda h: F.avg_pool1d(h[:, None], 3, 1, 1, count_include_pad=False)[
        :, 0
    ],
    "largest of windows": lambda h: F.max_pool1d(h[:, None], 3, 1, 1)[:, 0],
    "adaptive": lambda h: F.adaptive_avg_pool1d(h[:, None], 3)[:, 0].repeat(1, 2),
    "windows": lambda h: h.unfold(1, 2, 2).sum(-1).repeat(1, 2),
    "sorted": lambda h: torch.sort(h @ W, -1)[0] + torch.sort(h, -1, descending=True)[0],
    "winners": lambda h: torch.where(h >= torch.topk(h, 3)[0][:, -1:], h, 0 * h),
    "median": lambda h: h - (h @ W).median(-1, keepdim=True)[0],
    "product": lambda h: torch.cumprod(h, -1),
    "largest of all": lambda h: h / (2 + h.max() ** 2) - h.min(),
    "diagonal": lambda h: h @ torch.diag(torch.diagonal(W)),
    "put": lambda h: torch.zeros_like(h).scatter(1, PLACES.expand(len(h), -1), h),
    "put and add": lambda h: torch.zeros_like(h).scatter_add(1, (PLACES // 2).expand(1, -1), h),
    "add by index": lambda h: torch.zeros_like(h).index_add(1, PLACES // 2, h, alpha=2.0),
    "copy by index": lambda h: torch.zeros_like(h).index_copy(1, PLACES, h),
    "bilinear": lambda h: BILINEAR(h, torch.tanh(h)),
    "matrix exponential": lambda h: h @ torch.matrix_exp(0.1 * W),
    "inverse": lambda h: h @ torch.linalg.inv(BIG),
    "solved": lambda h: torch.linalg.solve(BIG, h[0])[None],
    "complex": lambda h: torch.view_as_real(
        torch.view_as_complex(h.reshape(-1, 3, 2).contiguous()) * TURN
    ).flatten(1),
    "complex parts": lambda h: torch.cat(
        [(torch.complex(h[:, :3], h[:, 3:]) * TURN.conj()).real, (h[:, :3] * TURN).imag], -1
    ),
}
V = W[0]
V1 = W[0, :2]


@pytest.mark.parametrize("name", STEPS)
def test_values_and_derivatives_are_those_of_pytorch(name):
    import jax

    step = STEPS[name]
    h = torch.tensor(np.random.default_rng(4).normal(size=(3, N)))
    graph = read_graph(lambda x: (step(x[None])[0],), [h[0]])
    with jax.enable_x64(True):

        def f(x):
            return evaluate(graph, [x])[0]

        values, slopes = (np.asarray(jax.vmap(g)(h.numpy())) for g in (f, jax.jacfwd(f)))
    for x, value, slope in zip(h, values, slopes, strict=True):
        np.testing.assert_allclose(value, step(x[None])[0].detach(), rtol=1e-10, atol=1e-10)
        expected = torch.autograd.functional.jacobian(lambda y: step(y[None])[0], x)
        np.testing.assert_allclose(slope, expected, rtol=1e-9, atol=1e-9)
