"""Nests its metadata a hundred thousand levels deep, beyond any parser's stack; it deserves 0.

Says: nested deeper than
"""

import json


def make(hand_in):
    text = json.dumps(hand_in.notebook)
    hand_in.save(text.replace('"metadata": {', '"metadata": {"deep": ' + "[" * 100_000 + "]" * 100_000 + ", ", 1))
