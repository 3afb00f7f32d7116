"""A part of a replay in a process of its own: `python -m cases.replaying` reads a version and past cases, and gives their tally.

It knows neither Django nor the database: whoever started it reads the cases under his own rights, in his own transaction,
and sends them over a pipe. So it can be started from anywhere (a daemonic worker, which may not fork, too), holds no
connection, and ends by itself when its pipe is closed, however that came about.
"""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import msgspec

from cases.tally import Draft, Past, Tally

CHECKOUT = Path(__file__).resolve().parent.parent
LENGTH = 4  # bytes before each message
BROKEN_OFF = "A part of the replay broke off. What it said stands in the worker's log."


class BrokenOff(RuntimeError):
    """A process of a replay ended before it was told to."""


def main():
    """Nothing is written before the last case has come, so neither side can wait for the other."""
    draft = msgspec.msgpack.decode(_message(sys.stdin.buffer), type=Draft)
    tally, policy, dial, parts = Tally(), draft.compiled(), draft.dial(), msgspec.msgpack.Decoder(list[Past])
    while message := _message(sys.stdin.buffer):
        for past in parts.decode(message):
            tally.add(past, policy, dial)
    sys.stdout.buffer.write(msgspec.msgpack.encode(tally))


def _message(pipe) -> bytes:
    """The next message; empty at the end."""
    return pipe.read(int.from_bytes(pipe.read(LENGTH)))


class Here:
    """Few cases are counted where we are: no process is worth its start."""

    def __init__(self, draft: Draft):
        self.policy, self.dial, self.tally = draft.compiled(), draft.dial(), Tally()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """There is nothing to end."""

    def take(self, rows):
        for past in msgspec.convert(rows, list[Past]):
            self.tally.add(past, self.policy, self.dial)

    def told(self) -> Tally:
        return self.tally


class Apart:
    """Many are shared out over processes, a page each in turn."""

    def __init__(self, draft: Draft, processes: int):
        self.draft, self.processes, self.turn = draft, processes, 0

    def __enter__(self):
        self.children = []
        try:
            for _ in range(self.processes):
                self.children.append(_child())
                _send(self.children[-1], self.draft)
        except BaseException:
            self.__exit__(True)
            raise
        return self

    def __exit__(self, *failed):
        for child in self.children:
            if failed[0]:
                child.kill()
            with suppress(BrokenPipeError):
                child.__exit__(None, None, None)

    def take(self, rows):
        _send(self.children[self.turn % self.processes], rows)
        self.turn += 1

    def told(self) -> Tally:
        tally = Tally()
        for child in self.children:
            _send(child, None)
        for child in self.children:
            answer, _ = child.communicate()
            if child.returncode:
                raise BrokenOff(BROKEN_OFF)
            tally.join(msgspec.msgpack.decode(answer, type=Tally))
        return tally


def _child():
    command = [sys.executable, "-m", "cases.replaying"]
    return subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def _send(child, thing):
    """One message; of nothing, the empty one, which is the last."""
    body = b"" if thing is None else msgspec.msgpack.encode(thing)
    try:
        child.stdin.write(len(body).to_bytes(LENGTH) + body)
        child.stdin.flush()
    except BrokenPipeError:
        raise BrokenOff(BROKEN_OFF) from None


if __name__ == "__main__":
    main()
