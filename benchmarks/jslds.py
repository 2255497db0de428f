"""Train small JSLDS with several seeds on one core, and print a table for benchmarks/JSLDS.md.

``XLA_FLAGS=--xla_cpu_multi_thread_eigen=false taskset -c 0 python benchmarks/jslds.py 3bit``
"""

import argparse
import time

import numpy as np
import optax

from fpf_notebook.models import GRU, JSLDS, KeepChannels, VanillaRNN
from fpf_notebook.tasks import ContextIntegration, FlipFlop
from fpf_notebook.training import train
from fpf_notebook.training.jslds import co_training_loss
from tools.pretraining import held_out_figures

COLUMNS = ("relative_error", "rnn_loss", "jslds_loss", "fixed_point")


def run(task_name: str, n_hidden: int, n_steps: int, seed: int) -> dict[str, float]:
    """Train one network; return its figures on held-out trials, and seconds, compilation too."""
    if task_name == "3bit":
        task = FlipFlop(3, encoding="one_hot")
        model = JSLDS(GRU(6, n_hidden, 3, seed=seed))
        loss, rate, clip = co_training_loss(model, lambda_rnn=3.0), 1e-2, 10.0
    else:
        task = ContextIntegration()
        rnn = VanillaRNN(4, n_hidden, 1, seed=seed)
        model = JSLDS(rnn, input_point=KeepChannels((2, 3)))
        loss, rate, clip = co_training_loss(model), 4e-3, 1.0
    began, cpu = time.perf_counter(), time.process_time()
    train(
        model, task, loss=loss, n_epochs=n_steps // 250, steps_per_epoch=250, batch_size=64,
        learning_rate=optax.cosine_decay_schedule(rate, n_steps), clip_norm=clip, seed=seed,
        validation=None,
    )  # fmt: skip
    seconds = {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - began}
    return held_out_figures(model, task) | seconds


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=("3bit", "context"))
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    names = (*COLUMNS, "cpu_s", "wall_s")
    print("| seed | " + " | ".join(names) + " |\n|" + " --- |" * (1 + len(names)))
    rows = []
    for seed in range(arguments.seeds):
        figures = run(arguments.task, arguments.hidden, arguments.steps, seed)
        rows.append([figures[name] for name in names])
        print(f"| {seed} | " + " | ".join(f"{value:.3g}" for value in rows[-1]) + " |", flush=True)
    for label, values in (("mean", np.mean(rows, axis=0)), ("sd", np.std(rows, axis=0, ddof=1))):
        print(f"| {label} | " + " | ".join(f"{value:.3g}" for value in values) + " |")


if __name__ == "__main__":
    main()
