"""Networks from files of weights."""

import subprocess
import sys

import numpy as np
import pytest

from fpf_notebook.dynamics import step_map_from_weights
from fpf_notebook.models import GRU, LSTM, VanillaRNN
from tests.files.samples import safetensors_bytes

RNG = np.random.default_rng(0)
N, M = 3, 2
BLOCKS = {"rnn_tanh": 1, "rnn_relu": 1, "gru": 3, "lstm": 4}


def weights_of(kind, layers=1, prefix="", bias=True):
    arrays, rows = {}, BLOCKS[kind] * N
    for k in range(layers):
        arrays[f"{prefix}weight_ih_l{k}"] = RNG.normal(size=(rows, M if k == 0 else N))
        arrays[f"{prefix}weight_hh_l{k}"] = RNG.normal(size=(rows, N))
        if bias:
            arrays[f"{prefix}bias_ih_l{k}"] = RNG.normal(size=rows)
            arrays[f"{prefix}bias_hh_l{k}"] = RNG.normal(size=rows)
    return arrays


@pytest.mark.parametrize("kind", BLOCKS)
def test_one_layer_is_our_own_model_of_this_kind(kind):
    arrays = weights_of(kind)
    own = {
        "W_ih": arrays["weight_ih_l0"],
        "W_hh": arrays["weight_hh_l0"],
        "b_ih": arrays["bias_ih_l0"],
        "b_hh": arrays["bias_hh_l0"],
    }
    params = {name: array for name, array in own.items()}
    if kind.startswith("rnn"):
        model = VanillaRNN.from_arrays(
            W_ih=own["W_ih"],
            W_hh=own["W_hh"],
            b=own["b_ih"] + own["b_hh"],
            nonlinearity=kind.removeprefix("rnn_"),
        )
        params = {"W_ih": own["W_ih"], "W_hh": own["W_hh"], "b": own["b_ih"] + own["b_hh"]}
    else:
        model = {"gru": GRU, "lstm": LSTM}[kind].from_arrays(**own)
    step_map = step_map_from_weights(arrays, kind)
    h, u = RNG.normal(size=(5, step_map.n_states)), RNG.normal(size=(5, M))
    import jax

    with jax.enable_x64(True):
        expected = [model.step(params, x, v) for x, v in zip(h, u, strict=True)]
    np.testing.assert_allclose(step_map(h, u), expected, atol=1e-12)
    assert step_map.box is not None or kind == "rnn_relu"


def test_an_npz_file_with_a_prefix_and_a_readout(tmp_path):
    arrays = weights_of("gru", layers=2, prefix="core.rnn.")
    arrays |= {"out.weight": RNG.normal(size=(1, N)), "out.bias": RNG.normal(size=1)}
    np.savez(tmp_path / "net.npz", **arrays)
    step_map = step_map_from_weights(tmp_path / "net.npz", "gru", layers=2, readout="out")
    assert [part.name for part in step_map.slices] == ["h_l0", "h_l1"]
    h, u = RNG.normal(size=(5, 2 * N)), RNG.normal(size=(5, M))
    expected = step_map(h, u)[:, N:] @ arrays["out.weight"].T + arrays["out.bias"]
    np.testing.assert_allclose(step_map.output(h, u), expected, atol=1e-12)
    same = step_map_from_weights(str(tmp_path / "net.npz"), "gru", prefix="core.rnn.")
    np.testing.assert_allclose(same(h, u), step_map(h, u))


def test_a_safetensors_file(tmp_path):
    arrays = {key: a.astype(np.float32) for key, a in weights_of("lstm").items()}
    (tmp_path / "net.safetensors").write_bytes(safetensors_bytes(arrays))
    step_map = step_map_from_weights(tmp_path / "net.safetensors", "lstm")
    h, u = RNG.normal(size=(5, 2 * N)), RNG.normal(size=(5, M))
    np.testing.assert_array_equal(step_map(h, u), step_map_from_weights(arrays, "lstm")(h, u))
    assert "net.safetensors" in step_map.name


def test_a_cell_and_a_tensor_of_half_precision():
    torch = pytest.importorskip("torch")
    from fpf_notebook import as_step_map

    cell = torch.nn.LSTMCell(M, N).to(torch.bfloat16)
    step_map = step_map_from_weights(cell.state_dict(), "lstm")
    h, u = RNG.normal(size=(5, 2 * N)), RNG.normal(size=(5, M))
    np.testing.assert_array_equal(step_map(h, u), as_step_map(cell)(h, u))


def test_wrong_descriptions_are_refused_with_a_hint(tmp_path):
    arrays = weights_of("gru")
    with pytest.raises(ValueError, match="kind is 'mgu', expected one of 'rnn'"):
        step_map_from_weights(arrays, "mgu")
    with pytest.raises(
        ValueError, match=r"3 blocks, where kind='lstm' has 4\. Is it one of 'gru'\?"
    ):
        step_map_from_weights(arrays, "lstm")
    with pytest.raises(ValueError, match="layers is 2, but the mapping has 1"):
        step_map_from_weights(arrays, "gru", layers=2)
    with pytest.raises(ValueError, match=r"has no weight_ih_l0 .* Its arrays are a"):
        step_map_from_weights({"a": np.ones(3)}, "gru")
    with pytest.raises(ValueError, match="several recurrent modules; say which: prefix= one of"):
        step_map_from_weights(arrays | weights_of("gru", prefix="other."), "gru")
    with pytest.raises(ValueError, match=r"readout is 'out', but the mapping has no out\.weight"):
        step_map_from_weights(arrays, "gru", readout="out")
    with pytest.raises(ValueError, match="bidirectional network"):
        step_map_from_weights(arrays | {"weight_ih_l0_reverse": np.ones(2)}, "gru")
    with pytest.raises(ValueError, match=r"bias_ih|b_ih of layer 0"):
        step_map_from_weights(arrays | {"bias_ih_l0": np.ones(2)}, "gru")
    with pytest.raises(ValueError, match=r"A \.pt file is a pickle"):
        step_map_from_weights(tmp_path / "net.pt", "gru")
    with pytest.raises(FileNotFoundError):
        step_map_from_weights(tmp_path / "none.safetensors", "gru")


def test_a_missing_package_is_named_with_the_command():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from fpf_notebook import as_step_map\n"
        "try: as_step_map(abs, n_states=1, n_inputs=1, framework='torch')\n"
        "except ImportError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines() == [
        "framework='torch' needs torch: pip install \"fpf-notebook[torch]\"",
    ], done.stderr
