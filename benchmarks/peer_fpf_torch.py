"""FixedPointFinder's way of searching, in PyTorch, beside ours.

    python -m benchmarks.peer_fpf_torch [--nets DIR] [--limit SECONDS] [--only NAME ...]

Needs PyTorch. What is measured is the algorithm that Golub and Sussillo describe (Journal of Open
Source Software 3, 2018), written anew: Adam on the mean of q over all initial states together, in
single precision, with the settings of its flip-flop example (learning rate 1, 10,000 iterations at
most) and its defaults (an epsilon of 0.01, q below 1e-12 or a change of q below 1e-20 times the
learning rate, a learning rate that falls by 0.95 when q does not, points further than 10 times the
mean distance from the starts left out, equal points being nearer than 1e-3), then Jacobians and
their eigenvalues. Not the package itself, whose figures may differ.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.compare_peers import OutOfTimeError, judged, timed
from benchmarks.finders import Finder, Points, ours, ours_exhaustive
from benchmarks.networks import SHARED, TRAINED, Network, from_file

LONG = 30.0  # seconds after which there is no further call
HEADER = (
    "| network | finder | first call | further call | CPU time | points | true ones | stable "
    "| index sum | largest q |\n"
    "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)
LEARNING_RATE, EPSILON, MAX_ITERS = 1.0, 0.01, 10_000
TOL_Q, TOL_DQ, TOL_UNIQUE, OUTLIER_SCALE = 1e-12, 1e-20, 1e-3, 10.0


def as_torch(model: Any) -> torch.nn.RNNBase:
    """Return the module of PyTorch that computes as one of our models does."""
    arrays = {name: np.asarray(value) for name, value in model.parameters().items()}
    n_hidden, n_inputs = arrays["W_hh"].shape[1], arrays["W_ih"].shape[1]
    kind = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM, "tanh": torch.nn.RNN}[model.kind]
    rnn = kind(n_inputs, n_hidden, batch_first=True)
    b_ih = arrays["b"] if "b" in arrays else arrays["b_ih"]
    b_hh = arrays.get("b_hh", np.zeros_like(b_ih))
    weights = (arrays["W_ih"], arrays["W_hh"], b_ih, b_hh)
    with torch.no_grad():
        for name, value in zip(
            ("weight_ih", "weight_hh", "bias_ih", "bias_hh"), weights, strict=True
        ):
            getattr(rnn, f"{name}_l0").copy_(torch.tensor(value))
    return rnn.requires_grad_(False)


def step(rnn: torch.nn.RNNBase, x: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """Return the next states of a batch."""
    inputs = u.expand(len(x), -1)[:, None]
    if not isinstance(rnn, torch.nn.LSTM):
        return rnn(inputs, x[None].contiguous())[1][0]
    h, c = x.split(rnn.hidden_size, dim=1)
    after = rnn(inputs, (h[None].contiguous(), c[None].contiguous()))[1]
    return torch.cat([after[0][0], after[1][0]], dim=1)


def descend(rnn: torch.nn.RNNBase, starts: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """Bring q down from all starts together."""
    x = starts.clone().requires_grad_()
    optimizer = torch.optim.Adam([x], lr=LEARNING_RATE, eps=EPSILON)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.95, patience=5)
    before = torch.full((len(x),), np.inf)
    for _ in range(MAX_ITERS):
        q = 0.5 * (step(rnn, x, u) - x).square().sum(dim=1)
        mean = q.mean()
        optimizer.zero_grad()
        mean.backward()
        rate = optimizer.param_groups[0]["lr"]
        done = (q < TOL_Q) | ((q - before).abs() < TOL_DQ * rate)
        if bool(done.all()):
            break
        optimizer.step()
        schedule.step(mean.detach())
        before = q.detach()
    return x.detach()


def jacobians(rnn: torch.nn.RNNBase, points: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """Return dF/dx at each point, row by row for all points together."""
    x = points.clone().requires_grad_()
    after = step(rnn, x, u)
    rows = [
        torch.autograd.grad(after[:, i].sum(), x, retain_graph=True)[0] for i in range(x.shape[1])
    ]
    return torch.stack(rows, dim=1)


def distinct(points: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
    """Leave out what is far from all starts, and all but one of equal points."""
    center = starts.mean(dim=0)
    scale = torch.linalg.norm(starts - center, dim=1).mean()
    points = points[torch.linalg.norm(points - center, dim=1) < OUTLIER_SCALE * scale]
    kept: list[torch.Tensor] = []
    for point in points:
        if (
            not kept
            or float(torch.linalg.norm(torch.stack(kept) - point, dim=1).min()) > TOL_UNIQUE
        ):
            kept.append(point)
    return torch.stack(kept) if kept else points[:0]


def in_torch() -> Finder:
    """Return the finder."""

    def find(network: Network, starts: np.ndarray) -> Points:
        rnn = as_torch(network.model)
        initial = torch.tensor(starts, dtype=torch.float32)
        u = torch.tensor(network.inputs[0], dtype=torch.float32)
        unique = distinct(descend(rnn, initial, u), initial)
        if len(unique):
            torch.linalg.eig(jacobians(rnn, unique, u))
        return unique.numpy().astype(np.float64)

    return find


FINDERS = {
    "fpf_notebook": ours,
    "fpf_notebook, exhaustive": ours_exhaustive,
    "FixedPointFinder's algorithm, PyTorch": in_torch,
}


def row(network: Network, name: str, find: Finder, limit: int) -> str:
    """Measure a finder and return its line of the table."""
    starts = network.starts()
    try:
        cpu = time.process_time()
        points, first = timed(find, network, starts, limit)
        cpu = time.process_time() - cpu
        further = "one call"
        if first < LONG:
            cpu = time.process_time()
            _, seconds = timed(find, network, starts, limit)
            cpu, further = time.process_time() - cpu, f"{seconds:.2f} s"
    except OutOfTimeError:
        return f"| {network.name} | {name} | time-out at {limit} s | | | | | | | |"
    cells = [f"{first:.2f} s", further, f"{cpu:.2f} s", *judged(network, points)]
    return f"| {network.name} | {name} | " + " | ".join(cells) + " |"


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nets", type=Path, default=SHARED, help="folder of .npz networks")
    parser.add_argument("--only", nargs="*", help="names of networks")
    parser.add_argument("--finders", nargs="*", default=list(FINDERS), help="names of finders")
    parser.add_argument("--limit", type=int, default=120, help="seconds for one call")
    options = parser.parse_args()
    torch.set_num_threads(1)  # of so small networks, more are only in each other's way
    networks = [from_file(p) for p in sorted(options.nets.glob("*.npz")) if p.stem in TRAINED]
    print(f"load average {os.getloadavg()[0]:.1f}, PyTorch {torch.__version__}\n\n{HEADER}")
    for network in networks:
        if options.only and network.name not in options.only:
            continue
        for name in options.finders:
            print(row(network, name, FINDERS[name](), options.limit), flush=True)
    print(f"\nload average at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
