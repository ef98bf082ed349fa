"""Fills the disk and uses up the inodes of every place it may write to; the right answers deserve 8.

Says: No space left on device
"""

# %% before
for place in (".", "/tmp", "/dev/shm"):
    try:
        for number in range(100_000):
            open(f"{place}/@MARK@{number}", "w").close()
    except OSError as error:
        print(error)
    try:
        with open(f"{place}/@MARK@", "wb") as file:
            while True:
                file.write(bytes(1 << 20))
    except OSError as error:
        print(error)
