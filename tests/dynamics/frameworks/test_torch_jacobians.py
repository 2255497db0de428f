"""Jacobians by one batched backward pass, and by many where PyTorch cannot batch them."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fpf_notebook.dynamics.frameworks.torch_jacobians import all_rows  # noqa: E402  (needs torch)


class Doubled(torch.autograd.Function):
    """An operation whose derivative torch.func.vmap does not know."""

    @staticmethod
    def forward(context, x):
        return 2 * x

    @staticmethod
    def backward(context, gradient):
        if type(gradient) is not torch.Tensor or torch._C._functorch.is_batchedtensor(gradient):
            raise RuntimeError("vmap is not known")
        return 2 * gradient


@pytest.mark.parametrize("operation", [lambda x: 2 * x, Doubled.apply])
@pytest.mark.parametrize("uses_input", [True, False])
def test_both_ways_are_the_derivative(operation, uses_input):
    rng = np.random.default_rng(0)
    W, V = torch.as_tensor(rng.normal(size=(3, 3))), torch.as_tensor(rng.normal(size=(2, 3)))
    x = torch.tensor(rng.normal(size=(4, 3)), requires_grad=True)
    v = torch.tensor(rng.normal(size=(4, 2)), requires_grad=True)
    drive = operation(x) @ W + (v @ V if uses_input else 0.0)
    by_x, by_v = all_rows(torch.tanh(drive), x, v)
    slope = 1 - np.tanh(drive.detach().numpy()) ** 2
    np.testing.assert_allclose(by_x, slope[:, :, None] * 2 * W.numpy().T, rtol=1e-12)
    expected = slope[:, :, None] * V.numpy().T if uses_input else np.zeros((4, 3, 2))
    np.testing.assert_allclose(by_v, expected, rtol=1e-12)


def test_a_step_that_does_not_depend_on_either():
    x, v = (torch.zeros(4, n, requires_grad=True) for n in (3, 2))
    by_x, by_v = all_rows(torch.ones(4, 3), x, v)
    assert by_x.shape == (4, 3, 3)
    assert by_v.shape == (4, 3, 2)
    assert not by_x.any()
