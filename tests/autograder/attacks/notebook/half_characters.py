"""Uses lone surrogates, NUL and byte-order marks in text, names and keys; the right answers deserve 8."""


def make(hand_in):
    hand_in.own("print('\\ud800 \\x00 \\ufeff')\n# \ud83d half")
    hand_in.own("raise ValueError('\\udfff')")
    hand_in.cell("written-why")["source"] = "half \ud800 and \x00 and \ufeff"
    hand_in.notebook["metadata"]["\udc00"] = "\ud800"
    hand_in.save()
