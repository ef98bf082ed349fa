"""What goes wrong on our side: killed processes, full and read-only disks, locked databases, two runs at once.

    python -m benchmarks.faults [--rounds 200] [--seed N] [--only kill-grader …]      (make faults ROUNDS=200)

Every round grades a small class while one fault strikes, then grades it again undisturbed. What the gradebook
holds then, read through nbgrader's own API, must be what a run without any fault gives; nothing may be left
behind, no process, no mount, no temporary folder; and no run may end in a traceback. Most runs are forks of a
process that has imported everything, so that a round takes seconds. Writes build/faults.json; exits with 1 when
a round failed. Needs Linux; a full and a read-only disk need root (they are mounted), and are left out without it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.autograder import sums

HOUSE = Path(__file__).parents[1]
PATIENCE = 120.0  # for one run on a busy machine; a grader that is stopped by it has hung
LOCK_WAIT = 30.0  # how long the gradebook waits for another writer
_GONE_SECONDS = 10.0  # for what a killed grader leaves to be ended by the kernel and the warm process

ANSWERS: tuple[dict[str, str], ...] = (
    {},
    {"softmax": "def softmax(x):\n    powers = np.exp(x - x.max())\n    return powers / powers.sum()"},
    {"tags": "def tags(words):\n    return [word[:1] for word in words]"},
    {"running": "class Running:\n    def add(self, x):\n        return x", "tags": "def tags(words):\n    return []"},
    {"softmax": "import os\nos._exit(3)"},
    {"tags": "def tags(words:\n    return words"},
)


@dataclass
class Run:
    """One `course grade` and what became of it."""

    pid: int
    log: Path
    began: float
    code: int | None = None
    seconds: float = 0.0

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")


@dataclass
class Round:
    """What one round did and found wrong."""

    fault: str
    number: int
    struck: str = ""
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Class:
    """A course with a class that has handed in, and what grading it without a fault gives."""

    def __init__(self, folder: Path, students: int) -> None:
        self.template, self.folder = folder / "template", folder
        sums.write_course(self.template, config="c.CourseSettings.case_seconds = 5.0\n")
        subprocess.run(
            [sys.executable, "-m", "autograder", "build"], cwd=self.template, check=True, capture_output=True
        )
        from autograder.notebook import dump

        for number in range(students):
            answers = ANSWERS[number % len(ANSWERS)]
            path = self.template / "submitted" / f"student-{number:02}" / "sums" / "sums.ipynb"
            path.parent.mkdir(parents=True)
            path.write_bytes(dump(sums.answered(**answers)))
        (path.parent / "sums.ipynb").write_bytes(b"<html>Sign in</html>")  # the last one is no notebook
        self.expected: list[tuple[Any, ...]] = []
        self.durations: list[float] = []

    def course(self, name: str) -> Path:
        """A fresh copy, nothing graded yet."""
        root = self.folder / name
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(self.template, root)
        return root

    def grade(self, root: Path, name: str, **options: Any) -> Run:
        """Start `course grade` there; `finish` waits for it."""
        return start(root, self.folder / f"{name}.log", **options)

    def undisturbed(self, times: int) -> None:
        """Grade without a fault, to know what is right and how long it takes."""
        for at in range(times):
            root = self.course("undisturbed")
            run = finish(self.grade(root, "undisturbed"))
            if run.code != 0:
                raise SystemExit(f"faults: an undisturbed run fails: {run.said}")
            found = rows(root)
            if at and found != self.expected:
                raise SystemExit("faults: two undisturbed runs differ")
            self.expected = found
            self.durations.append(run.seconds)
            shutil.rmtree(root)


def start(root: Path, log: Path, *, limit: int | None = None, execute: bool = False) -> Run:
    """`course grade sums --jobs 2` as a process of its own: a fork of this one, or a Python of its own (`execute`).

    `limit`: the size beyond which it can write no file, as on a disk that is full.
    """
    command = ["course", "grade", "sums", "--jobs", "2"]
    began = time.monotonic()
    pid = os.fork()
    if pid:
        return Run(pid, log, began)
    try:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.setsid()
        os.chdir(root)
        os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        if limit is not None:
            import resource

            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        if execute:
            os.execv(sys.executable, [sys.executable, "-m", "autograder", *command[1:]])  # noqa: S606 - this very Python
        sys.argv = command
        from autograder.cli import main

        try:
            main()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        except BaseException:  # noqa: BLE001 - a fork never returns into its parent's code
            import traceback

            traceback.print_exc()
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    except BaseException:  # noqa: BLE001
        os._exit(70)


def finish(run: Run, patience: float = PATIENCE) -> Run:
    """Wait for a run; one that takes longer than `patience` is killed, and its code is None."""
    descriptor = os.pidfd_open(run.pid)
    try:
        if not readable(descriptor, patience):
            os.kill(run.pid, signal.SIGKILL)
        else:
            run.code = 0
    finally:
        os.close(descriptor)
    _, status = os.waitpid(run.pid, 0)
    run.code = None if run.code is None else os.waitstatus_to_exitcode(status)
    run.seconds = time.monotonic() - run.began
    return run


def readable(descriptor: int, seconds: float) -> bool:
    import select

    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))


def rows(root: Path) -> list[tuple[Any, ...]]:
    """Every score of every student by nbgrader's own gradebook, and how many submissions each has."""
    from nbgrader.api import Gradebook

    found: list[tuple[Any, ...]] = []
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as book:
        for submission in book.assignment_submissions("sums"):
            for notebook in submission.notebooks:
                found += [
                    (submission.student_id, grade.name, grade.auto_score, grade.manual_score, grade.needs_manual_grade)
                    for grade in notebook.grades
                ]
                found += [(submission.student_id, comment.name, comment.auto_comment) for comment in notebook.comments]
            found.append((submission.student_id, "total", submission.score, submission.max_score))
    return sorted(found, key=repr)


# What may be left behind.


def processes() -> dict[int, tuple[int, str, str]]:
    """Parent, state and command line of every process."""
    found = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                state, parent = path.joinpath("stat").read_text().rpartition(")")[2].split()[:2]
                command = path.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                found[int(path.name)] = (int(parent), state, command)
    return found


def descendants(pid: int) -> dict[int, str]:
    """All processes below `pid`, and their command lines."""
    everything = processes()
    found: set[int] = set()
    while more := {child for child, (parent, _, _) in everything.items() if parent in found | {pid}} - found:
        found |= more
    return {child: everything[child][2] for child in found}


def zygotes(pid: int) -> list[int]:
    """The warm process that this grader started."""
    return [child for child, (parent, _, command) in processes().items() if parent == pid and "zygote" in command]


def workers(pid: int) -> list[int]:
    """The grading workers: forks of the warm process that aren't in a user namespace of their own."""
    mine = _namespace(os.getpid())
    children = [child for zygote in zygotes(pid) for child, (parent, _, _) in processes().items() if parent == zygote]
    return [child for child in children if _namespace(child) == mine and _session(child) == child]


def _namespace(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/mnt")
    except OSError:
        return ""


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return -1


def mounts() -> list[str]:
    return sorted(line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())


def temporary(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def partial(root: Path) -> list[str]:
    """Files that a write left half."""
    return sorted(
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.name.endswith((".partial", "-journal", "-wal"))
        or (path.name.startswith(".") and path.suffix[1:].isdigit())
        or (path.parent.name == ".course" and path.name.startswith("seed."))
    )


# The faults. Each starts a run, lets its fault strike and returns once the first run is over.

Fault = Callable[[Class, Path, random.Random, Round], Run | None]


def _moment(classroom: Class, rng: random.Random) -> float:
    return rng.random() * rng.choice(classroom.durations)


def _strike(found: Callable[[int], list[int]]) -> Fault:
    """Kill one of what `found` gives for the grader, at a moment drawn from all those at which there is one."""

    def fault(classroom: Class, root: Path, rng: random.Random, told: Round) -> Run:
        run = classroom.grade(root, "struck", execute=told.number % 20 == 0)
        descriptor = os.pidfd_open(run.pid)
        try:
            while not (pids := found(run.pid)) and not readable(descriptor, 0.02):
                pass
            passed = time.monotonic() - run.began
            left = rng.random() * (rng.choice(classroom.durations) - passed)
            over = readable(descriptor, left)
        finally:
            os.close(descriptor)
        pids = [] if over else found(run.pid) or pids
        if pids:
            told.struck = f"after {time.monotonic() - run.began:.2f} s"
            with contextlib.suppress(ProcessLookupError):
                os.kill(rng.choice(pids), signal.SIGKILL)
        else:
            told.struck = "nothing: it was over"
        return finish(run)

    return fault


def _full_disk(classroom: Class, root: Path, rng: random.Random, told: Round) -> Run:
    """The course on a small disk that fills up; there is room again for the second run."""
    with mounted(classroom, root, 24) as kib:
        used = kib(root)
        left = rng.choice((0, 4, 16, 40, 90, 160, 300, 700))
        # A file that leaves so many KiB.
        filler = root / "filler"
        with contextlib.suppress(OSError), filler.open("wb") as file:
            file.write(bytes(max(0, used - left) << 10))
        told.struck = f"{left} KiB left"
        run = finish(classroom.grade(root, "struck"))
        filler.unlink(missing_ok=True)
        second(classroom, root, told, run)
    return run


@contextlib.contextmanager
def mounted(classroom: Class, root: Path, mib: int) -> Iterator[Callable[[Path], int]]:
    """`root` as a small disk of its own, with the course on it; gives a function that tells the KiB that are free."""
    kept = root.with_name("kept")
    root.rename(kept)
    root.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(root)]
    subprocess.run(mount, check=True)
    try:
        shutil.copytree(kept, root, dirs_exist_ok=True)
        yield lambda path: os.statvfs(path).f_bavail * os.statvfs(path).f_frsize >> 10
    finally:
        shutil.rmtree(kept)
        subprocess.run(["umount", str(root)], check=True)


def _read_only(classroom: Class, root: Path, rng: random.Random, told: Round) -> Run:
    """The course, or its state, or its gradebook can't be written; half of them after some have been graded."""
    place = root / rng.choice(("", ".course", "autograded", "reports", "feedback"))
    place.mkdir(exist_ok=True)
    if rng.random() < 0.5:
        run = classroom.grade(root, "struck")
        descriptor = os.pidfd_open(run.pid)
        readable(descriptor, _moment(classroom, rng))
        os.close(descriptor)
        os.kill(run.pid, signal.SIGKILL)
        finish(run)
        gone(run.pid)
    told.struck = f"{place.relative_to(root)} read-only"
    subprocess.run(["mount", "--bind", str(place), str(place)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(place)], check=True)
        run = finish(classroom.grade(root, "struck"))
    finally:
        subprocess.run(["umount", str(place)], check=True)
    return run


def _file_size(classroom: Class, root: Path, rng: random.Random, told: Round) -> Run:
    """No file may grow beyond a size: a quota."""
    limit = rng.choice((4096, 20_000, 60_000, 120_000, 150_000))  # what the run prints goes to a file as well
    told.struck = f"files of at most {limit} bytes"
    return finish(classroom.grade(root, "struck", limit=limit))


def _locked(classroom: Class, root: Path, rng: random.Random, told: Round) -> Run:
    """Another program writes to the gradebook for a while, and mostly lets go in time."""
    delay = _moment(classroom, rng)
    run = classroom.grade(root, "struck")
    descriptor = os.pidfd_open(run.pid)
    try:
        over = readable(descriptor, delay)
        held = (root / "gradebook.db").is_file() and not over
        if held:
            # The gradebook may be in use: wait for our turn as any program does.
            other = sqlite3.connect(root / "gradebook.db", timeout=10, isolation_level=None)
            try:
                other.execute("BEGIN EXCLUSIVE")
                forever = told.number % 8 == 7
                readable(descriptor, 2 * LOCK_WAIT if forever else rng.random() * 2)
                told.struck = f"locked after {delay:.2f} s" + (" for good" if forever else "")
            finally:
                other.close()
        else:
            told.struck = "no gradebook there to lock"
    finally:
        os.close(descriptor)
    return finish(run)


def _two_runs(classroom: Class, root: Path, rng: random.Random, told: Round) -> Run:
    """A second grader starts while the first is at work."""
    first = classroom.grade(root, "struck")
    descriptor = os.pidfd_open(first.pid)
    delay = _moment(classroom, rng) if told.number % 2 else 0.0
    readable(descriptor, delay)
    os.close(descriptor)
    other = finish(classroom.grade(root, "other"))
    told.struck = f"a second run after {delay:.2f} s, which ended with {other.code}"
    sound(other, told)
    return finish(first)


FAULTS: dict[str, tuple[Fault, float]] = {  # and their shares of the rounds
    "kill grader": (_strike(lambda pid: [pid]), 0.35),
    "kill worker": (_strike(workers), 0.2),
    "kill zygote": (_strike(zygotes), 0.2),
    "full disk": (_full_disk, 0.08),
    "file size": (_file_size, 0.04),
    "read only": (_read_only, 0.04),
    "locked": (_locked, 0.05),
    "two runs": (_two_runs, 0.04),
}
_AS_ROOT = ("full disk", "read only")


def sound(run: Run, told: Round) -> None:
    """Whether a run ended as a person may see it: in success, in one clear line, or killed."""
    if run.code is None:
        told.wrong.append(f"a run didn't end within {PATIENCE:g} s")
    if "Traceback (most recent call last)" in run.said:
        told.wrong.append("a traceback: " + run.said.strip().splitlines()[-1][:200])
    elif run.code not in (None, 0, 2, -signal.SIGKILL):
        told.wrong.append(f"a run ended with {run.code}: {run.said.strip()[-200:]}")
    elif run.code == 2 and "course:" not in run.said:
        told.wrong.append("a run failed and didn't say why")


def gone(pid: int) -> None:
    """Wait until nothing is left of what ran below a grader; it was `descendants` before it ended."""
    end = time.monotonic() + _GONE_SECONDS
    while time.monotonic() < end and any("zygote" in command and _ours(child) for child, (_, _, command) in _living()):
        time.sleep(0.05)


def _living() -> list[tuple[int, tuple[int, str, str]]]:
    return [(pid, told) for pid, told in processes().items() if told[1] != "Z"]


def _ours(pid: int) -> bool:
    """Whether a process writes its temporary files where these rounds do."""
    try:
        return os.readlink(f"/proc/{pid}/cwd").startswith(tempfile.gettempdir() + os.sep)
    except OSError:
        return False


def second(classroom: Class, root: Path, told: Round, first: Run | None) -> None:
    """Grade again, undisturbed, and compare."""
    if first is not None:
        sound(first, told)
    again = finish(classroom.grade(root, "again"))
    sound(again, told)
    if again.code != 0:
        told.wrong.append(f"the second run ended with {again.code}: {again.said.strip()[-300:]}")
        return
    found = rows(root)
    if found != classroom.expected:
        odd = sorted(set(found) ^ set(classroom.expected), key=repr)
        told.wrong.append(f"another gradebook, {len(odd)} rows differ: {odd[:4]}")
    if left := partial(root):
        told.wrong.append(f"files left half: {left[:5]}")


def one(classroom: Class, name: str, number: int, rng: random.Random) -> Round:
    """One round of one fault."""
    told, began = Round(name, number), time.monotonic()
    before = mounts()
    root = classroom.course("course")
    first = FAULTS[name][0](classroom, root, rng, told)
    if name != "full disk":  # it has its second run while its disk is still mounted
        second(classroom, root, told, first)
    gone(0)
    left = [f"{pid} {command[:60]}" for pid, (_, _, command) in _living() if _ours(pid)]
    if left:
        told.wrong.append(f"processes left: {left[:4]}")
    if mounts() != before:
        told.wrong.append(f"mounts left: {sorted(set(mounts()) ^ set(before))}")
    if folders := temporary(Path(tempfile.gettempdir())):
        told.wrong.append(f"temporary folders left: {folders}")
        for folder in folders:
            shutil.rmtree(Path(tempfile.gettempdir()) / folder, ignore_errors=True)
    told.seconds = round(time.monotonic() - began, 2)
    return told


def plan(rounds: int, only: list[str] | None) -> list[str]:
    """Which fault each round has: every fault by its share, at least once where there are rounds enough."""
    names = [name for name in FAULTS if not only or name in only]
    if os.geteuid() != 0:
        names = [name for name in names if name not in _AS_ROOT]
    total = sum(FAULTS[name][1] for name in names)
    counts = {name: max(1, round(rounds * FAULTS[name][1] / total)) for name in names}
    planned: list[str] = []
    while len(planned) < rounds:
        ready = [name for name in names if planned.count(name) < counts[name]] or names[:1]
        planned += ready[: rounds - len(planned)]
    return planned


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None, help="drawn, and printed, if not given")
    parser.add_argument("--only", nargs="*", choices=tuple(FAULTS), default=None)
    parser.add_argument("--students", type=int, default=12)
    parser.add_argument("--undisturbed", type=int, default=3, help="runs without a fault, to know what is right")
    parser.add_argument("--json", type=Path, default=HOUSE / "build" / "faults.json")
    options = parser.parse_args()
    seed = int.from_bytes(os.urandom(3), "little") if options.seed is None else options.seed
    rng, began = random.Random(seed), time.monotonic()  # noqa: S311 - no secret
    planned = plan(options.rounds, options.only)
    left_out = [name for name in _AS_ROOT if os.geteuid() != 0]
    print(f"{len(planned)} rounds, seed {seed}" + (f"; without root no {', '.join(left_out)}" if left_out else ""))
    rounds: list[Round] = []
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        temporary_folder = Path(folder) / "tmp"
        temporary_folder.mkdir()
        os.environ["TMPDIR"] = str(temporary_folder)
        tempfile.tempdir = None
        _import_all()
        classroom = Class(Path(folder), options.students)
        classroom.undisturbed(options.undisturbed)
        print(f"undisturbed: {', '.join(f'{seconds:.1f} s' for seconds in classroom.durations)}", flush=True)
        for number, name in enumerate(planned):
            told = one(classroom, name, number, rng)
            rounds.append(told)
            if told.wrong:
                print(f"round {number}, {name}, {told.struck}: " + "; ".join(told.wrong), flush=True)
        tempfile.tempdir = None
        del os.environ["TMPDIR"]
    failed = [told for told in rounds if told.wrong]
    counts = Counter(told.fault for told in rounds)
    for name, count in counts.items():
        struck = sum(told.fault == name and not told.struck.startswith(("nothing", "no ")) for told in rounds)
        print(f"{name:12} {count:4} rounds, {struck} struck, {sum(told.fault == name for told in failed)} failed")
    figures = {
        "rounds": len(rounds),
        "failed": len(failed),
        "faults": dict(counts),
        "seed": seed,
        "students": options.students,
        "seconds": round(time.monotonic() - began, 1),
        "undisturbed_seconds": [round(seconds, 2) for seconds in classroom.durations],
        "failures": [{"fault": r.fault, "round": r.number, "struck": r.struck, "wrong": r.wrong} for r in failed],
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(figures, indent=1) + "\n")
    print(f"{len(rounds)} rounds in {figures['seconds']:g} s, {len(failed)} failed; {options.json} has the figures")
    sys.exit(1 if failed else 0)


def _import_all() -> None:
    """What a grader imports, so that its forks needn't."""
    import nbgrader.api
    import nbgrader.converters
    import nbgrader.preprocessors  # noqa: F401

    import autograder.cli.app
    import autograder.cli.pages
    import autograder.grading.batch
    import autograder.grading.register
    import autograder.grading.submission  # noqa: F401


if __name__ == "__main__":
    main()
