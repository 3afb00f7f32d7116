"""The form of each kind of trigger: its own fields, named as its struct's, then what it does when it fires."""

from typing import get_args

import msgspec
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from workflows.editing import paths
from workflows.editing.fields import (
    Amount,
    Area,
    Choice,
    Currency,
    Lines,
    Number,
    Percent,
    Several,
    Text,
    Tick,
    Values,
    Whole,
    WordsByLanguage,
)
from workflows.editing.forms import PartForm
from workflows.triggers import Trigger, actions, cel_kinds, certainty, content, expression, history

EFFECTS = ("raises", "desk", "category", "new_category", "tag")
PATH = _("A path begins with input., output., context. (facts sent along) or action.")
WITHIN = format_lazy("{} {}", _("Where to look, such as output.reply or input.text; output or input for all of it."), PATH)
BY_LANGUAGE = _(
    "For one language only: one a line, the language's code before it, such as “de: Anwalt”. "
    "They count beside those above, which hold in every language."
)
LANGUAGE_FROM = _("The field that says the language, such as input.language. Empty, or another language: every list counts.")


class TriggerForm(PartForm):
    """What every trigger has: a name, and its effect."""

    title = about = example = ""
    name = Text(label=_("Name"), max_length=80, help_text=_("What the reviewers read when it fires, such as “Legal threat”."))
    raises = Choice(
        label=_("Raise the risk to"),
        required=False,
        choices=[("", _("Leave the risk as it is")), ("medium", _("Medium")), ("high", _("High: needs an approval"))],
    )
    desk = Choice(
        label=_("Send it to"),
        required=False,
        choices=[
            ("", _("Wherever its risk leads")),
            ("review", _("Review: somebody accepts or corrects it")),
            ("resolution", _("Resolution: somebody works the case out")),
        ],
    )
    category = Choice(
        label=_("Name the exception"), required=False, help_text=_("The category under which such cases are counted.")
    )
    new_category = Text(
        label=_("or a new category"),
        required=False,
        max_length=60,
        help_text=_("Only where none above fits. It is added to the workflow's categories."),
    )
    tag = Text(label=_("Tag"), required=False, max_length=60, help_text=_("A word to find and count such cases by."))

    def __init__(self, *args, policy, **options):
        super().__init__(*args, policy=policy, **options)
        own = [name for name in self.fields if name not in ("name", *EFFECTS)]
        self.order_fields(["name", *own, *EFFECTS])
        known = list(policy.workflow.categories.values_list("slug", "label"))
        self.fields["category"].choices = [("", gettext("No category")), *known]
        self.heading = self.title

    @property
    def groups(self):
        yield self.title, self.about, [self[name] for name in self.fields if name not in EFFECTS]
        yield (
            gettext("What it does"),
            gettext("Choose one or more. A trigger that does nothing is only noted as a reason."),
            [self[name] for name in EFFECTS],
        )

    def said(self):
        said = {name: value for name, value in super().said().items() if name != "new_category"}
        return {"kind": self.struct.__struct_config__.tag, **said}

    def judge(self):
        trigger = msgspec.convert(self.document(), self.struct, strict=False)
        if self.struct in offered():
            trigger.prepare()

    def clean(self):
        cleaned = super().clean()
        if cleaned.get("category") and cleaned.get("new_category"):
            self.add_error("new_category", gettext("Choose a category above or name a new one, not both."))
        return cleaned


class RequiredFieldsForm(TriggerForm):
    struct, blame = content.RequiredFields, "others"
    title = _("Something is missing")
    about = _("Fires when a field is absent or empty.")
    example = _("An order number nobody gave.")
    fields_known = Several(label=_("These must be there"), required=False)
    others = Lines(
        label=_("and these"),
        longest=200,
        help_text=format_lazy(
            "{} {}", _("Fields that are not listed above, one a line, such as context.contract.number."), PATH
        ),
    )

    def __init__(self, *args, policy, **options):
        super().__init__(*args, policy=policy, **options)
        known = [path for path in paths.known(policy) if path not in ("input", "output")]
        named = self.stored.get("fields", [])
        self.fields["fields_known"].choices = [(path, path) for path in known]
        self.initial |= {
            "fields_known": [path for path in named if path in known],
            "others": [path for path in named if path not in known],
        }

    def said(self):
        said = super().said()
        fields = [*said.pop("fields_known"), *said.pop("others")]
        return {**said, "fields": fields}

    def judge(self):
        if not self.said()["fields"]:
            raise ValueError(_("Choose at least one field that must be there."))
        super().judge()


class ConflictForm(TriggerForm):
    struct, blame = content.Conflict, "tolerance"
    title = _("Two things are at odds")
    about = _("Fires when two fields do not stand to each other as they should. A field that is absent is no conflict.")
    example = _("The refund is higher than what was paid.")
    left = Text(
        label=_("This field"),
        suggests="paths",
        max_length=200,
        help_text=format_lazy("{} {}", _("Such as output.amount."), PATH),
    )
    must = Choice(
        label=_("must"),
        choices=[
            ("equal", "equal"),
            ("differ_from", _("differ from")),
            ("be_at_most", _("be at most")),
            ("be_at_least", _("be at least")),
            ("be_before", _("be before (dates)")),
            ("be_after", _("be after (dates)")),
        ],
        initial="equal",
    )
    right = Text(
        label=_("this one"),
        suggests="paths",
        max_length=200,
        help_text=format_lazy("{} {}", _("Such as context.order.paid, a fact that the sender gives along."), PATH),
    )
    tolerance = Number(
        label=_("give or take"), required=False, min_value=0, help_text=_("A number; for dates in days. Empty: exactly.")
    )
    tolerance_share = Percent(
        label=_("or in per cent of the second"), required=False, help_text=_("1 means that 100 and 101 are the same.")
    )

    def said(self):
        said = super().said()
        for name in ("tolerance", "tolerance_share"):
            said[name] = float(said[name] or 0)
        return said

    def begin(self):
        begun = super().begin()
        return {name: None if name.startswith("tolerance") and not value else value for name, value in begun.items()}


class DuplicateForm(TriggerForm):
    struct = history.Duplicate
    title = _("A possible duplicate")
    about = _("Fires when much the same came in before. Both are shown side by side.")
    example = _("The same refund was asked for last week.")
    same = Choice(
        label=_("The same is"),
        choices=[
            ("either", _("The same action or the same input")),
            ("action", _("The same customer, action and amount")),
            ("input", _("The same input, but for capitals and spaces")),
        ],
        initial="either",
    )
    days = Whole(label=_("Within so many days"), min_value=1, max_value=366, initial=30)


class LowConfidenceForm(TriggerForm):
    struct = certainty.LowConfidence
    title = _("The AI is not sure")
    about = _("Fires when the confidence is missing or too low: of the whole output, or of one field.")
    example = _("It read the account number with 70 %.")
    below = Percent(label=_("Below, in per cent"), help_text=_("80 means: at 79.9 % it fires, at 80 % it does not."))
    field = Text(
        label=_("of this field"),
        required=False,
        suggests="fields",
        help_text=_("The field's name as the AI sends its confidence. Empty: the confidence of the whole output."),
    )


class AmbiguousForm(TriggerForm):
    struct = certainty.Ambiguous
    title = _("Two answers are nearly as good")
    about = _("Fires when the AI's best two alternatives are close to each other.")
    example = _("“Refund” with 48 %, “Exchange” with 46 %.")
    margin = Percent(
        label=_("Closer than, in points of per cent"), least=0.01, help_text=_("10 means: 48 % and 46 % are too close.")
    )
    alternatives_required = Tick(label=_("Fire also when the AI sent fewer than two alternatives"))


class KeywordsForm(TriggerForm):
    struct, blame = content.Keywords, "words"
    title = _("Risk words")
    about = _("Fires when one of the words or phrases stands in the text, as whole words; capitals and accents do not matter.")
    example = _("lawyer, court, chargeback.")
    words = Lines(label=_("Words and phrases"), rows=6, help_text=_("One a line."))
    by_language = WordsByLanguage(label=_("Words by language"), help_text=BY_LANGUAGE)
    language_from = Text(label=_("Where the language stands"), required=False, suggests="paths", help_text=LANGUAGE_FROM)
    within = Text(label=_("Look in"), suggests="paths", initial="input", max_length=200, help_text=WITHIN)

    def judge(self):
        if not self.cleaned_data["words"] and not self.cleaned_data["by_language"]:
            raise ValueError(_("Write at least one word or phrase."))
        super().judge()


class RequiredWordingForm(TriggerForm):
    struct, blame = content.RequiredWording, "phrases"
    title = _("Required wording is not there")
    about = _("Fires when a text lacks what it has to say.")
    example = _("Every refusal must name the ombudsman.")
    phrases = Lines(label=_("Wording"), rows=6, help_text=_("One phrase a line; capitals and accents do not matter."))
    needs = Choice(label=_("It needs"), choices=[("any", _("One of them")), ("all", _("Each of them"))], initial="any")
    by_language = WordsByLanguage(label=_("Wording by language"), help_text=BY_LANGUAGE)
    language_from = Text(label=_("Where the language stands"), required=False, suggests="paths", help_text=LANGUAGE_FROM)
    within = Text(label=_("Look in"), suggests="paths", initial="output", max_length=200, help_text=WITHIN)

    def judge(self):
        if not self.cleaned_data["phrases"] and not self.cleaned_data["by_language"]:
            raise ValueError(_("Write at least one phrase that must stand there."))
        super().judge()


class PromisesForm(TriggerForm):
    struct, blame = content.Promises, "of"
    title = _("A promise to the customer")
    about = _("Fires when the text promises something. Usual phrases in English, German, French and Spanish are known.")
    example = _("“We guarantee that you have it by Friday.”")
    of = Several(
        label=_("Which promises"),
        choices=[
            ("guarantee", _("A guarantee: that something is or will be so")),
            ("waiver", _("A waiver: that something need not be paid or done")),
            ("deadline", _("A deadline: that something is done by a time")),
        ],
    )
    words = Lines(label=_("Phrases of your own"), help_text=_("Beside the known ones, one a line."))
    within = Text(label=_("Look in"), suggests="paths", initial="output", max_length=200, help_text=WITHIN)


class ProtectedAccountForm(TriggerForm):
    struct, blame = actions.ProtectedAccount, "references"
    title = _("A protected account")
    about = _("Fires for a customer or payee that is listed here, or that a fact sent along marks as protected.")
    example = _("VIP, executive, legal hold.")
    references = Lines(
        label=_("These customers or payees"), help_text=_("Their references, one a line; capitals do not matter.")
    )
    fact = Text(
        label=_("or where this fact"),
        required=False,
        suggests="paths",
        max_length=200,
        help_text=format_lazy(
            "{} {}", _("Such as context.vip, a fact that the sender gives along. Empty: the list alone counts."), PATH
        ),
    )
    values = Values(label=_("has one of these values"), rows=2, help_text=_("One a line. Empty: true, that is, yes."))

    def judge(self):
        if not self.cleaned_data["references"] and not self.cleaned_data["fact"]:
            raise ValueError(_("List at least one customer or payee, or name the fact that marks them."))
        super().judge()


class ActionForm(TriggerForm):
    struct, blame = actions.ActionIs, "amount"
    title = _("What would be done")
    about = _("Fires on the action that the output proposes: its type, its amount, or that money moves at all.")
    example = _("Any payout; a refund from 500.00 EUR on; a change of the account.")
    types = Lines(
        label=_("Types of action"), rows=3, longest=60, help_text=_("As the AI names them, one a line. Empty: any action.")
    )
    on_money = Tick(label=_("Any action that has an amount, whatever its type"))
    amount = Amount(label=_("From this amount on"), min_value=0, help_text=_("Empty: any amount."))
    currency = Currency(help_text=_("Three letters, such as EUR. Empty: any currency, where no amount is named."))


class FieldIsOneOfForm(TriggerForm):
    struct, blame = content.FieldIsOneOf, "values"
    title = _("A field has a certain value")
    about = _("Fires when a field is one of these values.")
    example = _("The reason code is “goodwill”; the country is under an embargo.")
    field = Text(
        label=_("This field"),
        suggests="paths",
        max_length=200,
        help_text=format_lazy("{} {}", _("Such as output.reason or input.country."), PATH),
    )
    values = Values(label=_("is one of"), required=True, help_text=_("One a line. For a yes-or-no field write true or false."))


class RepeatContactForm(TriggerForm):
    struct = history.RepeatContact
    title = _("The customer writes again")
    about = _("Fires when the same customer sent so many cases within the days before.")
    example = _("The third message in a week.")
    contacts = Whole(label=_("So many cases before this one"), min_value=1, max_value=20, initial=1)
    days = Whole(label=_("Within so many days"), min_value=1, max_value=366, initial=7)


class ExpressionForm(TriggerForm):
    struct, blame = expression.Expression, "expression"
    title = _("An expression")
    about = _("For what no other trigger says. Fires when the expression is true.")
    example = "output.amount > context.order.paid * 0.5"
    help_panel = True
    expression = Area(
        label=_("Expression"), rows=3, max_length=2000, help_text=_("In CEL; the names and examples stand below.")
    )
    when_missing = Choice(
        label=_("When something it asks for is not there"),
        choices=[("silent", _("It stays silent")), ("fires", _("It fires"))],
        initial="silent",
    )

    def judge(self):
        """What is wrong whatever a case says, here; what the schemas' kinds make of it is a warning of the draft."""
        super().judge()
        if cel_kinds.fault(self.cleaned_data["expression"], self.cleaned_data["name"], {}) == cel_kinds.NO_BOOL:
            raise ValueError(
                _("This gives no yes or no, whatever a case says. Compare it with something, as in the examples below.")
            )


FORMS = (
    RequiredFieldsForm, ConflictForm, DuplicateForm, LowConfidenceForm, AmbiguousForm, KeywordsForm, RequiredWordingForm,
    PromisesForm, ProtectedAccountForm, ActionForm, FieldIsOneOfForm, RepeatContactForm, ExpressionForm,
)  # fmt: skip
KINDS = {form.struct.__struct_config__.tag: form for form in FORMS}


def offered() -> tuple[type, ...]:
    """The structs that routing knows."""
    return get_args(Trigger)


def kinds() -> dict[str, type[TriggerForm]]:
    """The kinds that routing knows, by tag, in the order in which they are offered."""
    return {tag: form for tag, form in KINDS.items() if form.struct in offered()}
