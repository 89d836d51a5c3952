// JSON as text, put together from pieces that are JSON already.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace json {

using Members = std::vector<std::pair<std::string, std::string>>; // name, JSON

std::string text(const std::string& value);
std::string number(double value);
std::string array(const std::vector<std::string>& items, const std::string& separator = ", ");
std::string object(const Members& members, const std::string& separator = ", ");

} // namespace json
