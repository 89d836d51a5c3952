#include "common/command_line.hpp"

#include "common/log.hpp"
#include "common/selector.hpp"

#include <charconv>
#include <cstdlib>
#include <iostream>
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
        text += "\n  --debug          asyncio/ only: says which callback has held the loop for "
                "long\n";
    }
    return text + "  --help           this text\n";
}

std::uint16_t parse_port(const Arguments& arguments, const std::string& text) {
    std::uint16_t port = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size()) {
        arguments.fail("'" + text + "' is not a port (0 to 65535)");
    }
    return port;
}

std::string parse_selector(const Arguments& arguments, const std::string& name) {
    if (!is_selector_name(name)) {
        arguments.fail("there is no selector '" + name + "' here");
    }
    return name;
}

LoopServerOptions parse(int argc, char** argv, bool has_loop) {
    LoopServerOptions options;
    Arguments arguments(argc, argv, "echo_server", usage(has_loop));
    while (std::optional<std::string> option = arguments.next()) {
        if (*option == "--quiet") {
            set_quiet(true);
        } else if (*option == "--host") {
            options.host = arguments.value_of(*option);
        } else if (*option == "--port") {
            options.port = parse_port(arguments, arguments.value_of(*option));
        } else if (has_loop && *option == "--selector") {
            options.selector = parse_selector(arguments, arguments.value_of(*option));
        } else if (has_loop && *option == "--debug") {
            set_debug_mode(true);
        } else {
            arguments.fail("unknown argument '" + *option + "'");
        }
    }
    return options;
}

} // namespace

std::optional<std::string> Arguments::next() {
    if (next_ == end_) {
        return std::nullopt;
    }
    std::string argument = *next_++;
    if (argument == "--help") {
        std::cout << usage_;
        std::exit(0);
    }
    return argument;
}

std::string Arguments::value_of(const std::string& option) {
    if (next_ == end_) {
        fail("a value is missing after " + option);
    }
    return *next_++;
}

void Arguments::fail(const std::string& problem) const {
    std::cerr << program_ << ": " << problem << '\n' << usage_;
    std::exit(2);
}

ServerOptions parse_server_options(int argc, char** argv) {
    return parse(argc, argv, false);
}

LoopServerOptions parse_loop_server_options(int argc, char** argv) {
    return parse(argc, argv, true);
}
