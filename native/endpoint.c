#include "endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/tcp.h>

#include "refusal.h"
#include "system.h"

/* Older headers of C libraries lack these. Linux has them since 4.2 and 3.4. */
#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif
#ifndef SO_PEEK_OFF
#define SO_PEEK_OFF 42
#endif

/* ---- addresses */

/* The functions that read an address return false if the text is none. */

static bool read_zone(const char *zone, uint32_t *scope) {
  *scope = if_nametoindex(zone);
  if (*scope != 0) return true;
  unsigned number = 0;
  char rest = '\0';
  if (sscanf(zone, "%u%c", &number, &rest) != 1) return false;
  *scope = number;
  return true;
}

static bool read_ipv6(const char *text, uint16_t port, struct sockaddr_in6 *address) {
  char bare[ADDRESS_TEXT_BYTES];
  const char *zone = strchr(text, '%');
  const size_t length = zone == NULL ? strlen(text) : (size_t)(zone - text);
  if (length >= sizeof bare) return false;
  memcpy(bare, text, length);
  bare[length] = '\0';
  if (inet_pton(AF_INET6, bare, &address->sin6_addr) != 1) return false;
  address->sin6_family = AF_INET6;
  address->sin6_port = htons(port);
  return zone == NULL || read_zone(zone + 1, &address->sin6_scope_id);
}

static bool read_address(
    const char *text, uint16_t port, struct sockaddr_storage *storage, socklen_t *bytes) {
  memset(storage, 0, sizeof *storage);
  struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1) {
    memcpy(storage, &ipv4, sizeof ipv4);
    *bytes = sizeof ipv4;
    return true;
  }
  struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
  const bool is_read = read_ipv6(text, port, &ipv6);
  memcpy(storage, &ipv6, sizeof ipv6);
  *bytes = sizeof ipv6;
  return is_read;
}

/*
 * Appends the zone, without which a link-local address cannot be connected to. Node has it in addresses as
 * well.
 */
static void add_zone(const struct sockaddr_in6 *ipv6, struct end_text *end) {
  char name[IF_NAMESIZE];
  if (!IN6_IS_ADDR_LINKLOCAL(&ipv6->sin6_addr) || if_indextoname(ipv6->sin6_scope_id, name) == NULL) return;
  const size_t length = strlen(end->address);
  (void)snprintf(&end->address[length], sizeof end->address - length, "%%%s", name);
}

/* Writes an address that a system call filled in as text. */
static void format_end(const struct sockaddr_storage *storage, struct end_text *end) {
  memset(end, 0, sizeof *end);
  if (storage->ss_family == AF_INET) {
    struct sockaddr_in ipv4;
    memcpy(&ipv4, storage, sizeof ipv4);
    end->port = ntohs(ipv4.sin_port);
    if (inet_ntop(AF_INET, &ipv4.sin_addr, end->address, sizeof end->address) == NULL) end->address[0] = '\0';
    return;
  }
  struct sockaddr_in6 ipv6;
  memcpy(&ipv6, storage, sizeof ipv6);
  end->port = ntohs(ipv6.sin6_port);
  const bool is_mapped = IN6_IS_ADDR_V4MAPPED(&ipv6.sin6_addr);
  const void *address = is_mapped ? (const void *)&ipv6.sin6_addr.s6_addr[12] : (const void *)&ipv6.sin6_addr;
  if (inet_ntop(is_mapped ? AF_INET : AF_INET6, address, end->address, sizeof end->address) == NULL) {
    end->address[0] = '\0';
  }
  add_zone(&ipv6, end);
}

int endpoint_local(int fd, struct end_text *end) {
  struct sockaddr_storage storage;
  socklen_t bytes = sizeof storage;
  if (sys_getsockname(fd, (struct sockaddr *)&storage, &bytes) != 0) return refusal(CALL_GETSOCKNAME, errno);
  format_end(&storage, end);
  return 0;
}

int endpoint_remote(int fd, struct end_text *end) {
  struct sockaddr_storage storage;
  socklen_t bytes = sizeof storage;
  if (sys_getpeername(fd, (struct sockaddr *)&storage, &bytes) != 0) {
    return refusal(CALL_GETPEERNAME, errno);
  }
  format_end(&storage, end);
  return 0;
}

/* ---- options */

int endpoint_option(int fd, int level, int name, int value) {
  return sys_setsockopt(fd, level, name, &value, sizeof value) == 0 ? 0 : refusal(CALL_SETSOCKOPT, errno);
}

int endpoint_keep_alive(int fd, int idle_s, int interval_s, int probes) {
  if (idle_s == 0) return endpoint_option(fd, SOL_SOCKET, SO_KEEPALIVE, 0);
  int result = endpoint_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s);
  if (result == 0) result = endpoint_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, interval_s);
  if (result == 0) result = endpoint_option(fd, IPPROTO_TCP, TCP_KEEPCNT, probes);
  return result != 0 ? result : endpoint_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

static int32_t int_of(uint32_t number) {
  return number > INT32_MAX ? INT32_MAX : (int32_t)number;
}

/* Returns the milliseconds since data or an acknowledgement arrived. */
static int32_t heard_ago_ms(const struct tcp_info *info) {
  const bool is_data_last = info->tcpi_last_data_recv < info->tcpi_last_ack_recv;
  return int_of(is_data_last ? info->tcpi_last_data_recv : info->tcpi_last_ack_recv);
}

int endpoint_info(int fd, struct connection_info *result) {
  struct tcp_info info;
  memset(&info, 0, sizeof info);
  socklen_t bytes = sizeof info;
  if (sys_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) != 0) return refusal(CALL_GETSOCKOPT, errno);
  result->state = info.tcpi_state;
  result->mss = (int)info.tcpi_snd_mss;
  result->heard_ago_ms = heard_ago_ms(&info);
  return 0;
}

int endpoint_path(int fd, struct path_info *path) {
  /* tcpi_snd_wnd of linux/tcp.h: the C library's header has only a part of that struct. */
  enum { SND_WND_AT = 228 };
  unsigned char given[SND_WND_AT + sizeof(uint32_t)];
  struct tcp_info info;
  uint32_t window = 0;
  memset(given, 0, sizeof given);
  memset(&info, 0, sizeof info);
  socklen_t bytes = sizeof given;
  if (sys_getsockopt(fd, IPPROTO_TCP, TCP_INFO, given, &bytes) != 0) return refusal(CALL_GETSOCKOPT, errno);
  memcpy(&info, given, sizeof info < sizeof given ? sizeof info : sizeof given);
  memcpy(&window, &given[SND_WND_AT], sizeof window);
  path->mss = int_of(info.tcpi_snd_mss);
  path->heard_ago_ms = heard_ago_ms(&info);
  path->round_trip_us = int_of(info.tcpi_rtt);
  path->retransmissions = int_of(info.tcpi_total_retrans);
  path->peer_window = bytes < sizeof given ? -1 : int_of(window);
  path->unanswered = info.tcpi_retransmits > info.tcpi_probes ? info.tcpi_retransmits : info.tcpi_probes;
  return 0;
}

int endpoint_waiting(int fd) {
  int bytes = 0;
  return sys_inq(fd, &bytes) == 0 ? bytes : refusal(CALL_IOCTL, errno);
}

int endpoint_window(int fd) {
  /* tcpi_rcv_wnd of linux/tcp.h: the C library's header has only a part of that struct. */
  enum { RCV_WND_AT = 232 };
  unsigned char info[RCV_WND_AT + sizeof(uint32_t)];
  uint32_t window = 0;
  socklen_t bytes = sizeof info;
  if (sys_getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &bytes) != 0) return refusal(CALL_GETSOCKOPT, errno);
  if (bytes < sizeof info) return refusal(CALL_GETSOCKOPT, ENOTSUP);
  memcpy(&window, &info[RCV_WND_AT], sizeof window);
  return window > INT32_MAX ? INT32_MAX : (int)window;
}

bool endpoint_can_peek(void) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool can = endpoint_option(fd, SOL_SOCKET, SO_PEEK_OFF, 0) == 0;
  (void)close(fd); /* Linux frees the descriptor even if close fails. */
  return can;
}

/* ---- making descriptors */

/* Returns the descriptor if the last step succeeded; closes it and returns the refusal if it did not. */
static int or_close(int fd, int result) {
  if (result == 0) return fd;
  (void)sys_close(fd); /* Linux frees the descriptor even if close fails. */
  return result;
}

static int open_socket(int family, int receive_buffer) {
  const int fd = sys_socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return refusal(CALL_SOCKET, errno);
  /* As in lwIP, an urgent byte is data like any other (RFC 6093). Accepted sockets inherit it. */
  int result = endpoint_option(fd, SOL_SOCKET, SO_OOBINLINE, 1);
  if (result == 0 && receive_buffer != 0) {
    result = endpoint_option(fd, SOL_SOCKET, SO_RCVBUF, receive_buffer);
  }
  return or_close(fd, result);
}

static int bind_to(int fd, const char *text, uint16_t port) {
  struct sockaddr_storage address;
  socklen_t bytes = 0;
  if (!read_address(text, port, &address, &bytes)) return refusal(CALL_BIND, EINVAL);
  return sys_bind(fd, (struct sockaddr *)&address, bytes) == 0 ? 0 : refusal(CALL_BIND, errno);
}

/* Binds the connecting side, if its address or port was chosen. */
static int bind_local(int fd, int family, const struct connect_request *request) {
  const char *any = family == AF_INET ? "0.0.0.0" : "::";
  const char *address = request->local_address == NULL ? any : request->local_address;
  if (request->local_port != 0) {
    /* As in libuv, a port in TIME_WAIT may be used again. */
    int result = endpoint_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (result == 0 && request->reuse_port) result = endpoint_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    return result != 0 ? result : bind_to(fd, address, request->local_port);
  }
  if (request->local_address == NULL) return 0;
  /* Linux then chooses the port in connect, so that one port can serve many peers. Older systems refuse. */
  const int late = endpoint_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
  const bool can_go_on = late == 0 || late == refusal(CALL_SETSOCKOPT, ENOPROTOOPT);
  return can_go_on ? bind_to(fd, address, 0) : late;
}

static int begin_to_connect(int fd, const struct sockaddr_storage *address, socklen_t bytes) {
  if (sys_connect(fd, (const struct sockaddr *)address, bytes) == 0) return 0;
  /* An interrupted connect continues by itself (POSIX). */
  return errno == EINPROGRESS || errno == EINTR ? 0 : refusal(CALL_CONNECT, errno);
}

int endpoint_connect(const struct connect_request *request) {
  struct sockaddr_storage address;
  socklen_t bytes = 0;
  if (!read_address(request->address, request->port, &address, &bytes)) return refusal(CALL_CONNECT, EINVAL);
  const int fd = open_socket(address.ss_family, request->receive_buffer);
  if (fd < 0) return fd;
  int result = bind_local(fd, address.ss_family, request);
  if (result == 0) result = begin_to_connect(fd, &address, bytes);
  return or_close(fd, result);
}

static int set_up_listener(int fd, int family, const char *address, const struct listen_request *request) {
  int result = endpoint_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (result == 0 && request->sharing == SHARES_PORT) {
    result = endpoint_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  }
  if (result == 0 && family == AF_INET6) result = endpoint_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (result == 0) result = bind_to(fd, address, request->port);
  /* Set after bind, the option lets others come, and bind has refused a port that others have. */
  if (result == 0 && request->sharing == SHARES_FREE_PORT) {
    result = endpoint_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  }
  if (result != 0) return result;
  return sys_listen(fd, request->backlog) == 0 ? 0 : refusal(CALL_LISTEN, errno);
}

static int listen_on(const char *address, const struct listen_request *request) {
  const int family = strchr(address, ':') == NULL ? AF_INET : AF_INET6;
  const int fd = open_socket(family, request->receive_buffer);
  if (fd < 0) return fd;
  return or_close(fd, set_up_listener(fd, family, address, request));
}

int endpoint_duplicate(int fd) {
  const int duplicate = sys_duplicate(fd);
  return duplicate < 0 ? refusal(CALL_FCNTL, errno) : duplicate;
}

/* Returns true if the refusal says that the machine has no IPv6. */
static bool lacks_ipv6(int result) {
  return result == refusal(CALL_SOCKET, EAFNOSUPPORT) || result == refusal(CALL_BIND, EADDRNOTAVAIL);
}

int endpoint_listen(const struct listen_request *request) {
  if (request->address != NULL) return listen_on(request->address, request);
  const int fd = listen_on("::", request);
  return lacks_ipv6(fd) ? listen_on("0.0.0.0", request) : fd;
}
