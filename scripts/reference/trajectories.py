"""Write methods/testdata/reference/trajectories_more.json: whole training steps of swav, w_mse, relic, ssl_hsic, dcl
and cmc.

trajectories.json has those of six other methods. A step has heads and their norms, views, optimizer, schedule, target
and queue, beside the loss. This needs torch. Run it at the repository's root.

The methods are in trajectory_methods.py. All use Adam, L2 1e-6 and a rate of 3e-3 x min(1, (step + 1)/4), as in
trajectories.json. The program reproduces simclr of trajectories.json before it writes.
"""

import json
import math

import torch

from formula import Model, pictures, summary
from trajectory_methods import METHODS, Method, SimCLR

SETUP = {"pictures": 16, "size": 16, "steps": 6, "hidden": Method.hidden, "out": Method.out, "phase": 0.3,
         "warmup_steps": 4}
RATE, DECAY = 3e-3, 1e-6


class Run:
    def __init__(self, method, setup):
        model = Model(setup["phase"])
        method.declare(model)
        self.method, self.setup, self.shapes = method, setup, model.shapes
        self.p, self.b, self.queues, self.momenta = model.leaves(), model.copy_buffers(), {}, []
        self.target = {n: t.detach().clone() for n, t in self.p.items() if not n.startswith("predictor")}
        self.target_b = model.copy_buffers()
        self.optimizer = torch.optim.Adam(self.p.values(), weight_decay=DECAY)

    def take(self, step):
        s, method = self.setup, self.method
        self.step = step
        sizes = method.sizes or [s["size"]] * method.views
        views = [pictures(s["pictures"], size, step, v, s["phase"]) for v, size in enumerate(sizes)]
        rate = RATE * min(1, (step + 1) / s["warmup_steps"])
        self.optimizer.param_groups[0]["lr"] = rate
        method.place(self.p)
        loss = method.forward(self, views)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        if method.target:
            tau = 1 - (1 - method.target) * (math.cos(math.pi * step / s["steps"]) + 1) / 2
            self.momenta.append(tau)
            for name, t in self.target.items():
                t.mul_(tau).add_(self.p[name].detach(), alpha=1 - tau)
        return loss.item(), rate


def case(name, method, setup=SETUP):
    run = Run(method, setup)
    losses, rates = zip(*(run.take(step) for step in range(setup["steps"])))
    method.place(run.p)
    first = next(n for n in run.b if n.endswith("bn1"))
    out = {"method": name, "temperature": method.temperature, "parameters": run.shapes, "losses": losses,
           "rates": rates, "target_momentum": run.momenta, "after": summary(run.p),
           "running_mean_conv1": run.b[first][0].tolist(), "running_var_conv1": run.b[first][1].tolist()}
    if method.views != 2:
        out["views"] = method.views
    if method.sizes:
        out["sizes"] = method.sizes
    if method.target:
        out["target_after"] = {n: t.norm().item() for n, t in run.target.items()}
    if run.queues:
        out["queue_after_norm_of_sum"] = run.queues[0].sum(0).norm().item()
    assert all(math.isfinite(x) for x in losses), (name, losses)
    return out


def check():
    """Compare SimCLR with that of trajectories.json, which another program wrote, to 1e-9."""
    with open("methods/testdata/reference/trajectories.json") as f:
        known = json.load(f)
    want, method = known["cases"][0], SimCLR()
    method.hidden, method.out = known["hidden"], known["out"]
    got = case("simclr", method, {name: known[name] for name in SETUP})
    assert want["method"] == "simclr" and got["parameters"] == want["parameters"]
    pairs = list(zip(got["losses"], want["losses"]))
    pairs += [(got["after"][name]["norm"], x["norm"]) for name, x in want["after"].items()]
    assert all(abs(a / b - 1) < 1e-9 for a, b in pairs), pairs


if __name__ == "__main__":
    check()
    cases = [case(name, method) for name, method in METHODS.items()]
    for c in cases:
        print(c["method"], *(f"{x:.6f}" for x in c["losses"]))
    with open("methods/testdata/reference/trajectories_more.json", "w") as f:
        json.dump({"schema": 1, "source": "PyTorch, scripts/reference/trajectories.py", "dtype": "float64",
                   "rtol": 1e-8, **SETUP, "cases": cases}, f)
