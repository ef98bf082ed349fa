"""Classic mistakes in question 7: windows and convolution."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

from autograder import edited, mistake

ALL_CONV = ("conv2d_forward", "conv2d_backward")
WINDOW_USERS = (*ALL_CONV, "max_pool_forward", "max_pool_backward")

edited(
    "sliding_windows",
    "a copy",
    old="return windows[:, :, ::sh, ::sw, ::dh, ::dw]",
    new="return windows[:, :, ::sh, ::sw, ::dh, ::dw].copy()",
    hint="This is a copy of the windows: what is written into it never reaches the image. Return a view, made by "
    "strides and slices alone.",
    also=("conv2d_backward", "max_pool_backward"),
)
edited(
    "sliding_windows",
    "stride for dilation",
    old="return windows[:, :, ::sh, ::sw, ::dh, ::dw]",
    new="return windows[:, :, ::dh, ::dw, ::sh, ::sw]",
    hint="Stride and dilation have changed places: the stride steps from window to window (axes 2 and 3), the "
    "dilation from tap to tap (axes 4 and 5).",
    also=WINDOW_USERS,
)
edited(
    "sliding_windows",
    "span of dK",
    old="span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)",
    new="span = (dh * kh, dw * kw)",
    hint="The last windows are missing: K taps have K - 1 gaps between them, so a kernel spans d(K - 1) + 1 pixels, "
    "not dK.",
    also=ALL_CONV,
)
edited(
    "sliding_windows",
    "dilation ignored in the count",
    old="span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)",
    new="span = (kh, kw)",
    hint="The span ignores the dilation: a dilated kernel of K taps covers d(K - 1) + 1 pixels.",
    also=ALL_CONV,
)
edited(
    "sliding_windows",
    "horizontal first",
    old="(kh, kw), (sh, sw), (dh, dw) = size, stride, dilation",
    new="(kh, kw), (sw, sh), (dw, dh) = size, stride, dilation",
    hint="The pairs are (vertical, horizontal): the first number belongs to axis 2, the rows of the image.",
    also=WINDOW_USERS,
)


@mistake(
    "sliding_windows",
    hint="The taps stand before the positions. Wanted is (N, C, OH, OW, KH, KW): first where the window is, then "
    "where in the window.",
    also=WINDOW_USERS,
)
def taps_before_positions():
    def sliding_windows(x, size, stride=(1, 1), dilation=(1, 1)):
        (kh, kw), (sh, sw), (dh, dw) = size, stride, dilation
        span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
        windows = np.lib.stride_tricks.sliding_window_view(x, span, axis=(2, 3), writeable=True)
        return windows[:, :, ::sh, ::sw, ::dh, ::dw].transpose(0, 1, 4, 5, 2, 3)


@mistake(
    "sliding_windows",
    hint="One window is missing at the end: there are (H - d(K - 1) - 1) // s + 1 of them, the first included.",
    also=WINDOW_USERS,
)
def one_window_short():
    def sliding_windows(x, size, stride=(1, 1), dilation=(1, 1)):
        (kh, kw), (sh, sw), (dh, dw) = size, stride, dilation
        span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
        windows = np.lib.stride_tricks.sliding_window_view(x, span, axis=(2, 3), writeable=True)
        return windows[:, :, :-1:sh, :-1:sw, ::dh, ::dw]


edited(
    "conv2d_forward",
    "flipped kernel",
    old='out = np.einsum("ngcyxuv,gfcuv->ngfyx", windows, kernels).reshape(n, f, oh, ow)',
    new='out = np.einsum("ngcyxuv,gfcuv->ngfyx", windows, kernels[..., ::-1, ::-1]).reshape(n, f, oh, ow)',
    hint="The kernel is flipped. That is the convolution of mathematics; the layer that everybody calls convolution "
    "is a cross-correlation and doesn't flip.",
)
edited(
    "conv2d_forward",
    "bias forgotten",
    old="return out + b[:, None, None], (padded",
    new="return out, (padded",
    hint="The bias b is missing: one number for each output channel, added at every pixel.",
)
edited(
    "conv2d_forward",
    "padding swapped",
    old="padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))",
    new="padded = np.pad(x, ((0, 0), (0, 0), (pw, pw), (ph, ph)))",
    hint="The padding is (vertical, horizontal): its first number of rows goes above and below, its second number "
    "of columns left and right.",
    also=("conv2d_backward",),
)
edited(
    "conv2d_forward",
    "edge for zero padding",
    old="padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))",
    new='padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), mode="edge")',
    hint="The image is padded with copies of its border. This layer pads with zeros.",
    also=("conv2d_backward",),
)
edited(
    "conv2d_forward",
    "dilation ignored",
    old="windows = sliding_windows(padded, (kh, kw), stride, dilation)\n    n, c",
    new="windows = sliding_windows(padded, (kh, kw), stride)\n    n, c",
    hint="The dilation isn't used: tap u of window i lies on pixel i s + u d.",
)
edited(
    "conv2d_forward",
    "groups interleaved",
    old="windows = windows.reshape(n, groups, c // groups, oh, ow, kh, kw)",
    new="windows = windows.reshape(n, c // groups, groups, oh, ow, kh, kw).swapaxes(1, 2)",
    hint="Group g reads the channels g, g + G, g + 2G, ... A group's channels lie next to each other: gC/G up to (g "
    "+ 1)C/G - 1.",
)


@mistake(
    "conv2d_forward",
    hint="Every output channel reads the first C/G input channels. Group g has channels of its own, from gC/G on.",
)
def every_group_reads_the_first_channels():
    def conv2d_forward(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
        ph, pw = padding
        padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
        windows = sliding_windows(padded, w.shape[2:], stride, dilation)
        out = np.einsum("ncyxuv,fcuv->nfyx", windows[:, : w.shape[1]], w)
        return out + b[:, None, None], (padded, w, stride, padding, dilation, groups)


@mistake(
    "conv2d_forward",
    hint="The output is float64 for float32 images: np.zeros makes float64 unless you give it x.dtype.",
)
def output_in_float64():
    def conv2d_forward(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
        ph, pw = padding
        padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
        windows = sliding_windows(padded, w.shape[2:], stride, dilation)
        out = np.zeros((len(x), len(w), *windows.shape[2:4]))
        into, outof = w.shape[1], len(w) // groups
        for f in range(len(w)):
            g = f // outof
            taken = windows[:, g * into : (g + 1) * into]
            out[:, f] = np.einsum("ncyxuv,cuv->nyx", taken, w[f]) + b[f]
        return out, (padded, w, stride, padding, dilation, groups)


edited(
    "conv2d_backward",
    "flipped kernel",
    old='np.einsum("ngfyx,gfc->ngcyx", grouped, kernels[..., u, v])',
    new='np.einsum("ngfyx,gfc->ngcyx", grouped, kernels[..., kh - 1 - u, kw - 1 - v])',
    hint="dx uses the kernel flipped. The flip belongs to the other way of writing it, a full convolution of dout; "
    "scattering by tap (u, v) multiplies by w[..., u, v] itself.",
)
edited(
    "conv2d_backward",
    "overwritten",
    old="dwindows[..., u, v] += dtap",
    new="dwindows[..., u, v] = dtap",
    hint="Overlapping windows overwrite each other's gradient. A pixel that several taps read collects from all of "
    "them: add.",
)
edited(
    "conv2d_backward",
    "padding kept",
    old="dx = dpadded[:, :, ph : dpadded.shape[2] - ph, pw : dpadded.shape[3] - pw]",
    new="dx = dpadded",
    hint="dx still has the padding around it: its shape is that of x, not of the padded image.",
)
edited(
    "conv2d_backward",
    "padding cut off at the end",
    old="dx = dpadded[:, :, ph : dpadded.shape[2] - ph, pw : dpadded.shape[3] - pw]",
    new="dx = dpadded[:, :, : dpadded.shape[2] - 2 * ph, : dpadded.shape[3] - 2 * pw]",
    hint="The padding is cut off at the bottom and on the right only. Half of it lies at the top and on the left.",
)
edited(
    "conv2d_backward",
    "mean over the batch",
    old="return dx, dw, dout.sum(axis=(0, 2, 3))",
    new="return dx, dw / n, dout.sum(axis=(0, 2, 3)) / n",
    hint="dw and db are averaged over the batch. They are sums: if the loss is a mean, dout has the 1/N already.",
)
edited(
    "conv2d_backward",
    "groups interleaved in dw",
    old="windows = windows.reshape(n, groups, -1, oh, ow, kh, kw)",
    new="windows = windows.reshape(n, -1, groups, oh, ow, kh, kw).swapaxes(1, 2)",
    hint="dw pairs a group's gradient with other groups' channels: group g reads the channels gC/G up to (g + 1)C/G "
    "- 1, next to each other.",
)


@mistake(
    "conv2d_backward",
    hint="All taps are added in one +=. NumPy reads, adds and writes as if no two windows shared a pixel, so most "
    "of the sums are lost. Add tap by tap, or with np.add.at.",
)
def all_taps_at_once():
    def conv2d_backward(dout, cache):
        padded, w, stride, padding, dilation, groups = cache
        (n, f, oh, ow), (kh, kw), (ph, pw) = dout.shape, w.shape[2:], padding
        dpadded = np.zeros_like(padded)
        windows, dwindows = (sliding_windows(a, (kh, kw), stride, dilation) for a in (padded, dpadded))
        grouped = dout.reshape(n, groups, f // groups, oh, ow)
        kernels = w.reshape(groups, f // groups, -1, kh, kw)
        dwindows += np.einsum("ngfyx,gfcuv->ngcyxuv", grouped, kernels).reshape(dwindows.shape)
        windows = windows.reshape(n, groups, -1, oh, ow, kh, kw)
        dw = np.einsum("ngfyx,ngcyxuv->gfcuv", grouped, windows).reshape(w.shape)
        dx = dpadded[:, :, ph : dpadded.shape[2] - ph, pw : dpadded.shape[3] - pw]
        return dx, dw, dout.sum(axis=(0, 2, 3))


@mistake(
    "conv2d_backward",
    hint="dx forgets the dilation: tap (u, v) of window (i, j) reads pixel (i s + u d, j s + v d), so that is where "
    "its gradient goes.",
)
def dilation_ignored_in_dx():
    def conv2d_backward(dout, cache):
        padded, w, stride, padding, dilation, groups = cache
        (n, f, oh, ow), (kh, kw), (ph, pw), (sh, sw) = dout.shape, w.shape[2:], padding, stride
        dpadded = np.zeros_like(padded)
        grouped = dout.reshape(n, groups, f // groups, oh, ow)
        kernels = w.reshape(groups, f // groups, -1, kh, kw)
        for u, v in np.ndindex(kh, kw):
            dtap = np.einsum("ngfyx,gfc->ngcyx", grouped, kernels[..., u, v])
            dpadded[:, :, u : u + oh * sh : sh, v : v + ow * sw : sw] += dtap.reshape(n, -1, oh, ow)
        windows = sliding_windows(padded, (kh, kw), stride, dilation).reshape(n, groups, -1, oh, ow, kh, kw)
        dw = np.einsum("ngfyx,ngcyxuv->gfcuv", grouped, windows).reshape(w.shape)
        dx = dpadded[:, :, ph : dpadded.shape[2] - ph, pw : dpadded.shape[3] - pw]
        return dx, dw, dout.sum(axis=(0, 2, 3))


@mistake(
    "conv2d_backward",
    hint="dw forgets the dilation: the windows that dout meets are the dilated ones of the forward pass.",
)
def dilation_ignored_in_dw():
    def conv2d_backward(dout, cache):
        padded, w, stride, padding, dilation, groups = cache
        (n, f, oh, ow), (kh, kw), (ph, pw) = dout.shape, w.shape[2:], padding
        dpadded = np.zeros_like(padded)
        dwindows = sliding_windows(dpadded, (kh, kw), stride, dilation)
        grouped = dout.reshape(n, groups, f // groups, oh, ow)
        kernels = w.reshape(groups, f // groups, -1, kh, kw)
        for u, v in np.ndindex(kh, kw):
            dtap = np.einsum("ngfyx,gfc->ngcyx", grouped, kernels[..., u, v])
            dwindows[..., u, v] += dtap.reshape(dwindows.shape[:4])
        windows = sliding_windows(padded, (kh, kw), stride)[:, :, :oh, :ow].reshape(n, groups, -1, oh, ow, kh, kw)
        dw = np.einsum("ngfyx,ngcyxuv->gfcuv", grouped, windows).reshape(w.shape)
        dx = dpadded[:, :, ph : dpadded.shape[2] - ph, pw : dpadded.shape[3] - pw]
        return dx, dw, dout.sum(axis=(0, 2, 3))
