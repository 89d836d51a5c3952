// A file for the trace of a server, gone at the end.
#pragma once

#include "support/testing/server_process.hpp"

#include <filesystem>
#include <stdexcept>
#include <string>

#include <fcntl.h>
#include <stdlib.h>

struct TraceFile {
    std::string path = std::filesystem::temp_directory_path() / "echo_trace_XXXXXX";
    Descriptor file{::mkstemp(path.data())};

    TraceFile() {
        if (file.get() == -1) {
            throw std::runtime_error("cannot make a file for the trace: " + path);
        }
        ::fcntl(file.get(), F_SETFD, FD_CLOEXEC);
    }
    ~TraceFile() { std::filesystem::remove(path); }
    TraceFile(const TraceFile&) = delete;
    TraceFile& operator=(const TraceFile&) = delete;
};
