#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes counts.csv: prey and predators at 41 times, the equations of Lotka and Volterra with the rates below, solved in
20,000 steps of Runge and Kutta's method."""
BIRTH, EATEN, DEATH, GROWTH = 1.1, 0.4, 0.4, 0.1


def slope(s):
    prey, predator = s
    return BIRTH * prey - EATEN * prey * predator, GROWTH * prey * predator - DEATH * predator


def step(s, h):
    def after(k, by): return tuple(a + by * b for a, b in zip(s, k))
    k1 = slope(s)
    k2 = slope(after(k1, h / 2))
    k3 = slope(after(k2, h / 2))
    k4 = slope(after(k3, h))
    return tuple(a + h / 6 * (b + 2 * c + 2 * d + e) for a, b, c, d, e in zip(s, k1, k2, k3, k4))


state = (10.0, 5.0)
print("t,prey,predator")
for i in range(41):
    print(f"{i / 4:.2f},{state[0]:.5f},{state[1]:.5f}")
    for _ in range(500):
        state = step(state, 1 / 2000)
