#include "tour/replay/page.hpp"

#include "tour/json.hpp"

#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <utility>

namespace {

const char* name_of(Step::Kind kind) {
    switch (kind) {
    case Step::CLIENT:
        return "client";
    case Step::LINE:
        return "line";
    case Step::WAIT:
        return "wait";
    case Step::RETURN:
        return "return";
    case Step::WATCH:
        return "watch";
    case Step::RECEIVED:
        return "received";
    case Step::SENT:
        return "sent";
    case Step::LEFT_OUT:
        return "left out";
    case Step::OTHER:
        break;
    }
    return "other";
}

const char* name_of(Place::Kind kind) {
    switch (kind) {
    case Place::ABSENT:
        return "absent";
    case Place::QUEUE:
        return "queue";
    case Place::IN_HAND:
        return "in hand";
    case Place::RUNS:
        return "runs";
    case Place::WAITS:
        return "waits";
    case Place::STANDS:
        return "stands";
    case Place::KEPT:
        return "kept";
    case Place::GONE:
        break;
    }
    return "gone";
}

std::string as_json(const std::vector<std::string>& texts) {
    std::vector<std::string> items;
    for (const std::string& text : texts) {
        items.push_back(json::text(text));
    }
    return json::array(items);
}

std::string as_json(const std::vector<Watch>& watched) {
    std::vector<std::string> items;
    for (const Watch& watch : watched) {
        items.push_back(json::object({{"fd", std::to_string(watch.fd)},
                                      {"whose", json::text(watch.whose)},
                                      {"events", json::text(watch.events)}}));
    }
    return json::array(items);
}

std::string as_json(const ThreadState& thread) {
    return json::object({{"number", std::to_string(thread.number)},
                         {"line", std::to_string(thread.line)},
                         {"call", json::text(thread.call)},
                         {"stack", as_json(thread.stack)}});
}

std::string as_json(const Place& place) {
    return json::object({{"kind", json::text(name_of(place.kind))},
                         {"line", std::to_string(place.line)},
                         {"words", json::text(place.words)}});
}

std::string as_json(const Exchange& exchange, std::size_t held) {
    return json::object({{"sent", std::to_string(exchange.sent)},
                         {"got", std::to_string(exchange.got)},
                         {"held", std::to_string(held)},
                         {"reads", exchange.is_reading ? "true" : "false"},
                         {"finished", exchange.has_finished ? "true" : "false"}});
}

json::Members members_of(const State& state) {
    std::vector<std::string> threads;
    for (const ThreadState& thread : state.threads) {
        threads.push_back(as_json(thread));
    }
    json::Members members{{"running", std::to_string(state.running_line)},
                          {"threads", json::array(threads)},
                          {"watched", as_json(state.watched)},
                          {"ready", as_json(state.ready)},
                          {"queue", state.has_queue ? as_json(state.queue) : "null"},
                          {"timers", std::to_string(state.timers)},
                          {"iteration", std::to_string(state.iteration)}};
    for (std::size_t i = 0; i < state.places.size(); ++i) {
        members.emplace_back("place" + std::to_string(i), as_json(state.places[i]));
    }
    for (std::size_t i = 0; i < state.exchanges.size(); ++i) {
        members.emplace_back("client" + std::to_string(i + 1),
                             as_json(state.exchanges[i], state.held[i]));
    }
    return members;
}

// The values that states are made of, each of them once.
class Values {
  public:
    std::string number_of(const std::string& value) {
        auto [found, is_new] = numbers_.try_emplace(value, values_.size());
        if (is_new) {
            values_.push_back(value);
        }
        return std::to_string(found->second);
    }
    std::string all() const { return json::array(values_, ",\n"); }

  private:
    std::map<std::string, std::size_t> numbers_;
    std::vector<std::string> values_;
};

std::string content_of(const std::string& name) {
    std::string path = std::string(SOURCE_DIR) + "/tour/replay/" + name;
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw std::runtime_error("cannot read " + path);
    }
    return {std::istreambuf_iterator<char>(file), {}};
}

void replace(std::string& page, const std::string& what, const std::string& with) {
    std::size_t at = page.find(what);
    if (at == std::string::npos) {
        throw std::runtime_error("replay.html has no " + what);
    }
    page.replace(at, what.size(), with);
}

// Inside of a <script> nothing may look like its end.
std::string safe_in_script(const std::string& json) {
    std::string safe;
    for (char c : json) {
        safe += c == '<' ? "\\u003c" : std::string(1, c);
    }
    return safe;
}

} // namespace

std::string as_json(const Recording& recording, const std::vector<Step>& steps) {
    Values values;
    std::map<std::string, std::string> before;
    std::vector<std::string> items;
    for (const Step& step : steps) {
        json::Members members{{"kind", json::text(name_of(step.kind))},
                              {"says", json::text(step.sentence)}};
        if (step.action != 0) {
            members.emplace_back("action", std::to_string(step.action));
        }
        if (step.client != 0) {
            members.emplace_back("client", std::to_string(step.client));
        }
        for (const auto& [name, value] : members_of(step.state)) {
            if (before[name] != value) {
                before[name] = value;
                members.emplace_back(name, values.number_of(value));
            }
        }
        items.push_back(json::object(members));
    }
    return json::object({{"stage", json::text(recording.stage.name)},
                         {"way", json::text(recording.stage.way)},
                         {"source", as_json(recording.source)},
                         {"values", values.all()},
                         {"steps", json::array(items, ",\n")}},
                        ",\n");
}

std::string page_with(const std::vector<std::string>& recordings) {
    std::string page = content_of("replay.html");
    std::string data = safe_in_script(json::array(recordings, ",\n"));
    replace(page, ">[]<", std::string(">").append(data).append("<"));
    replace(page, R"(<link rel="stylesheet" href="replay.css">)",
            "<style>\n" + content_of("replay.css") + "</style>");
    for (const std::string name : {"words.js", "replay.js"}) {
        replace(page, "<script src=\"" + name + "\"></script>",
                "<script>\n" + content_of(name) + "</script>");
    }
    return page;
}
