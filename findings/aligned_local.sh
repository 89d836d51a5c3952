#!/bin/sh
# Clang 14.0.6: a local variable of a coroutine whose type is alignas(64).
#
# Guess: it is aligned to 64 bytes, as in any function.
# What happens: a coroutine's variables are in its frame, and the frame comes from the plain
# operator new, whose memory is aligned to 16 bytes. So the variable has its alignment only by
# chance, without a warning. What relies on it, such as vector instructions, may fail. GCC 12.2
# and 16.2 and Clang 23.1 do the same; from Clang 15 on there is -fcoro-aligned-allocation. In
# older ones, keep such a type behind a std::unique_ptr. (Here the promise has an operator new of
# its own that leaves nothing to chance: its memory is aligned to 16 bytes and no more.)
#
# Seen in November 2026, twice:
#     in a function: aligned
#     in a coroutine: not aligned
#
# Needs Debian 12 (apt-get) with g++-12, whose library and linker it uses. Status 1: it is
# different now; 77: one of these is missing.
set -eu
for tool in apt-get dpkg-deb g++-12; do
    command -v "$tool" > /dev/null || { echo "skipped: no $tool"; exit 77; }
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

apt-get download -qq -o APT::Sandbox::User=root clang-14=1:14.0.6-12 libclang-cpp14=1:14.0.6-12 \
    libllvm14=1:14.0.6-12 libclang-common-14-dev=1:14.0.6-12 > apt.log 2>&1 ||
    { cat apt.log; echo "skipped: this version of Clang cannot be installed"; exit 77; }
for package in ./*.deb; do
    dpkg-deb -x "$package" root
done

cat > aligned.cpp << 'END'
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstdio>

alignas(64) char memory[4096];

struct Job {
    struct promise_type {
        static void* operator new(std::size_t) { return memory + 16; }
        static void operator delete(void*) {}
        Job get_return_object() { return {}; }
        std::suspend_never initial_suspend() { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
};

struct alignas(64) Line {
    char bytes[64];
};

void look(const char* where, const Line* line) {
    volatile std::uintptr_t address = reinterpret_cast<std::uintptr_t>(line);
    std::printf("%s: %s\n", where, address % 64 == 0 ? "aligned" : "not aligned");
}

void function() {
    Line line{};
    look("in a function", &line);
}

Job coroutine() {
    Line line{};
    co_await std::suspend_never{};
    look("in a coroutine", &line);
}

int main() {
    function();
    coroutine();
}
END
llvm=$(dirname "$(find root -name 'libLLVM-14.so.1' | head -n 1)")
LD_LIBRARY_PATH=$llvm root/usr/lib/llvm-14/bin/clang --driver-mode=g++ -std=c++20 -O0 \
    aligned.cpp -o aligned
./aligned | tee seen

cat > expected << 'END'
in a function: aligned
in a coroutine: not aligned
END
diff expected seen
