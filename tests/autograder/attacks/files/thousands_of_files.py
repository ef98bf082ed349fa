"""Hands in three thousand files and 60 MB beside a right notebook, to fill autograded/; it deserves 8."""


def make(hand_in):
    hand_in.save()
    for number in range(3000):
        hand_in.save(b"x", f"many/{number}.txt")
    for number in range(6):
        hand_in.save(bytes(10 << 20), f"large{number}.bin")
