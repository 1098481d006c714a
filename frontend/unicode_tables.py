#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the letters of names, from the Unicode data that Python carries:

    frontend/unicode_tables.py > frontend/unicode_tables.inc
"""
import sys
import textwrap
import unicodedata

EVERY = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def ranges(points):
    out = []
    for c in sorted(points):
        if out and c == out[-1][1] + 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def table(name, points):
    rows = ", ".join(f"{{0x{a:X},\u00a00x{b:X}}}" for a, b in ranges(points))
    body = "\n".join(textwrap.wrap(rows, 106, initial_indent="    ", subsequent_indent="    "))
    return f"constexpr Range {name}[] = {{\n{body}}};\n".replace("\u00a0", " ")


def not_composed():
    """What NFC changes (quick check No), and what it may join to the character before (Maybe)."""
    no, maybe = set(), set()
    for c in EVERY:
        if unicodedata.normalize("NFC", chr(c)) != chr(c):
            no.add(c)
        parts = unicodedata.decomposition(chr(c)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            pair = "".join(chr(int(p, 16)) for p in parts)
            if unicodedata.normalize("NFC", pair) == chr(c):
                maybe.add(int(parts[1], 16))
    maybe.update(range(0x1161, 0x1176), range(0x11A8, 0x11C3))  # Hangul vowels and finals
    return no | maybe


start = {c for c in EVERY if chr(c).isidentifier()}
more = {c for c in EVERY if ("a" + chr(c)).isidentifier()} - start
sys.stdout.write(f"""\
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Made by frontend/unicode_tables.py from Unicode {unicodedata.unidata_version}; do not edit. Sorted, without overlaps.
// clang-format off
// XID_Start and "_"
{table("letters", start)}
// XID_Continue without XID_Start
{table("later_letters", more)}
// NFC_Quick_Check is No or Maybe, among the characters of names
{table("uncomposed", not_composed() & (start | more))}""")
