# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# slope_llvm: the parts of LLVM 19 that code generation needs, headers as system headers.
find_package(LLVM 19.1 REQUIRED CONFIG HINTS /usr/lib/llvm-19/lib/cmake/llvm)
add_library(slope_llvm INTERFACE)
target_include_directories(slope_llvm SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS})
separate_arguments(llvm_definitions NATIVE_COMMAND ${LLVM_DEFINITIONS})
target_compile_definitions(slope_llvm INTERFACE ${llvm_definitions})
if(SLOPE_LLVM_LINK STREQUAL "shared")
  target_link_libraries(slope_llvm INTERFACE LLVM)
else()
  llvm_map_components_to_libnames(llvm_libraries core native executionengine runtimedyld)
  target_link_libraries(slope_llvm INTERFACE ${llvm_libraries})
endif()
