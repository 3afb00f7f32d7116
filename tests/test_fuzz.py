"""F1: nothing that the schema allows, or forbids, makes the API break or answer outside its schema."""

import itertools

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ROLES = ("integration", "reviewer", "resolver", "approver", "vendor_reviewer")


@pytest.fixture
def described(transactional_db):
    """The real WSGI application, each request in a transaction of its own. It asks the database as it starts, so it starts here."""
    from hitlsite.wsgi import application

    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)


@pytest.fixture
def next_role(request, key, send):
    """The header of one role after the other, with a few cases there to be found."""
    for confidence in (0.1, 0.99):
        send(confidence=confidence)
    send(action={"type": "refund", "amount": 10, "currency": "EUR"})
    keys = [key(request.getfixturevalue(role))["HTTP_AUTHORIZATION"] for role in ROLES]
    return lambda turn=itertools.cycle(keys): {"Authorization": next(turn)}


QUIET = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "phases": [Phase.explicit, Phase.generate],
    "suppress_health_check": list(HealthCheck),
}


def fuzz(described, next_role, examples):
    """So many requests of every operation, each in the next role's name; how many there were."""
    sent = 0
    for operation in described.get_all_operations():

        @given(case=operation.ok().as_strategy())
        @settings(max_examples=examples, **QUIET)
        def attempt(case):
            nonlocal sent
            sent += 1
            case.call_and_validate(headers=next_role(), checks=CHECKS)

        attempt()
    return sent


@pytest.mark.long
def test_a_thousand_requests_break_nothing(described, next_role):
    assert fuzz(described, next_role, examples=45) >= 1000


@pytest.mark.slow
def test_ten_thousand_requests_break_nothing(described, next_role):
    assert fuzz(described, next_role, examples=450) >= 10_000
