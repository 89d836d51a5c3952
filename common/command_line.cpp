#include "common/command_line.hpp"

#include "common/log.hpp"
#include "common/selector.hpp"

#include <charconv>
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <system_error>

namespace {

std::string usage(bool has_loop) {
    std::string text = "usage: echo_server [--host HOST] [--port PORT] [--quiet]";
    text += has_loop ? " [--selector NAME] [--debug]\n" : "\n";
    text += "  --host HOST      address to listen on (127.0.0.1)\n"
            "  --port PORT      port to listen on, 0 for any free one (8888)\n"
            "  --quiet          no log lines about clients\n";
    if (has_loop) {
        text += "  --selector NAME  how to wait:";
        for (const std::string& name : selector_names()) {
            text += " " + name;
        }
        text += "\n  --debug          says which callback has held the event loop for long\n";
    }
    return text + "  --help           this text\n";
}

[[noreturn]] void exit_with_usage(const std::string& problem, bool has_loop) {
    std::cerr << "echo_server: " << problem << '\n' << usage(has_loop);
    std::exit(2);
}

bool parse_port(std::string_view text, std::uint16_t& port) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc() && end == text.data() + text.size();
}

LoopServerOptions parse(int argc, char** argv, bool has_loop) {
    LoopServerOptions options;
    for (int i = 1; i < argc; ++i) {
        std::string option = argv[i];
        if (option == "--help") {
            std::cout << usage(has_loop);
            std::exit(0);
        }
        if (option == "--quiet") {
            set_quiet(true);
            continue;
        }
        if (has_loop && option == "--debug") {
            set_debug_mode(true);
            continue;
        }
        bool is_known =
            option == "--host" || option == "--port" || (has_loop && option == "--selector");
        if (!is_known) {
            exit_with_usage("unknown argument '" + option + "'", has_loop);
        }
        if (i + 1 == argc) {
            exit_with_usage("a value is missing after " + option, has_loop);
        }
        std::string value = argv[++i];
        if (option == "--host") {
            options.host = value;
        } else if (option == "--port") {
            if (!parse_port(value, options.port)) {
                exit_with_usage("'" + value + "' is not a port (0 to 65535)", has_loop);
            }
        } else {
            options.selector = value;
            if (!is_selector_name(value)) {
                exit_with_usage("there is no selector '" + value + "' here", has_loop);
            }
        }
    }
    return options;
}

} // namespace

ServerOptions parse_server_options(int argc, char** argv) {
    return parse(argc, argv, false);
}

LoopServerOptions parse_loop_server_options(int argc, char** argv) {
    return parse(argc, argv, true);
}
