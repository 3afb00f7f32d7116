"""People and definitions for tests, made by factory-boy where a row is enough and by the verbs where a verb makes them."""

from datetime import timedelta

import factory
from django.db import transaction

from accounts.models import User, Vendor
from accounts.roles import Ownership
from audit import clock
from workflows import actions as workflows
from workflows.models import Engagement, Mandate, Owner, Workflow

TIERS = {
    "low": {"pattern": "sampling"},
    "medium": {"pattern": "threshold", "threshold": 0.8},
    "high": {"pattern": "approval"},
}


TWO = [{"steps": [{"name": "Approval", "people": 2}]}]  # two approvers, in whatever order
SECRET = b"a secret for tests 226"  # with it none of the ids that tests use (R-1, A-1…) is drawn for a sampled look


class Factory(factory.django.DjangoModelFactory):
    """For whom we act is said at BEGIN, so rows are made inside a transaction, in tests without one too."""

    class Meta:
        abstract = True

    @classmethod
    def _create(cls, *args, **facts):
        with transaction.atomic():
            return super()._create(*args, **facts)


class VendorFactory(Factory):
    class Meta:
        model = Vendor

    name = factory.Sequence(lambda n: f"Vendor {n}")


class UserFactory(Factory):
    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"person{n}")
    is_staff = True


def lead(vendor) -> User:
    """Whoever leads that vendor's people."""
    return User.objects.filter(vendor=vendor, office="vendor_lead").first() or UserFactory(vendor=vendor, office="vendor_lead")


class IntegrationFactory(UserFactory):
    username = factory.Sequence(lambda n: f"integration{n}")
    kind = User.Kind.INTEGRATION
    is_staff = False


def administrator() -> User:
    """Whoever set the place up: makes workflows, names their first owners, gives keys. Not one of the tests' own people."""
    return User.objects.filter(username="adam").first() or UserFactory(username="adam", office="administrator")


def workflow(slug="refunds", *, owner=None, rules=None, input_schema=None, output_schema=None) -> Workflow:
    """A workflow whose five owners are one person and whose first policy is published. Naming the owners is no test's matter here: rows."""
    owner = owner or UserFactory()
    made = workflows.create(slug, slug.capitalize(), by=administrator(), secret=SECRET)
    with transaction.atomic():
        Owner.objects.bulk_create(Owner(workflow=made, of=of, user=owner) for of in Ownership.values)
    policy(made, owner, rules=rules, input_schema=input_schema, output_schema=output_schema)
    return made


def policy(workflow, owner, *, rules=None, **schemas):
    draft = workflows.draft(workflow, by=owner, rules={"tiers": TIERS, **(rules or {})}, **schemas)
    return workflows.publish(draft, by=owner, reason="A test needs it.")


class EngagementFactory(Factory):
    """A contract that began a week ago and holds for a year, around the clock."""

    class Meta:
        model = Engagement

    vendor = factory.SubFactory(VendorFactory)
    name = factory.Sequence(lambda n: f"Contract {n}")
    since = factory.LazyFunction(lambda: clock.now() - timedelta(days=7))
    until = factory.LazyAttribute(lambda made: made.since + timedelta(days=372))


class MandateFactory(Factory):
    """What it covers in a workflow; name `workflow`, and `engagement__vendor` or `engagement`."""

    class Meta:
        model = Mandate

    engagement = factory.SubFactory(EngagementFactory)
    roles = ["reviewer", "resolver", "improver"]
    share = 0
    price = "0.90"
    currency = "EUR"


def mandated(vendor, workflow) -> Mandate:
    """The vendor's mandate there; one for every role a vendor may have, where it has none yet."""
    held = Mandate.objects.at(clock.now()).filter(engagement__vendor=vendor, workflow=workflow).first()
    return held or MandateFactory(engagement__vendor=vendor, workflow=workflow)
