#include "tour/json.hpp"

#include <array>
#include <cstdio>

namespace {

std::string enclosed(char open, const std::vector<std::string>& items, char close,
                     const std::string& separator) {
    std::string result(1, open);
    for (std::size_t i = 0; i < items.size(); ++i) {
        result += (i == 0 ? "" : separator) + items[i];
    }
    return result + close;
}

} // namespace

std::string json::text(const std::string& value) {
    std::string result = "\"";
    for (char c : value) {
        if (c == '"' || c == '\\') {
            result += '\\';
        }
        result += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
    return result + '"';
}

std::string json::number(double value) {
    std::array<char, 40> buffer{};
    std::snprintf(buffer.data(), buffer.size(), "%.9g", value);
    return buffer.data();
}

std::string json::array(const std::vector<std::string>& items, const std::string& separator) {
    return enclosed('[', items, ']', separator);
}

std::string json::object(const Members& members, const std::string& separator) {
    std::vector<std::string> items;
    for (const auto& [name, value] : members) {
        items.push_back(text(name) + ": " + value);
    }
    return enclosed('{', items, '}', separator);
}
