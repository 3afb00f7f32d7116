"""The desk's doors, as tests press them."""

from django.urls import reverse

from cases.models import Case

SHARED = ("output.", "action.", "mark.", "cause.", "root_cause", "revision", "next", "active_seconds", "ticked")


def page(case, name="work"):
    return reverse(f"admin:cases_case_{name}", args=[case.pk])


def asked(case, verb):
    """The workbench with the verb chosen."""
    return f"{page(case)}?verb={verb}"


def decide(client, case, verb, follow=False, at="work", **typed):
    """Commit the verb with what is typed under it."""
    named = {name if name.startswith(SHARED) else f"{verb}.{name}": value for name, value in typed.items()}
    revision = Case.objects.get(pk=case.pk).revision
    return client.post(page(case, at), {"verb": verb, "revision": revision, **named}, follow=follow)
