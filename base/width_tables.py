#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes which characters take two columns or none on a terminal, from the Unicode data that Python carries:

    base/width_tables.py > base/width_tables.inc
"""
import sys
import textwrap
import unicodedata

ASSIGNED = [c for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs")]


def table(name, wanted):
    """Ranges of characters; what is not assigned between two of them belongs to both."""
    ranges, joins = [], False
    for c in ASSIGNED:
        here = wanted(c)
        if here and joins:
            ranges[-1][1] = c
        elif here:
            ranges.append([c, c])
        joins = here
    rows = ", ".join(f"{{0x{a:X},\u00a00x{b:X}}}" for a, b in ranges)
    body = "\n".join(textwrap.wrap(rows, 106, initial_indent="    ", subsequent_indent="    "))
    return f"constexpr Range {name}[] = {{\n{body}}};\n".replace("\u00a0", " ")


def wide(c):
    return unicodedata.east_asian_width(chr(c)) in ("W", "F") and not none(c)


def none(c):
    """Marks, format characters but the soft hyphen, and Hangul vowels and finals, which join the syllable."""
    return unicodedata.category(chr(c)) in ("Mn", "Me", "Cf") and c != 0xAD or 0x1160 <= c <= 0x11FF


sys.stdout.write(f"""\
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Made by base/width_tables.py from Unicode {unicodedata.unidata_version}; do not edit. Sorted, without overlaps.
// clang-format off
// East_Asian_Width is Wide or Fullwidth
{table("wide", wide)}
// General_Category is Mn, Me or Cf (but U+00AD), or a Hangul vowel or final
{table("no_width", none)}""")
