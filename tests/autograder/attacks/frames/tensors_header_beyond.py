"""Sends a safetensors header longer than its body, or than all memory; it deserves 0.

Says: sent an answer that is none
"""

# %% helpers

# %% before
answer_checks_with(["a", 0, "numpy", "float32", {}], struct.pack("<Q", 1 << 63) + bytes(64))
