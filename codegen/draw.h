// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The instructions of random draws: graph/philox.h on vectors of 64-bit lanes, whose upper halves are zero
// where a word of 32 bits is meant (so that a product of two is one instruction). Private to codegen.
#pragma once
#include <llvm/IR/IRBuilder.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "graph/graph.h"
#include "graph/philox.h"

namespace slope::codegen {

// i64 each, of the run.
struct DrawArguments {
  llvm::Value *seed = nullptr, *step = nullptr;
};

// The numbers in the data of `width` rows from `first` on: an i64 or a vector of them. `list` may be null
// when the code runs.
inline llvm::Value* row_numbers(llvm::IRBuilderBase& b, llvm::Value* list, llvm::Value* first, int width) {
  llvm::Type* type = b.getInt64Ty();
  llvm::Value* counted = first;
  if (width > 1) {
    type = llvm::FixedVectorType::get(type, static_cast<unsigned>(width));
    std::vector<std::uint64_t> lanes;
    for (int l = 0; l < width; ++l) lanes.push_back(static_cast<std::uint64_t>(l));
    counted =
        b.CreateAdd(b.CreateVectorSplat(width, first), llvm::ConstantDataVector::get(b.getContext(), lanes));
  }
  llvm::BasicBlock* before = b.GetInsertBlock();
  llvm::Function* function = before->getParent();
  auto* listed = llvm::BasicBlock::Create(b.getContext(), "row.numbers", function);
  auto* done = llvm::BasicBlock::Create(b.getContext(), "row.numbers.done", function);
  b.CreateCondBr(b.CreateIsNull(list), done, listed);
  b.SetInsertPoint(listed);
  llvm::Value* at = b.CreateInBoundsGEP(b.getInt64Ty(), list, first);
  llvm::Value* loaded = b.CreateAlignedLoad(type, at, llvm::Align(8));
  b.CreateBr(done);
  b.SetInsertPoint(done);
  llvm::PHINode* phi = b.CreatePHI(type, 2);
  phi->addIncoming(counted, before);
  phi->addIncoming(loaded, listed);
  return phi;
}

// Random numbers at these places, i64 or a vector of them.
template <class T>
llvm::Value* emit_draw(llvm::IRBuilderBase& b, Graph::Draw draw, DrawArguments run, llvm::Value* place) {
  llvm::Type* type = place->getType();
  auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(type);
  auto shaped = [&](llvm::Type* element) -> llvm::Type* {
    return vector ? llvm::FixedVectorType::get(element, vector->getNumElements()) : element;
  };
  auto splat = [&](llvm::Value* x) { return vector ? b.CreateVectorSplat(vector->getNumElements(), x) : x; };
  auto constant = [&](std::uint64_t c) { return llvm::ConstantInt::get(type, c); };
  auto low = [&](llvm::Value* x) {
    return b.CreateAnd(x, llvm::ConstantInt::get(x->getType(), 0xFFFFFFFFu));
  };
  auto high = [&](llvm::Value* x) { return b.CreateLShr(x, 32); };

  llvm::Value* key = b.CreateAdd(b.getInt64(draw.key), b.CreateMul(run.seed, b.getInt64(draw_seed_factor)));
  llvm::Value *key0 = low(key), *key1 = high(key);
  llvm::Value* word[4] = {low(place), high(place), splat(low(run.step)), splat(high(run.step))};
  for (int round = 0; round < 10; ++round) {
    llvm::Value* p = b.CreateMul(word[0], constant(0xD2511F53));
    llvm::Value* q = b.CreateMul(word[2], constant(0xCD9E8D57));
    llvm::Value* first = b.CreateXor(b.CreateXor(high(q), word[1]), splat(key0));
    llvm::Value* third = b.CreateXor(b.CreateXor(high(p), word[3]), splat(key1));
    word[1] = low(q);
    word[3] = low(p);
    word[0] = first;
    word[2] = third;
    key0 = low(b.CreateAdd(key0, b.getInt64(0x9E3779B9)));
    key1 = low(b.CreateAdd(key1, b.getInt64(0xBB67AE85)));
  }
  llvm::Value *lower = word[2 * draw.word], *upper = word[2 * draw.word + 1];
  if constexpr (sizeof(T) == 4) {
    llvm::Value* bits = b.CreateTrunc(b.CreateLShr(upper, 8), shaped(b.getInt32Ty()));
    llvm::Type* real = shaped(b.getFloatTy());
    return b.CreateFMul(b.CreateSIToFP(bits, real), llvm::ConstantFP::get(real, 0x1p-24));
  } else {
    // 53 bits in two exact parts: few CPUs turn 64-bit integers into doubles.
    llvm::Type* real = shaped(b.getDoubleTy());
    auto number = [&](llvm::Value* bits) {                                     // of at most 32 bits
      llvm::Value* exponent = b.CreateOr(bits, constant(0x4330000000000000));  // 2^52 + bits
      return b.CreateFSub(b.CreateBitCast(exponent, real), llvm::ConstantFP::get(real, 0x1p52));
    };
    llvm::Value* scaled = b.CreateFMul(number(upper), llvm::ConstantFP::get(real, 0x1p-32));
    llvm::Value* rest = b.CreateFMul(number(b.CreateLShr(lower, 11)), llvm::ConstantFP::get(real, 0x1p-53));
    return b.CreateFAdd(scaled, rest);
  }
}

}  // namespace slope::codegen
