"""What gunicorn serves; a dangerous set-up (checks.py) is refused here too, for no command runs before it."""

import gc
import os
from collections.abc import Iterator
from io import StringIO

import msgspec
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application


def build(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    """What msgspec must know of every shape to read it, built by one thread: two that meet a shape for the first time at once
    may end the process (docs/decisions/0033)."""
    for shape in kind.__subclasses__():
        msgspec.json.Decoder(shape)
        yield shape
        yield from build(shape)


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hitlsite.settings")
application = get_wsgi_application()
call_command("check", databases=["default"], stdout=StringIO())  # says what is wrong, not that all is well
BUILT = frozenset(build(msgspec.Struct))  # the check has loaded the addresses, and with them every shape
gc.collect()
gc.freeze()  # what is loaded by now is never garbage, so no request waits while all of it is looked through
