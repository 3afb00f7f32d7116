"""A draft as a document, for engineers: taken out, kept elsewhere, pasted back. The same verb and the same judgment."""

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from workflows.editing.fields import Area
from workflows.editing.forms import PartForm
from workflows.editing.sections import Section
from workflows.json_field import Json

PARTS = ("rules", "input_schema", "output_schema")


class DocumentForm(PartForm):
    document = Json(
        label=_("The whole policy"),
        rows=32,
        help_text=_("JSON with rules, input_schema and output_schema. Copy it out, or paste another one over it."),
    )
    reason = Area(label=_("What this version changes, and what for"), required=False, rows=3)

    def clean_document(self):
        document = self.cleaned_data["document"]
        if unknown := sorted(set(document) - set(PARTS)):
            self.add_error(
                "document",
                gettext("Unknown: {unknown}. A document has rules, input_schema and output_schema.").format(
                    unknown=", ".join(unknown)
                ),
            )
        if not isinstance(document.get("rules"), dict):
            self.add_error("document", gettext("The document has no rules."))
        return document

    def take(self, error):
        """Whatever is wrong is wrong in the document."""
        self.add_error("document", str(error))


class Document(Section):
    name, title = "document", _("As a document (advanced)")
    names = (*PARTS, "reason")
    about = _(
        "For engineers: the policy as JSON, to keep beside the code, to compare, or to carry to another workflow. "
        "All that the forms can say stands here, and is checked in the same way."
    )

    def build(self):
        whole = {name: getattr(self.policy, name) for name in PARTS}
        self.form = self.made(DocumentForm, "whole", {"document": whole, "reason": self.policy.reason})
        return [self.form]

    def changed(self):
        document = self.form.cleaned_data["document"]
        return {
            "rules": document["rules"],
            "input_schema": document.get("input_schema") or {},
            "output_schema": document.get("output_schema") or {},
            "reason": self.form.cleaned_data["reason"],
        }

    def take(self, fault):
        for message in fault.messages:
            self.form.take(message)
