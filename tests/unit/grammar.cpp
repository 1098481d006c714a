// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <catch2/catch.hpp>

#include <chrono>

#include "frontend/ast.h"

namespace slope {
namespace {

using ast::Kind;

struct Parsed {
  explicit Parsed(std::string text) : source("m.slope", std::move(text)), tree(parse(source, diagnostics)) {}
  Source source;
  Diagnostics diagnostics;
  ast::Ast tree;
};

// (kind:text child…); names and numbers as they are, operators as heads.
std::string shown(const ast::Ast& tree, ast::NodeId id) {
  const ast::Node& node = tree[id];
  if (node.kind == Kind::name || node.kind == Kind::number || node.kind == Kind::truth) return node.text;
  if (node.kind == Kind::string) return '"' + node.text + '"';
  if (node.kind == Kind::nothing) return "_";
  if (node.kind == Kind::ellipsis) return "...";
  bool sign = node.kind == Kind::unary || node.kind == Kind::binary;
  std::string out = "(" + (sign ? node.text : std::string(to_string(node.kind)));
  if (!sign && !node.text.empty()) out += ":" + node.text;
  for (ast::NodeId child : tree.children(id)) out += " " + shown(tree, child);
  return out + ")";
}

std::string shown(const std::string& text) {
  Parsed p(text);
  std::string out;
  for (const Diagnostic& d : p.diagnostics.all()) out += "! " + d.message + " ";
  for (ast::NodeId child : p.tree.children(p.tree.root()))
    out += (out.empty() ? "" : " ") + shown(p.tree, child);
  return out;
}

std::string expression(const std::string& text) {
  std::string out = shown("v = " + text), head = "(define:v (start ", tail = "))";
  if (!out.starts_with(head)) return out;
  return out.substr(head.size(), out.size() - head.size() - tail.size());
}

// "line:column code message | help", one line a diagnostic.
std::string errors(const std::string& text) {
  Parsed p(text);
  std::string out;
  for (const Diagnostic& d : p.diagnostics.all()) {
    Position at = p.source.position(d.span.value_or(Span()).begin);
    out += std::to_string(at.line) + ":" + std::to_string(at.column) + " " + std::string(entry(d.code).name) +
           " ";
    out += d.message;
    for (const std::string& note : d.notes) out += " | " + note;
    for (const std::string& help : d.helps) out += " | " + help;
    out += "\n";
  }
  return out;
}

std::string repeated(const std::string& text, int count) {
  std::string out;
  out.reserve(text.size() * static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

TEST_CASE("grammar: precedence") {
  CHECK(expression("a + b*c - d") == "(- (+ a (* b c)) d)");
  CHECK(expression("a - b - c") == "(- (- a b) c)");
  CHECK(expression("a / b @ c") == "(@ (/ a b) c)");
  CHECK(expression("-x^2") == "(- (^ x 2))");
  CHECK(expression("2^-1") == "(^ 2 (- 1))");
  CHECK(expression("a^b^c") == "(^ a (^ b c))");
  CHECK(expression("a*-b") == "(* a (- b))");
  CHECK(expression("- -a") == "(- (- a))");
  CHECK(expression("not a == b") == "(not (== a b))");
  CHECK(expression("not not a and b or c") == "(or (and (not (not a)) b) c)");
  CHECK(expression("a + 1 <= b*2") == "(<= (+ a 1) (* b 2))");
  CHECK(expression("(a + b)*c") == "(* (+ a b) c)");
  CHECK(expression("if a then b else c + 1") == "(conditional a b (+ c 1))");
  CHECK(expression("if a then b else if c then d else e") == "(conditional a b (conditional c d e))");
  CHECK(expression("(if a then b else c) + 1") == "(+ (conditional a b c) 1)");
  CHECK(expression("-f(x)[0].T^2") == "(- (^ (member:T (index (call f x) 0)) 2))");
  for (std::string op : {"<", "<=", ">", ">=", "==", "!="})
    CHECK(expression("a" + op + "b") == "(" + op + " a b)");
  CHECK(expression("a<-b") == "(< a (- b))");
}

TEST_CASE("grammar: primaries, calls and indices") {
  CHECK(expression("true") == "true");
  CHECK(expression("[]") == "(list)");
  CHECK(expression("[a, [b],]") == "(list a (list b))");
  CHECK(expression("((a))") == "a");
  CHECK(expression("f()") == "(call f)");
  CHECK(expression("f(a, axis=(0, 1), k=(2,),)") ==
        "(call f a (argument:axis (tuple 0 1)) (argument:k (tuple 2)))");
  CHECK(expression("f((a))") == "(call f a)");
  CHECK(expression("f(a == b)") == "(call f (== a b))");
  CHECK(expression("f(\"a\\\"\\\\\\n\\t\")") == "(call f \"a\"\\\n\t\")");
  CHECK(expression("u.dense_1.W.T") == "(member:T (member:W (member:dense_1 u)))");
  CHECK(expression("u.state") == "(member:state u)");
  CHECK(expression("x[i, 2:5, -1]") == "(index x i (slice 2 5 _) (- 1))");
  CHECK(expression("x[:, ::2, a:, :b, a:b:c, a::c, ...,]") ==
        "(index x (slice _ _ _) (slice _ _ 2) (slice a _ _) (slice _ b _) (slice a b c) (slice a _ c) ...)");
  CHECK(expression("scan z in x, h = zeros(3) { h := f(z, h); h }") ==
        "(scan (over:z x) (carry:h (call zeros 3)) (block (define:h (next (call f z h))) h))");
}

TEST_CASE("grammar: statements") {
  CHECK(shown("") == "");
  CHECK(shown("\xEF\xBB\xBF# a comment\n\n ; ;\n") == "");
  CHECK(shown("data x, y") == "(data (column:x) (column:y))");
  CHECK(shown("data x[2, n] \"X\" : class(3), y : index, z : class from \"a.csv\"") ==
        "(data (column:x (shape 2 n) \"X\" (class_type 3)) (column:y (index_type)) (column:z (class_type)) "
        "(from:a.csv))");
  CHECK(
      shown("data x columns a..\"b c\" standardized missing=drop sep=\";\"") ==
      "(data (column:x) (columns_range a \"b c\") (standardized) (option:missing drop) (option:sep \";\"))");
  CHECK(shown("data x columns a, b, c from \"f\"") == "(data (column:x) (columns a b c) (from:f))");
  CHECK(shown("param a[2] in (0, inf) = 1, b ~ normal(0, 1)") ==
        "(params (param:a (shape 2) (bounds 0 inf) (start 1)) (param:b (draw (call normal 0 1))))");
  CHECK(shown("const a = 1, b = [2]") == "(consts (constant:a 1) (constant:b (list 2)))");
  CHECK(shown("state m[3] = 0") == "(state:m (shape 3) (start 0))");
  CHECK(shown("def f() = 1") == "(def:f (start 1))");
  CHECK(shown("def f(a, b=2,) = a") == "(def:f (formal:a) (formal:b 2) (start a))");
  CHECK(shown("def f(a)\n{\n\n param w = 0; const k = 2\n state s = 0\n def g(x) = x\n u ~ normal(0, 1)\n s "
              ":= u\n w\n}") ==
        "(def:f (formal:a) (block (params (param:w (start 0))) (consts (constant:k 2)) (state:s (start 0)) "
        "(def:g (formal:x) (start x)) (define:u (draw (call normal 0 1))) (define:s (next u)) w))");
  CHECK(shown("a = 1; b := 2; c ~ d") == "(define:a (start 1)) (define:b (next 2)) (define:c (draw d))");
  CHECK(shown("metric accuracy\nmetric r = f(x)\nreport a\nreport b = 2") ==
        "(metric:accuracy) (metric:r (call f x)) (report:a) (report:b 2)");
  CHECK(shown("train\ntrain steps=200 rate=0.05\ntrain seed=1, report=2,\n  steps=3") ==
        "(train) (train (option:steps 200) (option:rate 0.05)) (train (option:seed 1) (option:report 2) "
        "(option:steps 3))");
  CHECK(shown("precision f32; seed 7; use \"a b.slope\"") == "(precision:f32) (seed 7) (use:a b.slope)");
  CHECK(shown("from = columns + standardized + in + class + index") ==
        "(define:from (start (+ (+ (+ (+ columns standardized) in) class) index)))");
}

TEST_CASE("grammar: newlines") {
  CHECK(expression("f(a\n,\n b\n)") == "(call f a b)");
  CHECK(expression("[\na\n,\nb ]") == "(list a b)");
  CHECK(expression("a +\n# comment\n\n b") == "(+ a b)");
  CHECK(expression("if a\nthen b\nelse c") == "(conditional a b c)");
  CHECK(expression("if\na then\nb else\nc") == "(conditional a b c)");
  CHECK(expression("not\na or\nb") == "(or (not a) b)");
  CHECK(expression("\n a") == "a");
  CHECK(shown("a :=\n 1\nb ~\n c\nconst d = 1,\n e = 2") ==
        "(define:a (next 1)) (define:b (draw c)) (consts (constant:d 1) (constant:e 2))");
  CHECK(expression("f(scan z in x {\n a = 1\n a })") ==
        "(call f (scan (over:z x) (block (define:a (start 1)) a)))");
  CHECK(shown("a = 1\r\nb = 2\rc = 3") == "(define:a (start 1)) (define:b (start 2)) (define:c (start 3))");
  CHECK(shown("a = f\n(x) = 3").starts_with("! "));  // a newline ends the statement before `(`
}

TEST_CASE("grammar: spans") {
  Parsed p("a = 1\nloss  = (w + b)*x # comment\n");
  auto text = [&](Span span) { return std::string(p.source.text(span)); };
  ast::NodeId define = p.tree.child(p.tree.root(), 1), start = p.tree.child(define, 0);
  ast::NodeId product = p.tree.child(start, 0), sum = p.tree.child(product, 0);
  CHECK(text(p.tree[define].span) == "loss  = (w + b)*x");
  CHECK(text(p.tree[define].name) == "loss");
  CHECK(text(p.tree[start].span) == "= (w + b)*x");
  CHECK(text(p.tree[product].span) == "(w + b)*x");
  CHECK(text(p.tree[product].name) == "*");
  CHECK(text(p.tree[sum].span) == "w + b");
  CHECK(text(p.tree[sum].name) == "+");
  CHECK(p.tree.find(define, Kind::start) == start);
  CHECK_FALSE(p.tree.find(define, Kind::draw).valid());
  Parsed prelude("f = 1");
  CHECK(parse(prelude.source, prelude.diagnostics, prelude_file)[ast::NodeId(0)].span.file == prelude_file);
}

TEST_CASE("grammar: numbers") {
  auto number = [](const std::string& text) {
    Parsed p("v = " + text);
    CHECK_FALSE(p.diagnostics.has_errors());
    return p.tree[ast::NodeId(0)];
  };
  CHECK(number("2").number == 2);
  CHECK(number(".5").number == 0.5);
  CHECK(number("5.").number == 5);
  CHECK(number("5.e1").number == 50);
  CHECK(number("1e-3").number == 1e-3);
  CHECK(number("1E+3").number == 1e3);
  CHECK(number("1_000_000.5_5").text == "1000000.55");
  CHECK(number("00.5").number == 0.5);
  CHECK(number("0.1").number == 0.1);
  CHECK(number("9007199254740993").number == 9007199254740992.0);
  CHECK(number("0e999999999999999999999").number == 0);
  CHECK(number("5e-324").number == 5e-324);
  CHECK(errors("a = 1e999") == "1:5 number_too_large `1e999` is too large for any float\n");
  CHECK(errors("a = 1" + repeated("0", 400)).find("number_too_large") != std::string::npos);
  CHECK(errors("a = 0." + repeated("0", 400) + "1").find("number_underflow") != std::string::npos);
  CHECK(errors("a = 1e-999") == "1:5 number_underflow `1e-999` is so small that it becomes 0\n");
  CHECK_FALSE(Parsed("a = 1e-999").diagnostics.has_errors());
  CHECK(errors("a = 2x") == "1:5 bad_number `2x` is not a number | a product is written `2*x`\n");
  CHECK(errors("a = 1.2.3") == "1:5 bad_number `1.2.3` is not a number | a number has one decimal point\n");
  for (std::string bad : {"1e", "1e+", "0x10", "1__0", "1_", "1e5.3", ".5.5", "2θ"})
    CHECK(errors("a = b + " + bad + "\nc = 1").starts_with("1:9 bad_number `" + bad + "`"));
}

TEST_CASE("grammar: names and characters") {
  CHECK(shown("θ_1 = λ + β₀") != "");
  CHECK(shown("日本 = Ω") == "(define:日本 (start Ω))");
  CHECK(shown("a = b # ≤ “…”\nmetric é") == "(define:a (start b)) (metric:é)");
  CHECK(errors("e\xCC\x81 = 1").starts_with("1:1 bad_character the name"));
  CHECK(errors("a = b − c")
            .starts_with("1:7 bad_character the language has no character U+2212 `−` | write `-`"));
  CHECK(errors("a = f(“x”)").starts_with("1:7 bad_character the language has no character U+201C"));
  CHECK(errors("a =\xC2\xA0 b").starts_with("1:4 bad_character the language has no character U+00A0"));
  CHECK(errors("a = b × c\nd = e ÷ f\ng = x²").find("write `^2`") != std::string::npos);
  CHECK(errors("a = （b").find("write `(`") != std::string::npos);
  CHECK(errors("a = b $ c") == "1:7 bad_character the language has no character U+0024 `$`\n");
  CHECK(errors("a = 1\n# \xE9\nb = \xFF") ==
        "2:3 bad_character not UTF-8: the byte 0xE9 at offset 8\n"
        "3:5 bad_character not UTF-8: the byte 0xFF at offset 14\n");
  CHECK(errors(std::string("a = \0b", 6)) ==
        "1:5 bad_character a byte 0: this is no text | is it the right file? models are texts in UTF-8\n");
  CHECK(errors("a = f(\"\x1b\")") == "1:8 bad_character the language has no character U+001B\n");
  CHECK(Parsed(repeated("\xFF\n", 500)).diagnostics.errors() == 20);
}

TEST_CASE("grammar: what was expected") {
  CHECK(errors("a = 1\nb = 2\nc = 3\npredict = w*") == "4:12 expected expected an expression after `*`\n");
  CHECK(errors("predict = w*\ntrain steps=2") == "1:12 expected expected an expression after `*`\n");
  CHECK(errors("predict = w*\n\nb = 2") == "1:12 expected expected an expression after `*`\n");
  CHECK(errors("a = b +* c") == "1:8 expected expected an expression after `+`, found `*`\n");
  CHECK(errors("a = f(b c)") ==
        "1:9 expected expected an operator, `,` or `)` after `b`, found `c` | the `(` was opened at 1:6\n");
  CHECK(errors("a = f(,)").starts_with("1:7 expected expected an expression after `(`, found `,`"));
  CHECK(errors("data x[]") == "1:8 expected expected an expression after `[`, found `]`\n");
  CHECK(errors("a = x[]") == "1:7 expected expected an index after `[`, found `]`\n");
  CHECK(errors("a = ()") == "1:6 expected expected an expression after `(`, found `)`\n");
  CHECK(errors("a = if b then c") == "1:16 expected expected `else` after `c`, found the end of the text\n");
  CHECK(errors("a = 2 x").find("a product is written `2*x`") != std::string::npos);
  CHECK(errors("param a = 0 b = 1").find("a product") == std::string::npos);
  CHECK(errors("param w") ==
        "1:8 expected expected `=` or `~` after `w`, found the end of the text | every parameter has its "
        "start: `param w = 0`\n");
  CHECK(errors("data x form \"f\"").starts_with("1:8 expected expected `,`, `from`, `columns`"));
  CHECK(errors("train steps").starts_with("1:7 expected expected an operator, an option (`NAME =`)"));
  CHECK(errors("use x") == "1:5 expected expected a text in double quotes after `use`, found `x`\n");
  CHECK(errors("seed x") == "1:6 expected expected a number after `seed`, found `x`\n");
  CHECK(errors("a = x.3") == "1:7 expected expected a name after `.`, found `3`\n");
  CHECK(errors("param data = 0") ==
        "1:7 expected `data` is a reserved word and cannot be a name | call it `data_`\n");
  CHECK(errors("if = 0").starts_with("1:1 expected `if` is a reserved word"));
  CHECK(errors("train = 0").starts_with("1:1 expected `train` is a reserved word"));
  CHECK(errors("def f(then) = 0").starts_with("1:7 expected `then` is a reserved word"));
}

TEST_CASE("grammar: brackets and texts") {
  CHECK(errors("a = (b\nc = 1").starts_with("1:5 unclosed this `(` is never closed"));
  CHECK(errors("a = f(b,\n  c\ntrain steps=1") ==
        "1:6 unclosed this `(` is never closed | what stands at 3:1 cannot be inside it\n");
  CHECK(errors("a = [1, (2]").starts_with("1:9 unclosed this `(`"));
  CHECK(errors("def f(x) {\n  x\ntrain")
            .starts_with("1:10 unclosed this `{` is never closed | what stands at 3:1"));
  CHECK(errors("def f(x) {\n a = scan z in x {\n z").starts_with("2:18 unclosed"));
  CHECK(Parsed("def f(x) {\n a = scan z in x {\n z").diagnostics.errors() == 1);
  CHECK(errors("a = b)") == "1:6 unmatched unmatched `)`: no bracket is open here\n");
  CHECK(errors("a = 1\n}\nb = ]").starts_with("2:1 unmatched unmatched `}`"));
  CHECK(errors("data x from \"abc\nparam w = 0").starts_with("1:13 unclosed this text is never closed"));
  CHECK(errors("a = f(\"\\q\")").starts_with("1:8 bad_character unknown `\\q`"));
}

TEST_CASE("grammar: operators of other languages") {
  auto foreign = [](const std::string& text) {
    std::string out = errors(text);
    CHECK(out.find("foreign_operator") != std::string::npos);
    CHECK(std::count(out.begin(), out.end(), '\n') == 1);
    return out.substr(out.rfind("| ") + 2);
  };
  CHECK(foreign("a = b && c") == "write `and`\n");
  CHECK(foreign("a = b || c") == "write `or`\n");
  CHECK(foreign("a = !b") == "write `not`\n");
  CHECK(foreign("a = b**2") == "write `^` for powers\n");
  CHECK(foreign("a = +b") == "leave the `+` out\n");
  CHECK(foreign("a = b if c else d") == "write `if c then a else b`\n");
  CHECK(foreign("a = (b if c else d)") == "write `if c then a else b`\n");
  CHECK(foreign("a = b => c") == "write `>=`\n");
  CHECK(foreign("a = b =< c") == "write `<=`\n");
  CHECK(foreign("a == 1") == "a definition is written with `=`\n");
  CHECK(foreign("param a == 1") == "a definition is written with `=`\n");
  CHECK(foreign("a <- 1") == "a definition is written with `=`\n");
  CHECK(foreign("a += 1") == "a state is updated by `x := x + …`\n");
  CHECK(foreign("a = if b = c then d else e") == "write `==` to compare\n");
  CHECK(foreign("a = b // c") == "write `floor(a/b)`\n");
  CHECK(foreign("a = b % c") == "write `mod(a, b)`\n");
  CHECK(foreign("a = b < c < d") == "write `a < b and b < c` for `a < b < c`\n");
  CHECK(errors("a = b == c != d").starts_with("1:12 foreign_operator comparisons do not chain"));
}

TEST_CASE("grammar: lines that begin with no statement") {
  CHECK(errors("trian steps=2") == "1:1 not_a_statement `trian` is no statement | did you mean `train`?\n");
  CHECK(errors("def f(x) {\n  parm w = 0\n  w*x\n}") ==
        "2:3 not_a_statement `parm` is no statement | did you mean `param`?\n");
  CHECK(errors("mse(a, b)").find("defined by `def`") != std::string::npos);
  CHECK(errors("3 = x").starts_with("1:1 not_a_statement `3` is no statement"));
  CHECK(errors("a = b\n  + c") ==
        "2:3 expected a line cannot begin with `+` | move the `+` to the end of the line before\n");
  CHECK(errors("a = b\nand c").find("move the `and`") != std::string::npos);
}

TEST_CASE("grammar: forms in the wrong place") {
  auto misplaced = [](const std::string& text) {
    return errors(text).find("misplaced_form") != std::string::npos;
  };
  CHECK(misplaced("a = (b, c)"));
  CHECK(misplaced("a = b + (c,)"));
  CHECK(misplaced("train betas=(0, 1)"));
  CHECK(misplaced("a = \"b\""));
  CHECK(misplaced("a = \"b\" + c"));
  CHECK(misplaced("a = [\"b\"]"));
  CHECK_FALSE(misplaced("a = b == \"c\""));
  CHECK_FALSE(misplaced("def f(a=\"same\") = g(a, \"x\", y=\"z\")"));
  CHECK(misplaced("a = f(x)(y)"));
  CHECK(misplaced("a = f.g(x)"));
  CHECK(misplaced("a = (b + c).W"));
  CHECK(misplaced("a = b.T.W"));
  CHECK_FALSE(misplaced("a = (b + c).T"));
  for (std::string top : {"data x", "metric m", "report r", "train", "precision f32", "seed 1", "use \"a\""})
    CHECK(misplaced("def f(x) {\n  " + top + "\n  x\n}"));
  CHECK(misplaced("a = scan z in x { state s = 0; z }"));
  CHECK(misplaced("def f(x) {\n  x\n  a = 1\n  a\n}"));
  CHECK(errors("def f(x) {\n a = 1\n}").starts_with("3:1 expected expected an expression before `}`"));
  CHECK(errors("def f() {}").starts_with("1:10 expected"));
}

TEST_CASE("grammar: reading goes on behind an error") {
  CHECK(errors("a = 2x\nb = )\nc = 1\nd = (\ne = 1 1").size() > 0);
  CHECK(Parsed("a = 2x\nb = )\nc = 1\nd = (\ne = 1 1").diagnostics.errors() == 4);
  Parsed p("param a = 1, b = f(x, y), c = \ndata x, y[3 from \"f\"\ndef f(x) = 3 +\nk ~ )\nw = x");
  std::string names;
  for (ast::NodeId id : p.tree.children(p.tree.root()))
    names += std::string(to_string(p.tree[id].kind)) + ":" + p.tree[id].text + ";";
  CHECK(names == "error:a b c;error:x y;error:f;error:k;define:w;");
  // In a block too, and several lines of one call make one error.
  CHECK(Parsed("def f(x) {\n  a = )\n  b = 2x\n  x\n}\nc = f(1,,\n  2)\nd = ]").diagnostics.errors() == 4);
  CHECK(shown("def f(x) {\n  a = 2x\n  x\n}\nb = 1")
            .ends_with("(def:f (formal:x) (block (error:a) x)) (define:b (start 1))"));
  CHECK(Parsed(repeated("a = )\n", 500)).diagnostics.errors() == 500);
}

TEST_CASE("grammar: depth and length") {
  constexpr int many = 100'000;
  auto deep = [](const std::string& text) {
    Parsed p("v = " + text + "\nw = 1");
    REQUIRE(p.diagnostics.errors() == 1);
    CHECK(p.diagnostics.all()[0].code == Code::too_deep);
    CHECK(p.diagnostics.exit_code() == exit_code::limit);
  };
  for (std::string piece : {"(", "[", "-", "not ", "f(", "2^", "x[", "if a then b else ", "if ", "f(-[(2^"})
    deep(repeated(piece, many));
  deep(repeated("(", many) + "x" + repeated(")", many));
  deep("x" + repeated("[0]", many));
  deep("x" + repeated(".T", many));
  CHECK(Parsed("v = " + repeated("(", 256) + "x" + repeated(")", 256)).diagnostics.errors() == 0);
  CHECK(Parsed("v = " + repeated("scan z in ", 300)).diagnostics.errors() == 1);
  Parsed sum("v = a" + repeated(" + a", many));
  CHECK(sum.diagnostics.errors() == 0);
  CHECK(print(sum.tree, sum.source).size() > many);
  CHECK(Parsed(std::string(1 << 20, 'x') + " = 1").diagnostics.errors() == 0);
  CHECK(Parsed(std::string(17 << 20, ' ')).diagnostics.exit_code() == exit_code::limit);
}

TEST_CASE("ast: print") {
  Parsed p("# a line\nparam w = 0\npredict = w*x + \"a\"\n");
  CHECK(print(p.tree, p.source) ==
        "model               ; line 1\n"
        "  params            ; line 2\n"
        "    param w         ; line 2\n"
        "      start         ; line 2\n"
        "        number 0    ; line 2\n"
        "  define predict    ; line 3\n"
        "    start           ; line 3\n"
        "      binary +      ; line 3\n"
        "        binary *    ; line 3\n"
        "          name w    ; line 3\n"
        "          name x    ; line 3\n"
        "        string \"a\"  ; line 3\n");
}

}  // namespace
}  // namespace slope
