# The Markdown files show code and transcripts; here they are compared with the code and the
# programs, in builds with all tests.

find_package(Python3 3.9 COMPONENTS Interpreter)
if(Python3_FOUND)
  set(PROSE ${CMAKE_SOURCE_DIR}/support/prose)
else()
  message(STATUS "without Python 3 the Markdown files are not checked")
endif()

function(add_prose_test name) # add_prose_test NAME SCRIPT [ARGUMENT...]
  if(PROSE AND NOT ONLY_TESTS)
    list(POP_FRONT ARGN script)
    add_test(NAME "prose/${name}" COMMAND ${Python3_EXECUTABLE} ${PROSE}/${script} ${ARGN})
    set_tests_properties("prose/${name}" PROPERTIES LABELS prose SKIP_RETURN_CODE 77)
  endif()
endfunction()

# Runs the commands of a document. Programs with a sanitizer print more, so not with them.
function(add_transcripts label file timeout)
  if(PROSE AND NOT SANITIZED AND NOT ONLY_TESTS AND EXISTS ${CMAKE_SOURCE_DIR}/${file})
    get_filename_component(name ${file} NAME)
    add_test(NAME "${label}/transcripts of ${name}"
      COMMAND ${Python3_EXECUTABLE} ${PROSE}/transcripts.py
        ${CMAKE_BINARY_DIR} ${CMAKE_SOURCE_DIR}/${file})
    set_tests_properties("${label}/transcripts of ${name}" PROPERTIES
      LABELS ${label}
      TIMEOUT ${timeout})
  endif()
endfunction()

add_prose_test("code is shown as it is" fill.py --check)
add_prose_test("each header is built up line by line" built.py)
add_prose_test("links lead somewhere" links.py)
add_prose_test("spelling" spelling.py)
add_prose_test("each question has its answer" quiz.py)
add_prose_test("the guide agrees with the slides" guide.py)
add_prose_test("editors find the programs" editor.py ${CMAKE_BINARY_DIR})
if(TEST "prose/spelling") # these look at style only
  set_tests_properties("prose/spelling" "prose/editors find the programs" PROPERTIES LABELS "prose;lint")
endif()
# These take long, and no compiler changes what they look at: only with GCC.
if(PROSE AND NOT SANITIZED AND NOT ONLY_TESTS AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_test(NAME "prose/the site in a browser"
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/support/site/site_tests.py
      ${CMAKE_BINARY_DIR}/site_pictures)
  add_test(NAME "prose/what is wrong with a slide is seen"
    COMMAND ${Python3_EXECUTABLE} ${PROSE}/deck_tests.py)
  set_tests_properties("prose/the site in a browser" "prose/what is wrong with a slide is seen" PROPERTIES
    LABELS browser SKIP_RETURN_CODE 77 TIMEOUT 600)
endif()
add_transcripts(prose README.md 60)
