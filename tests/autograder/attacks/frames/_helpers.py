"""What the attacks on frames share: it stands in a cell of their own in front of theirs."""

# %% helpers
import gc
import json
import os
import struct


def frame(control, body=b"", *, length=None, size=None):
    """A frame of the jail's wire, whose announced lengths may be others than its own."""
    text = control if isinstance(control, bytes) else json.dumps(control).encode()
    length, size = len(text) if length is None else length, len(body) if size is None else size
    return struct.pack("<3sBIQ", b"AGF", 1, length, size) + text + body


def tensors(header, data=b""):
    """A safetensors body of any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def send(data):
    """Write to the grader's channel, all of it."""
    while data:
        data = data[os.write(3, data) :]


def the_server():
    """The object in this process that answers the grader."""
    return next(thing for thing in gc.get_objects() if type(thing).__name__ == "Server")


def answer_checks_with(value, body=b"", pairs=None):
    """Give each check's request an answer of this value's tree and this body."""
    server = the_server()
    real = server._send

    def forged(channel, tree, arrays, nonce, **options):
        if len(tree) == 2 and tree[0] == "d":
            tree = ["d", [["value", value], ["changed", ["l", []]]]]
            send(frame({"nonce": nonce, "tree": tree, "complex": pairs or {}}, body))
        else:
            real(channel, tree, arrays, nonce, **options)

    server._send = forged
