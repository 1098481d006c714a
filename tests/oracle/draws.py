# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Numbers of random draws. Philox4x32-10 is written once more, in Python's whole numbers, after the paper (Salmon et
al., 2011), checked by the three known answers of the authors' library; what is keyed by what is after graph/graph.h.
Run in the root, `python3 tests/oracle/draws.py` prints the cases of tests/unit/draw_nodes.cpp and writes
tests/golden/features/draws.test.
"""
import math
import pathlib

W = 2 ** 32


def philox(counter, key):
    c, k = list(counter), list(key)
    for round in range(10):
        if round:
            k = [(k[0] + 0x9E3779B9) % W, (k[1] + 0xBB67AE85) % W]
        left, right = divmod(0xD2511F53 * c[0], W), divmod(0xCD9E8D57 * c[2], W)
        c = [right[0] ^ c[1] ^ k[0], right[1], left[0] ^ c[3] ^ k[1], left[1]]
    return c


assert philox([0] * 4, [0] * 2) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
assert philox([W - 1] * 4, [W - 1] * 2) == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]
assert philox([0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344], [0xA4093822, 0x299F31D0]) == \
    [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]


def words(n): return [n % W, n // W % W]


def draw(key, word, seed, step, place):
    block = philox(words(place) + words(step), words((key + seed * 0x9E3779B97F4A7C15) % 2 ** 64))
    bits = block[2 * word] + W * block[2 * word + 1]
    return (bits >> 11) / 2 ** 53, (bits >> 40) / 2 ** 24


def name_key(text):
    """base/hash.h of a text."""
    M = 2 ** 64
    h = 0x243F6A8885A308D3
    data = text.encode()
    for word in [int.from_bytes(data[i:i + 8], "little") for i in range(0, len(data), 8)] + [len(data)]:
        h = (h ^ word) * 0x9E3779B97F4A7C15 % M
        h = ((h << 29 | h >> 35) % M + 0xD6E8FEB86659FD93) % M
    h = (h ^ h >> 33) * 0xFF51AFD7ED558CCD % M
    h = (h ^ h >> 33) * 0xC4CEB9FE1A85EC53 % M
    return h ^ h >> 33


def uniform(name, seed, step, place, word=0): return draw(name_key(name), word, seed, step, place)[0]


def normal(name, seed, step, place):
    u, v = (uniform(name, seed, step, place, word) for word in (0, 1))
    return math.sqrt(-2 * math.log(1 - u)) * math.cos(2 * math.pi * v)


def golden():
    """The loss is a sum of squared distances from draws: a step of the rate 1/2 goes to their means."""
    rows, seed, step = 37, 7, 2  # the second step forgets the first
    mean = lambda of: sum(of(i) for i in range(rows)) / rows
    expected = {"a": mean(lambda i: -1 + 3 * uniform("u", seed, step, i)), "b": mean(lambda i: 2 + 0.5 * normal("z", seed, step, i)),
                "c": mean(lambda i: float(uniform("k", seed, step, i) < 0.3)), "d": uniform("once", seed, step, 0),
                "f": mean(lambda i: uniform("noisy.u", seed, step, i)), "g": mean(lambda i: uniform("noisy.u_2", seed, step, i))}
    for e in range(2): expected[f"e/{e}"] = mean(lambda i: uniform("wide", seed, step, 2 * i + e))
    text = f"""Draws are functions of the seed, the name, the step, the row and the element.
Expected numbers: tests/oracle/draws.py, which writes this file.
--- file m.slope
seed {seed}
data x from "p.csv"
param a = 0, b = 0, c = 0, d = 0, e = [0, 0], f = 0, g = 0
u ~ uniform(-1, 2, like=x)
z ~ normal(2 + 0*x, 0.5)
k ~ bernoulli(0.3, like=x)
once ~ uniform(0, 1)
wide ~ uniform(0, 1, like=stack(x, x))
def noisy(t) {{
  u ~ uniform(0, 1, like=t)
  u
}}
loss = mean((a - u)^2) + mean((b - z)^2) + mean((c - k)^2) + (d - once)^2 + mean(sum((e - wide)^2, axis=-1)) +
  mean((f - noisy(x))^2) + mean((g - noisy(x))^2)
train steps={step} rate=0.5
--- file p.csv
x
""" + "".join(f"{i}\n" for i in range(rows)) + "--- run slope train m.slope --json --no-save\n--- json\n"
    text += "".join(f"parameters/{name} {value!r} 1e-13\n" for name, value in expected.items())
    (pathlib.Path(__file__).parents[1] / "golden" / "features" / "draws.test").write_text(text)


if __name__ == "__main__":
    golden()
    for case in [(0x0123456789ABCDEF, 0, 0, 0, 0), (0x0123456789ABCDEF, 1, 0, 0, 0), (0x0123456789ABCDEF, 0, 1, 1, 2),
                 (0xFEDCBA9876543210, 1, 2 ** 64 - 1, 2 ** 33 + 5, 2 ** 40 + 3), (7, 0, 12345, 999999, 4095)]:
        wide, narrow = draw(*case)
        key, word, seed, step, place = case
        print(f"  known(0x{key:016x}, {word}, {seed}u, {step}u, {place}, {wide.hex()}, {narrow.hex()}f);")
