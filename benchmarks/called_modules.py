"""Compare modules of PyTorch with a forward of their own with the same net read by its weights.

Steps and Jacobians of a GRU, in one process: exported to JAX, and called by PyTorch (of a module
with a branch on its numbers, which is not exported). Times are those of the processor, all threads
together, for they depend less on what else the machine does; the best of several, taken in turn.
Run: ``python benchmarks/called_modules.py``.
"""

import functools
import time
from collections.abc import Callable

import numpy as np
import torch

from fpf_notebook import as_step_map
from fpf_notebook.dynamics import StepMap, linearize


class Own(torch.nn.Module):
    """The same cell, behind a forward of its own."""

    def __init__(self, cell: torch.nn.GRUCell) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """Step."""
        return self.cell(x, h)


class Guarded(Own):
    """The same, with a branch on its numbers."""

    def forward(self, x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """Step."""
        if bool(torch.isnan(h).any()):
            raise FloatingPointError("NaN in the state")
        return self.cell(x, h)


def best(functions: dict[str, Callable[[], object]], n_times: int = 7) -> dict[str, float]:
    """Return the least processor time of each of some functions, in seconds."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for function in functions.values():
        function()  # compiles
    for _ in range(n_times):
        for name, function in functions.items():
            start = time.process_time()
            function()
            times[name].append(time.process_time() - start)
    return {name: min(values) for name, values in times.items()}


def main() -> None:
    """Print ratios of times."""
    rng = np.random.default_rng(0)
    print("                     steps            Jacobians        (times those by weights)")
    print("units  states  exported  called  exported  called")
    for n in (64, 256):
        cell = torch.nn.GRUCell(3, n)
        sizes = {"n_states": n, "n_inputs": 3}
        maps = {
            "weights": as_step_map(cell),
            "exported": as_step_map(Own(cell), **sizes),
            "called": as_step_map(Guarded(cell), **sizes),
        }
        h, u = rng.uniform(-1, 1, (64, n)), rng.uniform(-1, 1, (64, 3))
        for other in maps.values():
            np.testing.assert_allclose(other(h, u), maps["weights"](h, u), atol=1e-12)
        line = f"{n:5d} {len(h):7d}"
        for work in (StepMap.__call__, linearize):
            spent = best({name: functools.partial(work, m, h, u) for name, m in maps.items()})
            for name in ("exported", "called"):
                line += f" {spent[name] / spent['weights']:8.1f}"
        print(line)


if __name__ == "__main__":
    main()
