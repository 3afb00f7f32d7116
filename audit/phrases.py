"""What was said when it happened is kept in English. Here it is read in the reader's language.

Why a case is where it is, why a side has it, what an alert says: sentences that were made by rules and kept with the facts. A phrase
below is the pattern by which one was made; the sentence is found by it, and told by its translation. What fits no phrase stays as it was kept.
"""

import re
from functools import cache, lru_cache

from django.conf import settings
from django.utils.translation import get_language, gettext, gettext_noop

from audit import terms

PHRASES = [
    # where a case went
    gettext_noop("Held for {desk}: {why}."),
    gettext_noop("Held and drawn for a sampled look (rate {rate}): {why}."),
    gettext_noop("Released and drawn for a sampled look (rate {rate}): {why}."),
    gettext_noop("Straight through: {why}."),
    # because of a rule
    gettext_noop("{tier} risk needs an approval: {why}"),
    gettext_noop("{tier} risk needs an approval"),
    gettext_noop("{tier} risk goes straight through"),
    gettext_noop("the workflow is stopped"),
    gettext_noop("{amount} is at or above {least}"),
    gettext_noop("the segment is “{segment}”"),
    gettext_noop("no usable confidence was given"),
    gettext_noop("no usable confidence in {field} was given"),
    gettext_noop("confidence in {field} {confidence} is below {threshold} ({tier} risk)"),
    gettext_noop("confidence {confidence} is below {threshold} ({tier} risk)"),
    gettext_noop("confidence {confidence} is at or above {threshold} ({tier} risk)"),
    gettext_noop("{where} breaks the schema ({fault})"),
    gettext_noop("the action's {name} is “{one}”, the output's “{other}”"),
    gettext_noop("the action is “{one}”, and the policy writes “{other}”"),
    gettext_noop("the segment is “{one}”, and the policy writes “{other}”"),
    # because of a trigger
    gettext_noop("the action is “{action}” of {amount}"),
    gettext_noop("the action is “{action}”"),
    gettext_noop("the action has an amount of {amount}"),
    gettext_noop("the action has an amount"),
    gettext_noop("the {who} “{reference}” is a protected account"),
    gettext_noop("the account is protected: {fact} is {value}"),
    gettext_noop("no confidence in {field} was given"),
    gettext_noop("no confidence was given"),
    gettext_noop("confidence in {field} {confidence} is below {threshold}"),
    gettext_noop("confidence {confidence} is below {threshold}"),
    gettext_noop("fewer than two alternatives were given"),
    gettext_noop("the best two alternatives ({best} and {second}) are closer than {margin}"),
    gettext_noop("there is an alternative ({best}), and no confidence of what is proposed"),
    gettext_noop("an alternative ({best}) is likelier than what is proposed ({own})"),
    gettext_noop("{fields} is missing"),
    gettext_noop("{fields} are missing"),
    gettext_noop("{left} ({one}) must {place} {right} ({other})"),
    gettext_noop("“{word}” is a risk word"),
    gettext_noop("{within} must say each required wording and lacks {wording}"),
    gettext_noop("{within} must say {wording}"),
    gettext_noop("“{phrase}” promises a customer something ({of})"),
    gettext_noop("“{phrase}” promises a deadline"),
    gettext_noop("a case with {what} came {ago} before ({case})"),
    gettext_noop("the customer wrote {times} within the {window} before"),
    gettext_noop("{field} is “{value}”"),
    gettext_noop("“{name}” holds"),
    gettext_noop("“{name}” misses {field}"),
    gettext_noop("“{name}” cannot be judged: {why}"),
    gettext_noop("it concerns a field that is not shown to you"),
    gettext_noop("It concerns a field that is not shown to you."),
    # why a side has it
    gettext_noop("{side}: every approval is the house's."),
    gettext_noop("{side}, which had this case before and is on shift."),
    gettext_noop("{side}: cases have waited here for {longest} minutes, and above {peak} it takes more than its share."),
    gettext_noop("{side}, the only side on shift with room."),
    gettext_noop("{side}, by lot: its share is {share} %."),
    gettext_noop("{side}: nobody with room is on shift, and it begins next, {begins}."),
    gettext_noop("{side}, beyond its capacity of {capacity}: nobody else can take it."),
    gettext_noop("{side}: nobody with a seat at this desk takes this language and kind of work."),
    gettext_noop("{side}: nobody holds a seat at this desk. Give one."),
    gettext_noop("{side}: it waited {waited} minutes elsewhere, and above {peak} {name} takes it over."),
    gettext_noop("{side}: whoever had it is not there before {returns}, and it is due by then."),
    gettext_noop("{side}: whoever had it has nobody at this desk any more."),
    gettext_noop("{side}: somebody handed it over, with a reason."),
    gettext_noop("{side}: whoever decided took it back."),
    gettext_noop("In-house: the mandate of {name} does not cover it any more."),
    # why a side was left out
    gettext_noop("never approves"),
    gettext_noop("nobody holds a seat at this desk"),
    gettext_noop("does not work in {language}"),
    gettext_noop("works in named languages, and the case names none"),
    gettext_noop("does not take this kind of work"),
    gettext_noop("at its capacity of {capacity}"),
    gettext_noop("off shift until {begins}"),
    gettext_noop("everybody away until {begins}"),
    # what an alert says, and why something is stuck
    gettext_noop("It is due on {day} at {time} UTC."),
    gettext_noop("It was due on {day} at {time} UTC."),
    gettext_noop(
        "It was due at {desk} on {day} at {time} UTC, and stays there, more urgent. {who} owns the exceptions of {workflow}."
    ),
    gettext_noop(
        "It was due at {desk} on {day} at {time} UTC, and stays there, more urgent. Nobody owns the exceptions of {workflow}."
    ),
    gettext_noop("The time to approve ran out on {day} at {time} UTC. Reject it, send it back, extend it or break the glass."),
    gettext_noop("The time to approve ran out on {day} at {time} UTC. The owner of risk decides."),
    gettext_noop("Nobody can approve it: nobody holds an approver's seat in {workflow}. Give one, or break the glass."),
    gettext_noop("It was decided and may not take effect: {promise}. Reopen it, so that somebody decides anew."),
    gettext_noop("{who} broke the glass on {day}, and nobody reviewed it in time. Ask another in-house person to."),
    gettext_noop("It has waited on {whom} since {day} at {time} UTC, planned until {until} at {time_2} UTC."),
    gettext_noop("It has waited on {whom} since {day} at {time} UTC, and nobody planned until when."),
    gettext_noop("It is assigned to {who}, who is away."),
    gettext_noop("{number} claims or more ran out at this desk without a decision."),
    gettext_noop("It was snoozed {number} times or more."),
    gettext_noop("Nobody on its side holds a seat at {desk}."),
    gettext_noop("Everybody at this desk passed it on, or is away."),
    gettext_noop("Everybody with a seat at {desk} on its side is away."),
    gettext_noop("Too few people can approve it."),
    gettext_noop("Too few can approve it. Of {approvers}: {whys}. Give a seat or a limit, delegate, or break the glass."),
    gettext_noop(
        "By {ends} UTC, when the shift ends, {late} more of the {waiting} at {desk} with {side} will be late: 1 person, {pace} decisions an hour."
    ),
    gettext_noop(
        "By {ends} UTC, when the shift ends, {late} more of the {waiting} at {desk} with {side} will be late: "
        "{people} people, {pace} decisions an hour."
    ),
    # what a job did
    gettext_noop("{counted} lines written."),
    gettext_noop("{counted} named."),
    gettext_noop("{counted} mails sent."),
    gettext_noop("{counted} cases replayed."),
    gettext_noop("{counted} cases gone through."),
    gettext_noop("{counted} noted."),
    # what became of a message
    gettext_noop("No answer: {why}"),
    gettext_noop("We refused: {why}"),
    gettext_noop("The name {host} does not resolve."),
    # why somebody may not
    gettext_noop("This case is not allocated to your side."),
    gettext_noop("You, or whoever you act for, approved this content already. Another person takes the next step."),
    gettext_noop("The account {who} is switched off."),
    gettext_noop("The machine may not {verb}."),
    gettext_noop("Only in-house people may {verb}."),
    gettext_noop("An integration may not {verb}."),
    gettext_noop("Only the integration that sent this case may do that."),
    gettext_noop("This integration holds no seat in the workflow any more."),
    gettext_noop("To {verb} here you need a seat as {role} in {workflow}."),
    gettext_noop("Only the owner of risk of {workflow} may {verb}."),
    gettext_noop("None of your seats in {workflow} lets you {verb}."),
    gettext_noop("You are marked absent until {until} ({zone}). Say that you are back first."),
    gettext_noop("You worked on this content yourself, so somebody else must {verb} it."),
    gettext_noop("You are the person behind the integration that sent this, so somebody else must {verb} it."),
    gettext_noop("Whoever delegated to you worked on this content, so somebody else must {verb} it."),
    gettext_noop("Your approval limit is {limit}; this is about {amount}."),
    gettext_noop("The limit of whoever delegated to you is {limit}; this is about {amount}."),
    gettext_noop("The next step, “{step}”, is for approvers with the title “{title}”."),
    gettext_noop("You worked on this content yourself, or stand behind its sender, so somebody else must review it."),
    gettext_noop("A broken glass is reviewed by an owner of {workflow}, a manager or an auditor."),
    gettext_noop("Only whoever decided may undo it."),
    gettext_noop("Only whoever sent it to approval may recall it."),
    gettext_noop("Only whoever approved what stands may take that approval back."),
    gettext_noop("The step “{step}” was given after yours. Send the case back if it must not stand."),
    gettext_noop("Nobody can {verb} at {desk}."),
    gettext_noop("The case is at {desk} now: it {event} at {time} UTC on {day}."),
    gettext_noop("The case is at {desk} now."),
    gettext_noop("The case is closed now: it {event} at {time} UTC on {day}."),
    gettext_noop("The case is closed now."),
    gettext_noop("{who} holds this case until {until}."),
    # what came of one among many
    gettext_noop("It is at {desk} now."),
    gettext_noop("It goes on at {state} on {until}."),
    gettext_noop("It is closed."),
    gettext_noop("It is not there for you any more."),
    gettext_noop("High risk is accepted one by one. Open it."),
    gettext_noop("It is marked on a scorecard, so it is accepted on its own page."),
    gettext_noop("Its content changed since you looked at it. Look again, then decide."),
]
WITHIN = {  # what stands within another only, by its name there: anywhere else these few words may be somebody's own
    "ago": [
        gettext_noop("{number} day"),
        gettext_noop("{number} days"),
        gettext_noop("{number} hour"),
        gettext_noop("{number} hours"),
        gettext_noop("{number} minute"),
        gettext_noop("{number} minutes"),
    ],
    "window": [gettext_noop("{number} days")],
    "times": [gettext_noop("{number} times")],
    "approvers": [gettext_noop("{number} approver"), gettext_noop("{number} approvers")],
    "whys": [
        gettext_noop("{number} away"),
        gettext_noop("{number} limited below {amount}"),
        gettext_noop("{number} worked on it or stand behind its sender"),
        gettext_noop("its chain asks for {number} person"),
        gettext_noop("its chain asks for {number} people"),
        gettext_noop("its chain asks for {number} person, among them with the title {titles}"),
        gettext_noop("its chain asks for {number} people, among them with the title {titles}"),
    ],
    "titles": [gettext_noop("{titles} and {title}")],
    "fault": [  # what a schema says of a value, as `jsonschema_rs` words it
        gettext_noop('{value} is not of type "{type}"'),
        gettext_noop("{value} is not of types {types}"),
        gettext_noop('{value} is not a "{type}"'),
        gettext_noop("{value} is not one of {values}"),
        gettext_noop("{value} was expected"),
        gettext_noop('"{name}" is a required property'),
        gettext_noop("Additional properties are not allowed ({names} was unexpected)"),
        gettext_noop("Additional properties are not allowed ({names} were unexpected)"),
        gettext_noop("{value} is less than the minimum of {least}"),
        gettext_noop("{value} is greater than the maximum of {most}"),
        gettext_noop("{value} is less than or equal to the minimum of {least}"),
        gettext_noop("{value} is greater than or equal to the maximum of {most}"),
        gettext_noop("{value} is not a multiple of {step}"),
        gettext_noop("{value} is shorter than {number} character"),
        gettext_noop("{value} is shorter than {number} characters"),
        gettext_noop("{value} is longer than {number} character"),
        gettext_noop("{value} is longer than {number} characters"),
        gettext_noop('{value} does not match "{pattern}"'),
        gettext_noop("{value} has less than {number} item"),
        gettext_noop("{value} has less than {number} items"),
        gettext_noop("{value} has more than {number} item"),
        gettext_noop("{value} has more than {number} items"),
        gettext_noop("{value} has non-unique elements"),
        gettext_noop("{value} is not valid under any of the schemas listed in the 'anyOf' keyword"),
        gettext_noop("{value} is not valid under any of the schemas listed in the 'oneOf' keyword"),
    ],
}
LISTED = {"whys": "; "}  # several of them
ANYTHING = re.compile(r"\{(?!tier|desk)")  # a risk and a desk are one word
SHAPES = {
    "tier": r"\w+",
    "desk": r"\w+",
    "number": r"\d+",
    "counted": r"[\d,]+",
    "place": r"equal|differ from|be at most|be at least|be before|be after",  # as `comparing.KEEPS` has them
}
NAMED = re.compile(r"\\\{(\w+)\\\}")


def retold(text, within="") -> str:
    """A kept sentence in the reader's language. `within`: the name by which it would stand in another one."""
    language = get_language() or settings.LANGUAGE_CODE
    return str(text) if language == settings.LANGUAGE_CODE else _retold(str(text), language, within)


@lru_cache(maxsize=4096)
def _retold(text: str, language: str, within: str = "") -> str:
    """`within`: the name by which it stands in another sentence."""
    if word := terms.known(text):
        return word
    if (comma := LISTED.get(within)) and comma in text:
        return comma.join(_retold(each, language, within) for each in text.split(comma))
    for phrase, pattern in _patterns(within if within in WITHIN else ""):
        if found := pattern.fullmatch(text):
            values = {name: _retold(value, language, name) for name, value in found.groupdict().items()}
            return gettext(phrase).format(**values)
    return text


@cache
def _patterns(within: str) -> list[tuple[str, re.Pattern]]:
    """What begins with words of its own is tried first, for a value at the beginning fits whatever stands there; then what says most."""
    fullest = sorted(
        WITHIN.get(within, PHRASES), key=lambda phrase: (bool(ANYTHING.match(phrase)), -len(re.sub(r"\{\w+\}", "", phrase)))
    )
    return [(phrase, re.compile(NAMED.sub(_value, re.escape(phrase)), re.DOTALL)) for phrase in fullest]


def _value(found) -> str:
    """One word, a number, one of a few, or whatever stands between the phrase's own words."""
    return rf"(?P<{found[1]}>{SHAPES.get(found[1], '.+?')})"
