#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Follows docs/adding-an-op.md in a copy of the sources: the struct of its first C++ block and its name in the list,
# both in graph/ops.h. Then the tests generated from the table must pass with the new op among them, and a model that
# uses it must train. Usage: adding_an_op.sh SOURCES FOLDER [-D… for CMake]
set -eu
sources=$1 folder=$2
shift 2
copy=$folder/source build=$folder/build

rm -rf "$copy"  # what the sources lost must not stay
mkdir -p "$copy"
for part in CMakeLists.txt cmake docs base graph frontend codegen plot runtime driver tests; do
  [ -d "$sources/$part" ] && mkdir -p "$copy/$part" && cp -pR "$sources/$part/." "$copy/$part/"
  [ -f "$sources/$part" ] && cp -p "$sources/$part" "$copy/$part"
done

awk '/^```cpp$/ { inside = 1; next } /^```$/ { if (inside) exit } inside' "$sources/docs/adding-an-op.md" >"$folder/struct"
name=$(sed -n 's/^struct \([A-Z][A-Za-z0-9]*\).*/\1/p' "$folder/struct")
function=$(sed -n 's/.*std::string_view name = "\([a-z0-9_]*\)".*/\1/p' "$folder/struct")
[ -n "$name" ] && [ -n "$function" ] || { echo "docs/adding-an-op.md shows no struct with a name"; exit 1; }
# The struct stands before the list, the name at the list's end.
awk -v struct="$folder/struct" -v name="$name" '
  /^using AllOps =/ { while ((getline line < struct) > 0) print line; inside = 1 }
  inside && />;/ { sub(/>;/, ", " name ">;"); inside = 0 }
  { print }' "$sources/graph/ops.h" >"$folder/ops.h"
cmp -s "$folder/ops.h" "$copy/graph/ops.h" || cp "$folder/ops.h" "$copy/graph/ops.h"

cmake -S "$copy" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS=-O0 -DSLOPE_WERROR=ON "$@" >"$folder/configure.log" 2>&1 ||
  { cat "$folder/configure.log"; exit 1; }
cmake --build "$build" --target slope op_tests >"$folder/build.log" 2>&1 || { tail -40 "$folder/build.log"; exit 1; }

"$build/op_tests" >"$folder/tests.log" 2>&1 || { tail -60 "$folder/tests.log"; exit 1; }
tail -3 "$folder/tests.log"

# softsign(1) = 1/2: the least squares of w·softsign(1) = 1 is w = 2.
printf 'x,y\n1,1\n-1,-1\n' >"$folder/points.csv"
"$build/slope" train -e "param w = 0; loss = mse(w*$function(x), y); train steps=200 rate=1" \
  --data "$folder/points.csv" --json >"$folder/fit.json"
grep -q '"w": *\(2\.0\|1\.99999999\|2\.00000000\)' "$folder/fit.json" || { cat "$folder/fit.json"; exit 1; }
"$build/slope" show llvm -e "predict = $function(w*x); loss = mse(predict, y)" --data "$folder/points.csv" | grep -q 'x double>'
echo "one struct and its name in the list: $function works"
