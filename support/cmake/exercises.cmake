# The exercises of a stage, as its CMakeLists.txt declares them.
#
#   exercises(NAME...)             exercises/NAME.hpp, NAME_tests.cpp, solutions/NAME.hpp and
#                                  hints/NAME.md, from the easiest to the hardest; and the mutants,
#                                  wrong/NAME/MISTAKE.patch: mistakes that the tests have to find
#   no_data_race(NAME...)          the tests of these exercises run once more with ThreadSanitizer,
#                                  where the compiler has one
#
# Each becomes a CTest test: STAGE/solutions/NAME, and, built on request and run with
# `ctest -C exercises` and `ctest -C wrong`, STAGE/exercises/NAME and STAGE/wrong/NAME/MISTAKE.

find_program(PATCH patch)
if(NOT PATCH)
  message(STATUS "without the program patch the wrong solutions are left out")
endif()

add_custom_target(exercises)
add_custom_target(solutions)
add_custom_target(wrong_solutions)
# What is not written yet uses nothing. A library, so that its options come after -Wextra.
add_library(unfinished INTERFACE)
target_compile_options(unfinished INTERFACE -Wno-unused-parameter
  $<$<CXX_COMPILER_ID:Clang,AppleClang>:-Wno-unused-private-field>)
target_compile_definitions(unfinished INTERFACE _GLIBCXX_ASSERTIONS) # a wrong index is an error
# Not optimized: a function that hangs is found by name, and what is done without a lock is really done.
target_compile_options(unfinished INTERFACE -O0)
target_link_options(unfinished INTERFACE -rdynamic) # keeps the names

macro(exercises)
  foreach(name ${ARGN})
    file(GLOB patches CONFIGURE_DEPENDS
      RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} exercises/wrong/${name}/*.patch)
    set(files
      exercises/${name}.hpp exercises/${name}_tests.cpp exercises/solutions/${name}.hpp ${patches})
    list(APPEND DECLARED ${files})
    foreach(file ${files} exercises/hints/${name}.md)
      if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${file})
        message(SEND_ERROR " the exercise ${STAGE}/${name} has no ${file}")
      endif()
    endforeach()
    if(NOT patches)
      message(SEND_ERROR " the exercise ${STAGE}/${name} has no exercises/wrong/${name}/*.patch")
    endif()
    if(BUILD_TESTING AND NOT ONLY_TESTS)
      add_exercise(${name} "${patches}")
    endif()
  endforeach()
endmacro()

function(add_exercise name patches)
  add_exercise_program(${STAGE}_${name}_exercise ${name} exercises)
  target_link_libraries(${STAGE}_${name}_exercise PRIVATE unfinished)
  add_exercise_test(exercises ${name} ${STAGE}_${name}_exercise)
  add_exercise_program(${STAGE}_${name}_solution ${name} exercises/solutions)
  set_target_properties(${STAGE}_${name}_solution PROPERTIES EXCLUDE_FROM_ALL OFF)
  add_exercise_test(solutions ${name} ${STAGE}_${name}_solution)
  if(NOT TARGET ${STAGE}_exercises)
    add_custom_target(${STAGE}_exercises)
    add_dependencies(exercises ${STAGE}_exercises)
  endif()
  add_dependencies(${STAGE}_exercises ${STAGE}_${name}_exercise)
  add_dependencies(solutions ${STAGE}_${name}_solution)
  if(PATCH AND NOT SANITIZED) # a sanitizer would find some of the mistakes first
    foreach(patch IN LISTS patches)
      add_wrong_solution(${name} ${patch})
    endforeach()
  endif()
endfunction()

function(add_exercise_program program name folder)
  add_executable(${program} EXCLUDE_FROM_ALL exercises/${name}_tests.cpp)
  target_include_directories(${program} PRIVATE ${folder} ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${program} PRIVATE exercise_main ${STAGE_LIBRARY})
endfunction()

# Of what is built on request CTest must not know without -C, or it would fail.
function(add_exercise_test kind name) # COMMAND...
  set(only "")
  if(NOT kind STREQUAL "solutions")
    set(only CONFIGURATIONS ${kind})
  endif()
  add_test(NAME ${STAGE}/${kind}/${name} ${only} COMMAND ${ARGN})
  set_tests_properties(${STAGE}/${kind}/${name} PROPERTIES
    LABELS "${STAGE};${kind}" TIMEOUT ${TEST_TIMEOUT} SKIP_RETURN_CODE 77)
endfunction()

function(no_data_race)
  if(BUILD_TESTING AND NOT ONLY_TESTS AND HAVE_THREAD_SANITIZER AND NOT SANITIZED)
    foreach(name IN LISTS ARGN)
      foreach(kind exercise solution)
        set(program ${STAGE}_${name}_${kind})
        get_target_property(folders ${program} INCLUDE_DIRECTORIES)
        list(GET folders 0 folder)
        add_race_test(${kind}s "${name}/no data race" ${program}_races ${name} ${folder})
        add_dependencies(${program} ${program}_races)
      endforeach()
    endforeach()
  endif()
endfunction()

# --no-exitcode: tests that fail have been told already. "FATAL": not on this machine.
function(add_race_test kind test program name folder)
  add_exercise_program(${program} ${name} ${folder})
  target_link_libraries(${program} PRIVATE unfinished)
  target_compile_options(${program} PRIVATE -fsanitize=thread -g)
  target_link_options(${program} PRIVATE -fsanitize=thread)
  add_exercise_test(${kind} ${test}
    ${CMAKE_SOURCE_DIR}/support/tutorial/sanitized $<TARGET_FILE:${program}> --no-exitcode)
  set_tests_properties(${STAGE}/${kind}/${test} PROPERTIES
    ENVIRONMENT TSAN_OPTIONS=halt_on_error=1 SKIP_REGULAR_EXPRESSION "FATAL: ThreadSanitizer")
endfunction()

# The solution with a mistake that a student would make. Its patch begins with
#   Wrong: what is wrong
#   Test: the test case that finds it, or: no data race
#   Says: what that test has to print
function(add_wrong_solution name patch)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${patch})
  file(STRINGS ${patch} head LIMIT_COUNT 3)
  if(NOT head MATCHES "^Wrong: [^;]+;Test: ([^;]+);Says: ([^;]+)$")
    message(SEND_ERROR " ${STAGE}/${patch} has to begin with three lines: Wrong, Test, Says")
  endif()
  set(test_case "${CMAKE_MATCH_1}")
  string(REGEX REPLACE "([][+.*()^$?|])" "[\\1]" says "${CMAKE_MATCH_2}")

  get_filename_component(mistake ${patch} NAME_WE)
  set(test ${name}/${mistake})
  set(program ${STAGE}_${name}_wrong_${mistake})
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/wrong/${test})
  file(MAKE_DIRECTORY ${folder})
  set(solution ${CMAKE_CURRENT_SOURCE_DIR}/exercises/solutions/${name}.hpp)
  set(patch ${CMAKE_CURRENT_SOURCE_DIR}/${patch})
  add_custom_command(OUTPUT ${folder}/${name}.hpp DEPENDS ${solution} ${patch}
    COMMAND ${PATCH} -s -F 0 -o ${folder}/${name}.hpp -i ${patch} ${solution})
  if(test_case STREQUAL "no data race")
    if(NOT HAVE_THREAD_SANITIZER)
      return()
    endif()
    add_race_test(wrong ${test} ${program} ${name} ${folder})
  else()
    file(READ exercises/${name}_tests.cpp tests)
    string(FIND "${tests}" "TEST_CASE(\"${test_case}\")" place)
    if(place EQUAL -1)
      message(SEND_ERROR " ${patch} names a test case that does not exist: ${test_case}")
    endif()
    add_exercise_program(${program} ${name} ${folder})
    target_link_libraries(${program} PRIVATE unfinished)
    string(REPLACE "," "\\," test_case "${test_case}") # to doctest a comma separates two names
    add_exercise_test(wrong ${test} ${program} "--test-case=${test_case}")
  endif()
  target_sources(${program} PRIVATE ${folder}/${name}.hpp)
  add_dependencies(wrong_solutions ${program})
  set_tests_properties(${STAGE}/wrong/${test} PROPERTIES PASS_REGULAR_EXPRESSION "ERROR: .*${says}")
endfunction()
