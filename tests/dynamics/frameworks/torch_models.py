"""Modules of PyTorch, and what they themselves compute in one step."""

from typing import Any

import numpy as np
import torch


def randomized(module: torch.nn.Module, seed: int = 0, scale: float = 0.6) -> torch.nn.Module:
    """Fill all weights with normal numbers, without touching torch's global generator."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in module.parameters():
            weight.copy_(scale * torch.randn(weight.shape, generator=generator))
    return module


def n_states_of(module: Any) -> int:
    layers = getattr(module, "num_layers", 1)
    n = module.hidden_size
    if isinstance(module, torch.nn.LSTM):
        return layers * (n + (module.proj_size or n))
    return 2 * n if isinstance(module, torch.nn.LSTMCell) else layers * n


def own_step(module: Any, h: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """Return the next flat state (h of every layer, then c) of one flat state, by the module."""
    n = module.hidden_size
    if isinstance(module, torch.nn.RNNCellBase):
        if isinstance(module, torch.nn.LSTMCell):
            return torch.cat(module(u, (h[:n], h[n:])))
        return module(u, h)
    layers = module.num_layers
    if not isinstance(module, torch.nn.LSTM):
        return module(u[None], h.reshape(layers, n))[1].reshape(-1)
    n_h = module.proj_size or n
    split = layers * n_h
    pair = h[:split].reshape(layers, n_h), h[split:].reshape(layers, n)
    return torch.cat([part.reshape(-1) for part in module(u[None], pair)[1]])


def own_steps(module: Any, h: np.ndarray, u: np.ndarray) -> np.ndarray:
    dtype = next(module.parameters()).dtype
    with torch.no_grad():
        rows = [
            own_step(module, torch.as_tensor(x, dtype=dtype), torch.as_tensor(v, dtype=dtype))
            for x, v in zip(h, u, strict=True)
        ]
    return torch.stack(rows).numpy()


def own_jacobians(module: Any, h: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return dF/dh and dF/du at one state, by torch's own derivatives."""
    dtype = next(module.parameters()).dtype
    both = torch.autograd.functional.jacobian(
        lambda x, v: own_step(module, x, v),
        (torch.as_tensor(h, dtype=dtype), torch.as_tensor(u, dtype=dtype)),
    )
    return both[0].numpy(), both[1].numpy()
