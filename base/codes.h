// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every kind of diagnostic: its number, the exit code it leads to (0: it is a warning or a note, never an
// error), and what it is in a line. docs/errors.md has a page on each. S01xx syntax, S02xx names and types,
// S03xx shapes, S04xx numbers and training, S05xx data, S06xx state files, S07xx limits, S08xx the command
// line and the operating system.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace slope {

namespace exit_code {
inline constexpr int done = 0, model = 1, usage = 2, data = 3, diverged = 4, system = 5, limit = 6, state = 7,
                     internal = 70;
}

// X(enumerator, number, exit code, title)
#define SLOPE_CODES(X)                                                                   \
  /* syntax */                                                                           \
  X(expected, 101, model, "something else was expected here")                            \
  X(bad_number, 102, model, "a number that cannot be read")                              \
  X(number_too_large, 103, model, "a number too large for any float")                    \
  X(number_underflow, 104, done, "a number so small that it became 0")                   \
  X(unclosed, 105, model, "a bracket or text that is never closed")                      \
  X(bad_character, 106, model, "a character the language does not have")                 \
  X(not_a_statement, 107, model, "a line that begins with no statement")                 \
  X(foreign_operator, 108, model, "an operator of another language")                     \
  X(misplaced_form, 109, model, "a form that is not allowed in this place")              \
  X(unmatched, 110, model, "a closing bracket without an opening one")                   \
  /* names and types */                                                                  \
  X(unknown_name, 201, model, "a name that nothing defines")                             \
  X(unknown_function, 202, model, "a function that nothing defines")                     \
  X(defined_twice, 203, model, "a second definition of one name")                        \
  X(wrong_arguments, 204, model, "a call whose arguments do not fit the function")       \
  X(wrong_kind, 205, model, "a value of another kind is needed here")                    \
  X(unknown_option, 206, model, "an option that does not exist")                         \
  X(no_loss, 207, model, "a model without a loss")                                       \
  X(no_target, 208, model, "no single column to predict")                                \
  X(nothing_to_train, 209, model, "no parameter reaches the loss")                       \
  X(unused_parameter, 210, done, "a parameter that does not reach the loss")             \
  X(assumed_names, 211, done, "names the short form declared by itself")                 \
  X(hides_prelude, 212, done, "a definition that hides a name of the prelude")           \
  X(recursion, 213, model, "a function that calls itself")                               \
  X(not_constant, 214, model, "a value that must be known before the data are read")     \
  X(unused_column, 215, done, "a column that nothing reads")                             \
  X(option_like_name, 216, done, "an unused definition named like an option")            \
  X(no_dependence, 217, done, "a derivative by a name that the value does not use")      \
  X(standardized_target, 218, done, "a target that is standardized")                     \
  X(unknown_label, 219, model, "a label that the column does not have")                  \
  X(compares_code, 220, done, "a number compared with the code of a class")              \
  X(no_state, 221, model, "`:=` of what is no state")                                    \
  X(no_derivative, 222, model, "a statistic without a derivative in training")           \
  X(not_yet, 290, model, "part of the language that this version cannot compile yet")    \
  /* shapes */                                                                           \
  X(loss_not_a_number, 301, model, "a loss that is not one number")                      \
  X(shapes_differ, 302, model, "shapes that do not line up")                             \
  X(predict_reduces_rows, 303, model, "a prediction that depends on other rows")         \
  /* numbers and training */                                                             \
  X(bad_option_value, 401, model, "an option whose value does not fit")                  \
  X(diverged, 402, diverged, "a training run whose loss is no longer a finite number")   \
  X(not_finite_at_start, 403, diverged, "a loss that is no finite number at the start")  \
  X(zero_gradient, 404, done, "a gradient that is exactly 0 at the start")               \
  X(unstable_rate, 405, done, "a rate at which gradient descent cannot converge")        \
  X(kink, 406, done, "a derivative at a point where an operation has none")              \
  X(wrong_derivative, 407, model, "a derivative that is not that of the loss")           \
  X(sum_of_batch, 408, done, "a loss that sums over the rows of a batch")                \
  X(going_in_circles, 409, done, "a training whose steps go in a circle")                \
  X(random_prediction, 411, done, "a prediction with random numbers in it")              \
  X(no_rate, 412, model, "a rate that `auto` cannot find")                               \
  X(chosen_rate, 413, done, "a rate that `auto` found")                                  \
  X(stopped_early, 414, done, "a run that patience ended")                               \
  X(rose, 415, diverged, "a training that ended above its start")                        \
  X(not_settled, 416, done, "a training that ended far from a minimum")                  \
  X(batch_of_one, 417, done, "a reduction over rows in a batch of few")                  \
  X(wrong_optimizer, 420, model, "a loss that an optimizer is not made for")             \
  X(not_converged, 421, diverged, "an optimizer that ended before a minimum was proven") \
  X(redundant_parameters, 422, done, "parameters that others make up for")               \
  X(not_finite_result, 430, done, "a result that is no finite number")                   \
  /* data */                                                                             \
  X(no_such_column, 501, data, "a column the data file does not have")                   \
  X(bad_cell, 502, data, "a cell that holds no number")                                  \
  X(missing_cell, 503, data, "an empty cell")                                            \
  X(bad_row, 504, data, "a row with too few or too many cells")                          \
  X(unclosed_quote, 505, data, "a quoted cell that is never closed")                     \
  X(no_rows, 506, data, "a data file without rows")                                      \
  X(bad_header, 507, data, "a header that cannot be used")                               \
  X(rows_differ, 508, data, "data files with different numbers of rows")                 \
  X(bad_data_file, 509, data, "a data file in a form that is not read")                  \
  X(cell_too_large, 510, data, "a cell too large for the model's numbers")               \
  X(no_data, 511, data, "a model whose data file is not known")                          \
  X(dropped_rows, 512, done, "rows left out because a cell is missing")                  \
  X(bad_label, 513, data, "labels that are not the classes of the column")               \
  X(bad_index, 514, data, "an index that is no whole number in its range")               \
  X(constant_column, 515, done, "a column that is the same in every row")                \
  X(digits_lost, 516, done, "whole numbers with more digits than the model's numbers")   \
  /* state files */                                                                      \
  X(damaged_state, 601, state, "a state file that is damaged or none at all")            \
  X(other_model, 602, state, "a state file of another model")                            \
  X(init_differs, 603, done, "parameters that only the model or only the file has")      \
  X(resume_differs, 604, done, "a run resumed with other data or options")               \
  X(nothing_to_resume, 605, done, "a run that is finished already")                      \
  X(other_formula, 606, done, "weights of a model with another formula")                 \
  /* limits */                                                                           \
  X(too_deep, 701, limit, "nested too deeply")                                           \
  X(too_many_operations, 702, limit, "more operations than one program may have")        \
  X(too_large, 703, limit, "an input too large")                                         \
  /* the command line and the operating system */                                        \
  X(usage, 801, usage, "a command line that cannot be understood")                       \
  X(cannot_open, 802, system, "a file that cannot be opened or read")                    \
  X(cannot_write, 803, system, "a file that cannot be written")                          \
  X(interpreted, 804, done, "a system that does not let generated code run")             \
  X(linked_output, 805, done, "an output that has other names")

enum class Code : std::uint16_t {
#define X(name, number, exit, title) name = number,
  SLOPE_CODES(X)
#undef X
};

inline constexpr struct CodeEntry {
  Code code;
  int exit;
  std::string_view name, title;
} code_table[] = {
#define X(name, number, exit, title) {Code::name, exit_code::exit, #name, title},
    SLOPE_CODES(X)
#undef X
};
#undef SLOPE_CODES

constexpr const CodeEntry& entry(Code code) {
  for (const CodeEntry& e : code_table)
    if (e.code == code) return e;
  return code_table[0];
}

// "S0302"
std::string to_string(Code code);

}  // namespace slope
