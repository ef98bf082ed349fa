"""Uses every descriptor that it finds open, but its own channel, to read and write; the right answers deserve 8.

Says: nothing inherited
"""

# %% before
import os

found = []
for descriptor in range(256):
    try:
        target = os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        continue
    if descriptor > 2 and descriptor != 3 and "/proc/" not in target:
        found.append(target)
    if descriptor <= 2 and target != "/dev/null":
        found.append(target)
print("PROCESS-" + f"SEEN {found}" if found else "nothing inherited")
