"""Fuzz what reads a stranger's bytes: frames from the jail, and notebooks.

    python -m tests.autograder.fuzz [--seconds 60] [--engine coverage|random] [--seed N]      (make fuzz SECONDS=60)

Writes build/fuzz.json; inputs that crash or hang a reader are kept in build/fuzz/. Exits with 1 when there are any.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..small import HOUSE
from .loop import HEAD, LARGEST

STALL_SECONDS = 60.0  # of wall time without a new input: the process is stopped, and its input kept
SHARE = {"frames": 2 / 3, "notebooks": 1 / 3}  # of the time
_START_SECONDS = 120.0  # imports, on a busy machine
_NO_ATHERIS = (
    "fuzz: atheris, which finds inputs by what they reach, isn't installed. It has wheels for Linux on x86-64: "
    "`pip install -c constraints.txt -e '.[fuzz]'`. Elsewhere `make fuzz ENGINE=random` damages inputs blindly."
)


@dataclass
class Told:
    """What all processes of one target together have told."""

    count: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    findings: list[dict[str, Any]] = field(default_factory=list)
    slowest_seconds: float = 0.0
    slowest_bytes: int = 0
    peak_mib: int = 0
    seconds: float = 0.0

    def add(self, stats: dict[str, Any]) -> None:
        self.count += stats["count"]
        for kind, number in stats["kinds"].items():
            self.kinds[kind] = self.kinds.get(kind, 0) + number
        self.findings += stats["findings"]
        self.peak_mib = max(self.peak_mib, stats["peak_mib"])
        if stats["slowest_seconds"] > self.slowest_seconds:
            self.slowest_seconds, self.slowest_bytes = stats["slowest_seconds"], stats["slowest_bytes"]


def fuzz(target: str, folder: Path, *, seconds: float, engine: str, seed: int, most: int = 50) -> Told:
    """Try inputs on one target for so long, or until `most` are found that do harm.

    A process that an input kills or stops is started again.
    """
    told, began = Told(), time.monotonic()
    while (left := began + seconds - time.monotonic()) > 0.5 and len(told.findings) < most:
        shutil.rmtree(folder / f"{target}.corpus", ignore_errors=True)
        for name in ("now", "stats"):
            (folder / f"{target}.{name}").unlink(missing_ok=True)
        ended = _watch(target, folder, seconds=left, engine=engine, seed=seed + told.count)
        stats = _read(folder / f"{target}.stats")
        if stats is None:
            print((folder / f"{target}.log").read_text(errors="replace")[-2000:], file=sys.stderr)
            raise SystemExit(f"fuzz: the process for {target} never began; {folder / target}.log has all it said.")
        told.add(stats)
        if ended:
            path = folder / f"{target}-{ended.split(':')[0]}-process-{len(told.findings)}"
            path.write_bytes(_being_tried(folder / f"{target}.now"))
            kind = "hang" if ended.startswith("hang") else "crash"
            told.findings.append({"kind": kind, "message": ended, "file": path.name, "trace": ""})
    shutil.rmtree(folder / f"{target}.corpus", ignore_errors=True)
    told.seconds = time.monotonic() - began
    return told


def _watch(target: str, folder: Path, *, seconds: float, engine: str, seed: int) -> str:
    """Run one process to its end; '' when that was as it should be, else what was wrong."""
    command = [sys.executable, "-m", f"{__package__}.loop", target, str(folder), "--engine", engine]
    command += ["--seconds", f"{seconds:.1f}", "--seed", str(seed)]
    with (folder / f"{target}.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=HOUSE, stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
        seen, since, patience = -1, time.monotonic(), _START_SECONDS
        while process.poll() is None:
            try:
                process.wait(0.2)
            except subprocess.TimeoutExpired:
                count = _begun(folder / f"{target}.now")
                if count != seen:
                    seen, since = count, time.monotonic()
                    patience = STALL_SECONDS if count else _START_SECONDS
                elif time.monotonic() - since > patience:
                    process.kill()
                    process.wait()
                    return f"hang: no end after {patience:g} s"
    return "" if process.returncode == 0 else f"crash: the process ended with {process.returncode}"


def _begun(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return int(HEAD.unpack(file.read(HEAD.size).ljust(HEAD.size, b"\0"))[0])
    except OSError:
        return 0


def _being_tried(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError:
        return b""
    return data[HEAD.size :][: min(LARGEST, HEAD.unpack(data[: HEAD.size])[1])]


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return found


def _show(target: str, told: Told) -> None:
    refused = told.count - told.kinds.get("read", 0)
    print(
        f"\n{target}: {told.count:,} in {told.seconds:.0f} s, {refused:,} refused; slowest "
        f"{told.slowest_seconds * 1000:.0f} ms of CPU ({told.slowest_bytes:,} bytes); peak memory {told.peak_mib} MiB"
    )
    for kind, number in sorted(told.kinds.items(), key=lambda item: -item[1])[:40]:
        print(f"  {number:>9,}  {kind}")
    if len(told.kinds) > 40:
        print(f"             and {len(told.kinds) - 40} more reasons")
    for finding in told.findings:
        print(f"  {finding['kind'].upper()}: {finding['message']} ({finding['file']})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--engine", choices=("coverage", "random"), default="coverage")
    parser.add_argument("--seed", type=int, default=None, help="drawn, and printed, if not given")
    parser.add_argument("--only", choices=tuple(SHARE), default=None)
    parser.add_argument("--to", type=Path, default=HOUSE / "build", help="the folder of fuzz.json and fuzz/")
    options = parser.parse_args()
    if options.engine == "coverage" and importlib.util.find_spec("atheris") is None:
        sys.exit(_NO_ATHERIS)
    folder = options.to.resolve() / "fuzz"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    seed = int.from_bytes(os.urandom(3), "little") if options.seed is None else options.seed
    print(f"fuzzing for {options.seconds:g} s ({options.engine}, seed {seed})", flush=True)
    told = {}
    for target, share in SHARE.items():
        if options.only in (None, target):
            seconds = options.seconds * (share if options.only is None else 1.0)
            told[target] = fuzz(target, folder, seconds=seconds, engine=options.engine, seed=seed)
            _show(target, told[target])
    findings = [{"target": target, **finding} for target, each in told.items() for finding in each.findings]
    figures: dict[str, Any] = {target: told[target].count if target in told else 0 for target in SHARE}
    figures |= {
        "crashes": sum(finding["kind"] == "crash" for finding in findings),
        "hangs": sum(finding["kind"] == "hang" for finding in findings),
        "engine": options.engine,
        "seed": seed,
        "seconds": {target: round(each.seconds, 1) for target, each in told.items()},
        "read": {target: each.kinds.get("read", 0) for target, each in told.items()},
        "refusals": {t: {k: n for k, n in each.kinds.items() if k != "read"} for t, each in told.items()},
        "slowest_seconds": {target: each.slowest_seconds for target, each in told.items()},
        "peak_mib": {target: each.peak_mib for target, each in told.items()},
        "findings": findings,
    }
    (options.to / "fuzz.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(f"\n{figures['crashes']} crashes, {figures['hangs']} hangs; {options.to / 'fuzz.json'} has the figures")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
