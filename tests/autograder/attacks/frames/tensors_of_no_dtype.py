"""Sends safetensors of a dtype that is none, an object or of ninety dimensions; it deserves 0.

Says: sent an answer that is none
"""

# %% helpers

# %% before
answer_checks_with(
    ["a", 0, "numpy", "float32", {}],
    tensors({"0": {"dtype": "O", "shape": [1] * 90, "data_offsets": [0, 4]}}, bytes(4)),
)
