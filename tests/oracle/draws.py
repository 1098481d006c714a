# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Numbers of random draws, for tests/unit/draw_nodes.cpp. Philox4x32-10 is written
once more, in Python's whole numbers, after the paper (Salmon et al.,
2011), checked by the three known answers of the authors' library, and what is keyed by what after graph/graph.h.
Run: python3 tests/oracle/draws.py
"""

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


if __name__ == "__main__":
    for case in [(0x0123456789ABCDEF, 0, 0, 0, 0), (0x0123456789ABCDEF, 1, 0, 0, 0), (0x0123456789ABCDEF, 0, 1, 1, 2),
                 (0xFEDCBA9876543210, 1, 2 ** 64 - 1, 2 ** 33 + 5, 2 ** 40 + 3), (7, 0, 12345, 999999, 4095)]:
        wide, narrow = draw(*case)
        key, word, seed, step, place = case
        print(f"  known(0x{key:016x}, {word}, {seed}u, {step}u, {place}, {wide.hex()}, {narrow.hex()}f);")
