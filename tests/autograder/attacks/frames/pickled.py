"""Sends a pickle that would run a program, in the place of the frame's body; it deserves 0.

Says: sent an answer that is none
"""

# %% helpers

# %% before
answer_checks_with(["a", 0, "numpy", "float32", {}], b"cos\nsystem\n(S'touch /tmp/@MARK@'\ntR.")
