"""Both references of sequence agree with torch.nn, Keras layers, autograd and enumeration, in what is recurrent."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

SOLUTIONS = next(folder / "solutions" for folder in Path(__file__).parents if (folder / "solutions").is_dir())
SEEDS = pytest.mark.parametrize("seed", range(4))
TIGHT = 1e-12


@pytest.fixture(scope="module", params=["sequence", "sequence_tf"])
def reference(request: pytest.FixtureRequest) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"reference_of_{request.param}", SOLUTIONS / f"{request.param}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the frameworks say when they are imported
        spec.loader.exec_module(module)
    return module


def tensors(reference: ModuleType, value: Any) -> Any:
    """Nested arrays as tensors of the reference's framework."""
    if isinstance(value, dict):
        return {name: tensors(reference, array) for name, array in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(tensors(reference, part) for part in value)
    return torch.tensor(value) if hasattr(reference, "torch") else tf.constant(value)


def same(ours: Any, theirs: Any, tight: float = TIGHT) -> None:
    one, other = np.asarray(ours), theirs.detach().numpy() if isinstance(theirs, torch.Tensor) else np.asarray(theirs)
    assert one.dtype == other.dtype
    np.testing.assert_allclose(one, other, rtol=tight, atol=tight)


def weights(rng: np.random.Generator, inputs: int, size: int, gates: int, *biases: str) -> dict[str, np.ndarray]:
    params = {"w_x": rng.normal(size=(inputs, gates * size)), "w_h": rng.normal(size=(size, gates * size))}
    return params | {name: rng.normal(size=gates * size) for name in biases}


def sizes(rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Batch, steps, inputs, states."""
    b, t, inputs, size = rng.integers(1, 7, 4).tolist()
    return b, t, inputs, size


def a_torch_lstm(*directions: dict[str, np.ndarray]) -> torch.nn.LSTM:
    inputs, size = directions[0]["w_x"].shape[0], directions[0]["w_h"].shape[0]
    module = torch.nn.LSTM(inputs, size, batch_first=True, bidirectional=len(directions) == 2, dtype=torch.float64)
    with torch.no_grad():
        for end, params in zip(("", "_reverse"), directions, strict=False):
            getattr(module, f"weight_ih_l0{end}").copy_(torch.tensor(params["w_x"].T))
            getattr(module, f"weight_hh_l0{end}").copy_(torch.tensor(params["w_h"].T))
            getattr(module, f"bias_ih_l0{end}").copy_(torch.tensor(params["b"]))
            getattr(module, f"bias_hh_l0{end}").zero_()
    return module


# cells


@SEEDS
def test_the_plain_cell_is_both_libraries(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    b, _, inputs, size = sizes(rng)
    params, x, h = weights(rng, inputs, size, 1, "b"), rng.normal(size=(b, inputs)), rng.normal(size=(b, size))
    ours = reference.rnn_step(*tensors(reference, (x, h, params)))
    cell = torch.nn.RNNCell(inputs, size, dtype=torch.float64)
    with torch.no_grad():
        for name, value in zip(("weight_ih", "weight_hh", "bias_ih"), params.values(), strict=True):
            getattr(cell, name).copy_(torch.tensor(value.T))
        cell.bias_hh.zero_()
    same(ours, cell(torch.tensor(x), torch.tensor(h)))
    keras = tf.keras.layers.SimpleRNNCell(size, dtype="float64")
    keras.build((b, inputs))
    keras.set_weights(list(params.values()))
    same(ours, keras(tf.constant(x), [tf.constant(h)])[0])


@SEEDS
def test_the_gru_is_both_libraries(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    b, _, inputs, size = sizes(rng)
    params = weights(rng, inputs, size, 3, "b_x", "b_h")
    x, h = rng.normal(size=(b, inputs)), rng.normal(size=(b, size))
    cell = torch.nn.GRUCell(inputs, size, dtype=torch.float64)
    with torch.no_grad():
        for name, value in zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), params.values(), strict=True):
            getattr(cell, name).copy_(torch.tensor(value.T))
    args = tensors(reference, (x, h, params))
    same(reference.gru_step(*args), cell(torch.tensor(x), torch.tensor(h)))
    turned = {name: reference.reorder_gates(value, "rzn", "zrn") for name, value in args[2].items()}
    w_x, w_h, b_x, b_h = (np.asarray(value) for value in turned.values())
    for after in (True, False):
        keras = tf.keras.layers.GRUCell(size, reset_after=after, dtype="float64")
        keras.build((b, inputs))
        keras.set_weights([w_x, w_h, np.stack([b_x, b_h]) if after else b_x + b_h])
        same(reference.gru_step(*args, reset_after=after), keras(tf.constant(x), [tf.constant(h)])[0])


@SEEDS
def test_the_lstm_is_both_libraries(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    b, t, inputs, size = sizes(rng)
    params, x = weights(rng, inputs, size, 4, "b"), rng.normal(size=(b, t, inputs))
    h, c = rng.normal(size=(2, b, size))
    ours = reference.lstm_forward(*tensors(reference, (x, h, c, params)))
    hs, (last_h, last_c) = a_torch_lstm(params)(torch.tensor(x), (torch.tensor(h)[None], torch.tensor(c)[None]))
    for one, other in zip(ours, (hs, last_h[0], last_c[0]), strict=False):
        same(one, other)
    cell = tf.keras.layers.LSTMCell(size, dtype="float64")
    cell.build((b, inputs))
    cell.set_weights(list(params.values()))
    state = [tf.constant(h), tf.constant(c)]
    for step in range(t):
        for one, other in zip(ours[3][step][1:3], state, strict=True):
            same(one, other)
        out, state = cell(tf.constant(x[:, step]), state)
        same(ours[0][:, step], out)
    same(ours[2], state[1])


def test_orders_and_back(reference: ModuleType) -> None:
    w = tensors(reference, np.arange(2 * 12.0).reshape(2, 12))
    there = reference.reorder_gates(w, "ifgo", "iofg")  # ONNX
    same(there, np.asarray(w)[:, [0, 1, 2, 9, 10, 11, 3, 4, 5, 6, 7, 8]])
    same(reference.reorder_gates(there, "iofg", "ifgo"), np.asarray(w))


# through time


@SEEDS
def test_the_gradients_are_autograds(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    b, t, inputs, size = sizes(rng)
    params, x = weights(rng, inputs, size, 4, "b"), rng.normal(size=(b, t, inputs))
    h, c, dh, dc = rng.normal(size=(4, b, size))
    dhs = rng.normal(size=(b, t, size))
    args = tensors(reference, (x, h, c, params))
    cache = reference.lstm_forward(*args)[3]
    dx, dh_first, dc_first, dparams = reference.lstm_backward(*tensors(reference, (dhs, dh, dc)), cache, args[3])

    module = a_torch_lstm(params)
    leaves = [torch.tensor(array, requires_grad=True) for array in (x, h, c)]
    hs, (last_h, last_c) = module(leaves[0], (leaves[1][None], leaves[2][None]))
    wanted = [*leaves, module.weight_ih_l0, module.weight_hh_l0, module.bias_ih_l0]
    theirs = torch.autograd.grad(
        (hs, last_h[0], last_c[0]), wanted, tuple(torch.tensor(array) for array in (dhs, dh, dc))
    )
    for one, other in zip((dx, dh_first, dc_first), theirs, strict=False):
        same(one, other)
    for name, other in zip(("w_x", "w_h", "b"), theirs[3:], strict=True):
        same(dparams[name], other.T.contiguous() if other.ndim == 2 else other)


# padding


@SEEDS
def test_the_masked_lstm_is_a_packed_one_and_keras_with_a_mask(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    b, t, inputs, size = sizes(rng)
    forward, backward = (weights(rng, inputs, size, 4, "b") for _ in range(2))
    x, lengths = rng.normal(size=(b, t, inputs)), rng.integers(1, t + 1, b)
    real = np.arange(t) < lengths[:, None]
    x = np.where(real[..., None], x, 99.0)

    hs, h = reference.bidirectional_lstm(*tensors(reference, (x, lengths, forward, backward)))
    packed = pack_padded_sequence(torch.tensor(x), torch.tensor(lengths), batch_first=True, enforce_sorted=False)
    theirs, (last, _) = a_torch_lstm(forward, backward)(packed)
    same(hs, pad_packed_sequence(theirs, batch_first=True, total_length=t)[0])
    same(h, torch.cat([last[0], last[1]], 1))

    zeros = np.zeros((b, size))
    ours = reference.masked_lstm(*tensors(reference, (x, lengths, zeros, zeros, forward)))
    layer = tf.keras.layers.RNN(
        tf.keras.layers.LSTMCell(size, dtype="float64"),
        return_sequences=True,
        return_state=True,
        zero_output_for_mask=True,
        dtype="float64",
    )
    layer.build((b, t, inputs))
    layer.cell.set_weights(list(forward.values()))
    for one, other in zip(ours, layer(tf.constant(x), mask=tf.constant(real)), strict=True):
        same(one, other)


@SEEDS
def test_reversing_is_reverse_sequence_and_its_own_inverse(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, lengths = rng.normal(size=(5, 6, 2)), rng.integers(0, 7, 5)
    turned = reference.reverse_padded(*tensors(reference, (x, lengths)))
    same(turned, tf.reverse_sequence(x, lengths, seq_axis=1))
    same(reference.reverse_padded(turned, tensors(reference, lengths)), x)


# characters


@SEEDS
def test_windows_tile_the_text(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for n in range(1, 20):
        ids, length = rng.integers(0, 50, n), int(rng.integers(1, 7))
        inputs, targets = reference.char_windows(ids, length)
        kept = targets.ravel() != -100
        np.testing.assert_array_equal(targets.ravel()[kept], ids[1:])
        np.testing.assert_array_equal(inputs.ravel()[kept], ids[:-1])
        assert len(inputs) == int(np.ceil((n - 1) / length))


@SEEDS
def test_the_loss_is_both_libraries(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    logits, targets = rng.normal(size=(3, 5, 7)) * 30, rng.integers(0, 7, (3, 5))
    targets[rng.random((3, 5)) < 0.3] = -100
    ours = reference.character_loss(*tensors(reference, (logits, targets)))
    flat = torch.tensor(logits).flatten(0, 1), torch.tensor(targets).flatten()
    same(ours, torch.nn.functional.cross_entropy(*flat, ignore_index=-100))
    kept = targets != -100
    losses = tf.keras.losses.sparse_categorical_crossentropy(targets[kept], logits[kept], from_logits=True)
    same(ours, tf.reduce_mean(losses))


@SEEDS
def test_what_stays_is_the_smallest_set_that_reaches_p(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(20):
        row, p = rng.normal(size=(1, 6)), float(rng.uniform(0.05, 0.95))
        stays = np.isfinite(np.asarray(reference.top_p_logits(tensors(reference, row), p)))[0]
        shares = np.exp(row[0]) / np.exp(row[0]).sum()
        assert shares[stays].sum() >= p
        assert shares[stays].sum() - shares[stays].min() < p
        assert shares[stays].min() >= shares[~stays].max(initial=0)
        k = int(rng.integers(1, 8))
        stays = np.isfinite(np.asarray(reference.top_k_logits(tensors(reference, row), k)))[0]
        np.testing.assert_array_equal(stays, row[0] >= np.sort(row[0])[-min(k, 6)])


@SEEDS
def test_draws_are_a_binary_search_and_have_their_probabilities(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(6))
    uniform = rng.random(20_000)
    ids = np.asarray(reference.sample_ids(*tensors(reference, (np.tile(shares, (20_000, 1)), uniform))))
    reached = np.cumsum(shares)
    np.testing.assert_array_equal(ids, np.searchsorted(reached, uniform * reached[-1], side="right"))
    allowed = 5 * np.sqrt(20_000 * shares * (1 - shares))
    assert (np.abs(np.bincount(ids, minlength=6) - 20_000 * shares) <= allowed).all()


def test_an_almost_cold_model_writes_what_a_cold_one_writes(reference: ModuleType) -> None:
    rng = np.random.default_rng(0)
    table = tensors(reference, rng.normal(size=(9, 9)))

    def model(ids: Any, state: Any) -> tuple[Any, Any]:
        return tensors(reference, np.asarray(table)[np.asarray(ids)] + 0.1 * state), state + 1

    args = tensors(reference, (rng.integers(0, 9, (3, 2)), rng.random((3, 8))))
    cold = np.asarray(reference.generate_characters(model, 0, *args, temperature=0))
    np.testing.assert_array_equal(cold, np.asarray(reference.generate_characters(model, 0, *args, temperature=1e-4)))
    np.testing.assert_array_equal(cold, np.asarray(reference.generate_characters(model, 0, *args, top_k=1)))
    np.testing.assert_array_equal(cold, np.asarray(reference.generate_characters(model, 0, *args, top_p=1e-6)))
