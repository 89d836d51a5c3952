// Records the servers, one after the other, and shows what was recorded: as a page that replays
// it, or as a picture of each stage.
#include "tour/places.hpp"
#include "tour/replay/page.hpp"
#include "tour/replay/picture.hpp"
#include "tour/timeline.hpp"

#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

const char* const USAGE =
    "usage: replay --page FILE\n"
    "       replay --pictures FOLDER [STAGES]\n"
    "  --page FILE        writes FILE, a page for a browser that replays all servers\n"
    "  --pictures FOLDER  writes FOLDER/NN_stage/timeline.svg for each stage, or for those\n"
    "                     named, as in 03,07\n";

void write_file(const std::string& name, const std::string& content) {
    std::ofstream file(name, std::ios::binary);
    file << content << std::flush;
    if (!file) {
        throw std::runtime_error("cannot write " + name);
    }
}

void make_page(const std::string& file) {
    std::vector<std::string> recordings;
    for (const Stage& stage : numbered_stages()) {
        Recording recording = record(stage);
        recordings.push_back(as_json(recording, steps_of(recording)));
    }
    write_file(file, page_with(recordings));
}

// Where threads wait, the picture is of when they do; where a loop does, of who calls whom.
void draw_pictures(const std::string& folder, const std::vector<Stage>& stages) {
    for (const Stage& stage : stages) {
        Recording recording = record(stage);
        std::vector<Step> steps = steps_of(recording);
        std::string file = folder + "/" + stage.name + "/timeline.svg";
        write_file(file, has_loop(steps) ? as_svg(recording, steps)
                                         : as_svg(watch_both_sides(stage)));
        std::cout << file << std::endl;
    }
}

} // namespace

int main(int argc, char** argv) {
    std::string command = argc > 2 ? argv[1] : "";
    try {
        locate_programs(argv[0]);
        if (command == "--page" && argc == 3) {
            make_page(argv[2]);
        } else if (command == "--pictures" && argc <= 4) {
            draw_pictures(argv[2], argc == 4 ? find_stages(argv[3]) : numbered_stages());
        } else {
            std::cerr << USAGE;
            return 2;
        }
    } catch (const std::exception& error) {
        std::cerr << "replay: " << error.what() << '\n';
        return 1;
    }
}
