// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The functions of fmt, from its header-only form, where there is no static library of it (Debian has none):
// the compiler writes out what is named here, and that is all that the other files refer to.
#define FMT_HEADER_ONLY
#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <string>

// Named one by one, since a function that is put in place at every call is not written out.
[[gnu::used]] static std::string (*const vformat)(fmt::string_view, fmt::format_args) = &fmt::vformat;
[[gnu::used]] static bool (*const is_printable)(std::uint32_t) = &fmt::detail::is_printable;
[[gnu::used]] static void (*const vprint)(fmt::string_view, fmt::format_args) = &fmt::vprint;
[[gnu::used]] static void (*const vprint_to)(std::FILE*, fmt::string_view, fmt::format_args) = &fmt::vprint;

// What the templates of its headers call where a number is written by a format that is not simple.
template fmt::detail::thousands_sep_result<char> fmt::detail::thousands_sep_impl<char>(
    fmt::detail::locale_ref);
template char fmt::detail::decimal_point_impl<char>(fmt::detail::locale_ref);
