#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes tokens.csv: rows of six tokens, 1 to 5, but for one place, never the last, that has the marker 0. The answer is the
token after the marker."""
import random

random.seed(11)
print("t0,t1,t2,t3,t4,t5,answer")
for _ in range(1000):
    tokens = [random.randint(1, 5) for _ in range(6)]
    marker = random.randrange(5)
    tokens[marker] = 0
    print(",".join(map(str, tokens + [tokens[marker + 1]])))
