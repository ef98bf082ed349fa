"""Other right answers to questions 3 and 8: sliding windows; views and copies."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

import math

import numpy as np

from autograder import alternative


@alternative("sliding_windows")
def by_the_library():
    def sliding_windows(x, size, step=1):
        return np.lib.stride_tricks.sliding_window_view(x, size, axis=-1)[..., ::step, :]


@alternative("sliding_windows")
def by_torch_unfold():
    def sliding_windows(x, size, step=1):
        if min(x.strides) < 0:  # torch has no negative strides
            return np.lib.stride_tricks.sliding_window_view(x, size, axis=-1)[..., ::step, :]
        import torch

        return torch.from_numpy(x).unfold(-1, size, step).numpy()


@alternative("sliding_windows")
def with_starts_counted():
    def sliding_windows(x, size, step=1):
        starts = range(0, x.shape[-1] - size + 1, step)
        *leading, last = x.strides
        return np.lib.stride_tricks.as_strided(x, (*x.shape[:-1], len(starts), size), (*leading, last * step, last))


@alternative("merge_axes")
def from_the_last_axis():
    def merge_axes(shape, strides):
        runs = []
        for size, stride in list(zip(shape, strides, strict=True))[::-1]:
            if size > 1 and runs and stride == runs[0][0] * runs[0][1]:
                runs[0] = (runs[0][0] * size, runs[0][1])
            elif size > 1:
                runs.insert(0, (size, stride))
        return runs


@alternative("reshape_strides")
def by_numpy():
    def reshape_strides(shape, strides, new_shape):
        room = sum(abs(stride) * size for size, stride in zip(shape, strides, strict=True)) + 1
        buffer = np.zeros(2 * room, "int8")
        x = np.lib.stride_tricks.as_strided(buffer[room:], shape, strides)
        y = x.reshape(new_shape)
        return y.strides if np.may_share_memory(x, y) else None


@alternative("reshape_strides")
def by_the_positions_of_all_elements():
    def reshape_strides(shape, strides, new_shape):
        where = np.zeros(shape, int)
        for index, stride in zip(np.indices(shape), strides, strict=True):
            where += index * stride
        where = where.reshape(new_shape)
        first = where.flat[0]
        steps = []
        for axis, size in enumerate(new_shape):
            one = tuple(int(at == axis) for at in range(len(new_shape)))
            steps.append(int(where[one] - first) if size > 1 else 1)
        predicted = np.zeros(new_shape, int) + first
        for index, step in zip(np.indices(new_shape), steps, strict=True):
            predicted += index * step
        return tuple(steps) if (predicted == where).all() else None


@alternative("is_view")
def by_trying_it():
    def is_view(framework, shape, strides, operation, argument=None):
        room = sum(abs(stride) * size for size, stride in zip(shape, strides, strict=True)) + 1
        buffer = np.zeros(2 * room, np.float32)
        x = np.lib.stride_tricks.as_strided(buffer[room:], shape, tuple(4 * stride for stride in strides))
        if framework == "torch":
            import torch

            x = torch.from_numpy(x)
        numpy = framework == "numpy"
        if operation == "transpose":
            y = x.transpose(argument) if numpy else x.permute(argument)
        elif operation == "broadcast":
            y = np.broadcast_to(x, argument) if numpy else x.expand(argument)
        elif operation == "reshape":
            y = x.reshape(argument)
        elif operation == "flatten":
            y = x.flatten()
        elif operation == "contiguous":
            y = np.ascontiguousarray(x) if numpy else x.contiguous()
        elif operation == "index":
            y = x[argument]
        elif operation == "flip":
            y = np.flip(x, argument) if numpy else x.flip(argument)
        else:
            y = x.astype(argument) if numpy else x.to(getattr(torch, argument))
        if numpy:
            return np.may_share_memory(x, y)
        return x.untyped_storage().data_ptr() == y.untyped_storage().data_ptr()


@alternative("is_view")
def by_a_table():
    def is_view(framework, shape, strides, operation, argument=None):
        def cut(new_shape):
            return reshape_strides(shape, strides, new_shape) is not None

        real = [(size, stride) for size, stride in zip(shape, strides, strict=True) if size > 1]
        expected, fresh = 1, True
        for size, stride in reversed(real):
            fresh, expected = fresh and stride == expected, expected * size
        key = argument if isinstance(argument, tuple) else ()
        lists = [part for part in key if isinstance(part, list)]
        ints = [part for part in key if isinstance(part, int)]
        torch_too = {
            "transpose": lambda: (True, True),
            "broadcast": lambda: (True, True),
            "reshape": lambda: (cut(argument), cut(argument)),
            "flatten": lambda: (False, cut((math.prod(shape),))),
            "contiguous": lambda: (fresh, fresh),
            "index": lambda: (not lists and len(ints) < len(shape), not lists),
            "flip": lambda: (True, False),
            "cast": lambda: (False, argument == "float32"),
        }
        return torch_too[operation]()[["numpy", "torch"].index(framework)]
