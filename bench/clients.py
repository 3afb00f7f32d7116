"""The clients, in a process of their own: threads that each send their requests one after another. No Django here."""

import socket
import threading
import time
from dataclasses import dataclass


@dataclass
class Sent:
    """What came of a round's requests."""

    seconds: float
    latencies: list[float]
    bodies: list[bytes]


def request(path: str, key: str, body: bytes) -> bytes:
    head = f"POST /api/v1/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def send(port: int, lanes: list[list[bytes]]) -> Sent:
    """Every lane at once, one thread each. Raises where anything was refused."""
    latencies, bodies, faults = [], [], []
    threads = [threading.Thread(target=go_through, args=(port, lane, latencies, bodies, faults)) for lane in lanes]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise RuntimeError(f"{len(faults)} requests failed; the first: {faults[0]}")
    return Sent(time.monotonic() - began, latencies, bodies)


def go_through(port, lane, latencies, bodies, faults):
    for one in lane:
        began = time.monotonic()
        try:
            status, body = ask(port, one)
        except OSError as error:
            return faults.append(str(error))
        latencies.append(time.monotonic() - began)
        bodies.append(body)
        if status >= 400:
            return faults.append(f"{status} {body[:500]!r}")


def ask(port: int, one: bytes) -> tuple[int, bytes]:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        line.sendall(one)
        parts = []
        while part := line.recv(1 << 16):
            parts.append(part)
    head, _, body = b"".join(parts).partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), body
