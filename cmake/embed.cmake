# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Writes OUTPUT, a C++ file that holds the text of INPUT as slope::NAME.
file(READ ${INPUT} text)
# A raw string literal may be long, but compilers limit a single one to 64 KB: cut at blank lines.
string(REPLACE "\n\n" "\n\n)slope\" R\"slope(" text "${text}")
file(WRITE ${OUTPUT} "#include <string_view>\nnamespace slope {\nextern const std::string_view ${NAME};\nconst std::string_view ${NAME} = R\"slope(${text})slope\";\n}\n")
