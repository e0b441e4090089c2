"""The methods of trajectories.py: views, networks and losses.

Losses are written from the papers, networks and norms from the authors' code:

  swav      arXiv 2006.09882, github.com/facebookresearch/swav. Crops of one size pass the backbone together; all crops
            pass the head together. Prototypes are normalised before each step, and here also at the end. swav_queue
            has queues, which are filled from the start and used from the third step on. The authors begin to fill
            them there.
  w_mse     arXiv 2007.06346, github.com/htdt/self-supervised. Four views pass the backbone one by one and the head
            together. Whitening is over the batch.
  relic     arXiv 2010.07922, from the paper. relic_target compares with a target network.
  ssl_hsic  arXiv 2106.08320, from the paper (exact kernels, no random features). ssl_hsic_target has predictor and
            target, as in github.com/google-deepmind/ssl_hsic.
  dcl       arXiv 2007.00224, github.com/chingyaoc/DCL.
  cmc       arXiv 1906.05849. Negatives come from the batch instead of the memory bank.
"""

import math

import torch
from torch.nn import functional as F

from formula import declare_mlp, declare_resnet, mlp, resnet

def unit(z):
    return z / z.norm(dim=1, keepdim=True)


class Method:
    """A method with backbone, projector and two views. Views pass both networks one by one."""

    hidden, out = 24, 6
    temperature, views, sizes, target = 0.5, 2, None, None

    def declare(self, m):
        declare_mlp(m, "projector", [declare_resnet(m), self.hidden, self.out])

    def embed(self, p, b, views):
        return [mlp(p, b, "projector", resnet(p, b, v)) for v in views]

    def place(self, p):
        """Called before each step, and at the end."""

    def forward(self, run, views):
        return self.loss(self.embed(run.p, run.b, views))


class SimCLR(Method):
    """SimCLR as in trajectories.json. trajectories.py checks itself with it."""

    def declare(self, m):
        declare_mlp(m, "projector", [declare_resnet(m), self.hidden, self.out], last=True)

    def embed(self, p, b, views):
        y = torch.cat([resnet(p, b, v) for v in views])
        return mlp(p, b, "projector", y).chunk(len(views))

    def loss(self, z):
        u = unit(torch.cat(list(z)))
        n = len(u) // 2
        logits = (u @ u.T / self.temperature).masked_fill(torch.eye(2 * n, dtype=torch.bool), -math.inf)
        return F.cross_entropy(logits, (torch.arange(2 * n) + n) % (2 * n))


class DCL(Method):
    tau_plus = 0.1

    def declare(self, m):
        declare_mlp(m, "projector", [declare_resnet(m), self.hidden, self.out], biases=[False, True])

    def loss(self, z):
        u, t = unit(torch.cat(z)), self.temperature
        n, count = len(z[0]), 2 * len(z[0]) - 2
        terms = []
        for i in range(2 * n):
            pos = torch.exp(u[i] @ u[(i + n) % (2 * n)] / t)
            neg = sum(torch.exp(u[i] @ u[j] / t) for j in range(2 * n) if j % n != i % n)
            others = (neg - self.tau_plus * count * pos) / (1 - self.tau_plus)
            others = torch.clamp(others, min=count * math.exp(-1 / t))
            terms.append(-torch.log(pos / (pos + others)))
        return torch.stack(terms).mean()


class WMSE(Method):
    """epsilon is needed: parameters by the formula give embeddings of rank 2, whose covariance has no inverse."""

    views, epsilon = 4, 0.1
    embed = SimCLR.embed

    def white(self, z):
        x = z - z.mean(0)
        cov = (1 - self.epsilon) * x.T @ x / (len(x) - 1) + self.epsilon * torch.eye(x.shape[1])
        lower = torch.linalg.cholesky(cov)
        return torch.linalg.solve_triangular(lower, x.T, upper=False).T

    def loss(self, z):
        w = [unit(self.white(v)) for v in z]
        pairs = [(i, j) for i in range(len(w)) for j in range(i)]
        return sum((2 - 2 * (w[i] * w[j]).sum(1)).mean() for i, j in pairs) / len(pairs)


class RELIC(Method):
    temperature, alpha = 0.2, 0.7

    def compare(self, z, t):
        """Instance discrimination of each view with the other, and the divergence of both answers.

        Divergences are to a distribution that is held constant, as in losses.json.
        """
        logs = [F.log_softmax(unit(z[v]) @ unit(t[1 - v]).T / self.temperature, 1) for v in (0, 1)]
        nce = sum(-log.diagonal().mean() for log in logs) / 2
        held = [log.detach() for log in logs]
        kl = [(held[v].exp() * (held[v] - logs[1 - v])).sum(1).mean() for v in (0, 1)]
        return nce + self.alpha * sum(kl) / 2

    def loss(self, z):
        return self.compare(z, z)


class RELICTarget(RELIC):
    target = 0.99

    def forward(self, run, views):
        with torch.no_grad():
            t = self.embed(run.target, run.target_b, views)
        return self.compare(self.embed(run.p, run.b, views), t)


class HSIC(Method):
    gamma, width = 3.0, 1.0

    def hsic(self, k, l):
        n = len(k)
        h = torch.eye(n) - 1 / n
        return torch.trace(k @ h @ l @ h) / (n - 1) ** 2  # as in losses.json; the authors' code has n**2

    def dependence(self, z):
        """-HSIC(Z, Y) + gamma sqrt(HSIC(Z, Z)). Y is the picture that a view is of (eq. 4 and 5 of the paper)."""
        m, n, u = len(z), len(z[0]), unit(torch.cat(z))
        squares = (u[:, None] - u[None]).pow(2).sum(2)
        k = self.width / torch.sqrt(self.width**2 + squares)
        same = torch.eye(n).repeat(m, m)
        within = (k * same).sum() - k.diagonal().sum()  # pairs of different views of a picture
        zy = within / (n * m * (m - 1)) - k.sum() / (n * m) ** 2
        return self.gamma * torch.sqrt(self.hsic(k, k)) - zy

    loss = dependence


class HSICTarget(HSIC):
    target = 0.99

    def declare(self, m):
        super().declare(m)
        declare_mlp(m, "predictor", [self.out, self.hidden, self.out])

    def forward(self, run, views):
        predictions = [mlp(run.p, run.b, "predictor", z) for z in self.embed(run.p, run.b, views)]
        with torch.no_grad():
            t = self.embed(run.target, run.target_b, views)
        return self.dependence(predictions + t[::-1])


class CMC(Method):
    """A picture has one view, in Lab. L and ab each have half a backbone and a linear head."""

    temperature, views = 0.07, 1

    def declare(self, m):
        features = {side: declare_resnet(m, f"backbone.{side}.", 4, n) for side, n in (("l", 1), ("ab", 2))}
        for side, dim in features.items():
            declare_mlp(m, f"projector.{side}", [dim, self.out])

    def embed(self, p, b, views):
        x = {"l": views[0][:, :1], "ab": views[0][:, 1:]}
        return [mlp(p, b, f"projector.{side}", resnet(p, b, v, f"backbone.{side}.")) for side, v in x.items()]

    def loss(self, z):
        logits = unit(z[0]) @ unit(z[1]).T / self.temperature
        own = torch.arange(len(logits))
        return F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)


class SwAV(Method):
    temperature, epsilon, turns, prototypes = 0.1, 0.05, 3, 10
    views, sizes = 4, [16, 16, 8, 8]
    queue_from, queue = None, None

    def declare(self, m):
        super().declare(m)
        m.linear("prototypes.0", self.out, self.prototypes, bias=False)

    def place(self, p):
        with torch.no_grad():
            p["prototypes.0.weight"].copy_(unit(p["prototypes.0.weight"]))

    def embed(self, p, b, views):
        y = torch.cat([resnet(p, b, torch.cat(views[:2])), resnet(p, b, torch.cat(views[2:]))])
        return unit(mlp(p, b, "projector", y)).chunk(len(views))

    def assign(self, scores):
        q = torch.exp(scores / self.epsilon).T
        q /= q.sum()
        for _ in range(self.turns):
            q /= q.sum(1, keepdim=True) * len(q)
            q /= q.sum(0, keepdim=True) * q.shape[1]
        return (q / q.sum(0, keepdim=True)).T

    def earlier(self, run, v, z):
        """Return the queue's embeddings of view v, if they are used, and add z at its head."""
        if self.queue_from is None:
            return z[:0]
        rows = run.queues.setdefault(v, torch.zeros(self.queue, self.out))
        run.queues[v] = torch.cat([z, rows])[: self.queue]
        return rows if rows[-1].any() and run.step >= self.queue_from else z[:0]

    def forward(self, run, views):
        z, c = self.embed(run.p, run.b, views), run.p["prototypes.0.weight"]
        scores, terms = [v @ c.T for v in z], []
        for i in (0, 1):
            with torch.no_grad():
                q = self.assign(torch.cat([self.earlier(run, i, z[i]) @ c.T, scores[i]]))[-len(z[i]):]
            for v in range(len(views)):
                if v != i:
                    terms.append(-(q * F.log_softmax(scores[v] / self.temperature, 1)).sum(1).mean())
        return sum(terms) / len(terms)


class SwAVQueue(SwAV):
    queue_from, queue = 2, 32


METHODS = {"swav": SwAV(), "swav_queue": SwAVQueue(), "w_mse": WMSE(), "relic": RELIC(), "relic_target": RELICTarget(),
           "ssl_hsic": HSIC(), "ssl_hsic_target": HSICTarget(), "dcl": DCL(), "cmc": CMC()}
