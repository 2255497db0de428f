"""Trainable recurrent networks, each a ``bp.DynamicalSystem`` that declares an invariant box."""

from fpf_notebook.models.base import RecurrentModel
from fpf_notebook.models.expansion import ResidualMLP
from fpf_notebook.models.gru import GRU
from fpf_notebook.models.input_point import KeepChannels
from fpf_notebook.models.jslds import JSLDS, JSLDSRun
from fpf_notebook.models.jslds_core import JSLDSCarry, initial_carry
from fpf_notebook.models.lfads import (
    LFADS,
    AutoregressiveMultivariateNormal,
    LFADSRun,
    MultivariateNormal,
)
from fpf_notebook.models.loading import load_model
from fpf_notebook.models.lstm import LSTM
from fpf_notebook.models.vanilla import VanillaRNN

__all__ = [
    "GRU",
    "JSLDS",
    "LFADS",
    "LSTM",
    "AutoregressiveMultivariateNormal",
    "JSLDSCarry",
    "JSLDSRun",
    "KeepChannels",
    "LFADSRun",
    "MultivariateNormal",
    "RecurrentModel",
    "ResidualMLP",
    "VanillaRNN",
    "initial_carry",
    "load_model",
]
