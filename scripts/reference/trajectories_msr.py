"""Writes meta/testdata/reference/trajectories_msr.json: ICL-MSR itself (arXiv 2206.14702),
SimCLR + MSR by Algorithm 1: in each of two epochs three regular steps, then three meta
steps on the same batches. Needs torch; run it at the repository's root.

It follows the paper's equations, in float64: the fast weights of eq. 7 by create_graph, so that
autograd differentiates through them. Where the paper leaves room it takes what docs/paper.md
names as the default: a_t is a sigmoid and multiplies the projection, means for sums, Adam for
theta (as in trajectories.json) and for phi, both views of the other pictures as negatives,
L_uni of the normalised a_t over ordered pairs i != j, then a mean over pictures.
Batch norms take their batch's statistics throughout, and running ones move in regular steps only.
The un-augmented picture is view 2 of the formula.
"""

import json
import math

import torch
from torch.nn import functional as F

from formula import Model, declare_mlp, declare_resnet, mlp, normed, pictures, resnet, summary

SETUP = {"pictures": 12, "size": 16, "steps": 6, "hidden": 24, "out": 8, "phase": 0.3, "warmup_steps": 4}
MSR = {"epochs": 2, "steps_per_epoch": 3, "temperature": 0.5, "lambda": 0.7, "gamma": 2.0, "alpha": 0.3,
       "beta": 2e-3, "weights": 3, "t": 2.0, "fmsr_width": 4}
RATE, DECAY = 3e-3, 1e-6


def declare_fmsr(m):
    """Four convolutions of stride 2 that double the channels, pooled, and a linear layer."""
    inputs, width = 3, MSR["fmsr_width"]
    for i in range(4):
        m.conv(f"trunk.{i}.conv", inputs, width << i, 3)
        m.norm(f"trunk.{i}.bn", width << i)
        inputs = width << i
    m.linear("out", inputs, MSR["weights"] * SETUP["out"])


def fmsr(p, b, x, running):
    for i in range(4):
        x = F.conv2d(x, p[f"trunk.{i}.conv.weight"], stride=2, padding=1)
        x = F.relu(normed(p, b, f"trunk.{i}.bn", x, running))
    y = F.linear(x.mean((2, 3)), p["out.weight"], p["out.bias"])
    return torch.sigmoid(y).reshape(len(x), MSR["weights"], SETUP["out"])


def embed(p, b, views, running):
    """Views one by one through f, together through f_ph, which ends in a batch norm."""
    return mlp(p, b, "projector", torch.cat([resnet(p, b, v, running=running) for v in views]), running)


def similarity(u, v):
    return (u * v).sum() / (u.norm() * v.norm())


def exps(z):
    u = z / z.norm(dim=1, keepdim=True)
    return torch.exp(u @ u.T / MSR["temperature"])


def contrastive(z):
    """Eq. 1: the denominator has the positive and the 2N-2 views of other pictures."""
    e, n = exps(z), len(z) // 2
    terms = [e[i, (i + n) % (2 * n)] / sum(e[i, j] for j in range(2 * n) if j != i) for i in range(2 * n)]
    return -torch.stack(terms).log().mean()


def regularizer(z, a):
    """Eq. 4 and 6."""
    e, n, logs = exps(z), len(z) // 2, []
    for i in range(2 * n):
        negatives = sum(e[i, j] for j in range(2 * n) if j % n != i % n)
        positive = z[(i + n) % (2 * n)]
        answers = []
        for weight in a[i % n]:
            own = torch.exp(similarity(z[i], weight * positive) / MSR["temperature"])
            answers.append(own / (own + negatives))
        logs.append(torch.stack(answers).mean().log())
    return -torch.stack(logs).mean()


def uniformity(a):
    """Eq. 9 of each picture, and their mean."""
    u, t, n = a / a.norm(dim=2, keepdim=True), MSR["t"], MSR["weights"]
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    each = [torch.log(sum(torch.exp(2 * t * (x[i] @ x[j]) - 2 * t) for i, j in pairs)) for x in u]
    return torch.stack(each).mean()


class Run:
    def __init__(self):
        model, weights = Model(SETUP["phase"]), Model(SETUP["phase"])
        declare_mlp(model, "projector", [declare_resnet(model), SETUP["hidden"], SETUP["out"]], last=True)
        declare_fmsr(weights)
        self.shapes, self.phi_shapes = model.shapes, weights.shapes
        self.theta, self.phi = model.leaves(), weights.leaves()
        self.b, self.phi_b = model.copy_buffers(), weights.copy_buffers()
        self.adam = torch.optim.Adam(self.theta.values(), weight_decay=DECAY)
        self.meta_adam = torch.optim.Adam(self.phi.values(), lr=MSR["beta"])
        self.regulars, self.metas = [], []

    def batch(self, step):
        views = [pictures(SETUP["pictures"], SETUP["size"], step, v, SETUP["phase"]) for v in range(3)]
        return views[:2], views[2]

    def total(self, a, views, running):
        z = embed(self.theta, self.b, views, running)
        ct, msr = contrastive(z), regularizer(z, a)
        return ct + MSR["lambda"] * msr, ct, msr  # eq. 5

    def regular(self, step):
        views, plain = self.batch(step)
        rate = RATE * min(1, (step + 1) / SETUP["warmup_steps"])
        self.adam.param_groups[0]["lr"] = rate
        with torch.no_grad():
            a = fmsr(self.phi, self.phi_b, plain, True)
        total, ct, msr = self.total(a, views, True)
        self.adam.zero_grad()
        total.backward()
        self.adam.step()
        self.regulars.append({"L_ct": ct.item(), "L_msr": msr.item(), "L_to": total.item(), "rate": rate})

    def meta(self, step):
        views, plain = self.batch(step)
        a = fmsr(self.phi, self.phi_b, plain, False)
        total, _, _ = self.total(a, views, False)
        grads = torch.autograd.grad(total, list(self.theta.values()), create_graph=True)
        fast = {n: t - MSR["alpha"] * g for (n, t), g in zip(self.theta.items(), grads)}  # eq. 7
        ct, uni = contrastive(embed(fast, self.b, views, False)), uniformity(a)
        phi = list(self.phi.values())
        of_ct = torch.autograd.grad(ct, phi, retain_graph=True)
        of_uni = torch.autograd.grad(uni, phi)
        for p, x, y in zip(phi, of_ct, of_uni):
            p.grad = x + MSR["gamma"] * y  # eq. 8
        self.meta_adam.step()
        norm = lambda grads: sum(g.pow(2).sum() for g in grads).sqrt().item()
        self.metas.append({"L_ct_fast": ct.item(), "L_uni": uni.item(), "norm_of_L_ct_fast": norm(of_ct),
                           "norm_of_L_uni": norm(of_uni)})


def case():
    run, each = Run(), MSR["steps_per_epoch"]
    for epoch in range(MSR["epochs"]):
        for step in range(epoch * each, (epoch + 1) * each):
            run.regular(step)
        for step in range(epoch * each, (epoch + 1) * each):
            run.meta(step)
    assert all(math.isfinite(x) for step in run.regulars + run.metas for x in step.values())
    return {"method": "icl_msr", "parameters": run.shapes, "fmsr_parameters": run.phi_shapes,
            "regular": run.regulars, "meta": run.metas, "after": summary(run.theta), "fmsr_after": summary(run.phi),
            "running_mean_conv1": run.b["backbone.bn1"][0].tolist(),
            "running_var_conv1": run.b["backbone.bn1"][1].tolist(),
            "fmsr_running_mean": run.phi_b["trunk.0.bn"][0].tolist(),
            "fmsr_running_var": run.phi_b["trunk.0.bn"][1].tolist()}


if __name__ == "__main__":
    made = case()
    for name in ("regular", "meta"):
        for step in made[name]:
            print(name, *(f"{k} {v:.6g}" for k, v in step.items()))
    with open("meta/testdata/reference/trajectories_msr.json", "w") as f:
        json.dump({"schema": 1, "source": "PyTorch, scripts/reference/trajectories_msr.py", "dtype": "float64",
                   "rtol": 1e-8, **SETUP, "msr": MSR, "msr_cases": [made]}, f)
