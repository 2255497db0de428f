import dataclasses
import inspect

import fpf_notebook.plots as plots
from fpf_notebook.plots import PlotConfig, plot_fixed_points_2d, plot_fixed_points_3d

# What scripts written for canns 1.5 may pass by position or by name, with its defaults.
FIELDS = {
    "title": "",
    "xlabel": "",
    "ylabel": "",
    "figsize": (10, 6),
    "grid": False,
    "save_path": None,
    "show": True,
    "time_steps_per_second": None,
    "fps": 30,
    "repeat": True,
    "show_progress_bar": True,
    "render_backend": None,
    "render_workers": None,
    "render_start_method": None,
    "show_legend": True,
    "color": "black",
    "clabel": "Value",
    "kwargs": {},
    "savefig_kwargs": None,
    "rasterized": None,
    "save_dpi": 300,
    "save_bbox_inches": "tight",
    "save_format": None,
    "verbose": False,
}


def test_fields_order_and_defaults_are_those_scripts_rely_on():
    config = PlotConfig()
    assert [field.name for field in dataclasses.fields(config)] == list(FIELDS)
    assert dataclasses.asdict(config) == FIELDS
    config.title = "later"  # scripts change it after the fact
    assert config.title == "later"


def test_every_field_is_documented():
    for name in FIELDS:
        assert name in inspect.getdoc(PlotConfig), name


def test_plot_functions_have_the_signature_scripts_rely_on():
    for function in (plot_fixed_points_2d, plot_fixed_points_3d):
        parameters = inspect.signature(function).parameters
        assert list(parameters) == [
            "fixed_points",
            "state_traj",
            "config",
            "plot_batch_idx",
            "plot_start_time",
        ]
        assert parameters["config"].default is None
        assert parameters["plot_batch_idx"].default is None
        assert parameters["plot_start_time"].default == 0
        assert all(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters.values())


def test_configs_do_not_share_their_dictionaries():
    PlotConfig().kwargs["s"] = 3
    assert PlotConfig().kwargs == {}


def test_for_static_plot_and_for_animation():
    assert PlotConfig.for_static_plot(title="t", time_steps_per_second=5) == PlotConfig(title="t")
    assert PlotConfig.for_animation(50, fps=10) == PlotConfig(time_steps_per_second=50, fps=10)


def test_matplotlib_kwargs():
    config = PlotConfig(kwargs={"s": 20}, rasterized=True)
    assert config.to_matplotlib_kwargs() == {"s": 20, "rasterized": True}
    assert config.kwargs == {"s": 20}
    chosen = PlotConfig(kwargs={"rasterized": False}, rasterized=True)
    assert chosen.to_matplotlib_kwargs() == {"rasterized": False}


def test_savefig_kwargs():
    assert PlotConfig().to_savefig_kwargs() == {"dpi": 300, "bbox_inches": "tight"}
    config = PlotConfig(
        save_dpi=90, save_bbox_inches=None, save_format="pdf", savefig_kwargs={"dpi": 10}
    )
    assert config.to_savefig_kwargs() == {"dpi": 10, "format": "pdf"}


def test_public_names_exist():
    for name in plots.__all__:
        assert getattr(plots, name) is not None
