"""Makes the TorchScript fixtures beside it, with PyTorch 2.1.0:

    python scripted.py

scripted.pt  a small network of control flow, assignment to a buffer, a shared
             convolution and [N, d, 1, 1] at its end; scripted.json has PyTorch's
             values for it in float64: features, gradients, buffers
traced.pt    torch.jit.trace of it in evaluation mode
batch.pt     the same in training mode
frozen.pt    torch.jit.freeze of it
pair.pt      forward returns two tensors
"""
import json
import pathlib

import torch
from torch import nn

here = pathlib.Path(__file__).parent


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.bn = nn.BatchNorm2d(4)
        self.blocks = nn.ModuleList([nn.Conv2d(4, 4, 3, padding=1, bias=False) for _ in range(2)])
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.register_buffer("seen", torch.zeros(1))
        self.scale = nn.Parameter(torch.full((1,), 1.5))

    def forward(self, x):
        if self.training:
            self.seen = self.seen + x.size(0)
        x = torch.tanh(self.bn(self.stem(x)))
        for i, block in enumerate(self.blocks):
            if i % 2 == 0:
                x = x + block(x)
            else:
                x = torch.relu(block(x)) * self.scale
        return self.pool(x)


class Pair(nn.Module):
    def forward(self, x):
        return x.mean((2, 3)), x


torch.manual_seed(5)
net = Net()
for p in net.parameters():
    p.data = torch.randn_like(p) * 0.3 + (0.5 if p.dim() == 1 else 0)
x = torch.cos(0.11 * torch.arange(5 * 3 * 6 * 6)).reshape(5, 3, 6, 6)
script = torch.jit.script(net)
script.save(str(here / "scripted.pt"))
torch.jit.trace(net.eval(), x).save(str(here / "traced.pt"))
torch.jit.freeze(torch.jit.script(net.eval())).save(str(here / "frozen.pt"))
torch.jit.trace(net.train(), x, check_trace=False).save(str(here / "batch.pt"))
torch.jit.script(Pair()).save(str(here / "pair.pt"))

wide = torch.jit.load(str(here / "scripted.pt")).double()
for p in wide.parameters():
    p.requires_grad_(True)
x = torch.cos(0.11 * torch.arange(5 * 3 * 6 * 6, dtype=torch.float64)).reshape(5, 3, 6, 6)
evaluated = wide.eval()(x).flatten(1)
features = wide.train()(x).flatten(1)
loss = (features**2).sum()
grads = dict(zip([n for n, _ in wide.named_parameters()], torch.autograd.grad(loss, list(wide.parameters()))))
flat = lambda t: t.detach().flatten().tolist()
(here / "scripted.json").write_text(json.dumps({
    "parameters": list(grads), "eval": flat(evaluated), "train": flat(features), "grads": {n: flat(g) for n, g in grads.items()},
    "buffers": {n: flat(b.double()) for n, b in wide.named_buffers()},
}))
