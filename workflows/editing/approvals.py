"""Who has to approve what: chains and their steps, what holds where no chain does, the reasons to choose from, and the clocks."""

from decimal import Decimal

import msgspec
from django.utils.text import slugify
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from workflows import money, reading
from workflows.editing.fields import Amount, Choice, Currency, Duration, Several, Text, Tick, Whole
from workflows.editing.forms import PartForm, Row, rows, without_nothing
from workflows.editing.items import Item, List
from workflows.editing.sections import Section, told_apart
from workflows.patterns import Chain, ReasonCode, Step

VERBS = [
    ("approve", _("Approve")),
    ("reject", _("Reject")),
    ("send_back", _("Send back")),
    ("no_action", _("Close without action")),
    ("escalate", _("Escalate")),
]


class ApprovalForm(PartForm):
    """What holds for every approval."""

    approval_minutes = Duration(
        label=_("An approval expires after"),
        unit=60,
        least=1,
        most=60 * 24 * 366,
        help_text=_("Then the owner of risk decides or gives more time; nothing is approved by waiting. Such as 2 days."),
    )
    another_approver_takes_edits = Tick(
        label=_("What an approver edits goes to another approver"),
        help_text=_("Otherwise he may approve his own edit, unless it raises the amount, the payee, the type or the risk."),
    )
    no_action_needs_approval = Tick(label=_("Closing a case without action needs an approval"))


class Approvals(Section):
    name, title = "approvals", _("Approvals")
    names = ("approval_minutes", "another_approver_takes_edits", "no_action_needs_approval")
    about = _("What holds for every approval. Whoever made, edited or reviewed an output never approves it: that is always so.")
    otherwise = _("One approval, by somebody who did not work on it.")
    begin = {"approval_minutes": 2880, "another_approver_takes_edits": False, "no_action_needs_approval": False}
    other = {"approval_minutes": 527039, "another_approver_takes_edits": None, "no_action_needs_approval": None}

    def build(self):
        self.form = self.made(self.form_class, self.name, {name: self.rule(name, self.begin[name]) for name in self.names})
        return [self.form]

    form_class = ApprovalForm

    def changed(self):
        return {name: self.form.cleaned_data[name] for name in self.names}


class ChainForm(PartForm):
    struct, blame = None, "amount"
    heading = _("For which actions")
    about = _("It holds where all that is filled in holds. Of the chains that hold, the one with the most approvals is taken.")
    action_type = Text(label=_("Action"), required=False, max_length=60, help_text=_("Such as refund. Empty: any."))
    amount = Amount(label=_("From this amount on"), min_value=0, help_text=_("Empty: any amount."))
    currency = Currency(help_text=_("Three letters, such as EUR, where an amount is named."))
    tier = Choice(
        label=_("Risk"), required=False, choices=[("", _("Any")), *[("low", _("Low")), ("medium", _("Medium")), ("high", _("High"))]],
        help_text=_("Only for outputs of this risk or a higher one."),
    )  # fmt: skip

    def begin(self):
        return {name: self.stored.get(name) for name in ("action_type", "amount", "currency", "tier")}

    def clean(self):
        cleaned = super().clean()
        if "amount" in cleaned and "currency" in cleaned:
            amount = Decimal(cleaned["amount"]) if cleaned["amount"] else None
            if fault := money.fault(amount, cleaned["currency"]):
                self.add_error("amount", fault)
        return cleaned


class StepRow(Row):
    struct, blame = Step, "name"
    name = Text(label=_("Step"), max_length=60, help_text=_("Such as Team lead."))
    people = Whole(label=_("People"), min_value=1, max_value=5, initial=1, help_text=_("So many, each another one."))
    title = Text(
        label=_("Whose seat is titled"),
        required=False,
        suggests="titles",
        max_length=60,
        help_text=_("Such as finance; those that there are, are offered. Capitals do not matter. Empty: any approver."),
    )


Steps = rows(
    StepRow, noun=_("Step"), heading=_("Steps, in order"),
    about=_("The steps follow each other from the first to the last row. Nobody counts in two steps."),
)  # fmt: skip


class Chains(List):
    name, title, noun = "chains", _("Approval chains"), _("chain")
    names = ("chains",)
    about = _(
        "Who approves in which order, for which actions. Where several chains hold, the one with the most approvals is "
        "taken; of equals, the later in this list."
    )
    otherwise = _("No chain: one approval, by any approver whose limit reaches.")

    @staticmethod
    def titled(item):
        return " → ".join(step["name"] for step in item["steps"])

    @classmethod
    def told(cls, policy, item):
        """The chain alone: what holds for all of them is said once, where the policy is read out."""
        return [reading.of_a_chain(msgspec.convert(item, Chain, strict=False))]

    @classmethod
    def sentences(cls, policy):
        return told_apart(policy.rules, {**policy.rules, "chains": []})


class ChainItem(Item):
    """One chain with its steps."""

    list_name, names = "chains", ("chains",)
    has_rows = False

    @property
    def title(self):
        return gettext("Chain {titled}").format(titled=Chains.titled(self.stored)) if self.stored else gettext("New chain")

    def build(self):
        self.form = self.made(ChainForm, "chain", self.stored)
        self.steps = self.made(Steps, "steps", self.stored.get("steps", []))
        return [self.form, self.steps]

    def is_valid(self):
        if not super().is_valid():
            return False
        if not 1 <= len(self.steps.documents()) <= 5:
            self.form.add_error(None, gettext("A chain has one to five steps. Name the first below."))
        return not self.form.errors

    def document(self):
        chain = without_nothing({**self.stored, **self.form.said(), "steps": self.steps.documents()})
        msgspec.convert(chain, Chain, strict=False)
        return chain


class ReasonRow(Row):
    struct, blame = ReasonCode, "label"
    label = Text(label=_("Reason"), max_length=120, help_text=_("As people read it, such as “Over the goodwill limit”."))
    code = Text(
        label=pgettext_lazy("of a reason", "Code"),
        required=False,
        max_length=40,
        help_text=_("Small letters, digits and dashes. Empty: made from the reason."),
    )
    verbs = Several(label=_("Offered at"), choices=VERBS)

    def clean_code(self):
        return self.cleaned_data["code"] or slugify(self.cleaned_data.get("label", ""))[:40].strip("-")


Reasons = rows(ReasonRow, noun=_("Reason"), unique="code")


class ReasonCodes(Section):
    name, title = "reasons", _("Reason codes")
    names = ("reason_codes",)
    about = _("Reasons to choose from. Where a decision has any, one of them must be chosen; words may be added always.")
    other = {"reason_codes": None}
    otherwise = _("No reason codes: whoever decides says why in words.")

    def build(self):
        self.rows = self.made(Reasons, "reasons", self.rule("reason_codes", []))
        return [self.rows]

    def changed(self):
        return {"reason_codes": self.rows.documents()}

    @classmethod
    def sentences(cls, policy):
        named = dict(VERBS)
        codes = policy.rules.get("reason_codes", [])
        return super().sentences(policy) or [
            gettext("“{each}”, at: {each_2}.").format(
                each=each["label"], each_2=", ".join(named[verb].lower() for verb in each["verbs"])
            )
            for each in codes
        ]


class DecisionForm(PartForm):
    """How decisions are made and when they take effect."""

    scorecard = Whole(
        label=_("Scorecard version"),
        required=False,
        min_value=1,
        help_text=_("The number of a published scorecard of this workflow. Empty: reviews are not marked."),
    )
    marks_required = Tick(
        label=_("Every review must be marked"), help_text=_("Otherwise a reviewer may accept without filling in the scorecard.")
    )
    blind_first = Tick(
        label=_("A reviewer answers before the AI's answer is shown to him"),
        help_text=_("Blind first: what the two say is kept and compared. It needs an output schema that names its fields."),
    )
    grace_seconds = Duration(
        label=_("Time to undo"),
        required=False,
        unit=1,
        least=0,
        most=86400,
        help_text=_("So long whoever decided may take it back; then it takes effect. Such as 5 minutes. 0: at once."),
    )
    lease_seconds = Duration(
        label=_("A claim lasts"),
        unit=1,
        least=30,
        most=86400,
        help_text=_("Who takes a case has it for himself so long; then others may take it. Such as 15 minutes."),
    )
    language_from = Text(
        label=_("Where a case's language stands"),
        required=False,
        max_length=200,
        help_text=_("Such as input.language. A vendor whose mandate names languages then takes those only. Empty: not asked."),
    )

    def clean(self):
        cleaned = super().clean()
        if cleaned.get("marks_required") and not cleaned.get("scorecard") and "scorecard" in cleaned:
            self.add_error("scorecard", gettext("Say which scorecard the reviews are marked with."))
        return cleaned


class Decisions(Approvals):
    name, title = "decisions", _("Decisions")
    names = ("scorecard", "marks_required", "blind_first", "grace_seconds", "lease_seconds", "language_from")
    about = _("How people decide, and when what they decide takes effect.")
    begin = {
        "scorecard": None,
        "marks_required": False,
        "blind_first": False,
        "grace_seconds": 0,
        "lease_seconds": 900,
        "language_from": "",
    }
    other = {
        "scorecard": None,
        "marks_required": None,
        "blind_first": None,
        "grace_seconds": None,
        "lease_seconds": 86399,
        "language_from": "input.language",
    }
    form_class = DecisionForm

    def changed(self):
        return {**super().changed(), "grace_seconds": self.form.cleaned_data["grace_seconds"] or 0}
