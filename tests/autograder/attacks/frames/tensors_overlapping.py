"""Sends safetensors whose arrays overlap and leave holes; it deserves 0.

Says: sent an answer that is none
"""

# %% helpers

# %% before
answer_checks_with(
    ["a", 0, "numpy", "float32", {}],
    tensors(
        {
            "0": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
            "1": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]},
        },
        bytes(16),
    ),
)
