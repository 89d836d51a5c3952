// Records all servers, one after the other, and writes the page that replays them.
#include "tour/places.hpp"
#include "tour/replay/page.hpp"

#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

int main(int argc, char** argv) {
    if (argc != 2 || argv[1][0] == '-') {
        std::cerr << "usage: replay FILE\n"
                     "  records all servers, and writes FILE, a page for a browser\n";
        return 2;
    }
    try {
        locate_programs(argv[0]);
        std::vector<std::string> recordings;
        for (const Stage& stage : all_stages()) {
            Recording recording = record(stage);
            recordings.push_back(as_json(recording, steps_of(recording)));
        }
        std::ofstream file(argv[1], std::ios::binary);
        file << page_with(recordings) << std::flush;
        if (!file) {
            throw std::runtime_error(std::string("cannot write ") + argv[1]);
        }
    } catch (const std::exception& error) {
        std::cerr << "replay: " << error.what() << '\n';
        return 1;
    }
}
