"""What a page that shows a version says of its replay."""

from django import template

from cases import replay

register = template.Library()


@register.filter
def is_outdated(asked) -> bool:
    """Whether the version was changed after what was replayed of it."""
    return bool(asked.finished_at) and not replay.is_of_what_stands(asked)
