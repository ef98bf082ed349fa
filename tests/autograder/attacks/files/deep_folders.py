"""Nests folders until no path can name the innermost file, beside a right notebook, which deserves 8."""

import os


def make(hand_in):
    hand_in.save()
    here = os.open(hand_in.folder, os.O_RDONLY)
    for _ in range(24):
        os.mkdir("d" * 200, dir_fd=here)
        deeper = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        with os.fdopen(os.open("f" * 200, os.O_WRONLY | os.O_CREAT, dir_fd=deeper), "w") as file:
            file.write("deep")
        os.close(here)
        here = deeper
    os.close(here)
