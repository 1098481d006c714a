// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The algebra of graph/math/algebra.h on LLVM values: an op's own text becomes the instructions that compute
// it. A value is one number or a vector of the graph's lanes; the Place in force says which, where
// instructions go, and what they are called. No word here reorders or contracts anything: no fast-math flag
// is ever set.
#pragma once
#include <llvm/Analysis/VectorUtils.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/IntrinsicsX86.h>

#include <numeric>

#include "graph/math/algebra.h"

namespace slope::codegen {

// Where instructions go now. One lives at a time; it is what constants without operands take their shape
// from.
struct Place {
  llvm::IRBuilderBase& builder;
  int width;  // 1: one number, else the lanes of a vector
  static constinit thread_local Place* current;

  Place(llvm::IRBuilderBase& b, int w) : builder(b), width(w), before_(current) { current = this; }
  ~Place() { current = before_; }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  llvm::Type* shaped(llvm::Type* element) const {
    return width == 1 ? element : llvm::FixedVectorType::get(element, static_cast<unsigned>(width));
  }

 private:
  Place* before_;
};
inline llvm::IRBuilderBase& here() { return Place::current->builder; }

template <class T>
struct Lanes {
  llvm::Value* v;
};  // T or <n x T>
template <class T>
struct LaneBits {
  llvm::Value* v;
};  // the integers of T's width
struct LaneMask {
  llvm::Value* v;
};  // i1 or <n x i1>

template <class T>
llvm::Type* element_type() {
  return std::is_same_v<T, double> ? here().getDoubleTy() : here().getFloatTy();
}
template <class T>
llvm::Type* real_type() {
  return Place::current->shaped(element_type<T>());
}
template <class T>
llvm::Type* bits_type() {
  return Place::current->shaped(here().getIntNTy(8 * sizeof(T)));
}

#define SLOPE_LANES_OPERATOR(symbol, Create)         \
  template <class T>                                 \
  Lanes<T> operator symbol(Lanes<T> a, Lanes<T> b) { \
    return {here().Create(a.v, b.v)};                \
  }
SLOPE_LANES_OPERATOR(+, CreateFAdd)
SLOPE_LANES_OPERATOR(-, CreateFSub)
SLOPE_LANES_OPERATOR(*, CreateFMul)
SLOPE_LANES_OPERATOR(/, CreateFDiv)
#undef SLOPE_LANES_OPERATOR
template <class T>
Lanes<T> operator-(Lanes<T> a) {
  return {here().CreateFNeg(a.v)};
}

// Ordered comparisons, except !=, which is true of NaN: as in C.
#define SLOPE_LANES_COMPARE(symbol, Real, Integer)         \
  template <class T>                                       \
  LaneMask operator symbol(Lanes<T> a, Lanes<T> b) {       \
    return {here().Real(a.v, b.v)};                        \
  }                                                        \
  template <class T>                                       \
  LaneMask operator symbol(LaneBits<T> a, LaneBits<T> b) { \
    return {here().Integer(a.v, b.v)};                     \
  }
SLOPE_LANES_COMPARE(<, CreateFCmpOLT, CreateICmpSLT)
SLOPE_LANES_COMPARE(<=, CreateFCmpOLE, CreateICmpSLE)
SLOPE_LANES_COMPARE(>, CreateFCmpOGT, CreateICmpSGT)
SLOPE_LANES_COMPARE(>=, CreateFCmpOGE, CreateICmpSGE)
SLOPE_LANES_COMPARE(==, CreateFCmpOEQ, CreateICmpEQ)
SLOPE_LANES_COMPARE(!=, CreateFCmpUNE, CreateICmpNE)
#undef SLOPE_LANES_COMPARE

inline LaneMask operator&&(LaneMask a, LaneMask b) { return {here().CreateAnd(a.v, b.v)}; }
inline LaneMask operator||(LaneMask a, LaneMask b) { return {here().CreateOr(a.v, b.v)}; }
inline LaneMask operator!(LaneMask a) { return {here().CreateNot(a.v)}; }

template <class T>
LaneBits<T> operator+(LaneBits<T> a, LaneBits<T> b) {
  return {here().CreateAdd(a.v, b.v)};
}
template <class T>
LaneBits<T> operator-(LaneBits<T> a, LaneBits<T> b) {
  return {here().CreateSub(a.v, b.v)};
}
template <class T>
LaneBits<T> operator&(LaneBits<T> a, LaneBits<T> b) {
  return {here().CreateAnd(a.v, b.v)};
}
template <class T>
LaneBits<T> operator|(LaneBits<T> a, LaneBits<T> b) {
  return {here().CreateOr(a.v, b.v)};
}
template <class T>
LaneBits<T> operator^(LaneBits<T> a, LaneBits<T> b) {
  return {here().CreateXor(a.v, b.v)};
}
template <class T>
LaneBits<T> shift_left(LaneBits<T> a, int n) {
  return {here().CreateShl(a.v, llvm::ConstantInt::get(a.v->getType(), static_cast<std::uint64_t>(n)))};
}
template <class T>
LaneBits<T> shift_right(LaneBits<T> a, int n) {
  return {here().CreateAShr(a.v, llvm::ConstantInt::get(a.v->getType(), static_cast<std::uint64_t>(n)))};
}

inline llvm::Value* choose(LaneMask m, llvm::Value* a, llvm::Value* b) {
  return here().CreateSelect(m.v, a, b);
}
template <class T>
Lanes<T> select(LaneMask m, Lanes<T> a, Lanes<T> b) {
  return {choose(m, a.v, b.v)};
}
template <class T>
LaneBits<T> select(LaneMask m, LaneBits<T> a, LaneBits<T> b) {
  return {choose(m, a.v, b.v)};
}

template <class T>
Lanes<T> intrinsic(llvm::Intrinsic::ID id, std::initializer_list<llvm::Value*> arguments) {
  return {here().CreateIntrinsic(id, {(*arguments.begin())->getType()}, arguments)};
}
template <class T>
Lanes<T> fma(Lanes<T> a, Lanes<T> b, Lanes<T> c) {
  return intrinsic<T>(llvm::Intrinsic::fma, {a.v, b.v, c.v});
}
template <class T>
Lanes<T> sqrt(Lanes<T> a) {
  return intrinsic<T>(llvm::Intrinsic::sqrt, {a.v});
}
template <class T>
Lanes<T> abs(Lanes<T> a) {
  return intrinsic<T>(llvm::Intrinsic::fabs, {a.v});
}
template <class T>
Lanes<T> copysign(Lanes<T> a, Lanes<T> sign) {
  return intrinsic<T>(llvm::Intrinsic::copysign, {a.v, sign.v});
}
template <class T>
Lanes<T> round_even(Lanes<T> a) {
  return intrinsic<T>(llvm::Intrinsic::nearbyint, {a.v});
}

template <class T>
LaneBits<T> bits(Lanes<T> a) {
  return {here().CreateBitCast(a.v, bits_type<T>())};
}
inline Lanes<double> widen(Lanes<float> a) { return {here().CreateFPExt(a.v, real_type<double>())}; }
inline Lanes<float> narrow(Lanes<double> a) { return {here().CreateFPTrunc(a.v, real_type<float>())}; }

// Numbers that code looks up by index, once a module.
template <class T>
llvm::Constant* table_of(const double* numbers, std::size_t n) {
  llvm::Module& module = *here().GetInsertBlock()->getModule();
  std::vector<T> rounded(numbers, numbers + n);
  llvm::Constant* data = llvm::ConstantDataArray::get(module.getContext(), rounded);
  for (llvm::GlobalVariable& global : module.globals())
    if (global.hasInitializer() && global.getInitializer() == data) return &global;
  return new llvm::GlobalVariable(module, data->getType(), true, llvm::GlobalValue::PrivateLinkage, data,
                                  "table");
}

// Marks of modules whose CPU permutes numbers by index: AVX-512 sixteen of either width, AVX2 eight floats.
inline constexpr const char* permutes_sixteen = "slope.permutes_sixteen";
inline constexpr const char* permutes_eight_floats = "slope.permutes_eight_floats";
inline bool module_is(const char* mark) {
  return here().GetInsertBlock()->getModule()->getNamedMetadata(mark) != nullptr;
}

// f of `step` lanes of v at a time.
template <class F>
llvm::Value* in_parts(llvm::Value* v, int step, F f) {
  llvm::SmallVector<llvm::Value*> parts;
  for (int first = 0; first < Place::current->width; first += step) {
    llvm::SmallVector<int> lanes(static_cast<std::size_t>(step));
    std::iota(lanes.begin(), lanes.end(), first);
    parts.push_back(f(here().CreateShuffleVector(v, lanes)));
  }
  return llvm::concatenateVectors(here(), parts);
}

// table[i mod 16], the table in registers. Null where the CPU has no instructions for it.
template <class T>
llvm::Value* permute_sixteen(const double* table, llvm::Value* indices) {
  llvm::IRBuilderBase& b = here();
  if (Place::current->width % 16 != 0) return nullptr;
  std::vector<T> rounded(table, table + 16);
  auto part = [&](std::size_t first, std::size_t count) {
    return llvm::ConstantDataVector::get(b.getContext(), llvm::ArrayRef(rounded).slice(first, count));
  };
  auto permute = [&](llvm::Intrinsic::ID id, std::initializer_list<llvm::Value*> arguments) {
    return b.CreateIntrinsic(id, {}, arguments);
  };
  bool single = std::is_same_v<T, float>;
  if (single && module_is(permutes_sixteen))
    return in_parts(indices, 16, [&](llvm::Value* i) {
      return permute(llvm::Intrinsic::x86_avx512_permvar_sf_512, {part(0, 16), i});
    });
  if (module_is(permutes_sixteen))
    return in_parts(indices, 8, [&](llvm::Value* i) {
      return permute(llvm::Intrinsic::x86_avx512_vpermi2var_pd_512, {part(0, 8), i, part(8, 8)});
    });
  if (single && module_is(permutes_eight_floats))
    return in_parts(indices, 8, [&](llvm::Value* i) {
      llvm::Value* upper = b.CreateICmpSLT(b.CreateShl(i, 28), llvm::Constant::getNullValue(i->getType()));
      return b.CreateSelect(upper, permute(llvm::Intrinsic::x86_avx2_permps, {part(8, 8), i}),
                            permute(llvm::Intrinsic::x86_avx2_permps, {part(0, 8), i}));
    });
  return nullptr;
}

// Whether the mask is true in some lane.
inline llvm::Value* any(LaneMask mask) {
  int width = Place::current->width;
  if (width == 1) return mask.v;
  llvm::Type* packed = here().getIntNTy(static_cast<unsigned>(width));
  return here().CreateICmpNE(here().CreateBitCast(mask.v, packed), llvm::ConstantInt::get(packed, 0));
}
inline llvm::BasicBlock* new_block(const char* name) {
  return llvm::BasicBlock::Create(here().getContext(), name, here().GetInsertBlock()->getParent());
}

// f() only where some lane needs it: the instructions of a rare case stay out of the way.
template <class T, class F>
Lanes<T> patch(LaneMask mask, Lanes<T> a, F f) {
  llvm::IRBuilderBase& b = here();
  llvm::BasicBlock *rare = new_block("rare"), *common = new_block("common");
  llvm::BasicBlock* before = b.GetInsertBlock();
  b.CreateCondBr(any(mask), rare, common);
  b.SetInsertPoint(rare);
  Lanes<T> patched = select(mask, f(), a);
  llvm::BasicBlock* after = b.GetInsertBlock();
  b.CreateBr(common);
  b.SetInsertPoint(common);
  llvm::PHINode* phi = b.CreatePHI(a.v->getType(), 2);
  phi->addIncoming(a.v, before);
  phi->addIncoming(patched.v, after);
  return {phi};
}

// Rounds until no lane is unfinished; a lane that is finished keeps its value.
template <class T, class Unfinished, class Step>
Lanes<T> iterate(Lanes<T> a, Unfinished unfinished, Step step) {
  llvm::IRBuilderBase& b = here();
  llvm::BasicBlock *before = b.GetInsertBlock(), *test = new_block("test"), *round = new_block("round"),
                   *done = new_block("done");
  b.CreateBr(test);
  b.SetInsertPoint(test);
  llvm::PHINode* value = b.CreatePHI(a.v->getType(), 2);
  value->addIncoming(a.v, before);
  LaneMask mask = unfinished(Lanes<T>{value});
  b.CreateCondBr(any(mask), round, done);
  b.SetInsertPoint(round);
  value->addIncoming(select(mask, step(Lanes<T>{value}), Lanes<T>{value}).v, b.GetInsertBlock());
  b.CreateBr(test);
  b.SetInsertPoint(done);
  return {value};
}

}  // namespace slope::codegen

namespace slope::math {

template <class T>
struct Algebra<codegen::Lanes<T>> {
  using scalar = T;
  using mask = codegen::LaneMask;
  using bits = codegen::LaneBits<T>;
  using wide = codegen::Lanes<double>;

  static codegen::Lanes<T> constant(double c) {
    return {llvm::ConstantFP::get(codegen::real_type<T>(), static_cast<double>(static_cast<T>(c)))};
  }
  static codegen::LaneBits<T> integer(std::int64_t c) {
    return {llvm::ConstantInt::get(codegen::bits_type<T>(), static_cast<std::uint64_t>(c), true)};
  }
  static codegen::Lanes<T> from_bits(codegen::LaneBits<T> i) {
    return {codegen::here().CreateBitCast(i.v, codegen::real_type<T>())};
  }
  // Between 64-bit integers and doubles few CPUs have an instruction; below 2^51 an addition does it exactly.
  static codegen::Lanes<T> number(codegen::LaneBits<T> i) {
    if constexpr (std::is_same_v<T, float>) {
      return {codegen::here().CreateSIToFP(i.v, codegen::real_type<T>())};
    } else {
      codegen::Lanes<T> shifter = constant(0x1.8p52);
      return from_bits(codegen::bits(shifter) + i) - shifter;
    }
  }
  static codegen::Lanes<T> lookup(const double* table, std::size_t n, codegen::LaneBits<T> i) {
    llvm::IRBuilderBase& b = codegen::here();
    llvm::Value* at = b.CreateInBoundsGEP(codegen::element_type<T>(), codegen::table_of<T>(table, n), i.v);
    llvm::Align align(sizeof(T));
    if (codegen::Place::current->width == 1)
      return {b.CreateAlignedLoad(codegen::element_type<T>(), at, align)};
    return {b.CreateMaskedGather(codegen::real_type<T>(), at, align)};
  }
  static codegen::Lanes<T> lookup_low(const double* table, codegen::LaneBits<T> i) {
    if (llvm::Value* permuted = codegen::permute_sixteen<T>(table, i.v)) return {permuted};
    return lookup(table, 16, i & integer(15));
  }
};

}  // namespace slope::math
