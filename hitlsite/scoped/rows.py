"""Rows of our own statements as models: what `raw` does, with all that it works out at every call worked out once."""

import re
from collections.abc import Callable
from functools import cache

from django.db import connection

ALL = re.compile(r"\b(\w+)\.\*")


@cache
def named(model, statement: str) -> str:
    """With the columns of `model` in the place of “c.*”: a plan that is kept stands no column that a migration adds meanwhile."""
    columns = [field.column for field in model._meta.concrete_fields]
    return ALL.sub(lambda found: ", ".join(f'{found[1]}."{column}"' for column in columns), statement)


@cache
def made_of(model, columns: tuple[str, ...]) -> Callable:
    """From a row with these columns to one of `model`.

    “workflow__name” is a field of the workflow that it hangs from, of which only what is named so is known, and the rest fetched
    where it is asked for; any other column that is no field stands on it by its name.
    """
    places = {name: place for place, name in enumerate(columns)}
    own = _fields(model, places, "")
    wanted = {name.split("__")[0] for name in columns if "__" in name}
    related = {name: model._meta.get_field(name).related_model for name in wanted}
    parts = [(name, of, _fields(of, places, f"{name}__")) for name, of in related.items()]
    known = {field.attname for field in model._meta.concrete_fields}
    further = [(name, place) for name, place in places.items() if name not in known and "__" not in name]

    def make(row):
        made = _one(model, own, row)
        for name, of, fields in parts:
            setattr(made, name, _one(of, fields, row))
        for name, place in further:
            setattr(made, name, row[place])
        return made

    return make


def _fields(model, places, prefix) -> list[tuple]:
    """(its name, where it stands, how it is read) of each field that the row has, in the model's own order."""
    fields = [(field, places.get(f"{prefix}{field.attname}")) for field in model._meta.concrete_fields]
    return [(field.attname, place, getattr(field, "from_db_value", None)) for field, place in fields if place is not None]


def _one(model, fields, row):
    values = [read(row[place], None, connection) if read else row[place] for _, place, read in fields]
    return model.from_db(connection.alias, [name for name, _, _ in fields], values)
