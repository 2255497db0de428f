from types import SimpleNamespace

import numpy as np
import pytest

from fpf_notebook.plots import plot_training
from fpf_notebook.plots.training import training_scene


def history() -> SimpleNamespace:
    steps = np.arange(0, 50, 10)
    return SimpleNamespace(
        steps=steps,
        series={
            "loss": np.array([1.0, 0.5, 0.25, 0.0, 0.01]),
            "validation_loss": np.array([2.0, np.nan, 0.5, np.nan, 0.1]),
            "learning_rate": np.full(5, 1e-3),
        },
    )


def test_losses_are_drawn_where_they_were_measured():
    scene = training_scene(history())
    assert [group.label for group in scene.lines] == [
        "loss (last 0.01)",
        "validation loss (last 0.1)",
    ]
    train, valid = (group.paths[0] for group in scene.lines)
    np.testing.assert_array_equal(train[:, 0], [0, 10, 20, 40])  # 0 has no logarithm
    np.testing.assert_array_equal(valid, [[0, 2], [20, 0.5], [40, 0.1]])
    assert scene.axes[1].log
    assert scene.axes[1].label == "loss"
    assert scene.axes[1].range[0] < 0.01


def test_series_and_scale_are_chosen():
    scene = training_scene(history(), series=["loss", "learning_rate"], log=False)
    assert len(scene.lines[0].paths[0]) == 5
    assert scene.axes[1].label == "value"
    assert not scene.axes[1].log
    assert len(training_scene(history(), series="loss").lines) == 1


def test_curves_without_a_loss():
    scene = training_scene(SimpleNamespace(steps=[0, 1], series={"accuracy": [0.5, 0.9]}))
    assert [group.label for group in scene.lines] == ["accuracy (last 0.9)"]


@pytest.mark.parametrize("backend", ["matplotlib", "plotly"])
@pytest.mark.parametrize("series", [{}, {"loss": np.zeros(0)}, {"loss": np.full(0, np.nan)}])
def test_nothing_trained_yet(series, backend):
    plot_training(SimpleNamespace(steps=np.zeros(0), series=series), backend=backend)
    assert training_scene(SimpleNamespace(steps=[], series=series)).title == "Nothing trained yet"


def test_one_step_can_be_drawn():
    one = SimpleNamespace(steps=[0], series={"loss": [0.3]})
    low, high = training_scene(one).axes[0].range
    assert low < 0 < high
    plot_training(one)


@pytest.mark.parametrize(
    ("series", "message"),
    [
        (["los"], "'los' given, the history has loss, validation_loss, learning_rate"),
        (["loss"] * 6, "6 given, at most 5"),
    ],
)
def test_bad_series_are_named(series, message):
    with pytest.raises(ValueError, match=message):
        plot_training(history(), series=series)


def test_a_series_has_one_value_per_step():
    with pytest.raises(ValueError, match=r"series 'loss': shape \(2,\) given, .* the 3 steps"):
        plot_training(SimpleNamespace(steps=np.arange(3), series={"loss": np.ones(2)}))


def test_both_libraries_draw_it():
    axes = plot_training(history()).axes[0]
    assert axes.get_yscale() == "log"
    assert [len(lines.get_segments()) for lines in axes.collections] == [1, 1]
    figure = plot_training(history(), backend="plotly")
    assert figure.layout.yaxis.type == "log"
    assert [len(trace.x) for trace in figure.data] == [4, 3]
