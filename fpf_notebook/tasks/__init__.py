"""Tasks to train networks on: they sample trials and score outputs."""

from fpf_notebook.tasks.context_integration import ContextIntegration
from fpf_notebook.tasks.flip_flop import FlipFlop
from fpf_notebook.tasks.task import Seed, Task
from fpf_notebook.tasks.trials import Trials

__all__ = ["ContextIntegration", "FlipFlop", "Seed", "Task", "Trials"]
