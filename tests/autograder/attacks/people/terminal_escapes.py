"""Puts terminal escapes, OSC links, title changes, bells and overstrikes into all that it says; the rest deserves 4.

Says: raises
"""

# %% before
ESCAPES = "\x1b[2J\x1b[H\x1b]0;owned\x07\x1b]8;;https://wallattack.example\x07click\x1b]8;;\x07\x9b31m\r\x08\x07\x1bc\x90q\x9c"
print(ESCAPES)
raise ValueError(ESCAPES)


# %% double
def double(x):
    raise type("Error" + ESCAPES, (Exception,), {})(ESCAPES)


# %% running
class Running:
    def add(self, x):
        return ESCAPES
