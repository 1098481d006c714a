// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Counted loops, put together by the functions that are their bodies. Private to codegen.
#pragma once
#include <llvm/IR/IRBuilder.h>

#include <vector>

namespace slope::codegen {

using Carried = std::vector<llvm::Value*>;

// for (i = begin; i < end; i += step) carried = body(i, carried). A loop that surely runs once at most is
// none.
Carried loop_carrying(llvm::IRBuilderBase& b, llvm::Value* begin, llvm::Value* end, std::int64_t step,
                      const llvm::Twine& name, const Carried& start, auto body) {
  auto* first = llvm::dyn_cast<llvm::ConstantInt>(begin);
  auto* last = llvm::dyn_cast<llvm::ConstantInt>(end);
  if (first && last) {
    std::int64_t distance = last->getSExtValue() - first->getSExtValue();
    if (distance <= 0) return start;
    if (distance <= step) return body(begin, start);
  }
  llvm::BasicBlock* before = b.GetInsertBlock();
  llvm::Function* function = before->getParent();
  auto* head = llvm::BasicBlock::Create(b.getContext(), name, function);
  auto* done = llvm::BasicBlock::Create(b.getContext(), name + ".done", function);
  if (first && last) b.CreateBr(head);
  else b.CreateCondBr(b.CreateICmpSLT(begin, end), head, done);
  b.SetInsertPoint(head);
  llvm::PHINode* i = b.CreatePHI(b.getInt64Ty(), 2, name);
  i->addIncoming(begin, before);
  std::vector<llvm::PHINode*> phis;
  Carried now;
  for (llvm::Value* value : start) {
    phis.push_back(b.CreatePHI(value->getType(), 2));
    phis.back()->addIncoming(value, before);
    now.push_back(phis.back());
  }
  Carried next = body(static_cast<llvm::Value*>(i), now);
  llvm::Value* after = b.CreateAdd(i, b.getInt64(static_cast<std::uint64_t>(step)), "", true, true);
  llvm::BasicBlock* latch = b.GetInsertBlock();
  i->addIncoming(after, latch);
  for (std::size_t k = 0; k < phis.size(); ++k) phis[k]->addIncoming(next[k], latch);
  b.CreateCondBr(b.CreateICmpSLT(after, end), head, done);
  b.SetInsertPoint(done);
  if (first && last) return next;
  Carried out;
  for (std::size_t k = 0; k < phis.size(); ++k) {
    llvm::PHINode* phi = b.CreatePHI(start[k]->getType(), 2);
    phi->addIncoming(start[k], before);
    phi->addIncoming(next[k], latch);
    out.push_back(phi);
  }
  return out;
}

void loop(llvm::IRBuilderBase& b, llvm::Value* begin, llvm::Value* end, std::int64_t step,
          const llvm::Twine& name, auto body) {
  loop_carrying(b, begin, end, step, name, {}, [&](llvm::Value* i, const Carried&) {
    body(i);
    return Carried();
  });
}

}  // namespace slope::codegen
