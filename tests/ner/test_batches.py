"""Checks of question 6: padding, buckets, class weights, and the loaders of both frameworks."""

import numpy as np
import pytest

from autograder import agree, hidden, question


def some_examples(data, count, pad_id, longest=9):
    """(ids, labels) of different lengths; `pad_id` and -100 also stand where nothing is padded, and 0 is a label."""
    examples = []
    for at in range(count):
        length = longest if at == 1 else data.size(3, longest - 1)
        ids, labels = data.integers(0, 90, length), data.integers(0, 5, length)
        ids[data.size(1, length - 1)] = pad_id
        ids[-1], labels[0], labels[-1] = pad_id, -100, -100
        labels[1] = 0
        examples.append((ids.tolist(), labels.tolist()))
    return examples


def pad(ns, examples, pad_id):
    """The batch, and an error if the examples aren't as they were."""

    class ChangedArgument(Exception):
        pass

    given = [(list(ids), list(labels)) for ids, labels in examples]
    padded = ns.pad_batch(given, pad_id)
    if given != examples:
        raise ChangedArgument("pad_batch changes the examples that it is given; work on copies")
    return padded


@question("pad_batch")
@pytest.mark.parametrize("pad_id", [0, 1, 77])
def test_padding(student, reference, data, pad_id):
    """A padded batch; pad_id"""
    examples = some_examples(data, data.size(3, 6), pad_id)
    agree(student.run(pad, examples, pad_id), reference.run(pad, examples, pad_id), what="the batch")


@hidden
@question("pad_batch")
def test_nothing_to_pad(student, reference, data):
    """One example alone, and examples of one length"""
    examples = [([3, 4, 5], [0, -100, 2])] * data.size(2, 4)
    for some in (examples, examples[:1], some_examples(data, 2, 4)):
        agree(student.run(pad, some, 4), reference.run(pad, some, 4), what="the batch")


# -- buckets ------------------------------------------------------------------------------------------------------


def buckets_each(ns, problems):
    class ChangedArgument(Exception):
        pass

    found = []
    for lengths, budget in problems:
        given = list(lengths)
        found.append([[int(at) for at in batch] for batch in ns.bucket_batches(given, budget)])
        if given != lengths:
            raise ChangedArgument("bucket_batches changes the list that it is given; work on a copy")
    return found


def compare_buckets(student, reference, *problems):
    problems = list(problems)
    agree(student.run(buckets_each, problems), reference.run(buckets_each, problems), what="the batches of each list")


@question("bucket_batches")
@pytest.mark.parametrize("kind", ["some", "of equal length", "longer than the budget", "exactly full"])
def test_buckets(student, reference, data, kind):
    """Batches within a budget; lengths"""
    some = [data.size(2, 12) for _ in range(data.size(20, 30))]
    size = data.size(3, 6)
    problems = {
        "some": [(some, data.size(30, 40)), (some, data.size(13, 20)), (some, 10_000)],
        "of equal length": [([size] * 11, 3 * size + 1), ([size + 1, size] * 6, 4 * size)],
        "longer than the budget": [([*some, 30, 31, 50], 14), ([30, 20], 10)],
        "exactly full": [([size] * 12, 4 * size), ([size] * 13, 4 * size), ([size] * 5, size)],
    }[kind]
    compare_buckets(student, reference, *problems)


@hidden
@question("bucket_batches")
def test_many_buckets(student, reference, data):
    """Many lists, and an empty one"""
    problems = [([data.size(1, 40) for _ in range(data.size(1, 60))], data.size(20, 200)) for _ in range(10)]
    compare_buckets(student, reference, *problems, ([], 5))


# -- weights ------------------------------------------------------------------------------------------------------


def some_labels(data, shape, k):
    """Mostly the first class, one class absent, -100 here and there."""
    labels = np.minimum(data.integers(0, k, *shape), data.integers(0, k, *shape))
    labels[labels == k - 2] = 0
    labels.reshape(-1)[:3] = -100
    labels.reshape(-1)[3:5] = [k - 1, k - 3]
    return labels


@question("class_weights")
@pytest.mark.parametrize("lead", [(), (6,)], ids=["one sentence", "a batch"])
def test_weights(student, reference, data, lead):
    """Weights of the classes"""
    k = data.size(5, 8)
    labels = some_labels(data, (*lead, data.size(12, 20)), k)
    agree(student.class_weights(labels, k), reference.class_weights(labels, k), what="the weights")


@question("class_weights")
def test_weights_of_rare_classes(student, reference, data):
    """More classes than labels"""
    k = data.size(101, 120)  # so many that -100 is an index of a class
    labels = some_labels(data, (3, data.size(8, 12)), 7)
    agree(student.class_weights(labels, k), reference.class_weights(labels, k), what="the weights")


@hidden
@question("class_weights")
def test_weights_of_one_class(student, reference, data):
    """One class only"""
    k = data.size(3, 5)
    labels = np.full((data.size(2, 3), 4), data.size(0, k - 1))
    labels[0, 1] = -100
    agree(student.class_weights(labels, k), reference.class_weights(labels, k), what="the weights")


# -- loaders ------------------------------------------------------------------------------------------------------


def load_torch(ns, examples, batches, pad_id):
    import torch

    loader = ns.torch_loader(list(examples), [list(batch) for batch in batches], pad_id)
    if not isinstance(loader, torch.utils.data.DataLoader):
        raise TypeError(f"torch_loader gives a {type(loader).__name__}, not a DataLoader")
    return [dict(batch) for batch in loader], [dict(batch) for batch in loader]


def load_tf(ns, examples, batch_size, pad_id):
    import tensorflow as tf

    dataset = ns.tf_dataset(list(examples), batch_size, pad_id)
    if not isinstance(dataset, tf.data.Dataset):
        raise TypeError(f"tf_dataset gives a {type(dataset).__name__}, not a tf.data.Dataset")
    return [dict(batch) for batch in dataset], [dict(batch) for batch in dataset]


PASSES = ("the batches", "the batches of a second pass")


@question("torch_loader")
@pytest.mark.parametrize("pad_id", [0, 50])
def test_torch(student, reference, data, pad_id):
    """The batches, in their order, twice; pad_id"""
    examples = some_examples(data, 9, pad_id)
    order = data.permutation(9).tolist()
    args = examples, [order[:4], order[4:5], order[5:]], pad_id
    agree(student.run(load_torch, *args), reference.run(load_torch, *args), names=PASSES)


@hidden
@question("torch_loader")
def test_torch_uses_some_twice(student, reference, data):
    """Batches that leave examples out and take others twice"""
    args = some_examples(data, 8, 3), [[5, 5, 1], [0], [7, 2, 5, 1]], 3
    agree(student.run(load_torch, *args), reference.run(load_torch, *args), names=PASSES)


@question("tf_dataset")
def test_tf(student, reference, data):
    """The batches, twice"""
    pad_id = data.size(1, 89)
    args = some_examples(data, data.choice([7, 8]), pad_id), 3, pad_id
    agree(student.run(load_tf, *args), reference.run(load_tf, *args), names=PASSES)


@hidden
@question("tf_dataset")
def test_tf_in_one_batch(student, reference, data):
    """More room in a batch than there are examples"""
    args = some_examples(data, data.size(3, 5), 0), 16, 0
    agree(student.run(load_tf, *args), reference.run(load_tf, *args), names=PASSES)
