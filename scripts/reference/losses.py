"""Write losses/testdata/reference/more.json: values and gradients of losses that losses.json lacks.

They come from PyTorch in float64, loop by loop from the papers' formulas. This needs torch. Run it at the repository's
root.
"""

import json
import math

import torch
from torch.nn import functional as F

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
cases = []


def case(loss, params, inputs, value, wrt):
    grads = torch.autograd.grad(value, [inputs[name] for name in wrt])
    array = lambda t: {"shape": list(t.shape), "data": t.detach().reshape(-1).tolist()}
    cases.append({
        "loss": loss, "params": params, "inputs": {k: array(v) for k, v in inputs.items()},
        "value": value.item(), "grads": {name: array(g) for name, g in zip(wrt, grads)},
    })


def rand(*shape):
    return torch.randn(*shape, requires_grad=True)


def cos(a, b):
    return torch.dot(a, b) / (a.norm() * b.norm())


def decoupled(z1, z2, tau, sigma):
    n, z = len(z1), torch.cat([z1, z2])
    pos = torch.stack([cos(z1[i], z2[i]) for i in range(n)])
    w = 2 - n * F.softmax(pos / sigma, 0) if sigma > 0 else torch.ones(n)
    total = 0
    for i in range(2 * n):
        neg = torch.stack([cos(z[i], z[j]) / tau for j in range(2 * n) if j % n != i % n])
        total = total + neg.logsumexp(0) - w[i % n] * pos[i % n] / tau
    return total / (2 * n)


def vicreg(z1, z2, inv, var, cov):
    loss = inv * F.mse_loss(z1, z2)
    for z in (z1, z2):
        loss = loss + var * F.relu(1 - (z.var(0) + 1e-4).sqrt()).mean() / 2
        c = torch.cov(z.T)
        loss = loss + cov * (c.pow(2).sum() - c.diagonal().pow(2).sum()) / z.shape[1]
    return loss


def cpc(pred, target, ahead, scale):
    n, g, _, _ = pred.shape
    flat, terms = target.reshape(-1, target.shape[-1]), []
    for b in range(n):
        for row in range(g - ahead):
            for col in range(g):
                logits = flat @ pred[b, row, col] * scale
                terms.append(logits.logsumexp(0) - logits[b * g * g + (row + ahead) * g + col])
    return torch.stack(terms).mean()


def proto_nce(z, centroids, density, own):
    total = 0
    for i in range(len(z)):
        logits = torch.stack([cos(z[i], c) / d for c, d in zip(centroids, density)])
        total = total + logits.logsumexp(0) - logits[own[i]]
    return total / len(z)


def sinkhorn(scores, epsilon, turns):  # as in the original: exp, then sums of rows and columns in turn
    q = torch.exp(scores / epsilon).T
    q /= q.sum()
    k, b = q.shape
    for _ in range(turns):
        q /= q.sum(1, keepdim=True) * k
        q /= q.sum(0, keepdim=True) * b
    return (q * b).T


def swav(views, earlier, tau, epsilon, turns):
    n, terms = len(views[0]), []
    for i in range(2):
        with torch.no_grad():
            q = sinkhorn(torch.cat([views[i], earlier[i]]), epsilon, turns)[:n]
        for v in range(len(views)):
            if v != i:
                terms.append(-(q * F.log_softmax(views[v] / tau, 1)).sum(1).mean())
    return torch.stack(terms).mean()


def w_mse(views, size, eps, orders):
    n, terms = len(views[0]), []
    for order in orders:
        for at in range(0, n, size):
            white = []
            for z in views:
                x = z[order[at:at + size]]
                x = x - x.mean(0)
                c = (1 - eps) * torch.cov(x.T) + eps * torch.eye(x.shape[1])
                white.append((torch.linalg.inv(torch.linalg.cholesky(c)) @ x.T).T)
            for i in range(len(white)):
                for j in range(i):
                    terms.append((2 - 2 * F.cosine_similarity(white[i], white[j])).mean())
    return torch.stack(terms).mean()


def do_queue(z1, z2, a, queue, tau):
    n, k, total = len(z1), a.shape[1], 0
    z = torch.cat([z1, z2])
    for i in range(2 * n):
        other = z[(i + n) % (2 * n)]
        neg = sum(torch.exp(cos(z[i], z[j]) / tau) for j in range(2 * n) if j % n != i % n)
        neg = neg + sum(torch.exp(cos(z[i], q) / tau) for q in queue)
        pos = [torch.exp(cos(z[i], a[i % n, t] * other) / tau) for t in range(k)]
        total = total - torch.log(sum(p / (p + neg) for p in pos) / k)
    return total / (2 * n)


for n, d in ((4, 5), (7, 3)):
    z1, z2 = rand(n, d), rand(n, d)
    for tau, sigma in ((0.1, 0.5), (0.5, 0.0)):
        case("decoupled", {"tau": tau, "sigma": sigma}, {"z1": z1, "z2": z2}, decoupled(z1, z2, tau, sigma),
             ["z1", "z2"])
    case("vicreg", {"invariance": 25, "variance": 24, "covariance": 1}, {"z1": z1, "z2": z2},
         vicreg(z1, z2, 25, 24, 1), ["z1", "z2"])
    a, queue = torch.rand(n, 3, d, requires_grad=True), rand(6, d)
    case("do_queue", {"tau": 0.3}, {"z1": z1, "z2": z2, "weights": a, "queue": queue},
         do_queue(z1, z2, a, queue, 0.3), ["z1", "z2", "weights"])
    p, t = rand(2, 4, 4, d), rand(2, 4, 4, d)
    for ahead in (1, 3):
        case("cpc", {"ahead": ahead, "scale": 0.7}, {"p": p, "t": t}, cpc(p, t, ahead, 0.7), ["p", "t"])
    c, density = torch.randn(5, d), 0.1 + torch.rand(5)
    own = [i * i % 5 for i in range(n)]
    case("proto_nce", {}, {"z": z1, "centroids": c, "density": density, "own": torch.tensor(own, dtype=torch.float64)},
         proto_nce(z1, c, density, own), ["z"])
    s = [torch.rand(n, 6).mul(2).sub(1).requires_grad_() for _ in range(4)]
    e = [torch.rand(9, 6).mul(2).sub(1) for _ in range(2)]
    case("swav_views", {"tau": 0.1, "epsilon": 0.05, "iterations": 3},
         {"s1": s[0], "s2": s[1], "s3": s[2], "s4": s[3], "e1": e[0], "e2": e[1]},
         swav(s, e, 0.1, 0.05, 3), ["s1", "s2", "s3", "s4"])
views = [rand(12, 3) for _ in range(4)]
order = torch.randperm(12).tolist()
case("w_mse_views", {"size": 6, "eps": 0.01},
     {**{f"z{i + 1}": v for i, v in enumerate(views)}, "order": torch.tensor(order, dtype=torch.float64)},
     w_mse(views, 6, 0.01, [list(range(12)), order]), ["z1", "z2", "z3", "z4"])

with open("losses/testdata/reference/more.json", "w") as f:
    json.dump({"schema": 1, "source": "PyTorch, scripts/reference/losses.py", "dtype": "float64", "rtol": 1e-10,
               "cases": cases}, f)
assert all(math.isfinite(c["value"]) for c in cases)
print(len(cases), "cases")
