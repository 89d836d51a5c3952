// Which operands of co_await does the compiler at hand get wrong? Some compilers translate what
// is right C++ into a program that does something else; the README has the list. Each case runs
// in a process of its own, because it may crash.
//
// It ends with status 1 if a compiler that we know does not do what the README says of it.
#include "coroutine.hpp"
#include "task.hpp"

#include <functional>
#include <iostream>
#include <string>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

// ---- what the cases are made of

// Notices if it was copied byte by byte, without its constructor: then it is not where it was
// made.
class Placed {
  public:
    Placed() = default;
    Placed(const Placed&) {}
    Placed& operator=(const Placed&) { return *this; }
    ~Placed() { was_moved = was_moved || place_ != this; }

    static inline bool was_moved = false;

  private:
    const Placed* place_ = this;
};

struct Job {
    Placed name;
    int takes;
};

Coroutine<bool> yes() {
    co_return true;
}

Coroutine<bool> no() {
    co_return false;
}

Coroutine<bool> count(int& calls) {
    ++calls;
    co_return true;
}

Coroutine<void> take(Placed) {
    co_return;
}

Coroutine<void> put(Job) {
    co_return;
}

Coroutine<void> call(std::function<void()> function) {
    function();
    co_return;
}

void use(bool) {}

// ---- the cases: each returns whether all is well

Coroutine<bool> condition() {
    if (co_await yes()) {
        co_return true;
    }
    co_return false;
}

Coroutine<bool> condition_of_a_loop() {
    int calls = 0;
    bool is_ready = false;
    while (is_ready && co_await count(calls)) {
    }
    co_return calls == 0;
}

Coroutine<bool> one_of_two_awaits() {
    int calls = 0;
    bool is_first = true;
    use(is_first ? co_await count(calls) : co_await count(calls));
    co_return calls == 1;
}

Coroutine<bool> one_of_two_coroutines() {
    bool is_first = true;
    bool result = co_await (is_first ? yes() : no());
    co_return result;
}

Coroutine<bool> one_of_two_arguments() {
    Placed placed;
    bool is_first = false;
    co_await take(is_first ? placed : Placed());
    co_return !Placed::was_moved;
}

Coroutine<bool> braces() {
    co_await put({Placed(), 1});
    co_return !Placed::was_moved;
}

Coroutine<bool> captures() {
    Placed placed;
    co_await call([placed] { static_cast<void>(placed); });
    co_return !Placed::was_moved;
}

struct Case {
    const char* operand;
    Coroutine<bool> (*run)();
};

constexpr Case CASES[] = {
    {"if (co_await f())", condition},
    {"while (ready && co_await f())", condition_of_a_loop},
    {"use(first ? co_await f() : co_await g())", one_of_two_awaits},
    {"co_await (first ? f() : g())", one_of_two_coroutines},
    {"co_await f(first ? a : b + c)", one_of_two_arguments},
    {"co_await f({name, takes})", braces},
    {"co_await f([name] { ... })", captures},
};

// ---- running them

Coroutine<void> judge(const Case& the_case, bool& is_well) {
    is_well = co_await the_case.run();
}

bool is_right(const Case& the_case) {
    pid_t child = ::fork();
    if (child == 0) {
        ::dup2(::open("/dev/null", O_WRONLY), STDERR_FILENO); // what is said of the crash
        ::alarm(20);
        bool is_well = false;
        create_task(judge(the_case, is_well)); // no case waits: it has ended now, or never will
        ::_exit(is_well ? 0 : 1);
    }
    int status = 1;
    return ::waitpid(child, &status, 0) == child && status == 0;
}

#if defined(__clang__)
const std::string COMPILER = "Clang " + std::to_string(__clang_major__);
#else
const std::string COMPILER = "GCC " + std::to_string(__GNUC__);
#endif

int main() {
    int wrong = 0;
    int right = 0;
    for (const Case& the_case : CASES) {
        bool is_well = is_right(the_case);
        ++(is_well ? right : wrong);
        std::cout << (is_well ? "right  " : "WRONG  ") << the_case.operand << std::endl;
    }
    std::cout << COMPILER << " gets " << wrong << " of " << wrong + right << " wrong\n";
    if (wrong == 0) {
        std::cout << "With " + COMPILER + " the advice of the README is not needed.\n";
    }
    bool is_surprise =
        (COMPILER == "GCC 12" && right > 0) || (COMPILER == "Clang 14" && wrong > 0);
    if (is_surprise) {
        std::cout << "The README says otherwise of " + COMPILER + ".\n";
    }
    return is_surprise ? 1 : 0;
}
