# dbn_library(NAME SOURCES ... [PUBLIC ...] [PRIVATE ...] [TORCH])
# One static library per folder, deepbindnet_NAME with the alias deepbindnet::NAME. TORCH: its sources include torch
# and share one precompiled header.
function(dbn_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TORCH" "" "SOURCES;PUBLIC;PRIVATE")
  set(target deepbindnet_${name})
  add_library(${target} STATIC ${arg_SOURCES})
  add_library(deepbindnet::${name} ALIAS ${target})
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(${target} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
  dbn_compile_options(${target})
  if(arg_TORCH)
    dbn_use_torch(${target})
  endif()
endfunction()

# Warnings and sanitizers for a target of ours.
function(dbn_compile_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wno-unused-parameter)
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_compile_options(${target} PRIVATE -Wthread-safety -Werror=thread-safety)
  endif()
  if(DEEPBINDNET_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${DEEPBINDNET_SANITIZE} -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${DEEPBINDNET_SANITIZE})
  endif()
endfunction()

# Links LibTorch and precompiles its header, once for all.
function(dbn_use_torch target)
  target_link_libraries(${target} PUBLIC torch)
  if(target STREQUAL "deepbindnet_compute")
    target_precompile_headers(${target} PRIVATE <torch/torch.h>)
  else()
    target_precompile_headers(${target} REUSE_FROM deepbindnet_compute)
  endif()
endfunction()

# dbn_executable(NAME SOURCES ... [LIBRARIES ...]) puts bin/NAME.
function(dbn_executable name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES")
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES})
  dbn_compile_options(${name})
endfunction()

# dbn_test(NAME SOURCES ... LIBRARIES ... [TORCH] [ENVIRONMENT ...] [LABELS ...]) makes one GoogleTest program; CTest
# sees each of its tests.
function(dbn_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TORCH" "TIMEOUT" "SOURCES;LIBRARIES;ENVIRONMENT;LABELS")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} GTest::gmock GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  dbn_compile_options(${name})
  if(arg_TORCH)
    dbn_use_torch(${name})
  endif()
  include(GoogleTest)
  gtest_discover_tests(${name}
    TEST_PREFIX "${name}/"
    DISCOVERY_MODE PRE_TEST
    PROPERTIES TIMEOUT ${arg_TIMEOUT} ENVIRONMENT "${arg_ENVIRONMENT}" LABELS "${arg_LABELS}")
endfunction()
