"""Spikes to infer dynamics from: the record, the task made of it, and four synthetic sets."""

from fpf_notebook.analysis.spike_data import SpikeData
from fpf_notebook.tasks.spikes.chaotic import ChaoticRNNSpikes
from fpf_notebook.tasks.spikes.lorenz import LorenzSpikes
from fpf_notebook.tasks.spikes.rotation import RotationSpikes
from fpf_notebook.tasks.spikes.task import SpikeTask
from fpf_notebook.tasks.spikes.two_regimes import TwoRegimeSpikes

__all__ = [
    "ChaoticRNNSpikes",
    "LorenzSpikes",
    "RotationSpikes",
    "SpikeData",
    "SpikeTask",
    "TwoRegimeSpikes",
]
