"""What a promise to a customer sounds like, in English, German, French and Spanish; a house adds its own phrases."""

import re

PROMISES = {
    "guarantee": [
        *("we guarantee", "i guarantee", "guaranteed", "we promise", "i promise", "you have my word", "without fail"),
        *("100% certain", "we assure you", "we will definitely", "money back"),
        *("wir garantieren", "ich garantiere", "garantiert", "wir versprechen", "ich verspreche", "wir sichern ihnen zu"),
        *("auf jeden fall", "geld zurück"),
        *("nous garantissons", "je garantis", "garanti", "nous promettons", "je promets", "nous vous assurons", "sans faute"),
        *("garantizamos", "garantizo", "garantizado", "le prometemos", "prometo", "le aseguramos", "sin falta"),
    ],
    "waiver": [
        *("we waive", "waive the", "waived", "waiver", "free of charge", "at no cost", "no charge", "as a goodwill gesture"),
        *("we will not charge", "we won't charge", "as an exception"),
        *(
            "wir verzichten",
            "wir erlassen",
            "erlassen ihnen",
            "kostenlos",
            "kostenfrei",
            "auf kulanz",
            "aus kulanz",
            "ausnahmsweise",
        ),
        *("nous renonçons", "nous vous offrons", "sans frais", "gratuitement", "à titre gracieux", "geste commercial"),
        *("a titre exceptionnel",),
        *("renunciamos", "sin coste", "sin costo", "gratis", "sin cargo", "no le cobraremos", "como excepción"),
    ],
    "deadline": [
        *("by tomorrow", "by tonight", "by the end of the day", "by end of day", "by the end of the week", "no later than"),
        *("at the latest", "right away", "immediately"),
        *("bis morgen", "bis heute abend", "bis ende der woche", "spätestens", "umgehend", "sofort"),
        *("d'ici demain", "d'ici ce soir", "d'ici la fin de la semaine", "au plus tard", "immédiatement", "sans délai"),
        *("para mañana", "antes de mañana", "antes del fin de semana", "a más tardar", "inmediatamente", "de inmediato"),
    ],
}

_NUMBER = r"(?:\d{1,3}|an?|one|two|three|einem|einer|zwei|drei|une?|deux|trois|una?|dos|tres)"
_UNITS = (
    "minute minutes hour hours day days week weeks minuten stunde stunden tag tagen arbeitstagen werktagen woche wochen "
    "heure heures jour jours semaine semaines minuto minutos hora horas dia dias semana semanas"
)
_DAYS = (
    "monday tuesday wednesday thursday friday saturday sunday montag dienstag mittwoch donnerstag freitag samstag sonntag "
    "lundi mardi mercredi jeudi vendredi samedi dimanche lunes martes miercoles jueves viernes sabado domingo"
)
_MONTHS = (
    "january february march april may june july august september october november december "
    "januar februar marz mai juni juli oktober dezember "
    "janvier fevrier mars avril juin juillet aout septembre octobre novembre decembre "
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
)
TIMES = frozenset(f"{_UNITS} {_DAYS} {_MONTHS}".split())  # without one of these words a text has no deadline to look for
_SPAN = rf"(?:business |working )?(?:{_UNITS.replace(' ', '|')})"
_DAY = rf"(?:{_DAYS.replace(' ', '|')})"
_MONTH = rf"(?:{_MONTHS.replace(' ', '|')})"
_DATE = rf"(?:\d{{1,2}}(?:st|nd|rd|th|er|\.)? (?:of |de )?{_MONTH}|{_MONTH} (?:the )?\d{{1,2}}(?:st|nd|rd|th)?)"
# On folded text, every repetition bounded: linear whatever stands in the text.
DEADLINES = re.compile(
    rf"(?<!\w)(?:(?:within|in|innerhalb von|binnen|sous|dans les|d'ici|en|dentro de|en menos de) (?:the next )?{_NUMBER} {_SPAN}"
    rf"|(?:by|until|bis|d'ici|avant|antes del?|para el) (?:next |kommenden |zum |le |the )?(?:{_DAY}|{_DATE}))(?!\w)"
)
