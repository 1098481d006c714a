#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes series.csv: 240 series of 24 numbers without noise, each the sum of two sines, and the number that comes next."""
import math
import random

random.seed(7)
print(",".join([f"t{i}" for i in range(24)] + ["next"]))
for _ in range(240):
    waves = [(random.uniform(0.3, 1), random.uniform(low, high), random.uniform(0, 2 * math.pi))
             for low, high in [(0.2, 0.5), (0.8, 1.4)]]
    print(",".join(f"{sum(a * math.sin(w * i + p) for a, w, p in waves):.3f}" for i in range(25)))
