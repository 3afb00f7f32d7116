"""gunicorn reads this by itself: its own lines go the way of ours, audit/logs.py."""

from gunicorn.glogging import Logger

from audit.logs import Line


class Lines(Logger):
    def setup(self, cfg):
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(Line())

    def access(self, *_):
        """Ours stands in its place: it has routes where this one has addresses."""


logger_class = Lines
keepalive = 75  # seconds; at gunicorn's own 2 a client that pauses for breath writes into a line just closed
