"""The process that tries one input after the other; the one that watches it is `__main__`.

    python -m tests.autograder.fuzz.loop frames FOLDER --seconds 30 --engine coverage --seed 1

What it tries lies in a mapped file before it is tried, so that an input that kills or stops the process is known.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import itertools
import json
import mmap
import os
import random
import re
import resource
import struct
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

HANG_SECONDS = 5.0  # of CPU time for one input of at most MAX_BYTES; honest ones take milliseconds
MAX_BYTES = 150_000
ROOM_MIB = 160  # that one input may add to the process's peak, besides 16 times its own size
LARGEST = 1 << 20
HEAD = struct.Struct("<QQ")  # how many were begun, and the size of the one that is being tried
_KEPT = 25  # inputs that are kept of each kind of fault
_EVERY = 64
_NUMBERS = re.compile(r"'[^']*'|\"[^\"]*\"|0x[0-9a-f]+|\d[\d.,]*")


class Loop:
    """Tries inputs on a target's `check` and keeps count; ends the process when its time is over."""

    def __init__(self, target: ModuleType, folder: Path, name: str, seconds: float) -> None:
        self._target, self._folder, self._name = target, folder, name
        self._end = time.monotonic() + seconds
        self._kinds: Counter[str] = Counter()
        self._count = 0
        self._findings: list[dict[str, Any]] = []
        self._known: Counter[str] = Counter()
        self._slowest, self._slowest_bytes = 0.0, 0
        self._peak = self._first_peak = _peak_mib()
        with (folder / f"{name}.now").open("w+b") as file:
            file.truncate(HEAD.size + LARGEST)
            self._now = mmap.mmap(file.fileno(), HEAD.size + LARGEST)

    def one(self, data: bytes) -> None:
        """Try one input. Whatever is wrong with how it was dealt with is kept, and the next one follows."""
        self._count += 1
        HEAD.pack_into(self._now, 0, self._count, len(data))
        self._now[HEAD.size : HEAD.size + min(len(data), LARGEST)] = data[:LARGEST]
        began = time.process_time()
        try:
            kind = self._target.check(data)
        except Exception as error:  # what this is here to find
            kind = f"CRASH {type(error).__name__}"
            trace = traceback.extract_tb(error.__traceback__)[-1]
            self._keep("crash", f"{type(error).__name__} at {Path(trace.filename).name}:{trace.lineno}", data, error)
        spent = time.process_time() - began
        if spent > self._slowest:
            self._slowest, self._slowest_bytes = spent, len(data)
        if spent > HANG_SECONDS:
            self._keep("hang", f"{_plain(kind)} only after {HANG_SECONDS:g} s", data, None)
        peak = _peak_mib()
        if peak - self._peak > ROOM_MIB + (len(data) >> 16):
            self._keep("crash", f"memory: {peak - self._peak} MiB for one input", data, None)
        self._peak = max(self._peak, peak)
        kind = _plain(kind)
        self._kinds[kind if kind in self._kinds or len(self._kinds) < 300 else "other"] += 1
        if self._count % _EVERY == 0:
            if time.monotonic() > self._end:
                self.finish()
            if self._count % (_EVERY * 32) == 0:
                self.write()

    def finish(self) -> NoReturn:
        """Write the counts and end, whatever engine calls this."""
        self.write()
        os._exit(0)

    def write(self) -> None:
        told = {
            "count": self._count,
            "kinds": dict(self._kinds.most_common()),
            "findings": self._findings,
            "slowest_seconds": round(self._slowest, 4),
            "slowest_bytes": self._slowest_bytes,
            "peak_mib": self._peak,
            "peak_before_mib": self._first_peak,
        }
        partial = self._folder / f"{self._name}.stats.partial"
        partial.write_text(json.dumps(told))
        partial.replace(self._folder / f"{self._name}.stats")

    def _keep(self, kind: str, message: str, data: bytes, error: BaseException | None) -> None:
        self._known[message] += 1
        if self._known[message] > 1 or len(self._findings) >= _KEPT:
            return
        path = self._folder / f"{self._name}-{kind}-{len(self._findings)}-{self._count}"
        path.write_bytes(data)
        told = "".join(traceback.format_exception(error)) if error is not None else ""
        self._findings.append({"kind": kind, "message": message, "file": path.name, "trace": told[-3000:]})
        self.write()


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def _plain(reason: str) -> str:
    """A refusal without what is particular to one input."""
    return _NUMBERS.sub("…", reason).split("can't decode", 1)[0][:70]


def _random(loop: Loop, target: ModuleType, seed: int) -> None:
    rng = random.Random(seed)
    corpus = target.corpus()
    for data in corpus:
        loop.one(data)
    while True:
        loop.one(target.mutate(rng.choice(corpus), rng)[:MAX_BYTES])


def _coverage(loop: Loop, target: ModuleType, folder: Path, name: str, seed: int) -> None:
    import atheris

    corpus = folder / f"{name}.corpus"
    corpus.mkdir(exist_ok=True)
    real = target.corpus()
    for at, data in enumerate(real):
        (corpus / f"{at:04}").write_bytes(data)
    numbers = itertools.count(seed)

    def mutate(data: bytes, largest: int, drawn: int) -> bytes:
        rng = random.Random(drawn + next(numbers))
        if rng.random() < 0.3:
            return bytes(atheris.Mutate(data, largest))
        # What was found by its reach is mostly refused early; every second input starts from a real one.
        return bytes(target.mutate(rng.choice(real) if rng.random() < 0.5 else data, rng)[:largest])

    options = [
        f"-max_len={MAX_BYTES}",
        f"-seed={seed % 2**31 or 1}",
        "-timeout=1000000",
        "-rss_limit_mb=0",
        "-len_control=0",
    ]
    options += ["-verbosity=0", f"-artifact_prefix={folder}{os.sep}{name}-", "-runs=-1"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], loop.one, custom_mutator=mutate)
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=("frames", "notebooks", "planted"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--engine", choices=("coverage", "random"), required=True)
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args()
    # A stranger's answer may name a framework; TensorFlow's import would be most of a short run.
    sys.modules["tensorflow"] = None  # type: ignore[assignment]
    with contextlib.suppress(ImportError):
        import torch  # noqa: F401
    watched: contextlib.AbstractContextManager[Any] = contextlib.nullcontext()
    if options.engine == "coverage":
        import atheris

        watched = atheris.instrument_imports(include=["autograder"], enable_loader_override=False)
    with watched:
        target = importlib.import_module(f"tests.autograder.fuzz.{options.target}")
    loop = Loop(target, options.folder, options.target, options.seconds)
    loop.write()
    if options.engine == "coverage":
        _coverage(loop, target, options.folder, options.target, options.seed)
    else:
        _random(loop, target, options.seed)


if __name__ == "__main__":
    main()
