"""Gives every part of the file a wrong type: cells of numbers, sources of objects, outputs of text; deserves at most
8."""


def make(hand_in):
    hand_in.own({"a": 1})
    hand_in.own([1, 2, [3]])
    for key, value in (("metadata", []), ("outputs", "x"), ("cell_type", 7), ("attachments", 3), ("id", {})):
        hand_in.own("1")[key] = value
    hand_in.notebook["metadata"] |= {"kernelspec": {"name": "bash", "argv": ["sh"]}, "language_info": 7}
    hand_in.save()
