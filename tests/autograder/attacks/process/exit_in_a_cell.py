"""Ends its process by os._exit in a cell of its own; the rest, which is right, deserves 8.

Says: ended its own process (exit code 0)
"""

# %% before
import os

os._exit(0)
