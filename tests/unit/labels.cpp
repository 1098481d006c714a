// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontend/labels.h"

#include <catch2/catch.hpp>

using namespace slope;

namespace {
using Labels = std::vector<std::string>;
}

TEST_CASE("codes follow numbers by value and texts by code point", "[labels]") {
  CHECK(sorted_labels({"10", "9", "-1", "2.5"}) == Labels{"-1", "2.5", "9", "10"});
  CHECK(sorted_labels({"10", "9", "a"}) == Labels{"10", "9", "a"});
  CHECK(sorted_labels({"b", "B", "ä", "z", "", "€", "😀", "￿"}) ==
        Labels{"", "B", "b", "z", "ä", "€", "￿", "😀"});
  CHECK(sorted_labels({"x", "y", "x"}) == Labels{"x", "y"});
}

TEST_CASE("spellings of one number are several labels, in the order of their texts", "[labels]") {
  CHECK(sorted_labels({"2", "1", "+1", "1.0", "1", "1e0", "007", "-0", "0"}) ==
        Labels{"-0", "0", "+1", "1", "1.0", "1e0", "2", "007"});
  CHECK(sorted_labels({"123", "0123", "9"}) == Labels{"9", "0123", "123"});
  CHECK(sorted_labels({"9007199254740993", "9007199254740992"}) ==
        Labels{"9007199254740992", "9007199254740993"});
  CHECK(sorted_labels({"inf", "1"}) == Labels{"1", "inf"});
  CHECK_FALSE(label_number("+-1"));
  CHECK_FALSE(label_number("1 "));
  CHECK_FALSE(label_number("0x1"));
  CHECK_FALSE(label_number(""));
}

TEST_CASE("whole numbers from 0 on are their own codes", "[labels]") {
  CHECK(are_codes(Labels{"0", "3"}, 4));
  CHECK_FALSE(are_codes(Labels{"0", "4"}, 4));
  CHECK_FALSE(are_codes(Labels{"-1", "0"}, 4));
  CHECK_FALSE(are_codes(Labels{"0.5"}, 4));
  CHECK_FALSE(are_codes(Labels{"a"}, 4));
  CHECK(code_labels(3) == Labels{"0", "1", "2"});
}

TEST_CASE("a label is found as it is written, or where labels are numbers by its value", "[labels]") {
  Labels numbers{"1", "2", "10"}, texts{"01", "1", "x"};
  CHECK(LabelCodes(numbers)("10") == 2);
  CHECK_FALSE(LabelCodes(numbers)("+2.0"));
  CHECK(LabelCodes(numbers, true)("+2.0") == 1);
  CHECK_FALSE(LabelCodes(numbers, true)("3"));
  CHECK_FALSE(LabelCodes(numbers, true)("ten"));
  CHECK(LabelCodes(texts)("1") == 1);
  CHECK(LabelCodes(texts)("01") == 0);
  CHECK_FALSE(LabelCodes(texts)("1.0"));
}

TEST_CASE("a value means the only label that has it", "[labels]") {
  CHECK(code_of_value(Labels{"a", "01", "2"}, 1) == 1);
  CHECK_FALSE(code_of_value(Labels{"01", "1"}, 1));
  CHECK_FALSE(code_of_value(Labels{"01", "1"}, 2));
  CHECK(number_their_codes(Labels{"0", "01", "2.0"}));
  CHECK_FALSE(number_their_codes(Labels{"0", "00"}));
  CHECK_FALSE(number_their_codes(Labels{"1", "2"}));
}

TEST_CASE("many labels are shown by the first and their number", "[labels]") {
  CHECK(labels_shown(Labels{"a", "b\n"}) == "`a` and `b\\x0a`");
  CHECK(labels_shown(code_labels(12)) == "`0`, `1`, `2`, `3`, `4`, `5`, `6`, `7`, `8`, `9` and 2 more");
}
