/* Keeps the durable image of every file: what would be left after the power failed.
 *
 * Preloaded into the server (LD_PRELOAD). After each successful fsync or fdatasync of a file below
 * DURABLE_WATCH, the file as it stands is copied into DURABLE_IMAGES, under its path with '/' written
 * as '%'. The copy takes its name only when it is complete, so a kill at any moment leaves a whole one.
 * With DURABLE_LIES, files whose name ends so are synced without being kept: a disk that says yes and does nothing.
 * The file is read through the descriptor that was synced: opening it anew and closing it would drop the
 * locks that the database holds.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static void keep(int fd) {
    const char *watch = getenv("DURABLE_WATCH");
    const char *images = getenv("DURABLE_IMAGES");
    char link[64], path[PATH_MAX], part[PATH_MAX * 2], image[PATH_MAX * 2];
    if (!watch || !images) return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return;
    path[length] = 0;
    const char *lies = getenv("DURABLE_LIES");
    size_t ending = lies ? strlen(lies) : 0;
    if (ending && (size_t)length >= ending && !strcmp(path + length - ending, lies)) return;
    struct stat about;
    if (strncmp(path, watch, strlen(watch)) || fstat(fd, &about) || !S_ISREG(about.st_mode)) return;
    for (char *c = path; *c; c++) if (*c == '/') *c = '%';
    snprintf(image, sizeof image, "%s/%s", images, path);
    snprintf(part, sizeof part, "%s/.part%s", images, path);

    pthread_mutex_lock(&one_at_a_time);
    int out = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (out >= 0) {
        static char buffer[1 << 20];
        off_t at = 0;
        ssize_t got;
        int whole = 1;
        while ((got = pread(fd, buffer, sizeof buffer, at)) > 0) {
            if (write(out, buffer, got) != got) { whole = 0; break; }
            at += got;
        }
        if (got < 0) whole = 0;
        close(out);
        if (whole) rename(part, image);
    }
    pthread_mutex_unlock(&one_at_a_time);
}

static int sync_and_keep(const char *name, int fd) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    int result = real(fd);
    int kept_errno = errno;
    if (result == 0) keep(fd);
    errno = kept_errno;
    return result;
}

int fsync(int fd) { return sync_and_keep("fsync", fd); }
int fdatasync(int fd) { return sync_and_keep("fdatasync", fd); }
