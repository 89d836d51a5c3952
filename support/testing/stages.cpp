#include "support/testing/stages.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>

std::vector<Stage> all_stages() {
    return {
#include "stages.inc" // written by support/testing/CMakeLists.txt
    };
}

std::vector<Stage> numbered_stages() {
    std::vector<Stage> stages = all_stages();
    std::erase_if(stages, [](const Stage& stage) { return !stage.has_number(); });
    return stages;
}

std::vector<Stage> find_stages(const std::string& list) {
    std::vector<Stage> known = all_stages();
    std::vector<bool> is_chosen(known.size(), false);
    std::istringstream words(list);
    for (std::string word; std::getline(words, word, ',');) {
        auto found = std::find_if(known.begin(), known.end(), [&](const Stage& stage) {
            return word == stage.name || word == stage.number() || "0" + word == stage.number();
        });
        if (found == known.end()) {
            throw std::invalid_argument("there is no stage '" + word + "'");
        }
        is_chosen[static_cast<std::size_t>(found - known.begin())] = true;
    }
    std::vector<Stage> chosen;
    for (std::size_t i = 0; i < known.size(); ++i) {
        if (is_chosen[i]) {
            chosen.push_back(known[i]);
        }
    }
    if (chosen.empty()) {
        throw std::invalid_argument("no stage is named");
    }
    return chosen;
}
