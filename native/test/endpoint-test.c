/*
 * Tests of endpoint.c as a program: addresses, ports and options, over the loopback. Tests of IPv6 run in a
 * network namespace of their own, so that the machine need not have IPv6.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/ipv6.h>
#include <net/if.h>

#include "../refusal.h"
#include "check.h"
#include "sockets-world.h"

/* ---- helpers */

static int connect_to(struct world *world, const char *address, uint16_t port) {
  const struct connect_request request = {.address = address, .port = port};
  const int slot = sockets_connect(&world->sockets, &request);
  if (slot >= 0) forget(world, slot);
  return slot;
}

static int listen_on(struct world *world, const char *address, uint16_t *port) {
  const struct listen_request request = {.address = address, .port = *port, .backlog = 16};
  const int slot = sockets_listen(&world->sockets, &request);
  CHECK(slot >= 0);
  struct end_text end;
  CHECK(sockets_local_end(&world->sockets, slot, &end) == 0);
  *port = end.port;
  forget(world, slot);
  return slot;
}

/* Connects to `address`, and checks that the reports of both ends have the address `reported`. */
static void expect_ends(
    struct world *world, int listener, const char *address, uint16_t port, const char *reported) {
  const int accepted = seen(world, listener)->accepted;
  const int client = connect_to(world, address, port);
  CHECK(client >= 0);
  UNTIL(world, seen(world, client)->is_connected && seen(world, listener)->accepted > accepted);
  const struct ends *near = &seen(world, client)->ends;
  const struct ends *far = &seen(world, seen(world, listener)->last_accepted)->ends;
  CHECK(strcmp(near->local.address, reported) == 0 && strcmp(near->remote.address, reported) == 0);
  CHECK(strcmp(far->local.address, reported) == 0 && strcmp(far->remote.address, reported) == 0);
  CHECK(near->remote.port == port && far->local.port == port);
  CHECK(near->local.port == far->remote.port && near->local.port != 0);
}

/* ---- IPv4 */

static void test_wrong_addresses(void) {
  static const char *const WRONG[] = {
      "", "1.2.3", "1.2.3.4.5", "localhost", "1.2.3.4%lo", "256.0.0.1", ":", ":::", "1::2::3",
      "fe80::1%", "%lo", "fe80::1%no-such-interface", "fe80::1%1x",
      "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255:and:far:too:long:for:an:address%with-a-zone"};
  struct world *world = world_open();
  for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
    CHECK(connect_to(world, WRONG[i], 80) == refusal(CALL_CONNECT, EINVAL));
    const struct listen_request listen = {.address = WRONG[i], .backlog = 1};
    CHECK(sockets_listen(&world->sockets, &listen) == refusal(CALL_BIND, EINVAL));
    const struct connect_request local = {.address = "127.0.0.1", .port = 80, .local_address = WRONG[i]};
    CHECK(sockets_connect(&world->sockets, &local) == refusal(CALL_BIND, EINVAL));
  }
  /* Well-formed addresses that this machine does not have. */
  const struct listen_request foreign = {.address = "203.0.113.1", .backlog = 1};
  CHECK(sockets_listen(&world->sockets, &foreign) == refusal(CALL_BIND, EADDRNOTAVAIL));
  const struct connect_request from = {.address = "127.0.0.1", .port = 80, .local_address = "203.0.113.1"};
  CHECK(sockets_connect(&world->sockets, &from) == refusal(CALL_BIND, EADDRNOTAVAIL));
  world_close(world);
}

static void test_local_end(void) {
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_on(world, "127.0.0.1", &port);
  uint16_t free_port = 0;
  const int holder = listen_on(world, "127.0.0.2", &free_port);
  CHECK(sockets_close(&world->sockets, holder) == 0);
  const struct connect_request request = {
      .address = "127.0.0.1", .port = port, .local_address = "127.0.0.2", .local_port = free_port};
  const int client = sockets_connect(&world->sockets, &request);
  CHECK(client >= 0);
  forget(world, client);
  UNTIL(world, seen(world, client)->is_connected && seen(world, listener)->accepted == 1);
  const struct end_text *local = &seen(world, client)->ends.local;
  CHECK(strcmp(local->address, "127.0.0.2") == 0 && local->port == free_port);
  const struct end_text *remote = &seen(world, seen(world, listener)->last_accepted)->ends.remote;
  CHECK(strcmp(remote->address, "127.0.0.2") == 0 && remote->port == free_port);
  /* The same port to the same peer is taken, and so is a port with a listener. */
  const int again = sockets_connect(&world->sockets, &request);
  CHECK(again == refusal(CALL_CONNECT, EADDRNOTAVAIL) || again == refusal(CALL_BIND, EADDRINUSE));
  const struct connect_request taken = {
      .address = "127.0.0.1", .port = port, .local_address = "127.0.0.1", .local_port = port};
  CHECK(sockets_connect(&world->sockets, &taken) == refusal(CALL_BIND, EADDRINUSE));
  /* Both sockets have to allow sharing. */
  struct connect_request shared = taken;
  shared.reuse_port = true;
  CHECK(sockets_connect(&world->sockets, &shared) == refusal(CALL_BIND, EADDRINUSE));
  struct listen_request sharing = {.address = "127.0.0.4", .backlog = 8, .sharing = SHARES_PORT};
  const int open = sockets_listen(&world->sockets, &sharing);
  CHECK(open >= 0);
  struct end_text open_end;
  CHECK(sockets_local_end(&world->sockets, open, &open_end) == 0);
  shared.local_address = "127.0.0.4";
  shared.local_port = open_end.port;
  const int from_open = sockets_connect(&world->sockets, &shared);
  CHECK(from_open >= 0);
  forget(world, from_open);
  UNTIL(world, seen(world, from_open)->is_connected);
  CHECK(seen(world, from_open)->ends.local.port == open_end.port);
  /* With an address alone the system chooses the port. */
  const struct connect_request only = {.address = "127.0.0.1", .port = port, .local_address = "127.0.0.3"};
  const int other = sockets_connect(&world->sockets, &only);
  CHECK(other >= 0);
  forget(world, other);
  UNTIL(world, seen(world, other)->is_connected);
  CHECK(strcmp(seen(world, other)->ends.local.address, "127.0.0.3") == 0);
  world_close(world);
}

static void test_taken_and_shared_ports(void) {
  struct world *world = world_open();
  uint16_t port = 0;
  const int first = listen_on(world, "127.0.0.1", &port);
  struct listen_request request = {.address = "127.0.0.1", .port = port, .backlog = 128};
  const int taken = sockets_listen(&world->sockets, &request);
  CHECK(taken == refusal(CALL_BIND, EADDRINUSE) || taken == refusal(CALL_LISTEN, EADDRINUSE));
  request.sharing = SHARES_PORT;
  CHECK(sockets_listen(&world->sockets, &request) == refusal(CALL_BIND, EADDRINUSE));
  CHECK(sockets_close(&world->sockets, first) == 0);
  int listeners[2];
  for (int i = 0; i < 2; i++) {
    listeners[i] = sockets_listen(&world->sockets, &request);
    CHECK(listeners[i] >= 0);
    forget(world, listeners[i]);
  }
  request.sharing = SHARES_NOTHING;
  CHECK(sockets_listen(&world->sockets, &request) == refusal(CALL_BIND, EADDRINUSE));
  const int wanted = 64;
  for (int i = 0; i < wanted; i++) (void)connect_here(world, port);
  UNTIL(world, seen(world, listeners[0])->accepted + seen(world, listeners[1])->accepted == wanted);
  CHECK(seen(world, listeners[0])->accepted > 0 && seen(world, listeners[1])->accepted > 0);
  world_close(world);
}

static void test_a_shared_port_that_must_be_free(void) {
  struct world *world = world_open();
  uint16_t port = 0;
  struct listen_request request = {.address = "127.0.0.1", .backlog = 8, .sharing = SHARES_FREE_PORT};
  const int first = sockets_listen(&world->sockets, &request);
  struct end_text end;
  CHECK(first >= 0 && sockets_local_end(&world->sockets, first, &end) == 0);
  port = end.port;
  request.port = port;
  CHECK(sockets_listen(&world->sockets, &request) == refusal(CALL_BIND, EADDRINUSE));
  request.sharing = SHARES_PORT;
  const int second = sockets_listen(&world->sockets, &request);
  CHECK(second >= 0);
  CHECK(sockets_close(&world->sockets, first) == 0);
  request.sharing = SHARES_FREE_PORT;
  CHECK(sockets_listen(&world->sockets, &request) == refusal(CALL_BIND, EADDRINUSE));
  world_close(world);
}

/* The queue of a listening socket outlives a listener, and a closed one is not reported any more. */
static void test_handing_a_listener_over(void) {
  struct world *world = world_open();
  uint16_t port = 0;
  const int first = listen_on(world, "127.0.0.1", &port);
  const int kept = sockets_duplicate(&world->sockets, first);
  CHECK(kept >= 0);
  const int client = connect_here(world, port);
  CHECK(sockets_close(&world->sockets, first) == 0);
  UNTIL(world, seen(world, client)->is_connected);
  CHECK(sockets_poll(&world->sockets) == 0);
  const int second = sockets_listen_also(&world->sockets, kept);
  CHECK(second >= 0);
  forget(world, second);
  UNTIL(world, seen(world, second)->accepted == 1);
  CHECK(sockets_duplicate(&world->sockets, 1 << 20) == refusal(CALL_FCNTL, EBADF));
  CHECK(sockets_listen_also(&world->sockets, 1 << 20) == refusal(CALL_EPOLL, EBADF));
  world_close(world);
}

static void test_options(void) {
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_on(world, "127.0.0.1", &port);
  const struct pair pair = pair_of(world, listener, port);
  CHECK(sockets_keep_alive(&world->sockets, pair.client, 32767, 32767, 127) == 0);
  CHECK(sockets_keep_alive(&world->sockets, pair.client, 0, 0, 0) == 0);
  CHECK(sockets_keep_alive(&world->sockets, pair.client, 32768, 1, 1) == refusal(CALL_SETSOCKOPT, EINVAL));
  const int unknown = sockets_option(&world->sockets, pair.client, IPPROTO_TCP, 12345, 1);
  CHECK(unknown == refusal(CALL_SETSOCKOPT, ENOPROTOOPT));
  world_close(world);
}

/* ---- every address, and IPv6 */

static void test_every_address(void) {
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_on(world, NULL, &port);
  struct end_text end;
  CHECK(sockets_local_end(&world->sockets, listener, &end) == 0);
  const bool is_dual = strcmp(end.address, "::") == 0;
  CHECK(is_dual || strcmp(end.address, "0.0.0.0") == 0);
  expect_ends(world, listener, "127.0.0.1", port, "127.0.0.1");
  if (is_dual) expect_ends(world, listener, "::ffff:127.0.0.1", port, "127.0.0.1");
  world_close(world);
}

static void write_file(const char *path, const char *text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  CHECK(fd >= 0);
  CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
  CHECK(close(fd) == 0);
}

/* Gives this process a network of its own, whose loopback has IPv6 and a link-local address. */
static bool enter_own_network(void) {
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
  if (access("/proc/sys/net/ipv6/conf/lo/disable_ipv6", W_OK) != 0) return false;
  write_file("/proc/sys/net/ipv6/conf/lo/disable_ipv6", "0");
  /* Duplicate address detection would delay the use of an address by a second. */
  write_file("/proc/sys/net/ipv6/conf/lo/accept_dad", "0");
  const int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0);
  struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
  CHECK(ioctl(fd, SIOCSIFFLAGS, &loopback) == 0);
  struct in6_ifreq link_local = {.ifr6_prefixlen = 64, .ifr6_ifindex = (int)if_nametoindex("lo")};
  CHECK(inet_pton(AF_INET6, "fe80::1", &link_local.ifr6_addr) == 1);
  CHECK(ioctl(fd, SIOCSIFADDR, &link_local) == 0);
  /* The kernel makes the address usable a moment later. */
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = link_local.ifr6_addr};
  address.sin6_scope_id = (uint32_t)link_local.ifr6_ifindex;
  for (int tries = 0; bind(fd, (struct sockaddr *)&address, sizeof address) != 0; tries++) {
    CHECK(errno == EADDRNOTAVAIL && tries < 5000);
    CHECK(poll(NULL, 0, 1) == 0);
  }
  CHECK(close(fd) == 0);
  return true;
}

static void connect_over_ipv6(void) {
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_on(world, NULL, &port);
  expect_ends(world, listener, "127.0.0.1", port, "127.0.0.1");
  expect_ends(world, listener, "::1", port, "::1");
  expect_ends(world, listener, "0:0:0:0:0:0:0:1", port, "::1");
  expect_ends(world, listener, "fe80::1%lo", port, "fe80::1%lo");
  expect_ends(world, listener, "fe80::1%1", port, "fe80::1%lo");
  /* A link-local address cannot be connected to without its zone. */
  CHECK(connect_to(world, "fe80::1", port) == refusal(CALL_CONNECT, EINVAL));
  CHECK(connect_to(world, "2001:db8::1", port) == refusal(CALL_CONNECT, ENETUNREACH));
  const struct connect_request from = {.address = "::1", .port = port, .local_address = "::1"};
  CHECK(sockets_connect(&world->sockets, &from) >= 0);
  const struct connect_request mixed = {.address = "::1", .port = port, .local_address = "127.0.0.1"};
  CHECK(sockets_connect(&world->sockets, &mixed) < 0);
  /* A listener on one address accepts only there. */
  uint16_t own_port = 0;
  const int own = listen_on(world, "::1", &own_port);
  expect_ends(world, own, "::1", own_port, "::1");
  const int refused = connect_to(world, "127.0.0.1", own_port);
  UNTIL(world, seen(world, refused)->failures == 1);
  world_close(world);
}

static void test_ipv6(void) {
  CHECK(fflush(stdout) == 0);
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    if (!enter_own_network()) printf("skipped: no network of its own with IPv6\n");
    else connect_over_ipv6();
    exit(0);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void) {
  static const struct test tests[] = {
      {"a wrong address is refused, and leaves no descriptor", test_wrong_addresses},
      {"a connection has the local end that was requested", test_local_end},
      {"a taken port is refused, a shared one is shared", test_taken_and_shared_ports},
      {"a shared port that must be free is refused while others have it", test_a_shared_port_that_must_be_free},
      {"the queue of a listening socket outlives a listener", test_handing_a_listener_over},
      {"options are set within the bounds of the kernel", test_options},
      {"a listener on every address reports a mapped one as IPv4", test_every_address},
      {"IPv6 addresses work with their zones", test_ipv6},
  };
  run_tests(tests, sizeof tests / sizeof tests[0]);
  return 0;
}
