# Finds doctest, or downloads it, and makes CTest tests of its test cases.

find_package(doctest QUIET)
if(NOT doctest_FOUND AND NOT FETCHCONTENT_SOURCE_DIR_DOCTEST)
  find_package(Git QUIET)
  if(GIT_FOUND) # asks first, because a failing download prints pages
    execute_process(
      COMMAND ${GIT_EXECUTABLE} ls-remote https://github.com/doctest/doctest.git v2.4.11
      TIMEOUT 10 RESULT_VARIABLE unreachable OUTPUT_QUIET ERROR_QUIET)
  endif()
  if(NOT GIT_FOUND OR unreachable)
    message(FATAL_ERROR " doctest is missing: 'apt-get install doctest-dev', "
      "'brew install doctest', or build without tests: -DBUILD_TESTING=OFF")
  endif()
endif()
include(FetchContent)
set(DOCTEST_NO_INSTALL ON)
FetchContent_Declare(doctest SYSTEM
  GIT_REPOSITORY https://github.com/doctest/doctest.git
  GIT_TAG v2.4.11
  FIND_PACKAGE_ARGS) # the installed one, where there is one: then nothing is downloaded
FetchContent_MakeAvailable(doctest)
if(doctest_SOURCE_DIR)
  list(APPEND CMAKE_MODULE_PATH ${doctest_SOURCE_DIR}/scripts/cmake)
endif()
include(doctest)

# In front of doctest's own header: see doctest/doctest.h there.
get_target_property(DOCTEST doctest::doctest ALIASED_TARGET)
if(NOT DOCTEST) # it is the installed one
  set(DOCTEST doctest::doctest)
endif()
target_include_directories(${DOCTEST}
  SYSTEM BEFORE INTERFACE ${CMAKE_SOURCE_DIR}/support/testing)

set(TEST_TIMEOUT 60)
if(CMAKE_CXX_FLAGS MATCHES "-fsanitize")
  set(TEST_TIMEOUT 300)
endif()

# If it is set: the test programs that are built. There are no other tests then.
set(ONLY_TESTS "" CACHE STRING "A list of test programs; empty: all of them, and all other tests")

# One CTest test for each doctest test case, named PREFIX/... Fails if a name selects no test case,
# and on what a sanitizer finds in the server; is skipped if it says so and nothing fails. Two calls
# for one target must differ in `ARGN`.
function(add_doctests target label prefix)
  if(ONLY_TESTS AND NOT target IN_LIST ONLY_TESTS)
    return()
  endif()
  doctest_discover_tests(${target} ${ARGN}
    TEST_PREFIX "${prefix}/"
    PROPERTIES
      LABELS ${label}
      TIMEOUT ${TEST_TIMEOUT}
      SKIP_REGULAR_EXPRESSION "MESSAGE: skipped: .*Status: SUCCESS|io_uring is not available"
      FAIL_REGULAR_EXPRESSION "test cases: +0 |runtime error: |ERROR: [A-Za-z]+Sanitizer")
endfunction()
