"""Latent factor analysis via dynamical systems, with any of our networks as its generator."""

from fpf_notebook.analysis.inferred import LFADSRun
from fpf_notebook.models.lfads.network import LFADS
from fpf_notebook.models.lfads.priors import AutoregressiveMultivariateNormal, MultivariateNormal

__all__ = ["LFADS", "AutoregressiveMultivariateNormal", "LFADSRun", "MultivariateNormal"]
