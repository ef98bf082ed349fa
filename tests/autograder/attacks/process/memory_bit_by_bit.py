"""Takes memory bit by bit until it is stopped; the rest deserves 6.

Says: used more than 400 MiB of memory
"""


# %% double
def double(x):
    parts = []
    while True:
        parts.append(bytearray(b"x") * (8 << 20))
