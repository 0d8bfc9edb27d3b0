/*
 * The system calls of the sockets and tunnels, under names of their own, so that a build for tests can make
 * any of them fail (test/faults.c). In every other build they are the calls themselves.
 */
#ifndef ASYNCTCP_SYSTEM_H
#define ASYNCTCP_SYSTEM_H

#include <fcntl.h>
#include <net/if.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef ASYNCTCP_FAULTS

int sys_socket(int family, int type, int protocol);
int sys_bind(int fd, const struct sockaddr *address, socklen_t bytes);
int sys_connect(int fd, const struct sockaddr *address, socklen_t bytes);
int sys_listen(int fd, int backlog);
int sys_accept4(int fd, struct sockaddr *address, socklen_t *bytes, int flags);
int sys_getsockname(int fd, struct sockaddr *address, socklen_t *bytes);
int sys_getpeername(int fd, struct sockaddr *address, socklen_t *bytes);
int sys_getsockopt(int fd, int level, int name, void *value, socklen_t *bytes);
int sys_setsockopt(int fd, int level, int name, const void *value, socklen_t bytes);
ssize_t sys_recv(int fd, void *buffer, size_t bytes, int flags);
ssize_t sys_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t sys_send(int fd, const void *buffer, size_t bytes, int flags);
ssize_t sys_sendmsg(int fd, const struct msghdr *message, int flags);
int sys_shutdown(int fd, int how);
int sys_close(int fd);
int sys_outq(int fd, int *bytes);
int sys_inq(int fd, int *bytes);
int sys_epoll_create1(int flags);
int sys_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
int sys_epoll_wait(int epoll, struct epoll_event *events, int count, int timeout);
int sys_open_null(void);
int sys_duplicate(int fd);
int sys_open_tunnel(void);
int sys_set_tunnel(int fd, struct ifreq *request);
int sys_interface(int fd, unsigned long question, struct ifreq *answer);
ssize_t sys_read_packet(int fd, void *buffer, size_t bytes);
ssize_t sys_write_packet(int fd, const void *buffer, size_t bytes);

#else

#include <linux/if_tun.h>
#include <linux/sockios.h>

#define sys_socket socket
#define sys_bind bind
#define sys_connect connect
#define sys_listen listen
#define sys_accept4 accept4
#define sys_getsockname getsockname
#define sys_getpeername getpeername
#define sys_getsockopt getsockopt
#define sys_setsockopt setsockopt
/*
 * Calls that every message needs skip the wrappers of the C library. Those are cancellation points: in a
 * process of several threads they cost as much as all of the code here, and no runtime cancels a thread.
 */
#define sys_recv(fd, buffer, bytes, flags) syscall(SYS_recvfrom, fd, buffer, bytes, flags, NULL, NULL)
#define sys_recvmsg(fd, message, flags) syscall(SYS_recvmsg, fd, message, flags)
#define sys_send(fd, buffer, bytes, flags) syscall(SYS_sendto, fd, buffer, bytes, flags, NULL, 0)
#define sys_sendmsg(fd, message, flags) syscall(SYS_sendmsg, fd, message, flags)
#define sys_shutdown shutdown
#define sys_close close
#define sys_outq(fd, bytes) ioctl(fd, SIOCOUTQ, bytes)
#define sys_inq(fd, bytes) ioctl(fd, SIOCINQ, bytes)
#define sys_epoll_create1 epoll_create1
#define sys_epoll_ctl epoll_ctl
#define sys_epoll_wait(epoll, events, count, timeout) \
  (int)syscall(SYS_epoll_pwait, epoll, events, count, timeout, NULL, 0)
#define sys_open_null() open("/dev/null", O_RDONLY | O_CLOEXEC)
#define sys_duplicate(fd) fcntl(fd, F_DUPFD_CLOEXEC, 0)
#define sys_open_tunnel() open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)
#define sys_set_tunnel(fd, request) ioctl(fd, TUNSETIFF, request)
/* The question has other types in glibc and musl. */
#define sys_interface(fd, question, answer) syscall(SYS_ioctl, fd, question, answer)
#define sys_read_packet(fd, buffer, bytes) syscall(SYS_read, fd, buffer, bytes)
#define sys_write_packet(fd, buffer, bytes) syscall(SYS_write, fd, buffer, bytes)

#endif

#endif
