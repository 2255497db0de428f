"""Compare modules of PyTorch with a forward of their own with the same net read by its weights.

Steps and Jacobians of a GRU, in one process: exported to JAX; recorded, of a module with a branch
on its numbers, which is not exported; and called by PyTorch, of a module that makes a number of
Python of a tensor, which is not recorded. Beside them PyTorch alone, without a callback: one step,
and one backward pass for each row, all of them as one batch. Times are those of the processor, all
threads together, for they depend less on what else the machine does; the best of several, taken in
turn.
Run: ``python benchmarks/called_modules.py``.
"""

import copy
import functools
import time
from collections.abc import Callable

import numpy as np
import torch

from fpf_notebook import as_step_map
from fpf_notebook.dynamics import StepMap, linearize
from fpf_notebook.dynamics.frameworks.torch_jacobians import all_rows


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


class Looking(Own):
    """The same, with a look at a number."""

    def forward(self, x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """Step."""
        if h.abs().max().item() > 1e12:
            raise FloatingPointError("the state grows")
        return self.cell(x, h)


def in_torch(
    cell: torch.nn.GRUCell, h: np.ndarray, u: np.ndarray, jacobians: bool
) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
    """Step, or differentiate, without a callback and in one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    x, v = (torch.tensor(part, requires_grad=jacobians) for part in (h, u))
    with torch.set_grad_enabled(jacobians):
        rows = cell(v, x)
        found = all_rows(rows, x, v) if jacobians else rows
    torch.set_num_threads(threads)
    return found


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
    ways = ("exported", "recorded", "called", "torch")
    print("times those by weights: steps, then Jacobians")
    print(f"units states {' '.join(f'{name:>9}' for name in ways)} |", *(f"{w:>9}" for w in ways))
    for n in (64, 256):
        cell = torch.nn.GRUCell(3, n)
        sizes = {"n_states": n, "n_inputs": 3}
        maps = {
            "weights": as_step_map(cell),
            "exported": as_step_map(Own(cell), **sizes),
            "recorded": as_step_map(Guarded(cell), **sizes),
            "called": as_step_map(Looking(cell), **sizes),
        }
        for name in ways[:3]:
            assert maps[name].reading is not None
            assert name in str(maps[name].reading).splitlines()[0]
        h, u = rng.uniform(-1, 1, (64, n)), rng.uniform(-1, 1, (64, 3))
        for other in maps.values():
            np.testing.assert_allclose(other(h, u), maps["weights"](h, u), atol=1e-12)
        alone = copy.deepcopy(cell).double()
        line = f"{n:5d} {len(h):6d}"
        for work in (StepMap.__call__, linearize):
            functions = {name: functools.partial(work, m, h, u) for name, m in maps.items()}
            functions["torch"] = functools.partial(in_torch, alone, h, u, work is linearize)
            spent = best(functions)
            line += "".join(f" {spent[name] / spent['weights']:9.1f}" for name in ways)
            line += " |" if work is not linearize else ""
        print(line)


if __name__ == "__main__":
    main()
