# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the data of examples/decay and examples/logistic, and tests/golden/examples/*.test with what their models
must reach: the optimum by SciPy (least squares, maximum likelihood) and, for the line, plain loops in 40 digits.

Needs numpy, scipy, mpmath. Run in the root: python3 tests/oracle/examples.py
"""
import csv
import json
import pathlib

import mpmath
import numpy as np
from scipy.optimize import least_squares, minimize

ROOT = pathlib.Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "examples"
mpmath.mp.dps = 40


def make_decay():
    noise = np.random.default_rng(3).normal(0, 0.05, 81)
    t = np.arange(81) * 0.1
    counts = 3 * np.exp(-0.7 * t) + 0.5 + noise
    rows = [f"{a:.1f},{b:.3f}" for a, b in zip(t, counts)]
    (ROOT / "examples/decay/counts.csv").write_text("t,counts\n" + "\n".join(rows) + "\n")


def make_admission():
    random = np.random.default_rng(5)
    score = np.round(random.normal(60, 12, 120)).clip(20, 100)
    practice = np.round(random.exponential(1.5, 120), 1)
    odds = 0.9 * (score - 60) / 10 + 0.8 * practice - 1
    admitted = (random.uniform(size=120) < 1 / (1 + np.exp(-odds))).astype(int)
    rows = [f"{s:.0f},{p:.1f},{c}" for s, p, c in zip(score, practice, admitted)]
    (ROOT / "examples/logistic/admission.csv").write_text("score,practice,admitted\n" + "\n".join(rows) + "\n")


def columns(path, kind=float):
    with open(ROOT / path) as file:
        rows = list(csv.DictReader(file))
    return [[kind(row[name]) for row in rows] for name in rows[0]]


def write(name, about, files, model, lines, more=""):
    text = f"{about}\nExpected numbers: tests/oracle/examples.py, which writes this file.\n"
    text += "".join(f"--- copy examples/{file}\n" for file in files)
    # A softmax is the same where a number is added to all its arguments: a note says so.
    noted = 'diagnostics/0/code "S0422"' if model.startswith("iris") else "diagnostics []"
    text += f'--- run slope train {model} --json\n--- json\nstatus "finished"\n{noted}\n' + "\n".join(lines) + "\n" + more
    GOLDEN.mkdir(exist_ok=True)
    (GOLDEN / f"{name}.test").write_text(text)


def line():
    """The loop of a first course, in 40 digits."""
    x, y = columns("examples/line/points.csv", mpmath.mpf)
    w, b = mpmath.mpf(0), mpmath.mpf(-1)
    at = []
    for steps, rate in [(200, mpmath.mpf("0.05")), (200, mpmath.mpf("0.01"))]:
        for _ in range(steps):
            r = [w * p + b - q for p, q in zip(x, y)]
            dw = 2 * sum(e * p for e, p in zip(r, x)) / len(x)
            db = 2 * sum(r) / len(x)
            w, b = w - rate * dw, b - rate * db
        at.append((w, b, sum((w * p + b - q) ** 2 for p, q in zip(x, y)) / len(x)))
    number = lambda v: mpmath.nstr(v, 17)
    lines = [f"parameters/w {number(w)} 1e-12", f"parameters/b {number(b)} 1e-12", f"loss {number(at[1][2])} 1e-12",
             f"runs/0/loss {number(at[0][2])} 1e-12", f"rows {len(x)}", "steps 400"]
    w, b, loss = at[0]
    more = f"""--- run sed '$d' line.slope >first.slope; slope train first.slope --json
--- json
steps 200
parameters/w {number(w)} 1e-12
parameters/b {number(b)} 1e-12
loss {number(loss)} 1e-12
"""
    write("line", "The lesson: the two statements, then the first alone, equal the loop written by hand.",
          ["line/line.slope", "line/points.csv"], "line.slope", lines, more)


def decay():
    t, counts = map(np.array, columns("examples/decay/counts.csv"))
    def slopes(p): return np.stack([np.exp(-p[1] * t), -p[0] * t * np.exp(-p[1] * t), np.ones_like(t)], 1)

    fit = least_squares(lambda p: p[0] * np.exp(-p[1] * t) + p[2] - counts, [3, 0.7, 0.5], slopes, xtol=1e-15, ftol=1e-15, gtol=1e-15)
    a, k, background = fit.x
    mse = float(np.mean(fit.fun ** 2))
    write("decay", "Gradient descent reaches the least-squares optimum (SciPy's least_squares).",
          ["decay/decay.slope", "decay/counts.csv"], "decay.slope",
          [f"parameters/a {float(a)!r} 1e-8", f"parameters/k {float(k)!r} 1e-8", f"parameters/background {float(background)!r} 1e-8",
           f"loss {mse!r} 1e-12", f"metrics/rmse {mse ** 0.5!r} 1e-10", f"reports/half_life/estimate {float(np.log(2) / k)!r} 1e-8"])


def iris():
    """Newton's method; what is added to all of b or taken from it changes nothing, hence the least-squares solution."""
    with open(ROOT / "examples/iris/iris.csv") as file:
        rows = list(csv.reader(file))[1:]
    x = np.array([row[:4] for row in rows], float)
    names = sorted({row[4] for row in rows})
    y = np.eye(3)[[names.index(row[4]) for row in rows]]
    X = np.hstack([(x - x.mean(0)) / x.std(0), np.ones((len(x), 1))])
    penalty = 1e-3 * np.array([1, 1, 1, 1, 0])[:, None]

    def probabilities(p):
        e = np.exp(X @ p - (X @ p).max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)

    def loss(p): return float(-np.mean(np.log((probabilities(p) * y).sum(1))) + np.sum(penalty * p ** 2))

    p = minimize(lambda v: loss(v.reshape(5, 3)), np.zeros(15), method="BFGS").x.reshape(5, 3)
    for _ in range(20):
        q = probabilities(p)
        slopes = X.T @ (q - y) / len(X) + 2 * penalty * p
        curve = np.einsum("ni,nj,na,nab->iajb", X, X, q, np.eye(3) - q[:, None, :]) / len(X)
        curve = curve.reshape(15, 15) + np.diag(np.repeat(2 * penalty[:, 0], 3))
        p = p - np.linalg.lstsq(curve, slopes.ravel(), rcond=1e-10)[0].reshape(5, 3)
    hits = float(np.mean(probabilities(p).argmax(1) == y.argmax(1)))
    write("iris", "Adam reaches the maximum of the penalised likelihood (Newton's method in NumPy).",
          ["iris/iris.slope", "iris/iris.csv"], "iris.slope",
          [f"parameters/logits.W/{i}/{j} {float(p[i, j])!r} 1e-6" for i in range(4) for j in range(3)] +
          [f"loss {loss(p)!r} 1e-10", f"metrics/accuracy {hits!r} 1e-14"],
          f"""--- run slope predict iris.slope --weights iris.safetensors --json
--- json
predict/0/0 {float(probabilities(p)[0, 0])!r} 1e-6
predict/149/2 {float(probabilities(p)[149, 2])!r} 1e-6
labels {json.dumps(names)}
""")


def logistic():
    score, practice, admitted = map(np.array, columns("examples/logistic/admission.csv"))
    X = np.stack([(score - 60) / 10, practice, np.ones_like(score)], 1)

    def loss(p): return np.mean(np.logaddexp(0, X @ p) - admitted * (X @ p))

    p = minimize(loss, np.zeros(3), method="BFGS", options={"gtol": 1e-8}).x
    for _ in range(20):  # Newton's steps to the last digits
        q = 1 / (1 + np.exp(-X @ p))
        p = p - np.linalg.solve(X.T @ (X * (q * (1 - q))[:, None]), X.T @ (q - admitted))
    accuracy = float(np.mean((X @ p > 0) == (admitted == 1)))
    write("logistic", "Gradient descent reaches the maximum of the likelihood (Newton's method in NumPy).",
          ["logistic/admission.slope", "logistic/admission.csv"], "admission.slope",
          [f"parameters/{n} {float(v)!r} 1e-8" for n, v in zip("abc", p)] +
          [f"loss {float(loss(p))!r} 1e-12", f"metrics/accuracy {accuracy!r} 1e-14"],
          f"""--- run slope predict admission.slope --weights admission.safetensors --json
--- json
predict/0 {float(1 / (1 + np.exp(-(X @ p)[0])))!r} 1e-8
predict/119 {float(1 / (1 + np.exp(-(X @ p)[119])))!r} 1e-8
""")


if __name__ == "__main__":
    make_decay()
    make_admission()
    line()
    decay()
    iris()
    logistic()
