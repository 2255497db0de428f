import subprocess
import sys

CODE = """
import sys
import fpf_notebook.plots
heavy = {"matplotlib", "plotly", "sklearn", "jax", "brainpy", "pandas"} & set(sys.modules)
assert not heavy, heavy
from fpf_notebook import FixedPoints, plot_fixed_points
plot_fixed_points(FixedPoints(), backend="plotly")
heavy = {"matplotlib", "jax", "brainpy"} & set(sys.modules)
assert not heavy, heavy
"""


def test_drawing_libraries_are_imported_when_they_draw():
    subprocess.run([sys.executable, "-c", CODE], check=True)
