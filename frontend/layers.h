// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Who owns which parameters and states: a tree of definitions and of the calls in them that made some, in the
// order of evaluation. It gives each its name, and lets a call be made again with those that it has.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "frontend/ast.h"
#include "frontend/lowering.h"

namespace slope {

// Of the model, of a definition, or of a call. Only one that owns something is kept in the one around it.
struct Layer {
  std::string label;        // the definition's name, the function's, the number of a repetition
  bool fixed = false;       // its label is never numbered
  bool takes_name = false;  // what it owns stands under the name of the definition around it
  // Where it stands, to find it again when what is around it is evaluated again.
  const ast::Ast* tree = nullptr;
  ast::NodeId site = {};
  // Of a call of a function of the language: what a call of the bound name repeats.
  const Function* function = nullptr;
  std::vector<Argument> arguments = {};

  struct Entry {
    std::string label;  // of a parameter or state
    int param = -1;     // −1: a layer or a state
    std::shared_ptr<Layer> layer = {};
    int state = -1;
  };
  std::vector<Entry> entries = {};
  bool made = false;     // all that it owns is: evaluated again, it takes them one after the other
  std::size_t next = 0;  // of them
};

// The layer that is evaluated while this lives; afterwards it is part of the one around it.
class Lowering::InLayer {
 public:
  InLayer(Lowering& lowering, std::string label, bool fixed, ast::NodeId site);
  InLayer(Lowering& lowering, std::shared_ptr<Layer> again);  // with the parameters that it has
  ~InLayer();
  InLayer(const InLayer&) = delete;
  InLayer& operator=(const InLayer&) = delete;
  const std::shared_ptr<Layer>& layer() const { return layer_; }

 private:
  Lowering& lowering_;
  Layer* around_;
  std::shared_ptr<Layer> layer_;
  bool fresh_ = true;
};

// One of both.
struct Owned {
  int param = -1, state = -1;
};
// The paths from the layer to its parameters and states: "W", "dense_1.W". A call has its function's name,
// numbered in the order of evaluation where a name occurs twice.
std::map<std::string, Owned> owned_paths(const Layer& layer);

}  // namespace slope
