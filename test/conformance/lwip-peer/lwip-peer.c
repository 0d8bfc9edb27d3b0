/*
 * Debian's lwIP as a peer in virtual time: a program with one thread and one connection. Its standard input
 * brings the time, packets and orders; its standard output packets and events. Each message is a byte of type,
 * four bytes of length in the host's order, and the body.
 *
 *   to the program              'T' time in ms; 'P' IP packet; orders of the body's number, see `obey`
 *   from the program            'P' IP packet; 'E' an event of two numbers, see `tell`
 *                               'D' the message before is done; body: milliseconds until the next timer
 *
 * Debian builds the library for threads (NO_SYS 0), but nothing in it starts one before tcpip_init. The library
 * asks sys_now for the time and sys_check_core_locking for the lock: both are replaced here.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lwip/init.h"
#include "lwip/ip.h"
#include "lwip/netif.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"

#define MTU 1500
#define MOST_BODY 65536

static uint32_t now_ms;
static struct netif netif;
static struct tcp_pcb *pcb;
static struct tcp_pcb *listener;
/* Bytes that wait to be written, and the places of the streams. */
static uint32_t to_write;
static uint32_t written;
static uint32_t received;
static int holds;
static int echoes;
static int shuts;
static uint32_t held;

u32_t sys_now(void) { return now_ms; }

void sys_check_core_locking(void) {}

/* A byte of the test's stream, by its place. */
static uint8_t byte_at(uint32_t place) { return (uint8_t)(place * 31 + (place >> 8)); }

static void put(const void *bytes, size_t length) {
  const char *from = bytes;
  while (length > 0) {
    ssize_t count = write(STDOUT_FILENO, from, length);
    if (count <= 0) exit(1);
    from += count;
    length -= (size_t)count;
  }
}

static void send_message(char type, const void *body, uint32_t length) {
  char head[5];
  head[0] = type;
  memcpy(head + 1, &length, 4);
  put(head, sizeof head);
  put(body, length);
}

/* Events: 'c' connected, 'a' accepted, 'r' bytes received, 's' bytes acknowledged, 'f' FIN, 'e' error,
 * 'b' bad data at a place, 'x' result of an order. */
static void tell(char event, int32_t number) {
  int32_t body[2] = {event, number};
  send_message('E', body, sizeof body);
}

static int get(void *bytes, size_t length) {
  char *to = bytes;
  while (length > 0) {
    ssize_t count = read(STDIN_FILENO, to, length);
    if (count <= 0) return 0;
    to += count;
    length -= (size_t)count;
  }
  return 1;
}

static err_t output(struct netif *out, struct pbuf *p, const ip4_addr_t *destination) {
  static char packet[MOST_BODY];
  (void)out;
  (void)destination;
  pbuf_copy_partial(p, packet, p->tot_len, 0);
  send_message('P', packet, p->tot_len);
  return ERR_OK;
}

static err_t init_netif(struct netif *added) {
  added->name[0] = 'v';
  added->name[1] = '0';
  added->mtu = MTU;
  added->output = output;
  return ERR_OK;
}

/* Writes as much as the send buffer takes. */
static void write_more(void) {
  static uint8_t bytes[2048];
  while (pcb != NULL && to_write > 0) {
    uint32_t length = tcp_sndbuf(pcb);
    if (length > to_write) length = to_write;
    if (length > sizeof bytes) length = sizeof bytes;
    if (length == 0) break;
    for (uint32_t at = 0; at < length; at++) bytes[at] = byte_at(written + at);
    if (tcp_write(pcb, bytes, (u16_t)length, TCP_WRITE_FLAG_COPY) != ERR_OK) break;
    written += length;
    to_write -= length;
  }
  if (pcb == NULL) return;
  tcp_output(pcb);
  if (shuts && to_write == 0) {
    shuts = 0;
    tell('x', tcp_shutdown(pcb, 0, 1));
  }
}

static err_t on_received(void *arg, struct tcp_pcb *from, struct pbuf *p, err_t err) {
  (void)arg;
  (void)err;
  if (p == NULL) {
    tell('f', 0);
    return ERR_OK;
  }
  for (uint32_t at = 0; at < p->tot_len; at++) {
    if (pbuf_get_at(p, (u16_t)at) != byte_at(received + at)) {
      tell('b', (int32_t)(received + at));
      break;
    }
  }
  received += p->tot_len;
  if (holds) held += p->tot_len;
  else tcp_recved(from, p->tot_len);
  tell('r', p->tot_len);
  if (echoes) {
    to_write += p->tot_len;
    write_more();
  }
  pbuf_free(p);
  return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *of, u16_t length) {
  (void)arg;
  (void)of;
  tell('s', length);
  write_more();
  return ERR_OK;
}

static void on_error(void *arg, err_t err) {
  (void)arg;
  pcb = NULL;
  tell('e', err);
}

static void take(struct tcp_pcb *taken) {
  pcb = taken;
  tcp_recv(pcb, on_received);
  tcp_sent(pcb, on_sent);
  tcp_err(pcb, on_error);
}

static err_t on_connected(void *arg, struct tcp_pcb *connected, err_t err) {
  (void)arg;
  (void)connected;
  tell('c', err);
  write_more();
  return ERR_OK;
}

static err_t on_accepted(void *arg, struct tcp_pcb *accepted, err_t err) {
  (void)arg;
  if (err != ERR_OK || accepted == NULL) return ERR_VAL;
  take(accepted);
  tell('a', 0);
  return ERR_OK;
}

static void listen_at(uint16_t port) {
  struct tcp_pcb *fresh = tcp_new();
  err_t err = tcp_bind(fresh, IP_ADDR_ANY, port);
  listener = tcp_listen(fresh);
  tcp_accept(listener, on_accepted);
  tell('x', err);
}

static void connect_to(uint16_t port) {
  ip_addr_t address;
  IP_ADDR4(&address, 10, 0, 0, 1);
  take(tcp_new());
  tell('x', tcp_connect(pcb, &address, port, on_connected));
}

/* Orders: 'L' listen at a port, 'C' connect to a port, 'W' write bytes, 'H' hold or 'h' consume what arrives,
 * 'e' echo, 'S' shut down sending behind what is written, 'X' close, 'A' abort. */
static void obey(char order, uint32_t number) {
  switch (order) {
    case 'L':
      listen_at((uint16_t)number);
      return;
    case 'C':
      connect_to((uint16_t)number);
      return;
    case 'W':
      to_write += number;
      write_more();
      return;
    case 'e':
      echoes = 1;
      return;
    case 'H':
      holds = 1;
      return;
    default:
      break;
  }
  if (pcb == NULL) {
    tell('x', ERR_CONN);
    return;
  }
  if (order == 'h') {
    holds = 0;
    for (; held > 0xffff; held -= 0xffff) tcp_recved(pcb, 0xffff);
    tcp_recved(pcb, (u16_t)held);
    held = 0;
  } else if (order == 'S') {
    shuts = 1;
    write_more();
  } else if (order == 'X') {
    struct tcp_pcb *closing = pcb;
    tcp_recv(closing, NULL);
    tcp_err(closing, NULL);
    err_t err = tcp_close(closing);
    if (err == ERR_OK) pcb = NULL;
    tell('x', err);
  } else if (order == 'A') {
    struct tcp_pcb *aborted = pcb;
    tcp_err(aborted, NULL);
    pcb = NULL;
    tcp_abort(aborted);
  }
}

static void receive_packet(const char *bytes, uint32_t length) {
  struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)length, PBUF_RAM);
  if (p == NULL) return;
  pbuf_take(p, bytes, (u16_t)length);
  if (netif.input(p, &netif) != ERR_OK) pbuf_free(p);
}

int main(void) {
  static char body[MOST_BODY];
  ip4_addr_t address, mask, gateway;
  char head[5];
  lwip_init();
  IP4_ADDR(&address, 10, 0, 0, 2);
  IP4_ADDR(&mask, 255, 255, 255, 0);
  IP4_ADDR(&gateway, 10, 0, 0, 1);
  netif_add(&netif, &address, &mask, &gateway, NULL, init_netif, ip_input);
  netif_set_default(&netif);
  netif_set_up(&netif);
  netif_set_link_up(&netif);
  while (get(head, sizeof head)) {
    uint32_t length, number = 0, sleep_ms;
    memcpy(&length, head + 1, 4);
    if (length > sizeof body || !get(body, length)) return 1;
    if (length >= 4) memcpy(&number, body, 4);
    if (head[0] == 'T') {
      now_ms = number;
      sys_check_timeouts();
    } else if (head[0] == 'P') {
      receive_packet(body, length);
    } else {
      obey(head[0], number);
    }
    sleep_ms = sys_timeouts_sleeptime();
    send_message('D', &sleep_ms, 4);
  }
  return 0;
}
