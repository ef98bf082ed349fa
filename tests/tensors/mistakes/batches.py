"""Classic mistakes in questions 5, 9 and 10: scatter-add, ragged batches, nested structures."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

from autograder import edited, mistake

# -- scatter-add --------------------------------------------------------------------------------------------------

TORCH_SUM = "return empty.index_add(0, segments, values)"
TF_SUM = "return tf.math.unsorted_segment_sum(values, segments, count)"
OVERWRITTEN = (
    "Rows of the same segment overwrite each other: only the last of them is left. Use an operation that accumulates."
)
MEAN = "This is the mean of each segment. Wanted is the sum."
COUNTED = "The count is taken from the largest segment number, so empty segments at the end are lost. Use count."

edited(
    "segment_sum_torch",
    "overwritten",
    old=TORCH_SUM,
    new="return empty.index_copy(0, segments, values)",
    hint=OVERWRITTEN,
)
edited(
    "segment_sum_torch",
    "plus and assign",
    old=TORCH_SUM,
    new="empty[segments] += values\n    return empty",
    hint="y[g] += v reads, adds and writes once for each segment: of the rows of one segment only the last counts. "
    "index_add accumulates.",
)
edited(
    "segment_sum_torch",
    "mean for sum",
    old=TORCH_SUM,
    new='return empty.index_reduce(0, segments, values, "mean", include_self=False)',
    hint=MEAN,
)
edited(
    "segment_sum_torch",
    "count from the segments",
    old="empty = torch.zeros((count, *values.shape[1:]), dtype=values.dtype, device=values.device)",
    new="count = int(segments.max()) + 1 if len(segments) else 0\n    empty = torch.zeros((count, *values.shape[1:]), "
    "dtype=values.dtype, device=values.device)",
    hint=COUNTED,
)
edited(
    "segment_sum_torch",
    "dtype lost",
    old="empty = torch.zeros((count, *values.shape[1:]), dtype=values.dtype, device=values.device)",
    new="empty, values = torch.zeros((count, *values.shape[1:])), values.float()",
    hint="The sums are float32 whatever the values are: torch.zeros makes float32 unless you give it dtype.",
)
edited(
    "segment_sum_torch",
    "cut off the graph",
    old=TORCH_SUM,
    new="return empty.index_add(0, segments, values.detach()) + 0 * values.sum()",
    hint="The values are detached, so no gradient reaches them (NumPy and .data do the same).",
)
edited(
    "segment_sum_torch",
    "neighbours of one segment",
    old=TORCH_SUM,
    new="values = values.clone()\n    for at in range(1, len(segments)):\n"
    "        if segments[at] == segments[at - 1]:\n"
    "            values[at] = values[at] + values[at - 1]\n    return empty.index_copy(0, segments, values)",
    hint="Only rows of a segment that stand next to each other are added. Segments come in any order.",
)
edited(
    "segment_sum_tf",
    "overwritten",
    old=TF_SUM,
    new="empty = tf.zeros((count, *values.shape[1:]), values.dtype)\n    "
    "return tf.tensor_scatter_nd_update(empty, segments[:, None], values)",
    hint=OVERWRITTEN,
)
edited(
    "segment_sum_tf",
    "sorted segments",
    old=TF_SUM,
    new="return tf.math.segment_sum(values, segments)",
    hint="tf.math.segment_sum takes segments in ascending order only, and gives no empty ones at the end. "
    "unsorted_segment_sum takes any.",
)
edited(
    "segment_sum_tf",
    "mean for sum",
    old=TF_SUM,
    new="return tf.math.unsorted_segment_mean(values, segments, count)",
    hint=MEAN,
)
edited(
    "segment_sum_tf",
    "count from the segments",
    old=TF_SUM,
    new="count = tf.reduce_max(segments) + 1 if len(segments) else 0\n    "
    "return tf.math.unsorted_segment_sum(values, segments, count)",
    hint=COUNTED,
)
edited(
    "segment_sum_tf",
    "through NumPy",
    old=TF_SUM,
    new="out = np.zeros((count, *values.shape[1:]), values.dtype.as_numpy_dtype)\n    "
    "np.add.at(out, segments.numpy(), values.numpy())\n    return tf.constant(out)",
    hint="The sum is taken in NumPy, of which the tape knows nothing: the gradient is None.",
)
edited(
    "segment_sum_tf",
    "dtype lost",
    old=TF_SUM,
    new="return tf.math.unsorted_segment_sum(tf.cast(values, tf.float32), segments, count)",
    hint="The sums are float32 whatever the values are. Keep the dtype.",
)

# -- ragged batches -----------------------------------------------------------------------------------------------

GROUPS = "groups = [group[columns].to_numpy(np.float32) for _, group in frame.groupby(key, sort=True)]"
MASK = "mask = np.arange(lengths.max()) < lengths[:, None]"

edited(
    "pad_groups",
    "order of appearance",
    old=GROUPS,
    new="groups = [group[columns].to_numpy(np.float32) for _, group in frame.groupby(key, sort=False)]",
    hint="The groups stand in the order in which they first appear. They are to stand in ascending order of their key.",
)
edited(
    "pad_groups",
    "padded at the left",
    old=MASK,
    new="mask = np.arange(lengths.max())[::-1] < lengths[:, None]",
    hint="The padding stands at the left. Rows begin at position 0, and the padding follows them.",
)
edited(
    "pad_groups",
    "mask from the values",
    old="    return padded, mask",
    new="    return padded, (padded != 0).any(axis=-1)",
    hint="The mask is read off the values: a real row of zeros counts as padding. Take it from the lengths.",
)
edited(
    "pad_groups",
    "missing numbers masked",
    old="    return padded, mask",
    new="    return padded, mask & ~np.isnan(padded).any(axis=-1)",
    hint="Rows with a missing number are masked. The mask says where a row is, whatever it holds.",
)
edited(
    "pad_groups",
    "rows sorted by the index",
    old=GROUPS,
    new="groups = [g.sort_index()[columns].to_numpy(np.float32) for _, g in frame.groupby(key, sort=True)]",
    hint="The rows of a group are sorted by the frame's index. They keep the order in which they stand.",
)
edited(
    "pad_groups",
    "rows taken by label",
    old=GROUPS,
    new="groups = [frame.loc[g.index, columns].to_numpy(np.float32) for _, g in frame.groupby(key, sort=True)]",
    hint="Rows are looked up by their label, and labels may appear twice in an index. Take them by position.",
)
edited(
    "pad_groups",
    "rows in any order",
    old=GROUPS,
    new="frame = frame.sort_values(key)\n    "
    "groups = [group[columns].to_numpy(np.float32) for _, group in frame.groupby(key, sort=True)]",
    hint="The rows of a group are no longer in the order of the frame: sort_values shuffles rows of the same key (its "
    'quicksort isn\'t stable). Ask for kind="stable", or leave the sorting to groupby.',
)
edited(
    "pad_groups",
    "in float64",
    old="padded = np.zeros((*mask.shape, len(columns)), np.float32)",
    new="padded = np.zeros((*mask.shape, len(columns)))",
    hint="The batch is float64: np.zeros makes float64 unless you give it np.float32.",
)
edited(
    "pad_groups",
    "one step too long",
    old=MASK,
    new="mask = np.arange(lengths.max() + 1) < lengths[:, None]",
    hint="There is a step at the end that is padding for every group: L is the length of the longest.",
)

TORCH_KEPT = "kept = torch.where(mask[..., None], x, 0)"
TORCH_MEAN = "return kept.sum(dim=1) / mask.sum(dim=1, keepdim=True).clamp(min=1)"
TF_KEPT = "kept = tf.where(mask[..., None], x, tf.zeros_like(x))"
TF_MEAN = "return tf.reduce_sum(kept, axis=1) / tf.maximum(count, 1)"
PADDED_LENGTH = (
    "The sum is divided by the padded length, so more padding makes every mean smaller. Divide by the number of steps "
    "that the mask keeps."
)
MULTIPLIED = "The padding is multiplied by 0, but 0 · inf and 0 · NaN are NaN. Select with where, then sum."
EMPTY = "An example without any step gives 0/0. Divide by at least 1."
SMALL = "A small constant in the denominator makes every mean a little too small. Divide by max(1, count) instead."
TORCH_REPAIRED = "kept = torch.nan_to_num(x, posinf=0.0, neginf=0.0) * mask[..., None]"
REPAIRED = (
    "NaN and infinities become 0 also in steps that count, where they tell of a fault that nobody will find then. "
    "Select by the mask, not by the values."
)
NO_MASK = "The padding is summed as well: set it to 0 before you sum."
ALL_STEPS = "All examples are divided by the same number, that of all steps in the batch. Each has its own."

edited("masked_mean_torch", "padded length", old=TORCH_MEAN, new="return kept.mean(dim=1)", hint=PADDED_LENGTH)
edited(
    "masked_mean_torch",
    "mean of the product",
    old=TORCH_KEPT + "\n    " + TORCH_MEAN,
    new="return (x * mask[..., None]).mean(dim=1)",
    hint=f"{PADDED_LENGTH} And select by where instead of multiplying: 0 · NaN is NaN.",
)
edited("masked_mean_torch", "multiplied by the mask", old=TORCH_KEPT, new="kept = x * mask[..., None]", hint=MULTIPLIED)
edited(
    "masked_mean_torch",
    "empty example",
    old=TORCH_MEAN,
    new="return kept.sum(dim=1) / mask.sum(dim=1, keepdim=True)",
    hint=EMPTY,
)
edited("masked_mean_torch", "NaN in steps that count", old=TORCH_KEPT, new=TORCH_REPAIRED, hint=REPAIRED)
edited("masked_mean_torch", "padding summed", old=TORCH_KEPT, new="kept = x", hint=NO_MASK)
edited(
    "masked_mean_torch",
    "steps of the whole batch",
    old=TORCH_MEAN,
    new="return kept.sum(dim=1) / mask.sum().clamp(min=1)",
    hint=ALL_STEPS,
)
edited(
    "masked_mean_torch",
    "small constant",
    old=TORCH_MEAN,
    new="return kept.sum(dim=1) / (mask.sum(dim=1, keepdim=True) + 1e-6)",
    hint=SMALL,
)
edited(
    "masked_mean_torch",
    "inverted mask",
    old=TORCH_KEPT,
    new="kept = torch.where(mask[..., None], 0, x)",
    hint="The mask is inverted: True is where a step is, and the padding is what goes.",
)
edited("masked_mean_tf", "padded length", old=TF_MEAN, new="return tf.reduce_mean(kept, axis=1)", hint=PADDED_LENGTH)
edited(
    "masked_mean_tf",
    "multiplied by the mask",
    old=TF_KEPT,
    new="kept = x * tf.cast(mask, x.dtype)[..., None]",
    hint=MULTIPLIED,
)
edited(
    "masked_mean_tf",
    "empty example",
    old=TF_MEAN,
    new="return tf.reduce_sum(kept, axis=1) / count",
    hint=EMPTY,
)
edited(
    "masked_mean_tf",
    "NaN in steps that count",
    old=TF_KEPT,
    new="finite = tf.where(tf.math.is_finite(x), x, tf.zeros_like(x))\n    "
    "kept = tf.where(mask[..., None], finite, tf.zeros_like(x))",
    hint=REPAIRED,
)
edited("masked_mean_tf", "padding summed", old=TF_KEPT, new="kept = x", hint=NO_MASK)
edited(
    "masked_mean_tf",
    "steps of the whole batch",
    old="count = tf.reduce_sum(tf.cast(mask, x.dtype), axis=1, keepdims=True)",
    new="count = tf.reduce_sum(tf.cast(mask, x.dtype))",
    hint=ALL_STEPS,
)
edited(
    "masked_mean_tf",
    "small constant",
    old=TF_MEAN,
    new="return tf.reduce_sum(kept, axis=1) / (count + 1e-6)",
    hint=SMALL,
)

# -- nested structures --------------------------------------------------------------------------------------------

MOVERS = ("to_device_torch", "to_device_tf")
TUPLES = 'return type(structure)(*items) if hasattr(structure, "_fields") else type(structure)(items)'

edited(
    "map_structure",
    "named tuples from one argument",
    old=TUPLES,
    new="return type(structure)(items)",
    hint="A named tuple's class takes its fields one by one: type(structure)(*items).",
)
edited(
    "map_structure",
    "named tuples become tuples",
    old=TUPLES,
    new="return tuple(items) if isinstance(structure, tuple) else items",
    hint="Named tuples come back as plain tuples: batch.inputs is an error then. Build them by their own class.",
)
edited(
    "map_structure",
    "tuples become lists",
    old=TUPLES,
    new='return type(structure)(*items) if hasattr(structure, "_fields") else items',
    hint="Tuples come back as lists. Build the same type again.",
    also=MOVERS,
)
edited(
    "map_structure",
    "keys sorted",
    old="for key, value in structure.items()}",
    new="for key, value in sorted(structure.items(), key=str)}",
    hint="The keys are sorted (as JAX does). They keep their order.",
)
edited(
    "map_structure",
    "strings taken apart",
    old="if isinstance(structure, (list, tuple)):",
    new="if isinstance(structure, str) and len(structure) > 1:\n        return [map_structure(function, c) for c in "
    "structure]\n    if isinstance(structure, (list, tuple)):",
    hint="A string is taken apart into its letters. It has a length and can be iterated over, but it is a leaf.",
    also=MOVERS,
)
edited(
    "map_structure",
    "nothing for None",
    old="    return function(structure)\n",
    new="    return function(structure) if structure is not None else None\n",
    hint="None is left out. Here it is a leaf like any other (it isn't in JAX).",
)
edited(
    "map_structure",
    "values of dicts not entered",
    old="return {key: map_structure(function, value) for key, value in structure.items()}",
    new="return {key: function(value) for key, value in structure.items()}",
    hint="What a dict holds is taken for a leaf. It may be nested further: call map_structure again.",
    also=("common_dtype", *MOVERS),
)


@mistake(
    "map_structure",
    hint="Lists and dicts are changed in place, and who gave you the batch has lost it. Build new ones.",
    also=MOVERS,
)
def in_place():
    def map_structure(function, structure):
        if isinstance(structure, (dict, list)):
            pairs = structure.items() if isinstance(structure, dict) else enumerate(structure)
            for key, value in list(pairs):
                structure[key] = map_structure(function, value)
            return structure
        if isinstance(structure, tuple):
            items = [map_structure(function, item) for item in structure]
            return type(structure)(*items) if hasattr(structure, "_fields") else tuple(items)
        return function(structure)


edited(
    "common_dtype",
    "result_type",
    old="result = leaf.dtype if result is None else torch.promote_types(result, leaf.dtype)",
    new="result = leaf.dtype if result is None else torch.result_type(torch.empty(1, dtype=result), leaf)",
    hint="torch.result_type is the table of expressions, in which a tensor without axes gives way to one with axes. "
    "Here each counts: torch.promote_types takes dtypes alone.",
)

PROMOTED = "result = leaf.dtype if result is None else torch.promote_types(result, leaf.dtype)"

edited(
    "common_dtype",
    "the widest",
    old=PROMOTED,
    new="result = leaf.dtype if result is None or leaf.dtype.itemsize > result.itemsize else result",
    hint="The widest type wins. float16 and bfloat16 are equally wide, and neither holds the other: together they are "
    "float32. torch.promote_types knows.",
)
edited(
    "common_dtype",
    "the first",
    old=PROMOTED,
    new="result = leaf.dtype if result is None else result",
    hint="The first tensor's dtype is taken for all.",
)
edited(
    "common_dtype",
    "the last",
    old=PROMOTED,
    new="result = leaf.dtype",
    hint="The last tensor's dtype is taken for all.",
)
edited(
    "common_dtype",
    "integers count",
    old="if torch.is_tensor(leaf) and leaf.is_floating_point():",
    new="if torch.is_tensor(leaf):",
    hint="Integer and bool tensors take part. Only floating ones do; without any the answer is None.",
)
edited(
    "common_dtype",
    "float32 at least",
    old="    result = None\n    for leaf in found:",
    new="    result = torch.float32\n    for leaf in found:",
    hint="The search begins at float32, so half precision is lost, and a batch of ids has a floating type. Begin with "
    "None.",
)

TO = "return leaf.to(device, dtype if leaf.is_floating_point() else None)"

edited(
    "to_device_torch",
    "ids become floats",
    old=TO,
    new="return leaf.to(device, dtype)",
    hint="Integer and bool tensors are cast as well, and index nothing any more. Only floating tensors are cast.",
)
edited(
    "to_device_torch",
    "dtype lost",
    old=TO,
    new="return leaf.to(device, (dtype or torch.get_default_dtype()) if leaf.is_floating_point() else None)",
    hint="Without a dtype the tensors become float32. They keep theirs then.",
)
edited(
    "to_device_torch",
    "copies what is there",
    old=TO,
    new="return leaf.to(device, dtype if leaf.is_floating_point() else None, copy=True)",
    hint="Every tensor is copied, also those with nothing to do. .to gives the same object then, unless copy=True.",
)
edited(
    "to_device_torch",
    "dtype not used",
    old=TO,
    new="return leaf.to(device)",
    hint="The tensors are moved but not cast: dtype has no effect.",
)
edited(
    "to_device_torch",
    "stays where it is",
    old=TO,
    new="return leaf.to(dtype) if dtype is not None and leaf.is_floating_point() else leaf",
    hint="The tensors are cast but not moved: device has no effect.",
)
edited(
    "to_device_torch",
    "only floats are moved",
    old=TO,
    new="return leaf.to(device, dtype) if leaf.is_floating_point() else leaf",
    hint="Integer and bool tensors stay behind. Only the cast is for floating tensors alone; every tensor is moved.",
)
edited(
    "to_device_torch",
    "numbers become tensors",
    old="        if not torch.is_tensor(leaf):\n            return leaf\n        return leaf.to(device",
    new="        if isinstance(leaf, float):\n            leaf = torch.tensor(leaf)\n"
    "        if not torch.is_tensor(leaf):\n"
    "            return leaf\n        return leaf.to(device",
    hint="Python's numbers become tensors. What isn't a tensor stays the same object.",
)


@mistake(
    "to_device_torch",
    hint="torch.tensor(numbers) chooses a dtype anew, and copies. Use .to, which keeps what you don't ask to change.",
)
def through_lists():
    def to_device_torch(structure, device, dtype=None):
        def move(leaf):
            if not torch.is_tensor(leaf):
                return leaf
            return torch.tensor(leaf.tolist(), device=device, dtype=dtype if leaf.is_floating_point() else None)

        return map_structure(move, structure)


edited(
    "to_device_tf",
    "ids become floats",
    old="if dtype is not None and leaf.dtype.is_floating:",
    new="if dtype is not None:",
    hint="Integer and bool tensors are cast as well, and index nothing any more. Only floating tensors are cast.",
)
edited(
    "to_device_tf",
    "copies what is there",
    old="return leaf if leaf.device.endswith(device) else tf.identity(leaf)",
    new="return tf.identity(leaf)",
    hint="Every tensor is copied, also those with nothing to do: tf.identity makes a new one each time. Look at "
    "tensor.device first.",
)
edited(
    "to_device_tf",
    "names compared whole",
    old="return leaf if leaf.device.endswith(device) else tf.identity(leaf)",
    new="return leaf if leaf.device == device else tf.identity(leaf)",
    hint="The device's name is compared as a whole: a tensor says /job:localhost/…/device:CPU:0, so everything is "
    "copied. Compare the end.",
)
edited(
    "to_device_tf",
    "stays where it is",
    old="        with tf.device(device):\n            if dtype is not None and leaf.dtype.is_floating:\n"
    "                leaf = tf.cast(leaf, dtype)\n"
    "            return leaf if leaf.device.endswith(device) else tf.identity(leaf)",
    new="        return leaf if dtype is None or not leaf.dtype.is_floating else tf.cast(leaf, dtype)",
    hint="The tensors are cast but not moved: device has no effect. with tf.device(device) around tf.identity copies a "
    "tensor there.",
)
edited(
    "to_device_tf",
    "only floats are moved",
    old="        with tf.device(device):\n            if dtype",
    new="        if not leaf.dtype.is_floating:\n            return leaf\n"
    "        with tf.device(device):\n            if dtype",
    hint="Integer and bool tensors stay behind. Only the cast is for floating tensors alone; every tensor is moved.",
)
edited(
    "to_device_tf",
    "dtype not used",
    old="if dtype is not None and leaf.dtype.is_floating:",
    new="if False:",
    hint="The tensors aren't cast: dtype has no effect.",
)
edited(
    "to_device_tf",
    "numbers become tensors",
    old="        if not tf.is_tensor(leaf):\n            return leaf\n        with",
    new="        if isinstance(leaf, float):\n            leaf = tf.constant(leaf)\n"
    "        if not tf.is_tensor(leaf):\n"
    "            return leaf\n        with",
    hint="Python's numbers become tensors. What isn't a tensor stays the same object.",
)
edited(
    "to_device_tf",
    "float32 by default",
    old="if dtype is not None and leaf.dtype.is_floating:",
    new="dtype_or_default = dtype or tf.float32\n            if leaf.dtype.is_floating:\n                "
    "leaf = tf.cast(leaf, dtype_or_default)\n            if False:",
    hint="Without a dtype the tensors become float32. They keep theirs then.",
)
