#include "tour/places.hpp"
#include "tour/replay/steps.hpp"
#include <iostream>
int main(int, char** argv) {
    locate_programs(argv[0]);
    for (const Stage& s : all_stages()) {
        Recording r = record(s);
        std::vector<Step> steps = steps_of(r);
        std::cout << s.name << " " << r.events.size() << " " << steps.size() << std::endl;
        for (auto& e : steps) { std::cout << (e.action ? "\n##" : "   ") << e.sentence << "\n            "; for (auto& p : e.state.places) std::cout << p.kind << ":" << p.line << ":" << p.words << " | "; 
         std::cout << "\n            "; for (auto& t : e.state.threads) { std::cout << "T" << t.number << " L" << t.line << " " << t.call << ": "; for (auto& f : t.stack) std::cout << f << " > "; }
         std::cout << "\n            watch: "; for (auto& w : e.state.watched) std::cout << w << ", "; std::cout << " queue: "; for (auto& w : e.state.queue) std::cout << w << ", ";
         std::cout << e.state.iteration << "\n"; }
    }
}
