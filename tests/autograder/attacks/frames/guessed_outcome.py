"""Sends its verdict, score and points along in the answer, and an answer without a value; it deserves 0.

Says: gave an answer that is none
"""

# %% helpers

# %% before
the_server()._objects.answer = lambda tree, arrays: (
    ["d", [["outcome", "passed"], ["score", 100], ["points", 100], ["changed", ["l", []]]]],
    [],
)
