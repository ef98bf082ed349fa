"""The gradebook's database: opened as nbgrader does, one transaction at a time, errors a person can act on.

Light to import: SQLAlchemy and nbgrader come in when a database is opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.course import CourseError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Table
    from sqlalchemy.orm import Session

# What SQLite says (the start of it is enough), and what to do about it.
_SQLITE_TROUBLE = (
    (
        "locked",
        "another program has been writing to it for {wait:g} s. Close formgrader's or nbgrader's running "
        "command and run this again; nothing was written",
    ),
    ("not a database", "it isn't an SQLite database. Put it back from a backup"),
    ("malformed", "it is damaged. Put it back from a backup (`sqlite3 {path} .recover` saves what can be read)"),
    ("readonly", "it can't be written. Give yourself the right to write the file and its folder"),
    ("disk is full", "the disk is full. Make room and run this again; nothing was written"),
    ("disk I/O error", "the disk gives an I/O error. Check that it is mounted and has room, then run this again"),
    ("unable to open", "it can't be opened. Check that the folder exists and that you may write to it"),
    ("no such table", "it was made by another version of nbgrader. Back it up, then run `nbgrader db upgrade`"),
    ("no such column", "it was made by another version of nbgrader. Back it up, then run `nbgrader db upgrade`"),
)


def recorded_table() -> Table:
    """Our one table beside nbgrader's: which submission the scores in the gradebook were made from.

    It is what lets a second run over the same submissions leave a person's grades alone.
    """
    from sqlalchemy import Column, MetaData, String, Table

    return Table(
        "autograder_recorded",
        MetaData(),
        Column("notebook_id", String(32), primary_key=True),  # nbgrader's submitted_notebook.id
        Column("submission_sha256", String(64)),
        Column("state", String(16), nullable=False),
    )


class Database:
    """An open gradebook database, SQLite or whatever else SQLAlchemy's URL names.

    Made with nbgrader's own tables when it is new and `graded`, the folder of graded notebooks, is
    empty. `wait_seconds` bounds the wait for another writer. Raises `CourseError` when it can't be
    opened, is lost, or belongs to another version of nbgrader.
    """

    def __init__(self, url: str, *, course_id: str, graded: Path, wait_seconds: float) -> None:
        from sqlalchemy import create_engine, event
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError

        self.course_id = course_id
        self._graded = graded
        self.wait_seconds = wait_seconds
        try:
            self._url = make_url(url)
        except ArgumentError:
            raise CourseError(
                f"c.CourseDirectory.db_url is no database URL: {url!r}. For SQLite it looks like "
                "sqlite:////folder/gradebook.db."
            ) from None
        sqlite = self._url.get_backend_name() == "sqlite"
        name = self._url.database
        self.path = Path(name) if sqlite and name and name != ":memory:" else None
        self.recorded = recorded_table()
        with self.explained():
            try:
                self.engine: Engine = create_engine(self._url, connect_args={"timeout": wait_seconds} if sqlite else {})
            except ImportError as error:  # the driver of another database
                raise CourseError(
                    f"{self._name} needs a driver that isn't installed: {error}. "
                    "`pip install psycopg2-binary` brings PostgreSQL's."
                ) from None
        if sqlite:
            event.listen(self.engine, "begin", _begin)
        self._file = self._identity()
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise
        self._file = self._identity()

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session whose changes come into the database all together at the end, or not at all.

        nbgrader's own functions commit as they go; inside this session that only ends a savepoint.
        """
        with self._connected(writing=True) as connection, _session(connection) as session:
            self._check_still_there()
            yield session
            session.commit()  # ends the savepoint that the session opened; the connection's end commits
        self._check_still_there()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the database throughout."""
        with self._connected(writing=False) as connection, _session(connection) as session:
            yield session

    @contextmanager
    def _connected(self, *, writing: bool) -> Iterator[Connection]:
        with self.explained(), self.engine.connect() as plain:
            connection = plain.execution_options(autograder_writing=writing)
            with connection.begin():
                yield connection

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turns the database's own errors into a `CourseError` that names the file and the next step."""
        from sqlalchemy.exc import DBAPIError, IntegrityError

        try:
            yield
        except IntegrityError as error:
            raise CourseError(
                f"Another run wrote the same entries into {self._name} ({_first_line(error)}). "
                "Run this again when it has finished; nothing was written."
            ) from error
        except DBAPIError as error:
            raise CourseError(self._explain(_first_line(error))) from error

    def _explain(self, said: str) -> str:
        if self.path is not None:
            for sign, advice in _SQLITE_TROUBLE:
                if sign in said:
                    text = advice.format(wait=self.wait_seconds, path=self.path)
                    return f"The gradebook {self.path} can't be used: {text}."
            return f"The gradebook {self.path} can't be used: {said}. Nothing was written."
        return (
            f"The gradebook {self._name} can't be used: {said}. Check c.CourseDirectory.db_url and that its server "
            "runs; after an upgrade of nbgrader run `nbgrader db upgrade`."
        )

    @property
    def _name(self) -> str:
        return str(self.path) if self.path else self._url.render_as_string(hide_password=True)

    def _identity(self) -> tuple[int, int] | None:
        if self.path is None or not self.path.exists():
            return None
        status = self.path.stat()
        return status.st_dev, status.st_ino

    def _check_still_there(self) -> None:
        """SQLite goes on writing to a file that was deleted or replaced; those scores would be lost in silence."""
        if self.path is not None and self._identity() != self._file:
            raise CourseError(
                f"The gradebook {self.path} was deleted or replaced while it was in use; what was written "
                "last went with it. Put the right file there and run this again."
            )

    def _prepare(self) -> None:
        """Makes nbgrader's tables in a new database; refuses one of another version."""
        from sqlalchemy import inspect

        if self.path is not None and not self.path.exists():
            self._refuse_lost()
        with self._connected(writing=False) as connection:
            ready = self._is_ready(connection, inspect(connection).get_table_names())
        if not ready:
            with self._connected(writing=True) as connection:  # asked again: another run may have been first
                self._make_tables(connection, inspect(connection).get_table_names())

    def _is_ready(self, connection: Connection, tables: list[str]) -> bool:
        from nbgrader.api import Course
        from sqlalchemy import select

        if not {"alembic_version", self.recorded.name, "course"} <= set(tables):
            return False
        self._check_version(connection, tables)
        return connection.execute(select(Course.id).where(Course.id == self.course_id)).first() is not None

    def _make_tables(self, connection: Connection, tables: list[str]) -> None:
        from nbgrader.api import Base, Course
        from sqlalchemy import insert, select, text

        if tables:
            self._check_version(connection, tables)
        else:
            self._refuse_lost()
        Base.metadata.create_all(connection)
        self.recorded.metadata.create_all(connection)
        if not tables:
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
            connection.execute(text("INSERT INTO alembic_version (version_num) VALUES (:head)"), {"head": _head()})
        if connection.execute(select(Course.id).where(Course.id == self.course_id)).first() is None:
            connection.execute(insert(Course).values(id=self.course_id))

    def _refuse_lost(self) -> None:
        """A fresh gradebook in place of a lost one would hide that every manual grade is gone."""
        if next(self._graded.glob("*/*/*.ipynb"), None) is not None:
            raise CourseError(
                f"The gradebook {self._name} is gone or empty, but {self._graded} holds graded work. Put "
                f"it back from a backup; to start a new one, move {self._graded} away first."
            )

    def _check_version(self, connection: Connection, tables: list[str]) -> None:
        from sqlalchemy import text

        found = None
        if "alembic_version" in tables:
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        elif not any(table in tables for table in ("assignment", "grade", "student")):
            raise CourseError(
                f"{self._name} holds other tables, but no gradebook. Name another database in c.CourseDirectory.db_url."
            )
        if found != _head():
            raise CourseError(
                f"The gradebook {self._name} was made by another version of nbgrader (revision "
                f"{found or 'none'}, this one has {_head()}). Back it up, then run `nbgrader db upgrade`."
            )


def _session(connection: Connection) -> Session:
    from sqlalchemy.orm import Session

    return Session(bind=connection, join_transaction_mode="create_savepoint", expire_on_commit=False)


def _head() -> str:
    """The newest revision that the installed nbgrader knows (it asks a subprocess; this is the same answer)."""
    from alembic.script import ScriptDirectory
    from nbgrader.dbutil import ALEMBIC_DIR

    return str(ScriptDirectory(ALEMBIC_DIR).get_current_head())


def _begin(connection: Connection) -> None:
    # Python's sqlite3 would begin only at the first change, and leave what was read before outside.
    # IMMEDIATE: a writer waits its turn here; a reader that turns writer later could only fail.
    writing = connection.get_execution_options().get("autograder_writing", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _first_line(error: Any) -> str:
    text = str(getattr(error, "orig", None) or error)
    return text.strip().splitlines()[0] if text.strip() else type(error).__name__
