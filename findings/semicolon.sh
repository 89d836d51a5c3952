#!/bin/sh
# doctest 2.4.9 with CTest 3.25.1: a test case with a semicolon in its name.
#
# Guess: doctest_discover_tests lists it under its name, and CTest reports that it fails.
# What happens: a semicolon separates the elements of a list in CMake, so CTest finds two tests,
# "a" and "b". Each runs the program with a filter that matches no test case. To doctest that is
# a success, and so CTest says that all tests have passed. The case itself runs in none of them.
#
# Seen in November 2026, twice:
#     the program alone: status 1
#     1/2 a: Passed
#     2/2 b: Passed
#     100% tests passed, 0 tests failed out of 2
#
# Needs Debian 12 (apt-get), cmake and a C++ compiler. Status 1: it is different now; 77: a tool
# is missing.
set -eu
for tool in apt-get dpkg-deb cmake ctest c++; do
    command -v "$tool" > /dev/null || { echo "skipped: no $tool"; exit 77; }
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

apt-get download -qq -o APT::Sandbox::User=root doctest-dev=2.4.9~ds-1 > apt.log 2>&1 ||
    { cat apt.log; echo "skipped: this version of doctest cannot be installed"; exit 77; }
dpkg-deb -x doctest-dev_*.deb root

cat > tests.cpp << 'END'
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

TEST_CASE("a; b") { CHECK(1 == 2); }
END
cat > CMakeLists.txt << 'END'
cmake_minimum_required(VERSION 3.25)
project(semicolon CXX)
enable_testing()
include(root/usr/lib/cmake/doctest/doctest.cmake)
add_executable(tests tests.cpp)
target_include_directories(tests PRIVATE root/usr/include)
doctest_discover_tests(tests)
END
cmake -S . -B build > build.log && cmake --build build >> build.log

status=0
build/tests > /dev/null || status=$?
{
    echo "the program alone: status $status"
    ctest --test-dir build | sed -n \
        -e 's,^ *\([0-9]*/[0-9]*\) Test *#[0-9]*:  *\([^ ]*\) [. ]*\([A-Z][a-z]*\).*,\1 \2: \3,p' \
        -e '/tests passed/p'
} | tee seen

cat > expected << 'END'
the program alone: status 1
1/2 a: Passed
2/2 b: Passed
100% tests passed, 0 tests failed out of 2
END
diff expected seen
