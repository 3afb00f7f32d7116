"""Shapes by DRF: the same fields, types and limits as cases/intake.py and cases/shapes.py."""

import json

from rest_framework import serializers

from cases.intake import EARLIEST, SKEW
from cases.models import Case
from workflows import money


class Text(serializers.CharField):
    """A string and nothing that can be made into one, kept as it came."""

    def __init__(self, **options):
        super().__init__(trim_whitespace=False, **options)

    def to_internal_value(self, given):
        if not isinstance(given, str):
            self.fail("invalid")
        return super().to_internal_value(given)


class Strict(serializers.Serializer):
    """Refuses fields it does not know."""

    def to_internal_value(self, given):
        if isinstance(given, dict) and (unknown := set(given) - set(self.fields)):
            raise serializers.ValidationError(dict.fromkeys(unknown, "This field is not known."))
        return super().to_internal_value(given)


def optional(length):
    return Text(max_length=length, required=False, allow_null=True, allow_blank=True)


class ActionSerializer(Strict):
    type = Text(max_length=60, default="", allow_blank=True)
    amount = serializers.DecimalField(max_digits=18, decimal_places=None, default=None, allow_null=True)  # not quantised
    currency = Text(max_length=3, default="", allow_blank=True)
    payee = Text(max_length=200, default="", allow_blank=True)

    def validate(self, action):
        if fault := money.fault(action["amount"], action["currency"]):
            raise serializers.ValidationError(fault)
        if action["amount"] is not None and not action["type"]:
            raise serializers.ValidationError("An action with an amount needs its type.")
        return action


class OutputSerializer(Strict):
    workflow = Text(max_length=60)
    external_id = Text(max_length=200)
    input = serializers.DictField()
    output = serializers.DictField()
    context = serializers.DictField(required=False, allow_null=True)
    action = ActionSerializer(required=False, allow_null=True)
    confidence = serializers.JSONField(required=False, allow_null=True)
    confidences = serializers.DictField(required=False, allow_null=True)
    alternatives = serializers.ListField(required=False, allow_null=True)
    segment = optional(60)
    channel = optional(60)
    customer_reference = optional(200)
    model_name = optional(120)
    model_version = optional(120)
    prompt_version = optional(120)
    received_at = serializers.DateTimeField(required=False, allow_null=True)

    def validate_received_at(self, moment):
        if moment and not EARLIEST <= moment <= self.context["now"] + SKEW:
            raise serializers.ValidationError("This is before the year 2000 or in the future.")
        return moment

    def validate(self, item):
        if "\\u0000" in json.dumps([item["input"], item["output"], item.get("context")]):
            raise serializers.ValidationError("NUL characters cannot be stored.")
        return item


class CorrectSerializer(Strict):
    output = serializers.DictField()
    reason = Text(max_length=10_000, default="", allow_blank=True)
    root_causes = serializers.DictField(child=Text(max_length=120), required=False)
    active_seconds = serializers.IntegerField(min_value=0, max_value=86_400 * 7, required=False)


class NextSerializer(Strict):
    desk = serializers.ChoiceField(["review", "resolution", "approval"], required=False)


class CaseSerializer(serializers.ModelSerializer):
    """A case as the product's `shapes.shown` gives it."""

    workflow = serializers.SlugRelatedField("slug", read_only=True)
    category = serializers.SlugRelatedField("slug", read_only=True)
    claimed_by = serializers.StringRelatedField()
    standing_output = serializers.ReadOnlyField(source="standing")
    action = serializers.SerializerMethodField()
    digest = serializers.SerializerMethodField()

    class Meta:
        model = Case
        fields = [
            *("id", "external_id", "workflow", "state", "tier", "requires_approval", "sentence", "segment", "confidence"),
            *("received_at", "due_at", "claimed_by", "claimed_until", "closed_as", "closed_at", "settles_at", "released_at"),
            *("is_test", "input", "context", "output", "standing_output", "action", "digest", "revision", "reasons", "tags"),
            *("category", "alternatives"),
        ]

    def get_action(self, case):
        return case.action if case.action_type else None

    def get_digest(self, case):
        return bytes(case.digest).hex()
