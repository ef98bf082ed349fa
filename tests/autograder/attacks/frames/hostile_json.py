"""Sends control parts with keys twice, NaN and nesting beyond any stack; the rest deserves 6.

Says: sent an answer that is none
"""

# %% helpers


# %% double
def double(x):
    if x.dtype == np.float32:
        send(frame(b'{"nonce": "", "nonce": "", "tree": NaN, "complex": {}}'))
    send(frame(b"[" * 30_000 + b"]" * 30_000))
