// Which operands of co_await does the compiler at hand get wrong? Some compilers translate what
// is right C++ into a program that does something else; the README has the list. Each case runs
// in a process of its own, because it may crash.
//
// Its last line is the row of the compiler at hand in the table of the README. It ends with
// status 1 if that compiler is in the table, and its row there is another one.
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

// `co_return ready && co_await f()`, in a coroutine of its own.
Coroutine<bool> both(bool is_ready, int& calls) {
    co_return (is_ready && co_await count(calls));
}

Coroutine<bool> second_of_two() {
    int calls = 0;
    co_await both(false, calls);
    co_return calls == 0;
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

// In the order of the README.
constexpr Case CASES[] = {
    {"if (co_await f())", condition},
    {"while (ready && co_await f())", condition_of_a_loop},
    {"co_return ready && co_await f()", second_of_two},
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

// ---- the row of the compiler at hand

#if defined(__clang__)
const std::string NAME = "Clang";
constexpr int MAJOR = __clang_major__;
constexpr int MINOR = __clang_minor__;
#else
const std::string NAME = "GCC";
constexpr int MAJOR = __GNUC__;
constexpr int MINOR = __GNUC_MINOR__;
#endif

// What the README says of this compiler: a mark for each case; empty if it is not in the table.
std::string known_row() {
    if (NAME == "Clang") {
        return MAJOR >= 14 && MAJOR <= 23 ? "rrrrrrrr" : "";
    }
    return MAJOR == 12 ? "WWWWWWWW" : MAJOR >= 13 && MAJOR <= 16 ? "rWWWrrrr" : "";
}

int main() {
    std::string row; // 'r' is right, 'W' is wrong
    std::string table = "| " + NAME + " " + std::to_string(MAJOR) + "." + std::to_string(MINOR);
    for (const Case& the_case : CASES) {
        bool is_well = is_right(the_case);
        row += is_well ? 'r' : 'W';
        table += is_well ? " | right" : " | WRONG";
        std::cout << (is_well ? "right  " : "WRONG  ") << the_case.operand << std::endl;
    }
    std::cout << table << " |\n";
    bool is_surprise = !known_row().empty() && known_row() != row;
    if (is_surprise) {
        std::cout << "The README says otherwise of this compiler.\n";
    }
    return is_surprise ? 1 : 0;
}
