# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random piecewise linear losses, fitted by Slope and solved by SciPy as linear programmes (HiGHS).

Prints the largest relative difference of the losses; exits with 1 where a fit is not converged, or off by more than
1e-9. Needs numpy and scipy. Run in the root: python3 tests/oracle/bent_random.py build/slope [HOW_MANY] [SEED]
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from scipy.optimize import linprog


def programme(design, values, weights, slopes):
    """min Σ weights·max(slopes[0]·r, slopes[1]·r) of r = values - design·p."""
    m, n = design.shape
    scale = np.abs(design).max(0)
    scale[scale == 0] = 1
    result = linprog(np.r_[np.zeros(n), weights * slopes[0], -weights * slopes[1]],
                     A_eq=np.hstack([design / scale, np.eye(m), -np.eye(m)]), b_eq=values,
                     bounds=[(None, None)] * n + [(0, None)] * (2 * m), method="highs-ds",
                     options=dict(primal_feasibility_tolerance=1e-10, dual_feasibility_tolerance=1e-10))
    if result.status != 0:
        raise RuntimeError(result.message)
    return result.fun


def main(slope, count, seed):
    random, worst, bad = np.random.default_rng(seed), 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for k in range(count):
            m, n = int(random.integers(2, 40)), int(random.integers(1, 4))
            columns = np.round(random.normal(size=(m, n)), 3)
            if k % 4 == 1:
                columns = np.round(columns)  # ties
            if k % 4 == 2:
                columns *= 10.0 ** random.integers(-9, 10, size=n)
            if k % 4 == 3:
                columns[:, 0] = 45000 + np.arange(m)  # dates
            y = np.round(random.standard_t(2, size=m), 3 if k % 4 != 1 else 0)
            weights = np.round(random.uniform(0.1, 2, size=m), 2)
            names = [f"x{i}" for i in range(n)]
            rows = np.c_[columns, y, weights]
            text = ",".join(names + ["y", "w"]) + "\n"
            (folder / "d.csv").write_text(text + "".join(",".join(f"{v:.17g}" for v in row) + "\n" for row in rows))
            q = float(random.choice([0.1, 0.5, 0.75, 0.9]))
            terms = " + ".join(["a"] + [f"b{i}*x{i}" for i in range(n)])
            params = ", ".join(["a = 0"] + [f"b{i} = 0" for i in range(n)])
            loss, slopes, norm = [
                (f"quantile(predict, y, q={q})", (q, q - 1), np.full(m, 1 / m)),
                ("mae(predict, y, weights=w)", (1, -1), weights / weights.sum()),
                (f"sum(w*(if predict > y then 2*(predict - y) else {q}*(y - predict)))", (q, -2), weights),
                ("mean(max(y - predict, 0) + 0.5*max(0, predict - y))", (1, -0.5), np.full(m, 1 / m)),
            ][int(random.integers(4))]
            (folder / "m.slope").write_text(f'data {", ".join(names)}, y, w from "d.csv"\nparam {params}\n'
                                            f"predict = {terms}\nloss = {loss}\n")
            optimizer = ("exact", "newton", "lbfgs")[k % 3]
            done = subprocess.run([slope, "train", "m.slope", "--optimizer", optimizer, "--json", "--quiet",
                                   "--no-save"], cwd=folder, capture_output=True, text=True)
            found = json.loads(done.stdout)
            expected = programme(np.c_[np.ones(m), columns], y, norm, slopes)
            size = max(abs(expected), 1e-3 * float(np.abs(y) @ norm), 1e-9)
            off = found["loss"] - expected
            # The smallest loss that rounding leaves.
            terms = np.abs(np.c_[np.ones(m), columns]) @ np.abs(list(found["parameters"].values())) + np.abs(y)
            off = max(abs(off) - 1e-15 * float(terms @ norm), 0) / size
            worst = max(worst, off)
            if found["status"] != "converged" or off > 1e-9:
                bad += 1
                print(f"{k}: {found['status']} at {found['loss']!r}, the minimum is {expected!r}: {loss}, {m} rows")
    print(f"{count} programmes, {bad} not solved, the largest relative difference {worst:.2g}")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main(str(pathlib.Path(sys.argv[1]).resolve()), int(sys.argv[2]) if len(sys.argv) > 2 else 200,
                  int(sys.argv[3]) if len(sys.argv) > 3 else 1))
