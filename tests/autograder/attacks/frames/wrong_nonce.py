"""Answers with an invented, empty, repeated and missing nonce; the rest deserves 6.

Says: sent an answer that is none
"""

# %% helpers


# %% double
def double(x):
    nonce = {"float32": "0" * 32, "float64": ""}[str(x.dtype)]
    send(frame({"nonce": nonce, "tree": ["d", [["value", ["l", []]], ["changed", ["l", []]]]], "complex": {}}))
