// What is in a recorded program: its functions and its blocks, as objdump finds them in the
// machine code and the debug information.
#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <map>
#include <string>
#include <vector>

// Addresses count from the function that the compiler has a block begin with, see recorder.cpp.
using Address = std::int64_t;

struct Function {
    std::string name; // as a reader knows it: "EventLoop::run", "lambda in receive"
    std::string file = {};
    bool is_body_of_coroutine = false;
    bool destroys_coroutine = false;
    bool has_no_source = false; // of the standard library, or made by the compiler
};

// A block runs some lines, and calls, one after the other.
struct BlockPart {
    std::size_t line = 0;   // of echo_server.cpp; 0: it is a call
    Address returns_to = 0; // a call
};

struct Block {
    std::size_t function; // its number
    bool is_entry;        // the function begins with it
    std::vector<BlockPart> parts;
};

struct Program {
    std::vector<Function> functions;
    std::map<Address, Block> blocks;
};

// `source` is the path of the echo_server.cpp it was made of. Throws std::runtime_error where
// there is no objdump, or no line of `source` is found.
Program read_program(const std::string& program, const std::string& source);

// For the tests: from what objdump prints.
Program parse_disassembly(std::istream& text, const std::string& source);
bool has_lines(const Program& program);
std::string readable_name(const std::string& symbol);
