# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes tests/data/special_derivatives.json: every scalar function, activation and loss, with its first three derivatives,
at zeros of both signs, ties, branch points and far out, differentiated by mpmath in 1500 digits. At kinks, jumps and poles
no limit decides: there the values that the documents state are written here by hand, and what the elementary formula of a
derivative gives in IEEE arithmetic at a pole.

`relative` is what a value may be off by, relative to itself; `absolute` what it may be off by besides (formulas that
cancel far out, as 1 - tanh(a)^2, are right to an epsilon only, and a derivative that vanishes at a point near which it is
sampled).

Needs mpmath. Run in the root: python3 tests/oracle/special_derivatives.py
"""
import json
import pathlib

import mpmath
from mpmath import mp, mpf

mp.dps = 1500
ROOT = pathlib.Path(__file__).parents[2]
inf, nan = mpf("inf"), mpf("nan")
cases = []


def text(value):
    if mpmath.isnan(value):
        return "nan"
    if mpmath.isinf(value):
        return "inf" if value > 0 else "-inf"
    return mpmath.nstr(mpf(value), 20)


def number(point):
    """The double that the text of a point is read as, exactly."""
    return mpf(float(point))


def add(expression, point, values, relative=1e-13, absolute=0.0):
    cases.append({"expression": expression, "at": [point], "values": [text(v) for v in values],
                  "relative": relative, "absolute": absolute})


def smooth(expression, f, points, **tolerance):
    """f's own value and derivatives."""
    for point in points.split():
        x = number(point)
        h = mpf(10) ** -60 * max(abs(x), mpf(10) ** -40)
        add(expression, point, derivatives(f, x, h), **tolerance)


def derivatives(f, x, h):
    """Central differences, of error h^2 relative to f's own scale; 1500 digits are what they cancel and more."""
    a, b, y, c, d = f(x - 2 * h), f(x - h), f(x), f(x + h), f(x + 2 * h)
    values = [y, (c - b) / (2 * h), (c - 2 * y + b) / h**2, (d - 2 * c + 2 * b - a) / (2 * h**3)]
    return [v if x != 0 or abs(v) > h else mpf(0) for v in values]


def stated(expression, points, *values):
    for point in points.split():
        add(expression, point, [mpf(v) for v in values])


ZEROS = "0 -0 1e-20 -1e-20"

# The op table.
smooth("exp(a)", mpmath.exp, ZEROS + " -700 700")
smooth("expm1(a)", mpmath.expm1, ZEROS + " -700 700 -30")
smooth("log(a)", mpmath.log, "1 1e-90 1e300 0.5")
smooth("log2(a)", lambda a: mpmath.log(a) / mpmath.log(2), "1 1e-90 0.25")
smooth("log10(a)", mpmath.log10, "1 1e-90 1000")
smooth("log1p(a)", mpmath.log1p, ZEROS + " 1e90 -0.999999")
smooth("sqrt(a)", mpmath.sqrt, "1 4 1e-90 1e90")
smooth("sin(a)", mpmath.sin, ZEROS + " 3 100000")
smooth("cos(a)", mpmath.cos, ZEROS + " 3 100000")
smooth("tan(a)", mpmath.tan, ZEROS + " 1.5707")
smooth("asin(a)", mpmath.asin, "0 -0 0.5 0.999999 -0.999999")
smooth("asin(a)", mpmath.asin, "1e-20 -1e-20", absolute=1e-16)
smooth("acos(a)", mpmath.acos, "0 -0 0.5 0.999999 -0.999999")
smooth("atan(a)", mpmath.atan, ZEROS + " 1e10 -1e10")
smooth("atan2(a, 2)", lambda a: mpmath.atan(a / 2), ZEROS + " 1e10")
smooth("atan2(2, a)", lambda a: mpmath.pi / 2 - mpmath.atan(a / 2), "0 -0 0.5 -3")
smooth("atan2(a, -2)", lambda a: mpmath.pi + mpmath.atan(a / -2), "0 1")
smooth("atan2(a, -2)", lambda a: -mpmath.pi + mpmath.atan(a / -2), "-0 -1")
smooth("sinh(a)", mpmath.sinh, ZEROS + " 700 -700")
smooth("cosh(a)", mpmath.cosh, ZEROS + " 700 -700")
smooth("tanh(a)", mpmath.tanh, ZEROS + " 0.5", absolute=1e-16)
smooth("tanh(a)", mpmath.tanh, "20 -20 400", absolute=1e-15)
smooth("erf(a)", mpmath.erf, ZEROS + " 5 -5 20")
smooth("erfc(a)", mpmath.erfc, "0 -0 1e-20 5 -5 20")
smooth("lgamma(a)", lambda a: mpmath.log(abs(mpmath.gamma(a))), "0.5 3 100", relative=1e-12)
smooth("lgamma(a)", lambda a: mpmath.log(abs(mpmath.gamma(a))), "1 2 -0.5", relative=1e-12, absolute=1e-14)
smooth("digamma(a)", lambda a: mpmath.digamma(a), "0.5 3 1e10", relative=1e-12)
smooth("polygamma(1, a)", lambda a: mpmath.polygamma(1, a), "0.5 3", relative=1e-11)
smooth("1/a", lambda a: 1 / a, "1 -1e-50 1e50")
smooth("a/3", lambda a: a / 3, ZEROS)
for n in (1, 2, 3, 4, 5):
    smooth(f"a^{n}", lambda a, n=n: a**n, "0 -0 1e-20 -3")
smooth("a^(-2)", lambda a: a**-2, "1e-20 -3")
smooth("a^2.5", lambda a: a ** mpf(2.5), "1e-20 4")
smooth("2^a", lambda a: mpf(2) ** a, ZEROS + " -900 900")
smooth("a^a", lambda a: a**a, "1 0.5 3 2")
smooth("2^(a^2)", lambda a: mpf(2) ** (a**2), ZEROS)
smooth("(2 + a)^a", lambda a: (2 + a) ** a, "0 -0 1 -1 2")
smooth("mod(a, 2)", lambda a: a - 2 * mpmath.floor(a / 2), "0.5 3.5 -1.5")
smooth("mod(5, a)", lambda a: 5 - 2 * a, "2 2.25")
smooth("max(a, 1)", lambda a: a, "2")
smooth("min(a, 1)", lambda a: a, "0 -0")

stated("abs(a)", "0 -0", 0, 0, 0, 0)
stated("abs(a)", "-3", 3, -1, 0, 0)
stated("sign(a)", "0 -0", 0, 0, 0, 0)
stated("sign(a)", "-3", -1, 0, 0, 0)
stated("max(a, 1)", "1", 1, 0.5, 0, 0)
stated("min(a, 1)", "1", 1, 0.5, 0, 0)
stated("max(a, 0)", "0 -0", 0, 0.5, 0, 0)
stated("max(a, a)", "0 2", 0, 1, 0, 0)
cases[-1]["values"][0] = "2.0"
stated("max([a, 1, 1], axis=-1)", "1", 1, mpf(1) / 3, 0, 0)
stated("floor(a)", "2", 2, 0, 0, 0)
stated("ceil(a)", "2", 2, 0, 0, 0)
stated("round(a)", "2.5", 2, 0, 0, 0)
stated("mod(a, 2)", "4", 0, 1, 0, 0)
stated("mod(a, 2)", "0 -0", 0, 1, 0, 0)
# Poles of the derivative, as sqrt(a)' at 0 is inf.
stated("sqrt(a)", "0", 0, inf, -inf, inf)
stated("a^0.5", "0", 0, inf, -inf, inf)
stated("a^1.5", "0", 0, 0, inf, -inf)
stated("log(a)", "0", -inf, inf, -inf, inf)
stated("log1p(a)", "-1", -inf, inf, -inf, inf)
stated("asin(a)", "1", mpmath.pi / 2, inf)
stated("acos(a)", "1", 0, -inf)
stated("a^0 + 0*a", "0 -0 3", 1, 0, 0, 0)
stated("0^a", "1 2.5", 0, 0, 0, 0)
stated("0^a", "0 -0", 1, 0, 0, 0)
stated("(0*a)^a", "0", 1, 0, 0, 0)
stated("(if a == 0 then 0 else a*log(a))", "0 -0", 0, 0, 0, 0)
stated("(if a > 0 then sqrt(a) else 0)", "0 -0", 0, 0, 0, 0)

# Smooth, though written with a kink.
smooth("abs(a)^2", lambda a: a**2, ZEROS + " -3")
smooth("abs(a)*abs(a)", lambda a: a**2, ZEROS + " -3")
smooth("abs(a)*(3*abs(a))", lambda a: 3 * a**2, ZEROS + " -3")
smooth("abs(a)^4", lambda a: a**4, "0 -0 -3")
smooth("abs(a^2)", lambda a: a**2, ZEROS + " -3")
smooth("abs(a*a)", lambda a: a**2, ZEROS + " -3")
smooth("max(a, -a)^2", lambda a: a**2, ZEROS + " -3")
smooth("min(-a, a)^2", lambda a: a**2, ZEROS + " -3")
smooth("cos(abs(a))", mpmath.cos, ZEROS + " -3")
smooth("cosh(abs(a))", mpmath.cosh, ZEROS + " -3")
smooth("cosh(-a)", mpmath.cosh, ZEROS + " -3")
softplus = lambda a: mpmath.log1p(mpmath.exp(a))
sigmoid = lambda a: 1 / (1 + mpmath.exp(-a))
FAR = ZEROS + " 0.5 40 -40 -700 700"
for text_of_softplus in ("max(a, 0) + log1p(exp(-abs(a)))", "(log1p(exp(-abs(a))) + max(0, a))",
                         "(if a <= 0 then 0 else a) + log1p(exp(-abs(a)))"):
    smooth(text_of_softplus, softplus, "0 -0 0.5 40 -40 -700 700")
    smooth(text_of_softplus, softplus, "1e-20 -1e-20", absolute=1e-16)
for text_of_bce in ("max(a, 0) - 0.25*a + log1p(exp(-abs(a)))", "log(1 + exp(-abs(a))) - 0.25*a + max(0, a)",
                    "relu(a) - 0.25*a + log(1 + exp(-abs(a)))"):
    smooth(text_of_bce, lambda a: softplus(a) - a / 4, FAR, absolute=1e-15)
smooth("2*max(a, 0) + log1p(exp(-abs(a)))", lambda a: softplus(a) + a, "0.5 3")
smooth("2*max(a, 0) + log1p(exp(-abs(a)))", softplus, "-0.5 -3")
smooth("max(a, 0)*log1p(exp(-abs(a)))", lambda a: a * softplus(-a), "0.5 3")

# The prelude.
smooth("identity(a)", lambda a: a, ZEROS)
smooth("relu(a)", lambda a: a, "2")
stated("relu(a)", "0 -0", 0, 0, 0, 0)
stated("leaky_relu(a)", "0 -0", 0, 0.01, 0, 0)
smooth("elu(a)", mpmath.expm1, "0 -0 -1e-20 -30")
smooth("elu(a)", lambda a: a, "1e-20 30")
smooth("sigmoid(a)", sigmoid, FAR, absolute=1e-16)
smooth("sigmoid(a)", sigmoid, "40 -40 700 -700")
smooth("softplus(a)", softplus, FAR, absolute=1e-16)
smooth("softplus(a)", softplus, "0 -0 40 -40 700 -700")
smooth("silu(a)", lambda a: a * sigmoid(a), "0 -0 40 -40 700 -700")
smooth("gelu(a)", lambda a: a / 2 * mpmath.erfc(-a / mpmath.sqrt(2)), "0 -0 1e-20 -1e-20 3 -10 -30 10", relative=1e-12)
smooth("logsumexp([a, 0])", softplus, "0 -0 0.5 40 -40 -700 700", absolute=1e-15)
smooth("log_softmax([a, 0])[0]", lambda a: -softplus(-a), "0 -0 0.5 40 -40 -700 700", absolute=1e-15)
smooth("softmax([a, 0])[0]", sigmoid, "0 -0 0.5 40 -40 -700 700", absolute=1e-15)
smooth("mse(a, 0)", lambda a: a**2, ZEROS)
smooth("mae(a, 0)", lambda a: abs(a), "3 -3")
stated("mae(a, 0)", "0 -0", 0, 0, 0, 0)
smooth("huber(a, 0)", lambda a: a**2 / 2, ZEROS + " 0.5 1 -1")
smooth("huber(a, 0)", lambda a: abs(a) - mpf(1) / 2, "1.5 -1.5 1e20")
smooth("huber(a, 1, delta=2)", lambda a: (a - 1) ** 2 / 2, "1 3 -1")
log_cosh = lambda a: mpmath.log(mpmath.cosh(a))
smooth("log_cosh(a, 0)", log_cosh, ZEROS + " 1e-5 0.5 1 -1 1.0000001 -1.0000001 3")
smooth("log_cosh(a, 0)", log_cosh, "20 -20 700 -700 1e10")
stated("quantile(a, 0, q=0.25)", "0 -0", 0, -0.25, 0, 0)
stated("quantile(a, 0, q=0.25)", "2", 1.5, 0.75, 0, 0)
smooth("binary_cross_entropy(a, 1)", lambda a: softplus(-a), "0 -0 0.5 40 -40 -700 700", absolute=1e-15)
smooth("binary_cross_entropy(a, 0)", softplus, FAR, absolute=1e-15)
smooth("binary_cross_entropy(a, 0.25)", lambda a: softplus(a) - a / 4, "0 -0 40 -40", absolute=1e-15)
smooth("cross_entropy([a, 0, 1], 0)", lambda a: mpmath.log(mpmath.exp(a) + 1 + mpmath.e) - a, "0 -0 1 40 -40 700 -700",
       absolute=1e-15)
smooth("poisson_nll(a, 3)", lambda a: mpmath.exp(a) - 3 * a + mpmath.log(6), "0 -0 -700 20")
smooth("gaussian_nll(a, 1, 2)", lambda a: (a - 1) ** 2 / 8 + mpmath.log(2) + mpmath.log(2 * mpmath.pi) / 2, "0 -0 1 1e10")
smooth("gaussian_nll(0, 1, a)", lambda a: 1 / (2 * a**2) + mpmath.log(a) + mpmath.log(2 * mpmath.pi) / 2, "1 1e-3 1e10",
       absolute=1e-100)
smooth("(-a)^2", lambda a: a**2, ZEROS)
smooth("(-abs(a))^4", lambda a: a**4, "0 -0 -3")
stated("hinge(a, 1)", "1", 0, 0, 0, 0)
stated("hinge(a, 1)", "0 -0", 1, -1, 0, 0)
# 0*log(0) is 0 and has no derivative; the other summand is (1 - a)*log(2*(1 - a)).
stated("kl([a, 1 - a], [0.5, 0.5])", "0 -0", mpmath.log(2), -(mpmath.log(2) + 1), 1, 1)
smooth("kl([a, 1 - a], [0.5, 0.5])", lambda a: a * mpmath.log(2 * a) + (1 - a) * mpmath.log(2 * (1 - a)), "0.5 0.25 1e-9",
       absolute=1e-15)
stated("rmse(a, 0)", "0 -0", 0, 0, 0, 0)
smooth("rmse(a, 0)", lambda a: abs(a), "3 -3")
stated("std([a, a])", "0 3", 0, 0, 0, 0)

lines = ",\n".join(json.dumps(case) for case in cases)
(ROOT / "tests/data/special_derivatives.json").write_text("[\n" + lines + "\n]\n")
