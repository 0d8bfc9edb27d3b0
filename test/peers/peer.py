"""A foreign TCP peer for the contract suite: Python's socket, driven by lines of JSON on stdin.

A request is {"id": n, "do": operation, ...}; its answer {"id": n, ...} or {"id": n, "error": "ECONNRESET"}. Every
request runs in a thread of its own, so that a blocked one holds up no other. Handles are numbers.
"""

import base64
import errno
import itertools
import json
import socket
import struct
import sys
import threading

PATTERN_PERIOD = 65521
CHUNK = 1 << 16
# struct tcp_info of linux/tcp.h. Of a listener, tcpi_unacked is the accept queue's length, tcpi_sacked its limit.
TCP_INFO_QUEUE = struct.Struct("=8B6I")
# The 24 numbers are followed by tcpi_bytes_acked, tcpi_bytes_received and others, the last one tcpi_data_segs_in.
TCP_INFO_BYTES = struct.Struct("=8B24I4Q5I")

numbers = itertools.count(1)
sockets = {}
sent_bytes = {}
output_lock = threading.Lock()


def answer(request, **fields):
    with output_lock:
        sys.stdout.write(json.dumps({"id": request["id"], **fields}) + "\n")
        sys.stdout.flush()


def keep(sock):
    handle = next(numbers)
    sockets[handle] = sock
    sent_bytes[handle] = 0
    return handle


def pattern(seed, offset, length):
    """Byte i of the stream is ((j * 167) + (j >> 8) * 89 + seed) mod 256, with j = i mod 65521."""
    period = PERIODS.get(seed)
    if period is None:
        period = bytes((j * 167 + (j >> 8) * 89 + seed) & 255 for j in range(PATTERN_PERIOD))
        PERIODS[seed] = period
    start = offset % PATTERN_PERIOD
    repeats = (start + length) // PATTERN_PERIOD + 1
    return (period * repeats)[start : start + length]


PERIODS = {}


def new_socket(request):
    family = socket.AF_INET6 if ":" in request["address"] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if "receiveBuffer" in request:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, request["receiveBuffer"])
    return sock


def listen(request):
    sock = new_socket(request)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((request["address"], request.get("port", 0)))
    sock.listen(request.get("backlog", 128))
    return {"handle": keep(sock), "port": sock.getsockname()[1]}


def fill(request):
    """Fills a listener's accept queue, so that it drops every further SYN."""
    listener = sockets[request["handle"]]
    address = listener.getsockname()
    fillers = []
    while True:
        info = TCP_INFO_QUEUE.unpack(listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_QUEUE.size))
        queue, limit = info[12], info[13]
        if queue > limit:
            break
        filler = socket.create_connection(address[:2])
        fillers.append(keep(filler))
    return {"handles": fillers}


def accept(request):
    sock, remote = sockets[request["handle"]].accept()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return {"handle": keep(sock), "address": remote[0], "port": remote[1]}


def connect(request):
    sock = new_socket(request)
    sock.connect((request["address"], request["port"]))
    return {"handle": keep(sock), "port": sock.getsockname()[1]}


def send(request):
    sockets[request["handle"]].sendall(base64.b64decode(request["data"]))
    return {}


def send_urgent(request):
    sockets[request["handle"]].send(base64.b64decode(request["data"]), socket.MSG_OOB)
    return {}


def connect_and_reset(request):
    for _ in range(request["times"]):
        sock = new_socket(request)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.connect((request["address"], request["port"]))
        sock.close()
    return {}


def send_pattern(request):
    """Sends a pattern, in pieces of `piece` bytes; `progress` answers the number of bytes sent so far."""
    handle, length, piece = request["handle"], request["bytes"], request.get("piece", CHUNK)
    sent = 0
    while sent < length:
        sent += sockets[handle].send(pattern(request["seed"], sent, min(piece, length - sent)))
        sent_bytes[handle] = sent
    return {}


def progress(request):
    return {"sent": sent_bytes[request["handle"]]}


def facts(request):
    """Answers the kernel's state: bytes that arrived in order, bytes that were acknowledged, the buffer's size."""
    sock = sockets[request["handle"]]
    info = TCP_INFO_BYTES.unpack(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES.size))
    return {
        "arrived": info[35],
        "acknowledged": info[34],
        "segments": info[40],
        "receiveBuffer": sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF),
    }


def receive(request):
    """Answers exactly `bytes` bytes; fewer only at the end of the stream."""
    data = b""
    while len(data) < request["bytes"]:
        piece = sockets[request["handle"]].recv(request["bytes"] - len(data))
        if not piece:
            break
        data += piece
    return {"data": base64.b64encode(data).decode()}


def receive_once(request):
    return {"data": base64.b64encode(sockets[request["handle"]].recv(CHUNK)).decode()}


def receive_now(request):
    """Answers the bytes that have arrived already; null if there are none."""
    try:
        data = sockets[request["handle"]].recv(CHUNK, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return {"data": None}
    return {"data": base64.b64encode(data).decode()}


def drain(request):
    """Reads to the end, compares with a pattern, and answers how it ended. `piece`: bytes read at once."""
    sock, seed, length, matches = sockets[request["handle"]], request.get("seed", 0), 0, True
    while True:
        try:
            piece = sock.recv(request.get("piece", CHUNK))
        except ConnectionResetError:
            return {"bytes": length, "matches": matches, "end": "reset"}
        if not piece:
            return {"bytes": length, "matches": matches, "end": "fin"}
        matches = matches and piece == pattern(seed, length, len(piece))
        length += len(piece)


def shutdown(request):
    sockets[request["handle"]].shutdown(socket.SHUT_WR)
    return {}


def close(request):
    sockets.pop(request["handle"]).close()
    return {}


def reset(request):
    sock = sockets.pop(request["handle"])
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    return {}


OPERATIONS = {
    "listen": listen,
    "fill": fill,
    "accept": accept,
    "connect": connect,
    "send": send,
    "sendPattern": send_pattern,
    "sendUrgent": send_urgent,
    "connectAndReset": connect_and_reset,
    "progress": progress,
    "facts": facts,
    "receive": receive,
    "receiveOnce": receive_once,
    "receiveNow": receive_now,
    "drain": drain,
    "shutdown": shutdown,
    "close": close,
    "reset": reset,
}


def run(request):
    try:
        answer(request, **OPERATIONS[request["do"]](request))
    except OSError as error:
        answer(request, error=errno.errorcode.get(error.errno, str(error)))
    except KeyError as error:
        answer(request, error=f"no handle or operation {error}")


for line in sys.stdin:
    threading.Thread(target=run, args=(json.loads(line),), daemon=True).start()
