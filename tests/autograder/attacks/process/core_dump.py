"""Crashes with the limits on core dumps raised, to leave its memory on the disk; the rest deserves 6.

Says: crashed
"""

# %% double
import ctypes
import resource


def double(x):
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
    except (ValueError, OSError):
        pass
    return ctypes.string_at(0)
