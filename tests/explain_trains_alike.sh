#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What `slope explain` writes trains as its model does, to the bit: every example and every model of tests/golden/models
# (the files of each test), in both precisions. Results are printed in their shortest exact form, so equal text is equal
# bits; the exit codes must be the same too. examples/fashion is left out: four trainings of it take minutes.
# Usage: explain_trains_alike.sh SLOPE SOURCES FOLDER
set -u
slope=$1 sources=$2 folder=$3
rm -rf "$folder" && mkdir -p "$folder" || exit 1
compared=0 faults=0

# The files that a golden test writes and copies, into the current folder.
unpack() {
  awk '/^--- / { out = ""; if ($2 == "file") { out = $3; printf "" >out } next } out != "" { print >out }' "$1"
  sed -n 's/^--- copy //p' "$1" | while read -r path; do cp "$sources/$path" .; done
}

train() { "$slope" train "$@" --no-save --color never >result.txt 2>/dev/null; echo "exit $?" >>result.txt; }

# Of a model in the current folder.
compare() {
  for precision in f64 f32; do
    "$slope" explain "$1" --precision $precision -o written.slope --quiet 2>explained.txt || {
      # What has errors has nothing to write out.
      train "$1" --precision $precision && grep -q '^exit 0' result.txt && { echo "$PWD/$1: cannot be explained"; cat explained.txt; faults=$((faults + 1)); }
      continue
    }
    train "$1" --precision $precision && mv result.txt of_model.txt
    train written.slope
    compared=$((compared + 1))
    cmp -s of_model.txt result.txt && continue
    faults=$((faults + 1))
    echo "$PWD/$1 in $precision and what explain writes of it differ:"
    diff of_model.txt result.txt
    cat written.slope
  done
}

for example in "$sources"/examples/*/; do
  [ "$(basename "$example")" = fashion ] && continue
  cp -R "$example" "$folder/"
  cd "$folder/$(basename "$example")" || exit 1
  for model in *.slope; do compare "$model"; done
done
for test in "$sources"/tests/golden/models/*.test; do
  mkdir "$folder/$(basename "$test" .test)" && cd "$folder/$(basename "$test" .test)" || exit 1
  unpack "$test"
  for model in *.slope; do [ -f "$model" ] && compare "$model"; done
done
echo "$compared models compared, $faults faults"
[ "$compared" -ge 60 ] && [ "$faults" -eq 0 ]
