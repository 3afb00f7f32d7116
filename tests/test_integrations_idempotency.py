"""A POST with an Idempotency-Key takes effect once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import keys
from accounts.models import User, Vendor
from audit import clock
from integrations import idempotency
from integrations.models import IdempotencyKey
from integrations.problems import Conflict
from tests import factories


class Vendors(APIView):
    """The effect is a row; `refuse` raises after it was written, `answer` returns an error without raising."""

    @idempotency.idempotent
    def post(self, request):
        vendor = Vendor.objects.create(name=f"{request.data.get('name')} {Vendor.objects.count()}")
        if request.data.get("refuse"):
            raise Conflict("Somebody was faster.")
        if request.data.get("answer"):
            return Response({"no": 1}, status=request.data["answer"])
        return Response({"id": vendor.pk, "name": vendor.name}, status=201)


class Elsewhere(Vendors):
    @idempotency.idempotent
    def post(self, request):
        return HttpResponse(b"raw", status=202)


urlpatterns = [path("api/vendors/", Vendors.as_view()), path("api/elsewhere/", Elsewhere.as_view())]
pytestmark = [pytest.mark.urls(__name__), pytest.mark.usefixtures("db")]


def bearer_of(name, mode="live"):
    user, _ = User.objects.get_or_create(username=name, kind=User.Kind.INTEGRATION)
    _, text = keys.make(user, by=factories.administrator(), name="k", verbs=["receive"], mode=mode)
    return {"Authorization": f"Bearer {text}"}


@pytest.fixture
def sender():
    return bearer_of("sender")


def post(bearer, key="k-1", url="/api/vendors/", **body):
    headers = bearer if key is None else {**bearer, "Idempotency-Key": key}
    return Client().post(url, body or {"name": "A"}, content_type="application/json", headers=headers)


def test_the_same_request_again_gets_the_same_answer_and_no_second_effect(sender):
    first, second = post(sender), post(sender)

    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert second.status_code == 201 and second["Content-Type"] == "application/json"
    assert (first.get("Idempotency-Replayed"), second["Idempotency-Replayed"]) == (None, "true")
    assert Vendor.objects.count() == 1


def test_another_body_under_the_same_key_is_refused(sender):
    post(sender, name="A")

    refused = post(sender, name="B")

    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert Vendor.objects.count() == 1


def test_another_url_under_the_same_key_is_refused(sender):
    post(sender)

    assert post(sender, url="/api/elsewhere/").status_code == 422


def test_each_credential_has_keys_of_its_own(sender):
    assert post(sender).json() != post(bearer_of("another")).json()


def test_a_test_keys_answer_is_not_replayed_to_a_live_one(sender):
    post(bearer_of("sender", mode="test"))

    assert post(sender).status_code == 422


def test_bytes_are_kept_as_they_were(sender):
    answers = [post(sender, url="/api/elsewhere/") for _ in range(2)]

    assert [(answer.status_code, answer.content) for answer in answers] == [(202, b"raw")] * 2


@pytest.mark.parametrize("key", ["", "x" * 256, "schlüssel", "a\tb", "a\x7f"], ids=ascii)
def test_a_malformed_key_is_refused(sender, key):
    refused = post(sender, key.encode().decode("latin1"))

    assert (refused.status_code, refused.json()["code"]) == (400, "idempotency_key_malformed")


@pytest.mark.parametrize("key", ["x", "x" * 255, '"quoted" ~'])
def test_any_printable_key_will_do(sender, key):
    assert post(sender, key).status_code == 201


def test_without_the_header_it_costs_no_statement(sender, django_assert_num_queries):
    post(sender, None)  # the key's last use is noted once

    with django_assert_num_queries(5):  # look up the key; BEGIN's savepoint; count; insert; release
        post(sender, None)


@pytest.mark.django_db(transaction=True)
def test_an_error_stores_nothing_and_may_be_tried_again(sender):
    assert post(sender, name="A", refuse=True).status_code == 409
    assert not IdempotencyKey.objects.exists() and not Vendor.objects.exists()

    assert post(sender, name="A").status_code == 201


@pytest.mark.parametrize("status", [400, 422, 503])
def test_an_error_that_was_answered_is_not_kept(sender, status):
    post(sender, name="A", answer=status)

    assert not IdempotencyKey.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_request_in_flight_says_come_back(sender):
    with transaction.atomic():
        idempotency.taken("k-1", User.objects.get(username="sender").pk)
        refused = in_another_thread(lambda: post(sender))

    assert (refused.status_code, refused.json()["code"], refused["Retry-After"]) == (409, "in_flight", "1")
    assert post(sender).status_code == 201


def in_another_thread(work):
    def run():
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_64_at_once_have_one_effect_and_one_answer(sender):
    together = threading.Barrier(64)

    def until_answered():
        together.wait()
        while (answer := post(sender)).status_code == 409:
            assert answer.json()["code"] == "in_flight"
        connection.close()
        return answer

    with ThreadPoolExecutor(64) as pool:
        answers = [future.result() for future in [pool.submit(until_answered) for _ in range(64)]]

    assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}
    assert [answer.get("Idempotency-Replayed") for answer in answers].count(None) == 1
    assert Vendor.objects.count() == 1


def test_keys_are_kept_for_two_days(sender, monkeypatch):
    monkeypatch.setattr(idempotency, "BATCH", 2)
    for number in range(6):
        post(sender, f"k-{number}")
    IdempotencyKey.objects.exclude(key="k-5").update(created_at=clock.now() - timedelta(hours=49))

    assert idempotency.purge() == 5
    assert IdempotencyKey.objects.get().key == "k-5"
