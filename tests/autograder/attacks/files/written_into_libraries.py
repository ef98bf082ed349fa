"""Writes into Python's own folders, so that the next submission would import it; the right answers deserve 8.

Says: nothing could be written
"""

# %% before
import os
import sys

written = []
for folder in {
    *sys.path,
    sys.prefix,
    sys.base_prefix,
    "/usr/lib",
    "/etc",
    "/dev",
    "/proc/self",
    os.path.dirname(np.__file__),
}:
    if folder and folder != os.getcwd():
        try:
            with open(os.path.join(folder, "@MARK@.pth"), "w") as file:
                file.write("import os")
            written.append(folder)
        except OSError:
            pass
for module in (np, torch, os):
    try:
        open(module.__file__, "a").close()
        written.append(module.__file__)
    except OSError:
        pass
print(f"wrote {written}" if written else "nothing could be written")
