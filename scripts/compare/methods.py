"""A training step of each method in plain PyTorch, from the same formulas, for `make compare`."""

import copy
import math

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

try:
    from torchvision.models import resnet
except ImportError:  # scripts/gpu needs torch alone
    import resnet

DIM, HIDDEN = 64, 1024
TAU = {"moco": 0.2, "infomin": 0.2, "pcl": 0.2, "cmc": 0.1, "cpc": 0.1, "ressl": 0.1, "swav": 0.1, "dclw": 0.1}


def backbone(arch, width=64, channels=3, size=32):
    """torchvision's ResNet without a classifier, for pictures of 32 pixels with the CIFAR stem."""
    blocks = {"resnet10": [1, 1, 1, 1], "resnet18": [2, 2, 2, 2], "resnet50": [3, 4, 6, 3]}[arch]
    block = resnet.Bottleneck if arch == "resnet50" else resnet.BasicBlock
    f = resnet.ResNet(block, blocks)
    if width != 64:
        f.inplanes = width
        f.bn1 = nn.BatchNorm2d(width)
        f.layer1 = f._make_layer(block, width, blocks[0])
        for i in (2, 3, 4):
            setattr(f, f"layer{i}", f._make_layer(block, width << (i - 1), blocks[i - 1], stride=2))
    if size > 96:
        f.fc = nn.Identity()
        return f
    f.conv1, f.maxpool, f.fc = nn.Conv2d(channels, width, 3, 1, 1, bias=False), nn.Identity(), nn.Identity()
    return f


def head(dim, out=DIM):
    return nn.Sequential(nn.Linear(dim, HIDDEN), nn.BatchNorm1d(HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, out))


def off_diagonal(x):
    return x - torch.diag(x.diagonal())


def nt_xent(z1, z2, tau):
    n, z = len(z1), F.normalize(torch.cat([z1, z2]), dim=1)
    logits = z @ z.T / tau
    logits.fill_diagonal_(float("-inf"))
    return F.cross_entropy(logits, torch.arange(2 * n, device=z.device).roll(n))


def positives_and_negatives(z1, z2, tau):
    n, z = len(z1), F.normalize(torch.cat([z1, z2]), dim=1)
    logits, i = z @ z.T / tau, torch.arange(2 * n, device=z.device)
    pos = logits[i, i.roll(n)]
    mask = (i[:, None] % n) == (i[None] % n)
    return pos, logits.masked_fill(mask, float("-inf")).logsumexp(1)


def debiased(z1, z2, tau, plus=0.1):
    pos, neg = positives_and_negatives(z1, z2, tau)
    count = 2 * len(z1) - 2
    g = ((neg.exp() - plus * count * pos.exp()) / (1 - plus)).clamp_min(count * math.exp(-1 / tau))
    return -(pos - torch.log(pos.exp() + g)).mean()


def decoupled(z1, z2, tau, sigma=0.5):
    pos, neg = positives_and_negatives(z1, z2, tau)
    w = 2 - len(z1) * F.softmax(pos[: len(z1)] * tau / sigma, 0)
    return (neg - w.repeat(2) * pos).mean()


def large_margin(z1, z2, tau):
    z = F.normalize(torch.cat([z1, z2]), dim=1)
    d = (1 - z @ z.T) / 2
    margin = off_diagonal(F.relu(-(d - 0.1) * (d - 0.9))).sum() / (len(z) * (len(z) - 1))
    return nt_xent(z1, z2, tau) + margin


def cross_view(z1, z2, tau):
    logits, i = F.normalize(z1, dim=1) @ F.normalize(z2, dim=1).T / tau, torch.arange(len(z1), device=z1.device)
    return F.cross_entropy(logits, i) + F.cross_entropy(logits.T, i)


def relic(z1, z2, tau):
    logits = F.normalize(z1, dim=1) @ F.normalize(z2, dim=1).T / tau
    a, b = F.log_softmax(logits, 1), F.log_softmax(logits.T, 1)
    kl = lambda p, q: F.kl_div(q, p.detach(), reduction="batchmean", log_target=True)
    return (cross_view(z1, z2, tau) + kl(a, b) + kl(b, a)) / 2


def align_uniform(z1, z2, _):
    a, b = F.normalize(z1, dim=1), F.normalize(z2, dim=1)
    uniform = lambda z: torch.pdist(z).pow(2).mul(-2).exp().mean().log()
    return (a - b).norm(dim=1).pow(2).mean() + (uniform(a) + uniform(b)) / 2


def barlow_twins(z1, z2, _):
    z = [(x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-5).sqrt() for x in (z1, z2)]
    c = z[0].T @ z[1] / len(z1)
    return (c.diagonal() - 1).pow(2).sum() + 0.0051 * off_diagonal(c).pow(2).sum()


def vicreg(z1, z2, _):
    loss = 25 * F.mse_loss(z1, z2)
    for z in (z1, z2):
        loss = loss + 12.5 * F.relu(1 - (z.var(0) + 1e-4).sqrt()).mean()
        z = z - z.mean(0)
        loss = loss + off_diagonal(z.T @ z / (len(z) - 1)).pow(2).sum() / z.shape[1]
    return loss


def w_mse(z1, z2, _, eps=0.01):
    white, order = [], torch.randperm(len(z1), device=z1.device)
    for z in (z1, z2):
        z = z[order]
        z = z - z.mean(0)
        c = (1 - eps) * z.T @ z / (len(z) - 1) + eps * torch.eye(z.shape[1], device=z.device)
        white.append(torch.linalg.solve_triangular(torch.linalg.cholesky(c), z.T, upper=False).T)
    return 2 - 2 * F.cosine_similarity(*white).mean()


def ssl_hsic(z1, z2, _):
    z, n = F.normalize(torch.cat([z1, z2]), dim=1), len(z1)
    kernel = lambda d: (1 + d).rsqrt()
    k, same = kernel(2 - 2 * z @ z.T), kernel((z[:n] - z[n:]).pow(2).sum(1))
    centred = k - k.mean(0, keepdim=True) - k.mean(1, keepdim=True) + k.mean()
    return k.mean() - same.mean() + 3 * centred.pow(2).sum().sqrt() / (2 * n - 1)


def byol_loss(p1, p2, t1, t2):
    return 4 - 2 * (F.cosine_similarity(p1, t2).mean() + F.cosine_similarity(p2, t1).mean())


def info_nce(q, k, queue, tau):
    q, k = F.normalize(q, dim=1), F.normalize(k, dim=1)
    logits = torch.cat([(q * k).sum(1, keepdim=True), q @ queue.T], 1) / tau
    return F.cross_entropy(logits, torch.zeros(len(q), dtype=torch.long, device=q.device))


class Step(nn.Module):
    """Two views, a projector, a loss of their embeddings, Adam."""

    def __init__(self, name, arch, batch, loss=None, device="cpu", size=32):
        super().__init__()
        self.name, self.loss, self.tau, self.batch, self.size = name, loss, TAU.get(name, 0.5), batch, size
        self.build(arch)
        self.to(device)
        for key, value in list(vars(self).items()):  # views, queues and the like
            if isinstance(value, torch.Tensor):
                setattr(self, key, value.to(device))
        self.adam = torch.optim.Adam([p for p in self.parameters() if p.requires_grad], lr=3e-3, weight_decay=1e-6)

    def build(self, arch):
        self.f, self.g = backbone(arch, size=self.size), head(2048 if arch == "resnet50" else 512)
        self.views = torch.randn(2 * self.batch, 3, self.size, self.size)

    def embed(self):
        return self.g(self.f(self.views)).chunk(2)

    def objective(self):
        return self.loss(*self.embed(), self.tau)

    def after(self):
        pass

    def __call__(self):
        loss = self.objective()
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
        self.after()
        return loss.item()


class Target(Step):
    """A target network by moving average."""

    momentum = 0.99

    def build(self, arch):
        super().build(arch)
        self.target = copy.deepcopy(nn.Sequential(self.f, self.g)).requires_grad_(False)

    @torch.no_grad()
    def targets(self):
        return self.target(self.views).chunk(2)

    @torch.no_grad()
    def after(self):
        for t, p in zip(self.target.parameters(), nn.Sequential(self.f, self.g).parameters()):
            t.mul_(self.momentum).add_(p, alpha=1 - self.momentum)


class BYOL(Target):
    def build(self, arch):
        super().build(arch)
        self.q = head(DIM)

    def objective(self):
        t = self.targets()
        return byol_loss(*self.q(self.g(self.f(self.views))).chunk(2), *t)


class DirectPred(Target):
    def build(self, arch):
        super().build(arch)
        self.corr, self.w = torch.zeros(DIM, DIM), torch.randn(DIM, DIM) * 0.1

    def objective(self):
        t = self.targets()
        self.z = self.g(self.f(self.views))
        return byol_loss(*(self.z @ self.w).chunk(2), *t)

    @torch.no_grad()
    def after(self):
        super().after()
        z = F.normalize(self.z, dim=1)
        self.corr.lerp_(z.T @ z / len(z), 0.5)
        values, vectors = torch.linalg.eigh(self.corr)
        roots = values.clamp_min(0).sqrt()
        self.w = vectors * (roots / roots[-1] + 0.1) @ vectors.T


class SimSiam(Step):
    def build(self, arch):
        super().build(arch)
        self.q = head(DIM)

    def objective(self):
        z = self.g(self.f(self.views))
        p, t = self.q(z).chunk(2), z.detach().chunk(2)
        return -(F.cosine_similarity(p[0], t[1]).mean() + F.cosine_similarity(p[1], t[0]).mean()) / 2


class MoCo(Target):
    momentum = 0.999

    def build(self, arch):
        super().build(arch)
        self.queue = F.normalize(torch.randn(4096, DIM), dim=1)

    def objective(self):
        self.k, z = self.targets(), self.embed()
        return (info_nce(z[0], self.k[1], self.queue, self.tau) + info_nce(z[1], self.k[0], self.queue, self.tau)) / 2

    @torch.no_grad()
    def after(self):
        super().after()
        k = F.normalize(torch.cat(self.k), dim=1)
        self.queue = torch.cat([k, self.queue[: -len(k)]])


class PCL(MoCo):
    def build(self, arch):
        super().build(arch)
        self.clusters = [
            (F.normalize(torch.randn(k, DIM), dim=1), 0.1 + torch.rand(k), torch.randint(k, (self.batch,)))
            for k in (8, 16)
        ]

    def objective(self):
        self.k, z = self.targets(), self.embed()
        loss = (info_nce(z[0], self.k[1], self.queue, self.tau) + info_nce(z[1], self.k[0], self.queue, self.tau)) / 2
        for c, phi, own in self.clusters:
            c, phi, own = (x.to(z[0].device) for x in (c, phi, own))
            for v in z:
                loss = loss + F.cross_entropy(F.normalize(v, dim=1) @ c.T / phi, own) / 4
        return loss


class ReSSL(MoCo):
    momentum = 0.99

    def objective(self):
        strong, weak = self.views.chunk(2)
        with torch.no_grad():
            self.k = [self.target(weak)]
            relation = F.softmax(F.normalize(self.k[0], dim=1) @ self.queue.T / 0.04, 1)
        return F.cross_entropy(F.normalize(self.g(self.f(strong)), dim=1) @ self.queue.T / self.tau, relation)


class SwAV(Step):
    def build(self, arch):
        super().build(arch)
        self.small = torch.randn(4 * self.batch, 3, 12, 12)
        self.c = nn.Linear(DIM, 300, bias=False)

    @torch.no_grad()
    def sinkhorn(self, scores):
        q = torch.exp(scores / 0.05).T
        q /= q.sum()
        for _ in range(3):
            q /= q.sum(1, keepdim=True) * q.shape[0]
            q /= q.sum(0, keepdim=True) * q.shape[1]
        return (q * q.shape[1]).T

    def objective(self):
        z = torch.cat([self.g(self.f(self.views)), self.g(self.f(self.small))])
        scores, loss = self.c(F.normalize(z, dim=1)).chunk(6), 0
        for i in range(2):
            q = self.sinkhorn(scores[i].detach())
            for v in range(6):
                if v != i:
                    loss = loss - (q * F.log_softmax(scores[v] / self.tau, 1)).sum(1).mean()
        return loss / 10

    @torch.no_grad()
    def after(self):
        self.c.weight.copy_(F.normalize(self.c.weight, dim=1))


class CMC(Step):
    def build(self, arch):
        self.l, self.ab = backbone(arch, 32, 1), backbone(arch, 32, 2)
        self.gl, self.gab = head(256), head(256)
        self.views = torch.randn(self.batch, 3, 32, 32)

    def objective(self):
        return cross_view(self.gl(self.l(self.views[:, :1])), self.gab(self.ab(self.views[:, 1:])), self.tau)


class CPC(Step):
    def build(self, arch):
        self.f, self.views = backbone(arch), torch.randn(self.batch, 3, 32, 32)
        hidden = HIDDEN // 4
        self.target, self.predict = nn.Conv2d(512, DIM, 1), nn.Conv2d(512, DIM, 1)
        self.blocks = nn.ModuleList(
            nn.ModuleList(
                [nn.Conv2d(512, hidden, 1), nn.Conv2d(hidden, hidden, (2, 3), padding=1), nn.Conv2d(hidden, 512, 1)]
            )
            for _ in range(5)
        )

    def objective(self):
        patches = self.views.unfold(2, 8, 4).unfold(3, 8, 4).permute(0, 2, 3, 1, 4, 5).reshape(-1, 3, 8, 8)
        grid = self.f(patches).view(self.batch, 7, 7, 512).permute(0, 3, 1, 2)
        context = grid
        for a, b, c in self.blocks:
            context = context + c(F.relu(b(F.relu(a(context)))[:, :, :-1]))
        flat = lambda x: x.permute(0, 2, 3, 1)
        targets, predictions = flat(self.target(grid)), flat(self.predict(F.relu(context)))[:, :4] * 0.1
        own = torch.arange(self.batch * 49, device=grid.device).view(self.batch, 7, 7)[:, 3:].reshape(-1)
        return F.cross_entropy(predictions.reshape(-1, DIM) @ targets.reshape(-1, DIM).T, own)


def in_channels_last(step):
    """The same step with the convolutions' weights and the pictures in that memory format."""
    step.to(memory_format=torch.channels_last)
    for name in ("views", "small"):
        if hasattr(step, name):
            setattr(step, name, getattr(step, name).contiguous(memory_format=torch.channels_last))
    return step


def step(name, arch, batch, device="cpu", size=32, channels_last=False):
    """Returns a function that does one training step."""
    pairs = {
        "simclr": nt_xent,
        "dcl": debiased,
        "dclw": decoupled,
        "lmcl": large_margin,
        "relic": relic,
        "align_uniform": align_uniform,
        "barlow_twins": barlow_twins,
        "vicreg": vicreg,
        "w_mse": w_mse,
        "ssl_hsic": ssl_hsic,
    }
    classes = {
        "byol": BYOL,
        "directpred": DirectPred,
        "simsiam": SimSiam,
        "moco": MoCo,
        "infomin": MoCo,
        "pcl": PCL,
        "ressl": ReSSL,
        "swav": SwAV,
        "cmc": CMC,
        "cpc": CPC,
    }
    step = classes.get(name, Step)(name, arch, batch, pairs.get(name), device, size).train()
    return in_channels_last(step) if channels_last else step


def do_loss(z, a, tau=0.5):
    n = len(z) // 2
    z = F.normalize(z, dim=1)
    other = z.roll(n, 0)
    pos = (F.normalize(a.repeat(2, 1, 1) * other[:, None], dim=2) * z[:, None]).sum(2) / tau
    i = torch.arange(2 * n, device=z.device)
    mask = (i[:, None] % n) == (i[None] % n)
    neg = (z @ z.T / tau).masked_fill(mask, float("-inf")).logsumexp(1, keepdim=True)
    return -(F.logsigmoid(pos - neg).logsumexp(1) - math.log(a.shape[1])).mean()


def weight_uniformity(a, t=2.0):
    a = F.normalize(a, dim=2)
    g = 2 * t * (a @ a.transpose(1, 2)) - 2 * t
    eye = torch.eye(a.shape[1], dtype=torch.bool, device=a.device)
    return g.masked_fill(eye, float("-inf")).logsumexp((1, 2)).mean()


class MetaStep(Step):
    """A meta step of SimCLR by create_graph, and Adam on f_msr."""

    def build(self, arch):
        super().build(arch)
        self.plain = torch.randn(self.batch, 3, self.size, self.size)
        self.net = nn.Sequential(self.f, self.g)
        for m in self.net.modules():  # the meta stage leaves running statistics alone
            if isinstance(m, nn.modules.batchnorm._BatchNorm):
                m.track_running_stats, m.running_mean, m.running_var, m.num_batches_tracked = False, None, None, None
        trunk, width = [], 3
        for out in (32, 64, 128, 256):
            trunk += [
                nn.Conv2d(width, out, 3, 2, 1, bias=False),
                nn.BatchNorm2d(out, track_running_stats=False),
                nn.ReLU(),
            ]
            width = out
        self.msr = nn.Sequential(*trunk, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 6 * DIM))

    def objective(self):
        theta = dict(self.net.named_parameters())
        embed = lambda p: functional_call(self.net, p, (self.views,))
        a, z = self.msr(self.plain).view(self.batch, 6, DIM).sigmoid(), embed(theta)
        total = nt_xent(*z.chunk(2), self.tau) + do_loss(z, a, self.tau)
        grads = torch.autograd.grad(total, list(theta.values()), create_graph=True)
        fast = {n: p - 3e-3 * g for (n, p), g in zip(theta.items(), grads)}
        return nt_xent(*embed(fast).chunk(2), self.tau) + weight_uniformity(a)

    def __call__(self):
        loss, parameters = self.objective(), list(self.msr.parameters())
        for p, g in zip(parameters, torch.autograd.grad(loss, parameters)):
            p.grad = g
        self.adam.step()  # the network's parameters have no gradient and stay as they are
        return loss.item()
