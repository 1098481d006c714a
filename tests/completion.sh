#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The completions of `slope completion`: syntax for every shell that is installed, and what bash offers for some
# lines. Usage: completion.sh PROGRAM
slope=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
faults=0
fault() { echo "$1"; faults=$((faults + 1)); }

for shell in bash zsh fish; do
  "$slope" completion $shell >"script.$shell" || fault "slope completion $shell fails"
  if ! command -v $shell >/dev/null; then echo "$shell is not installed: its script is not read"
  else $shell -n "script.$shell" || fault "$shell cannot read its script"
  fi
done
source script.bash
rm script.*
mkdir sub
touch line.slope points.csv 'two words.csv' line.safetensors fit.svg notes.txt

# The line's words as bash splits them (= apart), the last one being under the cursor; then what must be
# offered, in any order.
offers() {
  IFS=' ' read -r -a COMP_WORDS <<<"$1"
  [[ $1 == *' ' ]] && COMP_WORDS+=('')
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  _slope
  local found expected
  found=$(printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' '|')
  shift
  expected=$(printf '%s\n' "$@" | sort | tr '\n' '|')
  [[ $found == "$expected" ]] || fault "\`${COMP_WORDS[*]}\` offers $found instead of $expected"
}
# All that is offered has these and lacks those behind `--`.
includes() {
  IFS=' ' read -r -a COMP_WORDS <<<"$1"
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  _slope
  shift
  local wanted=1 word
  for word; do
    if [[ $word == -- ]]; then wanted=0
    elif [[ " ${COMPREPLY[*]} " == *" $word "* ]]; then ((wanted)) || fault "\`${COMP_WORDS[*]}\` offers $word"
    else ((wanted)) && fault "\`${COMP_WORDS[*]}\` does not offer $word"
    fi
  done
}

offers 'slope tr' train
offers 'slope e' eval explain
offers 'slope --ve' --version
offers 'slope fm' ''  # not there yet
offers 'slope lsp' ''
offers 'slope train ' line.slope sub
offers 'slope train --precision ' f32 f64
offers 'slope train --precision = f3' f32
offers 'slope train --precision =' f32 f64
offers 'slope train --color a' auto always
offers 'slope train --steps ' ''
offers 'slope train --steps 100 line' line.slope
offers 'slope train --data p' points.csv
offers 'slope train --data x = po' points.csv
offers 'slope train --data = t' 'two words.csv'
offers 'slope train --resume ' line.safetensors sub
offers 'slope train --plot ' fit.svg sub
offers 'slope plot line.slope -o ' fit.svg sub
offers 'slope predict -o p' points.csv
offers 'slope show g' graph gradient
offers 'slope show graph ' line.slope sub
offers 'slope show mem' ''  # a stage that is not there yet
offers 'slope show graph -o ' fit.svg line.safetensors line.slope notes.txt points.csv sub 'two words.csv'
offers 'slope completion ' bash fish zsh
offers 'slope help ver' version
offers 'slope new p' points.csv
offers 'slope new points.csv ' line.slope sub
offers 'slope train -- -' ''
includes 'slope train --' --rate --save-every --data --help -- --weights --html --weight_decay
includes 'slope predict --' --weights --keep -- --rate --save

[[ $faults == 0 ]] && echo "the completions hold"
exit $((faults > 0))
