"""Answers cells with outputs of its own making: unknown kinds, huge ones, text of escapes; it deserves at most 8."""

# %% helpers

# %% before
hostile = [
    {"output_type": "stream", "name": "stdout", "text": "\x1b[2J<script>wallattack()</script>"},
    {"output_type": "display_data", "data": {"text/html": "<script>wallattack()</script>"}, "metadata": {"a": 1}},
    {"output_type": "error", "ename": "\x1b[2J", "evalue": "=1+1", "traceback": ["<script>wallattack()</script>"]},
]
the_server()._cell = lambda source: (
    ["ValueError: \x1b[2J<b>", 1 << 40],
    [np.frombuffer(json.dumps(hostile).encode(), np.uint8)],
)
