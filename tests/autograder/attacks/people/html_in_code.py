"""Puts markup into code, comments, names and strings that pages show highlighted; the right answers deserve 8."""

# %% before
# </pre></code></script><script>wallattack()</script><img src=x onerror=wallattack()>
x = """</textarea></style><svg onload=wallattack()>"""


def ﬁ():
    "<!--<script>wallattack()</script>-->"
