"""Currencies: which exist, how finely they divide, how an amount reads."""

import re
from decimal import Decimal, InvalidOperation
from functools import cache

from babel.numbers import format_decimal, get_currency_precision, list_currencies
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

GREATEST = Decimal(10) ** 12  # no action this product approves is larger: beyond it, an amount is a mistake


@cache
def currencies() -> frozenset[str]:
    return frozenset(list_currencies())


decimals = cache(get_currency_precision)


def fault(amount: Decimal | None, currency: str) -> str | None:
    """What is wrong with an amount, as a sentence; None where nothing is."""
    if currency and currency not in currencies():
        return gettext("“{currency}” is not a currency code (ISO 4217, such as EUR).").format(currency=currency[:10])
    if amount is None:
        return None
    if not amount.is_finite():
        return gettext("The amount is not a number.")
    if amount < 0:
        return gettext(
            "The amount is negative. Send what is paid as a positive amount and say what it is by the action's type."
        )
    if amount >= GREATEST:
        return gettext("The amount is beyond anything this desk approves (1,000,000,000,000).")
    if not currency:
        return gettext("An amount needs its currency.")
    if -amount.as_tuple().exponent > decimals(currency) and _places(amount) > decimals(currency):
        return gettext("{currency} has {decimals} decimal places; the amount has more.").format(
            currency=currency, decimals=decimals(currency)
        )
    return None


def _places(amount: Decimal) -> int:
    """How many decimal places it needs, to the last: to normalize() rounds to 28 digits, and what is smallest to nothing."""
    _, digits, exponent = amount.as_tuple()
    needed = "".join(map(str, digits)).rstrip("0")
    return len(needed) - len(digits) - exponent if needed else 0


def typed(text: str) -> Decimal:
    """An amount as somebody types it: 1200, 1200.50, 1200,50, 1,200.50 or 1.200,50. ValueError says what is wrong with it."""
    text = text.strip()
    if re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", text):  # a thousand in one country, one and nothing in another
        raise ValueError(
            format_lazy(
                _("“{text}” can be read in two ways. Write {sub}, or {text}0 for the smaller amount."),
                text=text,
                sub=re.sub("[.,]", "", text),
            )
        )
    if re.fullmatch(r"[1-9]\d{0,2}(,\d{3})+(\.\d*)?", text):
        text = text.replace(",", "")
    elif re.fullmatch(r"[1-9]\d{0,2}(\.\d{3})+(,\d*)?", text):
        text = text.replace(".", "")
    try:
        return Decimal(text.replace(",", "."))
    except InvalidOperation:
        raise ValueError(format_lazy(_("“{text}” is no amount. Write it like 1200 or 1200.50."), text=text)) from None


def readable(amount: Decimal | None, currency: str) -> str:
    """“240.00 EUR”, with the currency's own number of decimals."""
    if amount is None:
        return ""
    places = decimals(currency) if currency in currencies() else 2
    pattern = f"#,##0.{'0' * places}".rstrip(".")
    return f"{format_decimal(round(amount, places), format=pattern, locale='en')} {currency}"
