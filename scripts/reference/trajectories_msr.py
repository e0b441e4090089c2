"""Write meta/testdata/reference/trajectories_msr.json: ICL-MSR itself (arXiv 2206.14702), by Algorithm 1.

Each of two epochs has three regular steps, then three meta steps on the same batches. The cases are SimCLR + MSR with
weights on the projections, SimCLR + MSR with weights on the pooled features, and BYOL + MSR, whose do-loss compares
with the target network. This needs torch. Run it at the repository's root.

The program follows the paper's equations in float64. It computes the fast weights of eq. 7 with create_graph, so that
autograd differentiates through them. If the paper leaves room, it takes the default of docs/paper.md:

- a_t is a sigmoid and multiplies the projection.
- Means replace sums.
- Adam moves theta (as in trajectories.json) and phi.
- Negatives are both views of the other pictures.
- L_uni is of the normalised a_t over ordered pairs i != j, then a mean over pictures.
- Batch norms always use their batch's statistics. Running statistics move only in regular steps.

The un-augmented picture is view 2 of the formula.
"""

import json
import math

import torch
from torch.nn import functional as F

from formula import Model, declare_mlp, declare_resnet, fill, mlp, normed, pictures, resnet, summary

SETUP = {"pictures": 12, "size": 16, "steps": 6, "hidden": 24, "out": 8, "phase": 0.3, "warmup_steps": 4}
MSR = {"epochs": 2, "steps_per_epoch": 3, "temperature": 0.5, "lambda": 0.7, "gamma": 2.0, "alpha": 0.3,
       "beta": 2e-3, "weights": 3, "t": 2.0, "fmsr_width": 4}
RATE, DECAY = 3e-3, 1e-6
FEATURES = 64  # of the backbone


def declare_fmsr(m, entries):
    """f_msr: four convolutions of stride 2 that double the channels, a mean over pixels, and a linear layer."""
    inputs, width = 3, MSR["fmsr_width"]
    for i in range(4):
        m.conv(f"trunk.{i}.conv", inputs, width << i, 3)
        m.norm(f"trunk.{i}.bn", width << i)
        inputs = width << i
    m.linear("out", inputs, MSR["weights"] * entries)


def fmsr(p, b, x, running):
    for i in range(4):
        x = F.conv2d(x, p[f"trunk.{i}.conv.weight"], stride=2, padding=1)
        x = F.relu(normed(p, b, f"trunk.{i}.bn", x, running))
    y = F.linear(x.mean((2, 3)), p["out.weight"], p["out.bias"])
    return torch.sigmoid(y).reshape(len(x), MSR["weights"], -1)


def similarity(u, v):
    return (u * v).sum() / (u.norm() * v.norm())


def unit(z):
    return z / z.norm(dim=1, keepdim=True)


def exps(z, candidates):
    return torch.exp(unit(z) @ unit(candidates).T / MSR["temperature"])


def contrastive(z):
    """Eq. 1. The denominator has the positive and the 2N-2 views of other pictures."""
    e, n = exps(z, z), len(z) // 2
    terms = [e[i, (i + n) % (2 * n)] / sum(e[i, j] for j in range(2 * n) if j != i) for i in range(2 * n)]
    return -torch.stack(terms).log().mean()


def regularizer(z, candidates, weighted):
    """Eq. 4 and 6 for the anchors z. weighted [2N, n, d] holds each candidate times each a_t."""
    e, n, logs = exps(z, candidates), len(z) // 2, []
    for i in range(2 * n):
        negatives = sum(e[i, j] for j in range(2 * n) if j % n != i % n)
        answers = []
        for positive in weighted[(i + n) % (2 * n)]:
            own = torch.exp(similarity(z[i], positive) / MSR["temperature"])
            answers.append(own / (own + negatives))
        logs.append(torch.stack(answers).mean().log())
    return -torch.stack(logs).mean()


def uniformity(a):
    """The mean over pictures of eq. 9."""
    u, t, n = a / a.norm(dim=2, keepdim=True), MSR["t"], MSR["weights"]
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    each = [torch.log(sum(torch.exp(2 * t * (x[i] @ x[j]) - 2 * t) for i, j in pairs)) for x in u]
    return torch.stack(each).mean()


class SimCLR:
    """Views pass f one by one, and f_ph together. f_ph ends in a batch norm."""

    def declare(self, m):
        declare_mlp(m, "projector", [declare_resnet(m), SETUP["hidden"], SETUP["out"]], last=True)

    def embed(self, p, b, views, running):
        return mlp(p, b, "projector", torch.cat([resnet(p, b, v, running=running) for v in views]), running)

    def both(self, run, p, views, a, running):
        """Return L_ct, and L_msr if there is an A."""
        z = self.embed(p, run.b, views, running)
        return contrastive(z), None if a is None else regularizer(z, z, torch.cat([a, a]) * z[:, None])

    def after(self, run, step):
        pass


class Features(SimCLR):
    """a_t multiplies the pooled features, which then pass f_ph with the batch statistics of the unweighted ones."""

    def both(self, run, p, views, a, running):
        if a is None:
            return super().both(run, p, views, a, running)
        h = torch.cat([resnet(p, run.b, v, running=running) for v in views])
        weighted = (torch.cat([a, a]) * h[:, None]).flatten(0, 1)
        z, w = mlp(p, run.b, "projector", h, running, weighted)
        return contrastive(z), regularizer(z, z, w.reshape(len(z), MSR["weights"], -1))


class BYOL:
    """Views pass one by one. Anchors of the do-loss are online projections; candidates are the target's."""

    momentum = 0.99

    def declare(self, m):
        declare_mlp(m, "projector", [declare_resnet(m), SETUP["hidden"], SETUP["out"]])
        declare_mlp(m, "predictor", [SETUP["out"], SETUP["hidden"], SETUP["out"]])

    def embed(self, p, b, views, running):
        return [mlp(p, b, "projector", resnet(p, b, v, running=running), running) for v in views]

    def both(self, run, p, views, a, running):
        z = self.embed(p, run.b, views, running)
        with torch.no_grad():
            t = self.embed(run.target, run.target_b, views, running)
        q = [unit(mlp(p, run.b, "predictor", v, running)) for v in z]
        ct = sum((2 - 2 * (q[v] * unit(t[1 - v])).sum(1)).mean() for v in (0, 1))
        if a is None:
            return ct, None
        t = torch.cat(t)
        return ct, regularizer(torch.cat(z), t, torch.cat([a, a]) * t[:, None])

    def after(self, run, step):
        tau = 1 - (1 - self.momentum) * (math.cos(math.pi * step / SETUP["steps"]) + 1) / 2
        for name, t in run.target.items():
            t.mul_(tau).add_(run.theta[name].detach(), alpha=1 - tau)


class Run:
    def __init__(self, method, entries):
        model, weights = Model(SETUP["phase"]), Model(SETUP["phase"])
        method.declare(model)
        declare_fmsr(weights, entries)
        self.method, self.shapes, self.phi_shapes = method, model.shapes, weights.shapes
        self.theta, self.phi = model.leaves(), weights.leaves()
        self.b, self.phi_b = model.copy_buffers(), weights.copy_buffers()
        self.target = {n: fill(n, s, SETUP["phase"]) for n, s in self.shapes.items() if not n.startswith("predictor")}
        self.target_b = model.copy_buffers()
        self.adam = torch.optim.Adam(self.theta.values(), weight_decay=DECAY)
        self.meta_adam = torch.optim.Adam(self.phi.values(), lr=MSR["beta"])
        self.regulars, self.metas = [], []

    def batch(self, step):
        views = [pictures(SETUP["pictures"], SETUP["size"], step, v, SETUP["phase"]) for v in range(3)]
        return views[:2], views[2]

    def total(self, a, views, running):
        ct, msr = self.method.both(self, self.theta, views, a, running)
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
        self.method.after(self, step)
        self.regulars.append({"L_ct": ct.item(), "L_msr": msr.item(), "L_to": total.item(), "rate": rate})

    def meta(self, step):
        views, plain = self.batch(step)
        a = fmsr(self.phi, self.phi_b, plain, False)
        total, _, _ = self.total(a, views, False)
        grads = torch.autograd.grad(total, list(self.theta.values()), create_graph=True)
        fast = {n: t - MSR["alpha"] * g for (n, t), g in zip(self.theta.items(), grads)}  # eq. 7
        ct, _ = self.method.both(self, fast, views, None, False)
        uni = uniformity(a)
        phi = list(self.phi.values())
        of_ct = torch.autograd.grad(ct, phi, retain_graph=True)
        of_uni = torch.autograd.grad(uni, phi)
        for p, x, y in zip(phi, of_ct, of_uni):
            p.grad = x + MSR["gamma"] * y  # eq. 8
        self.meta_adam.step()
        norm = lambda grads: sum(g.pow(2).sum() for g in grads).sqrt().item()
        self.metas.append({"L_ct_fast": ct.item(), "L_uni": uni.item(), "norm_of_L_ct_fast": norm(of_ct),
                           "norm_of_L_uni": norm(of_uni)})


def case(name, space, method):
    run, each = Run(method, FEATURES if space == "feature" else SETUP["out"]), MSR["steps_per_epoch"]
    for epoch in range(MSR["epochs"]):
        for step in range(epoch * each, (epoch + 1) * each):
            run.regular(step)
        for step in range(epoch * each, (epoch + 1) * each):
            run.meta(step)
    assert all(math.isfinite(x) for step in run.regulars + run.metas for x in step.values())
    return {"method": name, "space": space, "parameters": run.shapes, "fmsr_parameters": run.phi_shapes,
            "regular": run.regulars, "meta": run.metas, "after": summary(run.theta), "fmsr_after": summary(run.phi),
            "running_mean_conv1": run.b["backbone.bn1"][0].tolist(),
            "running_var_conv1": run.b["backbone.bn1"][1].tolist(),
            "fmsr_running_mean": run.phi_b["trunk.0.bn"][0].tolist(),
            "fmsr_running_var": run.phi_b["trunk.0.bn"][1].tolist()}


if __name__ == "__main__":
    cases = [case("simclr", "embedding", SimCLR()), case("simclr", "feature", Features()),
             case("byol", "embedding", BYOL())]
    for made in cases:
        for step in made["regular"] + made["meta"]:
            print(made["method"], made["space"], *(f"{k} {v:.6g}" for k, v in step.items()))
    with open("meta/testdata/reference/trajectories_msr.json", "w") as f:
        json.dump({"schema": 1, "source": "PyTorch, scripts/reference/trajectories_msr.py", "dtype": "float64",
                   "rtol": 1e-8, **SETUP, "msr": MSR, "msr_cases": cases}, f)
