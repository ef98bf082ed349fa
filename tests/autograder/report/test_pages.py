"""What all pages share: nothing runs in a real browser, colors can be told apart, files are whole."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from autograder.report import class_report, feedback, pages
from autograder.results import CaseResult, Note, QuestionResult

STYLE = Path(pages.__file__).with_name("templates").joinpath("style.css").read_text(encoding="utf-8")
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ATTACKS = " ".join(
    [
        "<script>document.title = 'owned'</script>",
        "<img src=x onerror=\"document.title = 'owned'\">",
        "<svg onload=\"document.title = 'owned'\">",
        "</title><script>document.title = 'owned'</script>",
        "</style><script>document.title = 'owned'</script>",
        "<iframe srcdoc=\"<script>parent.document.title = 'owned'</script>\">",
    ]
)


def titled(page: str, folder: Path) -> str:
    """The page's title after a browser has had it open."""
    assert BROWSER is not None
    file = folder / "page.html"
    file.write_text(page, encoding="utf-8")
    command = [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    dom = subprocess.run(
        [*command, "--dump-dom", file.as_uri()], capture_output=True, text=True, timeout=60, check=True
    )
    found = re.search(r"<title>(.*?)</title>", dom.stdout, re.DOTALL)
    assert found is not None
    return found.group(1)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
def test_a_real_browser_runs_nothing_of_a_hostile_submission(samples: SimpleNamespace, tmp_path: Path) -> None:
    control = f"<!DOCTYPE html><html><head><title>page</title></head><body>{ATTACKS}</body></html>"
    assert titled(control, tmp_path) == "owned"  # these strings do harm where they are believed
    case = CaseResult(ATTACKS, "failed", summary=ATTACKS, detail=ATTACKS)
    made = samples.result(
        1, questions=(QuestionResult(ATTACKS, 1, (case,), "m", ATTACKS),), notes=(Note("cell", ATTACKS),)
    )
    shown = {"data": {"text/html": ATTACKS, "text/plain": ATTACKS}, "output_type": "display_data", "metadata": {}}
    cells = [samples.cell("markdown", ATTACKS), samples.cell("code", ATTACKS, outputs=[shown])]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    for page in (
        feedback.page(made, notebook, title="course"),
        class_report.page("course", "backprop", [made]),
    ):
        assert titled(page, tmp_path).endswith("course")
        # And were something to slip through one day, the policy would hold it.
        assert titled(page.replace("</main>", ATTACKS + "</main>"), tmp_path).endswith("course")


def luminance(color: str) -> float:
    """WCAG 2.2's relative luminance of #rrggbb."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


INKS = ("ink", "muted", "accent", "good", "partly", "bad", "none")


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ground", "ink"),
    [*(("paper", ink) for ink in INKS), *(("surface", ink) for ink in INKS), ("hint", "ink")],
)
def test_every_text_color_can_be_read_on_every_ground(theme: int, ground: str, ink: str) -> None:
    blocks = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    colors = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[theme]))
    light, dark = sorted((luminance(colors[ground]), luminance(colors[ink])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pages.write(tmp_path / "a" / "page.html", "old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pages.os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        pages.write(path, "new")
    assert path.read_text() == "old"
    assert [file.name for file in path.parent.iterdir()] == ["page.html"]


@pytest.mark.parametrize(("value", "shown"), [(0.84, "0.8 s"), (41.2, "41 s"), (125, "2 min 5 s"), (59.9, "1 min 0 s")])
def test_times_are_said_as_people_say_them(value: float, shown: str) -> None:
    assert pages.seconds(value) == shown
