"""Puts HTML and script into an error's message, a type's name and a cell's output; the rest deserves 6.

Says: <script>
"""

# %% before
print("<script>wallattack()</script><img src=x onerror=wallattack()>")


# %% double
def double(x):
    raise type("<script>wallattack()</script>", (Exception,), {})("<img src=x onerror=wallattack()>")
