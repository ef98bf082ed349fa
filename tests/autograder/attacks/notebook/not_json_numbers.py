"""Writes NaN, infinities, enormous exponents and integers of a hundred thousand digits for points; deserves at most 8."""

import json


def make(hand_in):
    text = json.dumps(hand_in.notebook)
    text = text.replace('"points": 2', '"points": 1e999').replace('"points": 4', '"points": NaN')
    hand_in.save(text.replace('"nbformat_minor": 5', '"nbformat_minor": 5, "more": ' + "9" * 100_000))
