#include "tour/threads.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace {

const std::string A_THREAD = "2"; // the group of lanes ("pid") in which the threads are

// The value of the member `name` of one line of the trace; nothing if there is none.
std::string member(const std::string& line, const std::string& name) {
    std::size_t at = line.find('"' + name + "\":");
    if (at == std::string::npos) {
        return "";
    }
    at += name.size() + 3;
    if (line[at] == '"') {
        ++at;
    }
    return line.substr(at, line.find_first_of("\",}", at) - at);
}

void add_client(Turn& turn, std::size_t client) {
    if (std::find(turn.clients.begin(), turn.clients.end(), client) == turn.clients.end()) {
        turn.clients.push_back(client);
    }
}

// What one line of the trace says about the thread that wrote it.
void record(ServerThread& thread, const std::string& line, double now) {
    thread.last_ms = now;
    bool is_wait = member(line, "pid") == A_THREAD; // otherwise it is of a connection
    if (is_wait && member(line, "ph") == "B") {
        thread.turns.push_back({member(line, "name"), now});
        return;
    }
    if (thread.turns.empty()) {
        return; // has not waited yet
    }
    if (is_wait) {
        thread.turns.back().to_ms = now;
    } else {
        add_client(thread.turns.back(), std::stoul(member(line, "tid")));
    }
}

} // namespace

std::vector<ServerThread> read_threads(std::istream& trace,
                                       std::chrono::steady_clock::time_point start) {
    using Milliseconds = std::chrono::duration<double, std::milli>;
    double start_ms = Milliseconds(start.time_since_epoch()).count();
    std::vector<ServerThread> threads;
    std::map<std::string, std::size_t> index; // of a thread, by its number in the trace
    for (std::string line; std::getline(trace, line) && !trace.eof();) { // eof: half a line
        std::string time = member(line, "ts");
        if (time.empty() || member(line, "ph") == "i") { // the latter: details
            continue;
        }
        double now = std::stod(time) / 1000 - start_ms;
        const char* by = member(line, "pid") == A_THREAD ? "tid" : "thread";
        auto [place, is_new] = index.try_emplace(member(line, by), threads.size());
        if (is_new) {
            threads.push_back({});
        }
        record(threads[place->second], line, now);
    }
    return threads;
}

std::vector<Turn> join_short_waits(const std::vector<Turn>& turns, double min_ms) {
    std::vector<Turn> joined;
    for (const Turn& turn : turns) {
        if (joined.empty() || turn.to_ms - turn.from_ms >= min_ms) {
            joined.push_back(turn);
            continue;
        }
        for (std::size_t client : turn.clients) {
            add_client(joined.back(), client);
        }
    }
    return joined;
}
