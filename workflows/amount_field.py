"""A form field for an amount of money, as people of any country type it."""

from decimal import Decimal

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextInputWidget

from workflows import money

TYPED = {"inputmode": "decimal", "autocomplete": "off"}  # figures first on a telephone's keyboard, and any sign may be typed


class AmountField(forms.DecimalField):
    """No browser's number field: those read “1.000” as one, drop a comma without a word, and a wheel turns them."""

    def __init__(self, *, widget=UnfoldAdminTextInputWidget, **options):
        super().__init__(widget=widget(attrs=TYPED), max_digits=18, **options)

    def prepare_value(self, value):
        """A number as it may be typed again, 250.000 as 250; a text as it was typed."""
        return format(value.normalize(), "f") if isinstance(value, Decimal) else value

    def to_python(self, value):
        if value in self.empty_values:
            return None
        try:
            return super().to_python(money.typed(str(value)))
        except ValueError as fault:
            raise ValidationError(str(fault)) from fault
