// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How results and messages leave the program: text for people on stderr and stdout, one JSON object for
// scripts.
#pragma once
#include <string>
#include <string_view>

#include "driver/arguments.h"
#include "driver/values.h"
#include "runtime/session.h"

namespace slope {

// Writes to standard output whole; false, with a diagnostic, where that fails. A closed pipe ends quietly.
bool print(std::string_view text, Diagnostics& diagnostics);
void print_error(std::string_view text);

// Of standard error, or of the other descriptor that is given.
bool use_color(const Arguments& arguments, int descriptor = 2);

Json diagnostics_json(const Diagnostics& diagnostics, const Sources& sources);
// The object of a command that failed: status error, the exit code, the diagnostics.
Json failure(const std::string& model, const Diagnostics& diagnostics, const Sources& sources);
std::string dump(const Json& json);

// The messages so far as text; --quiet leaves notes out.
void show_diagnostics(const Arguments& arguments, const Session& session);

// Ends a command: prints the object (with --json) or the diagnostics, and gives the exit code.
int finish(const Arguments& arguments, const Session& session, const Json* result, int exit);

// Ends a command whose result is a text: to the file of -o, else to standard output, with --json in an object
// that names the stage.
int finish_text(const Arguments& arguments, Session& session, const std::string& stage,
                const std::string& text);

// Of --weights, else where training saves unless told otherwise; "" for a model without a file.
std::string weights_path(const Arguments& arguments);

// The model's text as the command line gives it, on its way; with a diagnostic where it cannot be read.
Session open_session(const Arguments& arguments);

// --time: the stages with their part of the whole.
std::string times_text(const Session& session);

// Says where a file that is about to be replaced has other names, which keep what it holds.
void warn_of_links(const std::string& path, Diagnostics& diagnostics);

// What -o may call it: "", "-" and its name, which cannot be replaced as files are.
bool is_standard_output(const std::string& path);

// A result to a file, or to standard output; false with a diagnostic where it cannot be written. That the
// file is no input was checked (run_files.h).
bool write_result(Session& session, const std::string& path, const std::string& text);

int run_new(const Arguments& arguments);
int run_train(const Arguments& arguments);
int run_predict(const Arguments& arguments);
int run_eval(const Arguments& arguments);
int run_plot(const Arguments& arguments);
int run_check(const Arguments& arguments);
int run_explain(const Arguments& arguments);
int run_explain_code(const Arguments& arguments);
int run_show(const Arguments& arguments);
int run_completion(const Arguments& arguments);
int run_help(const Arguments& arguments);
int run_cache(const Arguments& arguments);
int run_version(const Arguments& arguments);

}  // namespace slope
