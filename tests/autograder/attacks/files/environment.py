"""Looks for secrets in the environment, in /proc and in its own memory; the right answers deserve 8.

Says: no secret
"""

# %% before
import os
import re

# In brackets, so that this line isn't what it finds.
wanted = re.compile(b"SECRET-OF-THE-[CR][HE][EF]|ANSWER-OF-A-[N]|[E]NVIRONMENT-wallattack-")
found = set(wanted.findall(repr(dict(os.environ)).encode()))
for path in ("/proc/self/environ", "/proc/self/cmdline", "/proc/self/mountinfo", "/proc/1/environ", "/proc/1/cmdline"):
    try:
        found |= set(wanted.findall(open(path, "rb").read()))
    except OSError:
        pass

# %% before
with open("/proc/self/mem", "rb") as memory:
    for line in open("/proc/self/maps"):
        span, rights = line.split()[:2]
        start, end = (int(part, 16) for part in span.split("-"))
        if rights.startswith("rw") and "/" not in line:
            try:
                memory.seek(start)
                found |= set(wanted.findall(memory.read(min(end - start, 2 << 20))))
            except (OSError, ValueError):
                continue
print(found or "no secret")
