#include "tour/replay/program.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <cxxabi.h>

namespace {

const std::string HOOK = "__sanitizer_cov_trace_pc";

std::string output_of(const std::string& command) {
    std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
    if (!pipe) {
        throw std::runtime_error("cannot run " + command);
    }
    std::string output;
    std::array<char, 65536> buffer;
    while (std::size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) {
        output.append(buffer.data(), count);
    }
    return output;
}

std::string demangled(const std::string& symbol) {
    int status = 0;
    std::unique_ptr<char, void (*)(void*)> name(
        abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status), std::free);
    return name ? name.get() : symbol;
}

// Without what stands in brackets: parameters, arguments of templates.
std::string without_brackets(const std::string& name) {
    std::string result;
    int depth = 0;
    for (std::size_t i = 0; i < name.size(); ++i) {
        bool is_arrow = name[i] == '>' && i > 0 && name[i - 1] == '-';
        if (name[i] == '(' || name[i] == '<') {
            ++depth;
        } else if ((name[i] == ')' || name[i] == '>') && !is_arrow) {
            --depth;
        } else if (depth == 0) {
            result += name[i];
        }
    }
    return result;
}

// "bool Receive::perform const" or "take[abi:cxx11]" is the function Receive::perform, or take.
std::string without_decoration(std::string name) {
    if (name.ends_with(" const")) {
        name.resize(name.size() - 6);
    }
    if (std::size_t tag = name.find("[abi:"); tag != std::string::npos) {
        name.erase(tag, name.find(']', tag) + 1 - tag);
    }
    return name.substr(name.find_last_of(' ') + 1);
}

// The last two names of "A::B::C".
std::string last_names(const std::string& name) {
    std::size_t last = name.rfind("::");
    std::size_t before =
        last == std::string::npos || last == 0 ? std::string::npos : name.rfind("::", last - 1);
    return before == std::string::npos ? name : name.substr(before + 2);
}

std::string readable(const std::string& demangled_name) {
    return last_names(without_decoration(without_brackets(demangled_name)));
}

bool ends_with_one_of(const std::string& text, const std::vector<std::string>& ends) {
    return std::any_of(ends.begin(), ends.end(),
                       [&](const std::string& end) { return text.ends_with(end); });
}

bool is_body_of_coroutine(const std::string& symbol) {
    return ends_with_one_of(symbol, {".actor", ".resume"}); // GCC, Clang
}
bool destroys_coroutine(const std::string& symbol) {
    return ends_with_one_of(symbol, {".destroy", ".cleanup"});
}
bool is_part_of_coroutine(const std::string& symbol) {
    return is_body_of_coroutine(symbol) || destroys_coroutine(symbol);
}

// The names at the beginning of "_ZN11AsyncSocket6acceptE...": what follows is no name of C++.
std::string name_of_coroutine(const std::string& symbol) {
    std::string name;
    std::size_t at = symbol.find_first_of("0123456789");
    while (at < symbol.size() && std::isdigit(static_cast<unsigned char>(symbol[at])) != 0) {
        std::size_t digits = 0;
        std::size_t length = std::stoul(symbol.substr(at), &digits);
        name += (name.empty() ? "" : "::") + symbol.substr(at + digits, length);
        at += digits + length;
        if (!symbol.starts_with("_ZN")) {
            break;
        }
    }
    return last_names(name);
}

// Copies a lambda, say.
bool is_made_by_compiler(const std::string& symbol) {
    std::string name = demangled(symbol);
    std::size_t lambda = std::max(name.rfind("lambda(") + 1, name.rfind("'lambda") + 1);
    return lambda != 0 && name.find("::operator()", lambda) == std::string::npos;
}

// A line of the disassembly is an instruction: "   1a2b:\tcall   3c4d <name>".
struct Instruction {
    Address address;
    std::string code;
    std::string target; // of a call or a jump, where it has a name
    bool is_call() const {
        return code.starts_with("call") || code.starts_with("bl ") ||
               code.starts_with("bl\t") || code.starts_with("blr");
    }
    bool is_jump() const { // x86: j..., ret; ARM: b, b.eq, br, cbz, tbz, ret
        static const std::regex jump(R"((?:j|cb|tb|ret|b\.|br?\s).*)");
        return std::regex_match(code, jump);
    }
};

std::optional<Instruction> as_instruction(const std::string& line) {
    std::size_t colon = line.find(':');
    if (line.empty() || line[0] != ' ' || colon == std::string::npos ||
        colon + 1 >= line.size()) {
        return std::nullopt;
    }
    std::size_t code = line.find_first_not_of(" \t", colon + 1);
    char* end = nullptr;
    Address address = std::strtoll(line.c_str(), &end, 16);
    if (code == std::string::npos || end != line.c_str() + colon) {
        return std::nullopt;
    }
    std::size_t open = line.find('<', code);
    std::size_t close = line.find_first_of("+>", open);
    std::string target =
        open == std::string::npos ? "" : line.substr(open + 1, close - open - 1);
    return Instruction{address, line.substr(code), target};
}

class Parser {
  public:
    explicit Parser(std::string source) : source_(std::move(source)) {}

    void add(const std::string& line) {
        if (std::optional<Instruction> instruction = as_instruction(line)) {
            add(*instruction);
        } else if (line.ends_with(">:")) {
            begin_function(line);
        } else if (std::smatch match; std::regex_match(line, match, place_)) {
            file_ = match[1];
            line_ = std::stoul(match[2]);
            if (!program_.functions.empty() && program_.functions.back().file.empty()) {
                program_.functions.back().file = file_;
            }
        }
    }

    Program finish() {
        std::map<Address, Block> blocks;
        for (auto& [address, block] : program_.blocks) {
            for (BlockPart& part : block.parts) {
                part.returns_to -= part.line == 0 ? hook_ : 0;
            }
            blocks.emplace(address - hook_, std::move(block));
        }
        program_.blocks = std::move(blocks);
        return std::move(program_);
    }

  private:
    static bool is_hook(const std::string& symbol) {
        return symbol == HOOK || symbol == "_" + HOOK;
    }

    void begin_function(const std::string& line) { // "0000000000001a2b <name>:"
        std::size_t open = line.find('<');
        std::string symbol = line.substr(open + 1, line.size() - open - 3);
        if (symbol.starts_with("__Z")) {
            symbol.erase(0, 1); // macOS puts one before each name
        }
        if (is_hook(symbol)) {
            hook_ = std::strtoll(line.c_str(), nullptr, 16);
        }
        Function function{readable_name(symbol)};
        function.is_body_of_coroutine = is_body_of_coroutine(symbol);
        function.destroys_coroutine = destroys_coroutine(symbol);
        function.has_no_source =
            demangled(symbol).find("std::") < 6 || is_made_by_compiler(symbol);
        program_.functions.push_back(std::move(function));
        block_ = nullptr;
        is_first_ = true;
        was_call_ = was_hook_ = false;
        file_.clear();
    }

    void add(const Instruction& instruction) {
        if (was_hook_) {
            block_ = &program_.blocks[instruction.address];
            *block_ = {program_.functions.size() - 1, std::exchange(is_first_, false), {}};
        } else if (was_call_ && block_ != nullptr) {
            block_->parts.push_back({0, instruction.address});
        }
        bool is_call = instruction.is_call();
        was_hook_ = is_call && is_hook(instruction.target);
        was_call_ = is_call && !was_hook_;
        if (was_hook_) {
            block_ = nullptr;
        } else if (block_ != nullptr) {
            if (file_ == source_ &&
                (block_->parts.empty() || block_->parts.back().line != line_)) {
                block_->parts.push_back({line_, 0});
            }
            if (instruction.is_jump()) {
                block_ = nullptr;
            }
        }
    }

    const std::regex place_{R"((?:; )?(/.*):(\d+)(?: \(discriminator \d+\))?)"};
    std::string source_;
    Program program_;
    Address hook_ = 0;
    Block* block_ = nullptr; // the one we are in
    bool is_first_ = false;  // no block of this function was seen
    bool was_call_ = false;  // the instruction before
    bool was_hook_ = false;
    std::string file_;
    std::size_t line_ = 0;
};

} // namespace

std::string readable_name(const std::string& symbol) {
    if (is_part_of_coroutine(symbol)) {
        return name_of_coroutine(symbol);
    }
    std::string name = demangled(symbol);
    for (const char* mark : {"::{lambda(", "::'lambda"}) { // GCC, Clang
        if (std::size_t lambda = name.rfind(mark); lambda != std::string::npos) {
            return "lambda in " + readable(name.substr(0, lambda));
        }
    }
    return readable(name);
}

Program parse_disassembly(std::istream& text, const std::string& source) {
    Parser parser(source);
    for (std::string line; std::getline(text, line);) {
        parser.add(line);
    }
    return parser.finish();
}

bool has_lines(const Program& program) {
    return std::any_of(program.blocks.begin(), program.blocks.end(), [](const auto& block) {
        const std::vector<BlockPart>& parts = block.second.parts;
        return std::any_of(parts.begin(), parts.end(),
                           [](const BlockPart& part) { return part.line != 0; });
    });
}

Program read_program(const std::string& program, const std::string& source) {
    std::istringstream text(
        output_of("objdump -d -l --no-show-raw-insn '" + program + "' 2>/dev/null"));
    Program result = parse_disassembly(text, source);
    if (result.blocks.empty()) {
        throw std::runtime_error("objdump (of binutils) finds no blocks in " + program);
    }
    if (!has_lines(result)) { // the clone was moved, or ccache has changed the path
        throw std::runtime_error("the debug information of " + program +
                                 " names another folder than that of " + source +
                                 ": delete build/tour and build again (ccache: without a "
                                 "base directory)");
    }
    return result;
}
