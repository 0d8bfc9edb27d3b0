/*
 * glibc has strerrorname_np only since 2.32, and libuv's table belongs to Node, not to Node-API. The table
 * has the values that the calls of this addon return. The texts are those of libuv, so that an error reads
 * like one of Node.
 */
#include "errno-name.h"

#include <errno.h>
#include <stddef.h>

static const struct {
  int error;
  const char *name;
  const char *text;
} TABLE[] = {
    {EACCES, "EACCES", "permission denied"},
    {EAGAIN, "EAGAIN", "resource temporarily unavailable"},
    {EBADF, "EBADF", "bad file descriptor"},
    {EBADFD, "EBADFD", "file descriptor in bad state"},
    {EBUSY, "EBUSY", "resource busy or locked"},
    {EFAULT, "EFAULT", "bad address in system call argument"},
    {EINVAL, "EINVAL", "invalid argument"},
    {EIO, "EIO", "i/o error"},
    {EMFILE, "EMFILE", "too many open files"},
    {ENFILE, "ENFILE", "file table overflow"},
    {ENODEV, "ENODEV", "no such device"},
    {ENOENT, "ENOENT", "no such file or directory"},
    {ENOMEM, "ENOMEM", "not enough memory"},
    {ENOSYS, "ENOSYS", "function not implemented"},
    {ENOTSUP, "ENOTSUP", "operation not supported"},
    {ENXIO, "ENXIO", "no such device or address"},
    {EPERM, "EPERM", "operation not permitted"},
    {ESRCH, "ESRCH", "no such process"},
};

static const size_t ROWS = sizeof TABLE / sizeof TABLE[0];

const char *errno_name(int error) {
  for (size_t i = 0; i < ROWS; i++) {
    if (TABLE[i].error == error) return TABLE[i].name;
  }
  return "EUNKNOWN";
}

const char *errno_text(int error) {
  for (size_t i = 0; i < ROWS; i++) {
    if (TABLE[i].error == error) return TABLE[i].text;
  }
  return "unknown error";
}
