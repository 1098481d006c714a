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


def fit_rational(name, f, w, b, n, d, rounding):
    """N/D on [0, b] of n and d coefficients, D's first 1: f at as many Chebyshev nodes, which is close to minimax."""
    b, m = mp.mpf(b), n + d - 1
    a, rhs = mp.matrix(m, m), mp.matrix(m, 1)
    for i in range(m):
        x = b / 2 * (1 + mp.cos(mp.pi * (2 * i + 1) / (2 * m)))
        for j in range(n): a[i, j] = x**j
        for j in range(1, d): a[i, n + j - 1] = -f(x) * x**j
        rhs[i] = f(x)
    c = [rounding(v) for v in mp.lu_solve(a, rhs)]
    above, below = c[:n], [mp.mpf(1)] + c[n:]
    quotient = lambda x: mp.polyval(above[::-1], x) / mp.polyval(below[::-1], x)
    err = max(abs(w(x) * (f(x) - quotient(x))) for x in (b * i / 1000 for i in range(1001)))
    print(f"{name}: 2^{float(mp.log(err, 2)):.1f}")
    for part in (above, below): print("  {" + ", ".join(repr(float(v)) for v in part) + "}")


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


def log_table(base, rounding):
    """For 16 intervals of m, a 16th of a binade each from 0.703125 on, so that 1 is inside one: c near 1/m and -log c,
    c chosen such that its logarithm is in the precision but for 2^-65 (floats: 2^-36). Around 1 it is 1."""
    edges = [1 + (i - 9 - mp.mpf(1) / 2) / (16 if i > 9 else 32) for i in range(17)]
    numbers = random.Random(1)
    table = []
    for low, high in zip(edges, edges[1:]):
        best = (mp.mpf(1), mp.mpf(1), mp.mpf(0))
        middle = 2 / (low + high)
        if rounding is to_float and low < 1 and high > 0.98:  # next to 1: m*c - 1 < 1/64, which is rounded finer
            middle = (1 + mp.mpf(1) / 65) / high
        for _ in range(0 if low < 1 < high else 3000):
            c = rounding(middle * (1 + mp.mpf(numbers.uniform(-1, 1)) / 2**13))
            exact = -mp.log(c) / mp.log(base)
            value = rounding(exact)
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


def pow_log_table():
    """For the same intervals c near 1/m and -log c = high + low, high a multiple of 2^-42, so that with k times ln2's
    head it sums exactly."""
    edges = [1 + (i - 9 - mp.mpf(1) / 2) / (16 if i > 9 else 32) for i in range(17)]
    print("pow log table")
    rows = []
    for low, high in zip(edges, edges[1:]):
        c = mp.mpf(1) if low < 1 < high else to_double(2 / (low + high))
        head = mp.nint(-mp.log(c) * 2**42) / 2**42
        rows.append((c, head, to_double(-mp.log(c) - head)))
    for column in zip(*rows):
        print("  {" + ", ".join(float(v).hex() for v in column) + "}")


# With v = r*d: the integrals from 0 to 1 of e^(-2*v*t)*t^(2*j).
def erf_integral(j):
    return lambda v: sum((-2 * v)**k / mp.factorial(k) / (k + 2 * j + 1) for k in range(24))


def erfc_tail(w):
    """x*e^(x^2)*erfc x at w = 1/x^2."""
    x = 1 / mp.sqrt(w)
    return x * mp.exp(x * x) * mp.erfc(x)


def fit_erfc():
    first = erf_integral(0)
    rest = series(lambda v: (first(v) - 1) / v, lambda v: -1 + 2 * v / 3)
    for r, names in ((to_double, "double"), (to_float, "float")):
        for j, n in ((0, 6 if r is to_double else 3), (1, 5 if r is to_double else 2), (2, 3 if r is to_double else 0)):
            if n == 0: continue
            f = (rest, erf_integral(1), lambda v: erf_integral(2)(v) / 2)[j]
            fit(f"erfc step {j} {names}", f, (lambda v: abs(v) + mp.mpf("1e-4")) if j == 0 else one, "-0.0235", "0.0235", n, r)
    limit = 1 / mp.sqrt(mp.pi)
    fit("erfc tail", lambda w: (erfc_tail(w) - limit) / w, lambda w: w / erfc_tail(w), 1 / mp.mpf(28) ** 2, 1 / mp.mpf(36), 10,
        to_double)
    split("erfc 6", mp.erfc(6), to_double, 2)


def fit_erf_and_gamma():
    fit("erf float", erf_p, one, "0", "1", 7, to_float)
    fit("log erfc float", lambda x: -mp.log(mp.erfc(x)), lambda x: mp.erfc(x), "1", "3.95", 8, to_float)
    fit_erfc()
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
        fit_rational(f"tan {names}", tan_t, tan_w, "0.6195", 4 if d else 2, 4 if d else 3, r)
        if d: fit_rounded("tanh double", tanh_t, tanh_w, "0.3026", 11, r)
        fit(f"sinh {names}", sinh_s, lambda z: z + mp.mpf("1e-4"), "0", "0.1203", 5 if d else 3, r)
        fit(f"cosh {names}", cosh_c, lambda z: z + mp.mpf("1e-4"), "0", "0.1203", 5 if d else 3, r)
    for base in (mp.e, 2, 10):
        for r, n, names in ((to_double, 8, "double"), (to_float, 4, "float")):
            log_table(base, r)
            fit(f"log {float(base):.6g} {names}", *log_base(base), "-0.0295", "0.03125", n, r)
    fit("pow log double", log_t, lambda z: z * z / 2 + mp.mpf("1e-8"), "0", "0.029438", 7, to_double)
    fit("pow log float", log_p, lambda z: z / 2 + mp.mpf("1e-5"), "0", "0.029438", 4, to_double)
    fit("pow exp float", exp_q, exp_w, "-0.3467", "0.3467", 6, to_double)
    for r, names in ((to_double, "double"), (to_float, "float")):
        d = names == "double"
        fit(f"atan {names}", atan_p, lambda z: z + mp.mpf("1e-6" if d else "1e-4"), "0", "0.25", 12 if d else 6, r)
        fit(f"asin {names}", asin_p, lambda z: z + mp.mpf("1e-6" if d else "1e-4"), "0", "0.25", 13 if d else 5, r)
    fit_erf_and_gamma()
    split("e^(1/32) - 1", mp.expm1(mp.mpf(1) / 32), to_double, 1)
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
