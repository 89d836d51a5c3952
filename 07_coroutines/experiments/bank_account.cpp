// Experiment: two tasks of one thread take 30 out of an account that holds 100. Between looking
// at the balance and writing the new one they wait, as for a data base.
#include "async_socket.hpp"
#include "run.hpp"

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

struct Account {
    int balance = 100;
};

// The mistake: while it waits another task may change the balance.
Coroutine<void> withdraw(EventLoop& loop, Account& account, int amount) {
    int balance = account.balance;
    co_await sleep(loop, 10ms);
    account.balance = balance - amount;
}

Coroutine<void> withdraw_after_the_wait(EventLoop& loop, Account& account, int amount) {
    co_await sleep(loop, 10ms);
    account.balance -= amount; // no co_await between reading and writing
}

Coroutine<void> program(EventLoop& loop) {
    Account account;
    create_task(withdraw(loop, account, 30));
    create_task(withdraw(loop, account, 30));
    co_await sleep(loop, 100ms);
    std::cout << "a co_await between reading and writing: " << account.balance << '\n';

    account = Account();
    create_task(withdraw_after_the_wait(loop, account, 30));
    create_task(withdraw_after_the_wait(loop, account, 30));
    co_await sleep(loop, 100ms);
    std::cout << "none in between: " << account.balance << '\n';
}

int main() {
    EventLoop loop;
    run(loop, program(loop));
}
