"""One warm process for all tests that don't need one of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from autograder.course import Limits
from autograder.sandbox.host import Host, Jailed

LIMITS = Limits(
    cell_seconds=20.0, case_seconds=20.0, cpu_seconds=20.0, memory_mib=1024, processes=16, disk_mib=16, output_kib=64
)


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    with Host(preload=("numpy", "numpy.random"), limits=LIMITS) as warm:
        yield warm


@pytest.fixture
def student(host: Host) -> Iterator[Jailed]:
    with host.spawn() as jailed:
        yield jailed


@pytest.fixture
def limited(host: Host):
    """A student's process with limits of one's own: `limited(memory_mib=100)`."""
    opened: list[Host | Jailed] = []

    def spawn(**limits: float) -> Jailed:
        opened.append(Host.connect(host.socket_path, replace(LIMITS, **limits)))
        opened.append(opened[-1].spawn())
        return opened[-1]

    yield spawn
    for item in reversed(opened):
        item.close()
