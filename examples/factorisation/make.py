#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes ratings.csv: 60 people rate 40 films, 16 films each. What they like follows from two hidden tastes, with a noise of 0.2."""
import random

random.seed(5)
people = [[random.gauss(0, 1), random.gauss(0, 1), random.gauss(0, 0.4)] for _ in range(60)]
films = [[random.gauss(0, 0.7), random.gauss(0, 0.7), random.gauss(0, 0.4)] for _ in range(40)]
print("person,film,rating")
for i, (a, b, mood) in enumerate(people):
    for j in sorted(random.sample(range(40), 16)):
        c, d, fame = films[j]
        print(f"{i},{j},{3 + mood + fame + a * c + b * d + random.gauss(0, 0.2):.1f}")
