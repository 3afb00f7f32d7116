"""A list of the policy whose order counts: its page, and the page of one item, new or at its place."""

import hashlib
import json

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from workflows import actions
from workflows.editing.sections import Section, told_apart
from workflows.editing.triggers import KINDS


def digest(item) -> str:
    return hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()[:24]


class List(Section):
    """The list, read out, each item with what may be done to it."""

    template = "workflows/edit_list.html"
    noun = ""

    def build(self):
        return []

    @property
    def items(self) -> list[dict]:
        listed = self.rule(self.name, [])
        return [{"title": self.titled(item), "sentences": self.told(self.policy, item)} for item in listed]

    @staticmethod
    def titled(item) -> str:
        raise NotImplementedError

    @classmethod
    def told(cls, policy, item) -> list[str]:
        bare = {"tiers": policy.rules["tiers"]}
        return told_apart({**bare, cls.name: [item]}, bare)

    @classmethod
    def sentences(cls, policy):
        listed = policy.rules.get(cls.name, [])
        return [sentence for item in listed for sentence in cls.told(policy, item) or [cls.titled(item)]]

    def moved(self, position, by) -> dict:
        """The list with one item a place up (-1) or down (1)."""
        listed = list(self.rule(self.name, []))
        if position < len(listed) and 0 <= position + by < len(listed):
            listed.insert(position + by, listed.pop(position))
        return {self.name: listed}

    def without(self, position) -> dict:
        listed = list(self.rule(self.name, []))
        return {self.name: listed[:position] + listed[position + 1 :]}


class Item(Section):
    """One item. Its place and what it was travel with the form, so that a list somebody else moved is not written over."""

    template = "workflows/edit_item.html"
    list_name = ""

    def __init__(self, policy, data=None, *, position=None, start=None, kind=""):
        self.position = position if data is None else number(data.get("position"))
        listed = policy.rules.get(self.list_name, [])
        if self.position is not None and self.position >= len(listed):
            self.position = None
        self.stored = listed[self.position] if self.position is not None else {}
        self.kind = kind
        self.was = (data or {}).get("was") or (digest(self.stored) if self.stored else "")
        self.start = start or {}
        super().__init__(policy, data)

    def written(self, **more) -> dict:
        """The list with this item at its place, or last."""
        listed, item = list(self.rule(self.list_name, [])), {**self.document(), **more}
        if self.position is None:
            return {self.list_name: [*listed, item]}
        listed[self.position] = item
        return {self.list_name: listed}

    def changed(self):
        return self.written()

    def document(self) -> dict:
        raise NotImplementedError

    def read_anew(self, policy):
        """Somebody changed the list: go on at the item's new place, or as a new one where it is gone or not as it was."""
        listed = policy.rules.get(self.list_name, [])
        self.position = next((place for place, item in enumerate(listed) if digest(item) == self.was), None)
        if self.was and self.position is None:
            self.refusals = [*self.refusals, gettext("It was changed or removed itself: saving again adds yours as a new one.")]
            self.was = ""


def number(text) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 6 else None


class Triggers(List):
    name, title, noun = "triggers", _("Triggers"), _("trigger")
    names = ("triggers",)
    about = _(
        "What makes one output special. Every trigger looks at every output; those that fire can raise the risk, choose "
        "the desk, name the exception. Each is noted on the case with what it saw."
    )
    otherwise = _("No trigger yet: risk and confidence alone decide.")

    @staticmethod
    def titled(item):
        return item["name"]


class TriggerItem(Item):
    """One trigger."""

    list_name, names = "triggers", ("triggers",)

    @property
    def title(self):
        return (
            gettext("Trigger “{stored}”").format(stored=self.stored["name"])
            if self.stored
            else gettext("New trigger: {form}").format(form=self.form.title)
        )

    @property
    def said(self):
        return gettext("Trigger “{cleaned_data}”: saved.").format(cleaned_data=self.form.cleaned_data["name"])

    def build(self):
        stored = self.stored if self.stored.get("kind") == self.kind else {}
        self.form = self.made(KINDS[self.kind], "trigger", stored or self.start)
        return [self.form]

    def is_valid(self):
        others = [each["name"] for each in self.rule("triggers", []) if digest(each) != self.was]
        valid = super().is_valid()
        if valid and (named := self.form.cleaned_data["name"]) in others:
            self.form.add_error(
                "name", gettext("Another trigger is called “{named}”. Give it a name of its own.").format(named=named)
            )
        return not self.form.errors

    def document(self):
        return self.form.document()

    def store(self, *, by, seen):
        more = {}
        if label := self.form.cleaned_data["new_category"]:
            more["category"] = actions.add_category(self.policy.workflow, label, by=by).slug
        self.policy = actions.edit_draft(self.policy, by=by, seen=seen, **self.written(**more))
