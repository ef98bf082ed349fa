"""Sends an empty array of exabytes, whose size no product shows; it deserves 0.

Says: sent an answer that is none
"""

# %% helpers

# %% before
answer_checks_with(
    ["a", 0, "numpy", "float32", {}],
    tensors({"0": {"dtype": "F32", "shape": [0, 1 << 40, 1 << 40], "data_offsets": [0, 0]}}),
)
