#include "loop_thread.hpp"

#include "run.hpp"

#include <cstdlib>
#include <exception>

LoopThread::~LoopThread() {
    loop_.call_soon_threadsafe([this] { main_.cancel(); });
    thread_.join();
}

void LoopThread::run() {
    std::exception_ptr error;
    try {
        run_until_complete<void>(loop_, main_);
    } catch (const CancelledError&) { // by the destructor
    } catch (...) {
        error = std::current_exception();
    }
    cancel_all_tasks(loop_);
    ended_.state()->loop().call_soon_threadsafe([ended = ended_, error] {
        if (ended.done()) { // cancelled: the program ends
            return;
        }
        error ? ended.set_exception(error) : ended.set_result();
    });
}

int number_of_loops() {
    const char* wanted = std::getenv("LOOPS");
    return wanted != nullptr ? std::atoi(wanted)
                             : static_cast<int>(std::thread::hardware_concurrency());
}
