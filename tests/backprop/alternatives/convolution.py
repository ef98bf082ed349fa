"""Other right answers to question 7: windows and convolution."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

from autograder import alternative


@alternative("sliding_windows")
def by_as_strided():
    def sliding_windows(x, size, stride=(1, 1), dilation=(1, 1)):
        out = [(x.shape[2 + a] - dilation[a] * (size[a] - 1) - 1) // stride[a] + 1 for a in (0, 1)]
        n, c, h, w = x.strides
        strides = (n, c, h * stride[0], w * stride[1], h * dilation[0], w * dilation[1])
        return np.lib.stride_tricks.as_strided(x, (*x.shape[:2], *out, *size), strides)


@alternative("conv2d_forward")
def by_loops_over_pixels():
    def conv2d_forward(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
        (n, c, height, width), (f, _, kh, kw) = x.shape, w.shape
        (sh, sw), (ph, pw), (dh, dw) = stride, padding, dilation
        padded = np.zeros((n, c, height + 2 * ph, width + 2 * pw), x.dtype)
        padded[:, :, ph : ph + height, pw : pw + width] = x
        oh = (height + 2 * ph - dh * (kh - 1) - 1) // sh + 1
        ow = (width + 2 * pw - dw * (kw - 1) - 1) // sw + 1
        out = np.empty((n, f, oh, ow), x.dtype)
        into, per_group = c // groups, f // groups
        for k in range(f):
            first = (k // per_group) * into
            for i in range(oh):
                for j in range(ow):
                    rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
                    columns = slice(j * sw, j * sw + dw * (kw - 1) + 1, dw)
                    patch = padded[:, first : first + into, rows, columns]
                    out[:, k, i, j] = np.sum(patch * w[k], axis=(1, 2, 3)) + b[k]
        return out, (padded, w, stride, padding, dilation, groups)


@alternative("conv2d_forward", also=("conv2d_backward",))
def by_im2col():
    class Saved:
        def __init__(self, **items):
            self.__dict__.update(items)

    def indices(size, kernel, stride, dilation):
        count = (size - dilation * (kernel - 1) - 1) // stride + 1
        return stride * np.arange(count)[:, None] + dilation * np.arange(kernel)[None, :]

    def conv2d_forward(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
        (n, _, h, wide), (f, into, kh, kw) = x.shape, w.shape
        padded = np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
        rows = indices(h + 2 * padding[0], kh, stride[0], dilation[0])
        columns = indices(wide + 2 * padding[1], kw, stride[1], dilation[1])
        place = (slice(None), slice(None), rows[:, None, :, None], columns[None, :, None, :])
        matrices = padded[place].transpose(1, 4, 5, 0, 2, 3).reshape(groups, into * kh * kw, -1)
        out = w.reshape(groups, f // groups, -1) @ matrices
        out = out.reshape(f, n, len(rows), len(columns)).swapaxes(0, 1) + b.reshape(1, f, 1, 1)
        return out, Saved(matrices=matrices, place=place, padded=padded, w=w, padding=padding, groups=groups)

    def conv2d_backward(dout, cache):
        n, f, oh, ow = dout.shape
        kernels = cache.w.reshape(cache.groups, f // cache.groups, -1)
        flat = dout.swapaxes(0, 1).reshape(cache.groups, f // cache.groups, -1)
        dmatrices = kernels.swapaxes(1, 2) @ flat
        kh, kw = cache.w.shape[2:]
        dwindows = dmatrices.reshape(-1, kh, kw, n, oh, ow).transpose(3, 0, 4, 5, 1, 2)
        dpadded = np.zeros_like(cache.padded)
        np.add.at(dpadded, cache.place, dwindows)
        (ph, pw), (height, width) = cache.padding, dpadded.shape[2:]
        dw = (flat @ cache.matrices.swapaxes(1, 2)).reshape(cache.w.shape)
        return dpadded[:, :, ph : height - ph, pw : width - pw], dw, dout.sum((0, 2, 3))


@alternative("conv2d_forward", also=("conv2d_backward",))
def by_torch():
    def tensors(*arrays):
        import torch

        return [torch.from_numpy(np.ascontiguousarray(array)).requires_grad_() for array in arrays]

    def conv2d_forward(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
        import torch

        inputs = tensors(x, w, b)
        out = torch.nn.functional.conv2d(*inputs, stride, padding, dilation, groups)
        return out.detach().numpy(), (x, w, b, stride, padding, dilation, groups)

    def conv2d_backward(dout, cache):
        import torch

        inputs = tensors(*cache[:3])
        out = torch.nn.functional.conv2d(*inputs, *cache[3:])
        grads = torch.autograd.grad(out, inputs, torch.from_numpy(np.ascontiguousarray(dout)))
        return tuple(grad.numpy() for grad in grads)


@alternative("conv2d_backward")
def by_loops_over_windows():
    def conv2d_backward(dout, cache):
        padded, w, stride, padding, dilation, groups = cache
        (kh, kw), (sh, sw), (ph, pw), (dh, dw_) = w.shape[2:], stride, padding, dilation
        into, per_group = w.shape[1], len(w) // groups
        dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
        for n, f, i, j in np.ndindex(*dout.shape):
            first = (f // per_group) * into
            rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
            columns = slice(j * sw, j * sw + dw_ * (kw - 1) + 1, dw_)
            place = (n, slice(first, first + into), rows, columns)
            dw[f] += dout[n, f, i, j] * padded[place]
            dpadded[place] += dout[n, f, i, j] * w[f]
        dx = dpadded[:, :, ph : padded.shape[2] - ph, pw : padded.shape[3] - pw]
        return dx, dw, dout.sum(axis=3).sum(axis=2).sum(axis=0)
