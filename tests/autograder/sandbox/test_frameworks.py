"""A framework that was imported before the fork works in the jail."""

from __future__ import annotations

import pytest

from autograder.course import Limits
from autograder.sandbox.host import Host
from autograder.sandbox.student import Namespace, StudentSession

pytest.importorskip("torch")


def test_torch_works_inside_and_every_fork_draws_its_own_numbers():
    import torch

    with Host(preload=("torch",), limits=Limits()) as host, host.spawn() as first, host.spawn() as second:
        source = (
            "import torch\ndef loss(x): return (x @ x).sum()\n"
            "numbers = torch.rand(4)\nthreads = torch.get_num_threads()"
        )
        for student in (first, second):
            assert student.run_cell(source).error is None
        ours, theirs = Namespace(StudentSession(first)), Namespace(StudentSession(second))
        x = torch.randn(64, 64)
        (gradient,) = ours.grad("loss", (x,), (torch.tensor(1.0),))
        ones = torch.ones(64, 64)
        assert torch.allclose(gradient, ones @ x.T + x.T @ ones, atol=1e-3)
        assert not torch.equal(ours.numbers, theirs.numbers)
        assert ours.threads == 1
        outcome = first.run_cell(
            "from torch.utils.data import DataLoader, TensorDataset\n"
            "len(list(DataLoader(TensorDataset(torch.arange(10)), num_workers=2)))"
        )
        assert outcome.outputs[0]["data"]["text/plain"] == "10"
