import json
from pathlib import Path

import pytest

from fpf_notebook.cli import cache
from fpf_notebook.cli.cache import checkpoint_path

SETTINGS = {"bits": 3, "cell": "tanh", "hidden": 4, "seed": 0}


def test_the_same_settings_have_the_same_file(tmp_path):
    first = checkpoint_path(SETTINGS, tmp_path)
    assert first == checkpoint_path(dict(SETTINGS), tmp_path)
    assert first.parent == tmp_path
    assert first.name.startswith("3-tanh-4-0-")


@pytest.mark.parametrize(
    "other", [{"bits": 2}, {"cell": "gru"}, {"hidden": 5}, {"seed": 1}], ids=json.dumps
)
def test_each_setting_counts(other, tmp_path):
    assert checkpoint_path(SETTINGS | other, tmp_path) != checkpoint_path(SETTINGS, tmp_path)


def test_the_version_counts(monkeypatch, tmp_path):
    before = checkpoint_path(SETTINGS, tmp_path)
    monkeypatch.setattr(cache, "__version__", "99.0")
    assert checkpoint_path(SETTINGS, tmp_path) != before


def test_the_version_of_jax_counts(monkeypatch, tmp_path):
    before = checkpoint_path(SETTINGS, tmp_path)
    monkeypatch.setattr(cache.importlib.metadata, "version", lambda name: f"99 of {name}")
    assert checkpoint_path(SETTINGS, tmp_path) != before


@pytest.mark.parametrize("room", ["models", "tasks", "training"])
def test_the_code_that_trains_counts(monkeypatch, tmp_path, room):
    package = tmp_path / "package"
    (package / room).mkdir(parents=True)
    monkeypatch.setattr(cache.fpf_notebook, "__file__", str(package / "__init__.py"))
    (package / room / "code.py").write_text("n_epochs = 100")
    before = checkpoint_path(SETTINGS, tmp_path)
    assert checkpoint_path(SETTINGS, tmp_path) == before
    (package / room / "code.py").write_text("n_epochs = 101")
    assert checkpoint_path(SETTINGS, tmp_path) != before


def test_by_default_it_is_in_the_users_cache_folder(monkeypatch, tmp_path):
    import platformdirs

    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: Path(tmp_path, name))
    assert checkpoint_path(SETTINGS).parent == tmp_path / "fpf_notebook" / "demo"
