// Is linked with an echo_server.cpp that was compiled with -fsanitize-coverage=trace-pc: the
// compiler has then put a call of the function below at the beginning of each block, a piece of
// code that runs from its beginning to its end. It writes into the trace which block it was;
// and with each other event of the trace, from where in the program that has come.
#include "common/trace.hpp"

#include <array>
#include <cstdint>
#include <string>

#include <execinfo.h>

extern "C" void __sanitizer_cov_trace_pc();

namespace {

thread_local bool is_inside = false; // of what is below

// Addresses of code count from this function.
template <typename Address>
std::string relative(Address address) {
    return std::to_string(reinterpret_cast<std::intptr_t>(address) -
                          reinterpret_cast<std::intptr_t>(&__sanitizer_cov_trace_pc));
}

void note_stack() {
    if (is_inside) {
        return;
    }
    is_inside = true;
    std::array<void*, 100> stack{};
    int size = ::backtrace(stack.data(), static_cast<int>(stack.size()));
    std::string addresses;
    for (int i = 0; i < size; ++i) {
        addresses += relative(stack[static_cast<std::size_t>(i)]) + ' ';
    }
    trace::note("stack", "\"from\":\"" + addresses + '"');
    is_inside = false;
}

[[maybe_unused]] const bool is_set = [] {
    trace::before_event = note_stack;
    return true;
}();

} // namespace

// Compiled with frame pointers, as echo_server.cpp: a frame begins with the address of the
// frame of the caller and the address to return to.
extern "C" void __sanitizer_cov_trace_pc() {
    // The trace may use functions of the library that were compiled with echo_server.cpp.
    if (!is_tracing || is_inside || trace::is_writing) {
        return;
    }
    is_inside = true;
    auto** own = static_cast<void**>(__builtin_frame_address(0));
    auto** frame = static_cast<void**>(own[0]); // of the block's function
    trace::note("block", "\"at\":" + relative(own[1]) + ",\"frame\":" +
                             std::to_string(reinterpret_cast<std::uintptr_t>(frame)) +
                             ",\"from\":" + relative(frame[1]));
    is_inside = false;
}
