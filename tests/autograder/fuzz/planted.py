"""A reader with faults, to see that the fuzzer finds them: it raises, never ends, or takes its process along."""

from __future__ import annotations

import os
import random
import signal


def check(data: bytes) -> str:
    """'read', but for three inputs."""
    if data == b"raise":
        raise RuntimeError("planted")
    if data == b"kill":
        os.kill(os.getpid(), signal.SIGKILL)
    while data == b"spin":
        signal.pause()
    return "read"


def corpus() -> list[bytes]:
    return [b"fine", b"raise"]


def mutate(data: bytes, rng: random.Random) -> bytes:
    return rng.choice((b"fine", b"raise", b"kill", b"spin"))
