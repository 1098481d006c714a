#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Derives the polynomial coefficients and split constants of graph/math/ (needs mpmath; not part of the build).

Each polynomial is a weighted minimax fit by Remez exchange at 80 digits. The printed number after the name is the
largest weighted error, i.e. the relative error of the function caused by the polynomial alone.
Coefficients are then rounded to the target precision; the number printed is measured after that rounding.
"""
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


def split(name, v, rounding, count):
    parts = []
    for _ in range(count):
        parts.append(rounding(v))
        v -= parts[-1]
    print(f"{name}: " + ", ".join(float(p).hex() for p in parts))


exp_q = series(lambda r: (mp.exp(r) - 1 - r) / r**2, lambda r: mp.mpf(1) / 2 + r / 6 + r * r / 24)
expm1_q = series(lambda r: (mp.exp(r) - 1 - r - r * r / 2) / r**3, lambda r: mp.mpf(1) / 6 + r / 24)

def exp_w(r): return r * r / mp.exp(r) + mp.mpf("1e-3")
def expm1_w(r): return r * r + mp.mpf("1e-3")


log_p = series(lambda z: (mp.log((1 + mp.sqrt(z)) / (1 - mp.sqrt(z))) / mp.sqrt(z) - 2) / z,
               lambda z: mp.mpf(2) / 3 + 2 * z / 5 + 2 * z * z / 7)
log_t = series(lambda z: (log_p(z) - mp.mpf(2) / 3) / z, lambda z: mp.mpf(2) / 5 + 2 * z / 7)
log_q = series(lambda f: (mp.log1p(f) - f + f * f / 2) / f**3, lambda f: mp.mpf(1) / 3 - f / 4 + f * f / 5)
sin_s = series(lambda z: (mp.sin(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, lambda z: -mp.mpf(1) / 6 + z / 120)
cos_c = series(lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2, lambda z: mp.mpf(1) / 24 - z / 720)

if __name__ == "__main__":
    for r, names in ((to_double, "double"), (to_float, "float")):
        d = names == "double"
        fit(f"exp {names}", exp_q, exp_w, "-0.3467", "0.3467", 10 if d else 5, r)
        fit(f"expm1 {names}", expm1_q, expm1_w, "-0.3467", "0.3467", 10 if d else 5, r)
        fit(f"sin {names}", sin_s, lambda z: z + mp.mpf("1e-4"), "0", "0.6241", 6 if d else 3, r)
        fit(f"cos {names}", cos_c, lambda z: z * z / mp.cos(mp.sqrt(z)) + mp.mpf("1e-4"), "0", "0.6241",
            6 if d else 3, r)
    fit("log double", log_p, lambda z: z / 2 + mp.mpf("1e-5"), "0", "0.029438", 7, to_double)
    fit("log float", log_q, lambda f: f * f + mp.mpf("1e-3"), "-0.29290", "0.41422", 8, to_float)
    fit("pow log double", log_t, lambda z: z * z / 2 + mp.mpf("1e-8"), "0", "0.029438", 7, to_double)
    fit("pow log float", log_p, lambda z: z / 2 + mp.mpf("1e-5"), "0", "0.029438", 4, to_double)
    fit("pow exp float", exp_q, exp_w, "-0.3467", "0.3467", 6, to_double)
    split("2/3", mp.mpf(2) / 3, to_double, 2)
    print("ln2 in 42 bits and 16 bits, and the rest:")
    for bits in (42, 16):
        head = mp.floor(mp.log(2) * 2**bits) / 2**bits
        print("  ", float(head).hex(), float(mp.log(2) - head).hex())
    split("ln2 double", mp.log(2), to_double, 3)
    split("ln2 float", mp.log(2), to_float, 3)
    split("pi/2 double", mp.pi / 2, to_double, 4)
    mp.mp.dps = 500
    digits = int(mp.floor(2 / mp.pi * 2**1344))
    print("2/pi in 64-bit words:")
    print("  " + ", ".join(f"0x{digits >> (1280 - 64 * i) & (2**64 - 1):016x}" for i in range(21)))
    print("2/pi", float(2 / mp.pi).hex(), "log2(e)", float(1 / mp.log(2)).hex())
