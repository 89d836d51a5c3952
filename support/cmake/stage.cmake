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
#     THREADS)                     it has threads: its programs are run under the thread sanitizer
#   library(NAME...)               NAME.cpp: parts of a library that all programs of this folder
#                                  use, and that other folders can link
#   program(NAME [WEB])            NAME.cpp; WEB: uses common/web
#   wire_tests(NAME SUITE...       what the server NAME guarantees: the test suites of
#     [EXCEPT PATTERN]             support/testing/wire_tests.cpp, without these test cases,
#     [ENVIRONMENT NAME=VALUE])    and with this in its environment
#   crawler_tests(NAME)            what every crawler does: support/testing/crawler_tests.cpp
#   unit_tests(PROGRAM...)         tests.cpp, or tests/*.cpp; they start these programs
#   compiler_warns(NAME TEXT)      NAME.cpp compiles, with a warning that contains TEXT
#   compiler_cases(NAME)           NAME.cpp says what the compiler gets wrong, with an error where
#                                  that is not what is known of it
#   experiments(NAME... [SANITIZED] [NEEDS LIBRARY])
#                                  experiments/NAME.cpp; SANITIZED: an error on purpose, which
#                                  AddressSanitizer finds; NEEDS: only where LIBRARY is built
#   build_it()                     build_it/steps.cpp shows what each step of "Build it" has added
#   exercises(NAME...), no_data_race(NAME...)
#                                  see exercises.cmake

include(CheckCXXSourceCompiles)
set(CMAKE_REQUIRED_FLAGS -fsanitize=address)
check_cxx_source_compiles("int main() {}" HAVE_ADDRESS_SANITIZER) # Clang has it in a package of its own
set(CMAKE_REQUIRED_FLAGS -fsanitize=thread)
check_cxx_source_compiles("int main() {}" HAVE_THREAD_SANITIZER)
unset(CMAKE_REQUIRED_FLAGS)

set(SANITIZED OFF)
set(THREAD_SANITIZED OFF)
if(CMAKE_CXX_FLAGS MATCHES "-fsanitize")
  set(SANITIZED ON)
endif()
if(CMAKE_CXX_FLAGS MATCHES "-fsanitize=thread")
  set(THREAD_SANITIZED ON)
endif()

add_custom_target(experiments)
include(exercises)

macro(stage way)
  get_filename_component(STAGE ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  cmake_parse_arguments(STAGE
    "ONE_AT_A_TIME;MAY_REFUSE;CALLS_SELECT;THREADS" "IDLE_CLIENTS" "STEP"
    ${ARGN})
  if(STAGE_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR " ${STAGE}: stage() does not know ${STAGE_UNPARSED_ARGUMENTS}")
  endif()
  set(DECLARED CMakeLists.txt) # files, relative to the stage's folder
  set(STAGE_LIBRARY "")
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
    RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} *.cpp exercises/*.hpp exercises/*.patch)
  list(REMOVE_ITEM sources ${DECLARED})
  list(FILTER sources EXCLUDE REGEX "^completion/") # has a CMakeLists.txt of its own
  foreach(stray IN LISTS sources)
    message(SEND_ERROR " ${STAGE}/${stray} is declared nowhere: see ${STAGE}/CMakeLists.txt")
  endforeach()
  if(BUILD_TESTING)
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

# Whether the programs of this stage have tests in this build.
macro(if_tested result)
  set(${result} ${BUILD_TESTING})
  if(THREAD_SANITIZED AND NOT STAGE_THREADS)
    set(${result} OFF)
  endif()
endmacro()

# The programs of these tests serve all stages, so support/testing adds the tests in the end.
function(wire_tests name)
  if_tested(is_tested)
  cmake_parse_arguments(WIRE "" "EXCEPT;ENVIRONMENT" "" ${ARGN})
  if(WIRE_EXCEPT)
    set(WIRE_EXCEPT "--test-case-exclude=${WIRE_EXCEPT}")
  endif()
  if(WIRE_ENVIRONMENT)
    set(WIRE_ENVIRONMENT "--server-env=${WIRE_ENVIRONMENT}")
  endif()
  if(is_tested)
    list(JOIN WIRE_UNPARSED_ARGUMENTS "," suites)
    set_property(GLOBAL APPEND PROPERTY WIRE_TESTS
      "${STAGE}|${name}|${suites}|${WIRE_EXCEPT}|${WIRE_ENVIRONMENT}")
  endif()
endfunction()

function(crawler_tests name)
  if_tested(is_tested)
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
  if(BUILD_TESTING)
    add_executable(${STAGE}_tests ${TESTS})
    target_include_directories(${STAGE}_tests PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
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
  if(BUILD_TESTING AND NOT ONLY_TESTS)
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
  if(BUILD_TESTING AND NOT ONLY_TESTS)
    add_test(NAME "${STAGE}/what the compiler gets wrong" COMMAND ${STAGE}_${name})
    set_tests_properties("${STAGE}/what the compiler gets wrong" PROPERTIES LABELS ${STAGE})
  endif()
endfunction()

# NN_stage/experiments/NAME.cpp becomes build/PRESET/NN_stage/experiments/NAME. Only the tests
# need all of them.
macro(experiments)
  cmake_parse_arguments(EXPERIMENT "SANITIZED" "NEEDS" "" ${ARGN})
  foreach(name ${EXPERIMENT_UNPARSED_ARGUMENTS})
    list(APPEND DECLARED experiments/${name}.cpp)
    add_experiment(${name})
  endforeach()
endmacro()

function(add_experiment name)
  if(SANITIZED)
    return() # what an experiment shows is not what a sanitizer makes of it
  endif()
  if(EXPERIMENT_NEEDS AND NOT TARGET ${EXPERIMENT_NEEDS})
    return() # it has said why
  endif()
  if(EXPERIMENT_SANITIZED AND NOT HAVE_ADDRESS_SANITIZER)
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
  target_link_libraries(${target} PRIVATE server_process ${EXPERIMENT_NEEDS} ${STAGE_LIBRARY})
  target_compile_definitions(${target} PRIVATE PROGRAMS="${CMAKE_CURRENT_BINARY_DIR}")
  add_dependencies(${target} ${STAGE}_echo_server)
  if(EXPERIMENT_SANITIZED)
    target_compile_options(${target} PRIVATE -fsanitize=address -fno-omit-frame-pointer -g -O1)
    target_link_options(${target} PRIVATE -fsanitize=address)
  endif()
endfunction()

# The program that ./tutorial build-it compares a reader's headers with.
macro(build_it)
  list(APPEND DECLARED build_it/steps.cpp)
  add_build_it()
endmacro()

function(add_build_it)
  set(target ${STAGE}_steps)
  add_executable(${target} EXCLUDE_FROM_ALL build_it/steps.cpp)
  set_target_properties(${target} PROPERTIES OUTPUT_NAME steps)
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${target} PRIVATE common)
  if(BUILD_TESTING AND PROSE AND NOT SANITIZED AND NOT ONLY_TESTS)
    set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL OFF)
    add_test(NAME "${STAGE}/build it, step by step"
      COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/support/testing/build_it_tests.py
        ${STAGE} ${CMAKE_BINARY_DIR})
    set_tests_properties("${STAGE}/build it, step by step" PROPERTIES LABELS ${STAGE} TIMEOUT 600)
  endif()
endfunction()
