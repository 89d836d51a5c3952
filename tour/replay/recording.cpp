#include "tour/replay/recording.hpp"

#include "tour/places.hpp"
#include "tour/trace_file.hpp"

#include "support/testing/server_process.hpp"

#include "common/socket.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// ---- what the clients do ------------------------------------------------------------------

struct Action {
    enum Kind { CONNECT, SEND, SEND_AND_NOT_READ, READ, SEND_AND_FINISH, LEAVE };
    std::size_t client;
    Kind kind;
    std::string words;
    std::string data = "";
};

// More than the kernel keeps for a client that does not read, see connect() below.
constexpr std::size_t MUCH = 64 * 1024;

const std::vector<Action> SCRIPT = {
    {1, Action::CONNECT, "Client 1 connects. It will send nothing."},
    {2, Action::CONNECT, "Client 2 connects."},
    {2, Action::SEND, "Client 2 sends two lines at once.", "one\ntwo\n"},
    {3, Action::CONNECT, "Client 3 connects."},
    {3, Action::SEND_AND_NOT_READ,
     "Client 3 sends 65,536 bytes, and does not read what comes back.", std::string(MUCH, 'm')},
    {2, Action::SEND, "Client 2 sends another line.", "three\n"},
    {3, Action::READ, "Client 3 reads from now on."},
    {2, Action::SEND_AND_FINISH,
     "Client 2 sends a last line and says that this was all (half-close). It still waits for "
     "the answer.",
     "four\n"},
    {3, Action::LEAVE, "Client 3 leaves: it closes its connection."},
    {1, Action::LEAVE, "Client 1 leaves. It has sent nothing."},
};

class Client {
  public:
    // With small buffers on its side the kernel soon takes no more for it.
    void connect(std::uint16_t port) {
        int fd = ::socket(AF_INET, SOCK_STREAM, 0);
        socket_.emplace(fd, "a client");
        int buffer = 2048;
        int segment = 1460;
        ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
        ::setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
        Endpoint endpoint = resolve("127.0.0.1", port).front();
        if (::connect(fd, reinterpret_cast<const sockaddr*>(&endpoint.address),
                      endpoint.length) == -1) {
            throw std::runtime_error("cannot connect");
        }
        socket_->set_blocking(false);
        state.is_connected = true;
    }

    void send(std::string_view data) {
        if (socket_->try_send(data) != data.size()) {
            throw std::runtime_error("the kernel does not take what a client sends");
        }
        sent_ += data;
        state.sent = sent_.size();
    }

    // Both in one segment: otherwise the server may be told of them at once, or not.
    void send_and_finish(std::string_view data) {
#ifdef TCP_CORK
        constexpr int HOLD_BACK = TCP_CORK;
#else
        constexpr int HOLD_BACK = TCP_NOPUSH;
#endif
        int on = 1;
        ::setsockopt(socket_->fd(), IPPROTO_TCP, HOLD_BACK, &on, sizeof on);
        send(data);
        socket_->shutdown_write();
        state.has_finished = true;
    }

    void leave() {
        socket_.reset();
        state.has_finished = state.has_left = true;
    }

    // Takes what is there.
    void read() {
        while (socket_ && state.is_reading) {
            std::optional<std::string> data = socket_->try_recv(16384);
            if (!data) {
                return;
            }
            if (sent_.compare(state.got, data->size(), *data) != 0) {
                throw std::runtime_error("a client got other bytes than it had sent");
            }
            state.got += data->size();
            if (data->empty()) {
                leave();
            }
        }
    }

    Exchange state;

  private:
    std::optional<Socket> socket_;
    std::string sent_;
};

// ---- what the server does -----------------------------------------------------------------

// The value of the member `name` of a line of the trace; nothing if there is none.
std::string member(const std::string& line, const std::string& name) {
    std::size_t at = line.find('"' + name + "\":");
    if (at == std::string::npos) {
        return "";
    }
    at += name.size() + 3;
    at += line[at] == '"' ? 1 : 0;
    return line.substr(at, line.find_first_of("\",}", at) - at);
}

std::size_t number(const std::string& line, const std::string& name) {
    std::string value = member(line, name);
    return value.empty() ? 0 : std::stoul(value);
}

int descriptor(const std::string& line) {
    std::string value = member(line, "fd");
    return value.empty() ? -1 : std::stoi(value);
}

Event event_of_connection(const std::string& line) {
    static const std::map<std::string, Event::Kind> kinds = {{"connected", Event::CONNECTED},
                                                             {"received", Event::RECEIVED},
                                                             {"sent", Event::SENT},
                                                             {"closed", Event::CLOSED}};
    Event event{kinds.at(member(line, "name"))};
    event.thread = number(line, "thread");
    event.client = number(line, "tid"); // they are accepted in the order in which they came
    event.fd = descriptor(line);
    event.bytes = number(line, "bytes");
    event.wanted = number(line, "wanted");
    return event;
}

Event event_of_thread(const std::string& line) {
    static const std::map<std::string, Event::Kind> kinds = {
        {"block", Event::BLOCK}, {"stack", Event::STACK}, {"listens", Event::LISTENS},
        {"watch", Event::WATCH}, {"ready", Event::READY}, {"ends", Event::THREAD_ENDS}};
    std::string phase = member(line, "ph");
    Event event{phase == "B"   ? Event::BEGIN_CALL
                : phase == "E" ? Event::END_CALL
                               : kinds.at(member(line, "name"))};
    event.thread = number(line, "tid");
    if (event.kind == Event::BLOCK) {
        event.at = std::stoll(member(line, "at"));
        event.frame = std::stoull(member(line, "frame"));
        event.from = std::stoll(member(line, "from"));
        return event;
    }
    if (event.kind == Event::STACK) {
        std::istringstream addresses(member(line, "from"));
        event.stack.assign(std::istream_iterator<Address>(addresses), {});
        return event;
    }
    event.name = phase == "B" ? member(line, "name") : "";
    event.fd = descriptor(line);
    event.events = member(line, "events");
    event.iteration = number(line, "iteration");
    event.is_only_a_look = member(line, "timeout") == "0";
    return event;
}

std::optional<Event> as_event(const std::string& line) {
    std::string phase = member(line, "ph");
    bool is_of_thread = member(line, "pid") == "2";
    if (is_of_thread && phase != "M" && !phase.empty()) {
        return event_of_thread(line);
    }
    return !is_of_thread && phase == "i" ? std::optional(event_of_connection(line))
                                         : std::nullopt;
}

// Follows the trace while the server runs, and knows from it how far the server is.
class Server {
  public:
    explicit Server(const std::string& trace) : trace_(trace) {}

    void read(std::vector<Event>& events) {
        for (std::string piece; std::getline(trace_, piece); piece.clear()) {
            line_ += piece;
            if (trace_.eof()) {
                break; // the rest of the line is still to come
            }
            if (std::optional<Event> event = as_event(std::exchange(line_, ""))) {
                note(*event);
                events.push_back(std::move(*event));
            }
        }
        trace_.clear();
    }

    bool all_threads_wait() const {
        return !is_waiting_.empty() &&
               std::all_of(is_waiting_.begin(), is_waiting_.end(),
                           [](const auto& thread) { return thread.second; });
    }
    // For a client: a thread of its own may not even have begun.
    bool waits_for(std::size_t client) const {
        int fd = fds_.at(client);
        return is_watched_.count(fd) == 1 ||
               std::any_of(calls_for_.begin(), calls_for_.end(),
                           [&](const auto& thread) { return thread.second == fd; });
    }
    bool has_accepted(std::size_t client) const { return echoed_.count(client) == 1; }
    bool has_closed(std::size_t client) const { return closed_.count(client) == 1; }
    std::size_t echoed_to(std::size_t client) const { return echoed_.at(client); }

  private:
    void note(const Event& event) {
        if (event.kind == Event::BLOCK || event.kind == Event::STACK) {
            // Unless it waits already: then it is a piece of the library that common/ uses.
            is_waiting_.try_emplace(event.thread, false);
            return;
        }
        is_waiting_[event.thread] = event.kind == Event::BEGIN_CALL && !event.is_only_a_look;
        calls_for_[event.thread] = event.kind == Event::BEGIN_CALL ? event.fd : -1;
        switch (event.kind) {
        case Event::THREAD_ENDS:
            is_waiting_.erase(event.thread);
            break;
        case Event::WATCH:
            is_watched_.erase(event.fd);
            if (!event.events.empty()) {
                is_watched_.insert(event.fd);
            }
            break;
        case Event::CONNECTED:
            fds_[event.client] = event.fd;
            echoed_[event.client] = 0;
            break;
        case Event::SENT:
            echoed_[event.client] += event.bytes;
            break;
        case Event::CLOSED:
            closed_[event.client] = true;
            break;
        default:
            break;
        }
    }

    std::ifstream trace_;
    std::string line_;
    std::map<std::size_t, bool> is_waiting_;    // by thread
    std::map<std::size_t, int> calls_for_;      // a descriptor, by thread
    std::set<int> is_watched_;                  // descriptors
    std::map<std::size_t, int> fds_;            // by client
    std::map<std::size_t, std::size_t> echoed_; // bytes, by client that was accepted
    std::map<std::size_t, bool> closed_;
};

// ---- both together ------------------------------------------------------------------------

class Play {
  public:
    Play(const Stage& stage, const ServerProcess& process, const std::string& trace)
        : stage_(stage), port_(process.port()), pid_(process.pid()), server_(trace) {}

    std::vector<Event> perform() {
        std::vector<Action> to_do = SCRIPT;
        wait_for_server();
        while (!to_do.empty()) {
            auto next = std::find_if(to_do.begin(), to_do.end(), [this](const Action& action) {
                return is_possible(action);
            });
            if (next == to_do.end()) {
                throw std::runtime_error("no client can go on");
            }
            act(*next);
            to_do.erase(next);
            wait_for_server();
        }
        return std::move(events_);
    }

  private:
    Client& client(std::size_t number) { return clients_.at(number - 1); }
    const Client& client(std::size_t number) const { return clients_.at(number - 1); }

    // A client that wants its answer does nothing else before it has it.
    bool is_possible(const Action& action) const {
        switch (action.kind) {
        case Action::READ:
            return server_.has_accepted(action.client);
        case Action::LEAVE:
            return client(action.client).state.got == client(action.client).state.sent;
        default:
            return true;
        }
    }

    void act(const Action& action) {
        std::size_t number = 1;
        while (SCRIPT[number - 1].words != action.words) {
            ++number;
        }
        Client& actor = client(action.client);
        switch (action.kind) {
        case Action::CONNECT:
            actor.connect(port_);
            break;
        case Action::SEND:
            actor.send(action.data);
            break;
        case Action::SEND_AND_NOT_READ:
            actor.state.is_reading = false;
            actor.send(action.data);
            break;
        case Action::READ:
            actor.state.is_reading = true;
            break;
        case Action::SEND_AND_FINISH:
            actor.send_and_finish(action.data);
            break;
        case Action::LEAVE:
            actor.leave();
            break;
        }
        note(action.client, number, action.words);
    }

    void note(std::size_t number, std::size_t action, const std::string& words) {
        Event event{Event::CLIENT_ACTS};
        event.client = number;
        event.action = action;
        event.name = words;
        for (std::size_t i = 0; i < CLIENTS; ++i) {
            event.exchanges[i] = clients_[i].state;
        }
        events_.push_back(event);
    }

    // Until nothing is left to do before a client acts again.
    void wait_for_server() {
        auto end = Clock::now() + patience;
        last_news_ = Clock::now();
        while (!is_settled()) {
            if (Clock::now() > end) {
                throw std::runtime_error("the server does not do what is expected");
            }
            std::size_t before = events_.size();
            server_.read(events_);
            if (events_.size() != before) {
                last_news_ = Clock::now();
            } else {
                std::this_thread::sleep_for(1ms);
            }
            for (Client& client : clients_) {
                client.read();
            }
        }
        for (std::size_t number = 1; number <= CLIENTS; ++number) {
            note_what_has_come(number);
        }
    }

    bool is_settled() const {
        bool is_one_full = false;
        for (std::size_t number = 1; number <= CLIENTS; ++number) {
            const Exchange& state = client(number).state;
            if (!server_.has_accepted(number)) {
                if (state.is_connected && is_next(number)) {
                    return false;
                }
                continue;
            }
            if ((state.is_reading && state.got != state.sent) ||
                (state.has_finished && !server_.has_closed(number)) ||
                (!server_.has_closed(number) && !server_.waits_for(number))) {
                return false;
            }
            is_one_full = is_one_full || server_.echoed_to(number) != state.sent;
        }
        // That a send goes no further cannot be seen; only that nothing has happened for long.
        return server_.all_threads_wait() &&
               (!is_one_full || Clock::now() - last_news_ > 100ms);
    }

    // Whether the server accepts it while the others are as they are.
    bool is_next(std::size_t number) const {
        for (std::size_t other = 1; other < number; ++other) {
            if (stage_.one_at_a_time && !server_.has_closed(other)) {
                return false;
            }
        }
        return true;
    }

    void note_what_has_come(std::size_t number) {
        const Exchange& now = client(number).state;
        const Exchange& before = noted_[number - 1];
        std::string who = "Client " + std::to_string(number);
        if (now.got != before.got) {
            bool is_all = now.has_left && !before.has_left;
            note(number, 0,
                 who + " gets " + std::to_string(now.got - before.got) + " bytes back" +
                     (is_all ? ", and then the end of the stream." : "."));
        }
        noted_[number - 1] = now;
    }

    const Stage& stage_;
    std::uint16_t port_;
    pid_t pid_;
    Server server_;
    std::array<Client, CLIENTS> clients_;
    Exchanges noted_;
    std::vector<Event> events_;
    Clock::time_point last_news_;
};

} // namespace

namespace {

// Between two actions the threads run side by side; here they come one after the other.
void put_threads_in_order(std::vector<Event>& events) {
    auto is_action = [](const Event& event) { return event.kind == Event::CLIENT_ACTS; };
    for (auto first = events.begin(); first != events.end();) {
        auto last = std::find_if(first, events.end(), is_action);
        std::stable_sort(first, last,
                         [](const Event& a, const Event& b) { return a.thread < b.thread; });
        first = std::find_if_not(last, events.end(), is_action);
    }
}

} // namespace

Recording record(const Stage& stage) {
    Recording recording{stage, {}, {}, {}};
    std::string path = std::string(SOURCE_DIR) + "/" + stage.name + "/echo_server.cpp";
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        recording.source.push_back(line);
    }
    std::string program = recorded_program_of(stage);
    recording.program = read_program(program, path);
    TraceFile trace;
    ServerSetup setup;
    setup.environment = {"ECHO_TRACE=" + trace.path};
    try {
        ServerProcess server(program, setup);
        recording.events = Play(stage, server, trace.path).perform();
        put_threads_in_order(recording.events);
    } catch (const std::exception& error) {
        throw std::runtime_error(stage.name + ": " + error.what());
    }
    return recording;
}
