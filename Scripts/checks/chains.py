"""Chains of layers drawn by a seed, with weights, and what they compute in float64.

Everything that decaf takes is drawn: every kind of layer, in place or not, odd sizes, groups, dilation,
strides of each axis's own, padding, both roundings. The twin is NumPy, from Caffe's definitions.
"""
import numpy as np

# Multiply-adds of a chain, about: a second or so of NumPy.
WORK = 500_000_000


class Chain:
    """A network's text, its weights by name, and the values of every blob."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.layers, self.weights, self.values = [], {}, {}
        # Convolutions that minimal filtering takes: see “How they are computed” in Networks.md.
        self.filtered = 0
        self.left = WORK
        self._input()
        self._layers()

    @property
    def text(self):
        return "\n".join([f'name: "drawn"\ninput: "data"\ninput_shape {{ {self.shape} }}'] + self.layers)

    # Drawing

    def one(self, *choices):
        return choices[self.random.integers(len(choices))]

    def chance(self, share):
        return self.random.random() < share

    def _input(self):
        channels = self.one(1, 3, 3, 3, 5, 16)
        height, width = (int(it) for it in self.random.integers(9, 90, 2))
        if self.chance(0.3):
            height = width = self.one(32, 64, 67, 96)
        self.shape = f"dim: 1 dim: {channels} dim: {height} dim: {width}"
        values = self.random.normal(0, self.one(1, 60), (channels, height, width))
        self.top, self.value, self.is_flat = "data", values.astype(np.float32).astype(float), False
        self.values["data"] = self.value

    def _layers(self):
        for _ in range(self.random.integers(4, 12)):
            kinds = ["inner", "activation"] if self.is_flat else [
                "convolution", "convolution", "convolution", "pooling", "activation", "lrn",
                "normalization", "flatten"]
            if not self.is_flat and min(self.value.shape[1:]) > 4:
                kinds = [it for it in kinds if it != "flatten"] + ["convolution"]
            getattr(self, f"_{self.one(*kinds)}")()
        if self.chance(0.5):
            self._inner()
            if self.chance(0.5):
                self._activation()
        if self.chance(0.3) and self._is_small:
            self._add("Softmax", "", softmax(self.value))

    def _add(self, kind, settings, value, in_place=False, weights=None):
        name = f"{kind.lower()}{len(self.layers)}"
        # Names as people have them.
        top = self.top if in_place and self.top != "data" else name
        if top == self.top:
            # Only the last value of the name can be had, and what an activation replaces.
            before = self.values.pop(top, None)
            self.values.pop(f"{top}:pre", None)
            if kind in ("ReLU", "PReLU", "TanH", "Sigmoid") and top not in self.replaced:
                self.values[f"{top}:pre"] = before
            self.replaced.add(top)
        else:
            self.replaced = set()
        for part, numbers in (weights or {}).items():
            self.weights[f"{name}.{part}"] = numbers
        self.layers.append(
            f'layer {{ name: "{name}" type: "{kind}" bottom: "{self.top}" top: "{top}" {settings} }}')
        self.top, self.value = top, value
        self.values[top] = value

    # Kinds

    def _axes(self, name, short, values, default):
        """One number, one an axis, or by the axes' names: all that Caffe reads."""
        height, width = values
        if height == width:
            return "" if height == default and self.chance(0.5) else f"{name}: {height} "
        if self.chance(0.5):
            return f"{short}_h: {height} {short}_w: {width} "
        return f"{name}: {height} {name}: {width} "

    def _pair(self, *choices):
        value = self.one(*choices)
        return (value, value) if self.chance(0.75) else (value, self.one(*choices))

    def _convolution(self):
        channels, height, width = self.value.shape
        kernel, stride = self._pair(1, 2, 3, 3, 3, 5, 5, 7, 11), self._pair(1, 1, 1, 2, 3, 4)
        padding, dilation = self._pair(0, 0, 1, 2, 3), self._pair(1, 1, 1, 1, 2, 3)
        groups = self.one(*[it for it in (1, 1, 1, 2, 3, 4, 16) if channels % it == 0])
        outputs = groups * int(self.random.integers(1, 20))
        # What minimal filtering takes, sometimes.
        if channels // groups % 16 == 0 and self.chance(0.6):
            kernel, stride, dilation = self._pair(3, 5), (1, 1), (1, 1)
            kernel = (kernel[0], kernel[0])
            outputs = groups * self.one(48, 64, 100, 128)
        elif self.chance(0.6):
            outputs = self.one(32, 48, 64, 96) // groups * groups or groups
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation)]
        size = [(side + 2 * p - r) // s + 1
                for side, p, r, s in zip((height, width), padding, reach, stride)]
        work = outputs * size[0] * size[1] * kernel[0] * kernel[1] * channels // groups
        if any(side + 2 * p < r for side, p, r in zip((height, width), padding, reach)) \
                or work > self.left:
            return
        self.left -= work
        self.filtered += (channels // groups % 16 == 0 and kernel in ((3, 3), (5, 5))
                          and stride == dilation == (1, 1) and work >= 16 << 20)
        has_bias = self.chance(0.8)
        depth = channels // groups * kernel[0] * kernel[1]
        weight = self._numbers((outputs, channels // groups, *kernel), (2 / depth) ** 0.5)
        weights = {"weight": weight}
        if has_bias:
            weights["bias"] = self._numbers((outputs,), 0.1 * abs(self.value).max())
        value = convolve(self.value, weight, weights.get("bias"), stride, padding, dilation, groups)
        # Caffe has no dilation_h.
        spread = (f"dilation: {dilation[0]} dilation: {dilation[1]} " if dilation[0] != dilation[1]
                  else f"dilation: {dilation[0]} " if dilation[0] > 1 else "")
        settings = (f"num_output: {outputs} " + self._axes("kernel_size", "kernel", kernel, 0)
                    + self._axes("stride", "stride", stride, 1) + self._axes("pad", "pad", padding, 0)
                    + spread + (f"group: {groups} " if groups > 1 else "")
                    + ("" if has_bias else "bias_term: false"))
        self._add("Convolution", f"convolution_param {{ {settings} }}", value, weights=weights)

    def _numbers(self, shape, scale):
        return (self.random.standard_normal(shape) * scale).astype(np.float32)

    def _pooling(self):
        height, width = self.value.shape[1:]
        is_max = self.chance(0.5)
        method = "MAX" if is_max else "AVE"
        if self.chance(0.1):
            value = (self.value.max((1, 2)) if is_max else self.value.mean((1, 2)))[:, None, None]
            self._add("Pooling", f"pooling_param {{ pool: {method} global_pooling: true }}", value)
            return
        kernel, stride = self._pair(2, 3, 3, 4, 5), self._pair(1, 2, 2, 3)
        padding = self._pair(0, 0, 1, 2)
        floor = self.chance(0.3)
        size = [pooled(side, k, s, p, floor)
                for side, k, s, p in zip((height, width), kernel, stride, padding)]
        last = [(n - 1) * s < side + p
                for n, s, side, p in zip(size, stride, (height, width), padding)]
        if any(p >= k for p, k in zip(padding, kernel)) or not all(last) \
                or any(side + 2 * p < k for side, p, k in zip((height, width), padding, kernel)):
            return
        settings = (f"pool: {method} " + self._axes("kernel_size", "kernel", kernel, 0)
                    + self._axes("stride", "stride", stride, 1) + self._axes("pad", "pad", padding, 0)
                    + ("round_mode: FLOOR" if floor else ""))
        if any(settings.count(f"{name}: ") > 1 for name in ("kernel_size", "stride", "pad")):
            # Pooling knows one number, or the axes by name.
            settings = (f"pool: {method} kernel_h: {kernel[0]} kernel_w: {kernel[1]} "
                        f"stride_h: {stride[0]} stride_w: {stride[1]} "
                        f"pad_h: {padding[0]} pad_w: {padding[1]} "
                        + ("round_mode: FLOOR" if floor else ""))
        value = pool(self.value, is_max, kernel, stride, padding, size)
        self._add("Pooling", f"pooling_param {{ {settings} }}", value)

    @property
    def _is_small(self):
        """Functions that saturate magnify errors of large numbers: those that come of 1000 ± 1e-4 differ
        by 1e-4, whoever computes them."""
        return abs(self.value).max() < 20

    def _activation(self):
        kind = self.one("ReLU", "ReLU", "ReLU", "leaky", "PReLU", "TanH", "Sigmoid", "Dropout")
        if kind in ("TanH", "Sigmoid") and not self._is_small:
            kind = "leaky"
        x, in_place = self.value, self.chance(0.6)
        if kind == "Dropout":
            self._add(kind, "dropout_param { dropout_ratio: 0.5 }", x, in_place)
        elif kind == "PReLU":
            is_shared = self.chance(0.3)
            slope = self._numbers((1 if is_shared else x.shape[0],), 0.3)
            wide = slope.astype(float).reshape(-1, *[1] * (x.ndim - 1))
            self._add(kind, "prelu_param { channel_shared: true }" if is_shared else "",
                      np.where(x > 0, x, wide * x), in_place, {"weight": slope})
        elif kind == "leaky":
            slope = np.float32(self.one(0.01, 0.1, -0.5))
            self._add("ReLU", f"relu_param {{ negative_slope: {slope} }}",
                      np.where(x > 0, x, float(slope) * x), in_place)
        elif kind == "ReLU":
            self._add(kind, "", np.maximum(x, 0), in_place)
        elif kind == "TanH":
            self._add(kind, "", np.tanh(x), in_place)
        else:
            self._add(kind, "", 1 / (1 + np.exp(-x)), in_place)

    def _lrn(self):
        size, beta = self.one(3, 5, 5, 7, 9), self.one(0.75, 0.75, 0.5, 1.0, 0.6)
        alpha, k = self.one(1e-4, 1e-4, 5e-4, 0.02), self.one(1, 1, 2, 0.5)
        squares = np.pad(self.value ** 2, ((size // 2,) * 2, (0, 0), (0, 0)))
        sums = sum(squares[i:i + len(self.value)] for i in range(size))
        alpha, beta, k = (float(np.float32(it)) for it in (alpha, beta, k))
        value = self.value / (k + alpha / size * sums) ** beta
        self._add("LRN", f"lrn_param {{ local_size: {size} alpha: {alpha:g} beta: {beta:g} "
                  f"{'k: %g ' % k if k != 1 else ''}}}", value, False)

    def _normalization(self):
        channels = len(self.value)
        flat = self.value.reshape(channels, -1)
        if self.chance(0.8):
            factor = np.float32(self.one(1, 1, 0.5, 999.98))
            # Not what a map of one pixel has: nothing but rounding errors would be left.
            mean = (0.7 * flat.mean(1) * factor).astype(np.float32)
            variance = ((flat.var(1) + 0.05 * flat.var() + 1e-3) * factor).astype(np.float32)
            epsilon = self.one(1e-5, 1e-5, 1e-3)
            wide = np.sqrt(variance.astype(float) / float(factor) + float(np.float32(epsilon)))
            value = (flat - (mean.astype(float) / float(factor))[:, None]) / wide[:, None]
            self._add("BatchNorm", "" if epsilon == 1e-5 else f"batch_norm_param {{ eps: {epsilon} }}",
                      value.reshape(self.value.shape), self.chance(0.6),
                      {"running_mean": mean, "running_var": variance,
                       "scale_factor": np.array([factor])})
        if self.chance(0.8):
            scale, shift = self._numbers((channels,), 1), self._numbers((channels,), 0.3)
            has_shift = self.chance(0.7)
            shape = (-1, *[1] * (self.value.ndim - 1))
            value = self.value * scale.astype(float).reshape(shape)
            weights = {"weight": scale}
            if has_shift:
                value = value + shift.astype(float).reshape(shape)
                weights["bias"] = shift
            self._add("Scale", "scale_param { bias_term: true }" if has_shift else "", value,
                      self.chance(0.6), weights)

    def _flatten(self):
        self._add("Flatten", "", self.value.ravel())
        self.is_flat = True

    def _inner(self):
        inputs, outputs = self.value.size, int(self.random.integers(1, 200))
        if inputs * outputs > self.left // 4:
            outputs = max(1, self.left // 4 // inputs)
        weight = self._numbers((outputs, inputs), (2 / inputs) ** 0.5)
        weights = {"weight": weight}
        value = weight.astype(float) @ self.value.ravel()
        has_bias = self.chance(0.8)
        if has_bias:
            weights["bias"] = self._numbers((outputs,), 0.1)
            value = value + weights["bias"]
        self._add("InnerProduct", f"inner_product_param {{ num_output: {outputs} "
                  f"{'' if has_bias else 'bias_term: false'} }}", value, weights=weights)
        self.is_flat = True


def convolve(x, weight, bias, stride, padding, dilation, groups):
    """By its definition, in float64."""
    outputs, depth, *kernel = weight.shape
    x = np.pad(x, ((0, 0), (padding[0],) * 2, (padding[1],) * 2))
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation)]
    windows = np.lib.stride_tricks.sliding_window_view(x, reach, (1, 2))
    windows = windows[:, ::stride[0], ::stride[1], ::dilation[0], ::dilation[1]]
    height, width = windows.shape[1:3]
    result = np.empty((outputs, height, width))
    for group in range(groups):
        ours = slice(group * outputs // groups, (group + 1) * outputs // groups)
        part = windows[group * depth:(group + 1) * depth].transpose(1, 2, 0, 3, 4)
        rows = part.reshape(height * width, -1) @ weight[ours].astype(float).reshape(
            outputs // groups, -1).T
        result[ours] = rows.T.reshape(-1, height, width)
    return result if bias is None else result + bias.astype(float)[:, None, None]


def pooled(side, kernel, stride, padding, floor):
    """A pooled map's side, as `PoolingLayer::Reshape` has it."""
    room = side + 2 * padding - kernel
    count = (room if floor else room + stride - 1) // stride + 1
    return count - 1 if padding and (count - 1) * stride >= side + padding else count


def pool(x, is_max, kernel, stride, padding, size):
    """As `PoolingLayer::Forward_cpu`: a mean counts the padding's places, but none behind it."""
    _, height, width = x.shape
    result = np.empty((len(x), *size))
    for i in range(size[0]):
        top = i * stride[0] - padding[0]
        bottom = min(top + kernel[0], height + padding[0])
        for j in range(size[1]):
            left = j * stride[1] - padding[1]
            right = min(left + kernel[1], width + padding[1])
            window = x[:, max(top, 0):min(bottom, height), max(left, 0):min(right, width)]
            result[:, i, j] = (window.max((1, 2)) if is_max
                               else window.sum((1, 2)) / ((bottom - top) * (right - left)))
    return result


def softmax(x):
    """Over channels."""
    powers = np.exp(x - x.max(0))
    return powers / powers.sum(0)
