/* Preloaded into a process (LD_PRELOAD): a wall clock that is off by as many seconds as a file says, and a disk that
 * hangs while another file says so. The monotonic clock is left alone. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long number(const char *variable) {
    const char *path = getenv(variable);
    char text[32] = {0};
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return 0;
    if (read(file, text, sizeof text - 1) < 0) text[0] = 0;
    close(file);
    return atol(text);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && clock == CLOCK_REALTIME) now->tv_sec += number("FAULTS_CLOCK");
    return result;
}

int fsync(int file) {
    while (number("FAULTS_DISK")) usleep(10000);
    return syscall(SYS_fsync, file);
}
