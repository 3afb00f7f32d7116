"""What the demo's AI sends: outputs with a computed truth, so that its people know what is right.

Where the AI is wrong it is less sure, its alternatives are closer and its fields say so: triggers and corrections go together.
"""

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
    ("Kontoauszug", "Ich brauche einen Kontoauszug für meinen Vermieter.", "accounts", "low"),
    ("Standing order", "Please end my standing order to the gym.", "transfers", "normal"),
    ("Virtual card", "How do I get one of the new virtual cards?", "cards", "low"),
]
SUPPLIERS = {  # segment → who
    "trade": ["Nordlicht GmbH", "Papier & Co", "Bright Signs Inc", "Hafenbedarf KG", "Kontor Möbel GmbH"],
    "utilities": ["Telekabel AG", "Stadtwerke Nord", "Harbour Cleaning Ltd"],
    "agencies": ["Blue Door Studio", "Text & Ton"],
}
FEES = [("overdraft fee", 9, 19), ("card replacement", 9, 12), ("foreign transfer fee", 15, 60), ("late payment fee", 40, 180)]
FEES += [("double charge", 60, 420)]
FEES_IN_GERMAN = {
    "overdraft fee": "Überziehungsgebühr",
    "card replacement": "Gebühr für die Ersatzkarte",
    "foreign transfer fee": "Gebühr für die Auslandsüberweisung",
    "late payment fee": "Mahngebühr",
    "double charge": "doppelte Abbuchung",
}
LEGAL = {"en": " Otherwise my lawyer will write to you.", "de": " Sonst schreibt Ihnen mein Anwalt."}
CUSTOMERS = [f"C-{1000 + 37 * number}" for number in range(80)]
PROTECTED = {**dict.fromkeys(CUSTOMERS[5::27], "vip"), CUSTOMERS[40]: "legal hold"}


def ticket(random, at, week):
    """A triage. In weeks 5 and 6 virtual cards are new to the AI: it sends them to the wrong queue, as sure as ever."""
    launched = week in (5, 6) and random.random() < 0.4
    subject, message, queue, urgency = TICKETS[-1] if launched else random.choice(TICKETS[: 10 if week < 5 else 11])
    segment = random.choice(["retail", "retail", "business"])
    wrong = random.random() < (0.8 if launched and week == 5 else 0.05 if segment == "retail" else 0.14)
    truth = {"queue": queue, "urgency": urgency, "summary": f"The customer writes about: {subject.lower()}."}
    output = {**truth, "queue": random.choice(["accounts", "general"])} if wrong else truth
    if random.random() < (0.2 if wrong else 0.03):
        output = {**output, "summary": f"{subject}."}
    return {
        "input": {"subject": subject, "message": message, "language": "de" if subject == "Kontoauszug" else "en"},
        "channel": random.choice(["mail", "chat"]),
        "output": output,
        "confidence": _confidence(random, 0.9 if not wrong or launched else 0.62, 0.09),
        "segment": segment,
        "customer_reference": random.choice(CUSTOMERS),
        "model_version": "2026-03" if week < 6 else "2026-04",
    }, truth


def invoice(random, at, week):
    """A reading. Where it is wrong it has the tax twice; of what was ordered, the order's total says so."""
    segment = random.choice(["trade", "trade", "utilities", "agencies"])
    supplier, amount = random.choice(SUPPLIERS[segment]), round(random.lognormvariate(5.6, 0.9), 2)
    number, date = f"{random.randint(2000, 9999)}-{random.randint(10, 99)}", (at - timedelta(days=random.randint(1, 9))).date()
    currency = random.choice(["EUR", "EUR", "EUR", "GBP"])
    truth = {"supplier": supplier, "invoice_number": number, "invoice_date": str(date), "amount": amount, "currency": currency}
    wrong = random.random() < 0.1
    output = {**truth, "amount": round(amount * 1.19, 2)} if wrong else truth
    text = (
        f"{supplier}\nInvoice {number} of {date}\nNet {amount / 1.19:.2f}\nTotal {amount:.2f} {currency}\nPayable in 14 days."
    )
    ordered = segment == "trade" or (segment == "utilities" and random.random() < 0.6)
    return {
        "input": {"text": text, "file": f"{number}.pdf"},
        "context": {
            "supplier": {"number": _number(supplier)} if random.random() > 0.04 else {},
            **({"order": {"number": f"PO-{number}", "total": amount}} if ordered else {}),
        },
        "output": output,
        "action": {"type": "pay_invoice"},
        "confidence": _confidence(random, 0.86 if wrong else 0.93, 0.06),
        "confidences": {
            "amount": _confidence(random, 0.78 if wrong else 0.95, 0.05),
            "supplier": _confidence(random, 0.97, 0.02),
        },
        "segment": segment,
        "customer_reference": supplier,
        "model_version": "ocr-7",
    }, truth


def _number(supplier):
    names = [name for names in SUPPLIERS.values() for name in names]
    return f"S-{100 + names.index(supplier)}"


def refund(random, at, week):
    """A refund or a refusal. Where it is wrong, it decides the other way, gets the amount wrong, or promises too much."""
    fee, least, most = random.choice(FEES)
    customer, language = random.choice(CUSTOMERS), random.choice(["en", "en", "en", "de"])
    amount, charged_on = round(random.uniform(least, most), 2), at.date() - timedelta(days=random.randint(2, 40))
    owed, wrong = random.random() < 0.75, random.random() < 0.14
    truth = _refund(owed, fee, amount)
    output = _wrong(random, owed, fee, amount) if wrong else truth
    confidence = _confidence(random, 0.72 if wrong else 0.93, 0.08)
    other = "decline" if output["decision"] == "refund" else "refund"
    action = {"action": {"type": "refund", "currency": "EUR", "payee": customer}} if output["decision"] == "refund" else {}
    return {
        "input": {
            "message": _message(language, fee, amount, charged_on) + (LEGAL[language] if random.random() < 0.06 else ""),
            "account": customer,
            "language": language,
        },
        "context": {
            "account_status": PROTECTED.get(customer, "standard"),
            "customer_since": random.randint(2009, 2025),
            "fee": {"name": fee, "charged": amount, "on": str(charged_on)},
        },
        "output": output,
        **action,
        "confidence": confidence,
        "confidences": {"amount": _confidence(random, 0.7 if wrong else 0.93, 0.09)},
        "alternatives": [{"decision": other, "confidence": _second(random, confidence, wrong)}],
        "segment": "retail",
        "customer_reference": customer,
        "model_version": "2026-04",
    }, truth


def _message(language, fee, amount, charged_on):
    if language == "de":
        what = f"{FEES_IN_GERMAN[fee]} vom {charged_on:%d.%m.%Y}, {amount:.2f} EUR"
        return f"Bitte erstatten Sie mir: {what}."
    return f"Please give me back the {fee} of {charged_on:%-d %B}, {amount:.2f} EUR."


def _wrong(random, owed, fee, amount):
    how = random.random()
    if owed and how < 0.3:
        return _refund(True, fee, round(amount * 1.5, 2))
    if how < 0.55:
        output = _refund(owed, fee, amount)
        return {**output, "reply": output["reply"] + " We promise to answer you within 2 days."}
    return _refund(not owed, fee, amount)


def _refund(owed, fee, amount):
    if owed:
        reply = f"You are right about the {fee}: we refund {amount:.2f} EUR today."
        return {"decision": "refund", "amount": amount, "reason": "Owed under the fee policy.", "reply": reply}
    reply = f"We checked the {fee}. It was charged as agreed, so we cannot refund it. You can ask the ombudsman."
    return {"decision": "decline", "reason": "Not owed under the fee policy.", "reply": reply}


def _confidence(random, around, spread):
    return round(min(0.99, max(0.3, random.gauss(around, spread))), 3)


def _second(random, confidence, wrong):
    """How likely the other answer was: close to the one given where the AI was in two minds."""
    close = random.random() < (0.3 if wrong else 0.02)
    return round(confidence - 0.1 if close else min(1 - confidence, confidence - 0.2), 3)


def large_invoice(at):
    """One beyond everybody's limit."""
    truth = {
        "supplier": "Kontor Möbel GmbH",
        "invoice_number": "7741-09",
        "invoice_date": str(at.date()),
        "amount": 31400.0,
        "currency": "EUR",
    }
    return {
        "input": {"text": "Kontor Möbel GmbH\nInvoice 7741-09\nTotal 31400.00 EUR", "file": "7741-09.pdf"},
        "context": {"supplier": {"number": _number("Kontor Möbel GmbH")}, "order": {"number": "PO-7741", "total": 31400.0}},
        "output": truth,
        "action": {"type": "pay_invoice"},
        "confidence": 0.97,
        "confidences": {"amount": 0.98, "supplier": 0.99},
        "segment": "trade",
        "customer_reference": "Kontor Möbel GmbH",
        "model_version": "ocr-7",
    }, truth


def certain_refund(at, customer, amount):
    """A double charge that is owed beyond doubt."""
    truth = _refund(True, "double charge", amount)
    return {
        "input": {"message": f"You charged me {amount:.2f} EUR twice.", "account": customer, "language": "en"},
        "context": {"account_status": "standard", "fee": {"name": "double charge", "charged": amount, "on": str(at.date())}},
        "output": truth,
        "action": {"type": "refund", "currency": "EUR", "payee": customer},
        "confidence": 0.98,
        "confidences": {"amount": 0.99},
        "alternatives": [{"decision": "decline", "confidence": 0.02}],
        "segment": "retail",
        "customer_reference": customer,
        "model_version": "2026-04",
    }, truth


MAKERS = {"ticket-triage": ticket, "invoice-capture": invoice, "refunds": refund}
