"""Sends safetensors whose shape times itemsize wraps around to what was sent; it deserves 0.

Says: sent an answer that is none
"""

# %% helpers

# %% before
answer_checks_with(
    ["a", 0, "numpy", "float32", {}],
    tensors({"0": {"dtype": "F32", "shape": [1 << 32, 1 << 30, 4], "data_offsets": [0, 0]}}),
)
