"""Files of each format, for the tests and for benchmarks/corruption.py."""

import io
import json
import pickle
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

CODES = {"f8": "F64", "f4": "F32", "f2": "F16", "i8": "I64", "u1": "U8", "b1": "BOOL"}


def safetensors_bytes(arrays: dict[str, np.ndarray]) -> bytes:
    """Return a file as the package safetensors writes it."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    content = b""
    for name, array in arrays.items():
        data = np.ascontiguousarray(array).tobytes()
        header[name] = {
            "dtype": CODES[array.dtype.str[1:]],
            "shape": list(array.shape),
            "data_offsets": [len(content), len(content) + len(data)],
        }
        content += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content


class Sample(NamedTuple):
    """A loader, a good file for it, and how to compare what it returns."""

    suffix: str
    write: Callable[[Path], None]
    load: Callable[[Path], Any]
    arrays_of: Callable[[Any], dict[str, Any]]
    checked: bool
    """Whether its files carry checksums."""


def points(n: int = 3) -> Any:
    """Return fixed points with every field filled."""
    from tests.result.records import full_record

    return full_record(n)


def _fields(fps: Any) -> dict[str, Any]:
    from fpf_notebook.result.fields import FIELDS

    names = [*FIELDS, "tol_unique", "dtype", "time", "dt", "interrupted", "provenance"]
    return {name: getattr(fps, name) for name in names}


def _weights() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "weight_ih_l0": rng.normal(size=(9, 2)).astype(np.float32),
        "weight_hh_l0": rng.normal(size=(9, 3)).astype(np.float32),
    }


def _save_weights_npz(path: Path) -> None:
    np.savez(path, **_weights())


def _save_model(path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(
        path,
        kind=np.array("gru"),
        W_ih=rng.normal(size=(9, 2)).astype(np.float32),
        W_hh=rng.normal(size=(9, 3)).astype(np.float32),
        b_ih=np.zeros(9, np.float32),
        b_hh=np.zeros(9, np.float32),
    )


def _parameters(model: Any) -> dict[str, Any]:
    return {name: np.asarray(value) for name, value in model.parameters().items()}


def _step_map_arrays(step_map: Any) -> dict[str, Any]:
    import jax

    return {str(k): np.asarray(leaf) for k, leaf in enumerate(jax.tree.leaves(step_map.params))}


def _save_checkpoint(path: Path) -> None:
    from fpf_notebook.models import GRU
    from fpf_notebook.training import save_checkpoint

    save_checkpoint(GRU(2, 3, 1, seed=1), path)


def _load_checkpoint(path: Path) -> Any:
    from fpf_notebook.models import GRU
    from fpf_notebook.training import load_checkpoint

    model = GRU(2, 3, 1, seed=2)
    load_checkpoint(model, path)
    return model


def _state() -> Any:
    from fpf_notebook.training.state import TrainingState

    rng = np.random.default_rng(0)
    weights = {"W": rng.normal(size=(3, 3)), "b": rng.normal(size=3)}
    return TrainingState(
        parameters=weights,
        last_good=weights,
        best_parameters={},
        optimizer={"[0].count": np.array(3)},
        step=3,
        best_step=None,
        best_loss=float("inf"),
        learning_rate=None,
        settings={"seed": 1, "batch_size": 8},
    )


def _load_state(path: Path) -> Any:
    from fpf_notebook.training.state import TrainingState

    return TrainingState.load(path)


def _state_arrays(state: Any) -> dict[str, Any]:
    groups = {name: getattr(state, name) for name in ("parameters", "last_good", "optimizer")}
    arrays = {f"{name}/{key}": a for name, group in groups.items() for key, a in group.items()}
    rest = ("step", "best_step", "best_loss", "learning_rate", "settings")
    return arrays | {name: getattr(state, name) for name in rest}


def _save_network(path: Path) -> None:
    from fpf_notebook.models import GRU
    from tools.pretraining import write_network

    write_network(path, "a network", GRU(2, 3, 1, seed=1))


def _load_network(path: Path) -> Any:
    from fpf_notebook.models.pretrained import read_network

    return read_network(path)


def _load(path: Path) -> Any:
    from fpf_notebook.io import load

    return load(path)


def _load_legacy(path: Path) -> Any:
    from fpf_notebook.io import load_legacy_fps

    return load_legacy_fps(path)


def _save_legacy(path: Path) -> None:
    from fpf_notebook.io import save_legacy_fps

    save_legacy_fps(points(), path)


def _load_model(path: Path) -> Any:
    from fpf_notebook.models import load_model

    return load_model(path)


def _load_weights(path: Path) -> Any:
    from fpf_notebook.dynamics import step_map_from_weights

    return step_map_from_weights(path, "gru")


def _save_monitor(path: Path) -> None:
    from fpf_notebook.widgets.monitor.file import save_monitor
    from fpf_notebook.widgets.monitor.log import MetricLog
    from fpf_notebook.widgets.monitor.snapshots import SnapshotBook

    metrics = MetricLog()
    metrics.add([0, 1, 2], {"loss": [3.0, 2.0, 1.0]})
    trial = (np.ones((4, 2)), np.zeros((4, 1)), np.full((4, 1), 0.5))
    save_monitor(path, metrics, SnapshotBook(), trial)


def _load_monitor(path: Path) -> Any:
    from fpf_notebook.widgets.monitor.file import load_monitor

    return load_monitor(path)


def _monitor_arrays(content: Any) -> dict[str, Any]:
    metrics, book, trial = content
    arrays = {f"curve/{name}": np.stack(xy) for name, xy in metrics.series().items()}
    return arrays | {"unit": book.unit} | {f"trial{k}": part for k, part in enumerate(trial)}


def _save_jslds(path: Path) -> None:
    rng = np.random.default_rng(0)
    n, m = 4, 3
    content = {
        "rnn": {
            "h0": rng.normal(size=n),
            "wRUHX": rng.normal(size=(2 * n, n + m)),
            "wCHX": rng.normal(size=(n, n + m)),
            "bRU": rng.normal(size=2 * n),
            "bC": rng.normal(size=n),
        },
        "out": {"W": rng.normal(size=(2, n)), "b": rng.normal(size=2)},
    }
    np.savez(path, np.array(content, dtype=object), allow_pickle=True)


def _load_jslds(path: Path) -> Any:
    from fpf_notebook.io.jslds_weights import import_jslds_weights

    return import_jslds_weights(path)


def _save_sweep(path: Path) -> None:
    from fpf_notebook.sweep.folder import SweepFolder

    with tempfile.TemporaryDirectory() as folder:
        SweepFolder(folder, "the identity of a request")
        shutil.move(Path(folder) / "sweep.json", path)


def _load_sweep(path: Path) -> Any:
    from fpf_notebook.sweep.folder import read_index

    return read_index(path)


SAMPLES = {
    "netcdf": Sample(".nc", lambda path: points().save(path), _load, _fields, True),
    "npz": Sample(".npz", lambda path: points().save(path), _load, _fields, True),
    "checkpoint": Sample(".npz", _save_checkpoint, _load_checkpoint, _parameters, True),
    "training state": Sample(
        ".npz", lambda path: _state().save(path), _load_state, _state_arrays, True
    ),
    "network": Sample(".npz", _save_network, _load_network, _parameters, True),
    "monitor": Sample(".npz", _save_monitor, _load_monitor, _monitor_arrays, True),
    "sweep": Sample(".json", _save_sweep, _load_sweep, lambda request: {"": request}, True),
    "legacy": Sample(".fps", _save_legacy, _load_legacy, _fields, False),
    "model": Sample(".npz", _save_model, _load_model, _parameters, False),
    "weights npz": Sample(".npz", _save_weights_npz, _load_weights, _step_map_arrays, False),
    "weights safetensors": Sample(
        ".safetensors",
        lambda path: (path.write_bytes(safetensors_bytes(_weights())), None)[1],
        _load_weights,
        _step_map_arrays,
        False,
    ),
    "JSLDS weights": Sample(".npz", _save_jslds, _load_jslds, _parameters, False),
}
"""By the name of the format."""


def age(path: Path) -> None:
    """Make of a file one that version 0.1.0 could have written."""
    import h5py

    if path.suffix == ".npz":
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        arrays["metadata"] = _without_digests(arrays["metadata"].tobytes())
        np.savez_compressed(path, **arrays)
        return
    path.write_bytes(path.read_bytes().rsplit(b"\n", 3)[0])
    with h5py.File(path, "a") as file:
        text = file["metadata"][()]
        file["metadata"][()] = _without_digests(text).tobytes()
        del file.attrs["integrity"]
    # What is deleted stays in the file as rubbish.
    path.write_bytes(path.read_bytes().replace(b"fpf-sealed", b"xxxxxxxxxx"))


def _without_digests(metadata: bytes) -> np.ndarray:
    entries = json.loads(metadata)
    assert entries.pop("sha256")
    return np.frombuffer(json.dumps(entries).encode(), np.uint8)


def _save_old(path: Path) -> None:
    points().save(path)
    age(path)


SAMPLES |= {
    "old netcdf": Sample(".nc", _save_old, _load, _fields, False),
    "old npz": Sample(".npz", _save_old, _load, _fields, False),
}


def billion_laughs(levels: int = 60) -> bytes:
    """Return a pickle in which each level holds the one below twice: 2**levels leaves."""
    value: Any = []
    for _ in range(levels):
        value = [value, value]
    return pickle.dumps({"xstar": value}, protocol=4)


def bomb(n_bytes: int) -> bytes:
    """Return an npz that unpacks to `n_bytes` of zeros, a thousand times its own size."""
    import zipfile

    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("kind.npy", "w", force_zip64=True) as stream,
    ):
        np.lib.format.write_array_header_1_0(
            stream, {"descr": "|u1", "fortran_order": False, "shape": (n_bytes,)}
        )
        piece = bytes(1 << 24)
        for start in range(0, n_bytes, len(piece)):
            stream.write(piece[: n_bytes - start])
    return buffer.getvalue()
