#include "common/log.hpp"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

namespace {

std::atomic<bool> is_quiet = false;
std::atomic<bool> is_debug = false;

} // namespace

void log_listening(std::string_view address) {
    std::signal(SIGPIPE, SIG_IGN); // see log_line
    std::string line = "listening on " + std::string(address) + "\n";
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fflush(stdout);
}

void log_line(std::string_view who, std::string_view what) {
    if (!is_quiet) {
        std::string line = std::string(who) + " " + std::string(what) + "\n";
        std::fwrite(line.data(), 1, line.size(), stderr); // unbuffered: one write
    }
}

void log_exception(std::string_view where) {
    std::string line = std::string(where) + ": ";
    try {
        throw;
    } catch (const std::exception& error) {
        line += error.what();
    } catch (...) {
        line += "an exception that is not a std::exception";
    }
    line += "\n";
    std::fwrite(line.data(), 1, line.size(), stderr);
}

void set_quiet(bool quiet) {
    is_quiet = quiet;
}

void set_debug_mode(bool enabled) {
    is_debug = enabled;
}

bool is_debug_mode() {
    return is_debug;
}
