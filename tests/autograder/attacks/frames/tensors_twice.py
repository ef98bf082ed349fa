"""Sends safetensors with one name twice, and a name that is no number; it deserves 0.

Says: sent an answer that is none
"""

# %% helpers

# %% before
entry = '"0": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}'
answer_checks_with(["a", 0, "numpy", "float32", {}], tensors(f"{{{entry}, {entry}}}".encode()))
