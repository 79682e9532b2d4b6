// SPDX-License-Identifier: Apache-2.0
// The wall clock as the programs of one of the realm's hosts see it: the true one, shifted by what the host's
// /etc/wall-clock says at that moment (seconds, 8 octets). Every other clock stays true. Preloaded by the
// host's /etc/ld.so.preload: libfaketime is told by the environment, which mutuald's programs do not pass on.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>
#include <ctime>

#define MUTUAL_PRELOADED extern "C" __attribute__((visibility("default")))

namespace {

const volatile std::int64_t* told = nullptr;  // null: this host's clock is the true one

__attribute__((constructor)) void look_up() {
    const int file = ::open("/etc/wall-clock", O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    void* mapped = ::mmap(nullptr, sizeof *told, PROT_READ, MAP_SHARED, file, 0);
    ::close(file);
    if (mapped != MAP_FAILED) told = static_cast<const std::int64_t*>(mapped);
}

timespec wall_time() {
    timespec now{};
    ::syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
    if (told != nullptr) now.tv_sec += *told;
    return now;
}

}  // namespace

MUTUAL_PRELOADED int clock_gettime(clockid_t clock, timespec* now) noexcept {
    if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)
        return static_cast<int>(::syscall(SYS_clock_gettime, clock, now));
    *now = wall_time();
    return 0;
}

MUTUAL_PRELOADED int gettimeofday(timeval* now, void*) noexcept {
    const timespec wall = wall_time();
    *now = {wall.tv_sec, wall.tv_nsec / 1000};
    return 0;
}

MUTUAL_PRELOADED std::time_t time(std::time_t* now) noexcept {
    const timespec wall = wall_time();
    if (now != nullptr) *now = wall.tv_sec;
    return wall.tv_sec;
}
