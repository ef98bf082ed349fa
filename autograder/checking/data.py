"""Inputs for checks, drawn from a seed: a public one for students, a secret one for grades."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


class Data:
    """Draws for one case. The same seed and case give the same draws on every machine.

    Floating numbers are exactly representable in float32 (whatever their dtype), so that
    the reference can be run on the very same inputs in another precision.
    """

    def __init__(self, seed: int, case: str, *, device: str = "cpu", framework: str | None = None) -> None:
        digest = hashlib.sha256(f"{seed}\n{case}".encode()).digest()
        self._seed = seed
        self.rng = np.random.default_rng(np.frombuffer(digest, np.uint32))
        self.device = device
        self.framework = framework

    def shared(self, label: str) -> Data:
        """Draws that all cases which name `label` have in common: sizes, where a new one costs a framework a trace."""
        return Data(self._seed, f"shared {label}", device=self.device, framework=self.framework)

    def normal(self, *shape: int, scale: float = 1.0, dtype: str = "float64") -> np.ndarray:
        """Standard normal numbers times `scale`, of `shape`."""
        return self._exact(self.rng.standard_normal(shape) * scale, dtype)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0, dtype: str = "float64") -> np.ndarray:
        """Numbers from [low, high), of `shape`."""
        numbers = self._exact(self.rng.uniform(low, high, shape), dtype)
        # Rounding to fewer digits may step over an end: the next number within is taken then.
        coarse = np.float16 if dtype == "float16" else np.float32
        first, last = coarse(low), coarse(high)
        first = first if float(first) >= low else np.nextafter(first, coarse(np.inf))
        last = last if float(last) < high else np.nextafter(last, coarse(-np.inf))
        return np.asarray(np.clip(numbers, first, last), dtype=dtype)

    def integers(self, low: int, high: int, *shape: int) -> np.ndarray:
        """int64 from [low, high), of `shape`."""
        return np.asarray(self.rng.integers(low, high, shape))

    def size(self, low: int, high: int) -> int:
        """A length between `low` and `high`, both included, that varies with the seed."""
        return int(self.rng.integers(low, high + 1))

    def choice(self, items: Sequence[T]) -> T:
        """One of `items`."""
        return items[int(self.rng.integers(len(items)))]

    def permutation(self, n: int) -> np.ndarray:
        """0 … n-1 in a random order, int64."""
        return np.asarray(self.rng.permutation(n))

    def strided(self, array: np.ndarray) -> np.ndarray:
        """The same numbers, not contiguous: others lie between them in memory. One number alone stays as it is."""
        if not array.ndim:
            return array
        spread = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
        spread[..., ::2] = array
        return spread[..., ::2]

    def tensor(self, array: Any, *, dtype: str | None = None) -> Any:
        """`array` as a tensor of the framework that the graded notebook is written in.

        Raises ValueError where it imports none, or both.
        """
        if self.framework is None:
            raise ValueError("the notebook has no framework of its own: use data.torch or data.tf")
        return self.torch(array, dtype=dtype) if self.framework == "torch" else self.tf(array, dtype=dtype)

    def torch(self, array: Any, *, dtype: str | None = None, requires_grad: bool = False) -> Any:
        """`array` as a torch tensor on the graded device."""
        import torch

        tensor = torch.as_tensor(np.array(array)).to(self.device)
        if dtype is not None:
            tensor = tensor.to(getattr(torch, dtype))
        return tensor.requires_grad_() if requires_grad else tensor

    def tf(self, array: Any, *, dtype: str | None = None) -> Any:
        """`array` as a TensorFlow tensor."""
        import tensorflow as tf

        return tf.constant(np.array(array), dtype=dtype)

    @staticmethod
    def _exact(numbers: Any, dtype: str) -> np.ndarray:
        return np.asarray(numbers, dtype=np.float32).astype(dtype)
