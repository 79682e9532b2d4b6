// SPDX-License-Identifier: Apache-2.0
#include "client/relay.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "varlink/unique_fd.h"

namespace mutual::client {

namespace {

constexpr std::size_t buffer_size = 64 * 1024;

Error system_error(const char* what) {
    return {Code::unavailable, Stage::channel, std::string(what) + ": " + std::strerror(errno)};
}

bool is_transient(int number) { return number == EAGAIN || number == EWOULDBLOCK || number == EINTR; }

// Writes without ever blocking the other direction, and without O_NONBLOCK on an open file that others share:
// sockets have MSG_DONTWAIT, a pipe is opened anew, or else takes PIPE_BUF octets when poll says it can be
// written.
class Output {
public:
    explicit Output(int fd) : fd_(fd) {
        struct stat status {};
        if (::fstat(fd, &status) != 0) return;
        is_socket_ = S_ISSOCK(status.st_mode);
        if (!S_ISFIFO(status.st_mode)) return;
        const std::string path = "/proc/self/fd/" + std::to_string(fd);
        own_.reset(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
        if (!own_) most_ = PIPE_BUF;
    }

    int fd() const { return own_ ? own_.value() : fd_; }

    ssize_t write(const char* bytes, std::size_t size) const {
        if (is_socket_) return ::send(fd_, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        return ::write(fd(), bytes, std::min(size, most_));
    }

    // The reader sees the end; the descriptor's number stays taken.
    void end() {
        if (is_socket_) ::shutdown(fd_, SHUT_WR);
        own_.reset();
        const UniqueFd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
        if (!nowhere || ::dup3(nowhere.value(), fd_, O_CLOEXEC) < 0) ::close(fd_);
    }

private:
    int fd_;
    UniqueFd own_;
    bool is_socket_ = false;
    std::size_t most_ = buffer_size;
};

// One direction: a buffer that is filled when it is empty.
class Direction {
public:
    bool ended() const { return ended_; }
    bool wants_input() const { return !ended_ && start_ == end_; }
    bool wants_output() const { return start_ < end_; }

    // A negative count with errno set is a failure that is not transient.
    void filled(ssize_t count) {
        if (count < 0 && is_transient(errno)) return;
        if (count <= 0) ended_ = true;
        start_ = 0;
        end_ = count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    void drained(ssize_t count) { start_ += static_cast<std::size_t>(count); }
    void stop() { ended_ = true, start_ = end_ = 0; }

    char* room() { return buffer_.data(); }
    const char* bytes() const { return buffer_.data() + start_; }
    std::size_t size() const { return end_ - start_; }

private:
    std::vector<char> buffer_ = std::vector<char>(buffer_size);
    std::size_t start_ = 0;
    std::size_t end_ = 0;
    bool ended_ = false;
};

class Relay {
public:
    Relay(int channel, int input, int output) : channel_(channel), input_(input), output_(output) {}

    Result<void> run() {
        while (!over()) {
            auto moved = turn();
            if (!moved) return moved;
        }
        return {};
    }

private:
    bool over() const {
        if (!from_peer_closed_) return false;
        return to_peer_closed_ || hung_up_ || (::isatty(input_) == 1 && !to_peer_.wants_output());
    }

    // Waits for something to do, and does it.
    Result<void> turn() {
        const bool reads_channel = from_peer_.wants_input();
        const bool writes_channel = to_peer_.wants_output();
        const auto events = static_cast<short>((reads_channel ? POLLIN : 0) | (writes_channel ? POLLOUT : 0));
        std::array<pollfd, 3> entries{pollfd{channel_, events, 0},
                                      pollfd{to_peer_.wants_input() ? input_ : -1, POLLIN, 0},
                                      pollfd{from_peer_.wants_output() ? output_.fd() : -1, POLLOUT, 0}};
        // A hang-up is only news once; what is left to read or to write comes first.
        if (hung_up_ && !reads_channel && !writes_channel) entries[0].fd = -1;
        if (::poll(entries.data(), entries.size(), -1) < 0)
            return errno == EINTR ? Result<void>() : system_error("poll");
        if ((entries[0].revents & (POLLHUP | POLLERR)) != 0) hung_up_ = true;
        if (entries[0].revents != 0 && reads_channel) receive();
        if (entries[1].revents != 0) {
            auto read = read_input();
            if (!read) return read;
        }
        if (entries[2].revents != 0) {
            auto written = write_output();
            if (!written) return written;
        }
        auto sent = entries[0].revents != 0 && writes_channel ? send() : Result<void>();
        if (sent) close_ended();
        return sent;
    }

    void receive() {
        const ssize_t count = ::recv(channel_, from_peer_.room(), buffer_size, MSG_DONTWAIT);
        // The other side closed with octets of ours unread.
        const bool is_loss = count < 0 && errno == ECONNRESET;
        from_peer_.filled(count);
        if (is_loss)
            lost_ = Error(Code::unavailable, Stage::channel, "send to the peer: it did not read all of it");
    }

    Result<void> read_input() {
        const ssize_t count = ::read(input_, to_peer_.room(), buffer_size);
        // A terminal whose session is gone answers EIO; any failure ends what we have to say.
        if (count < 0 && !is_transient(errno) && errno != EIO) return system_error("read standard input");
        to_peer_.filled(count);
        return {};
    }

    Result<void> write_output() {
        const ssize_t count = output_.write(from_peer_.bytes(), from_peer_.size());
        if (count >= 0) from_peer_.drained(count);
        if (count < 0 && !is_transient(errno)) return system_error("write standard output");
        return {};
    }

    // A peer that closed its reading side loses what we had to say; what it says is still read, and shown.
    Result<void> send() {
        const ssize_t count =
            ::send(channel_, to_peer_.bytes(), to_peer_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count >= 0) to_peer_.drained(count);
        if (count >= 0 || is_transient(errno)) return {};
        lost_ = system_error("send to the peer");
        to_peer_.stop();
        return {};
    }

    void close_ended() {
        if (to_peer_.ended() && !to_peer_.wants_output() && !to_peer_closed_) {
            to_peer_closed_ = true;
            ::shutdown(channel_, SHUT_WR);
        }
        if (from_peer_.ended() && !from_peer_.wants_output() && !from_peer_closed_) {
            from_peer_closed_ = true;
            output_.end();
        }
    }

public:
    const std::optional<Error>& lost() const { return lost_; }

private:
    int channel_;
    int input_;
    Output output_;
    Direction to_peer_;
    Direction from_peer_;
    bool to_peer_closed_ = false;
    bool from_peer_closed_ = false;
    bool hung_up_ = false;
    std::optional<Error> lost_;
};

}  // namespace

Result<void> relay(int channel, int input, int output) {
    Relay both(channel, input, output);
    auto done = both.run();
    if (done && both.lost()) return *both.lost();
    return done;
}

}  // namespace mutual::client
