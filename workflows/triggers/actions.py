"""Triggers on what the output would do, and to whom."""

from decimal import Decimal

from msgspec import field

from workflows import money
from workflows.triggers.base import SIMPLE, Effect, Fires, look, shown
from workflows.triggers.wording import folded_text


class ActionIs(Effect, tag="action"):
    """Fires on an action of one of these types (any type where none is named), from an amount on where one is named."""

    types: list[str] = []
    currency: str = ""
    amount: Decimal | None = None
    on_money: bool = False  # any action that has an amount, whatever its type

    def __post_init__(self):
        if fault := money.fault(self.amount, self.currency):
            raise ValueError(fault)

    def prepare(self) -> Fires:
        types, currency, least, on_money = frozenset(self.types), self.currency, self.amount, self.on_money

        def fires(facts):
            action = facts["action"]
            amount = action["amount"]
            if on_money:
                if amount is None:
                    return None
            elif not action["type"] or (types and action["type"] not in types):
                return None
            if currency and action["currency"] != currency:
                return None
            if least is not None and (amount is None or amount < least):
                return None
            says = f"the action is “{action['type']}”" if action["type"] else "the action has an amount"
            if on_money or least is not None:
                says = f"{says} of {money.readable(amount, action['currency'])}"
            return {"type": action["type"], "amount": amount, "currency": action["currency"], "says": says}

        return fires


class ProtectedAccount(Effect, tag="protected_account"):
    """Fires for a customer or payee on the list (folded), or where a fact sent along says so (VIP, executive, legal hold)."""

    references: list[str] = []
    fact: str = ""  # path, such as context.vip
    values: list[str | int | bool] = field(default_factory=lambda: [True])

    def prepare(self) -> Fires:
        protected = {_same(reference) for reference in self.references}
        parts, values = self.fact.split(".") if self.fact else None, {_same(value) for value in self.values}

        def fires(facts):
            for who, reference in (("customer", facts.get("customer_reference")), ("payee", facts["action"]["payee"])):
                if reference and protected and _same(reference) in protected:
                    return {who: reference, "says": f"the {who} “{shown(reference)}” is a protected account"}
            if parts:
                seen = look(facts, parts)
                for one in seen if isinstance(seen, list) else [seen]:
                    if isinstance(one, SIMPLE) and _same(one) in values:
                        return {
                            "fact": self.fact,
                            "value": one,
                            "says": f"the account is protected: {self.fact} is {shown(one)}",
                        }
            return None

        return fires


def _same(value) -> str:
    """One form of a reference or value: “ c-1042” is “C-1042”, and a true sent as text is true."""
    return " ".join(folded_text(shown(value, 500)).split())
