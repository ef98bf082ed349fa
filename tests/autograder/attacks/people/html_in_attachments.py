"""Attaches SVG, HTML and mislabelled pictures to its written answer, under names of markup; the rest deserves 8."""


def make(hand_in):
    cell = hand_in.cell("written-why")
    cell["source"] = "![a](attachment:a.svg) ![b](attachment:b.png) ![c](attachment:none.png)"
    cell["attachments"] = {
        "a.svg": {"image/svg+xml": "PHN2ZyBvbmxvYWQ9IndhbGxhdHRhY2soKSI+"},
        "b.png": {'image/png" onload="wallattack()': "aGk=", "text/html": "PHNjcmlwdD4="},
        '"><script>wallattack()</script>': {"image/png": '"><script>wallattack()</script>'},
        "c": [1],
        "d": {"image/png": 7},
    }
    hand_in.save()
