"""Tasks to train networks on: they sample trials and score outputs."""

from fpf_notebook.tasks.context_integration import ContextIntegration
from fpf_notebook.tasks.flip_flop import FlipFlop
from fpf_notebook.tasks.spikes import (
    ChaoticRNNSpikes,
    LorenzSpikes,
    RotationSpikes,
    SpikeData,
    SpikeTask,
    TwoRegimeSpikes,
)
from fpf_notebook.tasks.task import Seed, Task
from fpf_notebook.tasks.trials import Trials

__all__ = [
    "ChaoticRNNSpikes",
    "ContextIntegration",
    "FlipFlop",
    "LorenzSpikes",
    "RotationSpikes",
    "Seed",
    "SpikeData",
    "SpikeTask",
    "Task",
    "Trials",
    "TwoRegimeSpikes",
]
