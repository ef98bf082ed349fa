"""Names files with controls, escapes, invalid UTF-8, markup and formulas beside a right notebook, which deserves 8."""

import os


def make(hand_in):
    hand_in.save()
    folder = os.fsencode(hand_in.folder)
    for name in (b"\x1b[2J\x1b]0;x\x07", b"\xff\xfe", b"=1+1", b"<script>wallattack()</script>".replace(b"/", b"_"),
                 b"new\nline", b"-rf", b"\xe2\x80\xaetxt.exe", b"x" * 255):  # fmt: skip
        with open(os.path.join(folder, name), "wb") as file:
            file.write(b"x")
