"""Kills its process in every call and in forty cells, to be started anew for ever; it deserves at most 0.

Says: ended its own process
"""


def make(hand_in):
    for _ in range(40):
        hand_in.own("import os\nos._exit(0)")
    for name, text in (("double", "def double(x)"), ("center", "def center(x)"), ("running", "def Running()")):
        hand_in.cell(f"blank-{name}")["source"] = f"import os\n{text}:\n    os._exit(0)"
    hand_in.save()
