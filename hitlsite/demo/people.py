"""Who works in the demo, and in which seats."""

import base64
import hashlib
import hmac
import time

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth
from django.conf import settings

from accounts.models import User, Vendor
from accounts.roles import Office, Ownership, Role
from hitlsite import signin
from workflows import actions as workflows

TITLES = {"anna": "team lead", "arun": "finance"}
LIMITS = {
    "anna": [("", "EUR", 1500), ("", "GBP", 1200), ("", "USD", 1500)],
    "arun": [("", "EUR", 25000), ("", "GBP", 20000), ("", "USD", 25000)],
}

# username → name, time zone, vendor, office
PEOPLE = {
    "adam": ("Adam Novak", "Europe/Berlin", None, Office.ADMINISTRATOR),
    "olga": ("Olga Brandt", "Europe/Berlin", None, Office.NONE),
    "marc": ("Marc Lindt", "Europe/Berlin", None, Office.MANAGER),
    "audrey": ("Audrey Klein", "Europe/Berlin", None, Office.AUDITOR),
    "rita": ("Rita Sommer", "Europe/Berlin", None, Office.NONE),
    "ravi": ("Ravi Menon", "Europe/Berlin", None, Office.NONE),
    "anna": ("Anna Weiss", "Europe/Berlin", None, Office.NONE),
    "arun": ("Arun Rao", "Europe/London", None, Office.NONE),
    "frieda": ("Frieda Holm", "Europe/Berlin", None, Office.NONE),
    "rosa": ("Rosa Keller", "Europe/Berlin", None, Office.NONE),
    "lucia": ("Lúcia Prado", "Europe/Lisbon", "Lisbon Support", Office.NONE),
    "mila": ("Mila Reyes", "Asia/Manila", "Manila Assist", Office.NONE),
    "leonor": ("Leonor Faria", "Europe/Lisbon", "Lisbon Support", Office.VENDOR_LEAD),
    "mario": ("Mario Cruz", "Asia/Manila", "Manila Assist", Office.VENDOR_LEAD),
}
SEATS = {
    "rita": (Role.REVIEWER, Role.RESOLVER),
    "ravi": (Role.REVIEWER, Role.RESOLVER),
    "anna": (Role.APPROVER,),
    "arun": (Role.APPROVER,),
    "lucia": (Role.REVIEWER,),
    "mila": (Role.REVIEWER, Role.RESOLVER),
}
OWNERS = {
    Ownership.POLICY: "olga",
    Ownership.QUALITY: "olga",
    Ownership.RISK: "rosa",
    Ownership.EXCEPTIONS: "marc",
    Ownership.IMPROVEMENT: "marc",
}


def password() -> str:
    """The demo people's password: this installation's own, the same at every start, stored nowhere."""
    return hmac.digest(settings.SECRET_KEY.encode(), b"demo people", hashlib.sha256).hex()[:10]


def seed(username) -> str:
    """The demo's second factors come from the same source, so that a present code can be printed beside a name."""
    return base64.b32encode(hmac.digest(settings.SECRET_KEY.encode(), f"demo {username}".encode(), hashlib.sha1)).decode()


def code(username) -> str:
    """The six digits of this half minute; empty for who needs none."""
    if not Authenticator.objects.filter(user__username=username, user__is_demo=True, type=Authenticator.Type.TOTP).exists():
        return ""
    return auth.format_hotp_value(auth.hotp_value(seed(username), int(time.time()) // 30))


def give_factors(people):
    """To those whose work needs one."""
    for username, person in people.items():
        if signin.needs_second_factor(person):
            auth.TOTP.activate(person, seed(username))


def hire() -> dict[str, User]:
    """The people, the integration and their vendors."""
    vendors = {
        name: Vendor.objects.create(name=name, time_zone=zone)
        for name, zone in [("Lisbon Support", "Europe/Lisbon"), ("Manila Assist", "Asia/Manila")]
    }
    people = {username: _hired(username, *facts, vendors) for username, facts in PEOPLE.items()}
    people["core-banking"] = User.objects.create(
        username="core-banking",
        first_name="Core banking",
        kind=User.Kind.INTEGRATION,
        answers_for=people["olga"],
        password="!",
        is_demo=True,
    )
    return people


def _hired(username, name, zone, vendor, office, vendors):
    first, _, last = name.partition(" ")
    facts = {"first_name": first, "last_name": last, "time_zone": zone, "vendor": vendors.get(vendor), "office": office}
    return User.objects.create_user(username, password=password(), is_staff=True, is_demo=True, **facts)


def seat(workflow, people):
    """The seats of one workflow."""
    adam = people["adam"]
    for username, roles in SEATS.items():
        for role in roles:
            about = {"limits": LIMITS.get(username, ()), "title": TITLES.get(username, "")}
            workflows.seat(people[username], workflow, role, by=adam, **about)
    workflows.seat(people["core-banking"], workflow, Role.INTEGRATION, by=adam)


def own(workflow, people):
    """Its five owners. Olga stands behind the integration, so the risk is another's: she could never break the glass."""
    for of in Ownership.values:
        workflows.own(workflow, of, people[OWNERS[of]], by=people["adam"])
