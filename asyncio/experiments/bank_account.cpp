// Experiment: two tasks of one thread take 30 out of an account that holds 100. Between looking
// at the balance and writing the new one they wait, as for a data base.
#include "gather.hpp"
#include "queue.hpp"
#include "run.hpp"

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

struct Account {
    int balance = 100;
};

// The mistake: while it waits another task may change the balance.
Coroutine<void> withdraw(Account& account, int amount) {
    int balance = account.balance;
    co_await sleep(10ms);
    account.balance = balance - amount;
}

Coroutine<void> withdraw_after_the_wait(Account& account, int amount) {
    co_await sleep(10ms);
    account.balance -= amount; // no co_await between reading and writing
}

struct Token {};

Coroutine<void> withdraw_with_lock(Account& account, int amount, Queue<Token>& lock) {
    co_await lock.get();
    co_await withdraw(account, amount);
    lock.put_nowait(Token());
}

Coroutine<void> program() {
    Account account;
    co_await gather(withdraw(account, 30), withdraw(account, 30));
    std::cout << "a co_await between reading and writing: " << account.balance << '\n';

    account = Account();
    co_await gather(withdraw_after_the_wait(account, 30), withdraw_after_the_wait(account, 30));
    std::cout << "none in between: " << account.balance << '\n';

    account = Account();
    Queue<Token> lock;
    lock.put_nowait(Token());
    co_await gather(withdraw_with_lock(account, 30, lock),
                    withdraw_with_lock(account, 30, lock));
    std::cout << "one in between, but with a lock that is awaited: " << account.balance << '\n';
}

int main() {
    EventLoop loop;
    run(loop, program());
}
