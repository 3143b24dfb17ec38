"""Random small trainings against float64 optima: the certificate is never below the true gap.

    DECAF=.build/release/decaf SHARED=… python3 Scripts/checks/training.py [COUNT [FIRST]]

Features of scales 1e-6 … 1e6, C of 1e-6 … 1e8, offsets, constant and equal columns, imbalance,
weights, all losses, both forms of the bias, more rows than features and fewer. The optimum is that of
a damped Newton method in float64 on features scaled to 1; whatever it finds is an upper bound of the
smallest objective, so no certificate can fail by an inexact reference.
"""
import json
import pathlib
import subprocess
import sys
import time

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file

from common import command, decaf, expect, finish, scratch

LOSSES = ("softmax", "logistic", "squared-hinge")


def terms(loss, f, y):
    """Losses of each row, and their first and (K×K, or diagonal) second derivatives in logits."""
    n, k = f.shape
    onehot = np.eye(k, dtype=f.dtype)[y]
    if loss == "softmax":
        top = f.max(1, keepdims=True)
        e = np.exp(f - top)
        p = e / e.sum(1, keepdims=True)
        losses = np.log(e.sum(1)) + top[:, 0] - f[np.arange(n), y]
        return losses, p - onehot, p
    sign = 2 * onehot - 1
    m = sign * f
    if loss == "logistic":
        q = np.exp(-np.logaddexp(0, m))
        return np.logaddexp(0, -m).sum(1), -sign * q, q * (1 - q)
    slack = np.maximum(0, 1 - m)
    return (slack ** 2).sum(1), -2 * sign * slack, 2.0 * (slack > 0)


def objective(loss, x, y, weights, W, b, C, penalty):
    """`½‖W‖² + penalty·½‖b‖² + C Σ c·loss`, in the precision of x."""
    losses = terms(loss, x @ W.T + b, y)[0]
    return (W ** 2).sum() / 2 + penalty * (b ** 2).sum() / 2 + C * (weights * losses).sum()


def newton(loss, x, y, weights, C, penalty, W, b):
    """Damped Newton steps from a point; the best point met."""
    (n, d), k = x.shape, W.shape[0]
    one = np.hstack([x, np.ones((n, 1))])
    ridge = np.tile(np.append(np.ones(d), penalty), k)
    theta = np.hstack([W, b[:, None]]).ravel()

    def value(theta):
        T = theta.reshape(k, d + 1)
        return objective(loss, x, y, weights, T[:, :d], T[:, d], C, penalty)

    here = value(theta)
    for _ in range(200):
        T = theta.reshape(k, d + 1)
        _, r, h = terms(loss, one @ T.T, y)
        g = ridge * theta + C * ((weights[:, None] * r).T @ one).ravel()
        H = np.diag(ridge)
        for i in range(k):
            for j in range(k):
                if loss == "softmax":
                    w = h[:, i] * ((i == j) - h[:, j])
                elif i == j:
                    w = h[:, i]
                else:
                    continue
                H[i * (d + 1):(i + 1) * (d + 1), j * (d + 1):(j + 1) * (d + 1)] += (
                    C * one.T @ ((weights * w)[:, None] * one))
        scale = 1 / np.sqrt(np.maximum(np.diag(H), 1e-300))
        A = scale[:, None] * H * scale + 1e-14 * np.eye(len(theta))
        step = scale * np.linalg.lstsq(A, scale * g, rcond=1e-15)[0]
        t, moved = 1.0, False
        while t > 1e-10:
            there = value(theta - t * step)
            if there < here:
                theta, moved = theta - t * step, True
                break
            t /= 2
        if not moved or here - there <= 1e-15 * here:
            here = min(here, there)
            break
        here = there
    T = theta.reshape(k, d + 1)
    return T[:, :d], T[:, d]


def optimum(loss, x, y, weights, k, C, regularize):
    """The smallest objective found, in the units of x and C."""
    s = float(np.abs(x).max()) or 1.0
    z, scaled = x / s, C * s * s
    # w = w'/s: ½‖w‖² = ½‖w'‖²/s², and all else times s².
    penalty = s * s if regularize else 0.0
    W, b = np.zeros((k, x.shape[1])), np.zeros(k)
    path = [c for c in 10.0 ** np.arange(-2, 24, 2) if c < scaled]
    for c in path + [scaled]:
        W, b = newton(loss, z, y, weights, c, penalty * c / scaled if regularize else 0.0, W, b)
    return W / s, b


def problem(seed):
    """A training: features, labels, weights and options."""
    rng = np.random.default_rng(seed)
    k = int(rng.integers(2, 5))
    n, d = (int(rng.integers(10, 40)), int(rng.integers(40, 90))) if seed % 2 else (
        int(rng.integers(30, 200)), int(rng.integers(1, 12)))
    share = rng.dirichlet(np.full(k, [0.5, 5][int(rng.integers(2))]))
    y = np.concatenate([np.arange(k), rng.choice(k, n - k, p=share)])
    x = rng.normal(size=(n, d)) + rng.choice([0, 0.3, 2]) * rng.normal(size=(k, d))[y]
    if rng.random() < 0.5:
        x = np.maximum(x, 0)
    if d > 2 and rng.random() < 0.4:
        x[:, 0] = 1
        x[:, 1] = x[:, 2]
    if rng.random() < 0.3:
        x *= 10.0 ** rng.uniform(-3, 3, d)
    x += rng.choice([0, 0, 1, 30])
    x *= 10.0 ** rng.uniform(-6, 6)
    weights = rng.choice([0.1, 1, 3], n) if rng.random() < 0.3 else np.ones(n)
    return dict(
        x=x.astype("f4"), y=y, k=k, weights=weights, loss=LOSSES[seed % 3],
        C=float("%.3g" % 10.0 ** rng.uniform(-6, 8)), regularize=bool(seed // 3 % 2))


def check(folder, seed):
    """Trains one problem; returns what the summary counts."""
    p = problem(seed)
    np.save(folder / "x.npy", p["x"])
    (folder / "y.txt").write_text("".join(f"c{label}\n" for label in p["y"]))
    (folder / "w.txt").write_text("".join(f"{w!r}\n" for w in p["weights"].tolist()))
    store, output = folder / f"s{seed}", folder / f"c{seed}.safetensors"
    decaf("import", folder / "x.npy", "--labels", folder / "y.txt", "--layer", "f", "--output", store)
    options = ["--regularize-bias"] if p["regularize"] else []
    started = time.time()
    run = subprocess.run(
        command("train", store, "--layer", "f", "--loss", p["loss"], "--C", p["C"], "--weights",
                folder / "w.txt", "--output", output, "--strict", *options),
        capture_output=True, text=True, timeout=600)
    seconds = time.time() - started
    name = (f"seed {seed} {p['loss']}, C {p['C']:g}, {'regularized' if p['regularize'] else 'free'}, "
            f"{p['x'].shape}, largest {np.abs(p['x']).max():.1e}")
    expect(run.returncode in (0, 65), f"{name}: status {run.returncode}: {run.stderr[-300:]}")
    if not output.exists():
        expect("cannot train" in run.stderr, f"{name}: no classifier, and no reason: {run.stderr}")
        return name, "refused", 1.0, 1.0, seconds
    tensors = load_file(output)
    with safe_open(output, "np") as file:
        certificate = json.loads(file.metadata()["certificate"])
    # 64 bits of mantissa, so that small differences of large objectives are seen.
    x = p["x"].astype(np.longdouble)
    penalty = 1 if p["regularize"] else 0
    ours = objective(p["loss"], x, p["y"], p["weights"], tensors["weight"].astype(np.longdouble),
                     tensors["bias"].astype(np.longdouble), p["C"], penalty)
    W, b = optimum(p["loss"], p["x"].astype("f8"), p["y"], p["weights"], p["k"], p["C"],
                   p["regularize"])
    best = objective(p["loss"], x, p["y"], p["weights"], W.astype(np.longdouble),
                     b.astype(np.longdouble), p["C"], penalty)
    rounding = 1e-15 * ours
    expect(ours - best <= certificate["gap"] * (1 + 1e-6) + rounding,
           f"{name}: {float(ours - best):.3e} above the optimum, certified {certificate['gap']:.3e}")
    expect(certificate["relative_gap"] <= 1, f"{name}: a relative gap above 1")
    ratio = max(certificate["relative_gap"], certificate["gap_of_gain"])
    converged = run.returncode == 0
    if converged and ratio > 1e-6:
        # Only where there is nothing to gain beyond rounding.
        expect(certificate["gain"] <= 1e-12 * float(ours), f"{name}: done at {ratio:.1e}")
    if not converged:
        expect(ratio > 1e-6, f"{name}: status 65 at {ratio:.1e}")
    return name, "converged" if converged else "said so", ratio, float(ours - best) / float(ours), seconds


count = int(sys.argv[1]) if len(sys.argv) > 1 else 120
first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
with scratch() as temporary:
    results = [check(pathlib.Path(temporary), seed) for seed in range(first, first + count)]
for name, state, ratio, difference, seconds in results:
    if state != "converged" or seconds > 5:
        print(f"  {state:9} {name}: ratio {ratio:.1e}, above the optimum {difference:.1e} of it, "
              f"{seconds:.1f} s")
for state in ("converged", "said so", "refused"):
    print(f"  {sum(r[1] == state for r in results):4} of {count} {state}")
finish()
