"""Amounts as people type them: nobody's thousand becomes another one's one."""

from decimal import Decimal

import pytest

from workflows import money
from workflows.forms import LimitForm, SeatForm


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1200", "1200"),
        (" 50,5 ", "50.5"),
        ("50.25", "50.25"),
        ("1,200.50", "1200.50"),
        ("1.200,50", "1200.50"),
        ("1,000,000", "1000000"),
        ("0.125", "0.125"),
        ("1.2500", "1.25"),
        ("-3", "-3"),
    ],
)
def test_an_amount_is_read_as_it_is_written_in_any_country(text, amount):
    assert money.typed(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["1.000", "20,000", "999.999"])
def test_an_amount_that_can_be_read_in_two_ways_is_refused(text):
    with pytest.raises(ValueError, match="can be read in two ways"):
        money.typed(text)


@pytest.mark.parametrize("text", ["", "much", "1.2.3", "1,2,3", "12-"])
def test_what_is_no_amount_is_said_to_be_none(text):
    with pytest.raises(ValueError, match="is no amount"):
        money.typed(text)


@pytest.mark.django_db
def test_a_limit_of_twenty_thousand_is_not_taken_for_twenty():
    seat = SeatForm({"role": "approver", "limits": "refund 20.000 EUR"})
    limit = LimitForm({"currency": "EUR", "amount": "20.000"})

    assert "Write 20000, or 20.0000" in str(seat.errors["limits"])
    assert "Write 20000, or 20.0000" in str(limit.errors["amount"])
    assert 'value="20.000"' in str(limit["amount"])


@pytest.mark.parametrize("amount", ["499.9999999999999999999999999999999999", "0.001", "1E-99999999", "12.345"])
def test_no_amount_has_more_places_than_its_currency_however_long_it_is(amount):
    """Rounded to 28 digits, the first reads 500.00 and stays below a band that begins there."""
    assert money.fault(Decimal(amount), "EUR") == "EUR has 2 decimal places; the amount has more."


@pytest.mark.parametrize("amount", ["1E+3", "1000.000000", "0.50", "0E-9", "-0.0"])
def test_places_that_say_nothing_do_not_count(amount):
    assert money.fault(Decimal(amount), "EUR") is None
