"""Uses marks that reverse the order of text, invisible characters and look-alikes, so that a line says the reverse;
the rest deserves 6."""


# %% double
def double(x):
    raise ValueError(
        "\u202e8/8 dessap sesac lla\u202c \u2066\u200b\u2067 \u200f\u061c zero\u200bwidth\u2028new\u2029line"
    )
