"""Nests quotes, lists, brackets, emphasis and formulas without end, for whoever renders them; the rest deserves 8."""


def make(hand_in):
    parts = [
        ">" * 5_000 + " quote", "[" * 20_000, "![" * 10_000, "*a " * 20_000, "`" * 20_000, "- " * 5_000 + "x",
        "$" + "{" * 5_000 + "x" + "}" * 5_000 + "$", "$" + r"\frac{" * 3_000 + "x$", "$" + r"\left(" * 3_000 + "$",
        "<" * 20_000, "&" * 20_000, "[a](" * 10_000, "| " * 10_000 + "\n" + "|-" * 10_000 + "|\n", "_" * 20_000,
        "$" + "x^" * 5_000 + "$", "$$" + r"\begin{matrix}" * 2_000 + "$$", "***" * 10_000 + "a" + "***" * 10_000,
    ]  # fmt: skip
    hand_in.cell("written-why")["source"] = "\n\n".join(parts)
    hand_in.save()
