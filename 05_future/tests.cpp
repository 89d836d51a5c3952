// How a Future behaves, and what is built on it; asyncio's own tests assert much of this.
#include "async_socket.hpp"
#include "event_loop.hpp"
#include "executor.hpp"
#include "future.hpp"

#include "common/log.hpp"
#include "common/selector.hpp"
#include "common/socket.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace std::chrono_literals;

namespace {

void run_one_iteration(EventLoop& loop) {
    loop.stop();
    loop.run_forever();
}

std::exception_ptr error(const std::string& text) {
    return std::make_exception_ptr(std::runtime_error(text));
}

// The messages that reach the exception handler of the loop.
std::shared_ptr<std::vector<std::string>> reports_of(EventLoop& loop) {
    auto reports = std::make_shared<std::vector<std::string>>();
    loop.set_exception_handler(
        [reports](const ExceptionContext& context) { reports->push_back(context.message); });
    return reports;
}

// Counts the polls, that is, the iterations of the loop.
class CountingSelector : public Selector {
  public:
    explicit CountingSelector(int& count) : count_(count) {}
    void register_fd(int fd, Events events) override { selector_->register_fd(fd, events); }
    void modify(int fd, Events events) override { selector_->modify(fd, events); }
    void unregister(int fd) override { selector_->unregister(fd); }
    const std::vector<ReadyFd>&
    select(std::optional<std::chrono::nanoseconds> timeout) override {
        ++count_;
        return selector_->select(timeout);
    }

  private:
    std::unique_ptr<Selector> selector_ = make_default_selector();
    int& count_;
};

struct SocketPair {
    Socket ours{-1, "ours"};
    Socket theirs{-1, "theirs"};

    SocketPair() {
        int fds[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
        ours = Socket(fds[0], "ours");
        theirs = Socket(fds[1], "theirs");
        ours.set_blocking(false);
        theirs.set_blocking(false);
    }
};

// A connection over loopback: two AsyncSockets of the same loop.
struct Connection {
    AsyncSocket ours;
    AsyncSocket theirs;

    static Connection open(EventLoop& loop) {
        Socket listener = listen_on("127.0.0.1", 0);
        std::string address = listener.address();
        auto port =
            static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1)));
        Socket theirs = connect_to("127.0.0.1", port);
        return {AsyncSocket(loop, listener.accept()), AsyncSocket(loop, std::move(theirs))};
    }
};

} // namespace

TEST_CASE("a Future gets its result once and keeps it") {
    EventLoop loop;
    Future<int> future(loop);
    CHECK_FALSE(future.done());
    CHECK_FALSE(future.cancelled());
    CHECK_THROWS_AS(future.result(), InvalidStateError);
    CHECK_THROWS_AS(future.exception(), InvalidStateError);
    future.set_result(42);
    CHECK(future.done());
    CHECK_FALSE(future.cancelled());
    CHECK_THROWS_AS(future.set_result(43), InvalidStateError);
    CHECK_THROWS_AS(future.set_exception(error("late")), InvalidStateError);
    CHECK_FALSE(future.cancel());
    CHECK(future.result() == 42);
    CHECK(future.result() == 42);
    CHECK(future.exception() == nullptr);
}

TEST_CASE("copies stand for the same Future, and a result may be moved out") {
    EventLoop loop;
    Future<std::unique_ptr<int>> future(loop);
    Future<std::unique_ptr<int>> copy = future;
    future.set_result(std::make_unique<int>(42));
    std::unique_ptr<int> result = std::move(copy.result());
    CHECK(*result == 42);
}

TEST_CASE("a Future with an exception throws it from result, each time") {
    EventLoop loop;
    Future<int> future(loop);
    future.set_exception(error("broken"));
    CHECK(future.done());
    CHECK_FALSE(future.cancelled());
    CHECK_THROWS_WITH(future.result(), "broken");
    CHECK_THROWS_WITH(future.result(), "broken");
    CHECK(future.exception() != nullptr);
}

TEST_CASE("a cancelled Future is done, and its result throws CancelledError") {
    EventLoop loop;
    Future<int> future(loop);
    CHECK(future.cancel());
    CHECK_FALSE(future.cancel());
    CHECK(future.done());
    CHECK(future.cancelled());
    CHECK_THROWS_AS(future.result(), CancelledError);
    CHECK_THROWS_AS(future.exception(), CancelledError);
    CHECK_THROWS_AS(future.set_result(42), InvalidStateError);
    CHECK_FALSE(std::is_base_of_v<std::exception, CancelledError>);
}

TEST_CASE("callbacks run in the next iteration, in order, with the Future") {
    std::vector<std::function<void(Future<int>&)>> ways_to_complete = {
        [](Future<int>& future) { future.set_result(42); },
        [](Future<int>& future) { future.set_exception(error("broken")); },
        [](Future<int>& future) { future.cancel(); },
    };
    for (const auto& complete : ways_to_complete) {
        EventLoop loop;
        Future<int> future(loop);
        std::string log;
        for (char name : {'A', 'B'}) {
            future.add_done_callback([&log, name](Future<int> done) {
                CHECK(done.done());
                log += name;
            });
        }
        complete(future);
        CHECK(log == "");
        run_one_iteration(loop);
        CHECK(log == "AB");
        run_one_iteration(loop);
        CHECK(log == "AB");
        CHECK((future.cancelled() || future.exception() || future.result() == 42));
    }
}

TEST_CASE("a callback that is added to a done Future still runs, in a later iteration") {
    EventLoop loop;
    Future<int> future(loop);
    future.set_result(42);
    int seen = 0;
    future.add_done_callback([&](Future<int> done) { seen = done.result(); });
    CHECK(seen == 0);
    run_one_iteration(loop);
    CHECK(seen == 42);
}

TEST_CASE("a callback that was taken back leaves the others in order") {
    EventLoop loop;
    Future<int> future(loop);
    std::string log;
    std::size_t first = future.add_done_callback([&](Future<int>) { log += 'A'; });
    future.add_done_callback([&](Future<int>) { log += 'B'; });
    CHECK(future.remove_done_callback(first));
    CHECK_FALSE(future.remove_done_callback(first));
    future.add_done_callback([&](Future<int>) { log += 'C'; });
    future.set_result(1);
    run_one_iteration(loop);
    CHECK(log == "BC");
}

TEST_CASE("a callback that throws does not keep the others from running") {
    EventLoop loop;
    auto reports = reports_of(loop);
    Future<int> future(loop);
    bool has_run = false;
    future.add_done_callback([](Future<int>) { throw std::runtime_error("broken"); });
    future.add_done_callback([&](Future<int>) { has_run = true; });
    future.set_result(42);
    run_one_iteration(loop);
    CHECK(has_run);
    CHECK(reports->size() == 1);
}

TEST_CASE("an exception that nobody has looked at is reported once") {
    EventLoop loop;
    auto reports = reports_of(loop);
    {
        Future<int> future(loop);
        Future<int> copy = future;
        future.set_exception(error("nobody looks"));
    }
    REQUIRE(reports->size() == 1);
    CHECK(reports->front() == "exception of a Future was never retrieved");
}

TEST_CASE("no exception is reported that was looked at, or that there is not") {
    EventLoop loop;
    auto reports = reports_of(loop);
    {
        Future<int> looked_at(loop);
        looked_at.set_exception(error("seen"));
        CHECK(looked_at.exception() != nullptr);
        Future<int> thrown(loop);
        thrown.set_exception(error("seen"));
        CHECK_THROWS(thrown.result());
        Future<int> with_result(loop);
        with_result.set_result(42);
        Future<int> cancelled(loop);
        cancelled.cancel();
        Future<int> pending(loop);
    }
    CHECK(reports->empty());
}

TEST_CASE("to cancel a Future that has failed counts as looking at its exception") {
    EventLoop loop;
    auto reports = reports_of(loop);
    {
        Future<int> future(loop);
        future.set_exception(error("nobody cares"));
        CHECK_FALSE(future.cancel());
        CHECK_THROWS_WITH(future.result(), "nobody cares");
        Future<int> not_looked_at(loop);
        not_looked_at.set_exception(error("nobody cares"));
        CHECK_FALSE(not_looked_at.cancel());
    }
    CHECK(reports->empty());
}

TEST_CASE("remove_done_callback takes back one callback") {
    EventLoop loop;
    Future<int> future(loop);
    std::string log;
    future.add_done_callback([&](Future<int>) { log += 'A'; });
    std::size_t number = future.add_done_callback([&](Future<int>) { log += 'B'; });
    std::size_t last = future.add_done_callback([&](Future<int>) { log += 'C'; });
    CHECK(future.remove_done_callback(number));
    CHECK_FALSE(future.remove_done_callback(number));
    future.set_result(1);
    CHECK_FALSE(future.remove_done_callback(last)); // too late: it is going to be called
    run_one_iteration(loop);
    CHECK(log == "AC");
}

TEST_CASE("a sleep of 400 years does not end at once") {
    EventLoop loop;
    Future<void> sleeping = sleep(loop, std::chrono::hours(400 * 365 * 24));
    run_one_iteration(loop);
    CHECK_FALSE(sleeping.done());
}

TEST_CASE("run_until_complete returns the value or throws, and the loop can go on") {
    EventLoop loop;
    Future<int> future(loop);
    loop.call_soon([&] { future.set_result(42); });
    CHECK(run_until_complete(loop, future) == 42);
    CHECK(run_until_complete(loop, future) == 42); // done already
    Future<void> broken(loop);
    loop.call_soon([&] { broken.set_exception(error("broken")); });
    CHECK_THROWS_WITH(run_until_complete(loop, broken), "broken");
    CHECK_FALSE(loop.is_running());
    run_until_complete(loop, sleep(loop, 1ms));
}

TEST_CASE("run_until_complete throws when somebody stops the loop") {
    EventLoop loop;
    Future<int> future(loop);
    loop.call_soon([&] { loop.stop(); });
    CHECK_THROWS_AS(run_until_complete(loop, future), std::runtime_error);
    CHECK_FALSE(future.done());
    loop.call_later(1ms, [&] { future.set_result(42); });
    CHECK(run_until_complete(loop, future) == 42);
}

TEST_CASE("a run_until_complete that has ended does not stop the loop any more") {
    EventLoop loop;
    Future<int> future(loop);
    loop.call_soon([&] { loop.stop(); });
    CHECK_THROWS_AS(run_until_complete(loop, future), std::runtime_error);
    future.set_result(42);
    run_until_complete(loop, sleep(loop, 1ms)); // was not stopped in between
}

TEST_CASE("sleep is done when its time has come, and cancelling it cancels the timer") {
    EventLoop loop;
    Clock::time_point start = loop.time();
    run_until_complete(loop, sleep(loop, 10ms));
    CHECK(loop.time() - start >= 10ms);
    std::weak_ptr<FutureState> state;
    {
        Future<void> cancelled = sleep(loop, 1h);
        state = cancelled.state();
        cancelled.cancel();
    }
    CHECK(!state.expired());
    run_one_iteration(loop);
    CHECK(state.expired()); // no timer keeps it
}

TEST_CASE("a sleep may be cancelled in the iteration in which it is due") {
    EventLoop loop;
    auto reports = reports_of(loop);
    Future<void> woken(loop);
    loop.call_later(1ms, [&woken] { woken.cancel(); });
    woken = sleep(loop, 1ms);
    while (!woken.done()) {
        std::this_thread::sleep_for(5ms); // both timers become due in one iteration
        run_one_iteration(loop);
    }
    run_one_iteration(loop);
    CHECK(woken.cancelled());
    CHECK(reports->empty());
}

TEST_CASE("a pending sleep does not leak when its loop is closed") {
    EventLoop loop;
    auto captured = std::make_shared<int>(0);
    sleep(loop, 1h).add_done_callback([captured](Future<void>) {});
    CHECK(captured.use_count() == 2);
    loop.close();
    CHECK(captured.use_count() == 1);
}

TEST_CASE("100000 Futures that complete one another need no stack") {
    EventLoop loop;
    std::vector<Future<int>> chain;
    for (int i = 0; i < 100'000; ++i) {
        chain.emplace_back(loop);
    }
    for (std::size_t i = 1; i < chain.size(); ++i) {
        chain[i - 1].add_done_callback(
            [next = chain[i]](Future<int> done) { next.set_result(done.result() + 1); });
    }
    chain.front().set_result(0);
    CHECK(run_until_complete(loop, chain.back()) == 99'999); // and no stack overflow
}

TEST_CASE(
    "run_in_executor runs the function in another thread, its result arrives in this one") {
    EventLoop loop;
    Future<std::thread::id> future =
        run_in_executor(loop, [] { return std::this_thread::get_id(); });
    std::thread::id callback_ran_in;
    future.add_done_callback(
        [&](Future<std::thread::id>) { callback_ran_in = std::this_thread::get_id(); });
    CHECK(run_until_complete(loop, future) != std::this_thread::get_id());
    CHECK(callback_ran_in == std::this_thread::get_id());
}

TEST_CASE("run_in_executor takes functions of any result, exceptions, and many at once") {
    EventLoop loop;
    std::atomic<int> calls = 0;
    run_until_complete(loop, run_in_executor(loop, [&] { ++calls; }));
    auto result = run_in_executor(loop, [] { return std::make_unique<int>(42); });
    result.add_done_callback([&](auto) { loop.stop(); });
    loop.run_forever();
    CHECK(*result.result() == 42);
    auto broken = run_in_executor(loop, [] { throw std::runtime_error("broken"); });
    CHECK_THROWS_WITH(run_until_complete(loop, broken), "broken");
    std::vector<Future<void>> many;
    for (int i = 0; i < 100; ++i) {
        many.push_back(run_in_executor(loop, [&] { ++calls; }));
    }
    for (const Future<void>& future : many) {
        run_until_complete(loop, future);
    }
    CHECK(calls == 101);
}

TEST_CASE("closing the loop waits for what runs in the executor and drops the rest") {
    std::atomic<int> started = 0;
    std::atomic<int> finished = 0;
    {
        EventLoop loop;
        std::vector<Future<void>> futures;
        for (int i = 0; i < 1000; ++i) {
            futures.push_back(run_in_executor(loop, [&] {
                ++started;
                std::this_thread::sleep_for(5ms); // all of them: more than a second
                ++finished;
            }));
        }
        futures.front().cancel();
    }
    CHECK(started == finished);
    CHECK(started < 1000);
}

TEST_CASE("run_in_executor: what the function owns is destroyed in the thread of the loop") {
    EventLoop loop;
    Connection connection = Connection::open(loop);
    AsyncSocket theirs = connection.theirs;
    std::thread::id destroyed_in;
    std::shared_ptr<void> owned(nullptr,
                                [&](void*) { destroyed_in = std::this_thread::get_id(); });
    Future<void> called =
        run_in_executor(loop, [owned = std::move(owned), socket = connection.ours] {});
    connection.ours = theirs; // the function has the last handle of it
    run_until_complete(loop, called);
    run_one_iteration(loop);
    CHECK(destroyed_in == std::this_thread::get_id());
    Future<std::string> received = theirs.recv(100);
    CHECK(run_until_complete(loop, received) == ""); // it is closed
}

TEST_CASE(
    "run_in_executor: a call that is cancelled while it waits for a thread does not run") {
    EventLoop loop;
    std::promise<void> opened;
    std::shared_future<void> gate = opened.get_future().share();
    std::vector<Future<void>> keep_all_threads_busy;
    for (int i = 0; i < 4; ++i) {
        keep_all_threads_busy.push_back(run_in_executor(loop, [gate] { gate.wait(); }));
    }
    std::atomic<bool> has_run = false;
    Future<void> cancelled = run_in_executor(loop, [&] { has_run = true; });
    Future<void> last = run_in_executor(loop, [] {});
    cancelled.cancel();
    run_one_iteration(loop);
    opened.set_value();
    run_until_complete(loop, last);
    loop.close(); // waits for the threads
    CHECK_FALSE(has_run);
}

TEST_CASE("AsyncSocket: recv and send_all give Futures, and the end of stream is empty") {
    EventLoop loop;
    Connection connection = Connection::open(loop);
    Future<std::string> received = connection.ours.recv(100);
    CHECK_FALSE(received.done());
    run_until_complete(loop, connection.theirs.send_all("hello"));
    CHECK(run_until_complete(loop, received) == "hello");
    {
        Connection gone = std::move(connection); // closes both ends
        connection = Connection::open(loop);
    }
    AsyncSocket ours = connection.ours;
    { AsyncSocket closed = std::exchange(connection.theirs, ours); }
    CHECK(run_until_complete(loop, ours.recv(100)) == "");
}

TEST_CASE("AsyncSocket: recv of no bytes is an error and not the end of the stream") {
    EventLoop loop;
    Connection connection = Connection::open(loop);
    run_until_complete(loop, connection.theirs.send_all("hello"));
    CHECK_THROWS_AS(run_until_complete(loop, connection.ours.recv(0)), std::invalid_argument);
    CHECK(run_until_complete(loop, connection.ours.recv(100)) == "hello");
}

TEST_CASE("AsyncSocket: accept of a socket that does not listen fails") {
    EventLoop loop;
    Connection connection = Connection::open(loop);
    run_until_complete(loop, connection.theirs.send_all("x"));
    Future<AsyncSocket> accepted = connection.ours.accept();
    CHECK_THROWS_AS(run_until_complete(loop, accepted), std::system_error);
}

TEST_CASE("AsyncSocket: 8 MB arrive whole") {
    EventLoop loop;
    Connection connection = Connection::open(loop);
    std::string data(8 << 20, 'x');
    for (std::size_t i = 0; i < data.size(); i += 4093) {
        data[i] = static_cast<char>(i);
    }
    std::string received;
    std::function<void()> receive_more = [&] {
        connection.theirs.recv(100'000).add_done_callback([&](Future<std::string> future) {
            received += future.result();
            if (received.size() < data.size()) {
                receive_more();
            } else {
                loop.stop();
            }
        });
    };
    Future<void> sent = connection.ours.send_all(data);
    CHECK_FALSE(sent.done());
    receive_more();
    loop.run_forever();
    CHECK(received == data);
    run_until_complete(loop, sent);
}

TEST_CASE("AsyncSocket: a second receiver or sender is refused, the first one goes on") {
    EventLoop loop;
    Connection connection = Connection::open(loop);
    Future<std::string> first = connection.ours.recv(100);
    CHECK_THROWS_AS(static_cast<void>(connection.ours.recv(100)), std::logic_error);
    Future<void> sending = connection.ours.send_all(std::string(20 << 20, 'x'));
    CHECK_FALSE(sending.done());
    CHECK_THROWS_AS(static_cast<void>(connection.ours.send_all("x")), std::logic_error);
    run_until_complete(loop, connection.theirs.send_all("hello"));
    CHECK(run_until_complete(loop, first) == "hello");
}

TEST_CASE("AsyncSocket: after a cancelled recv the next one gets the data whole") {
    EventLoop loop;
    Connection connection = Connection::open(loop);
    Future<std::string> cancelled = connection.ours.recv(100);
    cancelled.cancel();
    run_until_complete(loop, connection.theirs.send_all("hello"));
    run_one_iteration(loop);
    CHECK(run_until_complete(loop, connection.ours.recv(100)) == "hello");
}

TEST_CASE("AsyncSocket: data that nobody waits for does not make the loop spin") {
    int iterations = 0;
    EventLoop loop(std::make_unique<CountingSelector>(iterations));
    Connection connection = Connection::open(loop);
    run_until_complete(loop, connection.theirs.send_all("x"));
    CHECK(run_until_complete(loop, connection.ours.recv(100)) == "x"); // it stays registered
    run_until_complete(loop, connection.theirs.send_all("hello"));
    iterations = 0;
    run_until_complete(loop, sleep(loop, 50ms));
    CHECK(iterations < 10);
    CHECK(run_until_complete(loop, connection.ours.recv(100)) == "hello");
}

TEST_CASE("AsyncSocket: a cancelled send sends no more") {
    EventLoop loop;
    auto reports = reports_of(loop);
    Connection connection = Connection::open(loop);
    const std::size_t size = 20 << 20;
    connection.ours.send_all(std::string(size, 'x')).cancel();
    std::size_t received = 0;
    std::function<void()> receive_more = [&] {
        connection.theirs.recv(100'000).add_done_callback([&](Future<std::string> future) {
            received += future.result().size();
            receive_more();
        });
    };
    receive_more();
    for (std::size_t before = 1; before != received;) { // until nothing has come for a while
        before = received;
        run_until_complete(loop, sleep(loop, 50ms));
    }
    CHECK(received < size);
    CHECK(reports->empty());
    run_until_complete(loop, connection.ours.send_all("y")); // nobody is in its way
}

TEST_CASE("AsyncSocket: a reset by the peer becomes the exception of the Future") {
    EventLoop loop;
    Connection connection = Connection::open(loop);
    Future<std::string> received = connection.ours.recv(100);
    run_until_complete(loop, connection.ours.send_all("unread"));
    { AsyncSocket closed = std::exchange(connection.theirs, connection.ours); } // unread: RST
    CHECK_THROWS_AS(run_until_complete(loop, received), std::system_error);
}

TEST_CASE("AsyncSocket: connect finds a listener that accepts, and fails where there is none") {
    EventLoop loop;
    std::optional<Socket> socket = listen_on("127.0.0.1", 0);
    std::string address = socket->address();
    auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1)));
    Endpoint endpoint = resolve("127.0.0.1", port).front();
    {
        AsyncSocket listener(loop, std::move(*socket));
        Future<AsyncSocket> accepted = listener.accept();
        AsyncSocket client = run_until_complete(loop, AsyncSocket::connect(loop, endpoint));
        AsyncSocket server = run_until_complete(loop, accepted);
        CHECK(client.address() == address);
        run_until_complete(loop, server.send_all("hello"));
        CHECK(run_until_complete(loop, client.recv(100)) == "hello");
    }
    CHECK_THROWS_AS(run_until_complete(loop, AsyncSocket::connect(loop, endpoint)),
                    std::system_error);
}

TEST_CASE("AsyncSocket: a cancelled connect or accept gives up its socket") {
    EventLoop loop;
    Socket blocking = listen_on("127.0.0.1", 0);
    std::string address = blocking.address();
    auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1)));
    Endpoint endpoint = resolve("127.0.0.1", port).front();
    std::optional<AsyncSocket> listener(AsyncSocket(loop, std::move(blocking)));

    auto reports = reports_of(loop);
    Future<AsyncSocket> connected = AsyncSocket::connect(loop, endpoint);
    connected.cancel();
    run_one_iteration(loop); // the cancellation, and the connection that has been made
    run_one_iteration(loop);
    AsyncSocket dropped = run_until_complete(loop, listener->accept());
    CHECK(run_until_complete(loop, dropped.recv(100)) == ""); // it was closed

    connected = AsyncSocket::connect(loop, endpoint);
    loop.call_soon([&] { connected.cancel(); });
    run_one_iteration(
        loop); // cancelled between the poll, which finds it connected, and its turn
    run_one_iteration(loop);
    dropped = run_until_complete(loop, listener->accept());
    CHECK(run_until_complete(loop, dropped.recv(100)) == "");
    CHECK(reports->empty());

    Future<AsyncSocket> accepted = listener->accept();
    accepted.cancel();
    listener.reset(); // closed now, although nobody has come
    CHECK_THROWS_AS(run_until_complete(loop, AsyncSocket::connect(loop, endpoint)),
                    std::system_error);
}

TEST_CASE("AsyncSocket: an accept cancelled without a descriptor leaves the next one alone") {
    EventLoop loop;
    AsyncSocket listener(loop, listen_on("127.0.0.1", 0));
    std::string address = listener.address();
    auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1)));
    Socket client = connect_to("127.0.0.1", port);
    Future<AsyncSocket> first = listener.accept();
    int next_descriptor = ::dup(0);
    REQUIRE(next_descriptor != -1);
    ::close(next_descriptor);
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit full = before;
    full.rlim_cur = static_cast<rlim_t>(next_descriptor);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &full) == 0);
    set_quiet(true);
    run_one_iteration(loop); // fails, and will try again after 100 ms
    set_quiet(false);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK_FALSE(first.done());
    first.cancel();
    run_until_complete(loop, listener.accept());
    Future<AsyncSocket> third = listener.accept();
    run_until_complete(loop, sleep(loop, 110ms)); // the time of the other try has passed
    Socket second_client = connect_to("127.0.0.1", port);
    CHECK(run_until_complete(loop, third).address() != address);
}

#ifdef __linux__ // where a full queue of connections lets the next one wait
TEST_CASE("AsyncSocket: a cancelled connect that nobody answers is closed at once") {
    EventLoop loop;
    Socket listener = listen_on("127.0.0.1", 0);
    ::listen(listener.fd(), 0); // a queue of one
    std::string address = listener.address();
    auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1)));
    Socket in_the_queue = connect_to("127.0.0.1", port);
    int next_descriptor = ::dup(0);
    ::close(next_descriptor);
    {
        Future<AsyncSocket> connected =
            AsyncSocket::connect(loop, resolve("127.0.0.1", port).front());
        run_one_iteration(loop);
        REQUIRE_FALSE(connected.done());
        connected.cancel();
        run_one_iteration(loop);
    }
    int lowest = ::dup(0);
    ::close(lowest);
    CHECK(lowest == next_descriptor);
}
#endif

TEST_CASE("AsyncSocket: an operation whose socket is dropped is cancelled") {
    EventLoop loop;
    Future<std::string> received = Connection::open(loop).ours.recv(100);
    CHECK_THROWS_AS(run_until_complete(loop, received), CancelledError);
    std::string data(20 << 20, 'x');
    std::optional<Connection> connection = Connection::open(loop);
    Future<void> sent = connection->ours.send_all(data);
    CHECK_FALSE(sent.done());
    connection->ours = connection->theirs; // the last handle of it
    CHECK_THROWS_AS(run_until_complete(loop, sent), CancelledError);
}

TEST_CASE("a nested run_until_complete throws, and leaves nothing behind that stops the loop") {
    EventLoop loop;
    Future<void> future(loop);
    bool has_gone_on = false;
    loop.call_soon([&] {
        CHECK_THROWS_AS(run_until_complete(loop, future), std::runtime_error);
        future.set_result();
        loop.call_later(5ms, [&] {
            has_gone_on = true;
            loop.stop();
        });
    });
    loop.run_forever();
    CHECK(has_gone_on);
}

TEST_CASE("run_in_executor refuses a closed loop") {
    auto loop = std::make_unique<EventLoop>();
    loop->close();
    CHECK_THROWS_AS(static_cast<void>(run_in_executor(*loop, [] {})), std::runtime_error);
}

TEST_CASE("AsyncSocket: operations that are pending when the loop is closed do not leak") {
    auto captured = std::make_shared<int>(0);
    {
        EventLoop loop;
        Connection connection = Connection::open(loop);
        AsyncSocket ours = connection.ours;
        ours.recv(100).add_done_callback([ours, captured](Future<std::string>) {});
        ours.send_all(std::string(20 << 20, 'x'))
            .add_done_callback([ours, captured](Future<void>) {});
        CHECK(captured.use_count() == 3);
    }
    CHECK(captured.use_count() == 1);
}

// ---- the event loop, which has come unchanged from stage 04 --------------------------------

TEST_CASE("an exception handler may replace itself") {
    EventLoop loop;
    auto captured = std::make_shared<int>(0);
    std::weak_ptr<int> still_there = captured;
    std::string log;
    loop.set_exception_handler([&, captured = std::move(captured)](const ExceptionContext&) {
        std::string& the_log = log; // what the handler has captured may be gone in a moment
        std::weak_ptr<int>& is_captured = still_there;
        loop.set_exception_handler([&](const ExceptionContext&) { log += "second"; });
        the_log += is_captured.expired() ? "destroyed " : "first ";
    });
    loop.call_soon([] { throw 1; });
    loop.call_soon([] { throw 2; });
    run_one_iteration(loop);
    CHECK(log == "first second");
    CHECK(still_there.expired());
}

TEST_CASE("a descriptor that cannot exist is an error with every selector") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        EventLoop loop(make_selector(name));
        CHECK_THROWS_AS(loop.add_reader(-1, [] {}), std::system_error);
        CHECK_THROWS_AS(loop.add_writer(-1, [] {}), std::system_error);
        CHECK_FALSE(loop.remove_reader(-1));
        run_one_iteration(loop);
    }
}

TEST_CASE("a descriptor that is reported though nobody waits for it is ignored") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        EventLoop loop(make_selector(name));
        SocketPair pair;
        int calls = 0;
        int number = pair.ours.fd();
        loop.add_reader(number, [&] { ++calls; });
        Socket copy(::dup(number),
                    "copy"); // so epoll does not notice that the number is closed
        pair.ours.close();
        CHECK(loop.remove_reader(number));
        pair.theirs.send_all("x");
        run_one_iteration(loop);
        CHECK(calls == 0);
    }
}

TEST_CASE("a descriptor number that is used again though remove_reader was forgotten") {
    for (const std::string& name : selector_names()) {
        CAPTURE(name);
        EventLoop loop(make_selector(name));
        auto closed = std::make_unique<SocketPair>();
        int number = closed->ours.fd();
        loop.add_reader(number, [] {});
        closed.reset();
        SocketPair pair; // gets the lowest numbers that are free
        REQUIRE(pair.ours.fd() == number);
        bool is_called = false;
        loop.add_reader(number, [&] { is_called = true; });
        pair.theirs.send_all("x");
        run_one_iteration(loop);
        CHECK(is_called == (name == "poll" || name == "select"));
        loop.remove_reader(number);
    }
}

TEST_CASE("a timer of 400 years does not run at once") {
    EventLoop loop;
    bool has_run = false;
    loop.call_later(std::chrono::hours(400 * 365 * 24), [&] { has_run = true; });
    run_one_iteration(loop);
    CHECK_FALSE(has_run);
    loop.call_later(-std::chrono::hours(400 * 365 * 24), [&] { loop.stop(); });
    loop.run_forever(); // returns
    CHECK_FALSE(has_run);
}

TEST_CASE("a cancelled timer at the front wakes nobody") {
    Timers timers;
    timers.add(Clock::now() + 1h, [] {}).cancel();
    Clock::time_point when = Clock::now() + 2h;
    timers.add(when, [] {});
    CHECK(timers.next() == when);
    CHECK(timers.size() == 1);
}

TEST_CASE("a callback that was added from another thread before call_soon runs before") {
    EventLoop loop;
    std::string log;
    std::thread([&] { loop.call_soon_threadsafe([&] { log += 'A'; }); }).join();
    loop.call_soon([&] { log += 'B'; });
    loop.call_soon_threadsafe([&] { log += 'C'; });
    loop.call_soon([&] { log += 'D'; });
    run_one_iteration(loop);
    CHECK(log == "ABCD");
}

TEST_CASE("a callback that calls close when it is destroyed by close") {
    EventLoop loop;
    SocketPair pair;
    int calls = 0;
    auto closer = [&] {
        return std::shared_ptr<void>(nullptr, [&](void*) {
            ++calls;
            loop.close();
        });
    };
    loop.call_soon([closes = closer()] {});
    loop.call_later(1h, [closes = closer()] {});
    loop.add_reader(pair.ours.fd(), [closes = closer()] {});
    loop.call_soon_threadsafe([closes = closer()] {});
    loop.add_signal_handler(SIGUSR1, [closes = closer()] {});
    loop.close(); // returns
    CHECK(calls == 5);
}
