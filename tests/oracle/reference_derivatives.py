# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes tests/data/reference_derivatives.json: loss, gradient and Hessian of least-squares problems, differentiated by
SymPy and evaluated by mpmath in 60 digits. Beside each number stands the sum of the absolute values of the terms it is the
sum of (over the rows or residuals, and within the Hessian over the two kinds of terms): an evaluation in doubles is
judged relative to that.

Models, starts and certified parameters: NIST StRD (nonlinear regression) and More, Garbow, Hillstrom, ACM TOMS 7 (1981).
Needs sympy, mpmath. Run in the root: python3 tests/oracle/reference_derivatives.py
"""
import csv
import json
import pathlib

import mpmath
import sympy

ROOT = pathlib.Path(__file__).parents[2]
mpmath.mp.dps = 60

NIST = {  # model, parameters, start 1, start 2, certified
    "Misra1a": ("b1*(1 - exp(-b2*x))", [("b1", "500", "250", "2.3894212918E+02"), ("b2", "0.0001", "0.0005", "5.5015643181E-04")]),
    "Chwirut2": ("exp(-b1*x)/(b2 + b3*x)",
                 [("b1", "0.1", "0.15", "1.6657666537E-01"), ("b2", "0.01", "0.008", "5.1653291286E-03"),
                  ("b3", "0.02", "0.010", "1.2150007096E-02")]),
    "ENSO": ("b1 + b2*cos(2*pi*x/12) + b3*sin(2*pi*x/12) + b5*cos(2*pi*x/b4) + b6*sin(2*pi*x/b4) + b8*cos(2*pi*x/b7)"
             " + b9*sin(2*pi*x/b7)",
             [("b1", "11.0", "10.0", "1.0510749193E+01"), ("b2", "3.0", "3.0", "3.0762128085E+00"),
              ("b3", "0.5", "0.5", "5.3280138227E-01"), ("b4", "40.0", "44.0", "4.4311088700E+01"),
              ("b5", "-0.7", "-1.5", "-1.6231428586E+00"), ("b6", "-1.3", "0.5", "5.2554493756E-01"),
              ("b7", "25.0", "26.0", "2.6887614440E+01"), ("b8", "-0.3", "-0.1", "2.1232288488E-01"),
              ("b9", "1.4", "1.5", "1.4966870418E+00")]),
    "MGH09": ("b1*(x^2 + x*b2)/(x^2 + x*b3 + b4)",
              [("b1", "25", "0.25", "1.9280693458E-01"), ("b2", "39", "0.39", "1.9128232873E-01"),
               ("b3", "41.5", "0.415", "1.2305650693E-01"), ("b4", "39", "0.39", "1.3606233068E-01")]),
    "Thurber": ("(b1 + b2*x + b3*x^2 + b4*x^3)/(1 + b5*x + b6*x^2 + b7*x^3)",
                [("b1", "1000", "1300", "1.2881396800E+03"), ("b2", "1000", "1500", "1.4910792535E+03"),
                 ("b3", "400", "500", "5.8323836877E+02"), ("b4", "40", "75", "7.5416644291E+01"),
                 ("b5", "0.7", "1", "9.6629502864E-01"), ("b6", "0.3", "0.4", "3.9797285797E-01"),
                 ("b7", "0.03", "0.05", "4.9727297349E-02")]),
}
MGH = {  # start, residuals
    "rosenbrock": (["-1.2", "1"], ["10*(x2 - x1^2)", "1 - x1"]),
    "freudenstein_roth": (["0.5", "-2"], ["-13 + x1 + ((5 - x2)*x2 - 2)*x2", "-29 + x1 + ((x2 + 1)*x2 - 14)*x2"]),
    "brown_badly_scaled": (["1", "1"], ["x1 - 1000000", "x2 - 0.000002", "x1*x2 - 2"]),
    "beale": (["1", "1"], ["1.5 - x1*(1 - x2)", "2.25 - x1*(1 - x2^2)", "2.625 - x1*(1 - x2^3)"]),
    "helical_valley": (["-1", "0", "0"],
                       ["10*(x3 - 10*atan2(x2, x1)/(2*pi))", "10*(sqrt(x1^2 + x2^2) - 1)", "x3"]),
    "powell_singular": (["3", "-1", "0", "1"],
                        ["x1 + 10*x2", "sqrt(5)*(x3 - x4)", "(x2 - 2*x3)^2", "sqrt(10)*(x1 - x4)^2"]),
    "wood": (["-3", "-1", "-3", "-1"],
             ["10*(x2 - x1^2)", "1 - x1", "sqrt(90)*(x4 - x3^2)", "1 - x3", "sqrt(10)*(x2 + x4 - 2)", "(x2 - x4)/sqrt(10)"]),
    "himmelblau": (["0", "0"], ["x1^2 + x2 - 11", "x1 + x2^2 - 7"]),
}


def formula(text):
    return sympy.sympify(text.replace("^", "**"))


def number(value):
    return mpmath.nstr(value, 20)


class Sums:
    """Loss, gradient and Hessian of a sum of squares, each with the sum of its terms' absolute values."""

    def __init__(self, n):
        self.loss = [mpmath.mpf(0)] * 2
        self.gradient = [[mpmath.mpf(0)] * 2 for _ in range(n)]
        self.hessian = [[[mpmath.mpf(0)] * 2 for _ in range(i + 1)] for i in range(n)]

    @staticmethod
    def add(place, *terms):
        place[0] += sum(terms)
        place[1] += sum(abs(t) for t in terms)

    def residual(self, r, first, second):
        self.add(self.loss, r * r)
        for i, a in enumerate(first):
            self.add(self.gradient[i], 2 * r * a)
            for j in range(i + 1):
                self.add(self.hessian[i][j], 2 * a * first[j], 2 * r * second[i][j])

    def json(self):
        pair = lambda p: [number(p[0]), number(p[1])]
        return {"loss": pair(self.loss), "gradient": [pair(g) for g in self.gradient],
                "hessian": [[pair(h) for h in row] for row in self.hessian]}


def derivatives(residual, symbols, inputs):
    """Functions of the inputs: the residual, its gradient, its Hessian's lower half."""
    first = [sympy.diff(residual, s) for s in symbols]
    second = [[sympy.diff(first[i], symbols[j]) for j in range(i + 1)] for i in range(len(symbols))]
    compiled = sympy.lambdify(inputs, [residual, first, second], modules="mpmath")
    return compiled


def nist(name):
    model, parameters = NIST[name]
    names = [p[0] for p in parameters]
    symbols = sympy.symbols(names)
    x, y = sympy.symbols("x y")
    compiled = derivatives(y - formula(model), symbols, [x, y, *symbols])
    with open(ROOT / f"tests/data/nist/{name}.csv") as file:
        rows = [(mpmath.mpf(row["x"]), mpmath.mpf(row["y"])) for row in csv.DictReader(file)]
    points = []
    for k in (1, 2, 3):
        at = [p[k] for p in parameters]
        sums = Sums(len(names))
        for row in rows:
            sums.residual(*compiled(*row, *[mpmath.mpf(v) for v in at]))
        points.append({"at": at, **sums.json()})
    return {"name": name, "data": f"nist/{name}.csv", "residuals": [f"y - ({model})"], "params": names, "points": points}


def mgh(name):
    start, residuals = MGH[name]
    names = [f"x{i + 1}" for i in range(len(start))]
    symbols = sympy.symbols(names)
    sums = Sums(len(names))
    for residual in residuals:
        sums.residual(*derivatives(formula(residual), symbols, symbols)(*[mpmath.mpf(v) for v in start]))
    return {"name": name, "data": "", "residuals": residuals, "params": names, "points": [{"at": start, **sums.json()}]}


problems = [nist(name) for name in NIST] + [mgh(name) for name in MGH]
path = ROOT / "tests/data/reference_derivatives.json"
path.write_text("[\n" + ",\n".join(json.dumps(p) for p in problems) + "\n]\n")
