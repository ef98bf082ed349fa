"""What several reports derive from results: names in order, points, and what happened to a submission."""

from __future__ import annotations

from collections.abc import Sequence

from autograder.results import Note, QuestionResult, Result

_STATES = {"unreadable": "unreadable", "missing": "no notebook", "failed": "grading failed"}


def question_names(results: Sequence[Result]) -> tuple[str, ...]:
    """The questions of all results, in the order of the first result that has them."""
    return tuple(dict.fromkeys(question.question for result in results for question in result.questions))


def written_names(results: Sequence[Result]) -> tuple[str, ...]:
    """The written questions of all results, in order."""
    return tuple(dict.fromkeys(written.question for result in results for written in result.written))


def best_points(results: Sequence[Result]) -> float:
    """Out of how much the checks are: a submission that wasn't graded can't know what this machine can grade."""
    graded = [result.points for result in results if result.state == "graded"]
    return max(graded or [result.points for result in results], default=0.0)


def written_points(results: Sequence[Result]) -> float:
    """What the written answers are worth together."""
    return max((sum(written.points for written in result.written) for result in results), default=0.0)


def graded_questions(result: Result) -> dict[str, QuestionResult]:
    """A submission's questions by name; none when it wasn't graded: nothing was found out about them."""
    return {question.question: question for question in result.questions} if result.state == "graded" else {}


def remarks(result: Result) -> tuple[Note, ...]:
    """The notes that say more than the reason does."""
    return tuple(note for note in result.notes if note.text != result.reason)


def is_sandboxed(result: Result) -> bool:
    """Whether student code ran in a jail; an ungraded submission ran none."""
    return result.state != "graded" or not result.sandbox.upper().startswith("UNSANDBOXED")


def happenings(result: Result) -> list[tuple[str, bool]]:
    """What happened to a submission, the gravest first, each with whether it should alarm.

    Written answers that wait aren't in it: nearly every submission has some.
    """
    found: list[tuple[str, bool]] = []
    if result.state != "graded":
        found.append((f"{_STATES[result.state]}: {result.reason or 'no reason was recorded'}", True))
    if not is_sandboxed(result):
        found.append(("UNSANDBOXED", True))
    limits = [case.limit for question in result.questions for case in question.cases if case.limit]
    notes = remarks(result)
    noted = [note.text for note in notes if note.kind == "limit"]
    for limit in dict.fromkeys(limits):
        if not any(limit in text for text in noted):
            found.append((f"limit hit: {limit} ({plural(limits.count(limit), 'case')})", True))
    found += [(note.text, True) for note in notes if note.kind == "limit"]
    found += [(note.text, False) for note in notes if note.kind != "limit"]
    return found


def why_a_person(result: Result) -> str:
    """Why somebody should look at this submission; empty when nobody needs to."""
    if result.state != "graded":
        return f"{_STATES[result.state]}: {result.reason or 'no reason was recorded'}"
    names = [written.question for written in result.written if written.answered]
    return f"written {'answer' if len(names) == 1 else 'answers'}: {', '.join(names)}" if names else ""


def plural(count: int, noun: str) -> str:
    """ "1 case", "3 cases"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
