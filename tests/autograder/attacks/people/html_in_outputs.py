"""Shows HTML, SVG, JavaScript, LaTeX and markdown outputs that act in a reader's browser; the right answers deserve 8."""

# %% before
from IPython.display import HTML, SVG, Javascript, Latex, Markdown, display

display(HTML("<script>wallattack()</script><img src=x onerror=wallattack()><iframe src=//wallattack.example></iframe>"))
display(SVG("<svg xmlns='http://www.w3.org/2000/svg' onload='wallattack()'><script>wallattack()</script></svg>"))
display(Javascript("wallattack()"))
display(Markdown("<script>wallattack()</script> [x](javascript:wallattack())"))
display(Latex(r"$\href{javascript:wallattack()}{x}$ </script><script>wallattack()</script>"))
display({"text/html": "<script>wallattack()</script>", "image/png": '"><script>wallattack()</script>'}, raw=True)
display({"image/svg+xml": "<svg onload=wallattack()>", "application/javascript": "wallattack()"}, raw=True)
display({"image/png": "data:text/html,<script>wallattack()</script>", "application/json": "{}"}, raw=True)
