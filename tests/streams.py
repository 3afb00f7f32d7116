"""Streams of AI outputs with their truth: the real one where HITLDESK_STREAM names it, and a generated one always."""

import gzip
import hashlib
import hmac
import json
import os
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

MONEY = (
    "request_refund",
    "Refund_not_showing_up",
    "cancel_transfer",
    "card_payment_fee_charged",
    "compromised_card",
    "lost_or_stolen_card",
)


@dataclass
class Stream:
    path: Path
    outputs: list[dict]
    truth: dict[str, dict]

    @property
    def labels(self):
        return sorted({o["output"]["label"] for o in self.outputs} | {t["label"] for t in self.truth.values()})


def real() -> Stream:
    named = os.environ.get("HITLDESK_STREAM", "")
    if not named:
        pytest.skip("HITLDESK_STREAM names no file: the real stream is not here. The generated one is tested the same way.")
    path = Path(named)
    truth = {row["external_id"]: row["true_output"] for row in _rows(path.with_name("truth.jsonl.gz"))}
    return Stream(path, list(_rows(path)), truth)


def beginning(stream, folder, n) -> Stream:
    """The first `n` outputs of a stream, as a stream of its own."""
    return _stream(
        folder, stream.outputs[:n], {each["external_id"]: stream.truth[each["external_id"]] for each in stream.outputs[:n]}
    )


def generated(folder, n=600) -> Stream:
    """`n` outputs of a classifier of known quality over ten intents, of which two are about money."""
    random = Random(77)
    labels = [*MONEY[:2], *(f"intent_{i}" for i in range(8))]
    outputs, truth = [], {}
    for i in range(n):
        right, confidence = random.choice(labels), round(random.betavariate(5, 1.2), 4)
        label = right if random.random() < confidence else random.choice(labels)
        outputs.append(
            {
                "external_id": f"G-{i:05}",
                "workflow": "support-triage",
                "received_at": f"2026-06-{1 + i % 28:02}T09:{i % 60:02}:00Z",
                "input": {"text": f"Message {i} about {right}"},
                "output": {"label": label},
                "confidence": confidence,
                "model_name": "made-up",
                "model_version": "1",
            }
        )
        truth[f"G-{i:05}"] = {"label": right}
    return _stream(folder, outputs, truth)


def _stream(folder, outputs, truth):
    path = folder / "stream.jsonl.gz"
    with gzip.open(path, "wt") as file:
        file.writelines(json.dumps(output) + "\n" for output in outputs)
    return Stream(path, outputs, truth)


def _rows(path):
    with gzip.open(path, "rt") as file:
        yield from map(json.loads, file)


# The same arithmetic as the product's, written a second time from the specification, so that the two can disagree.


def lot(secret, external_id) -> float:
    return int.from_bytes(hmac.new(bytes(secret), external_id.encode(), hashlib.sha256).digest()[:7], "big") / 256**7


def is_slip(external_id, share=0.02) -> bool:
    """Whether the person who works this output gets it wrong, on purpose."""
    return int(hashlib.sha256(f"slip {external_id}".encode()).hexdigest(), 16) % 10_000 < share * 10_000


def answer_of_the_person(stream, output):
    """What whoever works this output says is right: the truth, or (a slip) another label."""
    right = stream.truth[output["external_id"]]["label"]
    if not is_slip(output["external_id"]):
        return right
    return next(label for label in stream.labels if label != right)
