# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The fits of tests/golden/solvers/proven*.test by other programs: SciPy's MINPACK and trust region, Newton's
method in 50 digits (mpmath). Needs numpy, scipy, mpmath."""
import mpmath as mp
import numpy as np
from scipy.optimize import least_squares

mp.mp.dps = 50


def show(name, x, loss):
    print(name, [float(v).hex() and repr(float(v)) for v in x], repr(float(loss)))


def threshold():
    x = np.array([1, 2, 4, 7, 10.0])
    y = np.array([0.6, 2.1, 3.5, 4.9, 6])
    f = lambda p: p[0] * np.abs(x - p[1]) ** p[2] * np.where(x >= p[1], 1, np.nan) - y
    fit = least_squares(f, [2, 0.9, 0.5], method="lm", xtol=1e-15, ftol=1e-15, gtol=1e-15)
    show("threshold", fit.x, np.mean(fit.fun ** 2))


def logistic(name, x, y):
    """Newton's method from 0 in 50 digits: a + b*x."""
    a = b = mp.mpf(0)
    for _ in range(200):
        p = [1 / (1 + mp.exp(-(a + b * v))) for v in x]
        g = mp.matrix([sum(pi - t for pi, t in zip(p, y)), sum((pi - t) * v for pi, t, v in zip(p, y, x))])
        w = [pi * (1 - pi) for pi in p]
        h = mp.matrix([[sum(w), sum(wi * v for wi, v in zip(w, x))], [0, sum(wi * v * v for wi, v in zip(w, x))]])
        h[1, 0] = h[0, 1]
        d = mp.lu_solve(h, g)
        a, b = a - d[0], b - d[1]
        if abs(d[0]) + abs(d[1]) < mp.mpf(10) ** -45:
            break
    loss = sum(mp.log(1 + mp.exp(-(a + b * v) * (2 * t - 1))) for v, t in zip(x, y)) / len(x)
    show(name, [a, b], loss)


def two_exponentials():
    x = np.arange(0, 8, 0.5)
    y = 3 * np.exp(-x / 0.7) + 2 * np.exp(-x / 4) + 0.01 * np.sin(7 * x)
    f = lambda p: p[0] * np.exp(-x / p[1]) + p[2] * np.exp(-x / p[3]) - y
    fit = least_squares(f, [2, 0.5, 1, 5], method="lm", xtol=1e-15, ftol=1e-15, gtol=1e-15)
    show("two exponentials", fit.x, np.mean(fit.fun ** 2))
    print("\n".join(f"{a!r},{b!r}" for a, b in zip(x.tolist(), y.tolist())))


incomes = [21000, 35000, 42000, 50000, 61000, 28000, 73000, 39000]
bought = [0, 0, 1, 0, 1, 0, 1, 1]
threshold()
logistic("incomes", incomes, bought)
two_exponentials()
