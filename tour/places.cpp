#include "tour/places.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string_view>

#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

namespace {

namespace fs = std::filesystem;

fs::path build_folder;

fs::path own_program([[maybe_unused]] const char* name) {
#if defined(__linux__)
    return fs::read_symlink("/proc/self/exe");
#elif defined(__APPLE__)
    std::array<char, 4096> path{};
    auto size = static_cast<std::uint32_t>(path.size());
    if (::_NSGetExecutablePath(path.data(), &size) == 0) {
        return fs::canonical(path.data());
    }
    return fs::canonical(name);
#else
    return fs::canonical(name);
#endif
}

std::string trimmed(const std::string& line) {
    std::size_t first = line.find_first_not_of(" \t\r");
    return first == std::string::npos ? "" : line.substr(first);
}

bool is_code(const std::string& line) {
    std::string text = trimmed(line);
    return !text.empty() && !text.starts_with("//") && !text.starts_with("using ");
}

} // namespace

void locate_programs(const char* tour) {
    build_folder = own_program(tour).parent_path(); // BUILD/tour, or a folder in it
    while (build_folder.filename() != "tour") {
        build_folder = build_folder.parent_path();
    }
    build_folder = build_folder.parent_path();
}

std::string program_of(const Stage& stage) {
    return build_folder / stage.name / "echo_server";
}

bool starts_accepting(const std::string& line) {
    bool is_definition = !line.empty() && line.front() != ' ' && line.back() == '{';
    return is_definition && (line.find(" echo_server(") != std::string::npos ||
                             line.find(" accept_client(") != std::string::npos ||
                             line.find(" accept_clients(") != std::string::npos);
}

std::string recorded_program_of(const Stage& stage) {
    return build_folder / "tour" / "replay" / stage.name / "echo_server";
}

std::optional<std::size_t> count_handler_lines(const Stage& stage) {
    std::ifstream source(fs::path(SOURCE_DIR) / stage.name / "echo_server.cpp");
    std::size_t count = 0;
    for (std::string line; std::getline(source, line);) {
        if (starts_accepting(line)) {
            return count;
        }
        if (line.starts_with("#include")) {
            count = 0;
        } else if (is_code(line)) {
            ++count;
        }
    }
    return std::nullopt;
}
