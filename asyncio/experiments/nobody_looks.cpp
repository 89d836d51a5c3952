// Experiment: an exception is set in a Future, and no code asks for the result. Then the same
// with code that asks.
#include "event_loop.hpp"
#include "future.hpp"

#include <exception>
#include <iostream>
#include <memory>
#include <stdexcept>

int main() {
    EventLoop loop;
    int reports = 0;
    loop.set_exception_handler([&reports](const ExceptionContext& context) {
        ++reports;
        std::cout << "  the loop reports: " << context.message << '\n';
    });
    auto error = std::make_exception_ptr(std::runtime_error("the cable is cut"));

    std::cout << "nobody looks\n";
    {
        Future<int> first(loop);
        {
            Future<int> second = first; // a copy: another handle of the same Future
            second.set_exception(error);
            std::cout << "  the exception is set; reports: " << reports << '\n';
        }
        std::cout << "  one of the two handles has gone; reports: " << reports << '\n';
    }
    std::cout << "  the last handle has gone; reports: " << reports << '\n';

    reports = 0;
    std::cout << "somebody looks\n";
    {
        Future<int> future(loop);
        future.set_exception(error);
        try {
            future.result();
        } catch (const std::exception& caught) {
            std::cout << "  result() throws: " << caught.what() << '\n';
        }
    }
    std::cout << "  the last handle has gone; reports: " << reports << '\n';
}
