// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The key under which compiled code is kept: everything that the object depends on, in full, as bytes.
//
// Why nothing is missing. The code generator is a function of the kernels, the options and the host. Of the
// kernels, options, nodes and shapes every member is named in object_key.cpp by a structured binding, which
// does not compile any more when one is added. Of a graph beside nodes, shapes and precision there are only
// names and places, which are in no object. The host facts hold the build ids of this program and of LLVM,
// and with them the table of ops, the texts of graph/math/, the emitters and all sizes they choose, and the
// CPU with its features, also where another is compiled for, since it decides what is refused. What a run may
// change without another key is in struct Run.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "codegen/program.h"

namespace slope {

// The machine and the code generator, as text: what an object depends on beside the kernels and options. ""
// where the linker wrote no build id by which one build of this program is told from another.
std::string host_facts();

std::string object_key(std::span<const Kernel> kernels, const CompileOptions& options, std::string_view host);

}  // namespace slope
