"""Raises its own limits, priority and OOM score, and pins the cores; the right answers deserve 8.

Says: nothing raised
"""

# %% before
import os
import resource

raised = []
for name in dir(resource):
    if name.startswith("RLIMIT_"):
        number = getattr(resource, name)
        soft, hard = resource.getrlimit(number)
        if hard != resource.RLIM_INFINITY:
            try:
                resource.setrlimit(number, (resource.RLIM_INFINITY,) * 2)
                raised.append(name)
            except (ValueError, OSError):
                pass
try:
    os.nice(-5)
    raised.append("nice")
except OSError:
    pass
try:
    open("/proc/self/oom_score_adj", "w").write("-1000")
    raised.append("oom_score_adj")
except OSError:
    pass
print(f"raised {raised}" if raised else "nothing raised")
