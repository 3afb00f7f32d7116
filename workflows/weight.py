"""How much a warning weighs: a grave one is asked about before publishing, the others are told."""


class Grave(str):
    """A warning of what would surely go wrong: rules that let the risky through, or that nobody and nothing can follow."""

    __slots__ = ()
    is_grave = True


def by_weight(found: list[str]) -> list[str]:
    """The grave ones first, each once."""
    return sorted(dict.fromkeys(found), key=lambda warning: not isinstance(warning, Grave))


def has_grave(found: list[str]) -> bool:
    return any(isinstance(warning, Grave) for warning in found)
