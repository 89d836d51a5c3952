// The command line that all servers share.
#pragma once

#include <cstdint>
#include <string>

struct ServerOptions {
    std::string host = "127.0.0.1";
    std::uint16_t port = 8888; // 0: any free one
};

// For the servers with an event loop.
struct LoopServerOptions : ServerOptions {
    std::string selector; // a name for make_selector; empty: the best one of this system
};

// Reads --host, --port and --quiet, the latter with --selector and --debug in addition. Like
// Python's argparse they end the program themselves: after --help with status 0, after a wrong
// argument with one line and the usage on standard error and status 2.
ServerOptions parse_server_options(int argc, char** argv);
LoopServerOptions parse_loop_server_options(int argc, char** argv);
