"""Compare a module of PyTorch that is called with the same one read by its weights.

Steps and Jacobians of a GRU, in one process. Run: ``python benchmarks/called_modules.py``.
"""

import time

import numpy as np
import torch

from fpf_notebook import as_step_map
from fpf_notebook.dynamics import linearize


class Called(torch.nn.Module):
    """The same cell, behind a forward of its own."""

    def __init__(self, cell: torch.nn.GRUCell) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """Step."""
        return self.cell(x, h)


def best(function, *arguments, n_times: int = 5) -> float:
    """Return the shortest time of some calls, in seconds."""
    function(*arguments)  # compiles
    times = []
    for _ in range(n_times):
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print ratios of times."""
    rng = np.random.default_rng(0)
    print("units  states  steps, called/weights  Jacobians, called/weights")
    for n in (64, 256):
        cell = torch.nn.GRUCell(3, n)
        called = as_step_map(Called(cell), n_states=n, n_inputs=3)
        read = as_step_map(cell)
        h, u = rng.uniform(-1, 1, (64, n)), rng.uniform(-1, 1, (64, 3))
        np.testing.assert_allclose(called(h, u), read(h, u), atol=1e-12)
        steps = best(called, h, u) / best(read, h, u)
        jacobians = best(linearize, called, h, u) / best(linearize, read, h, u)
        print(f"{n:5d} {len(h):7d} {steps:22.1f} {jacobians:26.1f}")


if __name__ == "__main__":
    main()
