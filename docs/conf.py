"""Sphinx's configuration. `make docs` runs docs/prepare.py first, which needs to have run."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import fpf_notebook  # noqa: E402

project = "fpf_notebook"
author = "The fpf_notebook authors"
copyright = author
release = version = fpf_notebook.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "_generated", "**.ipynb_checkpoints"]
# A single backtick in a docstring is a name, and a link where we know it.
default_role = "py:obj"
suppress_warnings = []

# -- notebooks and Markdown ------------------------------------------------------------------------

nb_execution_mode = "off"  # docs/prepare.py runs them, or takes what binder/check has run
nb_merge_streams = True
myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

# -- reference -------------------------------------------------------------------------------------

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # NumPy docstrings give types with shapes; jaxtyping's say it again
autodoc_inherit_docstrings = False
napoleon_google_docstring = False
napoleon_use_rtype = False
# As text: "[n_trials, n_states]" is a shape, and no reference to whatever has an n_states.
napoleon_use_param = False
napoleon_custom_sections = [("Attributes", "params_style")]


def escape_bars(app, what, name, obj, options, lines):
    """Let |x| be the size of x, as in our docstrings, and not a substitution of reST."""
    for i, line in enumerate(lines):
        parts = line.split("``")
        parts[::2] = [part.replace("|", "\\|") for part in parts[::2]]
        lines[i] = "``".join(parts)


def setup(app):
    """Connect, before napoleon rewrites the docstrings."""
    app.connect("autodoc-process-docstring", escape_bars, priority=400)


# -- pages -----------------------------------------------------------------------------------------

html_theme = "furo"
html_title = "fpf_notebook"
html_static_path = ["_static", "_generated/static"]
html_extra_path = ["_generated/site"]
html_css_files = ["wide.css"]
html_js_files = ["theme.js"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"font-stack": "system-ui, sans-serif"},
    "dark_css_variables": {"font-stack": "system-ui, sans-serif"},
}
copybutton_exclude = ".linenos, .gp, .go"
# One file with its fonts inside, from this site: the pages ask nobody else for anything.
mathjax_path = "mathjax/tex-svg.js"
mathjax3_config = {"tex": {"tags": "none"}, "options": {"enableMenu": False}}
