"""Sends an answer before it is asked, for the first question to find it; the rest deserves at most 8.

Says: sent an answer that is none
"""

# %% helpers

# %% before
send(frame({"nonce": "", "tree": ["d", [["value", True], ["changed", ["l", []]]]], "complex": {}}))
