// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// State files that slope did not write: by other programs, or by hand with a right checksum.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "runtime/state.h"
#include "tests/unit/folder.h"

using namespace slope;

namespace {

std::string with_length(const std::string& header, std::uint64_t length, const std::string& data) {
  std::string file(8, '\0');
  std::memcpy(file.data(), &length, 8);
  return file + header + data;
}

// A file of ours with these entries behind the checksum, which is right.
std::string made(const std::string& entries, const std::string& data = "", const std::string& version = "1") {
  std::string header = R"({"__metadata__":{"slope/checksum":"0000000000000000","slope/version":")" + version +
                       "\"}" + entries + "}";
  header.append((8 - header.size() % 8) % 8, ' ');
  std::string file = with_length(header, header.size(), data);
  const std::string_view zeros = "0000000000000000";
  std::size_t at = file.find(zeros);
  Hash hash;
  for (std::string_view part :
       {std::string_view(file).substr(0, at), zeros, std::string_view(file).substr(at + 16)})
    hash.add(part);
  return file.replace(at, 16, hash.text());
}

std::string entry(const std::string& shape, const std::string& offsets = "[0,8]") {
  return R"(,"w":{"dtype":"F64","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

using Load = std::optional<State>(const std::string&, Diagnostics&);

std::string refused(Load* by, const std::string& file) {
  Folder folder;
  Diagnostics d;
  REQUIRE_FALSE(by(folder.write("s", file), d));
  REQUIRE(d.errors() == 1);
  CHECK(d.exit_code() == exit_code::state);
  return d.all()[0].message;
}

std::string without_checksum(const std::string& entries, const std::string& data) {
  std::string header = "{" + entries + "}";
  return with_length(header, header.size(), data);
}

}  // namespace

TEST_CASE("a state made by hand with a right checksum is read", "[state]") {
  Folder folder;
  Diagnostics d;
  auto state = load(folder.write("s", made(entry("[]"), std::string(6, '\0') + "\xF0\x3F")), d);
  REQUIRE(state);
  CHECK(state->find("w")->values == std::vector<double>{1});
}

TEST_CASE("sizes in a state that no file can hold are refused before memory is asked for", "[state]") {
  const std::string eight(8, '\0');
  auto [shape, offsets, said] = GENERATE(table<const char*, const char*, const char*>(
      {{"[1152921504606846976]", "[0,8]", "claims more numbers than the file can hold"},
       {"[4294967296,4294967296]", "[0,8]", "claims more numbers than the file can hold"},
       {"[0,1152921504606846976]", "[0,0]", "claims more numbers than the file can hold"},
       {"[18446744073709551616]", "[0,8]", "has an extent that is no count"},
       {"[-1]", "[0,8]", "has an extent that is no count"},
       {"[1.5]", "[0,8]", "has an extent that is no count"},
       {"[]", "[0,9223372036854775808]", "lies outside the file"},
       {"[]", "[8,0]", "lies outside the file"},
       {"[2]", "[0,8]", "has a size that does not fit its shape"},
       {"[0]", "[0,0]", "it has bytes that belong to no tensor"}}));
  INFO(shape << offsets);
  CHECK(refused(load, made(entry(shape, offsets), eight)).find(said) != std::string::npos);
  std::string foreign = without_checksum(entry(shape, offsets).substr(1), eight);
  CHECK(refused(load_numbers, foreign).find(said) != std::string::npos);
}

TEST_CASE("a header longer than its file is refused", "[state]") {
  std::string file = made(entry("[]"), std::string(8, '\0'));
  for (std::uint64_t length : {std::uint64_t{1} << 63, ~std::uint64_t{0}, std::uint64_t{file.size()}}) {
    std::memcpy(file.data(), &length, 8);
    CHECK(refused(load, file).find("its header claims " + std::to_string(length) + " bytes") !=
          std::string::npos);
    CHECK(refused(load_numbers, file).find("its header claims") != std::string::npos);
    std::string foreign = without_checksum(entry("[]").substr(1), std::string(8, '\0'));
    std::memcpy(foreign.data(), &length, 8);
    CHECK(refused(load_numbers, foreign).find("its header claims") != std::string::npos);
  }
}

TEST_CASE("a state of another version of the form names it", "[state]") {
  // What is new in it may be anything: its version is told whatever else there is.
  std::string newer = made(R"(,"w":{"dtype":"F4","shape":[1],"data_offsets":[0,1]})", "1", "2");
  for (Load* read : {static_cast<Load*>(load), static_cast<Load*>(load_numbers)}) {
    CHECK(refused(read, newer).find("version 2 of the form, this slope reads version 1") !=
          std::string::npos);
    CHECK(refused(read, made("", "", "\\u001b[31m")).find("version \\x1b[31m of") != std::string::npos);
  }
}

TEST_CASE("a state whose header is nested a million times deep is refused", "[state]") {
  std::string deep = R"(,"w":)" + std::string(1'000'000, '[') + std::string(1'000'000, ']');
  CHECK(refused(load, made(deep)).find("lacks a dtype") != std::string::npos);
  CHECK(refused(load_numbers, without_checksum(deep.substr(1), "")).find("lacks a dtype") !=
        std::string::npos);
}

TEST_CASE("numbers that NumPy wrote are read exactly", "[state]") {
  Diagnostics d;
  const std::string path = SLOPE_ROOT "/tests/data/numpy.safetensors";
  auto state = load_numbers(path, d);
  REQUIRE(state);
  CHECK(state->metadata.empty());
  REQUIRE(state->tensors.size() == 5);
  std::ifstream file(SLOPE_ROOT "/tests/data/numpy_safetensors.json");
  const auto expected = nlohmann::json::parse(file);
  for (const auto& [name, values] : expected.items()) {
    INFO(name);
    REQUIRE(state->find(name));
    CHECK(state->find(name)->values == values.get<std::vector<double>>());
    CHECK(state->find(name)->single == (name != "w"));
  }
  CHECK(std::signbit(state->find("half")->values[4]));
  CHECK(state->find("half")->shape == std::vector<std::int64_t>{2, 3});
  CHECK(state->find("count")->other_type == "I64");
  CHECK(state->find("count")->values.empty());

  CHECK_FALSE(load(path, d));
  CHECK(d.all()[0].message.find("not written by slope") != std::string::npos);
  CHECK(d.all()[0].helps.size() == 1);
}

TEST_CASE("infinities and not-a-number of half precision are read", "[state]") {
  Folder folder;
  Diagnostics d;
  std::string data("\x00\x7C\x00\xFC\x01\x7E\x80\x7F", 8);
  auto state = load_numbers(
      folder.write("s", without_checksum(R"("h":{"dtype":"F16","shape":[3],"data_offsets":[0,6]},)"
                                         R"("b":{"dtype":"BF16","shape":[1],"data_offsets":[6,8]})",
                                         data)),
      d);
  REQUIRE(state);
  const std::vector<double>& h = state->find("h")->values;
  double inf = std::numeric_limits<double>::infinity();
  CHECK(h[0] == inf);
  CHECK(h[1] == -inf);
  CHECK(std::isnan(h[2]));
  CHECK(state->find("b")->values[0] == inf);
}

TEST_CASE("a state of slope with any bit flipped is not taken for a file of others", "[state]") {
  Folder folder;
  Diagnostics d;
  State state;
  state.tensors = {{"w", false, {}, {1}}};
  state.metadata = {{"slope/model", "loss = w^2"}};
  REQUIRE(save(state, folder.path("s"), d));
  std::string file = Folder::read(folder.path("s"));
  REQUIRE(load_numbers(folder.path("s"), d));
  for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
    INFO(bit);
    std::string flipped = file;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    REQUIRE_FALSE(load_numbers(folder.write("flipped", flipped), d));
  }
}
