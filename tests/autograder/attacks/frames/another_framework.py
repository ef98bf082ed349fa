"""Answers with a tensor of a framework that this course doesn't use, for the grader to import it; it deserves 0."""

# %% helpers

# %% before
answer_checks_with(
    ["a", 0, "tensorflow", "float32", {}],
    tensors({"0": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, bytes(8)),
)
