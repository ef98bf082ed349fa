"""Points to one array of 64 MB twelve hundred times, for the grader to copy each time; it deserves 0.

Says: gave an answer that is none
"""

# %% helpers

# %% before
answer_checks_with(
    ["l", [["a", 0, "numpy", "uint8", {}]] * 1200],
    tensors({"0": {"dtype": "U8", "shape": [1 << 26], "data_offsets": [0, 1 << 26]}}, bytes(1 << 26)),
)
