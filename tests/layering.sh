#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Includes go one way: driver → runtime → {frontend, codegen/program.h} → graph → base; codegen → graph;
# runtime → plot → base. Boost.Spirit
# stands in one .cpp and its private header, LLVM in codegen alone, and nothing outside sees codegen's LLVM headers.
cd "$1" || exit 1
faults=0
fault() { echo "$1"; faults=$((faults + 1)); }

allowed() {  # folder: the folders whose headers it may include
  case $1 in
    base) echo base ;;
    graph) echo base graph ;;
    plot) echo base plot ;;
    frontend) echo base graph frontend ;;
    codegen) echo base graph codegen ;;
    runtime) echo base graph frontend codegen plot runtime ;;
    driver) echo base graph frontend codegen plot runtime driver ;;
  esac
}

for folder in base graph frontend codegen plot runtime driver; do
  may=$(allowed $folder)
  for file in $(find $folder -name '*.h' -o -name '*.cpp'); do
    for include in $(sed -n 's/^#include "\([^"]*\)".*/\1/p' "$file"); do
      [ -f "$include" ] || [ -f "$folder/$include" ] || fault "$file: $include is not written from the root"
      case " $may " in *" ${include%%/*} "*) ;; *) fault "$file: may not include $include" ;; esac
    done
  done
done

grep -l 'boost/' -r base graph frontend codegen plot runtime driver | while read -r file; do
  case $file in frontend/grammar.cpp | frontend/grammar_leaves.h) ;; *) echo "$file" ;; esac
done | grep . && fault "only frontend/grammar.cpp and its header may include Boost"
grep -l '#include <Eigen/' -r base graph frontend codegen plot runtime driver | grep -vE '^runtime/(stability.cpp|solvers/)' && fault "only runtime/stability.cpp and runtime/solvers/ may include Eigen"
grep -lE '#include <llvm/' -r base graph frontend plot runtime driver && fault "only codegen may include LLVM"
for header in $(grep -lE '#include <llvm/' codegen/*.h); do
  grep -l "#include \"$header\"" -r base graph frontend plot runtime driver && fault "$header names LLVM types and is private to codegen"
done
grep -LE 'SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception' $(find base graph frontend codegen plot runtime driver tests bench cmake -name '*.h' -o -name '*.cpp' -o -name '*.cmake' -o -name '*.sh' -o -name CMakeLists.txt) | grep . && fault "files without an SPDX line"
# Two types of one name in one namespace are one to the linker, in whichever files they are.
twice=$(for header in $(find base graph frontend codegen plot runtime driver -name '*.h'); do
  awk '/^namespace [a-z:]* *{/ { space = space $2 "::" } /^}.*\/\/ namespace/ { sub(/[a-z:]*::$/, "", space) }
    /^(struct|class) [A-Za-z]+( |:|{)[^;]*$/ { name = $2; sub(/[:{]*$/, "", name); print space name }' "$header"
done | sort | uniq -d)
[ -z "$twice" ] || fault "types of one name: $twice"
[ $faults -eq 0 ] && echo "the layers hold"
exit $((faults > 0))
