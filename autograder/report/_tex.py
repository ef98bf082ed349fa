"""The names that formulas use, and what they look like: TeX commands to Unicode."""

from __future__ import annotations

GREEK = dict(
    zip(
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi "
        "omega varepsilon vartheta varphi varrho varsigma".split(),
        "αβγδϵζηθικλμνξπρστυϕχψωεϑφϱς",
        strict=True,
    )
)
CAPITAL_GREEK = dict(
    zip("Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega".split(), "ΓΔΘΛΞΠΣΥΦΨΩ", strict=True)
)

LETTERS = {"infty": "∞", "partial": "∂", "nabla": "∇", "ell": "ℓ", "hbar": "ℏ", "emptyset": "∅", "varnothing": "∅",
           "top": "⊤", "bot": "⊥", "forall": "∀", "exists": "∃", "prime": "′", "Re": "ℜ", "Im": "ℑ",
           "ldots": "…", "dots": "…", "cdots": "⋯", "vdots": "⋮", "ddots": "⋱"}  # fmt: skip

OPERATORS = {
    "times": "×", "cdot": "·", "div": "÷", "pm": "±", "mp": "∓", "ast": "∗", "star": "⋆", "circ": "∘", "bullet": "∙",
    "odot": "⊙", "otimes": "⊗", "oplus": "⊕", "ominus": "⊖", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠",
    "neq": "≠", "approx": "≈", "sim": "∼", "simeq": "≃", "cong": "≅", "equiv": "≡", "propto": "∝", "ll": "≪", "gg": "≫",
    "in": "∈", "notin": "∉", "ni": "∋", "subset": "⊂", "subseteq": "⊆", "supset": "⊃", "supseteq": "⊇", "cup": "∪",
    "cap": "∩", "setminus": "∖", "to": "→", "rightarrow": "→", "leftarrow": "←", "gets": "←", "mapsto": "↦",
    "leftrightarrow": "↔", "Rightarrow": "⇒", "implies": "⇒", "Leftarrow": "⇐", "Leftrightarrow": "⇔", "iff": "⇔",
    "longrightarrow": "⟶", "uparrow": "↑", "downarrow": "↓", "wedge": "∧", "land": "∧", "vee": "∨", "lor": "∨",
    "neg": "¬", "lnot": "¬", "mid": "∣", "parallel": "∥", "perp": "⟂", "colon": ":", "dagger": "†", "triangleq": "≜",
    "coloneqq": "≔", "backslash": "∖", "%": "%", "#": "#", "&": "&", "_": "_", "$": "$",
}  # fmt: skip

FENCES = {"langle": "⟨", "rangle": "⟩", "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉", "vert": "|", "|": "‖",
          "Vert": "‖", "lvert": "|", "rvert": "|", "lVert": "‖", "rVert": "‖", "{": "{", "}": "}", "lbrace": "{",
          "rbrace": "}", "lbrack": "[", "rbrack": "]"}  # fmt: skip

LARGE = {"sum": "∑", "prod": "∏", "int": "∫", "oint": "∮", "iint": "∬", "bigcup": "⋃", "bigcap": "⋂", "bigoplus": "⨁",
         "bigotimes": "⨂", "coprod": "∐"}  # fmt: skip
LIMITS = {"lim": "lim", "max": "max", "min": "min", "sup": "sup", "inf": "inf", "argmax": "arg max",
          "argmin": "arg min", "limsup": "lim sup", "liminf": "lim inf"}  # fmt: skip
FUNCTIONS = ("log", "ln", "exp", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "det",
             "dim", "ker", "arg", "gcd", "Pr", "deg", "hom")  # fmt: skip
NAMED = (*LIMITS, *FUNCTIONS, "operatorname")  # a thin space parts these from what they apply to

SPACES = {",": 0.167, ":": 0.222, ">": 0.222, ";": 0.278, "!": -0.167, " ": 0.33, "quad": 1.0, "qquad": 2.0,
          "thinspace": 0.167, "enspace": 0.5}  # fmt: skip
ACCENTS = {"hat": "^", "widehat": "^", "bar": "¯", "overline": "‾", "tilde": "~", "widetilde": "~", "vec": "→",
           "overrightarrow": "→", "dot": "˙", "ddot": "¨", "check": "ˇ", "breve": "˘", "mathring": "˚"}  # fmt: skip
BRACES = {"overbrace": "⏞", "underbrace": "⏟", "underline": "_"}
UPRIGHT = ("text", "textrm", "textnormal", "mathrm", "operatorname", "mbox", "textit", "texttt", "mathtt", "mathsf",
           "mathit", "textbf", "textsf")  # fmt: skip
SIZES = (
    "big",
    "Big",
    "bigg",
    "Bigg",
    "bigl",
    "bigr",
    "Bigl",
    "Bigr",
    "biggl",
    "biggr",
    "Biggl",
    "Biggr",
    "bigm",
    "Bigm",
)
NOTHING = ("displaystyle", "textstyle", "nonumber", "notag", "middle")
MATRICES = {"matrix": "  ", "smallmatrix": "  ", "pmatrix": "()", "bmatrix": "[]", "Bmatrix": "{}", "vmatrix": "||",
            "Vmatrix": "‖‖", "cases": "{ ", "aligned": "  ", "align": "  ", "align*": "  ", "split": "  ",
            "gathered": "  ", "array": "  ", "equation": "  ", "equation*": "  "}  # fmt: skip

# Alphabets of mathematical letters: where A and a start, and the letters that Unicode keeps elsewhere.
ALPHABETS: dict[str, tuple[int, int, dict[str, str]]] = {
    "mathbf": (0x1D400, 0x1D41A, {}),
    "mathbb": (0x1D538, 0x1D552, dict(zip("CHNPQRZ", "ℂℍℕℙℚℝℤ", strict=True)) | {"1": "𝟙"}),
    "mathcal": (0x1D49C, 0x1D4B6, dict(zip("BEFHILMRego", "ℬℰℱℋℐℒℳℛℯℊℴ", strict=True))),
    "mathscr": (0x1D49C, 0x1D4B6, dict(zip("BEFHILMRego", "ℬℰℱℋℐℒℳℛℯℊℴ", strict=True))),
    "mathfrak": (0x1D504, 0x1D51E, dict(zip("CHIRZ", "ℭℌℑℜℨ", strict=True))),
}
BOLD = ("boldsymbol", "bm")
