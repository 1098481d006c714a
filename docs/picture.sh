#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Draws docs/line.svg from what `slope train examples/line/line.slope` finds: the points and the line after 0, 10, 30
# and 200 steps. Needs build/slope; run from the root.
set -eu
slope=${1:-build/slope}
# The parameters after so many steps of the first train statement.
at() { sed '/rate=0.01/d' examples/line/line.slope | "$slope" train - --data examples/line/points.csv --json --steps "$1" | sed -n 's/^    "[wb]": \(.*[0-9]\),\{0,1\}$/\1/p' | tr '\n' ' '; }
fits="0 -1 $(at 10) $(at 30) $(at 200)"
awk -F, -v fits="$fits" '
function px(x) { return 50 + (x + 2.2) / 4.4 * 590 }
function py(y) { return 20 + (4.5 - y) / 9 * 340 }
BEGIN {
  print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 700 400\" font-family=\"system-ui, sans-serif\" font-size=\"13\">"
  print "<style>text{fill:#333}.axis{stroke:#999}.p{fill:#5b7083;fill-opacity:.55}.l{stroke:#d33;fill:none}@media(prefers-color-scheme:dark){text{fill:#ddd}.axis{stroke:#777}.p{fill:#9fb6cb}.l{stroke:#f66}}</style>"
  print "<title>A line fitted to points by gradient descent</title>"
  for (x = -2; x <= 2; x++) printf "<line class=\"axis\" x1=\"%.1f\" y1=\"360\" x2=\"%.1f\" y2=\"366\"/><text x=\"%.1f\" y=\"382\" text-anchor=\"middle\">%d</text>\n", px(x), px(x), px(x), x
  for (y = -4; y <= 4; y += 2) printf "<line class=\"axis\" x1=\"44\" y1=\"%.1f\" x2=\"50\" y2=\"%.1f\"/><text x=\"38\" y=\"%.1f\" text-anchor=\"end\">%d</text>\n", py(y), py(y), py(y) + 4, y
  print "<path class=\"axis\" fill=\"none\" d=\"M50 20V360H670\"/>"
}
NR > 1 { printf "<circle class=\"p\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>\n", px($1), py($2) }
END {
  n = split(fits, f, " ")
  split("0 10 30 200", steps, " ")
  for (i = 1; i < n; i += 2) {
    k = (i + 1) / 2
    printf "<line class=\"l\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke-width=\"%s\" stroke-opacity=\"%s\"/>\n", px(-2), py(f[i + 1] - 2 * f[i]), px(2), py(f[i + 1] + 2 * f[i]), k == 4 ? 2.5 : 1.5, 0.35 + 0.16 * k
    printf "<text x=\"%.1f\" y=\"%.1f\">%s</text>\n", px(2) + 5, py(f[i + 1] + 2 * f[i]) + (k == 4 ? -4 : k == 3 ? 11 : k == 2 ? 14 : 4), k == 1 ? "start" : steps[k] " steps"
  }
  print "</svg>"
}' examples/line/points.csv >docs/line.svg
