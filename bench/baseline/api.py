"""The doors, as DRF's documentation writes them."""

import uuid

from django.db import transaction
from django.utils import timezone
from rest_framework.exceptions import NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from bench.baseline import deciding, intake
from bench.baseline.keys import KeyAuthentication
from bench.baseline.serializers import CaseSerializer, CorrectSerializer, NextSerializer, OutputSerializer
from cases.models import Case


class Door(APIView):
    authentication_classes = [KeyAuthentication]
    permission_classes = [IsAuthenticated]
    throttle_classes = []


def checked(serializer):
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data


class ReceiveView(Door):
    def post(self, request):
        now = timezone.now()
        item = checked(OutputSerializer(data=request.data, context={"now": now}))
        with transaction.atomic():
            case, new = intake.receive(item, by=request.user, now=now, request_id=uuid.uuid4().hex)
        return Response(intake.answer(case, new), status=201 if new else 200)


class ReceiveManyView(Door):
    def post(self, request):
        now = timezone.now()
        items = checked(OutputSerializer(data=request.data.get("cases"), many=True, context={"now": now}))
        with transaction.atomic():
            cases, new = intake.receive_many(items, by=request.user, now=now, request_id=uuid.uuid4().hex)
        return Response({"results": [intake.answer(case, case.pk in new) for case in cases], "received": len(new)})


class NextView(Door):
    def post(self, request):
        wanted = checked(NextSerializer(data=request.data))
        with transaction.atomic():
            case = deciding.next_case(request.user, **wanted)
        return Response(CaseSerializer(case).data) if case else Response(status=204)


class CorrectView(Door):
    def post(self, request, pk):
        given = checked(CorrectSerializer(data=request.data))
        try:
            with transaction.atomic():
                case = deciding.correct(pk, by=request.user, request_id=uuid.uuid4().hex, **given)
        except Case.DoesNotExist:
            raise NotFound from None
        return Response(CaseSerializer(case).data)
