"""A page that asks before a verb: GET shows the form, POST does it, or says what is wrong and keeps what was typed."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.shortcuts import redirect, render
from django.utils.translation import gettext

ASK = "hitlsite/ask.html"


class Asking:
    """For an admin class that has such pages."""

    def ask(self, request, form, act, *, title, button, back, said="", after=None, template=ASK, **shown):
        """`act(**cleaned)` does it. `after(result)` answers in place of going `back` with `said` in the message bar.

        `shown`: what else the template tells before the button; `sentence` and `original` in every one.
        """
        page = {"form": form, "title": title, "button": button, "back": back, **shown}
        if request.method != "POST" or not form.is_valid():
            return self.page(request, template, page, status=422 if form.is_bound else 200)
        try:
            with transaction.atomic():
                result = act(**form.cleaned_data)
        except (PermissionDenied, ValidationError, IntegrityError) as refusal:
            _take(form, refusal)
            return self.page(request, template, page, status=403 if isinstance(refusal, PermissionDenied) else 422)
        if after:
            return after(result)
        messages.success(request, said)
        return redirect(back)

    def page(self, request, template, context, status=200):
        site = {**self.admin_site.each_context(request), "opts": self.opts}
        return render(request, template, {**site, **context}, status=status)


def _take(form, refusal):
    """Each fault at its field where the form has one, else over the form."""
    if isinstance(refusal, ValidationError) and hasattr(refusal, "error_dict"):
        for name, faults in refusal.message_dict.items():
            form.add_error(name if name in form.fields else None, faults)
    elif isinstance(refusal, ValidationError):
        form.add_error(None, refusal.messages)
    else:
        form.add_error(
            None, gettext("There is one like this already.") if isinstance(refusal, IntegrityError) else str(refusal)
        )
