# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes tests/golden/models/*.test: models with the numbers that training must reach.

Each loss is written a second time, in NumPy. Gradient descent runs in 80-bit numbers, and a derivative is the
imaginary part of the loss at a complex step of 1e-1000, which is exact to the last digit: nothing of this shares a
line or a rule with the compiler. Needs numpy. Run in the root: python3 tests/oracle/trajectories.py
"""
import math
import pathlib

import numpy as np

L, C = np.longdouble, np.clongdouble
H = L("1e-1000")
FOLDER = pathlib.Path(__file__).parents[1] / "golden" / "models"


# --- data: 37 rows (two whole vectors of 16 and a rest), made of formulas and rounded to 4 digits ---
def rows():
    n = 37
    x = [round(-1.8 + 0.1 * i + 0.03 * math.sin(7 * i), 4) for i in range(n)]
    z = [round(math.cos(1.7 * i), 4) for i in range(n)]
    y = [round(0.4 + 1.3 * a - 0.2 * b + 0.25 * math.sin(12.9898 * i), 4) for i, (a, b) in enumerate(zip(x, z))]
    label = [int(a + 0.5 * b + math.sin(78.233 * i) > 0) for i, (a, b) in enumerate(zip(x, z))]
    count = [int(round(math.exp(0.3 + 0.6 * a) + abs(math.sin(3 * i)))) for i, a in enumerate(x)]
    weight = [round(0.5 + (i % 5) / 4, 4) for i in range(n)]
    positive = [round(a + 2.1, 4) for a in x]
    return {"x": x, "z": z, "y": y, "label": label, "count": count, "weight": weight, "positive": positive}


COLUMNS = rows()


class Row:
    pass


D = Row()
for name, values in COLUMNS.items():
    setattr(D, name, np.array([L(str(v)) for v in values]).astype(C))


# --- functions that NumPy does not have for complex numbers: the branch is chosen by the real part ---
def choose(c, a, b): return np.where(c, a, b)
def less(a, b): return np.real(a) < np.real(b)
def cabs(a): return choose(np.real(a) < 0, -a, a)
def cmax(a, b): return choose(less(a, b), b, a)
def cmin(a, b): return choose(less(b, a), b, a)
def row_max(a): return a[np.argmax(np.real(a))]
def row_min(a): return a[np.argmin(np.real(a))]
def mean(a): return np.sum(a) / a.size
def wmean(a, w): return np.sum(w * a) / np.sum(w)
def mse(p, y): return mean((p - y) ** 2)
def var(a): return mean((a - mean(a)) ** 2)
def log1p(a): return np.log(1 + a)
def softplus(a): return np.log(1 + np.exp(a))
def sigmoid(a): return 1 / (1 + np.exp(-a))


def huber_rows(p, y, delta=1):
    r = cabs(p - y)
    return choose(np.real(r) <= delta, r ** 2 / 2, delta * (r - L(delta) / 2))


def descend(loss, params, runs):
    at = {name: C(L(str(value))) for name, value in params.items()}
    for steps, rate in runs:
        for _ in range(steps):
            gradient = {n: np.imag(loss(**{**at, n: at[n] + C(1j) * H})) / H for n in at}
            at = {n: at[n] - L(str(rate)) * gradient[n] for n in at}
    return at


# --- optimizers, after the papers and PyTorch's documentation; `m` keeps what each needs, by parameter ---
def o_momentum(w, g, rate, m, mu="0.9"):
    m["v"] = L(mu) * m.get("v", 0) + g
    return w - rate * m["v"]
def o_nesterov(w, g, rate, m, mu="0.9"):
    m["v"] = L(mu) * m.get("v", 0) + g
    return w - rate * (g + L(mu) * m["v"])
def o_adagrad(w, g, rate, m, initial="0", eps="1e-10"):
    m["s"] = m.get("s", L(initial)) + g * g
    return w - rate * g / (np.sqrt(m["s"]) + L(eps))
def o_rmsprop(w, g, rate, m, rho="0.99", eps="1e-8"):
    m["s"] = L(rho) * m.get("s", 0) + (1 - L(rho)) * g * g
    return w - rate * g / (np.sqrt(m["s"]) + L(eps))
def o_adam(w, g, rate, m, beta1="0.9", beta2="0.999", eps="1e-8", amsgrad=False):
    b1, b2 = L(beta1), L(beta2)
    m["t"] = m.get("t", 0) + 1
    m["m"] = b1 * m.get("m", 0) + (1 - b1) * g
    m["v"] = b2 * m.get("v", 0) + (1 - b2) * g * g
    m["top"] = max(m.get("top", 0), m["v"])
    v = (m["top"] if amsgrad else m["v"]) / (1 - b2 ** m["t"])
    return w - rate * (m["m"] / (1 - b1 ** m["t"])) / (np.sqrt(v) + L(eps))
def o_adamw(w, g, rate, m, weight_decay="0.01", **more):
    return o_adam(w * (1 - rate * L(weight_decay)), g, rate, m, **more)
def o_lion(w, g, rate, m, beta1="0.9", beta2="0.99"):
    step = np.sign(L(beta1) * m.get("m", 0) + (1 - L(beta1)) * g)
    m["m"] = L(beta2) * m.get("m", 0) + (1 - L(beta2)) * g
    return w - rate * step


def optimize(loss, params, runs):
    """`runs`: (steps, rate, optimizer, its hyper-parameters); one like that before keeps what it had."""
    at = {name: C(L(str(value))) for name, value in params.items()}
    before = None
    for steps, rate, step, hyper in runs:
        if (step, hyper) != before: memory = {n: {} for n in at}
        before = (step, hyper)
        for _ in range(steps):
            gradient = {n: np.imag(loss(**{**at, n: at[n] + C(1j) * H})) / H for n in at}
            at = {n: C(step(np.real(at[n]), gradient[n], L(str(rate)), memory[n], **hyper)) for n in at}
    return at


def test(name, about, text, loss, params, runs, values=(), columns=None, tolerance="1e-9", command="slope train m.slope --no-save --json",
         descend=descend):
    """`values`: (path in the JSON, function of the parameters)."""
    at = descend(loss, params, runs)
    number = lambda v: repr(float(np.real(v)))
    lines = [f"loss {number(loss(**at))} {tolerance}"]
    lines += [f"parameters/{n} {number(v)} {tolerance}" for n, v in at.items()]
    lines += [f"{path} {number(f(**at))} {tolerance}" for path, f in values]
    out = f"{about}\nExpected numbers: tests/oracle/trajectories.py, which writes this file.\n--- file m.slope\n{text.strip()}\n"
    if columns:
        out += "--- file p.csv\n" + ",".join(columns) + "\n"
        for row in zip(*(COLUMNS[c] for c in columns)): out += ",".join(map(str, row)) + "\n"
    out += f"--- run {command}\n--- json\nstatus \"finished\"\nsteps {sum(run[0] for run in runs)}\n" + "\n".join(lines) + "\n"
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.test").write_text(out)


def fit(name, about, body, predict, params, steps, rate, loss=None, columns=("x", "y"), **more):
    """A model of one train statement whose loss is mse(predict, y) unless given."""
    data = f"data {', '.join(columns)} from \"p.csv\"\n"
    starts = "param " + ", ".join(f"{n} = {v}" for n, v in params.items()) + "\n"
    test(name, about, data + starts + body.strip() + f"\ntrain steps={steps} rate={rate}\n",
         loss or (lambda **p: mse(predict(**p), D.y)), params, [(steps, rate)], columns=list(columns), **more)


xy = ("x", "y")
line = lambda w, b: w * D.x + b

test("line_two_statements", "The second statement goes on where the first ended.", """
data x, y from "p.csv"
param w = 0
param b = -1
predict = w*x + b
loss = mse(predict, y)
train steps=200 rate=0.05
train steps=50 rate=0.01
""", lambda w, b: mse(line(w, b), D.y), {"w": 0, "b": -1}, [(200, 0.05), (50, 0.01)], columns=xy, tolerance="1e-12",
    values=[("runs/0/loss", lambda w, b: mse(line(**descend(lambda w, b: mse(line(w, b), D.y), {"w": 0, "b": -1}, [(200, 0.05)])), D.y))])

test("line_one_step", "One step: the gradient itself.", """
data x, y from "p.csv"
param w = 0.25, b = -1
loss = mse(w*x + b, y)
train steps=1 rate=1
""", lambda w, b: mse(line(w, b), D.y), {"w": 0.25, "b": -1}, [(1, 1)], columns=xy, tolerance="1e-14")

fit("piecewise", "A slope for each side of 0; the other branch has no gradient, not even where it is not finite.", """
left = if x < 0 then a*x else log(x)*0
predict = if x < 0 then a*x else (if x > 1 then c + b*x else b*sqrt(x))
loss = mse(predict, y) + 0*mean(left)
""".replace("left = if x < 0 then a*x else log(x)*0\n", "").replace(" + 0*mean(left)", ""),
    lambda a, b, c: choose(np.real(D.x) < 0, a * D.x, choose(np.real(D.x) > 1, c + b * D.x, b * np.sqrt(cabs(D.x)))),
    {"a": 0.5, "b": -0.5, "c": 0}, 40, 0.1)

fit("logic", "Truth values in arithmetic; and, or, not.", """
inside = x > -1 and x < 0.5 or not (x <= 1)
predict = a*inside + b*(x != 0)*x
loss = mse(predict, y)
""", lambda a, b: a * (((np.real(D.x) > -1) & (np.real(D.x) < 0.5)) | (np.real(D.x) > 1)) + b * D.x, {"a": 0, "b": 0}, 30, 0.2)

fit("nested_defs", "Functions of functions, defaults that use earlier arguments, blocks, constants.", """
const k = 3/4, half = k - 0.25
def square(t) = t*t
def bend(t, p=half, q=2*p) {
  s = square(t) + p
  q*s - t
}
def twice(f, t) = f(f(t))
predict = a*bend(x) + twice(square, b)*bend(x, q=0.1) + bend(b*x, 1, 1)
loss = mse(predict, y)
""", lambda a, b: a * ((D.x * D.x + L(0.5)) - D.x) + b ** 4 * (L("0.1") * (D.x * D.x + L(0.5)) - D.x) + ((b * D.x) ** 2 + 1 - b * D.x),
    {"a": 0.3, "b": 0.4}, 60, 0.02)

fit("max_min", "max and min of several values.", """
predict = max(a*x, b, -1) - min(x, c*x, 0.5)
loss = mse(predict, y)
""", lambda a, b, c: cmax(cmax(a * D.x, b + 0 * D.x), C(-1)) - cmin(cmin(D.x, c * D.x), C(0.5)), {"a": 0.7, "b": 0.2, "c": -0.6}, 50, 0.05)

fit("huber", "Huber's loss with a small delta, so that both branches are taken.", """
predict = w*x + b
loss = huber(predict, y, delta=0.3)
""", None, {"w": 0, "b": -1}, 80, 0.3, loss=lambda w, b: mean(huber_rows(line(w, b), D.y, L("0.3"))))

fit("huber_weighted", "Weights of rows.", """
predict = w*x + b
loss = huber(predict, y, weights=weight)
metric plain = mean(weight*abs(predict - y))/mean(weight)
""", None, {"w": 0, "b": -1}, 60, 0.2, loss=lambda w, b: wmean(huber_rows(line(w, b), D.y), D.weight), columns=("x", "y", "weight"),
    values=[("metrics/plain", lambda w, b: wmean(cabs(line(w, b) - D.y), D.weight))])

fit("quantile", "The 80 % quantile.", """
predict = w*x + b
loss = quantile(predict, y, q=0.8)
""", None, {"w": 0, "b": -1}, 70, 0.1,
    loss=lambda w, b: mean(choose(np.real(D.y - line(w, b)) >= 0, L("0.8") * (D.y - line(w, b)), (L("0.8") - 1) * (D.y - line(w, b)))))

fit("log_cosh", "The logarithm of the hyperbolic cosine.", """
predict = w*x + b
loss = log_cosh(predict, y)
""", None, {"w": 0, "b": -1}, 70, 0.2, loss=lambda w, b: mean(np.log(np.cosh(line(w, b) - D.y))))

fit("tanh", "A curve with mean absolute error.", """
predict = a*tanh(k*x) + c
loss = mae(predict, y)
""", None, {"a": 0.5, "k": 1, "c": 0.1}, 50, 0.05, loss=lambda a, k, c: mean(cabs(a * np.tanh(k * D.x) + c - D.y)))

fit("michaelis_menten", "Saturation: v*x/(k + x).", """
predict = v*positive/(k + positive)
loss = mse(predict, y)
""", lambda v, k: v * D.positive / (k + D.positive), {"v": 1, "k": 2}, 80, 0.05, columns=("positive", "y"))

fit("gaussian_bump", "exp of minus a square: the sign binds less than the power.", """
u = (x - m)/s
predict = a*exp(-u^2)
loss = mse(predict, y)
""", lambda a, m, s: a * np.exp(-((D.x - m) / s) ** 2), {"a": 1, "m": 0.2, "s": 0.8}, 60, 0.05)

fit("sine", "A sine and a cosine with a frequency.", """
predict = a*sin(f*x) + b*cos(2*f*x)
loss = mse(predict, y)
""", lambda a, b, f: a * np.sin(f * D.x) + b * np.cos(2 * f * D.x), {"a": 1, "b": -0.3, "f": 1.1}, 60, 0.05)

fit("centred", "Means over the rows inside the loss.", """
predict = w*x + b
loss = mean(((predict - mean(predict)) - (y - mean(y)))^2) + b^2
""", None, {"w": 0, "b": -1}, 50, 0.05, loss=lambda w, b: mse(line(w, b) - mean(line(w, b)), D.y - mean(D.y)) + b ** 2)

fit("metrics", "r2, rmse, mae and a report.", """
predict = w*x + b
loss = mse(predict, y)
metric fit = r2(predict, y)
metric rmse = rmse(predict, y)
metric worst = max(abs(predict - y))
metric least = min(abs(predict - y))
report ratio = b/w
""", line, {"w": 0, "b": -1}, 30, 0.1, values=[
    ("metrics/fit", lambda w, b: 1 - np.sum((D.y - line(w, b)) ** 2) / np.sum((D.y - mean(D.y)) ** 2)),
    ("metrics/rmse", lambda w, b: np.sqrt(mse(line(w, b), D.y))),
    ("metrics/worst", lambda w, b: row_max(cabs(line(w, b) - D.y))),
    ("metrics/least", lambda w, b: row_min(cabs(line(w, b) - D.y))),
    ("reports/ratio/estimate", lambda w, b: b / w)])

fit("spread", "var and std of the residuals.", """
r = y - (w*x + b)
loss = std(r) + mean(r)^2 + 0.1*var(w*x)
""", None, {"w": 0.2, "b": -1}, 40, 0.1,
    loss=lambda w, b: np.sqrt(var(D.y - line(w, b))) + mean(D.y - line(w, b)) ** 2 + L("0.1") * var(w * D.x))

fit("three_passes", "Moments of moments: each needs another pass over the rows.", """
r = y - (w*x + b)
m = mean(r)
s = sqrt(mean((r - m)^2))
loss = mean(((r - m)/s)^4) + mean(r^2)
""", None, {"w": 0.2, "b": -1}, 30, 0.02,
    loss=lambda w, b: (lambda r: mean(((r - mean(r)) / np.sqrt(var(r))) ** 4) + mean(r ** 2))(D.y - line(w, b)))

fit("extremes", "max and min over the rows; their gradient goes to the row that has them.", """
r = abs(y - (w*x + b))
loss = max(r) + 0.5*min(r + x)
""", None, {"w": 0.2, "b": -1}, 25, 0.02, loss=lambda w, b: row_max(cabs(D.y - line(w, b))) + L(0.5) * row_min(cabs(D.y - line(w, b)) + D.x))

logit = lambda w, v, b: w * D.x + v * D.z + b
bce = lambda z: mean(softplus(z) - D.label * z)
fit("logistic_sigmoid", "Logistic regression, the likelihood written out.", """
p = sigmoid(w*x + v*z + b)
loss = -mean(label*log(p) + (1 - label)*log(1 - p))
metric right = mean((p > 0.5) == (label == 1))
""", None, {"w": 0, "v": 0, "b": 0.1}, 60, 0.5, loss=lambda **p: bce(logit(**p)), columns=("x", "z", "label"),
    values=[("metrics/right", lambda **p: L(np.mean((np.real(logit(**p)) > 0) == (np.real(D.label) == 1))))])

fit("logistic_cross_entropy", "The same by the prelude's loss of logits, with a penalty.", """
logit = w*x + v*z + b
loss = binary_cross_entropy(logit, label) + 0.01*(w^2 + v^2)
""", None, {"w": 0, "v": 0, "b": 0.1}, 60, 0.5, loss=lambda w, v, b: bce(logit(w, v, b)) + L("0.01") * (w ** 2 + v ** 2), columns=("x", "z", "label"))

fit("hinge", "A margin between labels -1 and 1.", """
side = 2*label - 1
loss = hinge(w*x + v*z + b, side) + 0.001*w^2
""", None, {"w": 0.1, "v": 0, "b": 0.1}, 60, 0.1, columns=("x", "z", "label"),
    loss=lambda w, v, b: mean(cmax(1 - (2 * D.label - 1) * logit(w, v, b), C(0))) + L("0.001") * w ** 2)

fit("counts", "Counts with a log link.", """
rate_of = w*x + b
loss = mean(exp(rate_of) - count*rate_of)
""", None, {"w": 0, "b": 0}, 60, 0.1, loss=lambda w, b: mean(np.exp(line(w, b)) - D.count * line(w, b)), columns=("x", "count"))

fit("powers", "Powers: of a parameter, to a parameter, negative, chained.", """
predict = a*positive^p + b^3*x^2 - 2^-1 + c*positive^-1 + 2^b^2
loss = mse(predict, y)
""", lambda a, p, b, c: a * np.exp(p * np.log(D.positive)) + b ** 3 * D.x ** 2 - L(0.5) + c / D.positive + np.exp(np.log(L(2)) * b ** 2),
    {"a": 0.5, "p": 0.7, "b": 0.3, "c": 0.1}, 50, 0.01, columns=("x", "positive", "y"))

fit("functions", "Elementary functions.", """
predict = a*sqrt(positive) + b*log1p(positive) + c*expm1(-positive) + d*log(positive + 1)^2 + softplus(a*x) - silu(b*x) + elu(c*x)
loss = mse(predict, y)
""", lambda a, b, c, d: a * np.sqrt(D.positive) + b * np.log(1 + D.positive) + c * (np.exp(-D.positive) - 1) + d * np.log(D.positive + 1) ** 2
    + softplus(a * D.x) - b * D.x * sigmoid(b * D.x) + choose(np.real(c * D.x) <= 0, np.exp(c * D.x) - 1, c * D.x),
    {"a": 0.3, "b": 0.2, "c": -0.4, "d": 0.1}, 50, 0.01, columns=("x", "positive", "y"))

fit("weighted_mean", "A weighted mean with weights that depend on the data.", """
r = y - (w*x + b)
loss = mean(r^2, weights=exp(-abs(x)))
""", None, {"w": 0, "b": -1}, 50, 0.1, loss=lambda w, b: wmean((D.y - line(w, b)) ** 2, np.exp(-cabs(D.x))))

test("no_data", "Without data it is a plain optimization problem: Rosenbrock's valley.", """
param a = -1.2, b = 1
loss = 100*(b - a^2)^2 + (1 - a)^2
train steps=500 rate=0.001
""", lambda a, b: 100 * (b - a ** 2) ** 2 + (1 - a) ** 2, {"a": -1.2, "b": 1}, [(500, 0.001)], values=[("rows", lambda a, b: L(0))])

fit("single_precision", "The same in f32, to the digits that it has.", """
precision f32
predict = a*tanh(k*x) + c
loss = mse(predict, y)
""", lambda a, k, c: a * np.tanh(k * D.x) + c, {"a": 0.5, "k": 1, "c": 0.1}, 100, 0.1, tolerance="3e-6")


def optimizer(name, about, written, step, hyper=None, rate=0.05, steps=100, more="", runs=None):
    runs = runs or [(steps, rate, step, hyper or {})]
    text = f"""
data x, z, y from "p.csv"
param w = 0, v = [0.5, -1], b = 2
{more}predict = w*x + v[0]*z + v[1]*x*z + b
loss = mse(predict, y)
""" + "".join(f"train steps={s} rate={r} optimizer={written if isinstance(written, str) else written[i]}\n" for i, (s, r, _, _) in enumerate(runs))
    test("optimizer_" + name, about, text, lambda w, v0, v1, b: mse(w * D.x + v0 * D.z + v1 * D.x * D.z + b, D.y),
         {"w": 0, "v0": 0.5, "v1": -1, "b": 2}, runs, columns=("x", "z", "y"), tolerance="1e-12", descend=optimize)
    # The two elements of v stand in a list.
    path = FOLDER / f"optimizer_{name}.test"
    path.write_text(path.read_text().replace("parameters/v0", "parameters/v/0").replace("parameters/v1", "parameters/v/1"))


optimizer("momentum", "Momentum.", "momentum", o_momentum)
optimizer("nesterov", "Nesterov's momentum with a factor of its own.", "nesterov(mu=0.8)", o_nesterov, {"mu": "0.8"})
optimizer("adagrad", "Adagrad.", "adagrad(initial=0.1)", o_adagrad, {"initial": "0.1"}, rate=0.5)
optimizer("rmsprop", "RMSprop.", "rmsprop", o_rmsprop)
optimizer("adam", "Adam.", "adam", o_adam)
optimizer("amsgrad", "Adam with the largest second moment so far: a hyper-parameter that is a truth value.", "adam(amsgrad=true, beta2=0.9)", o_adam,
          {"amsgrad": True, "beta2": "0.9"}, rate=0.3)
optimizer("adamw", "AdamW: an optimizer that calls another.", "adamw(weight_decay=0.1)", o_adamw, {"weight_decay": "0.1"})
optimizer("lion", "Lion.", "lion", o_lion, rate=0.01)
optimizer("own", "An optimizer of the model, with a state for each parameter.", "heavy(mu=0.95)",
          lambda w, g, rate, m, mu: (m.update(v=L(mu) * m.get("v", 0) - rate * g), w + m["v"])[1], {"mu": "0.95"}, rate=0.02, more="""def heavy(w, g, rate, mu=0.9) {
  state v = 0
  v := mu*v - rate*g
  w + v
}
""")
optimizer("kept", "A statement keeps the optimizer's state where the one before has the same optimizer; else it starts anew.",
          ["adam", "adam", "momentum", "adam", "adam(beta1=0.8)"], None,
          runs=[(30, 0.05, o_adam, {}), (20, 0.02, o_adam, {}), (10, 0.01, o_momentum, {}), (15, 0.05, o_adam, {}), (15, 0.05, o_adam, {"beta1": "0.8"})])


# --- ema: the result is an average that begins at the statement's start; the next statement goes on from it ---
def averaged(loss, params, runs):
    """`runs`: (steps, rate, optimizer, its hyper-parameters, ema or None)."""
    at = {name: C(L(str(value))) for name, value in params.items()}
    before = None
    for steps, rate, step, hyper, keep in runs:
        if (step, hyper) != before: memory = {n: {} for n in at}
        before, average = (step, hyper), dict(at)
        for _ in range(steps):
            gradient = {n: np.imag(loss(**{**at, n: at[n] + C(1j) * H})) / H for n in at}
            at = {n: C(step(np.real(at[n]), gradient[n], L(str(rate)), memory[n], **hyper)) for n in at}
            if keep: average = {n: L(keep) * average[n] + (1 - L(keep)) * at[n] for n in at}
        if keep: at = average
    return at


o_sgd = lambda w, g, rate, m: w - rate * g
test("ema", "Averages of the parameters: the next statement goes on from them, with averages that begin anew.", """
data x, y from "p.csv"
param w = 0, b = -1
predict = w*x + b
loss = mse(predict, y)
train steps=40 rate=0.05 ema=0.9
train steps=15 rate=0.05 optimizer=adam ema=0.75
train steps=10 rate=0.02 optimizer=adam
train steps=20 rate=0.02 optimizer=momentum ema=0.5
""", lambda w, b: mse(line(w, b), D.y), {"w": 0, "b": -1},
     [(40, 0.05, o_sgd, {}, "0.9"), (15, 0.05, o_adam, {}, "0.75"), (10, 0.02, o_adam, {}, None), (20, 0.02, o_momentum, {}, "0.5")],
     columns=xy, tolerance="1e-12", descend=averaged)

# A parameter with bounds is averaged as it is moved, unbounded: k = exp(u).
bent = lambda a, u: a * np.tanh(np.exp(u) * D.x)
test("ema_bounds", "A parameter with bounds is averaged as the unbounded number that training moves.", """
data x, y from "p.csv"
param a = 0.5, k in (0, inf) = 1
predict = a*tanh(k*x)
loss = mse(predict, y)
train steps=60 rate=0.1 ema=0.95
""", lambda a, u: mse(bent(a, u), D.y), {"a": 0.5, "u": 0}, [(60, 0.1, o_sgd, {}, "0.95")], columns=xy, tolerance="1e-12",
     descend=averaged, values=[("parameters/k", lambda a, u: np.exp(u))])
path = FOLDER / "ema_bounds.test"
path.write_text("".join(l for l in path.read_text().splitlines(True) if not l.startswith("parameters/u ")))
