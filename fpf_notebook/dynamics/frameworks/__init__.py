"""Networks of other frameworks as step maps.

PyTorch and Keras modules are read by their weights and stepped by the pure functions of
`recurrent.py`; cells of Flax, Equinox and BrainState are JAX functions already and are traced as
they are; anything else of PyTorch is called through `bridge.py`. No framework is imported unless a
model of it is given.
"""

from fpf_notebook.dynamics.frameworks.state_dict import step_map_from_weights

__all__ = ["step_map_from_weights"]
