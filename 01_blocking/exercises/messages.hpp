// Exercise: messages in a stream of bytes.
//
// Lines are one way to tell where a message ends; the other is to say in advance how long it
// is. A message is sent as four bytes, its length, most significant byte first, and then its
// bytes, whatever they are. (HTTP/2, TLS and many databases do the same.)
//
// The end of the stream is fine between two messages, and an error in the middle of one. A
// length is a claim of the peer: a larger one than MAX_MESSAGE is refused before any memory is
// used for it.
#pragma once

#include "common/socket.hpp"
#include "support/testing/exercise.hpp"

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

constexpr std::size_t MAX_MESSAGE = 1024 * 1024;

// Throws std::length_error if the text is longer than MAX_MESSAGE: then nothing is sent.
inline void send_message(Socket& socket, std::string_view text) {
    TODO("send the length as four bytes, then the text");
}

// Waits until `size` bytes have come. Returns fewer only at the end of the stream.
inline std::string receive_exactly(Socket& socket, std::size_t size) {
    TODO("receive until there are as many, or until the stream has ended");
}

// Waits for the next message. std::nullopt: the peer will send no more. Throws
// std::runtime_error if the stream ends in the middle of a message, std::length_error if the
// message is longer than MAX_MESSAGE.
inline std::optional<std::string> receive_message(Socket& socket) {
    TODO("receive the length; then you know how much more to receive");
}
