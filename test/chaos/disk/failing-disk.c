/*
 * Loaded into an agent (LD_PRELOAD): file-system calls on files below the folders of SHOAL_DISK_ROOTS fail, are
 * interrupted, or do less than they were asked to, as the memory that SHOAL_DISK_CONTROL names says (failing-disk.ts).
 * What it says was done was done, and what it says was not was not: a short write writes that much, a full disk takes
 * what still fits, and an fsync that fails may lose a page of what was written since the last one, as kernels do.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { INTERRUPTED, SHORT, BROKEN, FULL, UNLINKABLE, KINDS };
enum call { READ, WRITE, SYNC, TRUNCATE, OPEN, RENAME, LINK, UNLINK, CALLS };
/* Where a file is: elsewhere, the library, the rest of the home, downloads, files that are shared. */
enum place { ELSEWHERE, LIBRARY, HOME, DOWNLOADS, OWN, PLACES };

#define MOST_LOST 64
struct control {
  uint32_t is_on, odds, kinds, places, calls, seed, number, full_left, lost_count, spare;
  uint32_t struck[KINDS][CALLS];
  uint64_t lost[MOST_LOST];
};

#define MOST_FILES 4096
#define MOST_WRITES 32
static struct control *control;
static char roots[3][PATH_MAX];
/* Of the file that was opened under this descriptor last: libuv closes some without the C library. */
static struct { dev_t device; ino_t inode; uint8_t place; } files[MOST_FILES];
static struct { uint64_t offset, length; } written[MOST_FILES][MOST_WRITES];
static uint32_t writes[MOST_FILES];

#define REAL(name) ((__typeof__(&name))real_call(#name))
static void *real_call(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((constructor)) static void start(void) {
  const char *path = getenv("SHOAL_DISK_CONTROL"), *folders = getenv("SHOAL_DISK_ROOTS");
  if (!path || !folders) return;
  char copy[3 * PATH_MAX], *rest = copy;
  strncpy(copy, folders, sizeof copy - 1);
  copy[sizeof copy - 1] = 0;
  for (int i = 0; i < 3; i++) {
    char *one = strsep(&rest, ":");
    if (one) strncpy(roots[i], one, PATH_MAX - 1);
  }
  int file = REAL(open64)(path, O_RDWR | O_CLOEXEC);
  if (file < 0) abort();
  control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (control == MAP_FAILED) abort();
  REAL(close)(file);
}

static enum place place_at(const char *path) {
  static const enum place places[] = {HOME, DOWNLOADS, OWN};
  for (int i = 0; i < 3; i++) {
    size_t length = strlen(roots[i]);
    if (length == 0 || strncmp(path, roots[i], length) != 0 || (path[length] != '/' && path[length] != 0)) continue;
    return i == 0 && strncmp(path + length, "/library.db", 11) == 0 ? LIBRARY : places[i];
  }
  return ELSEWHERE;
}
static enum place place_of_file(int fd) {
  if (!control || !__atomic_load_n(&control->is_on, __ATOMIC_RELAXED)) return ELSEWHERE;
  if (fd < 0 || fd >= MOST_FILES || files[fd].place == ELSEWHERE) return ELSEWHERE;
  struct stat now;
  int is_it = fstat(fd, &now) == 0 && now.st_dev == files[fd].device && now.st_ino == files[fd].inode;
  return is_it ? files[fd].place : ELSEWHERE;
}

static uint64_t scatter(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

static const uint32_t possible[CALLS] = {
  [READ] = 1 << INTERRUPTED | 1 << SHORT | 1 << BROKEN,
  [WRITE] = 1 << INTERRUPTED | 1 << SHORT | 1 << BROKEN | 1 << FULL,
  [SYNC] = 1 << INTERRUPTED | 1 << BROKEN | 1 << FULL,
  [TRUNCATE] = 1 << INTERRUPTED | 1 << BROKEN | 1 << FULL,
  [OPEN] = 1 << INTERRUPTED | 1 << BROKEN | 1 << FULL,
  [RENAME] = 1 << BROKEN | 1 << FULL,
  [LINK] = 1 << BROKEN | 1 << FULL | 1 << UNLINKABLE,
  [UNLINK] = 1 << BROKEN,
};

/* What is to befall this call, or KINDS; `chance` is a number for the details. */
static enum kind strike(enum call call, enum place place, int grows, uint64_t *chance) {
  if (!control || place == ELSEWHERE || !__atomic_load_n(&control->is_on, __ATOMIC_RELAXED)) return KINDS;
  if (!(control->places & 1u << place) || !(control->calls & 1u << call)) return KINDS;
  uint32_t kinds = control->kinds & possible[call];
  /* SQLite takes an fsync that was interrupted for one that failed, and no file system of a disk interrupts one. */
  if (call == SYNC && place == LIBRARY) kinds &= ~(1u << INTERRUPTED);
  if (!grows) kinds &= ~(1u << FULL);
  if (!kinds) return KINDS;
  enum kind kind = KINDS;
  uint32_t number = __atomic_fetch_add(&control->number, 1, __ATOMIC_RELAXED);
  uint64_t random = scatter((uint64_t)control->seed << 32 | number);
  *chance = scatter(random);
  if (kinds & 1u << FULL && __atomic_load_n(&control->full_left, __ATOMIC_RELAXED) > 0) {
    __atomic_fetch_sub(&control->full_left, 1, __ATOMIC_RELAXED);
    kind = FULL;
  } else if ((uint32_t)random < control->odds) {
    uint32_t which = (random >> 32) % (uint32_t)__builtin_popcount(kinds);
    for (int i = 0; i < KINDS; i++)
      if (kinds & 1u << i && which-- == 0) kind = i;
    if (kind == FULL) __atomic_store_n(&control->full_left, 1 + *chance % 40, __ATOMIC_RELAXED);
  }
  if (kind != KINDS) __atomic_fetch_add(&control->struck[kind][call], 1, __ATOMIC_RELAXED);
  return kind;
}

static int fail(enum kind kind) {
  errno = kind == INTERRUPTED ? EINTR : kind == FULL ? ENOSPC : kind == UNLINKABLE ? EPERM : EIO;
  return -1;
}

static int opened(int fd, const char *path) {
  struct stat state;
  if (fd >= 0 && fd < MOST_FILES && fstat(fd, &state) == 0) {
    files[fd].device = state.st_dev;
    files[fd].inode = state.st_ino;
    files[fd].place = place_at(path);
    writes[fd] = 0;
  }
  return fd;
}

#define OPENING(name, real_arguments)                                                       \
  uint64_t chance;                                                                          \
  mode_t mode = 0;                                                                          \
  if (flags & (O_CREAT | O_TMPFILE)) {                                                      \
    va_list rest;                                                                           \
    va_start(rest, flags);                                                                  \
    mode = va_arg(rest, mode_t);                                                            \
    va_end(rest);                                                                           \
  }                                                                                         \
  enum kind kind = strike(OPEN, place_at(path), (flags & O_CREAT) != 0, &chance);           \
  return kind == KINDS ? opened(REAL(name) real_arguments, path) : fail(kind);

int open(const char *path, int flags, ...) { OPENING(open, (path, flags, mode)) }
int open64(const char *path, int flags, ...) { OPENING(open64, (path, flags, mode)) }
int openat(int at, const char *path, int flags, ...) { OPENING(openat, (at, path, flags, mode)) }
int openat64(int at, const char *path, int flags, ...) { OPENING(openat64, (at, path, flags, mode)) }

static size_t total_of(const struct iovec *vectors, int count) {
  size_t total = 0;
  for (int i = 0; i < count; i++) total += vectors[i].iov_len;
  return total;
}

/* -1 with errno set when the call is to fail; else how many of the bytes it is to move. */
static ssize_t moved(enum call call, int fd, size_t length) {
  uint64_t chance;
  enum kind kind = strike(call, place_of_file(fd), 1, &chance);
  if (kind == KINDS || length == 0) return (ssize_t)length;
  /* One that moved something says so, and is told the next time. */
  if (kind == SHORT || (kind == FULL && length > 1 && chance % 3 == 0)) return (ssize_t)(1 + (chance >> 8) % length);
  return fail(kind);
}

static void note_written(int fd, uint64_t offset, ssize_t length) {
  if (length <= 0 || place_of_file(fd) != DOWNLOADS) return;
  uint32_t at = __atomic_fetch_add(&writes[fd], 1, __ATOMIC_RELAXED) % MOST_WRITES;
  written[fd][at].offset = offset;
  written[fd][at].length = (uint64_t)length;
}

#define MOVING(call, length, real)                         \
  ssize_t most = moved(call, fd, length);                  \
  if (most < 0) return -1;                                 \
  if ((size_t)most == (length)) return real;

ssize_t read(int fd, void *buffer, size_t length) {
  MOVING(READ, length, REAL(read)(fd, buffer, length))
  return REAL(read)(fd, buffer, (size_t)most);
}
ssize_t pread64(int fd, void *buffer, size_t length, off64_t offset) {
  MOVING(READ, length, REAL(pread64)(fd, buffer, length, offset))
  return REAL(pread64)(fd, buffer, (size_t)most, offset);
}
ssize_t pread(int fd, void *buffer, size_t length, off_t offset) { return pread64(fd, buffer, length, offset); }
ssize_t preadv64(int fd, const struct iovec *vectors, int count, off64_t offset) {
  MOVING(READ, total_of(vectors, count), REAL(preadv64)(fd, vectors, count, offset))
  size_t first = vectors[0].iov_len;
  return REAL(pread64)(fd, vectors[0].iov_base, (size_t)most < first ? (size_t)most : first, offset);
}
ssize_t preadv(int fd, const struct iovec *vectors, int count, off_t offset) {
  return preadv64(fd, vectors, count, offset);
}

ssize_t write(int fd, const void *buffer, size_t length) {
  MOVING(WRITE, length, REAL(write)(fd, buffer, length))
  return REAL(write)(fd, buffer, (size_t)most);
}
ssize_t pwrite64(int fd, const void *buffer, size_t length, off64_t offset) {
  ssize_t most = moved(WRITE, fd, length);
  if (most < 0) return -1;
  ssize_t done = REAL(pwrite64)(fd, buffer, (size_t)most, offset);
  note_written(fd, (uint64_t)offset, done);
  return done;
}
ssize_t pwrite(int fd, const void *buffer, size_t length, off_t offset) { return pwrite64(fd, buffer, length, offset); }

/* What the disk had before takes the place of a page that never got there: in a new file, nothing. */
static void lose_a_page(int fd, uint64_t chance) {
  uint32_t count = writes[fd] < MOST_WRITES ? writes[fd] : MOST_WRITES;
  if (count == 0 || chance % 2 == 0) return;
  uint32_t at = (chance >> 8) % count;
  uint64_t from = written[fd][at].offset & ~4095ull;
  struct stat64 state;
  if (fstat64(fd, &state) != 0 || from >= (uint64_t)state.st_size) return;
  static const char nothing[4096];
  uint64_t left = (uint64_t)state.st_size - from;
  if (REAL(pwrite64)(fd, nothing, left < 4096 ? left : 4096, (off64_t)from) <= 0) return;
  uint32_t number = __atomic_fetch_add(&control->lost_count, 1, __ATOMIC_RELAXED);
  if (number < MOST_LOST) control->lost[number] = from;
}

static int syncing(int fd, int (*real)(int)) {
  uint64_t chance;
  enum kind kind = strike(SYNC, place_of_file(fd), 1, &chance);
  if (kind == BROKEN && place_of_file(fd) == DOWNLOADS) lose_a_page(fd, chance);
  if (kind != KINDS) return fail(kind);
  if (fd >= 0 && fd < MOST_FILES) writes[fd] = 0;
  return real(fd);
}
int fsync(int fd) { return syncing(fd, REAL(fsync)); }
int fdatasync(int fd) { return syncing(fd, REAL(fdatasync)); }

int ftruncate64(int fd, off64_t length) {
  uint64_t chance;
  enum kind kind = strike(TRUNCATE, place_of_file(fd), 1, &chance);
  return kind == KINDS ? REAL(ftruncate64)(fd, length) : fail(kind);
}
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int rename(const char *from, const char *to) {
  uint64_t chance;
  enum kind kind = strike(RENAME, place_at(to), 1, &chance);
  return kind == KINDS ? REAL(rename)(from, to) : fail(kind);
}
int link(const char *from, const char *to) {
  uint64_t chance;
  enum kind kind = strike(LINK, place_at(to), 1, &chance);
  return kind == KINDS ? REAL(link)(from, to) : fail(kind);
}
int unlink(const char *path) {
  uint64_t chance;
  enum kind kind = strike(UNLINK, place_at(path), 0, &chance);
  return kind == KINDS ? REAL(unlink)(path) : fail(kind);
}
