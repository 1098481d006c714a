#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Records docs/terminal.svg: real commands, run on a pseudo-terminal, drawn with their colours.

Usage, from anywhere, after a build:  docs/record.py
The progress bar moves where animations run; elsewhere the picture is what stands there at the end.
"""
import codecs, fcntl, html, os, pty, re, select, shutil, struct, subprocess, sys, tempfile, termios
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = [
    "cat decay.slope",
    "slope train decay.slope --steps 20000000",
    "slope plot decay.slope",
    "slope predict decay.slope --weights decay.safetensors --data counts.csv | head -4",
]
COLUMNS, LINES = 84, 24
CELL, LINE, MARGIN = 8.4, 18, 16  # units of the picture, for letters of 14
FRAMES, RUNNING, WHOLE = 12, 5.0, 15.0  # of the bar; seconds of the run, and until it begins again

STYLE = """
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre;fill:#1f2328}
path{fill:none;stroke:#1f2328;stroke-linecap:round;stroke-width:1.2}.dots{stroke-width:2.6}.bold{stroke-width:3.4}
.back{fill:#f6f8fa;stroke:#d1d9e0}
text.c90,text.c2{fill:#6e7781}text.c31{fill:#cf222e}text.c32{fill:#1a7f37}text.c36{fill:#3b76b0}
path.c90,path.c2{stroke:#a5adb6}path.c31{stroke:#cf222e}path.c32{stroke:#1a7f37}path.c36{stroke:#3b76b0}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}path{stroke:#e6edf3}.back{fill:#0d1117;stroke:#30363d}
text.c90,text.c2{fill:#8b949e}text.c31{fill:#ff7b72}text.c32{fill:#3fb950}text.c36{fill:#79b8ff}
path.c90,path.c2{stroke:#6e7681}path.c31{stroke:#ff7b72}path.c32{stroke:#3fb950}path.c36{stroke:#79b8ff}}
.frame{visibility:hidden}
"""

# Lines from the middle of a cell to its edges: left, right, up, down.
BOXES = {"│": "ud", "─": "lr", "└": "ur", "┤": "lud", "┴": "lru", "┄": "..", "━": "LR", "╸": "L"}


class Screen:
    """What the commands print, as lines of (character, colour); no more of a terminal than they use."""

    def __init__(self):
        self.lines, self.column, self.colour, self.rest = [[]], 0, "", ""

    def feed(self, text):
        text, self.rest = re.fullmatch(r"(.*?)(\x1b(?:\[[0-9;]*)?)?", self.rest + text, re.DOTALL).groups(default="")
        for escape, parameter, final, character in re.findall(r"(\x1b\[([0-9;]*)([A-Za-z]))|([^\x1b])", text):
            if final == "m":
                self.colour = "" if parameter in ("", "0") else parameter
            elif final == "K":
                del self.lines[-1][0 if parameter == "2" else self.column :]
            elif escape:
                sys.exit(f"record.py knows no escape sequence {escape!r}")
            elif character == "\r":
                self.column = 0
            elif character == "\n":
                self.lines.append([])
                self.column = 0
            else:
                if self.column == COLUMNS:
                    self.feed("\r\n")
                line = self.lines[-1]
                line.extend([(" ", "")] * (self.column + 1 - len(line)))
                line[self.column] = (character, self.colour)
                self.column += 1


def record(screen, command, folder, environment):
    """Runs it; returns the states of a line that was drawn again and again."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    process = subprocess.Popen(command, shell=True, cwd=folder, env=environment, stdin=follower, stdout=follower,
                               stderr=follower, start_new_session=True,
                               preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(follower)
    bars, decoder = [], codecs.getincrementaldecoder("utf-8")()
    while select.select([leader], [], [], 60)[0]:
        try:
            chunk = os.read(leader, 1 << 16)
        except OSError:  # the other side is closed
            break
        if not chunk:
            break
        screen.feed(decoder.decode(chunk))
        if "steps/s" in "".join(c for c, _ in screen.lines[-1]):
            bars.append(list(screen.lines[-1]))
    if process.wait() != 0:
        sys.exit(f"record.py: this failed: {command}")
    return bars


def runs(cells):
    """Text in one colour without two spaces in a row: (column, text, colour)."""
    for match in re.finditer(r"\S+( \S+)*", "".join(" " if c in BOXES or "⠀" <= c <= "⣿" else c for c, _ in cells)):
        begin = match.start()
        for i in range(match.start() + 1, match.end() + 1):
            if i == match.end() or cells[i][1] != cells[begin][1]:
                text = "".join(c for c, _ in cells[begin:i])
                yield i - len(text.lstrip()), text.strip(), cells[begin][1]
                begin = i


def strokes(cells, y):
    """Braille and lines as paths, so that no font decides where they lie."""
    out = {}
    for column, (character, colour) in enumerate(cells):
        x, middle = MARGIN + column * CELL, y - 5
        if "⠀" <= character <= "⣿":
            dots, path = ord(character) - 0x2800, ""
            for bit, (dx, dy) in enumerate([(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]):
                if dots >> bit & 1:
                    path += f"M{x + CELL * (0.25 + dx / 2):.1f} {middle + LINE * (dy / 4 - 0.375):.1f}h0"
            out.setdefault(("dots", colour), []).append(path)
        for way in BOXES.get(character, ""):
            centre = f"M{x + CELL / 2:.1f} {middle:g}"
            path = {"l": f"h{-CELL / 2}", "r": f"h{CELL / 2}", "u": f"v{-LINE / 2}", "d": f"v{LINE / 2}", ".": "h1.5"}[way.lower()]
            out.setdefault(("bold" if way.isupper() else "", colour), []).append(centre + path)
    return out


def classes(*names):
    return f' class="{" ".join(n for n in names if n)}"' if any(names) else ""


def drawn(cells, y):
    out = []
    for column, text, colour in runs(cells):
        kind = classes("c" + colour if colour else "")
        out.append(f'<text{kind} x="{MARGIN + column * CELL:.1f}" y="{y:g}" textLength="{len(text) * CELL:.1f}" '
                   f'lengthAdjust="spacingAndGlyphs">{html.escape(text, quote=False)}</text>')
    for (weight, colour), paths in strokes(cells, y).items():
        out.append(f'<path{classes(weight, "c" + colour if colour else "")} d="{"".join(paths)}"/>')
    return "\n".join(out)


def picture(lines, bar_line, bars):
    """Lines from bar_line on appear when the run is over; until then the bar is there."""
    height = 2 * MARGIN + LINE * len(lines)
    width = 2 * MARGIN + CELL * COLUMNS
    end = 100 * RUNNING / WHOLE
    rules = [f"@keyframes after{{0%{{visibility:hidden}}{end:.2f}%{{visibility:visible}}}}"]
    groups = []
    y_of = lambda i: MARGIN + LINE * i + 13
    for i, bar in enumerate(bars):
        a, b = end * i / len(bars), end * (i + 1) / len(bars)
        rules.append(f"@keyframes bar{i}{{0%{{visibility:hidden}}{a:.2f}%{{visibility:visible}}{b:.2f}%{{visibility:hidden}}}}"
                     if i else f"@keyframes bar{i}{{0%{{visibility:visible}}{b:.2f}%{{visibility:hidden}}}}")
        rules.append(f"#bar{i}{{animation:bar{i} {WHOLE}s step-end infinite}}")
        groups.append(f'<g id="bar{i}" class="frame">\n{drawn(bar, y_of(bar_line))}\n</g>')
    rules.append(f"#after{{animation:after {WHOLE}s step-end infinite}}")
    still = "@media(prefers-reduced-motion:reduce){g{animation:none!important}}"
    before = "\n".join(drawn(line, y_of(i)) for i, line in enumerate(lines[:bar_line]))
    after = "\n".join(drawn(line, y_of(i)) for i, line in enumerate(lines) if i >= bar_line)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
            f'role="img" aria-labelledby="title">\n<title id="title">A terminal: the model, its training, the plot, predictions'
            f'</title>\n<style>{STYLE}{"".join(rules)}{still}</style>\n'
            f'<rect class="back" x=".5" y=".5" width="{width - 1:g}" height="{height - 1:g}" rx="8"/>\n'
            f'{before}\n' + "\n".join(groups) + f'\n<g id="after">\n{after}\n</g>\n</svg>\n')


def main():
    build = ROOT / "build"
    environment = {"PATH": f"{build}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8", "TERM": "xterm-256color",
                   "HOME": os.environ.get("HOME", "/")}
    screen, bar_line, bars = Screen(), 0, []
    with tempfile.TemporaryDirectory() as folder:
        for file in (ROOT / "examples" / "decay").iterdir():
            if file.suffix in (".slope", ".csv"):
                shutil.copy(file, folder)
        for command in COMMANDS:
            screen.feed("\x1b[32m$\x1b[0m " + command + "\r\n")
            begin = len(screen.lines) - 1
            drawn_again = record(screen, command, folder, environment)
            if drawn_again:
                bar_line, bars = begin, drawn_again[:: max(1, len(drawn_again) // FRAMES)]
            if command != COMMANDS[-1]:
                screen.feed("\r\n")
    while not screen.lines[-1]:
        screen.lines.pop()
    if not bars:
        sys.exit("record.py: the run was too short for a progress bar")
    (ROOT / "docs" / "terminal.svg").write_text(picture(screen.lines, bar_line, bars))


main()
