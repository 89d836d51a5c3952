// Experiment: two generators of one function, by turns. They stop in the middle of a loop, and
// there they are destroyed.
#include "generator.hpp"

#include <iostream>
#include <string>

struct Local { // says when it goes
    std::string name;
    ~Local() { std::cout << "the local variable of " << name << " is destroyed\n"; }
};

Generator<std::string> count(std::string name) {
    Local local{name};
    for (int i = 1; i <= 10; ++i) {
        co_yield name + " " + std::to_string(i);
    }
    std::cout << name << " has come to the end\n";
}

int main() {
    {
        Generator<std::string> ann = count("Ann");
        Generator<std::string> bob = count("Bob");
        std::cout << "two calls, and now next() by turns\n";
        std::cout << ann.next().value() << '\n';
        std::cout << ann.next().value() << '\n';
        std::cout << bob.next().value() << '\n';
        std::cout << ann.next().value() << '\n';
    }
    std::cout << "both generators have gone\n";
}
