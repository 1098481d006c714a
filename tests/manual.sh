#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The manual page without a warning of the formatters that are installed; it names every command, and no line
# of it is wider than a terminal. Usage: manual.sh PROGRAM
page=$(mktemp --suffix=.1)  # mandoc takes the suffix for the section
trap 'rm -f "$page"' EXIT
"$1" help --man >"$page" || exit 1
faults=0
fault() { echo "$1"; faults=$((faults + 1)); }
used=0

if command -v mandoc >/dev/null; then
  used=1
  mandoc -Tlint -Wwarning "$page" || fault "mandoc warns"
fi
if command -v groff >/dev/null; then
  used=1
  warnings=$(groff -man -Tutf8 -ww -z "$page" 2>&1)
  [ -z "$warnings" ] || fault "groff warns: $warnings"
fi
for command in $("$1" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z]*\) .*/\1/p'); do
  grep -q "^\.SS slope $command" "$page" || fault "the manual lacks $command"
done
[ $faults -eq 0 ] || exit 1
[ $used -eq 1 ] || { echo "neither mandoc nor groff is installed: the page is not formatted"; exit 77; }
echo "the manual holds"
