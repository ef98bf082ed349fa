"""Other right answers for batches."""

import numpy as np

from autograder import alternative


@alternative("pad_batch")
def by_longer_lists():
    def pad_batch(examples, pad_id):
        longest = max(len(example[0]) for example in examples)
        gaps = [longest - len(ids) for ids, _ in examples]
        return {
            "labels": np.array([list(y) + [-100] * n for (_, y), n in zip(examples, gaps, strict=True)]),
            "input_ids": np.array([list(x) + [pad_id] * n for (x, _), n in zip(examples, gaps, strict=True)]),
            "attention_mask": np.arange(longest) < np.array([len(x) for x, _ in examples])[:, None],
        }


@alternative("bucket_batches")
def by_argsort():
    def bucket_batches(lengths, budget):
        order, batches, batch = np.argsort(np.array(lengths), kind="stable"), [], []
        for at in order:
            if batch and (len(batch) + 1) * lengths[at] > budget:
                batches.append(batch)
                batch = []
            batch = [*batch, int(at)]
        return [*batches, batch] if batch else batches


@alternative("class_weights")
def by_scikit_learn():
    def class_weights(labels, num_labels):
        from sklearn.utils.class_weight import compute_class_weight

        kept = np.ravel(labels)[np.ravel(labels) >= 0]
        present = np.unique(kept)
        weights = np.zeros(num_labels)
        weights[present] = compute_class_weight("balanced", classes=present, y=kept)
        return weights


@alternative("torch_loader")
def by_pad_sequence():
    def torch_loader(examples, batches, pad_id):
        from torch.nn.utils.rnn import pad_sequence

        class Examples(torch.utils.data.Dataset):  # noqa: F821
            def __len__(self):
                return len(examples)

            def __getitem__(self, at):
                ids, labels = examples[at]
                return torch.tensor(ids), torch.tensor(labels), torch.ones(len(ids), dtype=torch.bool)  # noqa: F821

        def together(chosen):
            ids, labels, real = zip(*chosen, strict=True)
            return {
                "input_ids": pad_sequence(ids, batch_first=True, padding_value=pad_id),
                "labels": pad_sequence(labels, batch_first=True, padding_value=-100),
                "attention_mask": pad_sequence(real, batch_first=True),
            }

        return torch.utils.data.DataLoader(Examples(), batch_sampler=batches, collate_fn=together)  # noqa: F821


@alternative("tf_dataset")
def of_batches_made_in_numpy():
    def tf_dataset(examples, batch_size, pad_id):
        def batches():
            for at in range(0, len(examples), batch_size):
                yield pad_batch(examples[at : at + batch_size], pad_id)  # noqa: F821

        kinds = {"input_ids": "int64", "attention_mask": "bool", "labels": "int64"}
        kinds = {name: tf.TensorSpec([None, None], kind) for name, kind in kinds.items()}  # noqa: F821
        return tf.data.Dataset.from_generator(batches, output_signature=kinds)  # noqa: F821


@alternative("tf_dataset")
def by_ragged_tensors():
    def tf_dataset(examples, batch_size, pad_id):
        def ragged(column):
            return tf.ragged.constant([list(example[column]) for example in examples], dtype=tf.int64)  # noqa: F821

        def padded(ids, labels):
            mask = tf.sequence_mask(ids.row_lengths())  # noqa: F821
            ids, labels = ids.to_tensor(default_value=pad_id), labels.to_tensor(default_value=-100)
            return {"input_ids": ids, "attention_mask": mask, "labels": labels}

        return tf.data.Dataset.from_tensor_slices((ragged(0), ragged(1))).batch(batch_size).map(padded)  # noqa: F821


@alternative("pad_batch")
def by_torch():
    def pad_batch(examples, pad_id):
        import torch

        def padded(rows, value):
            rows = [torch.tensor(row) for row in rows]
            return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=value).numpy()

        return {
            "input_ids": padded([ids for ids, _ in examples], pad_id),
            "attention_mask": padded([[True] * len(ids) for ids, _ in examples], False),
            "labels": padded([labels for _, labels in examples], -100),
        }


@alternative("pad_batch")
def by_tensorflow():
    def pad_batch(examples, pad_id):
        import tensorflow as tf

        ids, labels = (tf.ragged.constant([list(e[i]) for e in examples], dtype=tf.int64) for i in (0, 1))
        return {
            "input_ids": ids.to_tensor(default_value=pad_id).numpy(),
            "attention_mask": tf.sequence_mask(ids.row_lengths()).numpy(),
            "labels": labels.to_tensor(default_value=-100).numpy(),
        }


@alternative("bucket_batches")
def by_pandas():
    def bucket_batches(lengths, budget):
        import pandas as pd

        order = pd.Series(lengths, dtype=int).sort_values(kind="stable").index.tolist()
        batches = []
        while order:
            size = 1
            while size < len(order) and (size + 1) * lengths[order[size]] <= budget:
                size += 1
            batches.append(order[:size])
            order = order[size:]
        return batches


@alternative("class_weights")
def by_torch_bincount():
    def class_weights(labels, num_labels):
        import torch

        labels = torch.from_numpy(np.array(labels))
        counts = torch.bincount(labels[labels >= 0], minlength=num_labels).double()
        weights = counts.sum() / ((counts > 0).sum() * counts)
        return torch.where(counts > 0, weights, 0.0).numpy()


@alternative("class_weights")
def by_one_hot():
    def class_weights(labels, num_labels):
        import tensorflow as tf

        counts = tf.reduce_sum(tf.one_hot(labels.reshape(-1), num_labels, dtype=tf.float64), axis=0)
        total, classes = tf.reduce_sum(counts), tf.math.count_nonzero(counts, dtype=tf.float64)
        return tf.math.divide_no_nan(total, classes * counts).numpy()


@alternative("torch_loader")
def by_the_default_collation():
    def torch_loader(examples, batches, pad_id):
        class Batches(torch.utils.data.Dataset):  # noqa: F821
            """One item is a whole batch."""

            def __len__(self):
                return len(batches)

            def __getitem__(self, number):
                arrays = pad_batch([examples[at] for at in batches[number]], pad_id)  # noqa: F821
                return {name: torch.from_numpy(array) for name, array in arrays.items()}  # noqa: F821

        return torch.utils.data.DataLoader(Batches(), batch_size=None, shuffle=False)  # noqa: F821
