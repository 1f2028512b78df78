/* What a power cut would leave, and a death at any write: preloaded into the process under test.
 *
 * LAB_WATCH  the folder whose files are watched
 * LAB_NOTES  a folder: after each sync of a watched file its content goes to a file of its own there, and the
 *            file `log` says in which order syncs and sends happened, also of several processes:
 *                sync IMAGE PATH
 *                send BYTES HEX     (before the bytes go to the network; HEX: the first of them)
 *                said BYTES HEX     (after the bytes went to standard output)
 * LAB_DIE    `sync:N`: SIGKILL after the Nth sync; `send:N`, `sent:N`: before and after the Nth send
 *
 * What is read here is read through the descriptor that is open: to open and close a database a second time
 * in one process would drop SQLite's locks on it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST = 4096 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int notes = -1;
static int syncs, sends;

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static ssize_t real_write(int fd, const void *data, size_t size) {
  REAL(write);
  return real(fd, data, size);
}

static void die_if(const char *what, int count) {
  const char *wanted = getenv("LAB_DIE");
  size_t length = strlen(what);
  if (wanted && !strncmp(wanted, what, length) && wanted[length] == ':' && atoi(wanted + length + 1) == count)
    kill(getpid(), SIGKILL);
}

/* Returns whether things are written down; they are until `unlock`. */
static int lock(void) {
  const char *folder = getenv("LAB_NOTES");
  char path[MOST];
  if (!folder) return 0;
  pthread_mutex_lock(&mutex);
  if (notes < 0) {
    snprintf(path, sizeof path, "%s/log", folder);
    notes = open(path, O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600);
    if (notes < 0) abort();
  }
  flock(notes, LOCK_EX);
  return 1;
}

static void unlock(void) {
  flock(notes, LOCK_UN);
  pthread_mutex_unlock(&mutex);
}

static void note(const char *what, const void *data, size_t size) {
  char line[2 * MOST + 64];
  size_t shown = size < MOST ? size : MOST;
  int length = snprintf(line, sizeof line, "%s %zu ", what, size);
  for (size_t i = 0; i < shown; i++) length += sprintf(line + length, "%02x", ((const unsigned char *)data)[i]);
  line[length++] = '\n';
  real_write(notes, line, length);
}

static void keep(int fd, const char *path) {
  static char buffer[1 << 16];
  char image[MOST], line[2 * MOST];
  struct stat about;
  off_t at = 0;
  ssize_t got;
  fstat(notes, &about);
  snprintf(image, sizeof image, "%s/%lld", getenv("LAB_NOTES"), (long long)about.st_size);
  int copy = open(image, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (copy < 0) abort();
  while ((got = pread(fd, buffer, sizeof buffer, at)) > 0) {
    real_write(copy, buffer, got);
    at += got;
  }
  close(copy);
  int length = snprintf(line, sizeof line, "sync %s %s\n", strrchr(image, '/') + 1, path);
  real_write(notes, line, length);
}

static int synced(int fd, int result) {
  const char *watched = getenv("LAB_WATCH");
  char link[64], path[MOST];
  struct stat about;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (result || !watched || length < 0) return result;
  path[length] = 0;
  if (strncmp(path, watched, strlen(watched)) || fstat(fd, &about) || !S_ISREG(about.st_mode)) return result;
  if (lock()) {
    keep(fd, path);
    unlock();
  }
  die_if("sync", __atomic_add_fetch(&syncs, 1, __ATOMIC_SEQ_CST));
  return result;
}

int fsync(int fd) {
  REAL(fsync);
  return synced(fd, real(fd));
}

int fdatasync(int fd) {
  REAL(fdatasync);
  return synced(fd, real(fd));
}

static int is_network(int fd) {
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  return !getpeername(fd, (struct sockaddr *)&address, &length) &&
         (address.ss_family == AF_INET || address.ss_family == AF_INET6);
}

static int sending(int fd, const void *data, size_t size) {
  if (!is_network(fd)) return 0;
  if (lock()) {
    note("send", data, size);
    unlock();
  }
  int count = __atomic_add_fetch(&sends, 1, __ATOMIC_SEQ_CST);
  die_if("send", count);
  return count;
}

ssize_t send(int fd, const void *data, size_t size, int flags) {
  REAL(send);
  int count = sending(fd, data, size);
  ssize_t result = real(fd, data, size, flags);
  if (count) die_if("sent", count);
  return result;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  REAL(sendmsg);
  char data[MOST];
  size_t size = 0;
  for (size_t i = 0; i < message->msg_iovlen; i++) {
    size_t fits = message->msg_iov[i].iov_len;
    if (fits > sizeof data - size) fits = sizeof data - size;
    memcpy(data + size, message->msg_iov[i].iov_base, fits);
    size += fits;
  }
  int count = sending(fd, data, size);
  ssize_t result = real(fd, message, flags);
  if (count) die_if("sent", count);
  return result;
}

ssize_t write(int fd, const void *data, size_t size) {
  ssize_t result = real_write(fd, data, size);
  if (fd == STDOUT_FILENO && lock()) {
    note("said", data, size);
    unlock();
  }
  return result;
}
