// Wrong: takes what one recv brings for the whole message
// Test: a message that comes in pieces
// Says: one recv may bring a part of the length, or of the text
#pragma once

#include "common/socket.hpp"

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

constexpr std::size_t MAX_MESSAGE = 1024 * 1024;

// Throws std::length_error if the text is longer than MAX_MESSAGE: then nothing is sent.
inline void send_message(Socket& socket, std::string_view text) {
    if (text.size() > MAX_MESSAGE) {
        throw std::length_error("a message is too long");
    }
    std::string bytes;
    for (int shift : {24, 16, 8, 0}) {
        bytes += static_cast<char>((text.size() >> shift) & 0xff);
    }
    bytes += text; // one send_all: two would be two packets
    socket.send_all(bytes);
}

// Waits until `size` bytes have come. Returns fewer only at the end of the stream.
inline std::string receive_exactly(Socket& socket, std::size_t size) {
    return size == 0 ? "" : socket.recv(size);
}

// Waits for the next message. std::nullopt: the peer will send no more. Throws
// std::runtime_error if the stream ends in the middle of a message, std::length_error if the
// message is longer than MAX_MESSAGE.
inline std::optional<std::string> receive_message(Socket& socket) {
    std::string header = receive_exactly(socket, 4);
    if (header.empty()) {
        return std::nullopt;
    }
    if (header.size() < 4) {
        throw std::runtime_error("the stream has ended in the middle of a message");
    }
    std::size_t size = 0;
    for (char byte : header) {
        size = size << 8 | static_cast<unsigned char>(byte); // a char may be negative
    }
    if (size > MAX_MESSAGE) {
        throw std::length_error("a message is too long");
    }
    std::string text = receive_exactly(socket, size);
    if (text.size() < size) {
        throw std::runtime_error("the stream has ended in the middle of a message");
    }
    return text;
}
