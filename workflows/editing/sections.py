"""A section of a policy: the forms that stand on one page, what of the policy they write, and where a fault of it belongs."""

import msgspec
from django.utils.translation import gettext_lazy

from workflows import actions, reading
from workflows.editing.forms import Rows, fault_of
from workflows.patterns import Rules


class Section:
    """One page of the editor. `names` are the policy's own fields, or those of its rules, that it writes."""

    name = title = about = ""
    names: tuple[str, ...] = ()
    template = "workflows/edit.html"
    other: dict = {}  # see `unlike`
    otherwise = gettext_lazy("Nothing is said here yet.")
    refusals: list[str] = []

    def __init__(self, policy, data=None):
        self.policy, self.data = policy, data
        self.parts = self.build()

    @property
    def said(self) -> str:
        """When it is saved."""
        return f"{self.title}: saved."

    def build(self) -> list:
        """The forms and lists of the page, in order."""
        raise NotImplementedError

    def made(self, form_class, prefix, stored):
        """A form over the stored part, or a list of rows over the stored list."""
        if issubclass(form_class, Rows):
            return form_class(self.data, prefix=prefix, initial=stored, policy=self.policy)
        return form_class(self.data, prefix=prefix, stored=stored, policy=self.policy)

    def rule(self, name, default=None):
        return self.policy.rules.get(name, default)

    def is_valid(self) -> bool:
        answers = [part.is_valid() for part in self.parts]  # every part speaks, not just the first that is wrong
        return all(answers)

    @property
    def faulty(self) -> bool:
        return self.data is not None and not self.is_valid()

    @property
    def has_rows(self) -> bool:
        return any(isinstance(part, Rows) for part in self.parts)

    def changed(self) -> dict:
        """What to write, by name."""
        raise NotImplementedError

    def store(self, *, by, seen):
        self.policy = actions.edit_draft(self.policy, by=by, seen=seen, **self.changed())

    def read_anew(self, policy):
        """After somebody else's edit: what was typed stands, what it is written into is new."""

    def take(self, fault):
        """A fault of the whole policy: at the field it names where this page has it, else over the page."""
        for message in fault.messages:
            path, _ = fault_of(message)
            form = next((part for part in self.parts if set(path) & set(getattr(part, "fields", ()))), None)
            if form:
                form.take(message)
            else:
                self.refusals = [*self.refusals, message]

    @classmethod
    def unlike(cls, policy) -> dict:
        """Rules that differ from the policy's in all that this section writes; None takes one away."""
        return cls.other

    @classmethod
    def sentences(cls, policy) -> list[str]:
        """What the policy says in this section, read out."""
        without = {**policy.rules, **cls.unlike(policy)}
        return told_apart(policy.rules, {name: value for name, value in without.items() if value is not None})


def told_apart(rules: dict, without: dict) -> list[str]:
    """The sentences of `rules` that `without` does not have."""
    common = set(reading.read(without))
    return [sentence for sentence in reading.read(rules) if sentence not in common]


def readable(policy) -> bool:
    """Can the forms show it? A draft of an older release may need its document mended first."""
    try:
        msgspec.convert(policy.rules, Rules, strict=False)
    except ValueError:
        return False
    return True
