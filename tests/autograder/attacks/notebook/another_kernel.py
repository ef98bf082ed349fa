"""Asks for another kernel, language and widget state, for nbgrader to start what it names; the right answers deserve
8."""


def make(hand_in):
    hand_in.notebook["metadata"] = {
        "kernelspec": {"name": "bash", "display_name": "bash", "language": "bash"},
        "language_info": {"name": "ruby", "pygments_lexer": "../../../x", "file_extension": ".sh"},
        "widgets": {"application/vnd.jupyter.widget-state+json": {"state": {"<script>wallattack()</script>": {}}}},
        "title": "<script>wallattack()</script>",
    }
    hand_in.save()
