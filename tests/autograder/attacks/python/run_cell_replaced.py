"""Replaces the shell's run and run_cell, so that later cells aren't run but told to have been; it deserves 0."""

# %% before
shell = get_ipython()
type(shell).run = lambda self, source: None
shell.run_cell = lambda *args, **kwargs: None
