"""Leaves by sys.exit, exit() and SystemExit in cells before the blanks; the right rest deserves 8.

Says: SystemExit
"""

# %% before
import sys

sys.exit(0)

# %% before
exit()

# %% before
raise SystemExit("PASSED")
