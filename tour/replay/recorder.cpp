// Is linked with an echo_server.cpp that was compiled with -fsanitize-coverage=trace-pc: the
// compiler has then put a call of the function below at the beginning of each block, a piece of
// code that runs from its beginning to its end. It writes into the trace which block it was.
#include "common/trace.hpp"

#include <cstdint>
#include <string>

extern "C" void __sanitizer_cov_trace_pc();

// Compiled with frame pointers, as echo_server.cpp: a frame begins with the address of the
// frame of the caller and the address to return to. Addresses of code count from this function.
extern "C" void __sanitizer_cov_trace_pc() {
    // The trace may use functions of the library that were compiled with echo_server.cpp.
    static thread_local bool is_inside = false;
    if (!is_tracing || is_inside) {
        return;
    }
    is_inside = true;
    auto address = [](const std::uintptr_t* where) {
        return static_cast<std::intptr_t>(*where) -
               reinterpret_cast<std::intptr_t>(&__sanitizer_cov_trace_pc);
    };
    auto* own = static_cast<const std::uintptr_t*>(__builtin_frame_address(0));
    auto* frame = reinterpret_cast<const std::uintptr_t*>(own[0]); // of the block's function
    trace::note("block", "\"at\":" + std::to_string(address(&own[1])) +
                             ",\"frame\":" + std::to_string(own[0]) +
                             ",\"from\":" + std::to_string(address(&frame[1])));
    is_inside = false;
}
