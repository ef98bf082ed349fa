"""Uses magics and shell escapes to run programs, load extensions, reset names and read files; the rest deserves 8.

Says: not found
"""

# %% before
get_ipython().system("cat @COURSE@/tests/wall/test_wall.py")
get_ipython().run_line_magic("load", "@COURSE@/solutions/wall.py")
get_ipython().run_line_magic("run", "@COURSE@/solutions/wall.py")

# %% before
get_ipython().run_cell_magic("bash", "", "id")

# %% before
get_ipython().run_line_magic("reset", "-f")
import numpy as np
import torch
