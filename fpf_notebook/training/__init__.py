"""Training: a compiled loop that can be watched, paused, stopped and resumed at the exact step."""

from fpf_notebook.training.callbacks import Callback, EpochInfo, TrainingProgressBar
from fpf_notebook.training.checkpoint import load_checkpoint, save_checkpoint
from fpf_notebook.training.history import TrainingHistory
from fpf_notebook.training.jslds import co_training_loss
from fpf_notebook.training.lfads import LFADSLoss, lfads_loss
from fpf_notebook.training.lfads_settings import LFADSRecipe, lfads_recipe, train_lfads
from fpf_notebook.training.losses import StochasticLoss, masked_mean_squared_error, task_loss
from fpf_notebook.training.ramps import Ramp
from fpf_notebook.training.recipes import train_flip_flop
from fpf_notebook.training.run import TrainingRun
from fpf_notebook.training.state import TrainingState
from fpf_notebook.training.trainer import train

__all__ = [
    "Callback",
    "EpochInfo",
    "LFADSLoss",
    "LFADSRecipe",
    "Ramp",
    "StochasticLoss",
    "TrainingHistory",
    "TrainingProgressBar",
    "TrainingRun",
    "TrainingState",
    "co_training_loss",
    "lfads_loss",
    "lfads_recipe",
    "load_checkpoint",
    "masked_mean_squared_error",
    "save_checkpoint",
    "task_loss",
    "train",
    "train_flip_flop",
    "train_lfads",
]
