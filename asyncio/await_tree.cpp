#include "await_tree.hpp"

#include "task.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace {

std::string to_text(const SourceLocation& location) {
    if (location.line == 0) {
        return "has not started";
    }
    std::string file = location.file;
    file.erase(0, file.rfind('/') + 1); // the name only; all of it where there is no '/'
    return std::string(location.function) + "  " + file + ":" + std::to_string(location.line);
}

} // namespace

void print_await_tree(EventLoop& loop, std::ostream& out) {
    const auto& tasks = tasks_of(loop);
    std::map<const FutureState*, std::uint64_t> numbers;
    for (const auto& [number, task] : tasks) {
        numbers[&task->as_future()] = number;
    }
    out << "await tree of " << tasks.size() << (tasks.size() == 1 ? " task\n" : " tasks\n");
    for (const auto& [number, task] : tasks) {
        std::vector<const CoroutinePromise*> stack;
        for (auto* frame = task->innermost(); frame != nullptr; frame = frame->awaited_by) {
            stack.push_back(frame);
        }
        out << "Task-" << number << '\n';
        std::string indent;
        for (auto frame = stack.rbegin(); frame != stack.rend(); ++frame) {
            indent += "  ";
            out << indent << to_text((*frame)->awaits_at) << '\n';
        }
        const Suspension* suspension = task->suspension();
        if (suspension != nullptr && numbers.contains(suspension->awaited_future())) {
            out << indent << "  Task-" << numbers.at(suspension->awaited_future()) << '\n';
        }
    }
    out << std::flush;
}
