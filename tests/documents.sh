#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What the documents tell to type works, in a copy of the examples:
#   - an indented line `slope …` is run; so is `slope …` in the text, with MODEL, STAGE, DATA and NAME filled in, and with the lesson's
#     model where it names none;
#   - an indented block that is no command is what the command named last before it prints: all of it, or the end of what
#     `./dev run` prints;
#   - a fenced block without a language, or of `slope`, is a model that compiles;
#   - `data …`, `param …` and so on in the text are statements that parse.
# Usage: documents.sh SOURCES FOLDER PROGRAM
set -eu
sources=$1 folder=$2
PATH=$(dirname "$3"):$PATH
export PATH LC_ALL=C

rm -rf "$folder"
mkdir -p "$folder/parts" "$folder/docs" "$folder/build/run"
cp -R "$sources/examples" "$folder/examples"
cp -R "$folder/examples/." "$folder/examples/line/." "$folder"
dev_run=$(sed -n 's|^ *exec build/\(slope train examples.*\)|\1|p' "$sources/dev")
cd "$folder"
slope train line.slope --quiet >/dev/null 2>&1

# One line for each thing to check, in the order of the document; blocks go to files.
parts() {
  awk -v folder="parts/$2" '
    /^```/ { if (fence) { fence = 0; if (model) print "model\t" model; close(model); next }
             fence = 1; model = ""; if ($0 ~ /^```(slope)?$/) model = folder "." NR ".slope"; next }
    fence { if (model) print > model; next }
    /^    *#/ { next }
    /^    slope / { print "run\t" substr($0, 5); next }
    /^    \.\/dev/ { next }
    /^    [^ ]/ || (block && /^    /) { if (!block) { block = folder "." NR ".output"; print "output\t" block }
                                       print substr($0, 5) > block; next }
    { block = ""; text = $0
      while (match(text, /`[^`]+`/)) {
        span = substr(text, RSTART + 1, RLENGTH - 2); text = substr(text, RSTART + RLENGTH)
        if (span ~ /^slope [a-z]/) print "span\t" span
        if (span == "./dev run") print "dev\t" span
        if (span ~ /^(data|param|const|def|metric|report|train|precision|seed) / && span !~ /…|NAME|^data param/) print "statement\t" span
      } }' "$1"
}

bad=0
fault() { echo "$document: $*"; bad=1; }

check() {  # KIND WHAT
  case $1 in
    run) sh -c "$2" >printed 2>&1 || { fault "fails: $2"; cat printed; } ;;
    dev) sh -c "$dev_run" >printed 2>&1 || fault "fails: $dev_run"; ends=1 ;;
    span)
      command=$(echo "$2" | sed 's/MODEL/line.slope/; s/STAGE/graph/; s/DATA\.csv/new.csv/; s/NAME\.slope/named.slope/') ends=0
      sh -c "$command" >printed 2>&1 || sh -c "$command line.slope" >printed 2>&1 || { fault "fails: $command"; cat printed; } ;;
    output)
      if [ "$ends" = 1 ]; then tail -n "$(wc -l <"$2")" printed >end; else cp printed end; fi
      diff "$2" end || fault "this is not what is printed" ;;
    model) cp "$2" model.slope; slope check model.slope >printed 2>&1 || { fault "a model does not compile"; cat printed; } ;;
    statement) slope show ast -e "$2" >printed 2>&1 || { fault "does not parse: $2"; cat printed; } ;;
  esac
}

count=0
for document in README.md docs/language.md docs/architecture.md docs/adding-an-op.md examples/README.md; do
  parts "$sources/$document" "$(echo $document | tr / -)" >list
  ends=0
  while IFS="$(printf '\t')" read -r kind what <&3; do
    check "$kind" "$what"
    count=$((count + 1))
  done 3<list
done
[ "$count" -ge 30 ] || { echo "only $count things to check were found"; bad=1; }
echo "$count checked"
exit $bad
