"""A real browser on a real formgrader: an instructor finds what `course grade` wrote, and grades by hand."""

from __future__ import annotations

import os
import queue
import re
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autograder.checking import panel
from autograder.course import Course
from autograder.grading.autograded import executed
from autograder.grading.gradebook import Gradebook
from autograder.grading.handback import write_autograded
from autograder.results import Note

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
SCREENSHOTS = Path(__file__).parents[3] / "build" / "screenshots"
WAIT = 60  # seconds; only a failure lasts that long

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None,
    reason="no chromium with its driver is installed: apt-get install chromium chromium-driver",
)


@dataclass(frozen=True)
class Server:
    url: str
    token: str

    def page(self, path: str) -> str:
        return f"{self.url}{path}?token={self.token}"


@pytest.fixture
def graded(tiny: Any, make: Any) -> Any:
    """Two students, recorded by us, whose answers try to take over the page."""
    tiny.configure('c.HTMLExporter.preprocessors = ["autograder.grading.nbgrader_display.HarmlessText"]')
    attack = (
        "The area grows.\n\n<script>document.title = 'taken'</script><img src=x onerror=\"document.title='taken'\">"
    )
    with Gradebook(tiny.course) as gradebook, gradebook.transaction():
        for number in (1, 2):
            result = make.result(
                f"student-{number:02}",
                make.question("square", 3),
                make.question("cube", number),
                notes=(Note("repair", "The check cell 'cube' had been edited; the text is back in its place."),),
            )
            notebook = tiny.answered(why=attack)
            tiny.submit(result.student, notebook)
            gradebook.record(result, notebook)
            write_autograded(tiny.course, result, executed(notebook, result, panel.html))
    return tiny


@pytest.fixture
def server(graded: Any, tmp_path: Path) -> Iterator[Server]:
    """`jupyter server` with formgrader, in the course's folder, with nothing of this machine's settings."""
    token = secrets.token_hex(16)
    folders = {f"JUPYTER_{name}_DIR": str(tmp_path / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    environment = os.environ | folders | {"HOME": str(tmp_path), "IPYTHONDIR": str(tmp_path / "ipython")}
    command = [
        sys.executable, "-m", "jupyter_server", "--no-browser", "--ip=127.0.0.1", "--port=0", "--allow-root",
        f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={graded.root}",
        "--ServerApp.jpserver_extensions={'nbgrader.server_extensions.formgrader': True}",
    ]  # fmt: skip
    lines: list[str] = []
    told: queue.Queue[str] = queue.Queue()

    def listen(stream: Any) -> None:
        for line in stream:  # to the end, or a full pipe would stop the server
            lines.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+/", line):
                told.put(found.group())

    with subprocess.Popen(
        command, cwd=graded.root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        listener = threading.Thread(target=listen, args=(process.stderr,))
        listener.start()
        try:
            try:
                url = told.get(timeout=WAIT)
            except queue.Empty:
                pytest.fail("the server didn't start:\n" + "".join(lines))
            yield Server(url, token)
        finally:
            process.kill()
            listener.join()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,1600",
                 f"--user-data-dir={tmp_path / 'chromium'}"):  # fmt: skip
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def test_an_instructor_finds_the_scores_and_grades_the_written_answer(
    graded: Any, make: Any, server: Server, browser: Any
) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support import expected_conditions as until
    from selenium.webdriver.support.ui import WebDriverWait

    wait = WebDriverWait(browser, WAIT)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def click(text: str) -> None:
        wait.until(until.element_to_be_clickable((By.LINK_TEXT, text))).click()

    with graded.nbgrader() as book:  # formgrader hides names and numbers submissions by their ids
        _, student = min((one.id, one.student.id) for one in book.notebook_submissions("powers", "powers"))
    cube = int(student[-1])

    browser.get(server.page("formgrader/gradebook"))
    click("powers")
    wait.until(until.url_contains("gradebook/powers"))
    click("powers")
    wait.until(until.url_contains("gradebook/powers/powers"))
    row = wait.until(until.presence_of_element_located((By.XPATH, "//tbody/tr[contains(., 'Submission #1')]")))
    assert f"{2 + cube} / 10" in row.text
    browser.save_screenshot(str(SCREENSHOTS / "formgrader-list.png"))

    click("Submission #1")
    score = {name: wait.until(until.presence_of_element_located((By.ID, name))) for name in ("square", "cube", "why")}
    # The page fills in the scores when its own requests have come back.
    wait.until(lambda _: score["square"].get_attribute("placeholder") == "2")
    assert score["cube"].get_attribute("placeholder") == str(cube)
    assert score["why"].get_attribute("placeholder") == ""
    assert "partly right" in browser.page_source  # the panel's verdict
    assert "Notes of the autograder" in browser.page_source
    assert browser.title != "taken"
    browser.save_screenshot(str(SCREENSHOTS / "formgrader-submission.png"))

    def first() -> Any:
        with Gradebook(Course(graded.root)) as gradebook:
            return next(one for one in gradebook.scores("powers") if one.student == student)

    def comment() -> str | None:
        with Gradebook(Course(graded.root)) as gradebook:
            cells = gradebook.written_feedback("powers", student)
        return next(cell.comment for cell in cells if cell.cell == "why")

    score["why"].send_keys("4.5", Keys.TAB)
    wait.until(lambda _: not first().needs_manual_grade)
    browser.find_element(By.ID, "why-comment").send_keys("Think of the units.", Keys.TAB)
    wait.until(lambda _: comment() == "Think of the units.")
    assert first().total == 2 + cube + 4.5
