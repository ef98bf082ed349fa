"""Floods stdout, stderr and the raw descriptors without end; the rest was run without that cell and deserves 8.

Says: the rest was run without it
"""

# %% before
import os
import sys

while True:
    print("x" * 10_000)
    sys.stderr.write("y" * 10_000)
    for descriptor in (0, 1, 2):
        os.write(descriptor, b"z" * 10_000)
