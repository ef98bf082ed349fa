"""Formulas in TeX's notation as MathML, which browsers draw by themselves: no script, no font from elsewhere.

The part of TeX's mathematics that lecture notes use. Whatever lies outside of it makes
`render` give None, and the formula stays as it was typed: never half a formula.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from html import escape

from markupsafe import Markup

from autograder.report import _tex

MAX_TOKENS = 2_000
MAX_DEPTH = 24
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\s+|.", re.DOTALL)
_ENDS = ("}", "&", "\\\\", "\\right", "\\end")
_AFTER_A_NAME = (None, "(", "[", "|", ",", ".", ")", "\\left", "\\lvert", "\\lVert", "\\|", *_ENDS)
_EMPTY = "<mrow></mrow>"


class _Unknown(Exception):
    """Something that this module does not draw."""


def render(tex: str, *, display: bool) -> Markup | None:
    """The `<math>` element of a formula, its source kept as an annotation; None when it can't be drawn whole."""
    parts = _TOKEN.findall(tex)
    if len(parts) > MAX_TOKENS:
        return None
    parser = _Parser(parts)
    try:
        drawn = parser.row(())
        parser.expect_end()
    except _Unknown:
        return None
    kind = "block" if display else "inline"
    source = f'<annotation encoding="application/x-tex">{escape(tex.strip())}</annotation>'
    html = f'<math display="{kind}"><semantics>{drawn}{source}</semantics></math>'
    return Markup(html)  # noqa: S704 - every name and character below goes through `_leaf`, which escapes


class _Parser:
    def __init__(self, parts: list[str]) -> None:
        self._parts, self._at, self._depth = parts, 0, 0

    def row(self, stops: Collection[str]) -> str:
        """Everything up to one of `stops`, which stays to be read."""
        items = []
        while (part := self._peek()) is not None and part not in stops:
            if part in _ENDS:
                raise _Unknown(f"{part} without a beginning")
            items.append(self._scripted())
            if part.startswith("\\") and part[1:] in _tex.NAMED and self._peek() not in (*_AFTER_A_NAME, *stops):
                items.append(_space(_tex.SPACES[","]))
        drawn = [item for item in items if item]
        return drawn[0] if len(drawn) == 1 else f"<mrow>{''.join(drawn)}</mrow>"

    def expect_end(self) -> None:
        if self._peek() is not None:
            raise _Unknown("something follows")

    def _peek(self) -> str | None:
        """The next part that isn't white space."""
        while self._at < len(self._parts) and self._parts[self._at].isspace():
            self._at += 1
        return self._parts[self._at] if self._at < len(self._parts) else None

    def _take(self, expected: str | None = None) -> str:
        part = self._peek()
        if part is None or (expected is not None and part != expected):
            raise _Unknown(f"{expected or 'more'} expected")
        self._at += 1
        return part

    def _scripted(self) -> str:
        """An atom with what stands at its foot and head."""
        start = self._peek()
        base = _EMPTY if start in ("^", "_", "'") else self._atom()
        while self._peek() in ("\\limits", "\\nolimits"):
            self._take()
        foot, head = None, None
        while (part := self._peek()) in ("^", "_", "'"):
            self._take()
            if part == "'":
                primes = "′"
                while self._peek() == "'":
                    self._take()
                    primes += "′"
                if head is not None:
                    raise _Unknown("two superscripts")
                head = _leaf("mo", primes)
            elif part == "^" and head is None:
                head = self._argument()
            elif part == "_" and foot is None:
                foot = self._argument()
            else:
                raise _Unknown("two scripts at one place")
        if foot is None and head is None:
            return base
        base = base or _EMPTY
        name = (start or "").removeprefix("\\")
        # Browsers move these back to the side where the formula stands in a line of text.
        below = name in _tex.BRACES or name in _tex.LIMITS or (name in _tex.LARGE and not name.endswith("int"))
        both, low, high = ("munderover", "munder", "mover") if below else ("msubsup", "msub", "msup")
        if foot is not None and head is not None:
            return f"<{both}>{base}{foot}{head}</{both}>"
        return f"<{low}>{base}{foot}</{low}>" if foot is not None else f"<{high}>{base}{head}</{high}>"

    def _argument(self) -> str:
        """What a command or a script applies to: a group, a single digit, or the next atom."""
        part = self._peek()
        if part is not None and len(part) > 1 and part[0].isdigit():
            self._parts[self._at] = part[1:]
            return _leaf("mn", part[0])
        return self._atom() or _EMPTY

    def _atom(self) -> str:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _Unknown("nested too deep")
        drawn = self._drawn(self._take())
        self._depth -= 1
        return drawn

    def _drawn(self, part: str) -> str:
        if part == "{":
            drawn = self.row(("}",))
            self._take("}")
            return drawn
        if part.startswith("\\") and len(part) > 1:
            return self._command(part[1:])
        if part[0].isdigit():
            return _leaf("mn", part)
        if part.isalpha():
            return _leaf("mi", part)
        if part in "()[]|":
            return _leaf("mo", part, 'stretchy="false"')
        if part == "~":
            return _space(_tex.SPACES[" "])
        if len(part) == 1 and (part in '+-=<>,.;:!/*?`"@' or ord(part) > 127):
            return _leaf("mo", {"-": "−", "*": "∗"}.get(part, part))
        raise _Unknown(part)

    def _command(self, name: str) -> str:
        if name in _tex.GREEK or name in _tex.LETTERS:
            return _leaf("mi", _tex.GREEK.get(name) or _tex.LETTERS[name])
        if name in _tex.CAPITAL_GREEK:
            return _leaf("mi", _tex.CAPITAL_GREEK[name], 'mathvariant="normal"')
        if name in _tex.OPERATORS:
            return _leaf("mo", _tex.OPERATORS[name])
        if name in _tex.FENCES:
            return _leaf("mo", _tex.FENCES[name], 'stretchy="false"')
        if name in _tex.LARGE:
            return _leaf("mo", _tex.LARGE[name])
        if name in _tex.LIMITS:
            return _leaf("mo", _tex.LIMITS[name], 'movablelimits="true" lspace="0" rspace="0"')
        if name in _tex.FUNCTIONS:
            return _function(name)
        if name in _tex.SPACES:
            return _space(_tex.SPACES[name])
        if name in _tex.NOTHING:
            return ""
        if name in _tex.SIZES:
            return self._atom()
        if name in _tex.ALPHABETS:
            return _letters(self._words(), *_tex.ALPHABETS[name])
        if name in _tex.UPRIGHT:
            words = self._words()
            return _leaf("mtext", words) if name.startswith("text") or name == "mbox" else _function(words)
        return self._construction(name)

    def _construction(self, name: str) -> str:
        """The commands that take arguments."""
        if name in ("frac", "dfrac", "tfrac", "cfrac"):
            return f"<mfrac>{self._argument()}{self._argument()}</mfrac>"
        if name == "binom":
            inner = f'<mfrac linethickness="0">{self._argument()}{self._argument()}</mfrac>'
            return f"<mrow>{_fence('(')}{inner}{_fence(')')}</mrow>"
        if name == "sqrt":
            if self._peek() == "[":
                self._take()
                index = self.row(("]",))
                self._take("]")
                return f"<mroot>{self._argument()}{index}</mroot>"
            return f"<msqrt>{self._argument()}</msqrt>"
        if name in _tex.ACCENTS:
            stretched = name.startswith(("wide", "over"))
            mark = _leaf("mo", _tex.ACCENTS[name], 'stretchy="true"' if stretched else 'stretchy="false"')
            return f'<mover accent="true">{self._argument()}{mark}</mover>'
        if name in _tex.BRACES:
            brace = _leaf("mo", _tex.BRACES[name], 'stretchy="true"')
            over = "mover" if name == "overbrace" else "munder"
            return f"<{over}>{self._argument()}{brace}</{over}>"
        if name in ("overset", "underset", "stackrel"):
            mark, base = self._argument(), self._argument()
            under = "munder" if name == "underset" else "mover"
            return f"<{under}>{base}{mark}</{under}>"
        if name in _tex.BOLD:
            return f'<mstyle style="font-weight:bold">{self._argument()}</mstyle>'
        if name == "left":
            return self._fenced()
        if name == "begin":
            return self._environment()
        raise _Unknown(name)

    def _fenced(self) -> str:
        opened = self._delimiter()
        inner = self.row(("\\right",))
        self._take("\\right")
        return f"<mrow>{_fence(opened)}{inner}{_fence(self._delimiter())}</mrow>"

    def _delimiter(self) -> str:
        part = self._take()
        if part == ".":
            return ""
        name = part.removeprefix("\\")
        if part.startswith("\\") and name in _tex.FENCES:
            return _tex.FENCES[name]
        if part in "()[]|/<>":
            return {"<": "⟨", ">": "⟩"}.get(part, part)
        raise _Unknown(part)

    def _environment(self) -> str:
        name = self._words()
        if name not in _tex.MATRICES:
            raise _Unknown(name)
        columns = self._words() if name == "array" else ""
        rows: list[list[str]] = [[]]
        while True:
            rows[-1].append(self.row(("&", "\\\\", "\\end")))
            part = self._take()
            if part == "\\end":
                break
            if part == "\\\\":
                rows.append([])
        if self._words() != name:
            raise _Unknown("another environment ends here")
        if rows[-1] == [_EMPTY] and len(rows) > 1:  # a last line that only ends
            rows.pop()
        return _table(rows, name, columns)

    def _words(self) -> str:
        """The text in braces, as it stands; or the next part."""
        if self._peek() != "{":
            return self._take()
        self._take("{")
        parts = []
        while self._at < len(self._parts) and self._parts[self._at] != "}":
            part = self._parts[self._at]
            if part in "{$" or (part.startswith("\\") and len(part) > 2):
                raise _Unknown(part)
            parts.append(" " if part.isspace() else {"\\,": " ", "~": " "}.get(part, part.removeprefix("\\")))
            self._at += 1
        self._take("}")
        return "".join(parts)


def _leaf(tag: str, text: str, attributes: str = "") -> str:
    space = " " if attributes else ""
    return f"<{tag}{space}{attributes}>{escape(text)}</{tag}>"


def _function(name: str) -> str:
    """A name of one letter would be drawn slanted, as a variable."""
    return _leaf("mi", name, 'mathvariant="normal"' if len(name) == 1 else "")


def _space(width: float) -> str:
    return f'<mspace width="{width}em"></mspace>'


def _fence(mark: str) -> str:
    return _leaf("mo", mark, 'stretchy="true" fence="true"') if mark.strip() else ""


def _letters(words: str, capital: int, small: int, exceptions: dict[str, str]) -> str:
    """Letters of an alphabet; what has none in it stays as it is."""
    drawn = ""
    for letter in words:
        if letter in exceptions:
            drawn += exceptions[letter]
        elif "A" <= letter <= "Z":
            drawn += chr(capital + ord(letter) - ord("A"))
        elif "a" <= letter <= "z":
            drawn += chr(small + ord(letter) - ord("a"))
        else:
            drawn += letter
    return _leaf("mi", drawn)


def _table(rows: list[list[str]], name: str, columns: str) -> str:
    opening, closing = _tex.MATRICES[name][0], _tex.MATRICES[name][1]
    lines = []
    for row in rows:
        cells = []
        for index, cell in enumerate(row):
            style = f"text-align:{_alignment(name, index, columns)}"
            if name.startswith(("align", "split")):
                style += ";padding-left:0;padding-right:0"  # the two halves of one equation
            cells.append(f'<mtd style="{style}">{cell}</mtd>')
        lines.append(f"<mtr>{''.join(cells)}</mtr>")
    spread = ' displaystyle="true"' if name.startswith(("align", "split", "gather", "equation")) else ""
    return f"<mrow>{_fence(opening)}<mtable{spread}>{''.join(lines)}</mtable>{_fence(closing)}</mrow>"


def _alignment(name: str, index: int, columns: str) -> str:
    if name.startswith(("align", "split")):
        return "right" if index % 2 == 0 else "left"
    if name == "cases":
        return "left"
    asked = [letter for letter in columns if letter in "lcr"]
    return {"l": "left", "r": "right"}.get(asked[index] if index < len(asked) else "c", "center")
