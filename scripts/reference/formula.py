"""The shared parts of the reference trajectories: a small ResNet as a function of (parameters, buffers, input), and
formulas for parameters and pictures. Plain PyTorch in float64.

Formulas and names are those of trajectories.json, the first reference. A parameter is
scale * sin(0.37*j + len(name) + phase); a batch norm's weight is 1 + that. View v of picture i at step t is
cos(0.011*(i+1)*k + 0.7*t + 1.3*v + phase).
"""

import torch
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def fill(name, shape, phase):
    """Return a parameter by the formula."""
    t = torch.empty(shape)
    wave = torch.sin(0.37 * torch.arange(t.numel(), dtype=torch.float64) + len(name) + phase).reshape(shape)
    if t.dim() >= 2:
        return wave / t[0].numel() ** 0.5
    return 0.1 * wave + (1 if name.endswith("weight") else 0)


def picture(i, size, step, view, phase, channels=3):
    k = torch.arange(channels * size * size, dtype=torch.float64)
    return torch.cos(0.011 * (i + 1) * k + 0.7 * step + 1.3 * view + phase).reshape(channels, size, size)


def pictures(n, size, step, view, phase):
    return torch.stack([picture(i, size, step, view, phase) for i in range(n)])


class Model:
    """Parameters and buffers by name. A layer is declared, then used by the same name."""

    def __init__(self, phase):
        self.phase, self.shapes, self.buffers = phase, {}, {}

    def parameter(self, name, *shape):
        self.shapes[name] = list(shape)

    def norm(self, name, channels, affine=True):
        if affine:
            self.parameter(name + ".weight", channels)
            self.parameter(name + ".bias", channels)
        self.buffers[name] = (torch.zeros(channels), torch.ones(channels))

    def linear(self, name, inputs, outputs, bias=True):
        self.parameter(name + ".weight", outputs, inputs)
        if bias:
            self.parameter(name + ".bias", outputs)

    def conv(self, name, inputs, outputs, kernel):
        self.parameter(name + ".weight", outputs, inputs, kernel, kernel)

    def leaves(self):
        return {n: fill(n, s, self.phase).requires_grad_() for n, s in self.shapes.items()}

    def copy_buffers(self):
        return {n: (m.clone(), v.clone()) for n, (m, v) in self.buffers.items()}


def normed(p, b, name, x, running):
    """Batch norm by the batch's own statistics. Running statistics move only if they are to."""
    mean, var = b[name] if running else (None, None)
    return F.batch_norm(x, mean, var, p.get(name + ".weight"), p.get(name + ".bias"), training=True, momentum=0.1)


STRIDES = (1, 2, 2, 2)


def declare_resnet(m, prefix="backbone.", width=8, channels=3):
    """Declare one basic block in each of four stages, with CIFAR's stem. Return the number of features."""
    m.conv(prefix + "conv1", channels, width, 3)
    m.norm(prefix + "bn1", width)
    inputs = width
    for i, stride in enumerate(STRIDES):
        block, outputs = f"{prefix}layer{i + 1}.0.", width << i
        m.conv(block + "conv1", inputs, outputs, 3)
        m.norm(block + "bn1", outputs)
        m.conv(block + "conv2", outputs, outputs, 3)
        m.norm(block + "bn2", outputs)
        if stride != 1 or inputs != outputs:
            m.conv(block + "downsample.0", inputs, outputs, 1)
            m.norm(block + "downsample.1", outputs)
        inputs = outputs
    return inputs


def resnet(p, b, x, prefix="backbone.", running=True):
    norm = lambda name, y: normed(p, b, name, y, running)
    x = F.relu(norm(prefix + "bn1", F.conv2d(x, p[prefix + "conv1.weight"], padding=1)))
    for i, stride in enumerate(STRIDES):
        block, short = f"{prefix}layer{i + 1}.0.", x
        if block + "downsample.0.weight" in p:
            short = norm(block + "downsample.1", F.conv2d(x, p[block + "downsample.0.weight"], stride=stride))
        y = F.relu(norm(block + "bn1", F.conv2d(x, p[block + "conv1.weight"], stride=stride, padding=1)))
        x = F.relu(norm(block + "bn2", F.conv2d(y, p[block + "conv2.weight"], padding=1)) + short)
    return x.mean((2, 3))


def declare_mlp(m, prefix, sizes, biases=True, last=False):
    """Declare linear layers with batch norm and ReLU between them, numbered as in nn.Sequential.

    biases: one for all layers, or a list. last: add a batch norm at the end.
    """
    at, layers = 0, len(sizes) - 1
    for i in range(layers):
        bias = biases if isinstance(biases, bool) else biases[i]
        m.linear(f"{prefix}.{at}", sizes[i], sizes[i + 1], bias)
        at += 1
        if i < layers - 1 or last:
            m.norm(f"{prefix}.{at}", sizes[i + 1])
            at += 2


def normed_as(p, name, x, lead):
    """Batch norm of x by the batch statistics of lead."""
    mean, var = lead.mean(0), lead.var(0, unbiased=False)
    return (x - mean) / torch.sqrt(var + 1e-5) * p[name + ".weight"] + p[name + ".bias"]


def mlp(p, b, prefix, x, running=True, more=None):
    """more: further rows, which pass with the batch statistics of x. Both results are then returned."""
    numbers = sorted({int(n[len(prefix) + 1:].split(".")[0]) for n in p if n.startswith(prefix + ".")})
    end = max(n for n in numbers if p[f"{prefix}.{n}.weight"].dim() == 2)
    for n in numbers:
        if p[f"{prefix}.{n}.weight"].dim() == 2:
            layer = lambda y: F.linear(y, p[f"{prefix}.{n}.weight"], p.get(f"{prefix}.{n}.bias"))
            x, more = layer(x), more if more is None else layer(more)
            continue
        after = F.relu if n < end else lambda y: y
        if more is not None:
            more = after(normed_as(p, f"{prefix}.{n}", more, x))
        x = after(normed(p, b, f"{prefix}.{n}", x, running))
    return x if more is None else (x, more)


def summary(values):
    """Return the norm and the first four values of each tensor, by name."""
    return {n: {"norm": t.norm().item(), "head": t.detach().flatten()[:4].tolist()} for n, t in values.items()}
