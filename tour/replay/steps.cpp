#include "tour/replay/steps.hpp"

#include "tour/places.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <stdexcept>
#include <utility>

namespace {

// ---- what keeps a client's place, in words ------------------------------------------------

// The ways to remember a client, each with a name that only its source contains.
enum class Memory { STACK, STRUCT, CALLBACK, FUTURE, GENERATOR, FRAME };

Memory memory_of(const std::vector<std::string>& source) {
    static const std::vector<std::pair<std::string, Memory>> signs = {
        {"co_await ", Memory::FRAME},           {"co_yield ", Memory::GENERATOR},
        {"add_done_callback(", Memory::FUTURE}, {"add_reader(", Memory::CALLBACK},
        {"::select(", Memory::STRUCT},
    };
    for (const auto& [sign, memory] : signs) {
        for (const std::string& line : source) {
            bool is_comment = line.find("//") < line.find(sign);
            if (line.find(sign) != std::string::npos && !is_comment) {
                return memory;
            }
        }
    }
    return Memory::STACK;
}

// What remembers one for whom no thread has a stack, while it waits to be able to read, write
// or accept. NEXT stands for the function that was called next.
const std::string NEXT = "NEXT";
struct Words {
    std::string reading;
    std::string writing;
    std::string accepting;
};
const std::map<Memory, Words> WORDS = {
    {Memory::STACK, {"its handler has returned", "its handler has returned", ""}},
    {Memory::STRUCT,
     {"struct Client in the list: outgoing is empty, so it is read from",
      "struct Client in the list: outgoing holds what is still to be sent",
      "nothing: select watches the listener"}},
    {Memory::CALLBACK,
     {"the loop's reader: a lambda with the client in it, calls NEXT",
      "the loop's writer: a lambda with the client in it, calls NEXT",
      "the loop's reader of the listener: a lambda"}},
    {Memory::FUTURE,
     {"the Future of recv; its callback has the client, calls NEXT",
      "the Future of send_all; its callback has the client, calls NEXT",
      "the Future of accept; its callback"}},
    {Memory::GENERATOR,
     {"a generator, owned by a Task that waits for the Future of recv",
      "a generator, owned by a Task that waits for the Future of send_all",
      "a generator, owned by a Task that waits for the Future of accept"}},
    {Memory::FRAME,
     {"a coroutine frame; the loop resumes it when the socket can be read",
      "a coroutine frame; the loop resumes it when the socket can be written",
      "a coroutine frame; the loop resumes it when the listener can be read"}},
};
const std::map<Memory, std::string> IN_QUEUE = {
    {Memory::CALLBACK, "a callback that the loop is about to call"},
    {Memory::FUTURE, "a callback that the loop is about to call"},
    {Memory::GENERATOR, "a generator; the loop is about to step its Task"},
    {Memory::FRAME, "a coroutine frame that the loop is about to resume"},
};

std::string name_of(std::size_t client) {
    return "client " + std::to_string(client);
}

std::string name_of_thread(std::size_t number) {
    return "Thread " + std::to_string(number);
}

std::string list(const std::vector<std::string>& items) {
    std::string text;
    for (std::size_t i = 0; i < items.size(); ++i) {
        text += (i == 0 ? "" : i + 1 == items.size() ? " and " : ", ") + items[i];
    }
    return text;
}

// ---- the steps ----------------------------------------------------------------------------

struct Frame {
    std::uint64_t address;
    const Block* block;
    std::size_t next = 0;   // part of the block
    std::size_t line = 0;   // of echo_server.cpp, the last one that it has run
    bool is_callee = false; // of the frame before it, in whose block that call is next
};

struct Thread {
    std::vector<Frame> frames; // the outermost first
    std::string call;          // in which it waits
    std::size_t client = 0;    // for whom it works
};

struct Queued {
    std::size_t client;
    std::string words;
};

class Converter {
  public:
    explicit Converter(const Recording& recording)
        : recording_(recording), lines_(recording.source),
          memory_(memory_of(recording.source)) {}

    std::vector<Step> convert() {
        for (at_ = 0; at_ < recording_.events.size(); ++at_) {
            const Event& event = recording_.events[at_];
            if (event.kind == Event::CLIENT_ACTS) {
                leave_out_repetitions();
                exchanges_ = event.exchanges;
                push(Step::CLIENT, event.client, event.name, event.action);
                if (event.action != 0) {
                    action_begins_ = steps_.size();
                }
                continue;
            }
            if (threads_.count(event.thread) == 0) {
                begin_thread(event.thread);
            }
            take(event, threads_[event.thread]);
        }
        leave_out_repetitions();
        number_iterations();
        return std::move(steps_);
    }

  private:
    const Function& function(const Frame& frame) const {
        return recording_.program.functions[frame.block->function];
    }
    bool serves(std::size_t line) const {
        return line != 0 && line < lines_.first_that_accepts;
    }

    // ---- events ---------------------------------------------------------------------------

    void begin_thread(std::size_t number) {
        threads_[number].client = newest_client_;
        if (number > 1) {
            push(Step::OTHER, newest_client_,
                 name_of_thread(number) + " begins, for " + name_of(newest_client_) + ".");
        }
    }

    void take(const Event& event, Thread& thread) {
        switch (event.kind) {
        case Event::BLOCK:
            run(event, thread);
            break;
        case Event::STACK:
            catch_up(event, thread);
            break;
        case Event::LISTENS:
            listener_ = event.fd;
            push(Step::OTHER, 0, "The server listens: from now on clients can connect.");
            break;
        case Event::WATCH:
            watch(event);
            break;
        case Event::BEGIN_CALL:
            begin_call(event, thread);
            break;
        case Event::END_CALL:
            end_call(thread);
            break;
        case Event::READY:
            break; // end_call has seen it
        case Event::CONNECTED:
            fds_[event.fd] = event.client;
            newest_client_ = thread.client = event.client;
            thread.call.clear();
            push(Step::OTHER, event.client,
                 "accept takes " + name_of(event.client) + " from the queue of the listener.");
            break;
        case Event::RECEIVED:
            received(event, thread);
            break;
        case Event::SENT:
            sent(event, thread);
            break;
        case Event::CLOSED:
            is_closed_.at(event.client) = true;
            held_[event.client - 1] = 0;
            watched_.erase(fd_of(event.client));
            push(Step::OTHER, event.client,
                 "The server closes the connection of " + name_of(event.client) + ".");
            break;
        case Event::THREAD_ENDS:
            threads_.erase(event.thread);
            push(Step::OTHER, 0, name_of_thread(event.thread) + " ends.");
            break;
        case Event::CLIENT_ACTS:
            break;
        }
    }

    void watch(const Event& event) {
        bool is_known = fds_.count(event.fd) == 1 || event.fd == listener_;
        if (event.events.empty()) {
            watched_.erase(event.fd);
        } else {
            watched_[event.fd] = event.events;
        }
        if (is_known) {
            push(Step::WATCH, client_of(event.fd),
                 event.events.empty()
                     ? "The loop no longer watches " + owner(event.fd) + "."
                     : "From now on the loop watches whether " + owner(event.fd) + " can be " +
                           done_to(event.events) + ".");
        }
    }

    // Whether the call that begins now ends before a client does something else.
    bool returns_at_once(std::size_t thread) const {
        for (std::size_t i = at_ + 1; i < recording_.events.size(); ++i) {
            const Event& event = recording_.events[i];
            if (event.kind == Event::CLIENT_ACTS) {
                return false;
            }
            bool is_in_call = event.kind == Event::BLOCK || event.kind == Event::STACK;
            if (event.thread == thread && !is_in_call) {
                return true; // its end, or what it has done
            }
        }
        return false;
    }

    void begin_call(const Event& event, Thread& thread) {
        is_only_a_look_ = event.is_only_a_look;
        ready_.clear();
        reported_.clear();
        waiting_calls_ = 0;
        if (returns_at_once(event.thread)) {
            begun_ = event.name;
            return;
        }
        begun_ = thread.call = event.name;
        is_loop_ = event.iteration != 0;
        std::vector<std::string> whom;
        for (const auto& [fd, events] : watched_) {
            if (fds_.count(fd) == 1 || fd == listener_) {
                whom.push_back(owner(fd));
            }
        }
        std::string for_whom = is_loop_                ? list(whom)
                               : event.fd == listener_ ? "the next client"
                                                       : owner(event.fd);
        push(Step::WAIT, is_loop_ ? 0 : client_of(event.fd),
             (threads_.size() > 1 ? name_of_thread(event.thread) + " waits in " + event.name
                                  : event.name + " waits") +
                 ", for " + for_whom + ".");
    }

    void end_call(Thread& thread) {
        thread.call.clear();
        std::vector<std::string> found;
        for (std::size_t i = at_ + 1;
             i < recording_.events.size() && recording_.events[i].kind != Event::BEGIN_CALL;
             ++i) {
            if (recording_.events[i].kind != Event::READY) {
                continue;
            }
            const Event& event = recording_.events[i];
            thread.client = client_of(event.fd);
            found.push_back(owner(event.fd) + " can be " + done_to(event.events));
            ready_.push_back({event.fd, owner(event.fd), event.events});
            if (memory_ > Memory::STRUCT) {
                for (char one : event.events) {
                    reported_.push_back({thread.client, std::string("the ") +
                                                            (one == 'r' ? "reader" : "writer") +
                                                            " of " + owner(event.fd)});
                }
            }
        }
        if (begun_ == "recv" || begun_ == "send" || begun_ == "accept") {
            return; // what it has done was seen already
        }
        push(Step::RETURN, thread.client,
             begun_ +
                 (is_only_a_look_ ? " only looks, because the ready queue is not empty: "
                                  : " returns: ") +
                 (found.empty() ? "nothing new" : list(found)) + ".");
    }

    void check_turn(const Event& event, const Thread& thread) const {
        if (thread.client != event.client) {
            throw std::runtime_error(recording_.stage.name + ": " + name_of(event.client) +
                                     " is served when it is not its turn");
        }
    }

    void received(const Event& event, Thread& thread) {
        check_turn(event, thread);
        thread.call.clear();
        held_[event.client - 1] += event.bytes;
        push(Step::RECEIVED, event.client,
             event.bytes == 0 ? "The server is told that " + name_of(event.client) +
                                    " sends nothing more (end of the stream)."
                              : "The server receives " + std::to_string(event.bytes) +
                                    " bytes from " + name_of(event.client) + ".");
    }

    // How much the kernel takes of what it does not take whole depends on its buffers.
    void sent(const Event& event, Thread& thread) {
        check_turn(event, thread);
        thread.call.clear();
        bool is_all = event.bytes == event.wanted;
        held_[event.client - 1] -= event.bytes;
        push(Step::SENT, event.client,
             is_all ? "The kernel takes what is sent to " + name_of(event.client) + "."
                    : "The kernel does not take all that is sent to " + name_of(event.client) +
                          ": its buffer is full.");
    }

    // ---- blocks: which lines are run, on which stack --------------------------------------

    void run(const Event& event, Thread& thread) {
        auto found = recording_.program.blocks.find(event.at);
        if (found == recording_.program.blocks.end()) {
            throw std::runtime_error("a block is not in the program");
        }
        const Block& block = found->second;
        std::vector<Frame>& frames = thread.frames;
        auto has_returned = [&] {
            return !frames.empty() &&
                   (frames.back().address < event.frame ||
                    (frames.back().address == event.frame &&
                     (frames.back().block->function != block.function || block.is_entry)));
        };
        while (has_returned()) {
            leave_function(event.thread, thread);
        }
        if (!frames.empty() && frames.back().address == event.frame) {
            finish_block(event.thread, thread);
            frames.back().block = &block;
            frames.back().next = 0;
        } else {
            bool is_callee = run_until(event.from, event.thread, thread);
            frames.push_back({event.frame, &block});
            frames.back().is_callee = is_callee;
            entered(thread, block);
        }
        if (block.is_entry &&
            recording_.program.functions[block.function].is_body_of_coroutine) {
            resumed(event.thread, thread);
        }
        run_to_call(event.thread, thread);
    }

    void leave_function(std::size_t number, Thread& thread) {
        finish_block(number, thread);
        bool is_callee = thread.frames.back().is_callee;
        thread.frames.pop_back();
        if (is_callee) {
            ++thread.frames.back().next; // the call
        }
    }

    // Something happens in common/, which has no blocks: the functions that are not on the
    // stack have returned, and the innermost one that is has come to this call.
    void catch_up(const Event& event, Thread& thread) {
        auto is_active = [&](const BlockPart& part) {
            return part.line == 0 && std::find(event.stack.begin(), event.stack.end(),
                                               part.returns_to) != event.stack.end();
        };
        while (!thread.frames.empty()) {
            const Frame& frame = thread.frames.back();
            const std::vector<BlockPart>& parts = frame.block->parts;
            auto call = std::find_if(parts.begin() + static_cast<std::ptrdiff_t>(frame.next),
                                     parts.end(), is_active);
            if (call != parts.end()) {
                run_until(call->returns_to, event.thread, thread);
                return;
            }
            leave_function(event.thread, thread);
        }
    }

    // What is queued concerns only the loop and the code that adds to it.
    void entered(Thread& thread, const Block& block) {
        const std::string& name = recording_.program.functions[block.function].name;
        if (name == "EventLoop::call_soon") {
            queue_.push_back({thread.client, "added by " + caller(thread)});
        } else if (name == "EventLoop::call_later") {
            ++timers_;
        } else if (name == "EventLoop::call_waiting") {
            begin_to_call_waiting(thread);
        } else if (name == "EventLoop::call" && !is_called_by_call_waiting(thread)) {
            take_first(queue_, thread);
        }
    }

    // For each descriptor that was found ready the loop calls its reader, then its writer.
    void begin_to_call_waiting(Thread& thread) {
        std::size_t call = waiting_calls_++;
        const Watch& ready = ready_.at(call / 2);
        bool is_ready = ready.events.find(call % 2 == 0 ? 'r' : 'w') != std::string::npos;
        if (is_ready) {
            take_first(reported_, thread);
        }
    }

    bool is_called_by_call_waiting(const Thread& thread) const {
        return thread.frames.size() > 1 &&
               function(*(thread.frames.end() - 2)).name == "EventLoop::call_waiting";
    }

    static void take_first(std::deque<Queued>& queue, Thread& thread) {
        if (!queue.empty()) {
            thread.client = queue.front().client;
            queue.pop_front();
        }
    }

    std::string caller(const Thread& thread) const {
        for (auto frame = thread.frames.rbegin() + 1; frame != thread.frames.rend(); ++frame) {
            if (is_of_stage(*frame)) {
                return function(*frame).name;
            }
        }
        return "main";
    }

    bool is_of_stage(const Frame& frame) const {
        const Function& its = function(frame);
        return !its.has_no_source &&
               its.file.find("/" + recording_.stage.name + "/") != std::string::npos;
    }

    // A coroutine of echo_server.cpp goes on where it stands.
    void resumed(std::size_t number, Thread& thread) {
        std::size_t heading = heading_of(thread.frames.back());
        bool is_destroyed =
            thread.frames.size() > 1 && function(*(thread.frames.end() - 2)).destroys_coroutine;
        if (heading == 0 || is_destroyed) {
            return;
        }
        std::size_t line = serves(heading) ? last_line_[thread.client] : accepting_line_;
        if (line != 0 && !lines_.is_heading[line]) {
            run_line(line, number, thread);
        }
    }

    std::size_t heading_of(const Frame& frame) const {
        for (std::size_t line = 1; line < lines_.is_heading.size(); ++line) {
            if (lines_.is_heading[line] &&
                recording_.source[line - 1].find(" " + function(frame).name + "(") !=
                    std::string::npos) {
                return line;
            }
        }
        return 0;
    }

    // What comes before the first call.
    void run_to_call(std::size_t number, Thread& thread) {
        Frame frame = thread.frames.back();
        while (frame.next < frame.block->parts.size() &&
               frame.block->parts[frame.next].line != 0) {
            run_line(frame.block->parts[frame.next].line, number, thread);
            frame.next = ++thread.frames.back().next;
        }
    }

    // What comes before the call that returns to `address`. False: no call comes from there.
    bool run_until(Address address, std::size_t number, Thread& thread) {
        if (thread.frames.empty()) {
            return false;
        }
        const std::vector<BlockPart>& parts = thread.frames.back().block->parts;
        std::size_t first = thread.frames.back().next;
        for (std::size_t i = first; i < parts.size(); ++i) {
            if (parts[i].line == 0 && parts[i].returns_to == address) {
                for (std::size_t next = first; next < i; ++next) {
                    run_line(parts[next].line, number, thread);
                }
                thread.frames.back().next = i;
                return true;
            }
        }
        return false;
    }

    void finish_block(std::size_t number, Thread& thread) {
        const std::vector<BlockPart>& parts = thread.frames.back().block->parts;
        for (std::size_t i = thread.frames.back().next; i < parts.size(); ++i) {
            run_line(parts[i].line, number, thread);
        }
        thread.frames.back().next = parts.size();
    }

    void run_line(std::size_t line, std::size_t number, Thread& thread) {
        Frame& frame = thread.frames.back();
        if (line == 0 || line >= lines_.statement.size() || function(frame).has_no_source) {
            return;
        }
        line = lines_.statement[line];
        bool is_entered = frame.block->is_entry && !function(frame).is_body_of_coroutine;
        if (line == 0 || line == frame.line || (lines_.is_heading[line] && !is_entered)) {
            return;
        }
        frame.line = line;
        if (serves(line)) {
            last_line_[thread.client] = line;
            tell_what_came_next(thread.client, function(frame).name);
        } else if (function(frame).name != "main") {
            accepting_line_ = line;
        }
        std::size_t client = serves(line) ? thread.client : 0;
        push(Step::LINE, client,
             (threads_.size() > 1 ? name_of_thread(number) + " runs " : "") +
                 function(frame).name + (threads_.size() > 1 ? "" : " runs") +
                 (client == 0 ? "" : " for " + name_of(client)) + ", line " +
                 std::to_string(line) + ".");
    }

    // ---- the state ------------------------------------------------------------------------

    int fd_of(std::size_t client) const {
        for (const auto& [fd, its] : fds_) {
            if (its == client && !is_closed_.at(client)) {
                return fd;
            }
        }
        return -1;
    }
    std::size_t client_of(int fd) const {
        auto found = fds_.find(fd);
        return found == fds_.end() ? 0 : found->second;
    }
    std::string owner(int fd) const {
        return client_of(fd) != 0 ? name_of(client_of(fd))
               : fd == listener_  ? "the listener"
                                  : "the wake-up pipe";
    }
    static std::string done_to(const std::string& events) {
        return events == "r" ? "read" : events == "w" ? "written" : "read or written";
    }

    // Of a thread that serves the client: in which line; 0: there is none.
    static std::size_t innermost_line(const Thread& thread) {
        for (auto frame = thread.frames.rbegin(); frame != thread.frames.rend(); ++frame) {
            if (frame->line != 0) {
                return frame->line;
            }
        }
        return 0;
    }

    bool accepts(const Frame& frame) const {
        return frame.line >= lines_.first_that_accepts && function(frame).name != "main";
    }

    Place place_of(std::size_t client) const {
        const Exchange& exchange = exchanges_[client - 1];
        if (is_closed_.at(client)) {
            return {Place::GONE, 0, "its connection is closed"};
        }
        if (!exchange.is_connected) {
            return {Place::ABSENT, 0, "has not come yet"};
        }
        int fd = fd_of(client);
        if (fd == -1) {
            return {Place::QUEUE, 0, "the queue of the listener, in the kernel"};
        }
        for (const auto& [number, thread] : threads_) {
            bool is_there =
                std::any_of(thread.frames.begin(), thread.frames.end(),
                            [this](const Frame& frame) { return serves(frame.line); });
            if (thread.client == client && is_there) {
                std::string stack = "the stack of thread " + std::to_string(number);
                std::size_t line = innermost_line(thread);
                return thread.call.empty() ? Place{Place::RUNS, line, stack + ", which runs"}
                                           : Place{Place::WAITS, line,
                                                   stack + ", which waits in " + thread.call};
            }
        }
        if (last_line_.count(client) == 0 && watched_.count(fd) == 0) {
            return {Place::IN_HAND, 0, "accepted; its handler has not begun"};
        }
        bool is_suspended = memory_ == Memory::GENERATOR || memory_ == Memory::FRAME;
        std::size_t line = is_suspended ? last_line_.at(client) : 0;
        return {memory_ == Memory::STACK ? Place::IN_HAND
                : is_suspended           ? Place::STANDS
                                         : Place::KEPT,
                line, words_for(client, fd)};
    }

    std::string words_for(std::size_t client, int fd) const {
        auto is_for_client = [&](const Queued& queued) { return queued.client == client; };
        bool is_queued = std::any_of(reported_.begin(), reported_.end(), is_for_client) ||
                         std::any_of(queue_.begin(), queue_.end(), is_for_client);
        auto in_queue = IN_QUEUE.find(memory_);
        if (is_queued && in_queue != IN_QUEUE.end()) {
            return in_queue->second;
        }
        auto events = watched_.find(fd);
        if (memory_ > Memory::STRUCT && events == watched_.end()) {
            return "nothing any more: its socket is about to be closed";
        }
        bool is_writing =
            events != watched_.end() && events->second.find('w') != std::string::npos;
        return is_writing ? WORDS.at(memory_).writing : WORDS.at(memory_).reading;
    }

    Place place_of_acceptor() const {
        if (threads_.empty() || listener_ == -1) {
            return {Place::ABSENT, 0, "does not listen yet"};
        }
        const Thread& first = threads_.begin()->second;
        const Frame* innermost = nullptr; // of echo_server.cpp
        const Frame* accepting = nullptr;
        for (const Frame& frame : first.frames) {
            innermost = frame.line != 0 ? &frame : innermost;
            accepting = accepts(frame) ? &frame : accepting;
        }
        if (accepting != nullptr && accepting == innermost && first.call.empty()) {
            return {Place::RUNS, accepting->line, "the stack of thread 1, which runs"};
        }
        if (accepting != nullptr && memory_ == Memory::STACK) {
            bool is_busy = accepting != innermost;
            return {Place::WAITS, accepting->line,
                    "the stack of thread 1, which " +
                        (is_busy ? "is busy with " + name_of(first.client)
                                 : "waits in " + first.call)};
        }
        bool is_suspended = memory_ == Memory::GENERATOR || memory_ == Memory::FRAME;
        if (accepting_line_ == 0) {
            return {Place::IN_HAND, 0, "has not begun to accept"};
        }
        return {is_suspended ? Place::STANDS : Place::KEPT, is_suspended ? accepting_line_ : 0,
                WORDS.at(memory_).accepting};
    }

    State state() const {
        State now;
        for (const auto& [number, thread] : threads_) {
            ThreadState one{number, innermost_line(thread), thread.call, {}};
            for (const Frame& frame : thread.frames) {
                if (is_of_stage(frame) &&
                    (one.stack.empty() || one.stack.back() != function(frame).name)) {
                    one.stack.push_back(function(frame).name);
                }
            }
            if (thread.call.empty()) {
                now.running_line = one.line;
            }
            now.threads.push_back(std::move(one));
        }
        now.places[0] = place_of_acceptor();
        for (std::size_t client = 1; client <= CLIENTS; ++client) {
            now.places[client] = place_of(client);
        }
        now.exchanges = exchanges_;
        now.held = held_;
        for (const auto& [fd, events] : watched_) {
            now.watched.push_back({fd, owner(fd), events});
        }
        now.ready = ready_;
        now.timers = timers_;
        now.has_queue = memory_ > Memory::STRUCT;
        for (const std::deque<Queued>* queue : {&reported_, &queue_}) {
            for (const Queued& queued : *queue) {
                now.queue.push_back((queued.client == 0 ? "" : name_of(queued.client) + ": ") +
                                    queued.words);
            }
        }
        return now;
    }

    void push(Step::Kind kind, std::size_t client, std::string sentence,
              std::size_t action = 0) {
        if (!sentence.empty() && sentence[0] >= 'a' && kind == Step::CLIENT) {
            sentence[0] = static_cast<char>(sentence[0] - 'a' + 'A');
        }
        steps_.push_back({kind, action, client, std::move(sentence), state()});
    }

    // Which function is called next for a client is known when it is called.
    void tell_what_came_next(std::size_t client, const std::string& name) {
        if (name.starts_with("lambda")) {
            return; // that only calls it
        }
        std::size_t& told = told_until_[client];
        for (; told < steps_.size(); ++told) {
            std::string& words = steps_[told].state.places.at(client).words;
            if (std::size_t at = words.find(NEXT); at != std::string::npos) {
                words.replace(at, NEXT.size(), name);
            }
        }
    }

    // ---- what is shown once ---------------------------------------------------------------

    // The message that does not fit into the kernel is echoed in many rounds, all the same. How
    // many there are depends on the kernel.
    void leave_out_repetitions() {
        for (std::size_t client = 1; client <= CLIENTS; ++client) {
            leave_out_repetitions(client);
        }
        action_begins_ = steps_.size();
    }

    void leave_out_repetitions(std::size_t client) {
        std::vector<std::size_t> rounds; // their beginnings
        for (std::size_t i = action_begins_; i < steps_.size(); ++i) {
            if (steps_[i].kind == Step::RECEIVED && steps_[i].client == client) {
                rounds.push_back(beginning_of_round(i));
            }
        }
        // If it is stuck in the end, the first round and the last one remain; otherwise what
        // comes before the first one.
        bool is_stuck = !exchanges_[client - 1].is_reading;
        if (rounds.size() < 4) {
            return;
        }
        std::size_t begin = is_stuck ? rounds[1] : rounds[0];
        std::size_t end = is_stuck ? rounds.back() : steps_.size() - 1;
        Step rest = steps_[is_stuck ? end - 1 : end]; // in between much depends on the kernel
        rest.kind = Step::LEFT_OUT;
        rest.client = client;
        rest.sentence =
            is_stuck
                ? "And so on, with the next pieces, while the kernel takes them."
                : "It receives and sends the rest, piece by piece, until all of it is echoed.";
        auto at = steps_.erase(steps_.begin() + static_cast<std::ptrdiff_t>(begin),
                               steps_.begin() + static_cast<std::ptrdiff_t>(end));
        steps_.insert(at, std::move(rest));
        for (auto& [number, told] : told_until_) {
            told = std::min(told, begin);
        }
    }

    std::size_t beginning_of_round(std::size_t i) const {
        std::size_t begin = i;
        while (begin > action_begins_ && steps_[begin - 1].kind != Step::SENT) {
            --begin;
            if (steps_[begin].kind == Step::RETURN) {
                return begin;
            }
        }
        return begin;
    }

    void number_iterations() {
        std::size_t iteration = 0;
        bool is_waiting = false;
        for (Step& step : steps_) {
            bool is_wait = step.kind == Step::WAIT;
            bool is_new = is_wait || (step.kind == Step::RETURN && !is_waiting);
            iteration += is_loop_ && is_new ? 1 : 0;
            is_waiting = is_wait || (is_waiting && step.kind == Step::CLIENT);
            step.state.iteration = iteration;
        }
    }

    const Recording& recording_;
    SourceLines lines_;
    Memory memory_;
    std::size_t at_ = 0; // the event
    std::vector<Step> steps_;
    std::size_t action_begins_ = 0; // in steps_

    std::map<std::size_t, Thread> threads_; // by number
    Exchanges exchanges_;
    std::array<std::size_t, CLIENTS> held_{};
    int listener_ = -1;
    std::map<int, std::size_t> fds_; // of clients
    std::map<int, std::string> watched_;
    std::vector<Watch> ready_;
    std::size_t timers_ = 0;
    std::deque<Queued> reported_;   // readers and writers, by the last look
    std::size_t waiting_calls_ = 0; // of call_waiting since then
    std::deque<Queued> queue_;      // of call_soon
    bool is_loop_ = false;          // it waits for many at once
    bool is_only_a_look_ = false;
    std::string begun_; // the last call
    std::size_t newest_client_ = 0;
    std::array<bool, CLIENTS + 1> is_closed_{};
    std::map<std::size_t, std::size_t> last_line_; // by client: of its handler
    std::size_t accepting_line_ = 0;
    std::map<std::size_t, std::size_t> told_until_; // by client, see tell_what_came_next
};

std::string trimmed(const std::string& line) {
    std::size_t first = line.find_first_not_of(' ');
    std::string text = first == std::string::npos ? "" : line.substr(first);
    text = text.substr(0, text.find("//"));
    return text.substr(0, text.find_last_not_of(' ') + 1);
}

} // namespace

SourceLines::SourceLines(const std::vector<std::string>& source)
    : statement(source.size() + 1), is_heading(source.size() + 1),
      first_that_accepts(source.size() + 1) {
    bool is_complete = true; // the statement before
    for (std::size_t number = 1; number <= source.size(); ++number) {
        const std::string& line = source[number - 1];
        std::string text = trimmed(line);
        bool is_type = text.starts_with("struct ") || text.starts_with("class ");
        if (text.empty() || text[0] == '#' || text[0] == '}' || is_type) {
            continue;
        }
        bool has_body = text.find('{') != std::string::npos;
        bool is_rest_of_heading = !is_complete && is_heading[statement[number - 1]];
        is_heading[number] =
            line[0] != ' ' && text.find('(') != std::string::npos && !text.ends_with(';');
        statement[number] =
            is_complete || (has_body && !is_rest_of_heading) ? number : statement[number - 1];
        is_complete = text.ends_with(';') || text.ends_with('{') || text.ends_with('}') ||
                      text.ends_with(':');
        if (first_that_accepts > source.size() && starts_accepting(line)) {
            first_that_accepts = number;
        }
    }
}

std::string what_keeps_a_place(const std::vector<std::string>& source) {
    static const std::map<Memory, std::string> words = {
        {Memory::STACK, "a stack"},         {Memory::STRUCT, "a struct in a list"},
        {Memory::CALLBACK, "a callback"},   {Memory::FUTURE, "a Future"},
        {Memory::GENERATOR, "a generator"}, {Memory::FRAME, "a coroutine frame"}};
    return words.at(memory_of(source));
}

std::vector<Step> steps_of(const Recording& recording) {
    return Converter(recording).convert();
}
