"""Take in a file of AI outputs, one JSON object a line, as the API's intake would: same rules, same rows, same answers."""

import gzip
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from itertools import islice
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from tqdm import tqdm

from accounts.models import User
from accounts.roles import Role
from audit import acting
from cases.intake import MOST_AT_ONCE, Intake, Refusal, decoded, routed, stored

LONGEST = 1024 * 1024  # bytes in one line


class Command(BaseCommand):
    help = (
        "Take in a JSONL file (or .gz) of AI outputs. Safe to run again: what is known is recognised, so a stopped import "
        "goes on where it was. received_at is kept for the numbers; due times run from now."
    )

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, help="One JSON object a line, in the shape of POST /api/v1/cases/.")
        parser.add_argument(
            "--as", dest="sender", metavar="USERNAME", help="The integration that sends them; needed where there are several."
        )
        parser.add_argument("--no-progress", action="store_true", help="No progress bar (there is none without a terminal).")

    def handle(self, *, file, sender, no_progress, **options):
        by = self._sender(sender)
        counts = {"received": 0, "known": 0, "refused": 0}
        with acting.scope(acting.on_behalf_of(by)), ThreadPoolExecutor(1) as writer:
            try:
                self._take_in(file, by, counts, writer, quiet=no_progress or not sys.stderr.isatty())
            finally:
                writer.submit(_hang_up).result()
                self.stdout.write("{received:,} received, {known:,} known already, {refused:,} refused.".format(**counts))
        if counts["refused"]:
            raise CommandError(f"{counts['refused']:,} lines were refused, each named above; the rest was taken in.")

    def _sender(self, username):
        integrations = User.objects.filter(kind=User.Kind.INTEGRATION, is_active=True, vendor=None)
        if username:
            integrations = integrations.filter(username=username)
        found = list(integrations.filter(seats__role=Role.INTEGRATION, seats__ended_at=None).distinct()[:2])
        if len(found) != 1:
            which = (
                f"There is no integration “{username}” with a seat."
                if username
                else "Say with --as which integration sends these."
            )
            raise CommandError(which)
        return found[0]

    def _take_in(self, file, by, counts, writer, *, quiet):
        """Decode and route one batch while the one before is being written."""
        under_way = None
        with _opened(file) as (raw, lines), tqdm(total=_size(file), unit="B", unit_scale=True, disable=quiet) as bar:
            numbered = enumerate(lines, 1)
            while batch := list(islice(numbered, MOST_AT_ONCE)):
                items = [(number, _item(line)) for number, line in batch if not isinstance(line, bytes) or line.strip()]
                rows = routed([item for _, item in items], by=by)
                self._count(under_way, counts)
                numbers = [number for number, _ in items]
                under_way = numbers, writer.submit(copy_context().run, stored, rows, by=by)
                bar.update(raw.tell() - bar.n)
            self._count(under_way, counts)

    def _count(self, under_way, counts):
        if under_way is None:
            return
        numbers, answers = under_way
        for number, answer in zip(numbers, answers.result(), strict=True):
            counts[answer.status] += 1
            if answer.status == "refused":
                tqdm.write(f"line {number}: {answer.detail}", file=self.stderr)


class _opened:
    """The file and its lines, unpacked where packed; a line too long, or a file that breaks off, is a Refusal in its place."""

    def __init__(self, file):
        self.file = file

    def __enter__(self):
        try:
            self.raw = self.file.open("rb")
        except OSError as error:
            raise CommandError(f"Cannot read {self.file}: {error.strerror}.") from error
        packed = self.raw.read(2) == b"\x1f\x8b"
        self.raw.seek(0)
        return self.raw, _lines(gzip.GzipFile(fileobj=self.raw) if packed else self.raw)

    def __exit__(self, *_):
        self.raw.close()


def _lines(stream):
    try:
        while line := stream.readline(LONGEST + 1):
            if len(line) <= LONGEST:
                yield line
                continue
            while not line.endswith(b"\n") and (line := stream.readline(LONGEST)):
                pass  # the rest of it, without keeping it
            yield Refusal("too_long", f"The line is longer than {LONGEST:,} bytes.")
    except (EOFError, OSError) as error:
        yield Refusal("broken_file", f"The file breaks off here ({error}). What stood before was taken in.")


def _item(line) -> Intake | Refusal:
    return line if isinstance(line, Refusal) else decoded(line)


def _size(file) -> int:
    return os.stat(file).st_size


def _hang_up():
    """Close the writer thread's own connection."""
    connection.close()
