"""What may be attached: by its name, its size and what is in it. Pure. Nothing is unpacked, drawn or run."""

import io
import re
import unicodedata
import zipfile
from pathlib import PurePosixPath

import filetype
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

OFFICE = "application/vnd.openxmlformats-officedocument"
ODF = "application/vnd.oasis.opendocument"
KINDS = {  # the end of a name → what the content must be
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "heic": "image/heic",
    "docx": f"{OFFICE}.wordprocessingml.document",
    "xlsx": f"{OFFICE}.spreadsheetml.sheet",
    "pptx": f"{OFFICE}.presentationml.presentation",
    "odt": f"{ODF}.text",
    "ods": f"{ODF}.spreadsheet",
    "txt": "text/plain",
    "csv": "text/plain",
    "log": "text/plain",
    "eml": "text/plain",
}
INSIDE = {"word/": KINDS["docx"], "xl/": KINDS["xlsx"], "ppt/": KINDS["pptx"]}
MACROS = re.compile(r"vbaproject|\.bin$|activex|^basic/|^scripts/", re.IGNORECASE)
MARKUP = re.compile(r"\s*(<\?xml|<!|<[a-z][a-z0-9:]*[\s>/])", re.IGNORECASE)
FORBIDDEN = '<>:"|?*'
LONGEST = 150
WANTED = ", ".join(sorted(KINDS))


def cleaned(name: str) -> str:
    """A name without path, control and direction characters, or what some system would take for more than a name."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    plain = "".join("_" if each in FORBIDDEN else each for each in last if unicodedata.category(each)[0] != "C")
    stem, dot, end = " ".join(plain.split()).strip(". ").rpartition(".")
    return f"{(stem or end)[: LONGEST - len(end) - 1]}{dot if stem else ''}{end if stem else ''}" or "file"


def kind_of(name: str, content: bytes) -> str:
    """What the file is by its content, where that is what its name says and something that may be attached. Raises ValidationError."""
    end = PurePosixPath(name).suffix.lower().removeprefix(".")
    if end not in KINDS:
        raise ValidationError({"file": _("A file of this type is not attached. These are: %(kinds)s.") % {"kinds": WANTED}})
    if not content:
        raise ValidationError({"file": _("The file is empty.")})
    if _found(content) != KINDS[end]:
        raise ValidationError({"file": _("Its content is not what its name says (%(end)s).") % {"end": end}})
    return KINDS[end]


def _found(content) -> str:
    if content.startswith(b"PK"):
        return _packed(content)
    found = filetype.guess(content[:8192])
    return found.mime if found else _text(content)


def _packed(content) -> str:
    """Of a packed document, by the names in its directory; with macros it is none."""
    try:
        names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return ""
    if any(MACROS.search(name) for name in names):
        raise ValidationError({"file": _("The document has macros or parts that run. Save it without them.")})
    if "[Content_Types].xml" in names:
        return next((kind for place, kind in INSIDE.items() if any(name.startswith(place) for name in names)), "")
    head = content[30:120]
    return next((kind for kind in (KINDS["odt"], KINDS["ods"]) if head.startswith(b"mimetype" + kind.encode())), "")


def _text(content) -> str:
    """Plain text: readable characters in UTF-8, and no markup that something might take for a page."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return ""
    readable = all(each in "\t\r\n\f" or unicodedata.category(each) != "Cc" for each in text)
    return "text/plain" if readable and not MARKUP.match(text) else ""
