"""Classic mistakes in reading CTC's paths; those in its tensors are in torch/ and tensorflow/."""

from autograder import edited, mistake

READ = ("ctc_greedy",)

edited(
    "ctc_collapse",
    "blanks dropped first",
    old="    return [symbol for symbol in merged if symbol != blank]",
    new="    path = [symbol for symbol in path if symbol != blank]\n"
    "    return [symbol for at, symbol in enumerate(path) if at == 0 or symbol != path[at - 1]]",
    hint="This is what you get when blanks are dropped before repeats are merged: hel-lo reads helo. Merge first.",
    also=READ,
)
edited(
    "ctc_collapse",
    "repeats not merged",
    old="    return [symbol for symbol in merged if symbol != blank]",
    new="    return [symbol for symbol in path if symbol != blank]",
    hint="This is what you get when only the blanks are dropped. Repeated neighbours are one symbol.",
    also=READ,
)
edited(
    "ctc_collapse",
    "blanks kept",
    old="    return [symbol for symbol in merged if symbol != blank]",
    new="    return merged",
    hint="This is what you get when blanks stay. They are dropped after repeats were merged.",
    also=READ,
)
edited(
    "ctc_collapse",
    "blank is always 0",
    old="    return [symbol for symbol in merged if symbol != blank]",
    new="    return [symbol for symbol in merged if symbol != 0]",
    hint="This is what you get when class 0 is dropped. The blank is the class that `blank` names.",
    also=READ,
)
edited(
    "ctc_collapse",
    "first compared with the last",
    old="enumerate(path) if at == 0 or symbol != path[at - 1]]\n    return [symbol for symbol in merged",
    new="enumerate(path) if symbol != path[at - 1]]\n    return [symbol for symbol in merged",
    hint="This is what you get when the first symbol is compared with the last one: path[-1] counts from the end.",
    also=READ,
)


@mistake(
    "ctc_collapse",
    hint="This is what you get when every symbol is written once only. Only neighbours are merged.",
    also=READ,
)
def each_symbol_once():
    def ctc_collapse(path, blank):
        return [symbol for symbol in dict.fromkeys(path) if symbol != blank]


edited(
    "ctc_greedy",
    "lengths ignored",
    old="return [ctc_collapse(path[:length], blank) for path, length in zip(",
    new="return [ctc_collapse(path[: len(path)], blank) for path, length in zip(",
    hint="This is what you get when the padding is read as well. Each sequence has `length` frames.",
)
edited(
    "ctc_greedy",
    "one frame too many",
    old="return [ctc_collapse(path[:length], blank) for path, length in zip(",
    new="return [ctc_collapse(path[: length + 1], blank) for path, length in zip(",
    hint="This is what you get with one frame too many. Frame `length` is padding already.",
)
edited(
    "ctc_greedy",
    "not collapsed",
    old="return [ctc_collapse(path[:length], blank) for path, length in zip(",
    new="return [path[:length] for path, length in zip(",
    hint="This is what you get when paths aren't collapsed.",
)
edited(
    "ctc_greedy",
    "first class for the blank",
    old="return [ctc_collapse(path[:length], blank) for path, length in zip(",
    new="return [ctc_collapse(path[:length], 0) for path, length in zip(",
    hint="This is what you get when class 0 is the blank. It is the class that `blank` names.",
)
