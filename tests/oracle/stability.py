# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes tests/golden/stability/*.test: the stability bound 2/λmax of gradient descent.

The Hessian of each loss is written down by hand, as a product of matrices, and its eigenvalues are NumPy's: nothing is
differentiated here. Needs numpy. Run in the root: python3 tests/oracle/stability.py
"""
import math
import pathlib

import numpy as np

FOLDER = pathlib.Path(__file__).parents[1] / "golden" / "stability"


def bound(hessian):
    return float(2 / np.linalg.eigvalsh(hessian)[-1])


def steepest(hessian):
    """The largest eigenvalue and its unit eigenvector, its largest component positive."""
    values, vectors = np.linalg.eigh(hessian)
    v = vectors[:, -1]
    return values[-1], v * np.sign(v[np.argmax(np.abs(v))])


def table(columns):
    rows = zip(*columns.values())
    return ",".join(columns) + "\n" + "".join(",".join(f"{v:.10g}" for v in row) + "\n" for row in rows)


def write(name, prose, model, columns, *runs):
    text = prose + "\nExpected numbers: tests/oracle/stability.py, which writes this file.\n"
    text += f"--- file m.slope\ndata {', '.join(columns)} from \"p.csv\"\n{model.strip()}\n--- file p.csv\n{table(columns)}"
    for options, exit, checks in runs:
        text += f"--- run slope train m.slope --no-save --json {options}".rstrip() + "\n"
        if exit:
            text += f"--- exit {exit}\n"
        text += "--- json\n" + "".join(check + "\n" for check in checks)
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.test").write_text(text)


def told(hessian, rate, constant):
    """The line that explains an overshoot."""
    largest, v = steepest(hessian)
    parts = sorted(zip(("w", "b"), v), key=lambda p: -abs(p[1]))
    where = ", ".join(f"{name} {value:.2g}" for name, value in parts if abs(value) >= 0.005)
    begin, at = ("each step overshoots", "") if constant else ("the first steps overshoot", " at the start")
    return (f"{begin}: rate {rate:.6g} is above the stability bound {2 / largest:.6g} (2/λmax{at}), so the error along "
            f"({where}) is multiplied by {1 - rate * largest:.3g} a step")


WARNS = 'diagnostics/0/code "S0405"'
SILENT = "diagnostics []"


# --- the lesson: 201 points evenly in [-2, 2] ---
x = np.array([(i - 100) / 50 for i in range(201)])
y = np.round(1.5 * x + 0.5 + 0.1 * np.sin(7.0 * np.arange(201)), 4)
lesson = {"x": x, "y": y}
line = "param w = 0, b = 0\npredict = w*x + b\nloss = mse(predict, y)\ntrain steps=200 rate=0.8"
X = np.column_stack([x, np.ones_like(x)])
H = 2 * X.T @ X / len(x)
assert abs(bound(H) - 0.742574) < 1e-6
fit = np.linalg.lstsq(X, y, rcond=None)[0].tolist()
exact = f"stability_bound {bound(H)!r} 1e-13"
write("lesson", "The lesson's bound: a rate above it is warned of before the run, one below converges.", line, lesson,
      ("", 0, [exact, WARNS, "diagnostics/0/line 5",
               f'diagnostics/0/message "the rate 0.8 is above the stability bound {bound(H):.6g}: gradient descent will diverge"']),
      ("--rate 0.74 --steps 4000", 0, [exact, SILENT, 'status "finished"', f"parameters/w {fit[0]!r} 1e-9",
                                       f"parameters/b {fit[1]!r} 1e-9"]),
      ("--rate 0.8 --steps 1", 0, [exact, SILENT]))
write("fail_lesson", "A rate just above the bound: divergence takes thousands of steps, and is explained.", line, lesson,
      ("--rate 0.75 --steps 40000", 4, [exact, 'status "diverged"', WARNS, 'diagnostics/1/code "S0402"',
                                        f'diagnostics/1/notes/1 "{told(H, 0.75, True)}"',
                                        'diagnostics/1/helps/0 "try a rate below the bound: rate=0.37"']))

# --- other losses ---
wide = np.array([3.0 * i + 2 for i in range(120)])
W = np.column_stack([wide, np.ones_like(wide)])
H = 2 * W.T @ W / len(wide)
values = np.linalg.eigvalsh(H)
write("badly_scaled", "A column of large values that is not centred: both parameters in the steepest direction.", line,
      {"x": wide, "y": wide / 100},
      (f"--rate {bound(H) * 1.001:.6g}", 0, [f"stability_bound {bound(H)!r} 1e-17", WARNS,
       f'diagnostics/0/notes/2 "the curvature differs by a factor of {values[1] / values[0]:.2g} between directions: columns of '
       'similar scale, with mean 0, would allow a larger rate"']),
      (f"--rate {bound(H) * 0.999:.6g}", 0, [f"stability_bound {bound(H)!r} 1e-17", SILENT]))

short = np.array([i / 8 - 2 for i in range(40)])
S = np.column_stack([short, np.ones_like(short)])
H = S.T @ S
write("sums", "Sums instead of means: the bound falls with the number of rows.",
      "param w = 0, b = 0\nloss = sum((w*x + b - y)^2)/2\ntrain steps=3 rate=0.01",
      {"x": short, "y": short}, ("", 0, [f"stability_bound {bound(H)!r} 1e-14", SILENT]),
      (f"--rate {bound(H) * 1.01:.4g}", 0, [WARNS]))
H = 2 * S.T @ S / len(short)
write("single_precision", "The bound of a model in single precision is computed in double.",
      "precision f32\n" + line, {"x": short, "y": short}, ("--rate 0.01", 0, [f"stability_bound {bound(H)!r} 1e-6", SILENT]),
      (f"--rate {bound(H) * 1.01:.4g}", 0, [WARNS]))

z = np.round(np.cos(1.7 * np.arange(40)), 4)
weight = np.round(0.5 + (np.arange(40) % 5) / 4, 4)
R = np.column_stack([short, z, short * z, np.ones(40)])
H = 2 * R.T @ np.diag(weight) @ R / weight.sum() + np.diag([0.2, 0.2, 0, 0])
write("weighted", "Weights, an interaction, a penalty, a condition on the data.",
      "param a = 1, c = 2, d = 3, e = 4\nridge = 0.1*a^2 + 0.1*c^2\npredict = (if z > 0 then a*x + c*z else c*z + a*x) + d*x*z + e\n"
      "loss = mse(predict, x, weights=weight) + ridge\ntrain steps=3 rate=0.01",
      {"x": short, "z": z, "weight": weight}, ("", 0, [f"stability_bound {bound(H)!r} 1e-13", SILENT]),
      (f"--rate {bound(H) * 1.01:.4g}", 0, [WARNS]))

# --- where there is no one bound ---
label = [int(math.sin(78.233 * i) + a > 0) for i, a in enumerate(short)]
write("logistic", "The Hessian of a logistic regression changes with the parameters: no bound, no warning.",
      "param w = 0, b = 0\nloss = binary_cross_entropy(w*x + b, label)\ntrain steps=50 rate=30",
      {"x": short, "label": label}, ("", 0, ["stability_bound null", SILENT]))
write("optimizer", "The update counts, not its name: an own function of the same update has the bound, another none.",
      "param w = 0, b = 0\ndef mine(w, g, rate) = w - rate*g\ndef halfway(w, g, rate) = w - rate/2*g\n"
      "loss = mse(w*x + b, y)\ntrain steps=3 rate=9", {"x": short, "y": short},
      ("--optimizer mine", 0, [f"stability_bound {bound(H := 2 * S.T @ S / 40)!r} 1e-13", WARNS]),
      ("--optimizer halfway", 0, ["stability_bound null", SILENT]))
write("no_minimum", "A loss that curves down has no bound: no rate is right for it.",
      "param w = 1, b = 1\nloss = mean((w*x)^2 - y*b^2)\ntrain steps=3 rate=9", {"x": short, "y": short + 5},
      ("", 0, ["stability_bound null", SILENT]))
# exp(w x) + b at w = 0, b = 0: J = [x, 1], residuals 1 - y, second derivative of the prediction by w: x².
J = np.column_stack([x, np.ones_like(x)])
H = 2 * J.T @ J / len(x) + np.diag([2 * np.mean((1 - y) * x * x), 0])
write("fail_curved", "After divergence of a curved loss the bound where the run began is told.",
      "param w = 0, b = 0\nloss = mse(exp(w*x) + b, y)\ntrain steps=200 rate=3", lesson,
      ("", 4, ["stability_bound null", 'diagnostics/0/code "S0402"', f'diagnostics/0/notes/1 "{told(H, 3, False)}"']),
      ("--rate 0.4", 4, ['diagnostics/0/code "S0402"',
       f'diagnostics/0/notes/1 "at the start rates below {bound(H):.6g} are stable (2/λmax): further on the loss is steeper"',
       'diagnostics/0/helps/0 "the rate 0.4 may be too large: try rate=0.04"']))
