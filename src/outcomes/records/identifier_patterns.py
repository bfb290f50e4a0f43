"""How identifiers are written: the patterns behind the kinds of `identifier_kinds`.

Every pattern runs in time that grows with the length of the text: repeats are bounded, possessive, or cannot share a
character with what follows. ``*_INSIDE`` finds one within a cell, the same name without it a whole cell.
"""

from __future__ import annotations

import re

NEVER = re.compile(r"(?!)")
HAS_LETTERS = re.compile(r"^[^\d@]*[^\W\d_]{2}[^\d@]*$")
HAS_DIGITS = re.compile(r"^\D*\d(?:\D*\d){3}")
THREE_DIGITS = re.compile(r"^\D*\d(?:\D*\d){2}")
CODE = re.compile(r"^(?=\D{0,40}\d)\w[\w ./-]{2,39}$")
CODE_OF_FIVE = re.compile(r"^(?=\D{0,40}\d(?:\D{0,40}\d){2})\w[\w ./-]{4,39}$")
NO_MEASURE = re.compile(
    r"^(?!-?\d{1,3}(?:[.,]\d{1,2})?(?: ?[cm]?m)?$)\S"
)  # how far fingers are from the floor is no print
MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
DATE_SHAPE = re.compile(
    rf"^\s*(?:\d{{1,2}}[./-]\d{{1,2}}[./-]\d{{2,4}}|\d{{4}}[./-]\d{{1,2}}[./-]\d{{1,2}}|(?:19|20)\d{{6}}"
    rf"|\d{{1,2}}(?:\. ?|[ -]){MONTH}[ -]\d{{2,4}}"
    rf"|{MONTH} \d{{1,2}},? \d{{4}})(?:[T ]\d{{1,2}}:?\d{{2}}\S{{0,16}}(?: ?[ap]m)?)?\s*$",
    re.IGNORECASE,
)
"""A whole cell that is a date, with or without a time."""

_STREET_WORDS = (
    "street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|place|pl|square|sq|terrace|ter|way|"
    "highway|hwy|parkway|pkwy|circle|cir|trail|trl|close|crescent|cres"
)
_STREET_FIRST = (
    r"c/|carrer|avda\.?|paseo|plaza|ronda|camino|viale|vicolo|piazza|rua|estrada|travessa|beco|praça|ulica|ul\."
)
_STREET_NAME = r"(?:\d{1,3}(?:st|nd|rd|th)|[a-z][a-z'-]{1,20})"
STREET = re.compile(
    rf"(?<!\w)\d{{1,5}}[a-z]?,? (?:[nsew]\.? )?(?:{_STREET_NAME} ){{1,3}}(?:{_STREET_WORDS})\b\.?"
    r"|(?<![a-zäöüß-])(?!(?:behandlungs|therapie|liege|arbeits|park|sitz|trainings|übungs)platz)"
    r"[a-zäöüß-]{2,25}(?:strasse|straße|str\.|gasse|weg|platz|allee) ?\d{1,4}[a-z]?\b"
    r"|\b(?:rue|via|calle|avenida|route) (?:d[eu] |des )?[a-zà-ü'-]{3,20}[ ,]{1,2}\d{1,4}\b"
    r"|\b\d{1,4},? (?:rue|quai|allée|impasse|chemin|sentier|boulevard|bd) (?:d[eu] |des |la )*+[a-zà-ü'-]{3,20}"
    rf"|\b(?:{_STREET_FIRST}) (?:d[eiao]s? |del |della )?[^\W\d_]{{3,20}},? {{1,2}}\d{{1,4}}\b"
    r"|(?<![^\W\d_])[^\W\d_]{3,25}(?:straat|laan|gracht|plein|kade|gatan|vägen|vejen|veien|katu),? \d{1,4}[a-z]?\b"
    r"|\bp\.?o\.? ?box \d{1,6}\b"
    r"|(?<![\w-])\d{5}-\d{4}(?![\w-])",
    re.IGNORECASE,
)
TOWN = re.compile(r"\b[A-Z][a-z]{2,20},? [A-Z]{2},? \d{5}\b")
EMAIL = re.compile(
    r"(?<![\w.+%-])[\w.+%-]{1,64}+(?:\s?@\s?|\s?\(at\)\s?|\s?\[at\]\s?)"
    # The last part is of letters: "3x10@22.5kg" and "2 x 10 @ 20.5" are loads of an exercise.
    r"(?:[\w-]{1,63}+(?:\.| ?[(\[]dot[)\]] ?)){1,6}[^\W\d_]{2,24}(?![\w-])"
)
_TEN_DIGITS = r"(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}"
_ABROAD = r"(?:\+|\b00)[1-9]\d{0,2}(?:[ ./-]\d{8,10}|(?:[ ./-]{1,2}(?:\(0\) ?)?\(?\d{1,8}\)?){2,6})"
# As it is dialled within a country: by town (0211 / 55 92 74, 044 668 18 77, 089-12345678), in pairs with one mark
# (06 12 34 56 78), a Dutch mobile (06-12345678), a Spanish, Portuguese or Polish number (612 345 678, 91 555 12 34).
# Nine digits at least, which a date has not.
_AT_HOME = (
    r"(?=(?:\(?\d\)?[ /.-]{0,3}){9})(?:"
    r"\(?0[1-9]\d{1,3}\)?(?:(?: ?/ ?| {1,2})(?:\d{5,8}|\d{2,4}(?: \d{2,4}){1,3})|-(?:\d{7,8}|\d\d(?: \d\d){2,3}))"
    r"|0[1-9](?:(?: \d\d){4}|(?:\.\d\d){4}|(?:-\d\d){4})|06[ -](?:\d{8}|\d{4} \d{4})"
    r"|0\d{1,2}-(?:\d{4}-\d{4}|\d{3} \d\d \d\d)"  # Japan and Korea, Sweden
    r"|[5-9]\d\d \d{3} \d{3}|9\d \d{3} \d\d \d\d|[6-9]\d\d \d\d \d\d \d\d)"
)
_FULL = rf"(?:\+?1[-. ])?{_TEN_DIGITS}|{_ABROAD}|{_AT_HOME}|(?:\+|\b00)[1-9]\d{{8,13}}|\+[1-9]\d{{0,2}} \d{{7,11}}"
PHONE = re.compile(rf"(?<![\w.-])(?:{_FULL})(?![\w-]|\.\d)")
PHONE_INSIDE = re.compile(
    rf"(?<![\w.-])(?:{_FULL}|\d{{3}}-\d{{4}})(?![\w-]|\.\d)"
    r"|\b(?:tel|phone|ph|call|cell|mobile|text|handy|tlf|tfno|m[óo]vil|tel[ée]fono|tél|cellulare|telefon)\b"
    r"\.?:? ?(?:no\.? ?|# ?)?\+?\d[\d .()-]{5,17}\d",
    re.IGNORECASE,
)
FAX = re.compile(r"\b(?:tele)?fax\b\.?:? ?(?:no\.? ?|# ?)?\+?\(?\d[\d .()-]{5,17}\d", re.IGNORECASE)
_NATIONAL = (
    r"(?P<korean>\d{6}-[1-8]\d{6})|(?P<danish>\d{6}-\d{4})|(?P<czech>\d{6}/\d{3,4})|(?P<swedish>(?:19|20)\d{6}[-+]\d{4})"
    r"|(?P<finnish>\d{6}[-+A-F]\d{3}[0-9A-FHJ-NPR-Y])|(?P<chinese>[1-8]\d{5}(?:19|20)\d{2}[01]\d[0-3]\d{4}[\dXx])"
    r"|(?P<belgian>\d\d\.\d\d\.\d\d-\d{3}\.\d\d)|(?P<brazilian>\d{3}\.\d{3}\.\d{3}-\d\d)"
    r"|(?P<spanish>\d{8}-?[A-HJ-NP-TV-Z])|(?P<french>[12] \d\d \d\d \d\d \d{3} \d{3} \d\d)"
    r"|(?P<italian>[A-Z]{6}\d\d[ABCDEHLMPRST]\d\d[A-Z]\d{3}[A-Z])"
    r"|(?P<british>[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D])"
    r"|(?P<russian>\d{3}-\d{3}-\d{3} \d\d)|(?P<bare>\d{15}|\d{13}|\d{11})"
)
NATIONAL = re.compile(_NATIONAL)
"""Numbers that states give to people, by country; whether one is sound is for `identifier_checks` to say."""

_UNNAMED = re.sub(r"\?P<\w+>", "?:", _NATIONAL)
_SSN = r"(?<![\w.-])\d{3}(?:-\d{2}-|\u2013\d{2}\u2013| \d{2} )\d{4}(?![\w-])|\b756\.\d{4}\.\d{4}\.\d{2}\b"
_MASKED_SSN = r"[*xX]{3}-[*xX]{2}-\d{4}(?![\w-])"
SSN = re.compile(rf"{_SSN}|{_MASKED_SSN}|(?<![\w./-])(?:{_UNNAMED})(?![\w-]|[./]\d)")
SSN_INSIDE = re.compile(
    SSN.pattern
    + r"|(?i:\b(?:ssn?|soc(?:ial)? sec(?:urity)?|social insurance)\b\.?:? ?(?:no\.? ?|# ?)?(?:x{3}|\*{3}|\d{3})?[- ]?"
    r"(?:x{2}|\*{2}|\d{2})?[- ]?\d{4}\b)"
    r"|(?i:\b(?:dni|nie|nif|pesel)\b\.?:? ?(?:n[oº]\.? ?|# ?)?[xyz]?-?\d{7,11}-?[a-z]?\b)"
)
_NUMBER = (
    r"\.?(?:[ -]?(?:no|nr|n|num|number|id|#)\b[.°º]{0,2}| ?#)?[:#= ]{0,3}[a-z]{0,4}-?"
    r"(?:\d[\d-]{3,17}|\d\d(?:\d\d)?/\d{5,8})"
)
RECORD_INSIDE = re.compile(
    rf"\b(?:mrn|m\.r\.n|med(?:ical)? rec(?:ord)?|chart|hosp(?:ital)?|patient file|pat(?:ienten)?[. -]{{0,3}}nr"
    rf"|patientennummer|patient|dossier|fall-?(?:nr|nummer)|akten?-?(?:nr|nummer|zeichen)?){_NUMBER}",
    re.IGNORECASE,
)
INSURANCE_INSIDE = re.compile(
    rf"\b(?:policy|pol|member|mbr|subscriber|beneficiary|insurance|vers(?:icherungs)?|medicaid|medicare id|mbi|hicn"
    rf"|claim|kv-?nr|versicherten-?(?:nr|nummer)|mitglieds-?(?:nr|nummer)){_NUMBER}"
    r"|\b[1-9][A-HJKMNP-RT-Y][A-HJKMNP-RT-Y0-9]\d-?[A-HJKMNP-RT-Y][A-HJKMNP-RT-Y0-9]\d-?[A-HJKMNP-RT-Y]{2}\d{2}\b",
    re.IGNORECASE,
)
MBI = re.compile(
    r"[1-9][A-HJKMNP-RT-Y][A-HJKMNP-RT-Y0-9]\d-?[A-HJKMNP-RT-Y][A-HJKMNP-RT-Y0-9]\d-?[A-HJKMNP-RT-Y]{2}\d{2}"
)
_IBAN = r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?"
_CARD = (
    r"(?:(?:4\d{3}|5[1-5]\d{2}|6011)[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}|3[47]\d{2}[ -]?\d{6}[ -]?\d{5}"
    r"|62\d\d[ -]?(?:\d{4}[ -]?){3}\d{3})"
)
ACCOUNT = re.compile(rf"{_IBAN}|{_CARD}")
ACCOUNT_INSIDE = re.compile(
    rf"\b(?:(?i:acct|account|a/c|card|iban|kto|konto))(?i:{_NUMBER})|(?<![\w-])(?:{_IBAN}|{_CARD})(?![\w-])"
)
LICENCE_INSIDE = re.compile(
    r"(?<![\w-])(?:dln?|driver'?s? lic(?:en[sc]e)?|lic(?:en[sc]e)?|passport|pass|(?:personal)?ausweis|npi|dea"
    r"|cert(?:ificate)?)"
    r"\.?(?:[ -]?(?:no|nr|num|number|id|#)\b\.?| ?#)?[:#= ]{0,3}[a-z]{0,4}[- ]?\d[\d-]{3,17}",
    re.IGNORECASE,
)
VIN = re.compile(r"(?=[A-Z]{0,16}\d)(?=\d{0,16}[A-Z])[A-HJ-NPR-Z0-9]{13}\d{4}")
VEHICLE_INSIDE = re.compile(
    r"\b(?:vin|(?:license |licence |number )?plate|kennzeichen|reg(?:istration)? plate)\.?"
    r"(?: ?(?:no|#)\b\.?)?[:#= ]{0,3}"
    r"(?=[a-z -]{0,9}\d)[a-z0-9][a-z0-9 -]{3,16}\b"
    r"|(?<!\w)(?=[A-Z]{0,16}\d)(?=\d{0,16}[A-Z])[A-HJ-NPR-Z0-9]{13}\d{4}(?!\w)",
    re.IGNORECASE,
)
_MAC = r"(?:(?:[0-9A-F]{2}[:-]){5}[0-9A-F]{2}|(?=[0-9.]{0,13}[A-F])[0-9A-F]{4}(?:\.[0-9A-F]{4}){2})"
_UDI = r"\(01\)\d{14}(?:\(\d{2}\)[\w-]{1,20}){0,4}"
DEVICE = re.compile(rf"{_MAC}|{_UDI}", re.IGNORECASE)
DEVICE_INSIDE = re.compile(
    rf"(?<![\w:-])(?:{_MAC}|{_UDI})(?![\w:-])"
    r"|\b(?:serial|serien|s/n|imei|udi|device id|implant)\.?(?:[ -]?(?:no|nr|number|id|#)\b\.?| ?#)?[:#= ]{0,3}"
    r"(?=[a-z -]{0,9}\d)[a-z0-9][a-z0-9-]{3,24}\b",
    re.IGNORECASE,
)
URL = re.compile(
    r"\b(?:https?|ftp)://[^\s;,<>\"']{3,2000}+|\bwww\.[\w-]{1,63}\.[a-z]{2,24}[^\s;,<>\"']{0,2000}+"
    r"|(?<![\w.@-])[a-z][\w-]{2,40}\.(?:com|org|net|info|de|fr|ch|at|it|es|nl|be|pt|pl|eu|uk)/[\w./@-]{2,200}+"
    r"|\b(?:facebook|linkedin|instagram|twitter|tiktok|youtube|vk)\.com/[\w./@-]{1,200}+",
    re.IGNORECASE,
)
OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IP4 = rf"(?<![\w.]){OCTET}(?:\.{OCTET}){{3}}(?![\w]|\.\d)"
_IP6 = r"(?<![\w:.])(?:(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6}|::1)(?![\w:])"
IP = re.compile(rf"{_IP4}|{_IP6}", re.IGNORECASE)
BIOMETRIC = re.compile(
    r"\b(?:finger ?print|retina(?:l)? scan|iris (?:scan|code)|voice ?print|palm ?print|face (?:template|id)"
    r"|dna sample)\b"
    r"[:#= ]{0,3}[\w./+=-]{0,200}+",
    re.IGNORECASE,
)
PHOTO = re.compile(
    r"(?<![\w./\\:-])[\w./\\:-]{1,200}+(?<=\.jpg|\.png|\.gif|\.bmp|\.tif|\.dcm|\.wsq|\.mp4|\.mov|\.avi)(?!\w)"
    r"|(?<![\w./\\:-])[\w./\\:-]{1,200}+(?<=\.jpeg|\.heic|\.heif|\.tiff|\.webp)(?!\w)|\bdata:image/[a-z]{2,5}\b",
    re.IGNORECASE,
)
PICTURE = re.compile(r"\.[A-Za-z]\w{1,4}\s*$|[/\\].*[/\\]|^\S{40}")
_DIGEST = r"(?:[0-9a-f]{128}|[0-9a-f]{96}|[0-9a-f]{64}|[0-9a-f]{56}|[0-9a-f]{40}|[0-9a-f]{32})"
DERIVED = re.compile(
    rf"(?:0x)?{_DIGEST}|\$2[aby]\$\d\d\$[./A-Za-z0-9]{{53}}"
    r"|[A-Za-z0-9+/]{43}=|[A-Za-z0-9_-]{43}=?|[A-Za-z0-9+/]{27}=",
    re.IGNORECASE,
)
DERIVED_INSIDE = re.compile(rf"(?<![0-9a-z])(?:0x)?{_DIGEST}(?![0-9a-z])", re.IGNORECASE)
_ANY_MONTH = (
    r"(?:jan|feb|fév|mar|mär|apr|avr|abr|may|mai|mag|maj|jun|juin|giu|jul|juil|lug|aug|août|ago|sep|set|oct|okt|ott|out"
    r"|nov|dec|dez|déc|dic|ene|gen)[a-zäéûçñ]{0,7}"
)
BIRTH_INSIDE = re.compile(
    r"\b(?:dob|d\.o\.b|born|birth ?date|birthday|date of birth|geb(?:oren)?|née?|nat[oa]|nacid[oa]|nascid[oa]|ur|født"
    r"|född)\b\.?(?: on| am| le| il| el)?[:= ]{0,3}"
    rf"(?:\d{{1,4}}[./-]\d{{1,2}}[./-]\d{{1,4}}|(?:19|20)\d{{6}}|\d{{1,2}}(?:\. ?|[ -]){_ANY_MONTH}[ -]\d{{2,4}}"
    rf"|{_ANY_MONTH} \d{{1,2}},? \d{{4}})",
    re.IGNORECASE,
)
VERY_OLD = re.compile(
    r"(?<![\d.])(?:9\d|1[01]\d)[ -]?(?:y/?o|yrs?|years?[ -]?old|year[ -]old|jährig|jahre? alt|ans)\b"
    r"|\bage[d]?[:= ]{1,3}(?:9\d|1[01]\d)(?![\d.])",
    re.IGNORECASE,
)
OLD_NUMBER = re.compile(r"(?:9\d|1[01]\d)(?:\.0)?")

SEVEN_DIGITS = re.compile(r"\d\D{0,3}(?:\d\D{0,3}){5}\d")
PLACE = re.compile(r"[^\W\d_]{2}|^\d{4,6}$|^\d{2,5}[ -]\d{2,4}$|^[A-Z]{1,2}\d{1,2}[A-Z]?|^-?\d{1,3}\.\d{3}")
_POINT = r"-?\d{1,2}\.\d{4,15}[,;] ?-?\d{1,3}\.\d{4,15}"
ADDRESS = re.compile(rf"{_POINT}|(?:{STREET.pattern})(?:,? .{{0,60}})?|{TOWN.pattern}", re.IGNORECASE)
ADDRESS_INSIDE = re.compile(rf"{STREET.pattern}|{TOWN.pattern}", re.IGNORECASE)
DIGEST_LIKE = re.compile(r"[0-9a-f]{28}|^[\w+/-]{27,44}=?$", re.IGNORECASE)

SMALL_ZIP3 = frozenset(
    [
        "036",
        "059",
        "063",
        "102",
        "202",
        "203",
        "204",
        "205",
        "369",
        "556",
        "692",
        "753",
        "772",
        "790",
        "821",
        "823",
        "830",
        "831",
        "878",
        "879",
        "884",
        "890",
        "893",
    ]
)
"""First three digits of ZIP codes where 20,000 people or fewer live: those of Census 2000 in the guidance of HHS of 26
November 2012, and those of Census 2010. The union is kept: an area that has grown since is still held back."""

SMALL_AREA = re.compile(rf"(?:{'|'.join(sorted(SMALL_ZIP3))})(?:xx|\*\*|00)?")


_LABELS = (
    "nat[oa]|nacid[oa]|nascid[oa]|ur|født|född|dossier|vers|versicherungs|kto|konto|pass|ausweis|personalausweis|serien|"
    "dob|d\\.o\\.b|born|birth|geb|geboren|née?|ssn?|social|soc|tel|phone|ph|call|cell|mobile|text|handy|(?:tele)?fax|"
    "tlf|tfno|m[óo]vil|tel[ée]fono|tél|cellulare|telefon|dni|nie|nif|pesel|"
    "pat|patienten|patientennummer|fall|fallnr|fallnummer|akten?|aktennr|aktennummer|aktenzeichen|kv|kvnr|versicherten|"
    "versichertennr|versichertennummer|mitglieds|mitgliedsnr|mitgliedsnummer|"
    "mrn|m\\.r\\.n|med|medical|chart|hosp|hospital|patient|policy|pol|member|mbr|subscriber|beneficiary|insurance|"
    "medicaid|medicare|mbi|hicn|claim|acct|account|a/c|card|iban|dln?|driver|drivers|lic|licen[sc]e|passport|npi|dea|"
    "cert|certificate|vin|plate|kennzeichen|reg|serial|s/n|imei|udi|device|implant|finger|fingerprint|retinal?|iris|"
    "voice|voiceprint|palm|palmprint|face|dna|aged?|rue|via|calle|avenida|route"
)
TRIGGER = (
    r"@|\(at\)|\[at\]|://|(?i:www\.)|(?i:\.com/)|\+\d|\d[-. )] ?\d\d\d?[-. ]\d{4}|\d{3}-\d{4}|\b00[1-9]|\d{9}"
    r"|\b0[1-9]\d\d?\d?\)?[ /-]|\b0[1-9](?:[ .-]\d\d){4}|\b06[ -]\d{4}|\b[5-9]\d\d? \d{2,3} \d{2,3}"
    r"|[*xX]{2}-\d{4}|\d{6}[-/+A-F]\d{3}|\d{3}\.\d{3}\.\d{3}-\d|\d\d\.\d\d-\d{3}|\d{8}-?[A-Z]|[12](?: \d\d){3} "
    r"|\d{3}-\d{3}-\d{3}|[A-Z]{6}\d\d[A-Z]\d|[A-Z]{2} ?\d\d ?\d\d ?\d\d ?[A-D]|\b0\d\d?-\d{3}|\d{4} \d{6} "
    r"|\.[a-z]{2,4}/"
    r"|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.|[0-9A-Fa-f]{28}|\d\.\d+\.\d+\.\d|[0-9A-Fa-f]:[0-9A-Fa-f]*:[0-9A-Fa-f]|::|[0-9A-Fa-f]-[0-9A-Fa-f][0-9A-Fa-f]-[0-9A-Fa-f]"
    r"|(?:9\d|1[01]\d)[ -]?(?i:[yja])|(?i:data:image)"
    r"|(?i:\.(?:jpe?g|png|gif|hei[cf]|bmp|tiff?|webp|dcm|wsq|mp4|mov|avi))|(?i:box \d)"
    r"|\d{5}-\d{4}|\d{4}[ -]\d{4}|[A-Za-z]{2}\d{2} ?[A-Za-z0-9]{4}|\d[A-Za-z][A-Za-z0-9]\d-?[A-Za-z]"
    rf"|(?i:\b(?:{_STREET_FIRST}) .*\d)|(?i:straat|laan|gracht|plein|kade|gatan|vägen|vejen|veien|katu),? \d"
    r"|\d,? (?i:quai|allée|impasse|chemin|sentier|boulevard|bd) "
    r"|(?i:strasse|straße|str\.|gasse|weg|platz|allee) ?\d|[A-Z]{2},? \d{5}|(?:19|20)\d\d"
    rf"|\d[A-Za-z]?,? [0-9A-Za-z'. -]*\b(?i:{_STREET_WORDS})\b|(?i:\b(?:{_LABELS})\b)"
)
"""What a cell must hold before a pattern of `KINDS` can find anything inside it (names apart).

For Arrow's engine (RE2), which is linear and has no look-around; only the cells it finds are looked at closely."""

ID_TRIGGER = (
    r"@|\(at\)|\[at\]|://|(?i:www\.)|\+\d|\b00[1-9]\d{0,2}[ ./-]|\b0[1-9]\d\d?\d?\)?[ /-]"
    r"|\b0[1-9](?:[ .-]\d\d){4}|\b06[ -]\d{4}"
    r"|\(?\d{3}\)?[-. ] ?\d{3}[-. ]\d{4}|\d{3}[- ]\d{2}[- ]\d{4}|756\.\d{4}\."
    r"|\d{6}[-/+A-F]\d{3}|\d{3}\.\d{3}\.\d{3}-\d|\d\d\.\d\d-\d{3}|[12](?: \d\d){3} |\b0\d\d?-\d{3}"
    r"|\d\.\d+\.\d+\.\d|(?i:\b(?:tel|phone|ph|call|fax|ssn)\b)|[0-9A-Fa-f]:[0-9A-Fa-f]*:"
)
"""The same for columns of ids, whose many different numbers must not all be looked at closely."""

PLAIN_DATE = (
    r"^\s*(?:\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}[./-]\d{1,2}[./-]\d{1,2}|(?:19|20)\d{6})"
    r"(?:[T ]\d{1,2}:?\d{2}[\d:.+-]{0,15}Z?)?\s*$"
)
"""A cell of a date field that need not be looked at: what `DATE_SHAPE` takes, in figures only. For RE2."""

UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
"""A random number, in which letters stand beside digits as they fall: ``dead1234-5bc6-47d8-9abc-1234567890ab``."""

PLAIN_ID = re.compile(
    r"[A-Za-z]{1,4}[_-]?(?=[A-Fa-f]{0,9}\d)[0-9A-Fa-f]{1,10}|(?!(?:19|20)\d{6}$)\d{4,10}"
    rf"|{UUID.pattern}",
    re.ASCII,
)
"""An id that no pattern of a whole cell in `KINDS` takes, and no name or date: ``P0042``, ``P3fa91``, a UUID."""
