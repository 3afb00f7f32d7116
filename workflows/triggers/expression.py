"""A trigger in CEL, the Common Expression Language, for what no ready-made trigger says."""

from typing import Annotated, Literal

from msgspec import Meta

from workflows.triggers.base import Effect


class Expression(Effect, tag="expression"):
    """Fires when the expression is true. What it asks for and is absent is missing: silent, or as `when_missing` says."""

    expression: Annotated[str, Meta(min_length=1, max_length=2000)]
    when_missing: Literal["silent", "fires"] = "silent"
