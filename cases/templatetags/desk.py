"""What the desk's templates cannot say themselves."""

from django import template

register = template.Library()


@register.filter
def at(table, name):
    """The table's entry of that name; empty where it has none."""
    return table.get(name, "")
