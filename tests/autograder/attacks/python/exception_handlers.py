"""Installs custom exception handlers and hooks that hide every error of later cells; the right rest deserves 6.

Says: ZeroDivisionError
"""

# %% before
import sys

get_ipython().set_custom_exc((Exception,), lambda *args, **kwargs: None)
sys.excepthook = sys.unraisablehook = lambda *args: None
get_ipython().showtraceback = get_ipython().showsyntaxerror = lambda *args, **kwargs: None

# %% double
1 / 0
