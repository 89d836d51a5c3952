# What the CMakeLists.txt of a stage is written with. It declares everything that its folder
# contains; a source file that is declared nowhere is an error when the build is configured.
#
#   stage("one thread, select"     how this stage waits, in a few words
#     ONE_AT_A_TIME                it serves one client at a time
#     MAY_REFUSE                   it has a limit of its own for the number of clients
#     IDLE_CLIENTS 900             with that many the tour measures its memory (10000)
#     CALLS_SELECT                 itself, not through common/: see support/traced_select.hpp
#     STEP 90 20                   the most lines of echo_server.cpp that may be added to, and
#                                  removed from, those of the stage before (100 100)
#     SYSTEM Linux                 only there; elsewhere it is left out, with a line that says so
#     LIBRARY uring                only where this library is, and linked with it
#     WITHOUT_TSAN)                has no threads: nothing for the thread sanitizer
#   library(NAME...)               NAME.cpp: parts of a library that all programs of this folder
#                                  use, and that other folders can link
#   program(NAME [WEB])            NAME.cpp; WEB: uses common/web
#   wire_tests(NAME SUITE...)      the promises that the server NAME keeps: the test suites of
#     [WITHOUT_TSAN]               support/testing/wire_tests.cpp
#   sketch(SUITE...                echo_server.cpp once more, with the headers of sketch/, as
#     [BREAKS PROMISE...]          sketch_echo_server, and the promises that it keeps: all of the test
#     [LEAKS])                     suites but those test cases, and those it breaks every time. LEAKS:
#                                  memory, at its end
#   crawler_tests(NAME [WITHOUT_TSAN])
#   unit_tests(PROGRAM...)         tests.cpp, or tests/*.cpp; they start these programs
#   compiler_warns(NAME TEXT)      NAME.cpp compiles, with a warning that contains TEXT
#   compiler_cases(NAME)           NAME.cpp says what the compiler gets wrong, with an error where
#                                  that is not what is known of it; HAS_BRACED_LISTS, a macro, is
#                                  for the case that some compilers refuse
#   experiments(NAME... [SANITIZED])
#                                  experiments/NAME.cpp; SANITIZED: an error on purpose, which
#                                  AddressSanitizer finds
#   comparisons(NAME...)           experiments/NAME.cpp, built twice: with the headers of sketch/, and
#                                  with those of the stage
#   exercises(NAME...)             exercises/NAME.hpp, NAME_tests.cpp, solutions/NAME.hpp and
#                                  hints/NAME.md, from the easiest to the hardest; and the wrong
#                                  solutions that the tests have to find, wrong/*/NAME.hpp
#   no_data_race(NAME...)          the tests of these exercises run once more with ThreadSanitizer, where
#                                  there is one, as a test of that name

include(CheckCXXSourceCompiles)
set(CMAKE_REQUIRED_FLAGS -fsanitize=address)
check_cxx_source_compiles("int main() {}" HAVE_ADDRESS_SANITIZER) # Clang has it in a package of its own
set(CMAKE_REQUIRED_FLAGS -fsanitize=thread)
check_cxx_source_compiles("int main() {}" HAVE_THREAD_SANITIZER)
unset(CMAKE_REQUIRED_FLAGS)

string(FIND "${CMAKE_CXX_FLAGS}" "-fsanitize" SANITIZED)
if(SANITIZED EQUAL -1)
  set(SANITIZED OFF)
else()
  set(SANITIZED ON)
endif()
string(FIND "${CMAKE_CXX_FLAGS}" "-fsanitize=thread" THREAD_SANITIZED)
if(THREAD_SANITIZED EQUAL -1)
  set(THREAD_SANITIZED OFF)
else()
  set(THREAD_SANITIZED ON)
endif()

add_custom_target(experiments)
add_custom_target(exercises)
add_custom_target(wrong_solutions)
# What is not written yet uses nothing. A library, so that its options come after -Wextra.
add_library(unfinished INTERFACE)
target_compile_options(unfinished INTERFACE -Wno-unused-parameter
  $<$<CXX_COMPILER_ID:Clang,AppleClang>:-Wno-unused-private-field>)
target_compile_definitions(unfinished INTERFACE _GLIBCXX_ASSERTIONS) # a wrong index is an error
# Not optimised: whoever hangs is found by name, and what is done without a lock is really done.
target_compile_options(unfinished INTERFACE -O0)
target_link_options(unfinished INTERFACE -rdynamic) # keeps the names

# A macro, so that its return() leaves the CMakeLists.txt of a stage that is left out.
macro(stage way)
  get_filename_component(STAGE ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  cmake_parse_arguments(STAGE
    "ONE_AT_A_TIME;MAY_REFUSE;CALLS_SELECT;WITHOUT_TSAN" "IDLE_CLIENTS;SYSTEM;LIBRARY" "STEP"
    ${ARGN})
  if(STAGE_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR " ${STAGE}: stage() does not know ${STAGE_UNPARSED_ARGUMENTS}")
  endif()
  if(STAGE_SYSTEM AND NOT CMAKE_SYSTEM_NAME STREQUAL STAGE_SYSTEM)
    message(STATUS "${STAGE} is for ${STAGE_SYSTEM}: left out")
    return()
  endif()
  if(STAGE_LIBRARY)
    find_library(STAGE_LIBRARY_${STAGE_LIBRARY} ${STAGE_LIBRARY})
    if(NOT STAGE_LIBRARY_${STAGE_LIBRARY})
      message(STATUS "${STAGE} needs the library ${STAGE_LIBRARY}: left out")
      return()
    endif()
  endif()
  set(DECLARED CMakeLists.txt) # files, relative to the stage's folder
  set(EXERCISE_LABELS ${CMAKE_CURRENT_BINARY_DIR}/exercise_labels.cmake)
  file(WRITE ${EXERCISE_LABELS} "")
  list_stage("${way}")
  cmake_language(DEFER CALL finish_stage)
endmacro()

# Adds this stage to what support/testing/stages.cpp includes.
function(list_stage way)
  set(one_at_a_time false)
  if(STAGE_ONE_AT_A_TIME)
    set(one_at_a_time true)
  endif()
  set(may_refuse false)
  if(STAGE_MAY_REFUSE)
    set(may_refuse true)
  endif()
  if(NOT DEFINED STAGE_IDLE_CLIENTS)
    set(STAGE_IDLE_CLIENTS 10000)
  endif()
  if(NOT STAGE_STEP)
    set(STAGE_STEP 100 100)
  endif()
  list(JOIN STAGE_STEP ", " step)
  set_property(GLOBAL APPEND PROPERTY STAGES ${STAGE})
  set_property(GLOBAL APPEND_STRING PROPERTY STAGE_TABLE
    "{\"${STAGE}\", \"${way}\", ${one_at_a_time}, ${may_refuse}, ${STAGE_IDLE_CLIENTS}, ${step}},\n")
endfunction()

# When all of the stage's CMakeLists.txt has been read.
function(finish_stage)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS
    RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} *.cpp exercises/*.hpp)
  list(REMOVE_ITEM sources ${DECLARED})
  foreach(stray IN LISTS sources)
    message(SEND_ERROR " ${STAGE}/${stray} is declared nowhere: see ${STAGE}/CMakeLists.txt")
  endforeach()
  if(BUILD_TESTING)
    set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${EXERCISE_LABELS})
    add_transcripts(${STAGE} ${STAGE}/README.md 300)
  endif()
endfunction()

macro(library)
  set(sources ${ARGN})
  list(TRANSFORM sources APPEND .cpp)
  list(APPEND DECLARED ${sources})
  add_library(${STAGE} STATIC ${sources})
  target_include_directories(${STAGE} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${STAGE} PUBLIC common)
  set(STAGE_LIBRARY ${STAGE}) # what everything here is linked with
endmacro()

# NN_stage/NAME.cpp becomes build/PRESET/NN_stage/NAME
macro(program name)
  list(APPEND DECLARED ${name}.cpp)
  add_program(${name} ${ARGN})
endmacro()

function(add_program name)
  add_executable(${STAGE}_${name} ${name}.cpp)
  set_target_properties(${STAGE}_${name} PROPERTIES OUTPUT_NAME ${name})
  target_link_libraries(${STAGE}_${name} PRIVATE common ${STAGE_LIBRARY})
  if("WEB" IN_LIST ARGN)
    target_link_libraries(${STAGE}_${name} PRIVATE common_web)
  endif()
  if(STAGE_CALLS_SELECT)
    target_link_libraries(${STAGE}_${name} PRIVATE traced_select)
  endif()
endfunction()

# Whether a call without, or with, WITHOUT_TSAN among its arguments has tests in this build.
macro(if_tested result)
  set(${result} ${BUILD_TESTING})
  if(THREAD_SANITIZED AND (STAGE_WITHOUT_TSAN OR "WITHOUT_TSAN" IN_LIST ARGN))
    set(${result} OFF)
  endif()
endmacro()

# The programs of these tests serve all stages, so support/testing adds the tests in the end.
function(wire_tests name)
  if_tested(is_tested ${ARGN})
  if(is_tested)
    list(REMOVE_ITEM ARGN WITHOUT_TSAN)
    list(JOIN ARGN "," suites)
    set_property(GLOBAL APPEND PROPERTY WIRE_TESTS "${STAGE}|${name}|${suites}")
  endif()
endfunction()

# A copy, because beside the original #include "event_loop.hpp" would find the real header.
function(sketch)
  cmake_parse_arguments(SKETCH "LEAKS" "" "BREAKS" ${ARGN})
  configure_file(echo_server.cpp sketch/echo_server.cpp COPYONLY)
  add_executable(${STAGE}_sketch_echo_server ${CMAKE_CURRENT_BINARY_DIR}/sketch/echo_server.cpp)
  set_target_properties(${STAGE}_sketch_echo_server PROPERTIES OUTPUT_NAME sketch_echo_server)
  target_include_directories(${STAGE}_sketch_echo_server PRIVATE sketch)
  target_link_libraries(${STAGE}_sketch_echo_server PRIVATE common)
  if(BUILD_TESTING AND NOT THREAD_SANITIZED) # it has one thread
    list(JOIN SKETCH_UNPARSED_ARGUMENTS "," suites)
    list(JOIN SKETCH_BREAKS "," broken)
    set_property(GLOBAL APPEND PROPERTY SKETCH_TESTS "${STAGE}|${suites}|${broken}|${SKETCH_LEAKS}")
  endif()
endfunction()

function(crawler_tests name)
  if_tested(is_tested ${ARGN})
  if(is_tested)
    set_property(GLOBAL APPEND PROPERTY CRAWLER_TESTS "${STAGE}|${name}")
  endif()
endfunction()

macro(unit_tests)
  file(GLOB TESTS CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} tests.cpp tests/*.cpp)
  list(APPEND DECLARED ${TESTS})
  add_unit_tests(${ARGN})
endmacro()

function(add_unit_tests)
  if_tested(is_tested)
  if(is_tested)
    add_executable(${STAGE}_tests ${TESTS})
    target_link_libraries(${STAGE}_tests PRIVATE testing_main ${STAGE_LIBRARY})
    target_compile_definitions(${STAGE}_tests PRIVATE PROGRAMS="${CMAKE_CURRENT_BINARY_DIR}")
    foreach(program IN LISTS ARGN)
      add_dependencies(${STAGE}_tests ${STAGE}_${program})
    endforeach()
    add_doctests(${STAGE}_tests ${STAGE} ${STAGE})
  endif()
endfunction()

macro(compiler_warns name text)
  list(APPEND DECLARED ${name}.cpp)
  if(BUILD_TESTING AND NOT THREAD_SANITIZED)
    add_test(NAME "${STAGE}/the compiler warns of ${name}.cpp"
      COMMAND ${CMAKE_CXX_COMPILER} -std=c++20 -fsyntax-only -I${CMAKE_SOURCE_DIR}
        ${CMAKE_CURRENT_SOURCE_DIR}/${name}.cpp)
    set_tests_properties("${STAGE}/the compiler warns of ${name}.cpp" PROPERTIES
      LABELS ${STAGE}
      PASS_REGULAR_EXPRESSION "${text}")
  endif()
endmacro()

macro(compiler_cases name)
  list(APPEND DECLARED ${name}.cpp)
  add_compiler_cases(${name})
endmacro()

function(add_compiler_cases name)
  add_program(${name})
  set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
  try_compile(HAS_BRACED_LISTS ${CMAKE_CURRENT_BINARY_DIR}/braced_lists
    ${CMAKE_CURRENT_SOURCE_DIR}/${name}.cpp
    CMAKE_FLAGS -DINCLUDE_DIRECTORIES=${CMAKE_SOURCE_DIR}
    COMPILE_DEFINITIONS -DHAS_BRACED_LISTS
    CXX_STANDARD 20)
  if(HAS_BRACED_LISTS)
    target_compile_definitions(${STAGE}_${name} PRIVATE HAS_BRACED_LISTS)
  endif()
  if(BUILD_TESTING AND NOT THREAD_SANITIZED)
    add_test(NAME "${STAGE}/what the compiler gets wrong" COMMAND ${STAGE}_${name})
    set_tests_properties("${STAGE}/what the compiler gets wrong" PROPERTIES LABELS ${STAGE})
  endif()
endfunction()

# NN_stage/experiments/NAME.cpp becomes build/PRESET/NN_stage/experiments/NAME. Only the tests
# need all of them.
macro(experiments)
  foreach(name ${ARGN})
    if(NOT name STREQUAL "SANITIZED")
      list(APPEND DECLARED experiments/${name}.cpp)
      add_experiment(${name} ${ARGN})
    endif()
  endforeach()
endmacro()

function(add_experiment name)
  if(SANITIZED)
    return() # what an experiment shows is not what a sanitizer makes of it
  endif()
  if("SANITIZED" IN_LIST ARGN AND NOT HAVE_ADDRESS_SANITIZER)
    message(STATUS "without AddressSanitizer the experiment ${STAGE}/${name} is left out")
    return()
  endif()
  set(target ${STAGE}_experiment_${name})
  add_executable(${target} EXCLUDE_FROM_ALL experiments/${name}.cpp)
  add_dependencies(experiments ${target})
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME ${name}
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/experiments)
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${target} PRIVATE server_process ${STAGE_LIBRARY})
  target_compile_definitions(${target} PRIVATE PROGRAMS="${CMAKE_CURRENT_BINARY_DIR}")
  add_dependencies(${target} ${STAGE}_echo_server)
  if(TARGET ${STAGE}_sketch_echo_server)
    add_dependencies(${target} ${STAGE}_sketch_echo_server)
  endif()
  if("SANITIZED" IN_LIST ARGN)
    target_compile_options(${target} PRIVATE -fsanitize=address -fno-omit-frame-pointer -g -O1)
    target_link_options(${target} PRIVATE -fsanitize=address)
  endif()
endfunction()

# As experiments() does; ./tutorial experiment runs both.
macro(comparisons)
  foreach(name ${ARGN})
    list(APPEND DECLARED experiments/${name}.cpp)
    add_experiment(${name} ${ARGN})
    add_sketch_of_experiment(${name})
  endforeach()
endmacro()

function(add_sketch_of_experiment name)
  set(target ${STAGE}_experiment_${name})
  if(TARGET ${target})
    add_executable(${target}_sketch EXCLUDE_FROM_ALL experiments/${name}.cpp)
    set_target_properties(${target}_sketch PROPERTIES
      OUTPUT_NAME ${name}_sketch
      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/experiments)
    target_include_directories(${target}_sketch PRIVATE sketch)
    target_link_libraries(${target}_sketch PRIVATE server_process)
    target_compile_definitions(${target}_sketch PRIVATE
      SKETCH PROGRAMS="${CMAKE_CURRENT_BINARY_DIR}")
    add_dependencies(${target} ${target}_sketch)
  endif()
endfunction()

macro(exercises)
  foreach(name ${ARGN})
    list(APPEND DECLARED
      exercises/${name}.hpp exercises/${name}_tests.cpp exercises/solutions/${name}.hpp)
    file(GLOB wrong_solutions CONFIGURE_DEPENDS
      RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} exercises/wrong/*/${name}.hpp)
    list(APPEND DECLARED ${wrong_solutions})
    add_exercise(${name} ${wrong_solutions})
  endforeach()
endmacro()

function(add_exercise name)
  foreach(file ${name}.hpp ${name}_tests.cpp solutions/${name}.hpp hints/${name}.md)
    if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/exercises/${file})
      message(SEND_ERROR " the exercise ${STAGE}/${name} has no exercises/${file}")
    endif()
  endforeach()
  if(NOT ARGN)
    message(SEND_ERROR " the exercise ${STAGE}/${name} has no wrong solutions, exercises/wrong/*/${name}.hpp")
  endif()
  # Under the thread sanitizer they would double the time of a run that is for the stages' threads.
  if(NOT BUILD_TESTING OR THREAD_SANITIZED)
    return()
  endif()
  add_exercise_program(${name} exercise exercises SKIP_RETURN_CODE 77 TIMEOUT 20)
  target_link_libraries(${STAGE}_${name}_exercise PRIVATE unfinished)
  set_target_properties(${STAGE}_${name}_exercise PROPERTIES EXCLUDE_FROM_ALL ON)
  add_exercise_program(${name} solution exercises/solutions)
  if(NOT TARGET ${STAGE}_exercises)
    add_custom_target(${STAGE}_exercises)
    add_dependencies(exercises ${STAGE}_exercises)
  endif()
  add_dependencies(${STAGE}_exercises ${STAGE}_${name}_exercise)
  foreach(file IN LISTS ARGN)
    add_wrong_solution(${name} ${file})
  endforeach()
endfunction()

function(no_data_race)
  if(NOT BUILD_TESTING OR SANITIZED OR NOT HAVE_THREAD_SANITIZER)
    return()
  endif()
  foreach(name IN LISTS ARGN)
    add_race_test(${name} exercise exercises)
    add_race_test(${name} solution exercises/solutions)
  endforeach()
endfunction()

function(add_race_test name kind folder)
  set(program ${STAGE}_${name}_${kind}_races)
  add_race_program(${program} ${name} ${folder})
  add_dependencies(${STAGE}_${name}_${kind} ${program})
  append_race_test(${program} ${STAGE}/${kind}s/${name}/no\ data\ race "${STAGE};${kind}s")
endfunction()

function(add_race_program program name folder)
  add_executable(${program} EXCLUDE_FROM_ALL exercises/${name}_tests.cpp)
  target_include_directories(${program} PRIVATE
    ${CMAKE_CURRENT_SOURCE_DIR}/${folder} ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${program} PRIVATE exercise_main unfinished ${STAGE_LIBRARY})
  target_compile_options(${program} PRIVATE -fsanitize=thread -g)
  target_link_options(${program} PRIVATE -fsanitize=thread)
endfunction()

# --no-exitcode: tests that fail have been told already. "FATAL": not on this machine.
function(append_race_test program test_name labels) # [what it has to say]
  set(test_name "[==[${test_name}]==]")
  set(expected "")
  if(ARGN)
    set(expected "PASS_REGULAR_EXPRESSION [==[${ARGN}]==]")
  endif()
  file(APPEND ${EXERCISE_LABELS}
    "if(EXISTS [==[${CMAKE_CURRENT_BINARY_DIR}/${program}]==])\n"
    "  add_test(${test_name} [==[${CMAKE_SOURCE_DIR}/support/tutorial/sanitized]==]\n"
    "    [==[${CMAKE_CURRENT_BINARY_DIR}/${program}]==] --no-exitcode)\n"
    "  set_tests_properties(${test_name} PROPERTIES LABELS [==[${labels}]==]\n"
    "    TIMEOUT ${TEST_TIMEOUT} ENVIRONMENT TSAN_OPTIONS=halt_on_error=1\n"
    "    SKIP_RETURN_CODE 77 SKIP_REGULAR_EXPRESSION [==[FATAL: ThreadSanitizer]==] ${expected})\n"
    "endif()\n")
endfunction()

# A mistake that a student would make begins with
#   // Wrong: what is wrong
#   // Test: the test case that finds it, or: no data race
#   // Says: what that test has to print
# In sanitized programs the sanitizer would find some of them first.
function(add_wrong_solution name file)
  if(SANITIZED)
    return()
  endif()
  get_filename_component(folder ${file} DIRECTORY)
  get_filename_component(mistake ${folder} NAME)
  file(STRINGS ${file} head LIMIT_COUNT 3)
  if(NOT head MATCHES "^// Wrong: [^;]+;// Test: ([^;]+);// Says: ([^;]+)$")
    message(SEND_ERROR " ${STAGE}/${file} has to begin with three comments: Wrong, Test, Says")
  endif()
  set(test "${CMAKE_MATCH_1}")
  set(says "${CMAKE_MATCH_2}")
  string(REGEX REPLACE "([][+.*()^$?|])" "[\\1]" says "${says}")
  set(program ${STAGE}_${name}_wrong_${mistake})
  if(test STREQUAL "no data race")
    if(HAVE_THREAD_SANITIZER)
      add_race_program(${program} ${name} ${folder})
      add_dependencies(wrong_solutions ${program})
      append_race_test(${program} ${STAGE}/wrong/${name}/${mistake} "${STAGE};wrong"
        "ERROR: .*${says}")
    endif()
    return()
  endif()
  file(READ exercises/${name}_tests.cpp tests)
  string(FIND "${tests}" "TEST_CASE(\"${test}\")" place)
  if(place EQUAL -1)
    message(SEND_ERROR " ${STAGE}/${file} names a test case that there is not: ${test}")
  endif()
  string(REPLACE "," "\\," test "${test}")
  add_executable(${program} EXCLUDE_FROM_ALL exercises/${name}_tests.cpp)
  target_include_directories(${program} PRIVATE
    ${CMAKE_CURRENT_SOURCE_DIR}/${folder} ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${program} PRIVATE exercise_main unfinished ${STAGE_LIBRARY})
  add_dependencies(wrong_solutions ${program})
  # As with the starters: until they are built, CTest is not to know of them.
  set(test_name "[==[${STAGE}/wrong/${name}/${mistake}]==]")
  file(APPEND ${EXERCISE_LABELS}
    "if(EXISTS [==[${CMAKE_CURRENT_BINARY_DIR}/${program}]==])\n"
    "  add_test(${test_name} [==[${CMAKE_CURRENT_BINARY_DIR}/${program}]==]\n"
    "    [==[--test-case=${test}]==])\n"
    "  set_tests_properties(${test_name} PROPERTIES LABELS [==[${STAGE};wrong]==]\n"
    "    TIMEOUT ${TEST_TIMEOUT} PASS_REGULAR_EXPRESSION [==[ERROR: .*${says}]==])\n"
    "endif()\n")
endfunction()

# The same tests twice: with the starter, NN_stage/exercises/NAME.hpp, where they are skipped until
# the reader has written it, and with the solution. `doctest_discover_tests` knows only one label,
# so a file that CTest reads after its lists of tests sets them.
function(add_exercise_program name kind folder)
  set(program ${STAGE}_${name}_${kind})
  add_executable(${program} exercises/${name}_tests.cpp)
  target_include_directories(${program} PRIVATE
    ${CMAKE_CURRENT_SOURCE_DIR}/${folder} ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${program} PRIVATE exercise_main ${STAGE_LIBRARY})
  add_doctests(${program} ${STAGE} ${STAGE}/${kind}s/${name})
  # A starter is only built on request; until then CTest must not know of its tests.
  get_property(lists DIRECTORY PROPERTY TEST_INCLUDE_FILES)
  list(POP_BACK lists include)
  set_property(DIRECTORY PROPERTY TEST_INCLUDE_FILES ${lists})
  string(REPLACE "_include-" "_tests-" tests ${include})
  file(APPEND ${EXERCISE_LABELS}
    "if(EXISTS \"${tests}\")\n"
    "  include(\"${include}\")\n"
    "  foreach(test IN LISTS ${program}_TESTS)\n"
    "    set_tests_properties(\"\${test}\" PROPERTIES LABELS \"${STAGE};${kind}s\" ${ARGN})\n"
    "  endforeach()\n"
    "endif()\n")
endfunction()
