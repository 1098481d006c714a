#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Derives the polynomial coefficients and split constants of graph/math/ (needs mpmath; not part of the build).

Each polynomial is a weighted minimax fit by Remez exchange at 80 digits. The printed number after the name is the
largest weighted error, i.e. the relative error of the function caused by the polynomial alone.
Coefficients are then rounded to the target precision; the number printed is measured after that rounding.
"""
import functools
import random
import struct
import mpmath as mp

mp.mp.dps = 80


def solve(f, w, a, b, n):
    """The polynomial p of n coefficients with the least maximum of |w*(f - p)| on [a, b]."""
    xs = [(a + b) / 2 + (b - a) / 2 * mp.cos(mp.pi * (n - i) / n) for i in range(n + 1)]
    for _ in range(12):
        m = mp.matrix(n + 1, n + 1)
        rhs = mp.matrix(n + 1, 1)
        for i, x in enumerate(xs):
            for j in range(n):
                m[i, j] = w(x) * x**j
            m[i, n] = (-1) ** i
            rhs[i] = w(x) * f(x)
        sol = mp.lu_solve(m, rhs)
        p = [sol[j] for j in range(n)]
        err = lambda x: w(x) * (f(x) - mp.polyval(p[::-1], x))
        grid = [a + (b - a) * (1 - mp.cos(mp.pi * i / (24 * n))) / 2 for i in range(24 * n + 1)]
        e = [err(x) for x in grid]
        groups, cur = [], [0]
        for i in range(1, len(grid)):
            if e[i] * e[cur[-1]] < 0:
                groups.append(cur)
                cur = []
            cur.append(i)
        groups.append(cur)
        peaks = [max(g, key=lambda i: abs(e[i])) for g in groups]
        while len(peaks) > n + 1:
            peaks.pop(0 if abs(e[peaks[0]]) < abs(e[peaks[-1]]) else -1)
        if len(peaks) < n + 1: break
        xs = [grid[i] for i in peaks]
        big = [abs(e[i]) for i in peaks]
        if max(big) < min(big) * mp.mpf("1.02"): break
    return p


def to_double(v): return mp.mpf(float(v))
def to_float(v): return mp.mpf(struct.unpack("f", struct.pack("f", float(v)))[0])


def fit(name, f, w, a, b, n, rounding):
    a, b = mp.mpf(a), mp.mpf(b)
    fixed = [rounding(c) for c in solve(f, w, a, b, n)]
    pts = [a + (b - a) * i / 1000 for i in range(1001)]
    err = max(abs(w(x) * (f(x) - mp.polyval(fixed[::-1], x))) for x in pts)
    print(f"{name}: 2^{float(mp.log(err, 2)):.1f}")
    print("  {" + ", ".join(repr(float(c)) for c in fixed) + "}")


def series(f, fallback):
    """f away from zero, its limit's series near zero (the quotients below cancel there)."""
    return lambda x: fallback(x) if abs(x) < mp.mpf("1e-12") else f(x)


def fit_with_head(name, f, w, a, b, n, rounding):
    """A fit whose constant term is a sum of two numbers."""
    a, b = mp.mpf(a), mp.mpf(b)
    c = solve(f, w, a, b, n)
    head = rounding(c[0])
    low = rounding(c[0] - head)
    fixed = [rounding(x) for x in c[1:]]
    pts = [a + (b - a) * i / 1000 for i in range(1001)]
    err = max(abs(w(x) * (f(x) - head - low - x * mp.polyval(fixed[::-1], x))) for x in pts)
    print(f"{name}: 2^{float(mp.log(err, 2)):.1f}, head {float(head).hex()}, {float(low).hex()}")
    print("  {" + ", ".join(repr(float(x)) for x in fixed) + "}")


def fit_rounded(name, f, w, b, n, rounding):
    """On [0, b]: each coefficient is rounded before the next ones are fitted to what it leaves, so that they make up
    for its rounding."""
    b = mp.mpf(b)
    fixed = []
    for i in range(n):
        left = lambda x: (f(x) - mp.polyval(fixed[::-1], x) if fixed else f(x)) / x**i
        fixed.append(rounding(solve(left, lambda x: w(x) * x**i, b * mp.mpf("1e-4") if i else 0, b, n - i)[0]))
    err = max(abs(w(x) * (f(x) - mp.polyval(fixed[::-1], x))) for x in (b * i / 1000 for i in range(1001)))
    print(f"{name}: 2^{float(mp.log(err, 2)):.1f}")
    print("  {" + ", ".join(repr(float(c)) for c in fixed) + "}")


def split(name, v, rounding, count):
    parts = []
    for _ in range(count):
        parts.append(rounding(v))
        v -= parts[-1]
    print(f"{name}: " + ", ".join(float(p).hex() for p in parts))


exp_q = series(lambda r: (mp.exp(r) - 1 - r) / r**2, lambda r: mp.mpf(1) / 2 + r / 6 + r * r / 24)

def exp_w(r): return r * r / mp.exp(r) + mp.mpf("1e-3")
def expm1_w(r): return (r * r / abs(mp.expm1(r)) if abs(r) > mp.mpf("1e-9") else 0) + mp.mpf("1e-4")


log_p = series(lambda z: (mp.log((1 + mp.sqrt(z)) / (1 - mp.sqrt(z))) / mp.sqrt(z) - 2) / z,
               lambda z: mp.mpf(2) / 3 + 2 * z / 5 + 2 * z * z / 7)
log_t = series(lambda z: (log_p(z) - mp.mpf(2) / 3) / z, lambda z: mp.mpf(2) / 5 + 2 * z / 7)
log_q = series(lambda f: (mp.log1p(f) - f + f * f / 2) / f**3, lambda f: mp.mpf(1) / 3 - f / 4 + f * f / 5)


def log_base(base):
    """Of log(1+f) to a base: what f^2 is multiplied with, and the weight that makes its error relative."""
    scale = 1 / mp.log(base)
    return (series(lambda f: scale * (mp.log1p(f) - f) / f**2, lambda f: scale * (f / 3 - mp.mpf(1) / 2)),
            lambda f: f * f / mp.log1p(f) / scale if abs(f) > mp.mpf("1e-9") else mp.mpf("1e-3"))


def odd(f, first, second):
    """Of an odd f(x) = x + x^3*p(x^2): p, and the weight that makes its error relative."""
    root = lambda z: mp.sqrt(z) + mp.mpf("1e-30")
    return (series(lambda z: (f(root(z)) / root(z) - 1) / z, lambda z: first + second * z),
            lambda z: z * root(z) / f(root(z)))


def log_table(base):
    """For 16 intervals of m, a 16th of a binade each from 0.703125 on, so that 1 is inside one: c near 1/m and -log c,
    c chosen such that its logarithm is a double but for 2^-65. Around 1 it is 1."""
    edges = [1 + (i - 9 - mp.mpf(1) / 2) / (16 if i > 9 else 32) for i in range(17)]
    numbers = random.Random(1)
    table = []
    for low, high in zip(edges, edges[1:]):
        best = (mp.mpf(1), mp.mpf(1), mp.mpf(0))
        for _ in range(0 if low < 1 < high else 3000):
            c = to_double(2 / (low + high) * (1 + mp.mpf(numbers.uniform(-1, 1)) / 2**13))
            exact = -mp.log(c) / mp.log(base)
            value = to_double(exact)
            best = min(best, (abs(exact - value), c, value))
        table.append(best[1:])
    reached = [edge * c - 1 for (c, _), pair in zip(table, zip(edges, edges[1:])) for edge in pair]
    print(f"log table to base {float(base):.6g}: m*c - 1 in [{float(min(reached)):.5f}, {float(max(reached)):.5f}]")
    for column in zip(*table):
        print("  {" + ", ".join(float(v).hex() for v in column) + "}")


sin_s, sin_w = odd(mp.sin, -mp.mpf(1) / 6, mp.mpf(1) / 120)
tan_t, tan_w = odd(mp.tan, mp.mpf(1) / 3, mp.mpf(2) / 15)
tanh_t, tanh_w = odd(mp.tanh, -mp.mpf(1) / 3, mp.mpf(2) / 15)
sinh_s, _ = odd(mp.sinh, mp.mpf(1) / 6, mp.mpf(1) / 120)
cosh_c = series(lambda z: (mp.cosh(mp.sqrt(z)) - 1) / z, lambda z: mp.mpf(1) / 2 + z / 24)

half = mp.mpf(1) / 2
atan_p = series(lambda z: (mp.atan(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, lambda z: -mp.mpf(1) / 3 + z / 5)
asin_p = series(lambda z: (mp.asin(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, lambda z: mp.mpf(1) / 6 + 3 * z / 40)
erf_p = series(lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1, lambda z: 2 / mp.sqrt(mp.pi) * (1 - z / 3) - 1)
sin_pi = series(lambda z: mp.sin(mp.pi * mp.sqrt(z)) / mp.sqrt(z), lambda z: mp.pi - mp.pi**3 * z / 6)
cot_rest = series(lambda z: (mp.pi * mp.sqrt(z) * mp.cot(mp.pi * mp.sqrt(z)) - 1) / z,
                  lambda z: -mp.pi**2 / 3 - mp.pi**4 * z / 45)


def erfc_argument(c, w):
    """The x of w = 1/4 - 2c/(x + c)."""
    return 2 * c / (mp.mpf(1) / 4 - w) - c


def erfc_scaled(c):
    """e^(x^2) erfc x (x + c); above 40 by the asymptotic series."""
    @functools.cache
    def f(w):
        x = erfc_argument(c, w)
        if x < 40: return mp.erfc(x) * mp.exp(x * x) * (x + c)
        total = term = mp.mpf(1)
        for k in range(1, 60):
            term *= -(2 * k - 1) / (2 * x * x)
            total += term
        return total / (x * mp.sqrt(mp.pi)) * (x + c)
    return f


def erfc_growth(c):
    """d log(e^(x^2) erfc x) / d log(1/(x + c))."""
    def f(w):
        x = erfc_argument(c, w)
        r = mp.erfc(x) * mp.exp(x * x)
        return -(x + c) * (2 * x * r - 2 / mp.sqrt(mp.pi)) / r
    return f


@functools.cache
def lgamma_near(y):
    z = y + half
    if z == 0: return mp.mpf(mp.euler)
    if z == 1: return 1 - mp.euler
    return mp.loggamma(1 + z) / (z * (z - 1))


digamma_root = mp.findroot(mp.digamma, mp.mpf("1.4616321449683623"))


@functools.cache
def digamma_near(y):
    d = y + half + 1 - digamma_root
    return mp.digamma(digamma_root + d) / d if abs(d) > mp.mpf("1e-15") else mp.polygamma(1, digamma_root)


# The first terms of the asymptotic series stand in near infinity (v = 1/x^2 near 0).
@functools.cache
def lgamma_far(v):
    if v < mp.mpf("1e-5"):
        return mp.mpf(1) / 12 - v / 360 + v**2 / 1260 - v**3 / 1680 + v**4 / 1188 - 691 * v**5 / 360360
    x = 1 / mp.sqrt(v)
    return (mp.loggamma(x) - ((x - half) * mp.log(x) - x + mp.log(2 * mp.pi) / 2)) * x


@functools.cache
def digamma_far(v):
    if v < mp.mpf("1e-5"):
        return mp.mpf(1) / 12 - v / 120 + v**2 / 252 - v**3 / 240 + v**4 / 132 - 691 * v**5 / 32760
    x = 1 / mp.sqrt(v)
    return (mp.log(x) - 1 / (2 * x) - mp.digamma(x)) * x * x


def one(_): return mp.mpf(1)


def fit_erf_and_gamma():
    fit("erf float", erf_p, one, "0", "1", 7, to_float)
    fit("log erfc float", lambda x: -mp.log(mp.erfc(x)), lambda x: mp.erfc(x), "1", "3.95", 8, to_float)
    for name, c, end, n, low, r in (("double", 4, "27.3", 23, "-0.2", to_double), ("float", 2, "10.1", 11, "-0.1", to_float)):
        f = erfc_scaled(mp.mpf(c))
        last = mp.mpf(1) / 4 - 2 * c / (mp.mpf(end) + c)
        fit_with_head(f"erfc {name}", f, lambda w: 1 / f(w), "-1.75", last, n, r)
        fit(f"erfc growth {name}", erfc_growth(mp.mpf(c)), one, "-1.75", low, 3, to_float)
    h = mp.mpf(1) / 128
    split("2/sqrt(pi)", 2 / mp.sqrt(mp.pi), to_double, 2)
    split("e^(-h^2)", mp.exp(-h * h), to_double, 2)
    split("e^(-2*h^2)", mp.exp(-2 * h * h), to_double, 2)
    fit("lgamma near", lgamma_near, one, "-0.5", "0.5", 21, to_double)
    fit("digamma near", digamma_near, one, "-0.5", "0.5", 22, to_double)
    fit("lgamma far", lgamma_far, one, "0", "0.0625", 9, to_double)
    fit("digamma far", digamma_far, one, "0", "0.0625", 9, to_double)
    fit("sin pi", sin_pi, one, "0", "0.25", 9, to_double)
    fit("cot pi", cot_rest, mp.sqrt, "0", "0.25", 15, to_double)
    split("digamma's root less 1", digamma_root - 1, to_double, 2)
    split("(log(2 pi) - 1)/2", (mp.log(2 * mp.pi) - 1) / 2, to_double, 1)
    for name, v in (("pi^2", mp.pi**2), ("pi^3", mp.pi**3)): split(name, v, to_double, 1)


if __name__ == "__main__":
    for r, names in ((to_double, "double"), (to_float, "float")):
        d = names == "double"
        fit(f"exp {names}", exp_q, exp_w, "-0.3467", "0.3467", 10 if d else 5, r)
        fit(f"expm1 {names}", exp_q, expm1_w, "-0.3467", "0.3467", 10 if d else 6, r)
        fit_rounded(f"sin {names} (the first is a constant of its own)", sin_s, sin_w, "2.4775", 8 if d else 5, r)
        fit(f"tan {names}", tan_t, lambda z: tan_w(z) + mp.mpf("1e-4"), "0", "0.6195", 14 if d else 7, r)
        fit_rounded(f"tanh {names}", tanh_t, tanh_w, "0.3026", 11 if d else 5, r)
        fit(f"sinh {names}", sinh_s, lambda z: z + mp.mpf("1e-4"), "0", "0.1203", 5 if d else 3, r)
        fit(f"cosh {names}", cosh_c, lambda z: z + mp.mpf("1e-4"), "0", "0.1203", 5 if d else 3, r)
    for base in (mp.e, 2, 10):
        log_table(base)
        fit(f"log {float(base):.6g} double", *log_base(base), "-0.0295", "0.03125", 8, to_double)
    fit("log float", log_q, lambda f: f * f + mp.mpf("1e-3"), "-0.29290", "0.41422", 8, to_float)
    for base in (2, 10):
        fit(f"log{base} float", *log_base(base), "-0.29290", "0.41422", 9, to_float)
    fit("pow log double", log_t, lambda z: z * z / 2 + mp.mpf("1e-8"), "0", "0.029438", 7, to_double)
    fit("pow log float", log_p, lambda z: z / 2 + mp.mpf("1e-5"), "0", "0.029438", 4, to_double)
    fit("pow exp float", exp_q, exp_w, "-0.3467", "0.3467", 6, to_double)
    for r, names in ((to_double, "double"), (to_float, "float")):
        d = names == "double"
        fit(f"atan {names}", atan_p, lambda z: z + mp.mpf("1e-6" if d else "1e-4"), "0", "0.25", 12 if d else 6, r)
        fit(f"asin {names}", asin_p, lambda z: z + mp.mpf("1e-6" if d else "1e-4"), "0", "0.25", 13 if d else 5, r)
    fit_erf_and_gamma()
    split("2/3", mp.mpf(2) / 3, to_double, 2)
    print("ln2 in 42 bits and 16 bits, and the rest:")
    for bits in (42, 16):
        head = mp.floor(mp.log(2) * 2**bits) / 2**bits
        print("  ", float(head).hex(), float(mp.log(2) - head).hex())
    split("ln2 double", mp.log(2), to_double, 3)
    split("ln2 float", mp.log(2), to_float, 3)
    for r, names in ((to_double, "double"), (to_float, "float")):
        for base in (2, 10):
            split(f"1/ln{base} {names}", 1 / mp.log(base), r, 2)
        split(f"log10(2) {names}", mp.log10(2), r, 2)
        split(f"pi {names}", mp.pi, r, 4)
        split(f"pi/2 {names}", mp.pi / 2, r, 4)
        split(f"1/pi {names}", 1 / mp.pi, r, 1)
    mp.mp.dps = 500
    digits = int(mp.floor(2 / mp.pi * 2**1344))
    print("2/pi in 64-bit words:")
    print("  " + ", ".join(f"0x{digits >> (1280 - 64 * i) & (2**64 - 1):016x}" for i in range(21)))
    print("2/pi", float(2 / mp.pi).hex(), "log2(e)", float(1 / mp.log(2)).hex())
