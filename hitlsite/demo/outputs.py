"""What the demo's AI sends: outputs with a computed truth, so that its people know what is right."""

from datetime import timedelta

TICKETS = [
    ("Card swallowed", "The machine at the station kept my card.", "cards", "urgent"),
    ("Transfer missing", "I sent 80 euros on Monday and it has not arrived.", "transfers", "normal"),
    ("Change of address", "I moved last week, here is my new address.", "accounts", "low"),
    ("Card stolen", "My bag and card were stolen an hour ago!", "fraud", "urgent"),
    ("Opening hours", "When is the branch in Harbour Street open?", "general", "low"),
    ("Payment declined", "My card was declined although I have money.", "cards", "normal"),
    ("Wrong account", "I paid the wrong person, can you get it back?", "transfers", "urgent"),
    ("Statement please", "I need a statement for my landlord.", "accounts", "low"),
    ("Virtual card", "How do I get one of the new virtual cards?", "cards", "low"),
]
SUPPLIERS = ["Nordlicht GmbH", "Papier & Co", "Harbour Cleaning Ltd", "Telekabel AG", "Bright Signs Inc"]
FEES = [
    ("overdraft fee", 12.5),
    ("card replacement", 9.0),
    ("foreign transfer fee", 24.9),
    ("late payment fee", 240.0),
    ("double charge", 420.0),
]
NAMES = ["C-1042", "C-2210", "C-3377", "C-4105", "C-5821", "C-6004"]


def ticket(random, at, week):
    """A triage. In weeks 5 and 6 virtual cards are new to the AI: it sends them to the wrong queue, as sure as ever."""
    launched = week in (5, 6) and random.random() < 0.4
    subject, message, queue, urgency = TICKETS[-1] if launched else random.choice(TICKETS[: 8 if week < 5 else 9])
    wrong = random.random() < (0.8 if launched and week == 5 else 0.07)
    said = random.choice(["accounts", "general"]) if wrong else queue
    output = {"queue": said, "urgency": urgency, "summary": f"The customer writes about: {subject.lower()}."}
    confidence = round(min(0.99, max(0.3, random.gauss(0.9 if not wrong or launched else 0.68, 0.09))), 3)
    return {
        "input": {"subject": subject, "message": message, "channel": random.choice(["mail", "chat"])},
        "output": output,
        "confidence": confidence,
        "segment": random.choice(["retail", "business"]),
        "customer_reference": random.choice(NAMES),
        "model_version": "2026-03" if week < 6 else "2026-04",
    }, {**output, "queue": queue}


def invoice(random, at, week):
    supplier, amount = random.choice(SUPPLIERS), round(random.lognormvariate(5.6, 0.9), 2)
    number, date = f"{random.randint(2000, 9999)}-{random.randint(10, 99)}", (at - timedelta(days=random.randint(1, 9))).date()
    currency = random.choice(["EUR", "EUR", "EUR", "GBP"])
    truth = {"supplier": supplier, "invoice_number": number, "invoice_date": str(date), "amount": amount, "currency": currency}
    wrong = random.random() < 0.1
    output = {**truth, "amount": round(amount * 1.19, 2)} if wrong else truth
    text = (
        f"{supplier}\nInvoice {number} of {date}\nNet {amount / 1.19:.2f}\nTotal {amount:.2f} {currency}\nPayable in 14 days."
    )
    return {
        "input": {"text": text, "file": f"{number}.pdf"},
        "output": output,
        "action": {"type": "pay_invoice"},
        "confidence": round(min(0.99, max(0.35, random.gauss(0.74 if wrong else 0.92, 0.07))), 3),
        "segment": "suppliers",
        "customer_reference": supplier,
        "model_version": "ocr-7",
    }, truth


def refund(random, at, week):
    (fee, amount), customer = random.choice(FEES), random.choice(NAMES)
    owed = random.random() < 0.75
    wrong = random.random() < 0.12
    refunds = owed != wrong
    legal = " I will call my lawyer." if random.random() < 0.06 else ""
    truth = _refund(owed, fee, amount)
    output = _refund(refunds, fee, amount)
    return {
        "input": {"message": f"Please give me back the {fee} of {amount:.2f} EUR.{legal}", "account": customer},
        "context": {"customer_since": random.randint(2009, 2025), "refunds_this_year": random.randint(0, 3)},
        "output": output,
        **({"action": {"type": "refund", "currency": "EUR", "payee": customer}} if refunds else {}),
        "confidence": round(min(0.99, max(0.4, random.gauss(0.7 if wrong else 0.9, 0.08))), 3),
        "segment": "retail",
        "customer_reference": customer,
        "model_version": "2026-04",
    }, truth


def _refund(owed, fee, amount):
    if owed:
        reply = f"You are right about the {fee}: we refund {amount:.2f} EUR today."
        return {"decision": "refund", "amount": amount, "reason": "Owed under the fee policy.", "reply": reply}
    reply = f"We checked the {fee}. It was charged as agreed, so we cannot refund it. You can ask the ombudsman."
    return {"decision": "decline", "reason": "Not owed under the fee policy.", "reply": reply}


MAKERS = {"ticket-triage": ticket, "invoice-capture": invoice, "refunds": refund}
