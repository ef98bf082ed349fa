"""Sends its answer a byte at a time, each just before one would give up on it; the rest deserves 6.

Says: ran longer than
"""

# %% helpers

# %% before
import time


# %% double
def double(x):
    for byte in frame({"nonce": "", "tree": 1, "complex": {}}) + bytes(10_000):
        os.write(3, bytes([byte]))
        time.sleep(0.1)
