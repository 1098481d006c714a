// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The syntax tree of a model: one vector of nodes in post-order (children stand before their parent), so
// every pass is a loop or a recursion bounded by the parser's depth limit. The exception are left-deep chains
// (a+a+a+…, f(x)[0][1]…): they are as deep as the text is long; walk them with a loop.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "base/id.h"
#include "base/source.h"

namespace slope::ast {

// X(kind): what `text` holds; the children, in order. `?` may be absent, `*` any number.
// An absent optional child is left out (find it by its kind), except in slice, where it is `nothing`.
#define SLOPE_AST_KINDS(X)                                                                     \
  /* expressions */                                                                            \
  X(number)      /* text: the digits without "_"; number: the value as f64 */                  \
  X(string)      /* text: the characters, escapes resolved */                                  \
  X(name)        /* text */                                                                    \
  X(truth)       /* text: "true" or "false" */                                                 \
  X(unary)       /* text: "-" or "not"; operand */                                             \
  X(binary)      /* text: or and < <= > >= == != + - * / @ ^; left, right */                   \
  X(conditional) /* condition, then, else */                                                   \
  X(call)        /* callee (a name where the program is right), (expression | argument)* */    \
  X(argument)    /* text: its name; value */                                                   \
  X(index)       /* base, (expression | slice | ellipsis)+ */                                  \
  X(slice)       /* begin, end, step: expression or nothing each */                            \
  X(nothing)     /* a part of a slice that is not written */                                   \
  X(ellipsis)    /* `...` */                                                                   \
  X(member)      /* text: W of `hidden.W`; base */                                             \
  X(list)        /* `[a, b]`: expression* */                                                   \
  X(tuple)       /* `(a, b)` or `(a,)`: expression+; a plain group leaves no node */           \
  X(scan)        /* (over | carry)+, block */                                                  \
  X(over)        /* `NAME in EXPR`: text: name; expression */                                  \
  X(carry)       /* `NAME = EXPR`: text: name; expression */                                   \
  /* statements */                                                                             \
  X(model)         /* statement* */                                                            \
  X(data)          /* column+, clause* (from, columns, columns_range, standardized, option) */ \
  X(column)        /* text: name; shape?, string? (the header), (class_type | index_type)? */  \
  X(class_type)    /* `class` or `class(K)`: expression? */                                    \
  X(index_type)    /* `index` or `index(N)`: expression? */                                    \
  X(from)          /* text: the file */                                                        \
  X(columns)       /* `columns A, B`: (name | string)+ */                                      \
  X(columns_range) /* `columns A..B`: two of (name | string) */                                \
  X(standardized)                                                                              \
  X(shape)     /* `[n, m]`: expression+ */                                                     \
  X(params)    /* param+ */                                                                    \
  X(param)     /* text: name; shape?, bounds?, (start | draw) */                               \
  X(bounds)    /* low, high */                                                                 \
  X(start)     /* `= EXPR` */                                                                  \
  X(draw)      /* `~ EXPR` */                                                                  \
  X(next)      /* `:= EXPR` */                                                                 \
  X(consts)    /* constant+ */                                                                 \
  X(constant)  /* text: name; expression */                                                    \
  X(state)     /* text: name; shape?, start */                                                 \
  X(def)       /* text: name; formal*, (start | block) — start for `= EXPR` */                 \
  X(formal)    /* text: name; expression? */                                                   \
  X(block)     /* statement*, expression (the value, last) | error */                          \
  X(define)    /* text: name; start | next | draw */                                           \
  X(metric)    /* text: name; expression? */                                                   \
  X(report)    /* text: name; expression? */                                                   \
  X(train)     /* option* */                                                                   \
  X(option)    /* text: name; expression */                                                    \
  X(precision) /* text: f32, f64 or what stands there */                                       \
  X(seed)      /* number */                                                                    \
  X(use)       /* text: the file */                                                            \
  X(error)     /* a statement that could not be read; its message is in the diagnostics */

enum class Kind : std::uint8_t {
#define X(kind) kind,
  SLOPE_AST_KINDS(X)
#undef X
};
std::string_view to_string(Kind kind);
// Whether such a node gives its `text` as a name to something.
bool binds(Kind kind);

using NodeId = Id<struct AstTag>;

struct Node {
  Kind kind = Kind::error;
  Span span;  // the whole construct
  Span name;  // of the name, operator or keyword that `text` holds, where there is one; else == span
  std::string text;
  double number = 0;                   // of `number`, read exactly
  std::uint32_t first = 0, count = 0;  // its children: Ast::edges[first, first + count)
};

class Ast {
 public:
  NodeId add(Node node, std::span<const NodeId> children);
  const Node& operator[](NodeId id) const { return nodes_[id.index()]; }
  std::span<const NodeId> children(NodeId id) const {
    const Node& node = nodes_[id.index()];
    return std::span(edges_).subspan(node.first, node.count);
  }
  NodeId child(NodeId id, std::size_t at) const { return children(id)[at]; }
  // The first child of that kind, or an invalid id.
  NodeId find(NodeId id, Kind kind) const;
  std::size_t size() const { return nodes_.size(); }
  NodeId root() const { return root_; }  // a `model`; always valid after parse()
  void set_root(NodeId root) { root_ = root; }

 private:
  std::vector<Node> nodes_;
  std::vector<NodeId> edges_;
  NodeId root_;
};

// One line a node, indented by depth, each with "; line N": what `slope show ast` prints. No recursion.
std::string print(const Ast& ast, const Source& source);

}  // namespace slope::ast

namespace slope {

// Reads the whole text; errors go to the diagnostics, each statement that has one becomes an `error` node and
// the rest is still read. `file` is put into every span. Nesting deeper than 256 is Code::too_deep.
ast::Ast parse(const Source& source, Diagnostics& diagnostics, std::uint32_t file = 0);

// The number that a text is, as the language writes numbers; nothing where it is not one alone.
std::optional<double> read_number(std::string_view text);

}  // namespace slope
