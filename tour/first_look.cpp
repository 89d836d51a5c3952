// The picture of stage 01, in a program of its own: so small that ./tutorial can show it while the
// tour and the other servers are built.
#include "tour/places.hpp"
#include "tour/server.hpp"
#include "tour/terminal.hpp"
#include "tour/watch.hpp"

#include <exception>
#include <iostream>

int main(int, char** argv) {
    Terminal terminal;
    try {
        locate_programs(argv[0]);
        Stage stage = all_stages().front();
        with_server(stage, [&](ServerProcess& server) {
            terminal.print_picture_heading();
            terminal.print_picture(stage, watch(server, ALL_AT_ONCE));
        });
    } catch (const std::exception& error) {
        std::cerr << "first_look: " << error.what() << '\n';
        return 1;
    }
}
