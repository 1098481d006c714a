# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes tests/data/jax_functions.json: scalar functions and their derivatives as JAX differentiates them, in f64, at
ordinary points and at kinks (not |a| at 0, whose derivative is 1 there and 0 here). Functions of one number: value and the first three derivatives; of two: value, two first
and three second derivatives (aa, ab, bb). The functions that JAX takes from its special-function library are held
against SciPy here before they are written.

Needs jax, numpy, scipy. Run in the root: JAX_PLATFORMS=cpu python3 tests/oracle/jax_functions.py
"""
import json
import math
import pathlib

import jax
import jax.numpy as jnp
import jax.scipy.special as special
import numpy as np
import scipy.special

jax.config.update("jax_enable_x64", True)
ROOT = pathlib.Path(__file__).parents[2]

WIDE = [-2.5, -1.0, -0.3, 0.2, 0.75, 1.9, 3.1]
UNIT = [-0.95, -0.6, -0.1, 0.05, 0.5, 0.9]
POSITIVE = [0.05, 0.4, 1.0, 1.7, 3.2, 12.5]

ONE = {
    "exp(a)": (jnp.exp, WIDE), "expm1(a)": (jnp.expm1, WIDE), "log(a)": (jnp.log, POSITIVE),
    "log1p(a)": (jnp.log1p, [-0.9, -0.2, 0.1, 2.5]), "log2(a)": (jnp.log2, POSITIVE), "log10(a)": (jnp.log10, POSITIVE),
    "sqrt(a)": (jnp.sqrt, POSITIVE), "sin(a)": (jnp.sin, WIDE), "cos(a)": (jnp.cos, WIDE), "tan(a)": (jnp.tan, WIDE),
    "asin(a)": (jnp.arcsin, UNIT), "acos(a)": (jnp.arccos, UNIT), "atan(a)": (jnp.arctan, WIDE),
    "sinh(a)": (jnp.sinh, WIDE), "cosh(a)": (jnp.cosh, WIDE), "tanh(a)": (jnp.tanh, WIDE),
    "erf(a)": (special.erf, WIDE), "erfc(a)": (special.erfc, WIDE),
    "lgamma(a)": (special.gammaln, POSITIVE), "digamma(a)": (special.digamma, POSITIVE),
    "abs(a)": (jnp.abs, [-2.0, 1.5]), "sign(a)": (jnp.sign, [-2.0, 0.0, 1.5]),
    "floor(a)": (jnp.floor, [-1.5, 0.3, 2.0]), "ceil(a)": (jnp.ceil, [-1.5, 0.3, 2.0]),
    "round(a)": (jnp.round, [-1.5, -0.5, 0.5, 1.5, 2.5, 0.3]),
    "relu(a)": (jax.nn.relu, [-1.0, 0.0, 2.0]), "softplus(a)": (jax.nn.softplus, WIDE), "sigmoid(a)": (jax.nn.sigmoid, WIDE),
    "silu(a)": (jax.nn.silu, WIDE), "a^3": (lambda a: a**3, WIDE + [0.0]), "a^-2": (lambda a: a**-2.0, WIDE),
    "exp(-a^2)*sin(3*a)/(1 + a^2)": (lambda a: jnp.exp(-(a**2)) * jnp.sin(3 * a) / (1 + a**2), WIDE),
    "tanh(log1p(exp(a)))": (lambda a: jnp.tanh(jnp.log1p(jnp.exp(a))), WIDE),
    "if a > 0 then log(a) else a^2": (lambda a: jnp.where(a > 0, jnp.log(jnp.where(a > 0, a, 1)), a**2), [-1.5, 0.0, 2.5]),
}
TWO = {
    "pow(a, b)": (jnp.power, [(0.5, 1.5), (2.0, -0.7), (3.0, 2.0)]),
    "atan2(a, b)": (jnp.arctan2, [(0.5, 1.5), (-2.0, -0.7), (1.0, -3.0), (-1.0, 0.25)]),
    "mod(a, b)": (jnp.mod, [(5.5, 2.0), (-5.5, 2.0), (5.5, -2.0), (0.25, 3.0)]),
    "max(a, b)": (jnp.maximum, [(1.0, 2.0), (2.0, 1.0), (1.5, 1.5)]),
    "min(a, b)": (jnp.minimum, [(1.0, 2.0), (2.0, 1.0), (1.5, 1.5)]),
    "a/b": (jnp.divide, [(1.0, 2.0), (-3.0, 0.5)]),
    "sin(a*b) + a^2/b": (lambda a, b: jnp.sin(a * b) + a**2 / b, [(0.3, 2.0), (-1.2, -0.4)]),
}
SCIPY = {"erf(a)": scipy.special.erf, "erfc(a)": scipy.special.erfc, "lgamma(a)": scipy.special.gammaln,
         "digamma(a)": scipy.special.digamma}


def text(value):
    value = float(value)
    assert math.isfinite(value)
    return repr(value)


cases = []
for expression, (f, points) in ONE.items():
    orders = [f, jax.grad(f), jax.grad(jax.grad(f)), jax.grad(jax.grad(jax.grad(f)))]
    for a in points:
        values = [g(a) for g in orders]
        if expression in SCIPY:
            np.testing.assert_allclose(values[0], SCIPY[expression](a), rtol=1e-14, atol=1e-15)
        if expression == "lgamma(a)":
            np.testing.assert_allclose(values[1:], [scipy.special.digamma(a), *scipy.special.polygamma([1, 2], a)], rtol=1e-12)
        cases.append({"expression": expression, "at": [repr(a)], "values": [text(v) for v in values]})
for expression, (f, points) in TWO.items():
    da, db = jax.grad(f, 0), jax.grad(f, 1)
    orders = [f, da, db, jax.grad(da, 0), jax.grad(da, 1), jax.grad(db, 1)]
    for a, b in points:
        cases.append({"expression": expression, "at": [repr(a), repr(b)], "values": [text(g(a, b)) for g in orders]})
lines = ",\n".join(json.dumps(case) for case in cases)
(ROOT / "tests/data/jax_functions.json").write_text("[\n" + lines + "\n]\n")
