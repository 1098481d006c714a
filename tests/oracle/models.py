# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes tests/data/jax_models.json: small models as texts of the language, and the same written in JAX. Each entry has
the text, data and values of the parameters, then the loss and its gradient by every parameter as JAX computes them
in f64. The JAX side shares no code and, where there is one, no method with the prelude: convolutions are
lax.conv_general_dilated, pools lax.reduce_window, activations jax.nn, rows are jax.vmap or a leading axis.

Conventions at kinks, which are the same in both unless noted: reductions by max and min share the derivative among
all equals, max(a, b) halves it; relu'(0) = 0. JAX's reduce_window gives the derivative of a maximum to the first of
equals and |a|' is 1 at 0 (here all equals share it, and it is 0): the windows given to it have no equals, those that
do are maxima of stacked slices, and no |a| is taken at 0. max of several values goes in pairs from the left.

Needs jax and numpy. Run in the root: JAX_PLATFORMS=cpu python3 tests/oracle/models.py
"""
import json
import pathlib

import jax
import jax.numpy as jnp
import jax.scipy.special as special
import numpy as np
from jax import lax, nn

jax.config.update("jax_enable_x64", True)
ROOT = pathlib.Path(__file__).parents[2]
models = []


def numbers(shape, start, scale=1.0, shift=0.0):
    """Deterministic, and short in decimal: scale·sin of steps that no axis repeats, to three places."""
    i = np.arange(int(np.prod(shape)))
    return np.round(shift + scale * np.sin(start + 1.7 * i + 0.013 * i * i), 3).reshape(shape)


def model(text, data=None, params=None):
    """The decorated function of (parameters, data) is the loss. A tuple in `params` is a shape."""
    data = {k: np.asarray(v) for k, v in (data or {}).items()}
    values = {}
    for n, (name, p) in enumerate(params.items()):
        values[name] = numbers(p, 0.3 + n, 0.6) if isinstance(p, tuple) else np.asarray(p, dtype=float)

    def add(f):
        inputs = {k: jnp.asarray(v) for k, v in data.items()}
        derive = jax.jit(jax.value_and_grad(lambda p: f(p, inputs)))
        loss, gradients = derive({k: jnp.asarray(v) for k, v in values.items()})
        assert np.isfinite(loss) and all(np.all(np.isfinite(g)) for g in gradients.values()), f.__name__
        assert all(np.any(g != 0) for g in gradients.values()), f.__name__
        flat = lambda a: [float(x) for x in np.asarray(a, dtype=float).reshape(-1)]
        models.append({
            "name": f.__name__.replace("_", " "), "text": text.strip("\n") + "\n",
            "rows": len(next(iter(data.values()))) if data else 0,
            "columns": {k: flat(v) for k, v in data.items()},
            "params": {k: {"values": flat(v), "gradient": flat(gradients[k])} for k, v in values.items()},
            "loss": float(loss)})
        return f
    return add


def mean_weighted(v, w):
    return jnp.sum(v * w) / jnp.sum(w * jnp.ones_like(v))


def mse(p, y):
    return jnp.mean((p - y) ** 2)


# --- regression and its losses ---

X5 = numbers((11, 5), 0.1, 1.3)
X1 = numbers((13,), 0.7, 1.9)
Y = numbers((13,), 2.2, 1.4, 0.2)


@model("""
data x[5], y
param w[5] = 0, b = 0
loss = mse(x @ w + b, y)
""", {"x": X5, "y": Y[:11]}, {"w": (5,), "b": ()})
def linear(p, d):
    return mse(d["x"] @ p["w"] + p["b"], d["y"])


@model("""
data x, y
param c[4] = 0, a = 0
f = c[0] + x*(c[1] + x*(c[2] + x*c[3])) + a*x^5
loss = mse(f, y)
""", {"x": X1, "y": Y}, {"c": (4,), "a": 0.07})
def polynomial(p, d):
    return mse(jnp.stack([d["x"] ** k for k in range(4)], -1) @ p["c"] + p["a"] * d["x"] ** 5, d["y"])


@model("""
data x[5], y[3]
const lambda = 0.3
param W[5, 3] = 0, b[3] = 0
loss = mse(x @ W + b, y) + lambda*sum(W^2) + 0.01*sum(abs(W))
""", {"x": X5, "y": numbers((11, 3), 1.1)}, {"W": (5, 3), "b": (3,)})
def ridge_of_several_targets(p, d):
    return mse(d["x"] @ p["W"] + p["b"], d["y"]) + 0.3 * jnp.sum(p["W"] ** 2) + 0.01 * jnp.sum(jnp.abs(p["W"]))


@model("""
data x[5], y, weight
param w[5] = 0, b = 0
z = x @ w + b
loss = binary_cross_entropy(z, y, weights=weight) + 0.2*hinge(z, 2*y - 1) + 0.1*mean(sigmoid(z)*y)
""", {"x": X5, "y": np.arange(11) % 3 == 0, "weight": np.abs(numbers(11, 3)) + 0.1}, {"w": (5,), "b": ()})
def logistic(p, d):
    z, y = d["x"] @ p["w"] + p["b"], d["y"].astype(float)
    nll = -(y * nn.log_sigmoid(z) + (1 - y) * nn.log_sigmoid(-z))
    return mean_weighted(nll, d["weight"]) + 0.2 * jnp.mean(nn.relu(1 - (2 * y - 1) * z)) + 0.1 * jnp.mean(nn.sigmoid(z) * y)


@model("""
data x[5], weight, c : class(4)
param W[5, 4] = 0, b[4] = 0
z = x @ W + b
loss = cross_entropy(z, c, weights=weight) + 0.1*mean(softmax(z)[1:3]^2) + 0.05*mean(logsumexp(3*z))
""", {"x": X5, "weight": np.abs(numbers(11, 5)) + 0.1, "c": (np.arange(11) * 7) % 4}, {"W": (5, 4), "b": (4,)})
def softmax_with_weights(p, d):
    z = d["x"] @ p["W"] + p["b"]
    nll = -jnp.take_along_axis(nn.log_softmax(z), d["c"][:, None], 1)[:, 0]
    return (mean_weighted(nll, d["weight"]) + 0.1 * jnp.mean(nn.softmax(z)[:, 1:3] ** 2)
            + 0.05 * jnp.mean(special.logsumexp(3 * z, -1)))


@model("""
data x[5], y, weight
param w[5] = 0, b = 0
loss = poisson_nll(x @ w + b, y, weights=weight)
""", {"x": X5, "y": np.arange(11) % 5, "weight": np.abs(numbers(11, 5)) + 0.1}, {"w": (5,), "b": ()})
def poisson(p, d):
    z = d["x"] @ p["w"] + p["b"]
    return -mean_weighted(d["y"] * z - jnp.exp(z) - special.gammaln(d["y"] + 1.0), d["weight"])


@model("""
data x[5], y, weight
param w[5] = 0, u[5] = 0, s = 0
loss = gaussian_nll(x @ w, y, exp(x @ u + s), weights=weight)
""", {"x": X5, "y": Y[:11], "weight": np.abs(numbers(11, 9)) + 0.1}, {"w": (5,), "u": (5,), "s": 0.4})
def gaussian_with_spread(p, d):
    z = -jax.scipy.stats.norm.logpdf(d["y"], d["x"] @ p["w"], jnp.exp(d["x"] @ p["u"] + p["s"]))
    return mean_weighted(z, d["weight"])


@model("""
data x[5], y, weight
param w[5] = 0, b[3] = 0
r = x @ w
loss = huber(r + b[0], y, delta=0.7, weights=weight) + log_cosh(r + b[1], y, weights=weight) + mae(r, y) +
       quantile(r + b[2], y, q=0.9, weights=weight) + rmse(r, y) + r2(r, y)
""", {"x": X5, "y": 2 * Y[:11], "weight": np.abs(numbers(11, 9)) + 0.1}, {"w": (5,), "b": (3,)})
def robust_losses(p, d):
    r, y, b, w = d["x"] @ p["w"], d["y"], p["b"], d["weight"]
    e = r + b[0] - y
    q = y - r - b[2]
    return (mean_weighted(jnp.where(jnp.abs(e) <= 0.7, e * e / 2, 0.7 * (jnp.abs(e) - 0.35)), w)
            + mean_weighted(jnp.log(jnp.cosh(r + b[1] - y)), w) + jnp.mean(jnp.abs(r - y))
            + mean_weighted(jnp.maximum(0.9 * q, -0.1 * q), w) + jnp.sqrt(mse(r, y))
            + 1 - jnp.sum((y - r) ** 2) / jnp.sum((y - jnp.mean(y)) ** 2))


P = np.abs(numbers((7, 4), 0.4)) * np.array([1, 1, 0, 1])
@model("""
data x[5], p[4]
param W[5, 4] = 0
q = softmax(x @ W)
loss = kl(p, q) + 0.3*kl(q, softmax(x[0:4]))
""", {"x": X5[:7], "p": np.round(P / P.sum(1, keepdims=True), 4)}, {"W": (5, 4)})
def divergence_with_zeros(p, d):
    q, t = nn.softmax(d["x"] @ p["W"]), d["p"]
    safe = jnp.where(t == 0, 1.0, t)
    return (jnp.mean(jnp.sum(jnp.where(t == 0, 0.0, safe * (jnp.log(safe) - jnp.log(q))), -1))
            + 0.3 * jnp.mean(jnp.sum(q * (jnp.log(q) - nn.log_softmax(d["x"][:, :4])), -1)))


# --- networks ---

HEADS = {"relu": nn.relu, "leaky_relu": nn.leaky_relu, "elu": nn.elu, "gelu": lambda x: nn.gelu(x, approximate=False),
         "silu": nn.silu, "sigmoid": nn.sigmoid, "softplus": nn.softplus, "tanh": jnp.tanh, "softmax": nn.softmax,
         "log_softmax": nn.log_softmax, "identity": lambda x: x, "sin": jnp.sin, "erf": special.erf, "atan": jnp.arctan}


@model("data x[5], y[3]\nh = dense(x, 4, tanh)\n"
       + "".join(f"h_{f} = dense(h, 3, {f})\n" for f in HEADS)
       + "loss = mse(" + " + ".join(f"h_{f}" for f in HEADS) + ", y)\n",
       {"x": X5, "y": numbers((11, 3), 4)},
       {"h.W": (5, 4), "h.b": (4,)} | {f"h_{f}.{w}": s for f in HEADS for w, s in (("W", (4, 3)), ("b", (3,)))})
def every_activation(p, d):
    h = jnp.tanh(d["x"] @ p["h.W"] + p["h.b"])
    return mse(sum(g(h @ p[f"h_{f}.W"] + p[f"h_{f}.b"]) for f, g in HEADS.items()), d["y"])


@model("""
data x[17], y
u = dense(dense(x, 19, relu), 1)[0]
loss = mse(u, y) + 0.01*sum(u.dense.W^2)
""", {"x": numbers((9, 17), 0.2), "y": Y[:9]}, {"u.dense.W": (17, 19), "u.dense.b": (19,), "u.W": (19, 1), "u.b": (1,)})
def network_of_odd_widths(p, d):
    h = nn.relu(d["x"] @ p["u.dense.W"] + p["u.dense.b"])
    return mse((h @ p["u.W"] + p["u.b"])[:, 0], d["y"]) + 0.01 * jnp.sum(p["u.dense.W"] ** 2)


@model("""
data x[5], y[5]
def block(x) = x + dense(x, last(x), tanh)
t = repeat(x, 3, block)
loss = mse(t, y)
""", {"x": X5[:7], "y": numbers((7, 5), 8)}, {f"t.{k}.block.dense.{w}": s for k in (1, 2, 3) for w, s in (("W", (5, 5)), ("b", (5,)))})
def repeated_block(p, d):
    t = d["x"]
    for k in (1, 2, 3):
        t = t + jnp.tanh(t @ p[f"t.{k}.block.dense.W"] + p[f"t.{k}.block.dense.b"])
    return mse(t, d["y"])


@model("""
data x[3, 5], y[3, 4]
n = layer_norm(dense(x, 4))
loss = mse(n, y)
""", {"x": numbers((6, 3, 5), 0.2), "y": numbers((6, 3, 4), 8)},
    {"n.dense.W": (5, 4), "n.dense.b": (4,), "n.scale": numbers(4, 5, 0.5, 1.2), "n.shift": (4,)})
def layer_normalisation(p, d):
    z = d["x"] @ p["n.dense.W"] + p["n.dense.b"]
    z = (z - z.mean(-1, keepdims=True)) / jnp.sqrt(z.var(-1, keepdims=True) + 1e-5)
    return mse(z * p["n.scale"] + p["n.shift"], d["y"])


@model("""
data x[3, 5], y[3, 4]
n = batch_norm(dense(x, 4))
loss = mse(tanh(n), y)
""", {"x": numbers((6, 3, 5), 0.2), "y": numbers((6, 3, 4), 8)},
    {"n.dense.W": (5, 4), "n.scale": numbers(4, 5, 0.5, 1.2), "n.shift": (4,), "n.dense.b": (4,)})
def batch_normalisation(p, d):
    z = d["x"] @ p["n.dense.W"] + p["n.dense.b"]
    z = (z - z.mean((0, 1))) / jnp.sqrt(z.var((0, 1)) + 1e-5)
    return mse(jnp.tanh(z * p["n.scale"] + p["n.shift"]), d["y"])


def conv(x, p, name, stride, padding):
    return lax.conv_general_dilated(x, p[name + ".W"], (stride, stride), padding,
                                    dimension_numbers=("NHWC", "HWIO", "NHWC")) + p[name + ".b"]


def pool(x, size, stride, start, op):
    return lax.reduce_window(x, start, op, (1, size, size, 1), (1, stride, stride, 1), "VALID")


@model("""
data x[9, 8, 2], y[4]
a = conv2d(x, 3, size=3, f=tanh)
b = max_pool(a, 2)
c = conv2d(b, 4, size=2, padding="valid")
d = avg_pool(silu(c), 2, stride=1)
loss = mse(mean(d, axis=(0, 1)), y)
""", {"x": numbers((3, 9, 8, 2), 0.2), "y": numbers((3, 4), 8)},
    {"a.W": (3, 3, 2, 3), "a.b": (3,), "c.W": (2, 2, 3, 4), "c.b": (4,)})
def convolutions_with_pools(p, d):
    b = pool(jnp.tanh(conv(d["x"], p, "a", 1, "SAME")), 2, 2, -jnp.inf, lax.max)
    c = nn.silu(conv(b, p, "c", 1, "VALID"))
    return mse(jnp.mean(pool(c, 2, 1, 0.0, lax.add) / 4, (1, 2)), d["y"])


@model("""
data x[7, 8, 2], y[3]
a = conv2d(x, 3, size=3, stride=2)
b = conv2d(x, 3, size=3, stride=2, padding="valid", f=sigmoid)
c = conv2d(a, 3, size=2, stride=3)
m = max_pool(a, 3, stride=1)
loss = mse(mean(a^2, axis=(0, 1)) + sum(b, axis=(0, 1)) + mean(c, axis=(0, 1)) + m[0, -1], y)
""", {"x": numbers((3, 7, 8, 2), 0.9), "y": numbers((3, 3), 8)},
    {"a.W": (3, 3, 2, 3), "a.b": (3,), "b.W": (3, 3, 2, 3), "b.b": (3,), "c.W": (2, 2, 3, 3), "c.b": (3,)})
def strided_convolutions(p, d):
    a, b = conv(d["x"], p, "a", 2, "SAME"), nn.sigmoid(conv(d["x"], p, "b", 2, "VALID"))
    c, m = conv(a, p, "c", 3, "SAME"), pool(a, 3, 1, -jnp.inf, lax.max)
    return mse(jnp.mean(a**2, (1, 2)) + jnp.sum(b, (1, 2)) + jnp.mean(c, (1, 2)) + m[:, 0, -1], d["y"])


@model("""
data token[6] : index(7), c : class(3)
e = embedding(token, 7, 4)
param pos[6, 4] = 0
h = mean(tanh(e + pos), axis=0)
z = dense(h, 3) + take(e.E, token[0], axis=0)[0:3] + take(e.E, [3, 1, 1], axis=1)[2]
loss = cross_entropy(z, c)
""", {"token": (np.arange(30) * np.arange(30) % 7).reshape(5, 6), "c": np.arange(5) % 3},
    {"e.E": (7, 4), "pos": (6, 4), "z.dense.W": (4, 3), "z.dense.b": (3,)})
def embedding_and_take(p, d):
    e = nn.one_hot(d["token"], 7, dtype=jnp.float64) @ p["e.E"]
    z = jnp.mean(jnp.tanh(e + p["pos"]), 1) @ p["z.dense.W"] + p["z.dense.b"]
    z = z + e[:, 0, :3] + p["e.E"][2, jnp.array([3, 1, 1])]
    return -jnp.mean(nn.log_softmax(z)[jnp.arange(5), d["c"]])


@model("""
data x[5, 3], y[5, 4]
i = iota(5)
q = dense(x, 4)
k = dense(x, 4)
v = dense(x, 4)
a = attention(q, k, v, mask=reshape(i, [5, 1]) >= i)
loss = mse(a + 0.5*attention(k, q, v), y)
""", {"x": numbers((4, 5, 3), 0.9), "y": numbers((4, 5, 4), 8)},
    {f"{n}.{w}": s for n in "qkv" for w, s in (("W", (3, 4)), ("b", (4,)))})
def attention_with_mask(p, d):
    q, k, v = (d["x"] @ p[n + ".W"] + p[n + ".b"] for n in "qkv")

    def attend(q, k, v, mask):
        s = jnp.einsum("rid,rjd->rij", q, k) / 2
        w = jnp.where(mask, jnp.exp(s), 0.0)
        return jnp.einsum("rij,rjd->rid", w / w.sum(-1, keepdims=True), v)
    return mse(attend(q, k, v, jnp.tri(5, dtype=bool)) + 0.5 * attend(k, q, v, True), d["y"])


# --- recurrences ---

def rounds(cell, x, h):
    """Over axis 1 of x, [rows, time, features]; the values of every round."""
    return jnp.swapaxes(lax.scan(cell, h, jnp.swapaxes(x, 0, 1))[1], 0, 1)


SERIES = {"x": numbers((3, 5, 2), 0.9), "y": numbers((3, 5, 4), 8)}


@model("""
data x[5, 2], y[5, 4]
h = rnn(x, 4)
loss = mse(h, y) + mean(h[-1]*h[0])
""", SERIES, {"h.W": (2, 4), "h.U": (4, 4), "h.b": (4,)})
def recurrent(p, d):
    def cell(h, z):
        h = jnp.tanh(z @ p["h.W"] + h @ p["h.U"] + p["h.b"])
        return h, h
    h = rounds(cell, d["x"], jnp.zeros((3, 4)))
    return mse(h, d["y"]) + jnp.mean(h[:, -1] * h[:, 0])


@model("""
data x[5, 2], y[5, 4]
h = gru(x, 4)
loss = mse(h, y)
""", SERIES, {"h.W": (2, 12), "h.U": (4, 8), "h.V": (4, 4), "h.b": (12,)})
def gated_recurrent(p, d):
    def cell(h, z):
        wr, wk, wn = jnp.split(z @ p["h.W"] + p["h.b"], 3, -1)
        ur, uk = jnp.split(h @ p["h.U"], 2, -1)
        keep = nn.sigmoid(wk + uk)
        h = keep * h + (1 - keep) * jnp.tanh(wn + (nn.sigmoid(wr + ur) * h) @ p["h.V"])
        return h, h
    return mse(rounds(cell, d["x"], jnp.zeros((3, 4))), d["y"])


@model("""
data x[5, 2], y[5, 4]
h = lstm(x, 4)
loss = mse(h, y)
""", SERIES, {"h.W": (2, 16), "h.U": (4, 16), "h.b": (16,)})
def long_memory(p, d):
    def cell(carried, z):
        h, c = carried
        i, f, g, o = jnp.split(z @ p["h.W"] + h @ p["h.U"] + p["h.b"], 4, -1)
        c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
        h = nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h
    return mse(rounds(cell, d["x"], (jnp.zeros((3, 4)), jnp.zeros((3, 4)))), d["y"])


@model("""
data t, y[2]
param a = 1, b = 1, c = 1, d = 1, s0[2] = 1
def f(s) = [a*s[0] - b*s[0]*s[1], d*s[0]*s[1] - c*s[1]]
dt = t/8
path = scan k in iota(8), s = s0 {
  k1 = f(s)
  k2 = f(s + dt/2*k1)
  k3 = f(s + dt/2*k2)
  k4 = f(s + dt*k3)
  s := s + dt/6*(k1 + 2*k2 + 2*k3 + k4)
  s
}
loss = mse(path[-1], y)
""", {"t": np.abs(numbers(6, 1, 2)) + 0.2, "y": numbers((6, 2), 3) + 1.5},
    {"a": 1.1, "b": 0.4, "c": 0.9, "d": 0.3, "s0": [1.5, 0.8]})
def differential_equation(p, d):
    def one(t, y):
        def f(s):
            return jnp.array([p["a"] * s[0] - p["b"] * s[0] * s[1], p["d"] * s[0] * s[1] - p["c"] * s[1]])
        s, h = p["s0"], t / 8
        for _ in range(8):
            k1 = f(s)
            k2 = f(s + h / 2 * k1)
            k3 = f(s + h / 2 * k2)
            s = s + h / 6 * (k1 + 2 * k2 + 2 * k3 + f(s + h * k3))
        return (s - y) ** 2
    return jnp.mean(jax.vmap(one)(d["t"], d["y"]))


# --- arrays ---

@model("""
data x[2, 3, 4], y[2, 5]
param A[2, 4, 5] = 0, B[3, 5, 2] = 0, C[5, 2, 3] = 0
u = einsum("bij,bjk->bik", x, A)
v = einsum("iko,oi->k", B, einsum("kbi->bi", C))
w = einsum("bik,kbi->", u, C)
loss = mse(sum(u, axis=1) + v + einsum("bi,ikb->bk", sum(x, axis=-1), B), y) + 0.1*mean(w) + 0.1*sum((A[0].T @ A[1])^2)
""", {"x": numbers((5, 2, 3, 4), 0.6), "y": numbers((5, 2, 5), 8)}, {"A": (2, 4, 5), "B": (3, 5, 2), "C": (5, 2, 3)})
def batched_einsum(p, d):
    A, B, C = p["A"], p["B"], p["C"]

    def one(x, y):
        u = jnp.matmul(x, A)
        v = jnp.tensordot(B, C.sum(0), ((0, 2), (1, 0)))
        e = u.sum(1) + v + jnp.stack([x[b].sum(-1) @ B[:, :, b] for b in range(2)]) - y
        return jnp.mean(e**2) + 0.1 * jnp.sum(u * jnp.transpose(C, (1, 2, 0)))
    return jnp.mean(jax.vmap(one)(d["x"], d["y"])) + 0.1 * jnp.sum((A[0].T @ A[1]) ** 2)


TIES = np.array([[1.0, 2, 2, -1], [2, 2, 0.5, -1], [0.25, -1, 2, -1]])
@model("""
data x[4], y
param A[3, 4] = 0, b = 0, c[4] = 0
top = max(A, axis=0)
low = min(A, axis=(0, 1))
both = max(A[0], A[1]) + 2*min(A[1], A[2]) + 0.5*max(A[0], A[1], 0.5)
z = max(x*c, axis=-1) + min(x + b, axis=-1)
loss = sum(top*[1, 2, 3, 4]) + low^2 + sum(both*[1, -1, 2, 1]) + 3*max(A) + mse(z, y) +
       sum(max(round(x)*c, axis=rows)) + min(round(x)*b)
""", {"x": numbers((9, 4), 0.9, 1.4), "y": Y[:9]}, {"A": TIES, "b": 0.7, "c": [0.5, -0.5, 1.5, 0.8]})
def extremes_with_ties(p, d):
    A, x, b, c = p["A"], d["x"], p["b"], p["c"]
    both = (jnp.maximum(A[0], A[1]) + 2 * jnp.minimum(A[1], A[2]) + 0.5 * jnp.maximum(jnp.maximum(A[0], A[1]), 0.5))
    z = jnp.max(x * c, 1) + jnp.min(x + b, 1)
    return (jnp.max(A, 0) @ jnp.arange(1.0, 5) + jnp.min(A) ** 2 + both @ jnp.array([1.0, -1, 2, 1]) + 3 * jnp.max(A)
            + mse(z, d["y"]) + jnp.sum(jnp.max(jnp.round(x) * c, 0)) + jnp.min(jnp.round(x) * b))


@model("""
data x[3], y
param A[3, 4] = 1, w[3] = 1
p = prod(A, axis=1)
z = prod(x + w, axis=-1)
loss = mse(z, y) + sum(p*[1, 2, 3]) + sum(prod(A, axis=0)^2) + prod(A + 0.5) + 0.001*prod(1 + 0.1*x[0]*w[0])
""", {"x": [[0.5, 0.5, 1.0], [-0.75, 0.2, 1.5], [-0.75, 0.5, 1.0], [0.3, 0.2, -2.0], [1.0, 0.5, -2.0]], "y": Y[:5]},
    {"A": [[1.5, 0, 2, -1], [0, 0.5, 0, 3], [0.5, 0.2, 0, 0.3]], "w": [0.75, -0.5, 2.0]})
def products_with_zeros(p, d):
    A, x = p["A"], d["x"]
    z = (x[:, 0] + p["w"][0]) * (x[:, 1] + p["w"][1]) * (x[:, 2] + p["w"][2])
    rows = A[:, 0] * A[:, 1] * A[:, 2] * A[:, 3]
    columns = A[0] * A[1] * A[2]
    return (mse(z, d["y"]) + rows @ jnp.arange(1.0, 4) + jnp.sum(columns**2) + jnp.prod(A + 0.5)
            + 0.001 * jnp.prod(1 + 0.1 * x[:, 0] * p["w"][0]))


@model("""
data x, y
param a = 1, b[3] = 0
z = if a*x > 0 then sqrt(a*x) + log(a*x) else (a*x)^2
g = sum(where(b > 0, log(b), b/(1 + b^2)))
h = sum(if b == 0 then 1 + b else sin(b)/b)
loss = mse(z, y) + g + h + mean(if x > 0.5 and not (y > 0) then exp(a*x) else a)
""", {"x": [0.0, 1.5, -2.0, 0.3, -0.7, 0.0, 0.9], "y": [0.1, 0.4, 1.5, -1.0, 0.6, -0.3, -0.2]}, {"a": 0.8, "b": [0.0, 0.6, -1.3]})
def branches_with_poison(p, d):
    a, b, x, y = p["a"], p["b"], d["x"], d["y"]
    s = jnp.where(a * x > 0, a * x, 1.0)
    z = jnp.where(a * x > 0, jnp.sqrt(s) + jnp.log(s), (a * x) ** 2)
    g = jnp.where(b > 0, jnp.log(jnp.where(b > 0, b, 1.0)), b / (1 + b * b))
    n = jnp.where(b == 0, 1.0, b)
    h = jnp.where(b == 0, 1 + b, jnp.sin(n) / n)
    return mse(z, y) + jnp.sum(g) + jnp.sum(h) + jnp.mean(jnp.where((x > 0.5) & (y <= 0), jnp.exp(a * x), a))


@model("""
data x[3, 4], y
param A[3, 4] = 0, s = 1
z = A*x
loss = mean((std(z) - y)^2) + sum(var(A, axis=0)*[1, 2, 3, 4]) + mean(std(z, axis=(0, 1)) * y) + sum(std(z, axis=rows)) +
       mean(var(tanh(z), axis=-1, keep=true) - s*mean(z, axis=0, keep=true))^2 +
       mean(s*z, weights=abs(x)) + mean(z^2*s, axis=rows)[1, 2]
""", {"x": numbers((6, 3, 4), 0.6), "y": Y[:6]}, {"A": (3, 4), "s": 0.8})
def variances(p, d):
    z, y, s, x = p["A"] * d["x"], d["y"], p["s"], d["x"]
    wide = z.reshape(6, 12)
    inner = jnp.var(jnp.tanh(z), -1, keepdims=True) - s * jnp.mean(z, 1, keepdims=True)
    return (jnp.mean((jnp.std(z) - y) ** 2) + jnp.var(p["A"], 0) @ jnp.arange(1.0, 5) + jnp.mean(jnp.std(wide, 1) * y)
            + jnp.sum(jnp.std(z, 0)) + jnp.mean(inner) ** 2 + mean_weighted(s * z, jnp.abs(x))
            + jnp.mean(z**2 * s, 0)[1, 2])


@model("""
data x[2, 3], y[3]
param A[2, 3] = 0, B[4, 3] = 0, v[7] = 0
c = concat(x*A, B[1:3], axis=0)
s = stack(c, c^2)
p = pad(c, [[1, 0], [2, 1]], value=0.5)
f = flip(v)[1:] + flip(B, axis=1)[0, 0]
loss = mse(sum(s[..., 1], axis=0), y) + mean(p[::2, ::-2]^2) + sum(f[::2]*v[5::-2]) + sum(v[1:6:3]^3) +
       mean(permute(s, [2, 0, 1])[1, 2:, ::-1]*[1, 2, 3]) + sum([v[0], v[-1]]^2) + sum(reshape(B, [2, -1])[1]*v[:6]) +
       sum(pad(v, [1, 2])[[0, 3, 3, 9]]*[1, 2, 3, 4]) + sum(flip(c)*c) + sum(concat(v, v[::-1])[3:10]^2) +
       sum(permute(x*B[0:2], [1, 0])[2] * [A[0, 0], v[3]]) / rows
""", {"x": numbers((5, 2, 3), 0.6), "y": numbers((5, 3), 8)}, {"A": (2, 3), "B": (4, 3), "v": (7,)})
def rearranged_arrays(p, d):
    A, B, v = p["A"], p["B"], p["v"]

    def one(x, y):
        c = jnp.concatenate([x * A, B[1:3]], 0)
        s = jnp.stack([c, c**2], -1)
        q = jnp.pad(c, [(1, 0), (2, 1)], constant_values=0.5)
        t = jnp.transpose(s, (2, 0, 1))[1, 2:, ::-1] * jnp.array([1.0, 2, 3])
        return jnp.array([jnp.mean((s[..., 1].sum(0) - y) ** 2), jnp.mean(q[::2, ::-2] ** 2), jnp.mean(t),
                          5 * jnp.sum(jnp.flip(c) * c), jnp.sum((x * B[0:2]).T[2] * jnp.array([A[0, 0], v[3]]))])
    f = jnp.flip(v)[1:] + jnp.flip(B, 1)[0, 0]
    padded = jnp.pad(v, (1, 2))
    return (jnp.sum(jnp.mean(jax.vmap(one)(d["x"], d["y"]), 0)) + jnp.sum(f[::2] * v[5::-2]) + jnp.sum(v[1:6:3] ** 3)
            + v[0] ** 2 + v[-1] ** 2 + jnp.sum(B.reshape(2, 6)[1] * v[:6])
            + padded[jnp.array([0, 3, 3, 9])] @ jnp.array([1.0, 2, 3, 4]) + jnp.sum(jnp.concatenate([v, v[::-1]])[3:10] ** 2))


@model("""
data c : class(4), k[2] : index(3), y
param a[4] = 0, b[3, 2] = 0, g[3] = 0
z = sum(one_hot(c, 4)*a) / rows
loss = mse(sum(one_hot(c, 4)*a, axis=-1) + sum(one_hot(k, 3) @ b, axis=(0, 1)), y) + mean(g[k[1]]*a[c]*c) + z +
       mean(if c == 2 then a[1] else g[2])
""", {"c": [0, 3, 1, 2, 3, 3], "k": [[0, 1], [2, 2], [1, 0], [1, 1], [0, 2], [2, 0]], "y": Y[:6]}, {"a": (4,), "b": (3, 2), "g": (3,)})
def codes_of_classes(p, d):
    a, b, g, c, k = p["a"], p["b"], p["g"], d["c"], d["k"]
    return (mse(a[c] + jnp.sum(b[k], (1, 2)), d["y"]) + jnp.mean(g[k[:, 1]] * a[c] * c) + jnp.mean(a[c])
            + jnp.mean(jnp.where(c == 2, a[1], g[2])))


@model("""
data user : index(5), item : index(4), rating
param U[5, 3] = 0, V[4, 3] = 0, bu[5] = 0, bi[4] = 0, m = 3.5
f = m + bu[user] + bi[item] + sum(U[user]*V[item], axis=-1)
loss = mse(f, rating) + 0.02*mean(sum(U[user]^2, axis=-1) + sum(V[item]^2, axis=-1)) + 0.01*mean(U[user] @ V[item])
""", {"user": np.arange(12) ** 2 % 5, "item": np.arange(12) * 3 % 4, "rating": np.arange(12) % 5 + 1.0},
    {"U": (5, 3), "V": (4, 3), "bu": (5,), "bi": (4,), "m": 3.5})
def matrix_factorisation(p, d):
    table = p["m"] + p["bu"][:, None] + p["bi"] + p["U"] @ p["V"].T
    i, j = d["user"], d["item"]
    return (mse(table[i, j], d["rating"]) + 0.02 * jnp.mean((p["U"] ** 2).sum(1)[i] + (p["V"] ** 2).sum(1)[j])
            + 0.01 * jnp.mean((p["U"] @ p["V"].T)[i, j]))


@model("""
data x[5], y
param w[5] = 0, b = 0
p = tanh(x @ w + b)
dp = p - mean(p)
dy = y - mean(y)
r = sum(dp*dy)/sqrt(sum(dp^2)*sum(dy^2))
z = (x - mean(x, axis=rows))/std(x, axis=rows) * w
c = sum(z, axis=rows, keep=true)
loss = 1 - r + 0.1*mean(exp(p - max(p))) + 0.1*log(sum(exp(p))) + 0.1*sum(max(z, axis=rows)^2) + 0.1*min(p) + mean(c^2*z) +
       0.1*sum(softmax(p*w, axis=-1)[0])
""", {"x": X5, "y": Y[:11]}, {"w": (5,), "b": 0.2})
def correlation(p, d):
    q = jnp.tanh(d["x"] @ p["w"] + p["b"])
    z = (d["x"] - d["x"].mean(0)) / d["x"].std(0) * p["w"]
    return (1 - jnp.corrcoef(q, d["y"])[0, 1] + 0.1 * jnp.mean(jnp.exp(q - jnp.max(q))) + 0.1 * special.logsumexp(q)
            + 0.1 * jnp.sum(jnp.max(z, 0) ** 2) + 0.1 * jnp.min(q) + jnp.mean(z.sum(0) ** 2 * z)
            + 0.1 * jnp.sum(nn.softmax(q[:, None] * p["w"], -1)[:, 0]))


# --- derivatives in the loss ---

@model("""
data t
def net(t) = dense(dense([t], 6, tanh), 1)[0]
u = net(t)
ut = grad(u, t)
loss = mean((grad(ut, t) + 0.3*ut + u)^2) + (u(0) - 1)^2
""", {"t": numbers(7, 0.4, 1.3)}, {"u.dense_1.W": (1, 6), "u.dense_1.b": (6,), "u.dense_2.W": (6, 1), "u.dense_2.b": (1,)})
def equation_of_second_order(p, d):
    def u(t):
        h = jnp.tanh(t * p["u.dense_1.W"][0] + p["u.dense_1.b"])
        return jnp.dot(h, p["u.dense_2.W"][:, 0]) + p["u.dense_2.b"][0]
    ut = jax.grad(u)
    utt = jax.grad(ut)
    return jnp.mean(jax.vmap(lambda t: (utt(t) + 0.3 * ut(t) + u(t)) ** 2)(d["t"])) + (u(0.0) - 1) ** 2


@model("""
data real[3], fake[3], a
def critic(x) = dense(dense(x, 6, softplus), 1)[0]
r = critic(real)
s = r(fake)
between = a*real + (1 - a)*fake
m = r(between)
g = grad(m, between)
loss = mean(s^2) - mean(r) + 10*mean((sqrt(sum(g^2, axis=-1)) - 1)^2)
""", {"real": numbers((7, 3), 1), "fake": numbers((7, 3), 2), "a": np.round(np.linspace(0, 1, 7), 3)},
    {"r.dense_1.W": (3, 6), "r.dense_1.b": (6,), "r.dense_2.W": (6, 1), "r.dense_2.b": (1,)})
def gradient_penalty(p, d):
    def critic(x):
        h = nn.softplus(x @ p["r.dense_1.W"] + p["r.dense_1.b"])
        return (h @ p["r.dense_2.W"] + p["r.dense_2.b"])[0]
    a = d["a"][:, None]
    g = jax.vmap(jax.grad(critic))(a * d["real"] + (1 - a) * d["fake"])
    score = jax.vmap(critic)
    return jnp.mean(score(d["fake"]) ** 2) - jnp.mean(score(d["real"])) + 10 * jnp.mean((jnp.linalg.norm(g, axis=1) - 1) ** 2)


@model("""
data x[5], c : class(3)
param W[5, 3] = 0, b[3] = 0, v[5, 3] = 0
base = cross_entropy(x @ W + b, c)
g = grad(base, W)
hv = grad(sum(g*v), W)
loss = base + sum(hv^2) + 0.5*sum(v*hv) + sum(grad(base, b)^2) + stop_gradient(base)*sum(b^2)
""", {"x": X5, "c": np.arange(11) % 3}, {"W": (5, 3), "b": (3,), "v": (5, 3)})
def hessian_times_vector(p, d):
    def base(W, b):
        return -jnp.mean(nn.log_softmax(d["x"] @ W + b)[jnp.arange(11), d["c"]])
    W, b, v = p["W"], p["b"], p["v"]
    hv = jax.jvp(lambda W: jax.grad(base)(W, b), (W,), (v,))[1]
    return (base(W, b) + jnp.sum(hv**2) + 0.5 * jnp.sum(v * hv) + jnp.sum(jax.grad(base, 1)(W, b) ** 2)
            + lax.stop_gradient(base(W, b)) * jnp.sum(b**2))


@model("""
data x[4, 4, 1], y
param K[2, 2, 1, 2] = 0, k[2] = 0
a = tanh(einsum("hwijc,ijcn->hwn", windows(x, 2, padding="same"), K) + k)
m = max_pool(a, 2)
s = sum(einsum("ijk,ijk->", m, m)) / rows
g = grad(mean(m^2), x)
h = rnn(reshape(m, [2, 4]), 3)
e = grad(sum(h[-1]), m)
loss = s + sum(g^2)*rows + mean((sum(e, axis=(0, 1, 2)) - y)^2) + sum(grad(sum(std(a, axis=-1)), K)^2)/rows^2
""", {"x": numbers((3, 4, 4, 1), 1), "y": Y[:3]},
    {"K": (2, 2, 1, 2), "k": (2,), "h.W": (4, 3), "h.U": (3, 3), "h.b": (3,)})
def derivatives_through_structure(p, d):
    def maps(x, W):
        a = jnp.tanh(conv(x, {"a.W": W, "a.b": p["k"]}, "a", 1, "SAME"))
        windows = [a[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]
        return a, jnp.max(jnp.stack(windows), 0)

    def last(m):
        h = jnp.zeros((3, 3))
        for z in jnp.swapaxes(m.reshape(3, 2, 4), 0, 1):
            h = jnp.tanh(z @ p["h.W"] + h @ p["h.U"] + p["h.b"])
        return jnp.sum(h)
    a, m = maps(d["x"], p["K"])
    g = jax.grad(lambda x: jnp.mean(maps(x, p["K"])[1] ** 2))(d["x"])
    e = jax.grad(last)(m)
    k = jax.grad(lambda W: jnp.sum(jnp.std(maps(d["x"], W)[0], -1)))(p["K"])
    return (jnp.sum(m * m) / 3 + jnp.sum(g**2) * 3 + jnp.mean((e.sum((1, 2, 3)) - d["y"]) ** 2) + jnp.sum(k**2) / 9)


@model("""
data x[6, 4, 1], y
param w[2] = 1, s = 1
a = relu(round(2*x)*w)
p = max_pool(a, 2)
q = max_pool(a, 3, stride=1)
g = grad(sum(p), a)
loss = mean((sum(p, axis=(0, 1, 2)) - y)^2) + mean(q^2*s) + mean(g*a)
""", {"x": numbers((4, 6, 4, 1), 1), "y": Y[:4]}, {"w": [0.7, -0.4], "s": 0.3})
def pools_of_equals(p, d):
    def pooled(a, size, stride, h, w):
        cut = [a[:, i:i + stride * h:stride, j:j + stride * w:stride] for i in range(size) for j in range(size)]
        return jnp.max(jnp.stack(cut), 0)
    a = nn.relu(jnp.round(2 * d["x"]) * p["w"])
    q, m = pooled(a, 2, 2, 3, 2), pooled(a, 3, 1, 4, 2)
    g = jax.grad(lambda a: jnp.sum(pooled(a, 2, 2, 3, 2)))(a)
    return jnp.mean((q.sum((1, 2, 3)) - d["y"]) ** 2) + jnp.mean(m**2 * p["s"]) + jnp.mean(g * a)


@model("""
data x[4], y
param w[4] = 0, rate = 0.1, c = 0
fit = scan k in iota(3), v = w {
  z = tanh(x @ v)
  inner = (z - y)^2 + c*sum(v^2)
  v := v - rate*grad(inner, v)
  inner
}
loss = mean(fit[-1]) + 0.1*sum(fit)
""", {"x": X5[:7, :4], "y": Y[:7]}, {"w": (4,), "rate": 0.15, "c": 0.2})
def descent_inside(p, d):
    def inner(v):
        return (jnp.tanh(d["x"] @ v) - d["y"]) ** 2 + p["c"] * jnp.sum(v**2)
    v, fit = p["w"], []
    for _ in range(3):
        fit.append(inner(v))
        v = v - p["rate"] * jax.grad(lambda v: jnp.sum(inner(v)))(v)
    return jnp.mean(fit[-1]) + 0.1 * jnp.sum(jnp.array(fit))


@model("""
param A[2, 3] = 0, v[3] = 1, c = 1
p = sum(prod(A, axis=1)*[1, 2])
g = grad(p, A)
h = grad(sum(v^3/(1 + v^2)) + logsumexp(v*c), v)
t = grad(sum(h^2), v)
loss = sum(g^2) + sum(grad(sum(g*[1, 2, 3]), A)^2) + sum(t*v) + sum(grad(t[0], v)) + grad(grad(sum(atan(v*c)), c), c)
""", None, {"A": [[0.7, 0.5, -0.4], [1.5, -0.2, 2]], "v": [0.4, -0.9, 0.2], "c": 1.3})
def derivatives_of_derivatives(p, d):
    A, v, c = p["A"], p["v"], p["c"]
    g = jax.grad(lambda A: A[0, 0] * A[0, 1] * A[0, 2] + 2 * (A[1, 0] * A[1, 1] * A[1, 2]))
    h = jax.grad(lambda v: jnp.sum(v**3 / (1 + v**2)) + special.logsumexp(v * c))
    t = jax.grad(lambda v: jnp.sum(h(v) ** 2))
    return (jnp.sum(g(A) ** 2) + jnp.sum(jax.grad(lambda A: jnp.sum(g(A) * jnp.arange(1.0, 4)))(A) ** 2)
            + jnp.sum(t(v) * v) + jnp.sum(jax.grad(lambda v: t(v)[0])(v))
            + jax.grad(jax.grad(lambda c: jnp.sum(jnp.arctan(v * c))))(c))


@model("""
param a = 0, b = 2
loss = grad(prod([a, b]), b) + 3*b
""", None, {"a": 0.0, "b": 2.0})
def second_derivative_of_a_product_with_a_zero(p, d):
    return p["a"] + 3 * p["b"]


# --- likelihoods, and what indexes in pairs ---

POSITIVE = np.abs(numbers((11,), 2.9, 1.5)) + 0.2
SEEN = np.arange(11) % 3 != 1


@model("""
data x[5], size
param w[5] = 0, b = 0, log_shape = 0
shape = exp(log_shape)
log_mean = x @ w + b
loss = nll(shape*(log_shape - log_mean) - lgamma(shape) + (shape - 1)*log(size) - shape*size*exp(-log_mean))
""", {"x": X5, "size": POSITIVE}, {"w": (5,), "b": (), "log_shape": 0.4})
def gamma_errors(p, d):
    mean, shape = jnp.exp(d["x"] @ p["w"] + p["b"]), jnp.exp(p["log_shape"])
    return -jnp.mean(jax.scipy.stats.gamma.logpdf(d["size"], shape, scale=mean / shape))


@model("""
data x[5], time, seen
param w[5] = 0, b = 0, log_shape = 0
shape = exp(log_shape)
u = (time/exp(x @ w + b))^shape
loss = nll((if seen == 1 then log_shape + log(u) - log(time) else 0) - u)
""", {"x": X5, "time": POSITIVE, "seen": SEEN}, {"w": (5,), "b": (), "log_shape": 0.3})
def weibull_survival(p, d):
    shape, scale = jnp.exp(p["log_shape"]), jnp.exp(d["x"] @ p["w"] + p["b"])
    hazard = shape / scale * (d["time"] / scale) ** (shape - 1)
    return -jnp.mean(d["seen"] * jnp.log(hazard) - (d["time"] / scale) ** shape)


@model("""
data x, y, seen
param a = 0, b = 0, log_sd = 0
z = (y - a*x - b)/exp(log_sd)
loss = nll(if seen == 1 then -0.5*z^2 - log_sd - 0.5*log(2*pi) else log(0.5*erfc(-z/sqrt(2))))
""", {"x": X1, "y": Y, "seen": np.arange(13) % 3 != 1}, {"a": 0.4, "b": -0.3, "log_sd": 0.2})
def censored_measurements(p, d):
    mean, sd, normal = p["a"] * d["x"] + p["b"], jnp.exp(p["log_sd"]), jax.scipy.stats.norm
    return -jnp.mean(jnp.where(d["seen"] == 1, normal.logpdf(d["y"], mean, sd), normal.logcdf(d["y"], mean, sd)))


@model("""
data y
param m[3] = 0, log_sd[3] = 0, share[3] = 0
loss = nll(logsumexp(log_softmax(share) - log_sd - 0.5*((y - m)/exp(log_sd))^2 - 0.5*log(2*pi)))
""", {"y": Y}, {"m": (3,), "log_sd": (3,), "share": (3,)})
def mixture_of_normals(p, d):
    density = jax.scipy.stats.norm.pdf(d["y"][:, None], p["m"], jnp.exp(p["log_sd"]))
    return -jnp.mean(jnp.log(density @ nn.softmax(p["share"])))


@model("""
data x[5], level : class(4)
param w[5] = 0, first = -1, steps[2] = 0
cuts = first + [0, exp(steps[0]), exp(steps[0]) + exp(steps[1])]
below = sigmoid(cuts - x @ w)
p = concat(below, [1]) - concat([0], below)
loss = nll(log(p[level]))
""", {"x": X5, "level": (np.arange(11) * 5) % 4}, {"w": (5,), "first": -0.8, "steps": (2,)})
def ordered_classes(p, d):
    cuts = p["first"] + jnp.concatenate([jnp.zeros(1), jnp.cumsum(jnp.exp(p["steps"]))])
    below = nn.sigmoid(cuts - (d["x"] @ p["w"])[:, None])
    below = jnp.concatenate([jnp.zeros((11, 1)), below, jnp.ones((11, 1))], 1)
    return -jnp.mean(jnp.log(jax.vmap(lambda c, k: jnp.diff(c)[k])(below, d["level"])))


@model("""
data i : index(4), k : index(3), y
param T[4, 3] = 0, A[3, 3] = 0
p = T[i, k] + T[[0, 2, 3], [1, 1, 0]] @ A[k] + einsum("ii->", A*A)*y
loss = mse(p, y) + 0.1*sum(einsum("ii->i", A)*[1, 2, 3]^2)
""", {"i": (np.arange(11) * 3) % 4, "k": (np.arange(11) * 2) % 3, "y": Y[:11]}, {"T": (4, 3), "A": (3, 3)})
def indices_in_pairs(p, d):
    T, A, k = p["T"], p["A"], d["k"]
    picked = jnp.stack([T[0, 1], T[2, 1], T[3, 0]])
    rows = T[d["i"], k] + A[k] @ picked + jnp.sum(jnp.diag(A) ** 2) * d["y"]
    return mse(rows, d["y"]) + 0.1 * jnp.sum(jnp.diag(A) * jnp.array([1.0, 4, 9]))


@model("""
data x[5], y
h = dense(x, 3, tanh)
loss = mse(dense(h, 1)[0], y) + sum(grad(mean(h^2), h.W)^2)
""", {"x": X5, "y": Y[:11]}, {"h.W": (5, 3), "h.b": (3,), "loss.dense.W": (3, 1), "loss.dense.b": (1,)})
def penalty_by_weights_of_a_layer(p, d):
    h = lambda W: jnp.tanh(d["x"] @ W + p["h.b"])
    penalty = jnp.sum(jax.grad(lambda W: jnp.mean(h(W) ** 2))(p["h.W"]) ** 2)
    return mse((h(p["h.W"]) @ p["loss.dense.W"] + p["loss.dense.b"])[:, 0], d["y"]) + penalty


out = ROOT / "tests/data/jax_models.json"
out.write_text("[\n" + ",\n".join(json.dumps(m, separators=(",", ":")) for m in models) + "\n]\n")
print(f"{len(models)} models, {out.stat().st_size} bytes")
