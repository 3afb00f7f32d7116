"""Mistakes in the settings, found at start."""

from django.conf import settings
from django.core.checks import Error, register


@register
def retry_exceeds_timeout(app_configs, **_):
    """Else q2 sends a job out a second time while the first run may still go on."""
    timeout, retry = (settings.Q_CLUSTER.get(name, 0) for name in ("timeout", "retry"))
    if 0 < timeout < retry:
        return []
    hint = "Set Q_CLUSTER['timeout'] above 0 and Q_CLUSTER['retry'] above it."
    return [Error(f"The queue's retry ({retry} s) must exceed its timeout ({timeout} s).", hint, id="jobs.E001")]
