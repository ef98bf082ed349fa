"""Brings a timestamp that is no time, in escapes and markup, to stop the batch; the right answers deserve 8.

Says: holds no time
"""


def make(hand_in):
    hand_in.save()
    hand_in.save("yesterday\x1b[2J<script>wallattack()</script>", "timestamp.txt")
