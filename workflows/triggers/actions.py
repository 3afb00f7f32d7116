"""Triggers on what the output would do, and to whom."""

from decimal import Decimal

from msgspec import field

from workflows import money
from workflows.triggers.base import Effect, Fires


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
        types, currency, least = frozenset(self.types), self.currency, self.amount

        def fires(facts):
            action = facts["action"]
            if not action["type"] or (types and action["type"] not in types):
                return None
            if currency and action["currency"] != currency:
                return None
            if least is not None and (action["amount"] is None or action["amount"] < least):
                return None
            return {"type": action["type"], "amount": action["amount"], "says": f"the action is “{action['type']}”"}

        return fires


class ProtectedAccount(Effect, tag="protected_account"):
    """Fires for a customer or payee on the list (folded), or where a fact sent along says so (VIP, executive, legal hold)."""

    references: list[str] = []
    fact: str = ""  # path, such as context.vip
    values: list[str | int | bool] = field(default_factory=lambda: [True])
