# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Cross-validation, once more in NumPy: writes tests/golden/features/folds.test and folds_press.test.

The order in which rows are dealt is Fisher and Yates' with Philox (tests/oracle/draws.py has both functions in Python's
whole numbers). Each fold is fitted by the normal equations of columns that are standardized by the other rows. Leaving
out one row at a time has a closed form that fits nothing twice: the error of row i is r/(1 - h) with the residual r and the
diagonal h of the hat matrix of all rows (Allen, The relationship between variable selection and data augmentation, 1974).
Needs numpy. Run in the root: python3 tests/oracle/folds.py
"""
import math
import pathlib

import numpy as np

from draws import W, philox, words

FOLDER = pathlib.Path(__file__).parents[1] / "golden" / "features"
M = 2 ** 64


def key_of(seed, purpose):
    """runtime/batches.h: the hash of base/hash.h of the seed, the word and the number 0."""
    data = purpose.encode()
    h = 0x243F6A8885A308D3
    for word in [seed % M] + [int.from_bytes(data[i:i + 8], "little") for i in range(0, len(data), 8)] + [len(data), 0]:
        h = (h ^ word) * 0x9E3779B97F4A7C15 % M
        h = ((h << 29 | h >> 35) % M + 0xD6E8FEB86659FD93) % M
    h = (h ^ h >> 33) * 0xFF51AFD7ED558CCD % M
    h = (h ^ h >> 33) * 0xC4CEB9FE1A85EC53 % M
    return h ^ h >> 33


def shuffled(rows, key):
    order = list(range(rows))
    for i in range(rows - 1):
        block = philox(words(i // 2) + [0, 0], words(key))
        number = block[2 * (i % 2)] + W * block[2 * (i % 2) + 1]
        j = i + number * (rows - i) // M
        order[i], order[j] = order[j], order[i]
    return order


def statistics(name, values, tolerance):
    values = np.array(values)
    lines = [f"{name}/mean {float(values.mean())!r} {tolerance}", f"{name}/sd {float(values.std(ddof=1))!r} {tolerance}"]
    return lines + [f"{name}/folds/{k} {float(v)!r} {tolerance}" for k, v in enumerate(values)]


def golden(name, about, model, columns, command, lines):
    out = f"{about}\nExpected numbers: tests/oracle/folds.py, which writes this file.\n--- file m.slope\n{model.strip()}\n--- file p.csv\n"
    out += ",".join(columns) + "\n" + "".join(",".join(map(repr, row)) + "\n" for row in zip(*columns.values()))
    text = f"{out}--- run {command}\n--- json\nstatus \"converged\"\n" + "\n".join(lines) + "\n"
    (FOLDER / f"{name}.test").write_text(text)


n = 23
x = [[round(math.sin(3 * i + 2 * k) * 10 ** k + k, 4) for i in range(n)] for k in range(3)]
y = [round(0.7 * a - 0.05 * b + 2 + math.cos(5 * i), 4) for i, (a, b) in enumerate(zip(x[0], x[1]))]
X, Y = np.array(x).T, np.array(y)
columns = {"a": x[0], "b": x[1], "c": x[2], "y": y}


def ridge(seed, count, penalty):
    order, losses, roots = shuffled(n, key_of(seed, "folds")), [], []
    for fold in range(count):
        out = sorted(order[fold::count])
        rest = [i for i in range(n) if i not in out]
        mean, sd = X[rest].mean(axis=0), X[rest].std(axis=0)
        A = np.hstack([(X - mean) / sd, np.ones((n, 1))])
        P = np.diag([penalty, penalty, penalty, 0])
        w = np.linalg.solve(A[rest].T @ A[rest] / len(rest) + P, A[rest].T @ Y[rest] / len(rest))
        mse = np.mean((A[out] @ w - Y[out]) ** 2)
        losses.append(float(mse + penalty * np.sum(w[:3] ** 2)))
        roots.append(float(np.sqrt(mse)))
    return losses, roots


losses, roots = ridge(4, 5, 0.01)
golden("folds", "Five folds; columns are standardized by the rows that each fold trains on.", """
seed 4
const lambda = 0.1
data x[3] from "p.csv" columns a..c standardized
data y from "p.csv"
param w[3] = 0, b = 0
predict = x @ w + b
loss = mse(predict, y) + lambda*sum(w^2)
metric rmse = sqrt(mse(predict, y))
train optimizer=exact
""", columns, "slope train m.slope --no-save --json --folds 5 --set lambda=0.01",
       ["cross_validation/folds 5"] + statistics("cross_validation/loss", losses, "1e-10")
       + statistics("cross_validation/metrics/rmse", roots, "1e-10"))

A = np.hstack([X, np.ones((n, 1))])
Q, _ = np.linalg.qr(A)
errors = (Y - Q @ (Q.T @ Y)) / (1 - np.sum(Q ** 2, axis=1))
order = shuffled(n, key_of(0, "folds"))
golden("folds_press", "As many folds as rows: the errors are those that the hat matrix of all rows gives.", f"""
data x[3] from "p.csv" columns a..c
data y from "p.csv"
param w[3] = 0, b = 0
predict = x @ w + b
loss = mse(predict, y)
metric error = sum(y - predict)
train optimizer=exact folds={n}
""", columns, "slope train m.slope --no-save --json",
       [f"cross_validation/folds {n}"] + statistics("cross_validation/loss", [float(errors[i] ** 2) for i in order], "1e-10")
       + statistics("cross_validation/metrics/error", [float(errors[i]) for i in order], "1e-10"))
