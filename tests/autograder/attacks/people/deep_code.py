"""Writes code that highlighters and parsers choke on: brackets, strings and operators without end; the rest deserves
8."""


def make(hand_in):
    for text in ("(" * 50_000, "'" * 50_001, '"""' + "\\" * 50_001, "f'{" * 20_000, "-" * 50_000 + "1", "\t" * 50_000 + "x",
                 "0" * 50_000, "x" + ".x" * 50_000, "[" * 300 + "]" * 300, "%%" + "%" * 50_000, "!" * 50_000):  # fmt: skip
        hand_in.own(text)
    hand_in.save()
