"""What an edit changed, field by field. Pure."""

from typing import Any


def differences(before: Any, after: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    """(dotted path, before, after) for every leaf that differs; None stands for absent. Lists are compared whole."""
    if isinstance(before, dict) and isinstance(after, dict):
        names = [*before, *(name for name in after if name not in before)]
        inner = (differences(before.get(name), after.get(name), f"{path}.{name}" if path else name) for name in names)
        return [difference for some in inner for difference in some]
    if before == after and isinstance(before, bool) == isinstance(after, bool):
        return []
    return [(path or "output", before, after)]
