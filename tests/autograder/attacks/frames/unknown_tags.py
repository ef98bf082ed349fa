"""Sends trees of unknown tags, malformed nodes, handles that were never given and complex pairs of none; it deserves
0."""

# %% helpers

# %% before
answer_checks_with(
    ["z", [["h", -1, "x" * 60_000], ["f", "0x1p99999"], ["i", "0x" + "f" * 9_000], ["s", [["l", []]]]]],
    pairs={"0": "complex128", "7": 3},
)
