"""Classic mistakes in questions 4, 6 and 7: einsum, logsumexp, compensated sums."""

import math

import numpy as np

from autograder import edited, mistake

# -- einsum -------------------------------------------------------------------------------------------------------

edited(
    "diagonal_view",
    "last stride alone",
    old="strides[label] = strides.get(label, 0) + stride",
    new="strides[label] = stride",
    hint="A letter that appears twice keeps the stride of its last axis, and walks along that axis only. Its step goes "
    "along both: add the strides.",
    also=("einsum",),
)
edited(
    "diagonal_view",
    "first stride alone",
    old="strides[label] = strides.get(label, 0) + stride",
    new="strides.setdefault(label, stride)",
    hint="A letter that appears twice keeps the stride of its first axis, and walks along that axis only. Its step "
    "goes along both: add the strides.",
    also=("einsum",),
)
edited(
    "diagonal_view",
    "letters in alphabetical order",
    old='return view, "".join(sizes)',
    new='return view.transpose([list(sizes).index(label) for label in sorted(sizes)]), "".join(sorted(sizes))',
    hint="The letters are sorted. They stand in the order in which they first appear.",
)
edited(
    "diagonal_view",
    "letters as they were",
    old='return view, "".join(sizes)',
    new="return view, labels",
    hint="The labels still have the letter twice, while the view has one axis for it.",
    also=("einsum",),
)


@mistake(
    "diagonal_view",
    hint="This is a copy of the diagonal. A diagonal is a view: its stride is the sum of the strides.",
)
def a_copied_diagonal():
    def diagonal_view(a, labels):
        sizes, strides = dict(zip(labels, a.shape, strict=True)), dict.fromkeys(labels, 0)
        for label, stride in zip(labels, a.strides, strict=True):
            strides[label] += stride
        view = np.lib.stride_tricks.as_strided(a, tuple(sizes.values()), tuple(strides.values()))
        return view.copy(), "".join(sizes)


edited(
    "align_axes",
    "axes not transposed",
    old="there = a.transpose([labels.index(label) for label in order if label in labels])",
    new="there = a",
    hint="The axes stay in their own order. Transpose them into the order that is asked for, then put in the axes of "
    "size 1.",
    also=("einsum",),
)
edited(
    "align_axes",
    "inverse order",
    old="there = a.transpose([labels.index(label) for label in order if label in labels])",
    new="there = a.transpose(np.argsort([labels.index(label) for label in order if label in labels], kind='stable'))",
    hint="The axes are moved by the inverse permutation. transpose(axes) wants, for each new axis, the number of the "
    "old one: labels.index(letter).",
    also=("einsum",),
)
edited(
    "align_axes",
    "missing axes at the end",
    old="return there[tuple(slice(None) if label in labels else None for label in order)]",
    new="return there[(..., *[None] * (len(order) - len(labels)))]",
    hint="All axes of size 1 are put at the end. Each belongs where its letter stands in the order.",
    also=("einsum",),
)
edited(
    "align_axes",
    "missing axes in front",
    old="return there[tuple(slice(None) if label in labels else None for label in order)]",
    new="return there[(*[None] * (len(order) - len(labels)), ...)]",
    hint="All axes of size 1 are put in front, as broadcasting does. Each belongs where its letter stands in the "
    "order.",
    also=("einsum",),
)

edited(
    "einsum",
    "result in the order of the operands",
    old='order = output + "".join(letter for letter in letters if letter not in output)',
    new='output = "".join(letter for letter in letters if letter in output)\n    '
    'order = output + "".join(letter for letter in letters if letter not in output)',
    hint="The axes of the result stand in the order in which the operands name them. The equation says the order: "
    "ik,jk->ji is a transposed product.",
)
edited(
    "einsum",
    "result in alphabetical order",
    old='inputs, output = equation.split("->")',
    new='inputs, output = equation.split("->")\n    output = "".join(sorted(output))',
    hint="The axes of the result are sorted by their letters. That is what einsum does when no result is given; here "
    "the equation gives it.",
)
edited(
    "einsum",
    "repeated letters not taken",
    old='views = [diagonal_view(x, labels) for x, labels in zip((a, b), inputs.split(","), strict=True)]',
    new="views = [(x[tuple(slice(None) if labels.index(l) == at else 0 for at, l in enumerate(labels))], "
    "''.join(dict.fromkeys(labels))) for x, labels in zip((a, b), inputs.split(','), strict=True)]",
    hint="A letter twice in one operand reads the first row instead of the diagonal. Use diagonal_view first.",
)
edited(
    "einsum",
    "letters of one operand kept",
    old="return (left * right).sum(axis=tuple(range(len(output), len(order))))",
    new="kept = [at for at in range(len(output), len(order)) if all(order[at] in labels for _, labels in views)]\n"
    "    return (left * right).sum(axis=tuple(kept)).reshape((left * right).shape[: len(output)] + (-1,))[..., 0]",
    hint="Only letters that both operands have are summed. Every letter that the result doesn't name is.",
)
edited(
    "einsum",
    "mean for sum",
    old="return (left * right).sum(axis=tuple(range(len(output), len(order))))",
    new="return (left * right).mean(axis=tuple(range(len(output), len(order))))",
    hint="This is a mean over the letters that the result lacks. Einstein's convention sums.",
)


@mistake(
    "einsum",
    hint="np.einsum does the work. Here you build it: diagonals, common axes, a product, a sum.",
)
def by_the_library():
    def einsum(equation, a, b):
        return np.einsum(equation, a, b)


@mistake("einsum", hint="torch.einsum does the work. Here you build it: diagonals, common axes, a product, a sum.")
def by_torch():
    def einsum(equation, a, b):
        import torch

        a, b = (torch.from_numpy(np.array(x)) for x in (a, b))
        return torch.einsum(equation.replace("->", " -> "), [a, b]).numpy()


# -- logsumexp ----------------------------------------------------------------------------------------------------

LARGEST = "largest = x.max(axis=axis, keepdims=True, initial=-np.inf)"
SHIFT = "shift = np.where(np.isfinite(largest), largest, 0).astype(x.dtype)"

edited(
    "logsumexp",
    "no shift",
    old=SHIFT,
    new="shift = np.zeros_like(largest)",
    hint="exp overflows, or everything underflows to log 0: subtract the maximum before exp, and add it after log.",
)
edited(
    "logsumexp",
    "infinite shift",
    old=SHIFT,
    new="shift = largest",
    hint="A row of nothing but -inf gives NaN: -inf - (-inf). Shift by 0 where the maximum isn't finite.",
)
edited(
    "logsumexp",
    "infinite shift upwards",
    old=SHIFT,
    new="shift = np.where(largest == -np.inf, 0, largest).astype(x.dtype)",
    hint="A row with inf in it gives NaN: inf - inf. Shift by 0 where the maximum isn't finite, be it -inf or inf.",
)
edited(
    "logsumexp",
    "shifted by the smallest",
    old=LARGEST,
    new="largest = x.min(axis=axis, keepdims=True, initial=np.inf)",
    hint="The smallest number is subtracted, so that all exponents are positive, and exp overflows where numbers lie "
    "far apart. Subtract the largest.",
)
edited(
    "logsumexp",
    "shifted by the mean",
    old=LARGEST,
    new="largest = x.mean(axis=axis, keepdims=True) if x.shape[axis] else x.sum(axis=axis, keepdims=True)",
    hint="The mean is subtracted. That helps as long as all numbers are close together; where they lie far apart, exp "
    "overflows. Subtract the largest.",
)
edited(
    "logsumexp",
    "one maximum for all",
    old=LARGEST,
    new="largest = np.full_like(x.max(axis=axis, keepdims=True, initial=-np.inf), x.max(initial=-np.inf))",
    hint="All rows are shifted by the maximum of the whole array, and rows far below it underflow to -inf. Each row "
    "needs its own.",
)
edited(
    "logsumexp",
    "shift not added again",
    old=".sum(axis=axis, keepdims=True)) + shift",
    new=".sum(axis=axis, keepdims=True))",
    hint="The maximum is subtracted, but not added again after the logarithm.",
)
edited(
    "logsumexp",
    "empty axis",
    old=LARGEST,
    new="largest = x.max(axis=axis, keepdims=True)",
    hint="The maximum of nothing is an error. An empty sum is 0, and its logarithm -inf: give max initial=-np.inf.",
)
edited(
    "logsumexp",
    "small constant in the logarithm",
    old="result = np.log(np.exp(x - shift).sum(axis=axis, keepdims=True)) + shift",
    new="result = np.log(np.exp(x - shift).sum(axis=axis, keepdims=True) + 1e-8) + shift",
    hint="A small constant is added within the logarithm, so the answer is off a little everywhere, and finite where "
    "it is -inf. With the shift the sum is at least 1, and needs none.",
)
edited(
    "logsumexp",
    "axis ignored",
    old="return result if keepdims else result.squeeze(axis)",
    new="return logsumexp(x.swapaxes(axis, -1)) if axis not in (-1, x.ndim - 1) else result.squeeze(axis)",
    hint="keepdims has no effect: with keepdims=True the axis stays, with size 1.",
)
edited(
    "logsumexp",
    "all axes squeezed",
    old="return result if keepdims else result.squeeze(axis)",
    new="return result.squeeze()",
    hint="squeeze() takes away every axis of size 1. Take away the summed one alone, and keep it with keepdims=True.",
)
edited(
    "logsumexp",
    "warning for a masked row",
    old='with np.errstate(divide="ignore", over="ignore"):',
    new='with np.errstate(divide="warn", over="ignore"):',
    hint="A row of nothing but -inf is answered rightly, but with a warning (divide by zero in log). Say that it is "
    "meant, by np.errstate, or leave out these rows.",
)
edited(
    "logsumexp",
    "answer in float64",
    old=SHIFT,
    new="shift = np.where(np.isfinite(largest), largest, 0).astype(float)",
    hint="The answer is float64 for float32 numbers. np.zeros and float(...) make float64; keep the dtype of x.",
)

# -- two_sum and compensated_sum ----------------------------------------------------------------------------------

ERROR = "return s, (a - (s - b_arrived)) + (b - b_arrived)"

edited(
    "two_sum",
    "the larger one first",
    old=ERROR,
    new="return s, b - b_arrived",
    hint="This is exact only where |a| is at least |b| (Dekker's fast two-sum). In general a loses digits as well: add "
    "what is lost of it.",
    also=("compensated_sum",),
)
edited(
    "two_sum",
    "sign of the error",
    old=ERROR,
    new="return s, ((s - b_arrived) - a) + (b_arrived - b)",
    hint="The error has the wrong sign: s + e has to give a + b, so e is what the sum lacks.",
    also=("compensated_sum",),
)
edited(
    "two_sum",
    "error of a alone",
    old=ERROR,
    new="return s, a - (s - b_arrived)",
    hint="Only what was lost of a is there. b loses digits as well: add b minus what arrived of it.",
    also=("compensated_sum",),
)
edited(
    "two_sum",
    "algebra",
    old=ERROR,
    new="return s, (a + b) - s",
    hint="(a + b) - s is 0: a + b is rounded in the same way again. The rounded steps have to be taken one by one.",
    also=("compensated_sum",),
)
edited(
    "two_sum",
    "through float64",
    old=ERROR,
    new="return s, (np.asarray(a, float) + np.asarray(b, float) - np.asarray(s, float)).astype(s.dtype)",
    hint="The error comes from a wider type. That finds nothing for float64, and loses digits where a and b are far "
    "apart. Six operations in the type of a and b are exact.",
    also=("compensated_sum",),
)

edited(
    "compensated_sum",
    "errors not added",
    old="return total + lost",
    new="return total",
    hint="The errors are collected and then left out: add them to the sum at the end.",
)
edited(
    "compensated_sum",
    "only the last error",
    old="lost = lost + error",
    new="lost = error",
    hint="Only the last error is kept. Each addition loses something: add the errors up.",
)
edited(
    "compensated_sum",
    "errors subtracted",
    old="return total + lost",
    new="return total - lost",
    hint="The errors are subtracted. two_sum's e is what the sum lacks: add it.",
)
edited(
    "compensated_sum",
    "errors added at once",
    old="lost = lost + error",
    new="total = total + error",
    hint="Each error is added to the sum at once, where it is lost again: it is smaller than half a unit of the sum. "
    "Keep them apart until the end.",
)


@mistake(
    "compensated_sum",
    hint="This is a plain sum: it loses a digit with every power of ten of the terms that cancel.",
)
def a_naive_sum():
    def compensated_sum(x):
        total = np.zeros(x.shape[1:], x.dtype)
        for term in x:
            total = total + term
        return total


@mistake(
    "compensated_sum",
    hint="np.sum adds in pairs, which keeps the errors small beside the sum of the absolute values. Terms that cancel "
    "need the errors themselves.",
)
def the_librarys_sum():
    def compensated_sum(x):
        return np.sum(x, axis=0)


@mistake(
    "compensated_sum",
    hint="The terms are sorted by size and added up plainly. That is better than any order, and loses digits all the "
    "same: each addition among the large ones is rounded. Collect what is lost.",
)
def sorted_first():
    def compensated_sum(x):
        x = np.take_along_axis(x, np.argsort(-np.abs(x), axis=0, kind="stable"), axis=0)
        total = np.zeros(x.shape[1:], x.dtype)
        for term in x:
            total = total + term
        return total


@mistake(
    "compensated_sum",
    hint="The sum is taken in long double, which has at most eleven digits more than float64 and is no wider at all on "
    "many machines. Collect the errors in the type of x.",
)
def summed_in_long_double():
    def compensated_sum(x):
        return np.sum(x, axis=0, dtype=np.longdouble).astype(x.dtype)


@mistake(
    "compensated_sum",
    hint="The sum is taken in float64. That helps float32, once, and does nothing for float64: collect the errors in "
    "the type of x.",
)
def summed_in_float64():
    def compensated_sum(x):
        return np.sum(x, axis=0, dtype=float).astype(x.dtype)


@mistake(
    "compensated_sum",
    hint="This is Kahan's sum of 1965. When a term is larger than the sum so far, it corrects the wrong one of the "
    "two, and digits are lost. two_sum doesn't care which is larger.",
)
def kahans_sum():
    def compensated_sum(x):
        total, lost = np.zeros(x.shape[1:], x.dtype), np.zeros(x.shape[1:], x.dtype)
        for term in x:
            corrected = term - lost
            new = total + corrected
            lost = (new - total) - corrected
            total = new
        return total


@mistake(
    "compensated_sum",
    hint="The answer is float64 for float32 terms: np.zeros makes float64 unless you give it x.dtype.",
)
def a_sum_in_float64_throughout():
    def compensated_sum(x):
        flat = x.reshape(len(x), math.prod(x.shape[1:])).astype(float)
        return np.array([math.fsum(column) for column in flat.T]).reshape(x.shape[1:])
