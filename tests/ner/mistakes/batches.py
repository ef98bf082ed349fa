"""Classic mistakes with batches, in NumPy and in both frameworks."""

from autograder import edited

LOADERS = ("torch_loader",)

edited(
    "pad_batch",
    "padding labelled O",
    old='"labels": np.full(shape, -100, np.int64),',
    new='"labels": np.zeros(shape, np.int64),',
    hint="This is what you get when the labels are padded with 0, which is a class. Padding has the label -100.",
    also=LOADERS,
)
edited(
    "pad_batch",
    "labels padded like ids",
    old='"labels": np.full(shape, -100, np.int64),',
    new='"labels": np.full(shape, pad_id, np.int64),',
    hint="This is what you get when the labels are padded with pad_id. Padding has the label -100.",
    also=LOADERS,
)
edited(
    "pad_batch",
    "ids padded with 0",
    old='np.full(shape, pad_id, np.int64),\n        "attention',
    new='np.zeros(shape, np.int64),\n        "attention',
    hint="This is what you get when the ids are padded with 0. They are padded with pad_id.",
    also=LOADERS,
)
edited(
    "pad_batch",
    "mask from ids",
    old="    return batch\n",
    new='    batch["attention_mask"] = batch["input_ids"] != pad_id\n    return batch\n',
    hint="This is what you get when the mask is ids != pad_id. That id may also stand for a real piece: the mask "
    "comes from lengths.",
    also=LOADERS,
)
edited(
    "pad_batch",
    "mask from labels",
    old="    return batch\n",
    new='    batch["attention_mask"] = batch["labels"] != -100\n    return batch\n',
    hint="This is what you get when the mask is labels != -100. Continuations and specials have no label, but "
    "are real.",
    also=LOADERS,
)
edited(
    "pad_batch",
    "padded on the left",
    old='    for row, (ids, labels) in enumerate(examples):\n        batch["input_ids"][row, : len(ids)] = ids\n'
    '        batch["attention_mask"][row, : len(ids)] = True\n        batch["labels"][row, : len(ids)] = labels\n',
    new='    for row, (ids, labels) in enumerate(examples):\n        batch["input_ids"][row, -len(ids) :] = ids\n'
    '        batch["attention_mask"][row, -len(ids) :] = True\n        batch["labels"][row, -len(ids) :] = labels\n',
    hint="This is what you get when padding stands on the left. It stands on the right, after the ids.",
    also=LOADERS,
)
edited(
    "pad_batch",
    "mask of ints",
    old="np.zeros(shape, bool)",
    new="np.zeros(shape, np.int64)",
    hint="This is what you get when the mask holds ints. It holds bools, True where a piece is real.",
    also=LOADERS,
)

edited(
    "bucket_batches",
    "not sorted",
    old="for at in sorted(range(len(lengths)), key=lambda at: lengths[at]):",
    new="for at in range(len(lengths)):",
    hint="This is what you get without sorting. Examples of similar length belong together: shortest first.",
)
edited(
    "bucket_batches",
    "longest first",
    old="key=lambda at: lengths[at]):",
    new="key=lambda at: -lengths[at]):",
    hint="This is what you get with the longest first. The shortest come first.",
)
edited(
    "bucket_batches",
    "ties backwards",
    old="key=lambda at: lengths[at]):",
    new="key=lambda at: (lengths[at], -at)):",
    hint="This is what you get when equal lengths come in another order than they stand in. Sort stably.",
)
edited(
    "bucket_batches",
    "real pieces counted",
    old="(len(batches[-1]) + 1) * lengths[at] > budget:",
    new="sum(lengths[one] for one in batches[-1]) + lengths[at] > budget:",
    hint="This is what you get when only real pieces are counted. Padding takes places too: examples times the "
    "longest.",
)
edited(
    "bucket_batches",
    "the new example not counted",
    old="(len(batches[-1]) + 1) * lengths[at] > budget:",
    new="len(batches[-1]) * lengths[at] > budget:",
    hint="This is what you get when the batch is measured before the new example is in it: it comes out over the "
    "budget.",
)
edited(
    "bucket_batches",
    "the shortest counted",
    old="(len(batches[-1]) + 1) * lengths[at] > budget:",
    new="(len(batches[-1]) + 1) * lengths[batches[-1][0]] > budget:",
    hint="This is what you get when the batch's first example tells its width. Its longest one does: the newest.",
)
edited(
    "bucket_batches",
    "full batches refused",
    old="(len(batches[-1]) + 1) * lengths[at] > budget:",
    new="(len(batches[-1]) + 1) * lengths[at] >= budget:",
    hint="This is what you get with >= for >. A batch may take exactly the budget.",
)
edited(
    "bucket_batches",
    "an empty first batch",
    old="if batches[-1] and (len",
    new="if (len",
    hint="This is what you get when an example over the budget leaves an empty batch behind.",
)

edited(
    "class_weights",
    "padding counted",
    old="counts = np.bincount(labels[labels != -100], minlength=num_labels)",
    new="counts = np.bincount(np.where(labels == -100, 0, labels).ravel(), minlength=num_labels)",
    hint="This is what you get when -100 is counted as the class 0. It is no label, and doesn't count.",
)
edited(
    "class_weights",
    "counted from the end",
    old="counts = np.bincount(labels[labels != -100], minlength=num_labels)",
    new="counts = np.bincount((labels % num_labels).ravel(), minlength=num_labels)",
    hint="This is what you get when -100 is counted as an index from the end. It is no label, and doesn't count.",
)
edited(
    "class_weights",
    "all classes in K",
    old="(occurs.sum() * counts[occurs])",
    new="(num_labels * counts[occurs])",
    hint="This is what you get when K is the number of all classes. It is the number of those that occur.",
)
edited(
    "class_weights",
    "N with padding",
    old="counts.sum() / (occurs",
    new="labels.size / (occurs",
    hint="This is what you get when N counts the places with -100 as well.",
)
edited(
    "class_weights",
    "frequencies",
    old="counts.sum() / (occurs.sum() * counts[occurs])",
    new="counts[occurs] / counts.sum()",
    hint="This is what you get with the share of each class: frequent ones then weigh more. Weights go the other way.",
)
edited(
    "class_weights",
    "smoothed",
    old="    weights[occurs] = counts.sum() / (occurs.sum() * counts[occurs])\n",
    new="    weights = (counts.sum() + num_labels) / (occurs.sum() * (counts + 1.0))\n",
    hint="This is what you get when one is added to each count. A class that doesn't occur has the weight 0.",
)

edited(
    "torch_loader",
    "shuffled",
    old="batch_sampler=batches, collate_fn=collate)",
    new="batch_size=len(batches[0]), shuffle=True, collate_fn=collate)",
    hint="This is what you get when the loader makes its own batches. batch_sampler=batches gives it yours, in "
    "their order.",
)
edited(
    "torch_loader",
    "batches of equal size",
    old="batch_sampler=batches, collate_fn=collate)",
    new="batch_size=len(batches[0]), sampler=[at for batch in batches for at in batch], collate_fn=collate)",
    hint="This is what you get when the indices are batched anew. batch_sampler=batches keeps the batches as they are.",
)
edited(
    "torch_loader",
    "one pass only",
    old="batch_sampler=batches, collate_fn=collate)",
    new="batch_sampler=iter(batches), collate_fn=collate)",
    hint="This is what you get when the batches are used up after one pass. Give the loader the list, not an iterator.",
)
edited(
    "torch_loader",
    "padded to the longest of all",
    old="return {name: torch.as_tensor(array) for name, array in pad_batch(chosen, pad_id).items()}",
    new="longest = max(examples, key=lambda example: len(example[0]))\n"
    "        whole = pad_batch([*chosen, longest], pad_id).items()\n"
    "        return {name: torch.as_tensor(array[: len(chosen)]) for name, array in whole}",
    hint="This is what you get when each batch is padded to the longest example of all. Its own longest is enough.",
)
edited(
    "torch_loader",
    "padded with zero",
    old="in pad_batch(chosen, pad_id).items()}",
    new="in pad_batch(chosen, 0).items()}",
    hint="This is what you get when pad_id isn't passed on.",
)
edited(
    "torch_loader",
    "NumPy arrays",
    old="torch.as_tensor(array) for name, array in pad_batch",
    new="array for name, array in pad_batch",
    hint="This is what you get when the batches hold NumPy arrays. They should hold torch tensors.",
)

edited(
    "tf_dataset",
    "padding labelled O",
    old='"labels": np.int64(-100)}',
    new='"labels": np.int64(0)}',
    hint="This is what you get when the labels are padded with 0, as padded_batch does by itself. Padding has -100.",
)
edited(
    "tf_dataset",
    "ids padded with 0",
    old='"input_ids": np.int64(pad_id)',
    new='"input_ids": np.int64(0)',
    hint="This is what you get when the ids are padded with 0, as padded_batch does by itself. They are padded "
    "with pad_id.",
)
edited(
    "tf_dataset",
    "mask true at the padding",
    old='"attention_mask": False,',
    new='"attention_mask": True,',
    hint="This is what you get when the mask is True at the padding. There it is False.",
)
edited(
    "tf_dataset",
    "last batch dropped",
    old="dataset.padded_batch(batch_size, padding_values=padding)",
    new="dataset.padded_batch(batch_size, padding_values=padding, drop_remainder=True)",
    hint="This is what you get when a last batch that isn't full is dropped, and its examples with it.",
)
edited(
    "tf_dataset",
    "int32",
    old='{"input_ids": tf.int64, "attention_mask": tf.bool, "labels": tf.int64}\n',
    new='{"input_ids": tf.int32, "attention_mask": tf.bool, "labels": tf.int32}\n'
    '    np = type("", (), {"int64": int})\n',
    hint="This is what you get with tf.int32. Ids and labels are int64.",
)
edited(
    "tf_dataset",
    "shuffled",
    old="    return dataset.padded_batch(",
    new="    dataset = dataset.apply(lambda d: d.skip(1).concatenate(d.take(1)))\n    return dataset.padded_batch(",
    hint="This is what you get when the examples change their order. They should come as they stand.",
)
edited(
    "tf_dataset",
    "mask from ids",
    old='"attention_mask": [True] * len(ids), "labels": labels}',
    new='"attention_mask": [one != pad_id for one in ids], "labels": labels}',
    hint="This is what you get when the mask is ids != pad_id. That id may also stand for a real piece: the mask "
    "comes from lengths.",
)

edited(
    "pad_batch",
    "padded in place",
    old='    for row, (ids, labels) in enumerate(examples):\n        batch["input_ids"][row, : len(ids)] = ids\n'
    '        batch["attention_mask"][row, : len(ids)] = True\n        batch["labels"][row, : len(ids)] = labels\n',
    new='    for row, (ids, labels) in enumerate(examples):\n        batch["attention_mask"][row, : len(ids)] = True\n'
    "        ids += [pad_id] * (shape[1] - len(ids))\n        labels += [-100] * (shape[1] - len(labels))\n"
    '        batch["input_ids"][row] = ids\n        batch["labels"][row] = labels\n',
    hint="This is what you get when the examples' own lists are made longer: in the next epoch they come padded. "
    "Leave them as they are.",
    also=("torch_loader",),
)
edited(
    "class_weights",
    "as long as the labels that occur",
    old="counts = np.bincount(labels[labels != -100], minlength=num_labels)",
    new="counts = np.bincount(labels[labels != -100])\n    num_labels = len(counts)",
    hint="This is what you get without minlength: bincount stops at the largest label that occurs. There are "
    "num_labels weights.",
)
edited(
    "tf_dataset",
    "padded to the longest of all",
    old="dataset.padded_batch(batch_size, padding_values=padding)",
    new="dataset.padded_batch(\n        batch_size, {name: [max(len(ids) for ids, _ in examples)] for name in kinds}, "
    "padding_values=padding\n    )",
    hint="This is what you get when each batch is padded to the longest example of all. Its own longest is enough.",
)
edited(
    "tf_dataset",
    "one pass only",
    old="    dataset = tf.data.Dataset.from_generator(generate, output_signature=signature)",
    new="    once = generate()\n    dataset = tf.data.Dataset.from_generator(lambda: once, output_signature=signature)",
    hint="This is what you get when the dataset reads one generator, which is used up after a pass. from_generator "
    "takes the function that makes one.",
)
