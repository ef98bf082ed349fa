"""The reference of ner agrees with seqeval, scikit-learn, PyTorch, Python's codecs and re, and enumeration."""

from __future__ import annotations

import importlib.util
import itertools
import re
import unicodedata
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from seqeval.metrics import classification_report
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB2, IOBES, Entities
from sklearn.utils.class_weight import compute_class_weight

SOLUTION = Path(__file__).parents[3] / "solutions" / "ner.py"
SEEDS = pytest.mark.parametrize("seed", range(5))


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference_of_ner", SOLUTION)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the frameworks say when they are imported
        spec.loader.exec_module(module)
    return module


def noisy_tags(rng: np.random.Generator, length: int, prefixes: str) -> list[str]:
    tags = ["O", *(f"{prefix}-{kind}" for prefix in prefixes for kind in ("PER", "LOC", "GPE-LOC"))]
    return [str(tag) for tag in rng.choice(tags, length)]


# seqeval: conlleval.pl in Python


@SEEDS
@pytest.mark.parametrize("prefixes", ["BI", "I", "BIES"])
def test_spans_are_seqevals(reference: ModuleType, seed: int, prefixes: str) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(100):
        tags = noisy_tags(rng, int(rng.integers(1, 12)), prefixes)
        theirs = [(start, end + 1, kind) for kind, start, end in get_entities(tags)]
        assert reference.read_spans(tags) == theirs


@SEEDS
@pytest.mark.parametrize("prefixes", ["BI", "BIES"])
def test_scores_are_seqevals(reference: ModuleType, seed: int, prefixes: str) -> None:
    rng = np.random.default_rng(seed)
    gold = [noisy_tags(rng, int(rng.integers(1, 15)), prefixes) for _ in range(30)]
    guessed = [[tag if rng.random() < 0.8 else noisy_tags(rng, 1, prefixes)[0] for tag in tags] for tags in gold]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = classification_report(gold, guessed, output_dict=True, zero_division=0)
    ours = reference.f1_report(reference.span_counts(gold, guessed))
    names = {"micro": "micro avg", "macro": "macro avg"}
    assert set(ours) == {name for name in theirs if not name.endswith("avg")} | set(names)
    for name, three in ours.items():
        entry = theirs[names.get(name, name)]
        assert three == pytest.approx([entry["precision"], entry["recall"], entry["f1-score"]])


# schemes


@pytest.mark.parametrize("scheme", ["IOB1", "IOB2", "BIOES"])
def test_what_is_written_is_read_again(reference: ModuleType, scheme: str) -> None:
    tags = ["O", "B-X", "I-X", "B-Y", "I-Y"]
    for size in range(6):
        for one in itertools.product(tags, repeat=size):
            spans = reference.read_spans(list(one))
            written = reference.write_tags(spans, size, scheme)
            assert reference.read_spans(written) == spans


@pytest.mark.parametrize(("scheme", "prefixes"), [("IOB2", "BI"), ("BIOES", "BIES")])
def test_legal_is_what_could_have_been_written(reference: ModuleType, scheme: str, prefixes: str) -> None:
    tags = ["O", *(f"{prefix}-{kind}" for kind in "XY" for prefix in prefixes)]
    start, transitions, end = reference.allowed_transitions(tags, scheme)
    for size in range(1, 5):
        for path in itertools.product(range(len(tags)), repeat=size):
            one = [tags[at] for at in path]
            legal = start[path[0]] and end[path[-1]] and all(transitions[pair] for pair in itertools.pairwise(path))
            assert legal == (reference.write_tags(reference.read_spans(one), size, scheme) == one)


@SEEDS
@pytest.mark.parametrize(("scheme", "theirs"), [("IOB2", IOB2), ("BIOES", IOBES)])
def test_seqevals_strict_reader_finds_what_is_written(
    reference: ModuleType, seed: int, scheme: str, theirs: type
) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(30):
        length = int(rng.integers(1, 15))
        spans = reference.read_spans(noisy_tags(rng, length, "BIES"))
        written = reference.write_tags(spans[::-1], length, scheme)
        strict = Entities([written], theirs).entities[0]
        assert [(one.start, one.end, one.tag) for one in strict] == spans


def test_iob1_begins_a_span_with_b_only_after_its_own_type(reference: ModuleType) -> None:
    # The rule as Ramshaw and Marcus (1995) tell it, by hand.
    spans = [(0, 1, "X"), (1, 3, "X"), (3, 4, "Y"), (5, 6, "Y"), (6, 7, "Y")]
    written = ["I-X", "B-X", "I-X", "I-Y", "O", "I-Y", "B-Y"]
    assert reference.write_tags(spans, 7, "IOB1") == written
    assert reference.read_spans(written) == spans


def test_the_corpus_survives_its_file(reference: ModuleType) -> None:
    corpus = reference.make_corpus(3, 20)
    sentences = [sentence for document in corpus for sentence in document]
    assert reference.read_conll(reference.to_conll(corpus)) == sentences
    assert reference.read_conll(reference.to_conll(corpus).rstrip("\n")) == sentences


# subwords, parts and windows


@SEEDS
@pytest.mark.parametrize("every_piece", [False, True])
def test_pieces_spell_the_words_and_labels_give_the_tags_back(
    reference: ModuleType, seed: int, every_piece: bool
) -> None:
    sentences = [sentence for document in reference.make_corpus(seed, 10) for sentence in document]
    vocabulary = reference.make_vocabulary([word for words, _ in sentences for word in words])
    names = ["O", *(f"{prefix}-{kind}" for kind in reference.BOXES for prefix in "BI")]
    for words, tags in sentences:
        pieces, word_ids = reference.subwords(words, lambda word: reference.wordpiece(word, vocabulary))
        assert (pieces[0], pieces[-1], word_ids[0], word_ids[-1]) == ("[CLS]", "[SEP]", None, None)
        spelled = [""] * len(words)
        for piece, word in zip(pieces[1:-1], word_ids[1:-1], strict=True):
            spelled[word] += piece.removeprefix("##")
        assert spelled == words
        label_ids = {name: at for at, name in enumerate(names)}
        labels = reference.align_labels(tags, word_ids, label_ids, every_piece=every_piece)
        kept = [names[label] for label in labels if label != -100]
        spans = [(words[start:end], kind) for start, end, kind in reference.read_spans(tags)]
        if every_piece:  # the same spans, told in pieces
            inner = pieces[1:-1]
            found = [("".join(inner[start:end]), kind) for start, end, kind in reference.read_spans(kept)]
            assert [(text.replace("##", ""), kind) for text, kind in found] == [("".join(w), k) for w, k in spans]
        else:
            assert kept == tags


@SEEDS
def test_parts_hold_everything_and_never_too_much(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(50):
        counts, limit = rng.integers(1, 6, rng.integers(1, 40)).tolist(), int(rng.integers(7, 15))
        cuts = np.unique(rng.integers(0, len(counts) + 1, 8)).tolist()
        spans = [(first, last, "X") for first, last in itertools.pairwise(cuts) if rng.random() < 0.6]
        parts = reference.split_words(counts, spans, limit)
        assert [word for part in parts for word in range(*part)] == list(range(len(counts)))
        assert all(sum(counts[first:last]) + 2 <= limit for first, last in parts)
        for first, last, _ in spans:
            size = sum(counts[first:last])
            broken = any(first < cut < last for cut, _ in parts)
            assert not broken or size > limit - 2


@SEEDS
def test_windows_cover_and_merge_to_what_was_cut(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(50):
        size = int(rng.integers(2, 12))
        overlap, length = int(rng.integers(0, size)), int(rng.integers(1, 60))
        ranges = reference.windows(length, size, overlap)
        assert ranges[0][0] == 0
        assert ranges[-1][1] == length
        for (start, end), (after, last) in itertools.pairwise(ranges):
            assert (end - start, end - after) == (size, overlap)
            assert last > end
        noise = [rng.normal(size=end - start) for start, end in ranges]
        table = np.full((len(ranges), length), np.nan)
        context = np.full((len(ranges), length), -1)
        for row, (start, end) in enumerate(ranges):
            table[row, start:end] = noise[row]
            context[row, start:end] = [min(p - start, end - 1 - p) for p in range(start, end)]
        merged = reference.merge_mean([one[:, None] for one in noise], ranges)[:, 0]
        np.testing.assert_allclose(merged, np.nanmean(table, axis=0), rtol=1e-13, atol=1e-14)
        merged = reference.merge_by_context(noise, ranges)
        np.testing.assert_array_equal(merged, table[context.argmax(axis=0), np.arange(length)])
        labels, scores = rng.integers(0, 9, length), rng.normal(size=(length, 3))
        merged = reference.merge_by_context([labels[start:end] for start, end in ranges], ranges)
        np.testing.assert_array_equal(merged, labels)
        merged = reference.merge_mean([scores[start:end] for start, end in ranges], ranges)
        np.testing.assert_allclose(merged, scores, rtol=1e-13)


def some_examples(rng: np.random.Generator, count: int) -> list[tuple[list[int], list[int]]]:
    lengths = rng.integers(1, 12, count).tolist()
    labels = [np.where(rng.random(n) < 0.3, -100, rng.integers(0, 5, n)).tolist() for n in lengths]
    return [(rng.integers(0, 50, len(own)).tolist(), own) for own in labels]


def padded_by_torch(examples: list[tuple[list[int], list[int]]], pad_id: int) -> dict[str, np.ndarray]:
    def padded(rows: list[list[int]], value: int) -> np.ndarray:
        tensors = [torch.tensor(row) for row in rows]
        return torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=value).numpy()

    return {
        "input_ids": padded([ids for ids, _ in examples], pad_id),
        "attention_mask": padded([[1] * len(ids) for ids, _ in examples], 0).astype(bool),
        "labels": padded([labels for _, labels in examples], -100),
    }


def assert_same_batch(got: dict[str, Any], wanted: dict[str, np.ndarray]) -> None:
    assert set(got) == set(wanted)
    for name, array in wanted.items():
        np.testing.assert_array_equal(got[name], array, strict=True)


@SEEDS
def test_batches_of_numpy_torch_and_tensorflow_are_those_of_pad_sequence(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    examples, pad_id = some_examples(rng, 10), int(rng.integers(0, 50))
    assert_same_batch(reference.pad_batch(examples, pad_id), padded_by_torch(examples, pad_id))
    batches = [[3, 1], [0, 2, 4, 9], [5]]
    loader, dataset = reference.torch_loader(examples, batches, pad_id), reference.tf_dataset(examples, 4, pad_id)
    for _epoch in range(2):
        for batch, chosen in zip(loader, batches, strict=True):
            wanted = padded_by_torch([examples[at] for at in chosen], pad_id)
            assert_same_batch({name: tensor.numpy() for name, tensor in batch.items()}, wanted)
        for at, batch in zip(range(0, 10, 4), dataset, strict=True):
            wanted = padded_by_torch(examples[at : at + 4], pad_id)
            assert_same_batch({name: tensor.numpy() for name, tensor in batch.items()}, wanted)


@SEEDS
def test_buckets_keep_to_the_budget_and_waste_nothing(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(50):
        lengths, budget = rng.integers(1, 20, int(rng.integers(1, 40))).tolist(), int(rng.integers(10, 80))
        batches = reference.bucket_batches(lengths, budget)
        order = np.argsort(lengths, kind="stable").tolist()
        assert [at for batch in batches for at in batch] == order
        assert all(len(batch) * max(lengths[at] for at in batch) <= budget or len(batch) == 1 for batch in batches)
        for batch, after in itertools.pairwise(batches):  # and the next one wouldn't have fitted
            assert (len(batch) + 1) * lengths[after[0]] > budget


@SEEDS
def test_class_weights_are_scikit_learns(reference: ModuleType, seed: int) -> None:
    labels = np.random.default_rng(seed).integers(0, 5, (4, 9))
    labels[0] = -100
    kept = labels[labels != -100]
    present = np.unique(kept)
    theirs = np.zeros(7)
    theirs[present] = compute_class_weight("balanced", classes=present, y=kept)
    np.testing.assert_allclose(reference.class_weights(labels, 7), theirs, rtol=1e-14)


# the CRF


def a_crf(seed: int, t: int = 4, k: int = 3) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    mask = np.arange(t) < np.array([t, 1, t - 1])[:, None]
    return rng.normal(size=(3, t, k)), rng.normal(size=(k, k)), rng.normal(size=k), rng.normal(size=k), mask


def all_scores(args: tuple[np.ndarray, ...], row: int, reference: ModuleType) -> tuple[list[Any], np.ndarray]:
    emissions, transitions, start, end, mask = args
    own = emissions[row, mask[row]]
    taggings = list(itertools.product(range(len(start)), repeat=len(own)))
    ones = np.ones((1, len(own)), bool)
    scores = [reference.crf_score(own[None], transitions, start, end, np.array([tags]), ones)[0] for tags in taggings]
    return taggings, np.array(scores)


@SEEDS
def test_log_z_and_the_best_tagging_are_those_of_an_enumeration(reference: ModuleType, seed: int) -> None:
    args = a_crf(seed)
    emissions, transitions, start, end, mask = args
    _, log_z = reference.crf_forward(*args)
    for row in range(3):
        taggings, scores = all_scores(args, row, reference)
        assert log_z[row] == pytest.approx(np.logaddexp.reduce(scores), rel=1e-13)
        for tags, score in zip(taggings[:: seed + 3], scores[:: seed + 3], strict=True):  # as a row of a padded batch
            padded = np.full((1, mask.shape[1]), -100)
            padded[0, : len(tags)] = tags
            one = reference.crf_score(emissions[[row]], transitions, start, end, padded, mask[[row]])
            assert one == pytest.approx(score, rel=1e-13)
        unary, pairs = (array[row] for array in reference.crf_marginals(*args))
        shares = np.exp(scores - np.logaddexp.reduce(scores))
        own, steps = np.zeros_like(unary), np.zeros_like(pairs)
        for tags, share in zip(taggings, shares, strict=True):
            own[range(len(tags)), tags] += share
            for at, (one, other) in enumerate(itertools.pairwise(tags)):
                steps[at, one, other] += share
        np.testing.assert_allclose(unary, own, atol=1e-14)
        np.testing.assert_allclose(pairs, steps, atol=1e-14)
        path, best = reference.viterbi(emissions[row, mask[row]], transitions, start, end)
        assert tuple(path) == taggings[int(scores.argmax())]
        assert best == pytest.approx(scores.max(), rel=1e-13)


@SEEDS
@pytest.mark.parametrize("scale", [1.0, 400.0])
def test_log_z_and_its_gradient_are_torchs(reference: ModuleType, seed: int, scale: float) -> None:
    *scores, mask = a_crf(seed, t=6, k=4)
    scores = [scale * array for array in scores]
    args = *scores, mask
    dlog_z = np.random.default_rng(seed).normal(size=3)
    inputs = [torch.tensor(array, requires_grad=True) for array in scores]
    emissions, transitions, start, end = inputs
    totals = []
    for row, length in enumerate(mask.sum(axis=1)):
        alpha = start + emissions[row, 0]
        for t in range(1, length):
            alpha = torch.logsumexp(alpha[:, None] + transitions, 0) + emissions[row, t]
        totals.append(torch.logsumexp(alpha + end, 0))
    np.testing.assert_allclose(reference.crf_forward(*args)[1], torch.stack(totals).detach().numpy(), rtol=1e-12)
    theirs = torch.autograd.grad(torch.stack(totals), inputs, torch.tensor(dlog_z))
    for ours, other in zip(reference.crf_gradient(*args, dlog_z), theirs, strict=True):
        np.testing.assert_allclose(ours, other.numpy(), rtol=1e-11, atol=1e-13)


@SEEDS
def test_the_score_is_cross_entropy_where_neighbours_do_not_matter(reference: ModuleType, seed: int) -> None:
    emissions, transitions, start, end, mask = a_crf(seed, t=7, k=5)
    args = emissions, 0 * transitions, 0 * start, 0 * end
    tags = np.where(mask, np.random.default_rng(seed).integers(0, 5, mask.shape), -100)
    loss = reference.crf_forward(*args, mask)[1] - reference.crf_score(*args, tags, mask)
    theirs = torch.nn.functional.cross_entropy(torch.tensor(emissions[mask]), torch.tensor(tags[mask]), reduction="sum")
    assert loss.sum() == pytest.approx(theirs.item(), rel=1e-12)


@SEEDS
@pytest.mark.parametrize(("scheme", "prefixes"), [("IOB2", "BI"), ("BIOES", "BIES")])
def test_the_constrained_best_is_that_of_all_legal_taggings(
    reference: ModuleType, seed: int, scheme: str, prefixes: str
) -> None:
    rng = np.random.default_rng(seed)
    names = [f"{prefix}-X" for prefix in prefixes] + ["O"]
    k = len(names)
    emissions, transitions, start, end = (rng.normal(size=shape) for shape in ((4, k), (k, k), k, k))
    allowed = reference.allowed_transitions(names, scheme)
    path, best = reference.viterbi(emissions, transitions, start, end, allowed)
    taggings, scores = all_scores((emissions[None], transitions, start, end, np.ones((1, 4), bool)), 0, reference)
    said = [[names[tag] for tag in tags] for tags in taggings]
    legal = [reference.write_tags(reference.read_spans(one), 4, scheme) == one for one in said]
    assert 0 < sum(legal) < len(legal)
    scores = np.where(legal, scores, -np.inf)
    assert tuple(path) == taggings[int(scores.argmax())]
    assert best == pytest.approx(scores.max(), rel=1e-13)


# offsets


@pytest.mark.parametrize("text", ["Ada met Zoë (twice) -- 3.5 km², in São Telmo!", "東京 and привет;\tⅧ½", "", " \n"])
def test_tokens_without_marks_are_those_of_re(reference: ModuleType, text: str) -> None:
    assert not any(unicodedata.category(char)[0] == "M" for char in text)
    assert reference.token_offsets(text) == [match.span() for match in re.finditer(r"[^\W_]+|[^\w\s]|_", text)]


def test_tokens_do_not_depend_on_how_accents_are_written(reference: ModuleType) -> None:
    text = "Émile, Nguyệt_Kovář 's São-Telmo"
    cut = {
        form: [unicodedata.normalize("NFC", one[start:end]) for start, end in reference.token_offsets(one)]
        for form in ("NFC", "NFD")
        for one in [unicodedata.normalize(form, text)]
    }
    assert cut["NFC"] == cut["NFD"] == ["Émile", ",", "Nguyệt", "_", "Kovář", "'", "s", "São", "-", "Telmo"]


def test_offsets_lead_from_the_text_to_tags_and_back(reference: ModuleType) -> None:
    text = "Łucja met Jose\u0301 🚂 in São\u00a0Telmo, Öland_Bay."
    offsets = reference.token_offsets(text)
    tokens = ["Łucja", "met", "Jose\u0301", "🚂", "in", "São", "Telmo", ",", "Öland", "_", "Bay", "."]
    assert [text[start:end] for start, end in offsets] == tokens
    spans = [(0, 5, "PER"), (10, 15, "PER"), (21, 30, "LOC"), (32, 41, "LOC")]
    tags = reference.char_spans_to_tags(spans, offsets)
    assert reference.tags_to_char_spans(tags, offsets) == spans
    for unit, encoding, width in (("utf-8", "utf-8", 1), ("utf-16", "utf-16-le", 2)):
        counted = [(*(len(text[:at].encode(encoding)) // width for at in span[:2]), span[2]) for span in spans]
        assert reference.to_char_offsets(text, counted, unit) == spans
