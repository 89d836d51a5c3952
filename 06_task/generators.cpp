// The generator lessons, one after the other: what a generator is before a Task drives it. Each
// lesson prints its name and then what its Python original prints.
#include "generator.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <unistd.h>

using Text = std::optional<std::string>; // std::nullopt is Python's None

std::string or_none(const Text& text) {
    return text.value_or("None");
}

// Python's list(generator): asks until nothing more comes.
template <typename Yield, typename Send, typename Return>
std::vector<Yield> list(Generator<Yield, Send, Return> generator) {
    std::vector<Yield> values;
    while (std::optional<Yield> value = generator.next()) {
        values.push_back(std::move(*value));
    }
    return values;
}

// ---- 1. A generator stops at each co_yield and goes on when it is asked ---------------------

Generator<std::string> simple_gen() {
    co_yield "hello";
    co_yield "world";
}

void hello_world() {
    Generator<std::string> gen = simple_gen(); // nothing has run yet
    std::cout << gen.next().value() << '\n';
    std::cout << gen.next().value() << '\n';
}

// ---- 2. co_yield has a value: what the caller sends in --------------------------------------

Generator<std::string, std::string> coro() {
    std::string hello = co_yield "hello";
    co_yield hello;
}

void value_sent_in() {
    auto c = coro();
    std::cout << c.next().value() << '\n';
    std::cout << c.send("world").value() << '\n';
}

// ---- 3. Priming: before its first co_yield a generator cannot be sent anything --------------

// Python's priming decorator: runs a new generator to its first co_yield.
template <typename Yield, typename Send, typename Return>
Generator<Yield, Send, Return> primed(Generator<Yield, Send, Return> generator) {
    generator.next();
    return generator;
}

void priming() {
    auto not_primed = coro();
    try {
        not_primed.send("world");
    } catch (const std::logic_error& error) {
        std::cout << error.what() << '\n';
    }
    auto c = primed(coro());
    std::cout << c.send("world").value() << '\n';
}

// ---- 4. Delegation: values pass through both ways, and the sub-generator returns one --------

Generator<std::string, std::string, std::string> coro1() {
    std::string word = co_yield "hello";
    co_yield word;
    co_return word;
}

Generator<std::string, std::string> coro2() {
    std::string result = co_yield elements_of(coro1());
    std::cout << "coro2 result " << result << '\n';
}

void delegation() {
    auto c2 = coro2();
    std::cout << c2.next().value() << '\n';
    std::cout << c2.send("world").value() << '\n';
    c2.send(""); // coro1 ends, then coro2
}

// ---- 5. The same sequence by two loops, and by delegation -----------------------------------

using Element = std::variant<char, int>;

Generator<Element> by_loops() {
    for (char c : {'A', 'B'}) {
        co_yield c;
    }
    for (int i = 1; i < 3; ++i) {
        co_yield i;
    }
}

Generator<Element> letters(std::string text) {
    for (char c : text) {
        co_yield c;
    }
}

Generator<Element> range(int begin, int end) {
    for (int i = begin; i < end; ++i) {
        co_yield i;
    }
}

Generator<Element> by_delegation() {
    co_yield elements_of(letters("AB"));
    co_yield elements_of(range(1, 3));
}

void print(const std::vector<Element>& elements) {
    std::string line;
    for (const Element& element : elements) {
        line += line.empty() ? "[" : ", ";
        if (const char* c = std::get_if<char>(&element)) {
            line += std::string("'") + *c + "'";
        } else {
            line += std::to_string(std::get<int>(element));
        }
    }
    std::cout << line << "]\n";
}

void ab12() {
    print(list(by_loops()));
    print(list(by_delegation()));
}

// ---- 6. A generator that only takes ---------------------------------------------------------

Generator<std::monostate, Text> grep(std::string pattern) {
    std::cout << "Searching for " << pattern << '\n';
    while (true) {
        Text line = co_yield std::monostate();
        if (!line) {
            std::cout << "you send None\n";
        } else if (line->find(pattern) != std::string::npos) {
            std::cout << *line << '\n';
        }
    }
}

void grep_lines() {
    auto search = grep("coroutine");
    search.next();
    search.send(std::nullopt);
    search.send("test");
    search.send("test coroutine");
}

// ---- 7. A generator that never ends: the lines that are appended to a file ------------------

Generator<std::string> follow(std::ifstream file) {
    std::string line;
    while (true) {
        if (std::getline(file, line)) {
            co_yield line;
        } else { // nothing new yet
            file.clear();
            file.seekg(0, std::ios::cur); // libc++ reads on only after this
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
    }
}

void follow_file() {
    std::filesystem::path path = std::filesystem::temp_directory_path() /
                                 ("follow-" + std::to_string(::getpid()) + ".log");
    std::ofstream log(path);
    log << "an old line" << std::endl;
    auto lines = follow(std::ifstream(path, std::ios::ate)); // at the end: only what is new
    std::thread writer([&log] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50)); // follow is waiting by then
        log << "hello" << std::endl;
    });
    std::cout << lines.next().value() << '\n';
    writer.join();
    log << "hello again" << std::endl;
    std::cout << lines.next().value() << '\n';
    std::filesystem::remove(path);
}

// ---- 8. Two generators become one -----------------------------------------------------------

Generator<Element, void, Text> generator2() {
    co_yield elements_of(range(0, 10));
    co_return std::nullopt; // what a Python function returns that returns nothing
}

Generator<Element> generator() {
    Text x = co_yield elements_of(generator2());
    std::cout << "return value of yield-from: " << or_none(x) << '\n';
    co_yield elements_of(range(10, 20));
}

void composed() {
    print(list(generator()));
}

// ---- 9. A generator that yields and returns -------------------------------------------------

Generator<Element, Text, std::string> gen_fn() {
    Text result = co_yield 1;
    std::cout << "result of yield: " << or_none(result) << '\n';
    Text result2 = co_yield 2;
    std::cout << "result of 2nd yield: " << or_none(result2) << '\n';
    co_return "done";
}

Generator<Element, Text> caller_fn() {
    std::string rv = co_yield elements_of(gen_fn());
    std::cout << "return value of yield-from: " << rv << '\n';
}

void yield_and_return() {
    print(list(caller_fn()));
}

// ---- 10. An exception that is thrown in ----------------------------------------------------

Generator<std::string> carry_on() {
    while (true) {
        try {
            co_yield "waiting";
        } catch (const std::runtime_error& error) {
            std::cout << "caught: " << error.what() << '\n';
        }
    }
}

// Python's throw(): the co_yield where the generator stands throws. What it does not catch
// comes out again. This is how a Task tells a handler that what it waits for has failed.
void thrown_in() {
    auto generator = carry_on();
    std::cout << generator.next().value() << '\n';
    auto error = std::make_exception_ptr(std::runtime_error("connection reset"));
    std::cout << generator.throw_in(error).value() << '\n';
    try {
        generator.throw_in(std::make_exception_ptr(std::logic_error("something else")));
    } catch (const std::logic_error& exception) {
        std::cout << "not caught: " << exception.what() << '\n';
    }
    std::cout << (generator.done() ? "it has ended\n" : "it goes on\n");
}

// ---- 11. An object that yields itself: this is how a Future lets a Task wait for it ---------

struct Test {
    Generator<Test*, void, bool> iterate() {
        co_yield this;
        co_return true;
    }
};

Generator<Test*, void, bool> test(Test& object) {
    bool x = co_yield elements_of(object.iterate());
    std::cout << (x ? "True" : "False") << '\n';
    co_return x;
}

void yields_itself() {
    Test object;
    std::vector<Test*> yielded = list(test(object));
    bool is_the_object = yielded == std::vector{&object};
    std::cout << (is_the_object ? "[<Test object>]" : "something else") << '\n';
}

int main() {
    std::pair<const char*, void (*)()> lessons[] = {
        {"hello, world", hello_world},
        {"the value sent in", value_sent_in},
        {"priming", priming},
        {"delegation with a return value", delegation},
        {"AB12, both ways", ab12},
        {"grep", grep_lines},
        {"follow", follow_file},
        {"composed generators", composed},
        {"yield and return", yield_and_return},
        {"an exception that is thrown in", thrown_in},
        {"an object that yields itself", yields_itself},
    };
    for (const auto& [name, lesson] : lessons) {
        std::cout << "--- " << name << '\n';
        lesson();
    }
}
