"""Gives cells, source and points twice in one object, for two readers to take different ones; it deserves 0.

Says: twice in one object
"""

import json


def make(hand_in):
    text = json.dumps(hand_in.notebook)
    hand_in.save(text.replace('"points": 2', '"points": 2, "points": 200').replace("{", '{"cells": [], ', 1))
