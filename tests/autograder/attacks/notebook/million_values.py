"""Fills the file with as many small values and cells as fit; what can't be read deserves at most 8."""


def make(hand_in):
    hand_in.notebook["metadata"]["many"] = [0] * 300_000
    hand_in.save()
