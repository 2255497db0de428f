"""Trainable recurrent networks, each a ``bp.DynamicalSystem`` that declares an invariant box."""

from fpf_notebook.models.base import RecurrentModel
from fpf_notebook.models.gru import GRU
from fpf_notebook.models.loading import load_model
from fpf_notebook.models.lstm import LSTM
from fpf_notebook.models.vanilla import VanillaRNN

__all__ = ["GRU", "LSTM", "RecurrentModel", "VanillaRNN", "load_model"]
