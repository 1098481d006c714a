# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes tests/golden/solvers/bent_*.test: minima of losses with absolute values in them.

Piecewise linear losses are solved as linear programmes by SciPy (HiGHS). Those with a quadratic part are solved by
trying every set of kinks that the minimum can lie on; support vector machines are scikit-learn's. Needs numpy, scipy,
scikit-learn. Run in the root: python3 tests/oracle/bent_losses.py
"""
import itertools
import pathlib

import numpy as np
from scipy.optimize import linprog
from sklearn.svm import SVC

FOLDER = pathlib.Path(__file__).parents[1] / "golden" / "solvers"


class Draws:
    """Numbers that are the same everywhere."""

    def __init__(self, seed):
        self.state = seed

    def uniform(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) / 2**31

    def normal(self):
        return sum(self.uniform() for _ in range(12)) - 6


def made_up(rows, seed=1):
    """u, v, w and y = 2 + u - 3v + noise with long tails, to two places."""
    draws, out = Draws(seed), []
    for _ in range(rows):
        u, v, w = (draws.normal() for _ in range(3))
        noise = draws.normal() / (0.2 + draws.uniform())
        out.append([round(z, 2) for z in (u, v, w, 2 + u - 3 * v + noise)])
    return np.array(out)


def quantile(design, y, q, weights=None):
    """min mean(q·max(r, 0) + (1 - q)·max(-r, 0)) of r = y - design·p, with weights their mean."""
    m, n = design.shape
    weights = np.ones(m) if weights is None else weights
    share = weights / weights.sum()
    scale = np.abs(design).max(0)
    result = linprog(np.r_[np.zeros(n), q * share, (1 - q) * share],
                     A_eq=np.hstack([design / scale, np.eye(m), -np.eye(m)]), b_eq=y,
                     bounds=[(None, None)] * n + [(0, None)] * (2 * m), method="highs-ds",
                     options=dict(primal_feasibility_tolerance=1e-10, dual_feasibility_tolerance=1e-10))
    assert result.status == 0
    p = result.x[:n] / scale
    # The vertex itself: the rows that it goes through.
    r = y - design @ p
    through = np.argsort(np.abs(r))[:n]
    p = np.linalg.solve(design[through], y[through])
    r = y - design @ p
    loss = float((share * np.where(r >= 0, q * r, (q - 1) * r)).sum())
    assert abs(loss - result.fun) <= 1e-9 * (1 + abs(loss))
    return p, loss


def quadratic_with_kinks(hessian, linear, weights):
    """min ½p'Hp + linear'p + Σ weights·|p|: all sets of zeros and all signs."""
    n, best = len(linear), None
    for signs in itertools.product((-1, 0, 1), repeat=n):
        on = [i for i in range(n) if signs[i] or weights[i] == 0]
        if any(weights[i] == 0 and signs[i] for i in range(n)):
            continue
        p = np.zeros(n)
        if on:
            p[on] = np.linalg.solve(hessian[np.ix_(on, on)],
                                    -(linear + weights * np.array(signs))[on])
        value = float(p @ hessian @ p / 2 + linear @ p + weights @ np.abs(p))
        if best is None or value < best[1]:
            best = p, value
    return best


def table(names, rows):
    return ",".join(names) + "\n" + "".join(",".join(f"{v:.10g}" for v in row) + "\n" for row in rows)


class Test:
    def __init__(self, name, prose, file, text):
        self.name, self.parts = name, [prose, f"--- file {file}", text.rstrip("\n")]

    def model(self, file, text):
        self.parts += [f"--- file {file}", text.rstrip("\n")]

    def run(self, command, lines):
        self.parts += [f"--- run slope train {command} --json --no-save --quiet", "--- json"]
        self.parts += [f"{path} {value!r} {tolerance!r}" if tolerance is not None else f"{path} {value}"
                       for path, value, tolerance in lines]

    def write(self):
        (FOLDER / f"{self.name}.test").write_text("\n".join(self.parts) + "\n")


ALL = ("exact", "newton", "lbfgs")


def params(names, values, tolerance=1e-12):
    return [(f"parameters/{name}", float(value), float(tolerance * (1 if abs(value) > 1e-3 else abs(value) or 1)))
            for name, value in zip(names, values)]


def quantiles():
    data = made_up(200)
    test = Test("bent_quantiles", "Quantiles and absolute errors of 200 rows: linear programmes.", "d.csv",
                table("uvwy", data))
    design = np.c_[np.ones(200), data[:, :3]]
    for q in (0.1, 0.5, 0.9):
        file = f"q{q:g}.slope"
        test.model(file, f'data u, v, w, y from "d.csv"\nparam a = 0, b = 0, c = 0, d = 0\n'
                         f"predict = a + b*u + c*v + d*w\nloss = quantile(predict, y, q={q})\n")
        p, loss = quantile(design, data[:, 3], q)
        for optimizer in ALL:
            test.run(f"{file} --optimizer {optimizer}",
                     [("status", '"converged"', None), ("loss", loss, 1e-13)] + params("abcd", p))
    # Columns of any size: the same fit.
    test.model("scaled.slope", 'data u, v, w, y from "d.csv"\nparam a = 0, b = 0, c = 0, d = 0\n'
                               "predict = 1e6*(a + b*(1e12*u) + c*(1e-12*v) + d*w)\n"
                               "loss = mae(predict, 1e6*y)\n")
    p, loss = quantile(design, data[:, 3], 0.5)
    for optimizer in ALL:
        test.run(f"scaled.slope --optimizer {optimizer}",
                 [("status", '"converged"', None), ("loss", float(2e6 * loss), 1e-13)] +
                 params("abcd", p * np.array([1, 1e-12, 1e12, 1])))
    # Weights, and a fit of the absolute error with a penalty that sets one coefficient to 0.
    test.model("weighted.slope", 'data u, v, w, y from "d.csv"\nparam a = 0, b = 0, c = 0, d = 0\n'
                                 "predict = a + b*u + c*v + d*w\nloss = mae(predict, y, weights=w^2)\n")
    p, loss = quantile(design, data[:, 3], 0.5, data[:, 2] ** 2)
    test.run("weighted.slope --optimizer exact", [("status", '"converged"', None), ("loss", 2 * loss, 1e-13)] +
             params("abcd", p))
    test.write()


def penalties():
    data = made_up(60, seed=5)
    test = Test("bent_penalties", "Penalties on absolute values: the lasso, the elastic net.", "d.csv",
                table("uvwy", data))
    design = np.c_[np.ones(60), data[:, :3]]
    y = data[:, 3]
    for name, l1, l2 in (("little", 0.05, 0), ("much", 0.8, 0), ("all", 9, 0), ("net", 0.5, 0.25)):
        test.model(f"{name}.slope", 'data u, v, w, y from "d.csv"\nparam b[3] = 0, a = 0\n'
                                    f"predict = a + [u, v, w] @ b\n"
                                    f"loss = mse(predict, y) + {l1}*sum(abs(b)) + {l2}*sum(b^2)\n")
        hessian = 2 * design.T @ design / 60 + 2 * l2 * np.diag([0, 1, 1, 1])
        p, value = quadratic_with_kinks(hessian, -2 * design.T @ y / 60, np.array([0, l1, l1, l1]))
        lines = [("status", '"converged"', None), ("loss", value + float(y @ y) / 60, 1e-12)]
        lines += [(f"parameters/b/{i}", float(p[i + 1]), 1e-11 if p[i + 1] else 0.0) for i in range(3)]
        lines += [("parameters/a", float(p[0]), 1e-11)]
        for optimizer in ALL:
            test.run(f"{name}.slope --optimizer {optimizer}", lines)
    test.write()


def margins():
    data = made_up(50, seed=9)
    labels = np.where(data[:, 3] > 2, 1, -1)
    labels[::7] *= -1
    rows = np.c_[data[:, :2], labels]
    test = Test("bent_margins", "Support vector machines: hinge with and without a penalty.", "d.csv",
                table(["u", "v", "s"], rows))
    test.model("ridge.slope", 'data u, v, s from "d.csv"\nparam b = 0, c = 0, a = 0\n'
                              "loss = hinge(a + b*u + c*v, s) + 0.05*(b^2 + c^2)\n")
    # SVC minimises |b|²/2 + C·Σ hinge.
    machine = SVC(kernel="linear", C=1 / (50 * 0.1), tol=1e-12).fit(rows[:, :2], labels)
    b, a = machine.coef_[0], machine.intercept_[0]
    # Its last digits: the equations of the rows that lie on the margin.
    signed = labels[:, None] * np.c_[rows[:, :2], np.ones(50)]
    margin = signed @ np.r_[b, a]
    on, inside = np.abs(margin - 1) < 1e-4, margin < 1 - 1e-4
    k = on.sum()
    system = np.block([[0.1 * np.diag([1, 1, 0]), -signed[on].T / 50], [signed[on], np.zeros((k, k))]])
    solution = np.linalg.solve(system, np.r_[signed[inside].sum(0) / 50, np.ones(k)])
    assert np.abs(solution[:3] - np.r_[b, a]).max() < 1e-3 and (0 <= solution[3:]).all() and (solution[3:] <= 1).all()
    b, a = solution[:2], solution[2]
    loss = float(np.maximum(0, 1 - labels * (rows[:, :2] @ b + a)).mean() + 0.05 * b @ b)
    for optimizer in ALL:
        test.run(f"ridge.slope --optimizer {optimizer}",
                 [("status", '"converged"', None), ("loss", loss, 1e-13), ("parameters/b", float(b[0]), 1e-11),
                  ("parameters/c", float(b[1]), 1e-11), ("parameters/a", float(a), 1e-11)])
    # Alone: q = 1/2 of z = 1 - s·(…) and half its mean.
    design = -labels[:, None] * np.c_[np.ones(50), rows[:, :2]]
    m = 50
    result = linprog(np.r_[np.zeros(3), np.full(m, 1 / m)], A_ub=np.hstack([design, -np.eye(m)]), b_ub=-np.ones(m),
                     bounds=[(None, None)] * 3 + [(0, None)] * m, method="highs-ds")
    test.model("alone.slope", 'data u, v, s from "d.csv"\nparam b = 0, c = 0, a = 0\n'
                              "loss = hinge(a + b*u + c*v, s)\n")
    for optimizer in ALL:
        test.run(f"alone.slope --optimizer {optimizer}",
                 [("status", '"converged"', None), ("loss", float(result.fun), 1e-10)])
    test.write()


def smooth_minimum(gradient_hessian, on, signs, weights, n):
    """Newton's method on the parameters that are not 0, where |p| is sign·p; the conditions at those that are."""
    p = np.zeros(n)
    for _ in range(60):
        g, h = gradient_hessian(p)
        step = np.linalg.solve(h[np.ix_(on, on)], -(g + weights * signs)[on])
        p[on] += step / max(1, np.abs(step).max())
    g, _ = gradient_hessian(p)
    fits = np.abs((g + weights * signs)[on]).max() < 1e-12
    fits &= all(np.abs(g[i]) <= weights[i] for i in range(n) if i not in on)
    return p if fits and (p[on] * signs[on] >= 0).all() else None


def likelihoods():
    data = made_up(80, seed=3)
    draws = Draws(4)
    design = np.c_[data[:, :3], np.ones(80)]
    score = 0.4 * (1 + data[:, 0] - 1.5 * data[:, 1])
    labels = np.array([float(draws.uniform() < 1 / (1 + np.exp(-z))) for z in score])
    counts = np.array([float(int(4 * draws.uniform() * np.exp(0.3 * z))) for z in data[:, 0]])
    test = Test("bent_likelihoods", "Likelihoods with a penalty on absolute values.", "d.csv",
                table(["u", "v", "w", "s", "n"], np.c_[data[:, :3], labels, counts]))

    def logistic(p):
        z = design @ p
        m = 1 / (1 + np.exp(-z))
        return design.T @ (m - labels) / 80, design.T @ np.diag(m * (1 - m)) @ design / 80

    def poisson(p):
        m = np.exp(design @ p)
        return design.T @ (m - counts) / 80, design.T @ np.diag(m) @ design / 80

    for name, loss, derivatives in (("logistic", "mean(log1p(exp(predict)) - s*predict)", logistic),
                                    ("poisson", "mean(exp(predict) - n*predict)", poisson)):
        for l1 in (0.02, 0.1):
            test.model(f"{name}{l1}.slope", 'data u, v, w, s, n from "d.csv"\nparam b[3] = 0, a = 0\n'
                                            f"predict = a + [u, v, w] @ b\nloss = {loss} + {l1}*sum(abs(b))\n")
            weights, found = np.array([l1, l1, l1, 0]), []
            for signs in itertools.product((-1, 0, 1), repeat=3):
                signs = np.array(signs + (0,))
                on = [i for i in range(4) if signs[i] or i == 3]
                p = smooth_minimum(derivatives, on, signs, weights, 4)
                if p is not None:
                    found.append(p)
            (p,) = found
            lines = [("status", '"converged"', None)]
            lines += [(f"parameters/b/{i}", float(p[i]), 1e-10 if p[i] else 0.0) for i in range(3)]
            lines += [("parameters/a", float(p[3]), 1e-10)]
            for optimizer in ("newton", "lbfgs"):
                test.run(f"{name}{l1}.slope --optimizer {optimizer}", lines)
    test.write()


if __name__ == "__main__":
    likelihoods()
    quantiles()
    penalties()
    margins()
