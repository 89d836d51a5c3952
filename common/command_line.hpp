// What the programs here share of their command lines, and the options that all servers have.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

// The arguments of a program, one after the other. Like Python's argparse it ends the program
// itself: at --help with status 0, at a wrong argument with one line and the usage on standard
// error and status 2.
class Arguments {
  public:
    Arguments(int argc, char** argv, std::string program, std::string usage)
        : next_(argv + 1), end_(argv + argc), program_(std::move(program)),
          usage_(std::move(usage)) {}

    // std::nullopt: there are no more.
    std::optional<std::string> next();
    // What has to follow `option`, which was the last argument that next() has returned.
    std::string value_of(const std::string& option);
    [[noreturn]] void fail(const std::string& problem) const;

  private:
    char** next_;
    char** end_;
    std::string program_;
    std::string usage_;
};

struct ServerOptions {
    std::string host = "127.0.0.1";
    std::uint16_t port = 8888; // 0: any free one
};

// For the servers with an event loop.
struct LoopServerOptions : ServerOptions {
    std::string selector; // a name for make_selector; empty: the best one of this system
};

// Reads --host, --port and --quiet, the latter with --selector and --debug in addition.
ServerOptions parse_server_options(int argc, char** argv);
LoopServerOptions parse_loop_server_options(int argc, char** argv);
