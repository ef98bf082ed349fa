"""Formulas as MathML."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.report import mathml

TAGS = {
    *("math", "semantics", "annotation", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mstyle", "mfrac", "msqrt"),
    *("mroot", "msub", "msup", "msubsup", "munder", "mover", "munderover", "mtable", "mtr", "mtd"),
}
ATTRIBUTES = {
    *("display", "encoding", "stretchy", "fence", "accent", "mathvariant", "width", "linethickness", "style"),
    *("displaystyle", "movablelimits", "lspace", "rspace"),
}


def drawn(tex: str, *, display: bool = False) -> ET.Element:
    """The formula's own element, without its annotation."""
    html = mathml.render(tex, display=display)
    assert html is not None, tex
    return ET.fromstring(html)[0][0]


def shape(tex: str, *, display: bool = False) -> str:
    """The formula in a short notation: mfrac(1 sigma)."""

    def of(element: ET.Element) -> str:
        if len(element) == 0:
            return element.text or ""
        inner = " ".join(filter(None, map(of, element)))
        return f"({inner})" if element.tag == "mrow" else f"{element.tag}({inner})"

    return of(drawn(tex, display=display))


@pytest.mark.parametrize(
    ("tex", "expected"),
    [
        ("x", "x"),
        ("x_i^2", "msubsup(x i 2)"),
        ("x^2_i", "msubsup(x i 2)"),
        ("W^\\top x", "(msup(W ⊤) x)"),
        ("\\frac{1}{\\sigma}", "mfrac(1 σ)"),
        ("\\frac12", "mfrac(1 2)"),
        ("\\sqrt{\\sigma^2 + \\epsilon}", "msqrt((msup(σ 2) + ϵ))"),
        ("\\sqrt[3]{x}", "mroot(x 3)"),
        ("\\hat x = (x - \\mu)", "(mover(x ^) = ( x − μ ))"),
        ("\\mathbb{R}^{N \\times D}", "msup(ℝ (N × D))"),
        ("\\mathcal{L}", "ℒ"),
        ("\\mathbf{W}", "𝐖"),
        ("f'(x)", "(msup(f ′) ( x ))"),
        ("\\text{softmax}(z)_i", "(softmax ( z msub() i))"),
        ("\\left( \\frac{a}{b} \\right]", "(( mfrac(a b) ])"),
        ("\\underbrace{a+b}_{c}", "munder(munder((a + b) ⏟) c)"),
        ("\\binom{n}{k}", "(( mfrac(n k) ))"),
        ("\\sum\\limits_i x", "(munder(∑ i) x)"),
        ("\\displaystyle x", "x"),
        ("3.14", "3.14"),
        ("{}", ""),
        ("", ""),
    ],
)
def test_the_notation_of_lecture_notes_is_drawn(tex: str, expected: str) -> None:
    assert shape(tex) == expected


def test_limits_stand_below_where_browsers_may_move_them() -> None:
    assert shape("\\sum_{i=1}^N x_i") == "(munderover(∑ (i = 1) N) msub(x i))"
    assert shape("\\max_j z_j") == "(munder(max j) msub(z j))"
    assert shape("\\int_0^1") == "msubsup(∫ 0 1)"
    assert drawn("\\max_j")[0].get("movablelimits") == "true"


def test_a_thin_space_parts_a_function_from_its_argument_but_not_from_a_bracket() -> None:
    assert [element.tag for element in drawn("\\log x")] == ["mi", "mspace", "mi"]
    assert [element.tag for element in drawn("\\log(x)")] == ["mi", "mo", "mi", "mo"]


def test_matrices_and_cases_are_tables() -> None:
    assert shape("\\begin{pmatrix} a & b \\\\ c & d \\end{pmatrix}") == (
        "(( mtable(mtr(mtd(a) mtd(b)) mtr(mtd(c) mtd(d))) ))"
    )
    assert shape("\\begin{cases} x & x > 0 \\\\ 0 & \\text{else} \\\\ \\end{cases}") == (
        "({ mtable(mtr(mtd(x) mtd((x > 0))) mtr(mtd(0) mtd(else))))"
    )
    assert shape("\\begin{aligned} a &= b \\\\ &= c \\end{aligned}").count("mtr") == 2


def test_a_command_that_draws_nothing_keeps_its_place() -> None:
    assert [element.tag for element in drawn("\\frac\\displaystyle x")] == ["mrow", "mi"]
    assert [element.tag for element in drawn("\\displaystyle^2")] == ["mrow", "mn"]


def test_the_source_is_kept_for_copying() -> None:
    html = mathml.render("a < b", display=False)
    assert html is not None
    assert '<annotation encoding="application/x-tex">a &lt; b</annotation>' in html


@pytest.mark.parametrize(
    "tex",
    [
        "\\unknowncommand{x}",
        "\\href{javascript:alert(1)}{x}",
        "{",
        "}",
        "\\frac{1}",
        "x^2^3",
        "x_",
        "\\left( x",
        "\\right)",
        "\\begin{pmatrix} a",
        "\\begin{pmatrix} a \\end{bmatrix}",
        "\\begin{tikzpicture}\\end{tikzpicture}",
        "a & b",
        "\\text{a $x$}",
        "\\",
        "{" * 500,
        "\\sqrt" * 500 + "x",
        "x" * 10_000,
        "#",
    ],
)
def test_what_cannot_be_drawn_whole_is_not_drawn(tex: str) -> None:
    assert mathml.render(tex, display=True) is None


PARTS = st.sampled_from(
    ["\\frac", "\\sqrt", "{", "}", "^", "_", "[", "]", "&", "\\\\", "\\left", "\\right", "(", ")", "\\begin{cases}"]
    + ["\\end{cases}", "\\hat", "\\text", "<script>", '"', "'", " ", "x", "12", "\\sum", "\\mathbb", "é", "\\<", "\\&"]
    + ["\\displaystyle", "\\limits"]
)


@settings(deadline=None)  # times are no part of what is promised
@given(st.lists(PARTS, max_size=30).map("".join), st.booleans())
def test_any_formula_gives_sound_mathml_or_none(tex: str, display: bool) -> None:
    html = mathml.render(tex, display=display)
    if html is not None:
        for element in ET.fromstring(html).iter():
            assert element.tag in TAGS
            assert set(element.attrib) <= ATTRIBUTES
        arity = {"mfrac": 2, "msub": 2, "msup": 2, "msubsup": 3, "munder": 2, "mover": 2, "munderover": 3, "mroot": 2}
        for element in ET.fromstring(html).iter():
            assert len(element) == arity.get(element.tag, len(element)), html
