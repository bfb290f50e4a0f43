"""How many planted identifiers are found, how many clean columns are not left in peace, and whether a canary sings.

5,000 identifiers: the 18 classes of 45 CFR 164.514(b)(2)(i), six ways of writing each, as columns and inside the
cells of columns that are read. 200 clean exports: simulated practices with the columns of the clinic systems in
`shared/exports/real_export_formats.md` beside their own. Names are drawn half from outside the list that ships. The
figures of the last full run stand in `docs/privacy.md`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import random
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from outcomes import cli
from outcomes.errors import InputRefused
from outcomes.records import Mapping, read_records
from outcomes.simulate import simulate

Make = Callable[[random.Random], str]
PER_FORMAT = 47
OLD_SEED = 7
"""Patterns and lists were written while looking at what it draws."""
FRESH_SEED = 20261126
"""First drawn when they were finished: the figures in `docs/privacy.md` are of this one."""
LISTED_GIVEN = ("Emma", "Noah", "Olivia", "Liam", "Maria", "James", "Priya", "Wei", "Fatima", "Carlos", "Hans", "Sofia")
LISTED_FAMILY = (
    "Smith",
    "Garcia",
    "Nguyen",
    "Patel",
    "Kim",
    "Müller",
    "Rossi",
    "Brown",
    "Wilson",
    "Lopez",
    "Singh",
    "Chen",
)
OTHER_GIVEN = (
    "Quillon",
    "Zephyrine",
    "Tavish",
    "Oluwaseun",
    "Brynja",
    "Ximena",
    "Thorvald",
    "Anneliese",
    "Kwabena",
    "Ludmila",
)
OTHER_FAMILY = (
    "Abernethy",
    "Bjarnason",
    "Czajkowski",
    "Okonjo",
    "Fitzwilliam",
    "Haverkamp",
    "Papadakis",
    "Quisling",
    "Szabo",
    "Tchaikov",
)
STREETS = ("Maple", "Oak Hill", "Washington", "Sunset", "2nd", "Elm", "Lake View", "Cherry")


def given(r: random.Random) -> str:
    return r.choice(r.choice((LISTED_GIVEN, OTHER_GIVEN)))


def family(r: random.Random) -> str:
    return r.choice(r.choice((LISTED_FAMILY, OTHER_FAMILY)))


def digits(r: random.Random, n: int) -> str:
    return "".join(r.choice("0123456789") for _ in range(n))


def nanp(r: random.Random) -> tuple[str, str, str]:
    return f"{r.randint(2, 9)}{digits(r, 2)}", f"{r.randint(2, 9)}{digits(r, 2)}", digits(r, 4)


def day(r: random.Random) -> tuple[int, int, int]:
    return r.randint(1930, 2008), r.randint(1, 12), r.randint(1, 28)


def letters(r: random.Random, n: int) -> str:
    return "".join(r.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(n))


def hexes(r: random.Random, n: int) -> str:
    return f"{r.getrandbits(4 * n):0{n}x}"


def card(r: random.Random) -> str:
    body = "4" + digits(r, 14)
    total = sum(d * 2 - 9 * (d > 4) if i % 2 == 0 else d for i, d in enumerate(map(int, reversed(body))))
    whole = body + str(-total % 10)
    return " ".join(whole[i : i + 4] for i in range(0, 16, 4))


def iban(r: random.Random) -> str:
    body = digits(r, 18)
    check = 98 - int(body + "131400") % 97
    return f"DE{check:02}{body}"


def vin(r: random.Random) -> str:
    return "1" + letters(r, 4) + digits(r, 3) + letters(r, 3) + digits(r, 6)


def mbi(r: random.Random) -> str:
    a = "ACDEFGHJKMNPQRTUVWXY"
    pick = lambda: r.choice(a)  # noqa: E731
    n = r.randint(1, 9)
    return f"{n}{pick()}{pick()}{digits(r, 1)}-{pick()}{pick()}{digits(r, 1)}-{pick()}{pick()}{digits(r, 2)}"


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def with_date(form: str) -> Make:
    def make(r: random.Random) -> str:
        y, m, d = day(r)
        return form.format(y=y, m=m, d=d, b=MONTHS[m - 1])

    return make


def with_phone(form: str) -> Make:
    return lambda r: form.format(*nanp(r))


# Class -> six of (header, cell of a column, the same inside a cell). A neutral header gives nothing away.
FORMATS: dict[str, tuple[tuple[str, Make, Make], ...]] = {
    "name": (
        ("Patient Name", lambda r: f"{given(r)} {family(r)}", lambda r: f"Mr {family(r)}"),
        ("Client", lambda r: f"{family(r)}, {given(r)}", lambda r: f"Mrs. {family(r)}"),
        ("Last Name", family, lambda r: f"{r.choice(LISTED_GIVEN)} {r.choice(LISTED_FAMILY)}"),
        (
            "Field 7",
            lambda r: f"{given(r)} {family(r)}",
            lambda r: f"{r.choice(LISTED_FAMILY)}, {r.choice(LISTED_GIVEN)}",
        ),
        ("pt_first_name", given, lambda r: f"{r.choice(LISTED_GIVEN)} {letters(r, 1)}. {r.choice(LISTED_FAMILY)}"),
        ("Column C", lambda r: f"{family(r).upper()}, {given(r).upper()}", lambda r: f"{given(r)} {family(r)}"),
    ),
    "address": (
        (
            "Street Address",
            lambda r: f"{r.randint(1, 9999)} {r.choice(STREETS)} St",
            lambda r: f"{r.randint(1, 9999)} {r.choice(STREETS)} Street",
        ),
        ("Zip", lambda r: digits(r, 5), lambda r: f"{digits(r, 5)}-{digits(r, 4)}"),
        (
            "City",
            lambda r: r.choice(("Aurora", "Boulder", "Zug", "Springfield")),
            lambda r: f"Aurora, CO {digits(r, 5)}",
        ),
        (
            "Field 3",
            lambda r: f"{r.randint(10, 999)} {r.choice(STREETS)} Ave, Apt {r.randint(1, 99)}",
            lambda r: f"{r.randint(1, 999)} {r.choice(STREETS)} Ave",
        ),
        ("Wohnort", lambda r: r.choice(("Aarau", "Olten", "Thun")), lambda r: f"Gartenstrasse {r.randint(1, 99)}"),
        ("mail_to", lambda r: f"PO Box {digits(r, 4)}", lambda r: f"P.O. Box {digits(r, 4)}"),
    ),
    "date": (
        ("DOB", with_date("{m:02}/{d:02}/{y}"), with_date("dob {m:02}/{d:02}/{y}")),
        ("Birth Date", with_date("{y}-{m:02}-{d:02}"), with_date("born {y}-{m:02}-{d:02}")),
        ("Geburtsdatum", with_date("{d:02}.{m:02}.{y}"), with_date("geb. {d:02}.{m:02}.{y}")),
        ("Field 9", with_date("{y}-{m:02}-{d:02}"), with_date("{y}-{m:02}-{d:02} ok")),
        ("patient.birthdate", with_date("{y}{m:02}{d:02}"), with_date("DOB: {d} {b} {y}")),
        ("Age (years)", lambda r: str(r.randint(90, 104)), lambda r: f"{r.randint(90, 104)} y/o"),
    ),
    "phone": (
        ("Home Phone", with_phone("({}) {}-{}"), with_phone("call ({}) {}-{}")),
        ("Field 5", with_phone("{}-{}-{}"), with_phone("{}-{}-{}")),
        ("Mobile", with_phone("{}{}{}"), with_phone("cell {}{}{}")),
        ("Contact", with_phone("+1 {} {} {}"), with_phone("+1 {} {} {}")),
        (
            "Tel",
            lambda r: f"0{digits(r, 2)} {digits(r, 3)} {digits(r, 2)} {digits(r, 2)}",
            lambda r: f"tel 0{digits(r, 2)} {digits(r, 3)} {digits(r, 2)} {digits(r, 2)}",
        ),
        ("X1", with_phone("{}.{}.{}"), lambda r: f"ph 555-{digits(r, 4)}"),
    ),
    "fax": (
        ("Fax", with_phone("({}) {}-{}"), with_phone("fax ({}) {}-{}")),
        ("Fax Number", with_phone("{}-{}-{}"), with_phone("Fax: {}-{}-{}")),
        ("fax_no", with_phone("{}{}{}"), with_phone("FAX {}{}{}")),
        (
            "Telefax",
            lambda r: f"+41 44 {digits(r, 3)} {digits(r, 2)} {digits(r, 2)}",
            lambda r: f"telefax +41 44 {digits(r, 3)} {digits(r, 2)} {digits(r, 2)}",
        ),
        ("Field 6", with_phone("fax {}-{}-{}"), with_phone("fax no {}.{}.{}")),
        ("Office Fax Number", with_phone("{}.{}.{}"), with_phone("by fax {}-{}-{}")),
    ),
    "email": (
        (
            "Email",
            lambda r: f"{given(r).lower()}.{family(r).lower()}@example.com",
            lambda r: f"{letters(r, 5).lower()}@example.com",
        ),
        (
            "e-mail address",
            lambda r: f"{letters(r, 6).lower()}{digits(r, 2)}@mail.example.co.uk",
            lambda r: f"mail {letters(r, 6).lower()}@a.example.org",
        ),
        ("Field 2", lambda r: f"{letters(r, 4).lower()}+x@example.org", lambda r: f"{letters(r, 4)}+pt@EXAMPLE.ORG"),
        ("Contact", lambda r: f"{letters(r, 8)}@EXAMPLE.COM", lambda r: f"<{letters(r, 8).lower()}@example.com>"),
        (
            "Login",
            lambda r: f"{letters(r, 3).lower()}_{digits(r, 3)}@example.net",
            lambda r: f"mailto:{letters(r, 3).lower()}@example.net",
        ),
        (
            "emailAddress",
            lambda r: f"{digits(r, 8)}@example.org",
            lambda r: f"{letters(r, 4).lower()} (at) example.org",
        ),
    ),
    "ssn": (
        (
            "SSN",
            lambda r: f"{r.randint(100, 665)}-{r.randint(10, 99)}-{digits(r, 4)}",
            lambda r: f"{r.randint(100, 665)}-{r.randint(10, 99)}-{digits(r, 4)}",
        ),
        ("Social Security", lambda r: digits(r, 9), lambda r: f"ssn {r.randint(100, 665)}{digits(r, 6)}"),
        (
            "Field 1",
            lambda r: f"{r.randint(100, 665)}-{r.randint(10, 99)}-{digits(r, 4)}",
            lambda r: f"SS# {r.randint(100, 665)}-{r.randint(10, 99)}-{digits(r, 4)}",
        ),
        ("ssn_last4", lambda r: digits(r, 4), lambda r: f"SSN xxx-xx-{digits(r, 4)}"),
        (
            "AHV",
            lambda r: f"756.{digits(r, 4)}.{digits(r, 4)}.{digits(r, 2)}",
            lambda r: f"756.{digits(r, 4)}.{digits(r, 4)}.{digits(r, 2)}",
        ),
        (
            "A2",
            lambda r: f"{r.randint(100, 665)} {r.randint(10, 99)} {digits(r, 4)}",
            lambda r: f"soc sec {r.randint(100, 665)} {r.randint(10, 99)} {digits(r, 4)}",
        ),
    ),
    "record number": (
        ("MRN", lambda r: digits(r, 7), lambda r: f"MRN {digits(r, 7)}"),
        ("Medical Record No", lambda r: f"M{digits(r, 6)}", lambda r: f"mrn: M{digits(r, 6)}"),
        ("Chart Number", lambda r: digits(r, 6), lambda r: f"chart # {digits(r, 6)}"),
        ("patient.MRN", lambda r: f"00{digits(r, 6)}", lambda r: f"MRN#{digits(r, 8)}"),
        ("Hospital No", lambda r: f"H-{digits(r, 6)}", lambda r: f"hospital no. {digits(r, 6)}"),
        ("med_rec_num", lambda r: digits(r, 8), lambda r: f"med rec {digits(r, 8)}"),
    ),
    "insurance": (
        ("Member ID", lambda r: f"W{digits(r, 9)}", lambda r: f"member id W{digits(r, 9)}"),
        (
            "Policy Number",
            lambda r: f"{letters(r, 3)}{digits(r, 7)}",
            lambda r: f"policy {letters(r, 3)}{digits(r, 7)}",
        ),
        ("Field 4", mbi, mbi),
        ("Medicare Number", lambda r: mbi(r).replace("-", ""), lambda r: mbi(r).replace("-", "")),
        ("subscriber_id", lambda r: digits(r, 10), lambda r: f"subscriber # {digits(r, 10)}"),
        ("Claim Number", lambda r: f"CL-{digits(r, 8)}", lambda r: f"claim no {digits(r, 8)}"),
    ),
    "account": (
        ("Account", lambda r: digits(r, 8), lambda r: f"acct {digits(r, 8)}"),
        ("Acct No", lambda r: f"A-{digits(r, 6)}", lambda r: f"account no. A-{digits(r, 6)}"),
        ("Card Number", card, card),
        ("IBAN", iban, iban),
        ("Field 8", card, lambda r: f"card {card(r)}"),
        ("bank_account", lambda r: digits(r, 10), lambda r: f"a/c {digits(r, 10)}"),
    ),
    "licence": (
        ("Driver License", lambda r: f"{letters(r, 1)}{digits(r, 7)}", lambda r: f"DL {letters(r, 1)}{digits(r, 7)}"),
        ("DRIVERS", lambda r: f"S{digits(r, 8)}", lambda r: f"driver's license {digits(r, 8)}"),
        ("Passport", lambda r: digits(r, 9), lambda r: f"passport {letters(r, 1)}{digits(r, 8)}"),
        ("NPI", lambda r: f"1{digits(r, 9)}", lambda r: f"NPI 1{digits(r, 9)}"),
        ("DEA", lambda r: f"{letters(r, 2)}{digits(r, 7)}", lambda r: f"dea# {letters(r, 2)}{digits(r, 7)}"),
        ("License No", lambda r: f"PT-{digits(r, 6)}", lambda r: f"lic. no. {digits(r, 6)}"),
    ),
    "vehicle": (
        ("VIN", vin, vin),
        (
            "License Plate",
            lambda r: f"{letters(r, 3)} {digits(r, 4)}",
            lambda r: f"plate {letters(r, 3)} {digits(r, 4)}",
        ),
        ("Field 10", vin, lambda r: f"vin {vin(r)}"),
        ("Kennzeichen", lambda r: f"ZH {digits(r, 6)}", lambda r: f"kennzeichen ZH {digits(r, 6)}"),
        (
            "number_plate",
            lambda r: f"{letters(r, 2)}{digits(r, 2)} {letters(r, 3)}",
            lambda r: f"number plate {letters(r, 2)}{digits(r, 2)} {letters(r, 3)}",
        ),
        (
            "Plate",
            lambda r: f"{digits(r, 1)}{letters(r, 3)}{digits(r, 3)}",
            lambda r: f"license plate {digits(r, 1)}{letters(r, 3)}{digits(r, 3)}",
        ),
    ),
    "device": (
        ("Device Serial", lambda r: f"SN{digits(r, 7)}", lambda r: f"serial SN{digits(r, 7)}"),
        (
            "MAC Address",
            lambda r: ":".join(hexes(r, 2) for _ in range(6)),
            lambda r: ":".join(hexes(r, 2) for _ in range(6)),
        ),
        ("IMEI", lambda r: digits(r, 15), lambda r: f"IMEI {digits(r, 15)}"),
        ("UDI", lambda r: f"(01){digits(r, 14)}(17){digits(r, 6)}", lambda r: f"(01){digits(r, 14)}"),
        (
            "Field 11",
            lambda r: "-".join(hexes(r, 2).upper() for _ in range(6)),
            lambda r: "-".join(hexes(r, 2).upper() for _ in range(6)),
        ),
        (
            "implant_id",
            lambda r: f"{letters(r, 2)}-{digits(r, 6)}",
            lambda r: f"implant no {letters(r, 2)}{digits(r, 6)}",
        ),
    ),
    "url": (
        (
            "URL",
            lambda r: f"https://portal.example.org/p/{digits(r, 6)}",
            lambda r: f"https://portal.example.org/p/{digits(r, 6)}",
        ),
        ("Website", lambda r: f"www.{letters(r, 6).lower()}.example.com", lambda r: f"www.{letters(r, 6).lower()}.com"),
        (
            "Field 12",
            lambda r: f"http://example.org/?id={digits(r, 5)}",
            lambda r: f"see http://example.org/?id={digits(r, 5)}",
        ),
        (
            "Facebook",
            lambda r: f"facebook.com/{letters(r, 8).lower()}",
            lambda r: f"facebook.com/{letters(r, 8).lower()}",
        ),
        (
            "homepage",
            lambda r: f"{letters(r, 6).lower()}.example.net/x",
            lambda r: f"HTTP://{letters(r, 6)}.EXAMPLE.NET",
        ),
        (
            "Link",
            lambda r: f"ftp://files.example.org/{digits(r, 4)}",
            lambda r: f"ftp://files.example.org/{digits(r, 4)}",
        ),
    ),
    "ip": (
        ("IP", lambda r: f"203.0.113.{r.randint(1, 254)}", lambda r: f"203.0.113.{r.randint(1, 254)}"),
        (
            "booking_ip_address",
            lambda r: f"198.51.100.{r.randint(1, 254)}",
            lambda r: f"ip 198.51.100.{r.randint(1, 254)}",
        ),
        (
            "Field 13",
            lambda r: f"10.{r.randint(0, 255)}.{r.randint(0, 255)}.{r.randint(1, 254)}",
            lambda r: f"10.{r.randint(0, 255)}.{r.randint(0, 255)}.9",
        ),
        (
            "ipAddress",
            lambda r: f"2001:db8::{hexes(r, 3)}:{hexes(r, 4)}",
            lambda r: f"2001:db8::{hexes(r, 3)}:{hexes(r, 4)}",
        ),
        ("A9", lambda r: ":".join(hexes(r, 4) for _ in range(8)), lambda r: ":".join(hexes(r, 4) for _ in range(8))),
        ("ip_addr", lambda r: f"192.0.2.{r.randint(1, 254)}:443", lambda r: f"192.0.2.{r.randint(1, 254)}:443"),
    ),
    "biometric": (
        ("Fingerprint", lambda r: hexes(r, 24), lambda r: f"fingerprint {hexes(r, 12)}"),
        ("retina_scan", lambda r: f"RS{digits(r, 6)}", lambda r: f"retina scan RS{digits(r, 6)}"),
        ("Voice Print", lambda r: f"vp-{digits(r, 5)}", lambda r: f"voiceprint vp-{digits(r, 5)}"),
        ("biometric_template", lambda r: hexes(r, 20), lambda r: f"face template {hexes(r, 10)}"),
        ("DNA", lambda r: "".join(r.choice("ACGT") for _ in range(20)), lambda r: f"dna sample {digits(r, 6)}"),
        ("iris", lambda r: hexes(r, 16), lambda r: f"iris code {hexes(r, 8)}"),
    ),
    "photo": (
        ("Photo", lambda r: f"img_{digits(r, 5)}.jpg", lambda r: f"img_{digits(r, 5)}.jpg"),
        ("picture_path", lambda r: f"/scans/{digits(r, 4)}/face.png", lambda r: f"/scans/{digits(r, 4)}/face.png"),
        ("Field 14", lambda r: f"DSC{digits(r, 5)}.JPEG", lambda r: f"DSC{digits(r, 5)}.JPEG"),
        ("portrait", lambda r: f"C:\\photos\\{digits(r, 4)}.bmp", lambda r: f"photos/{digits(r, 4)}.bmp"),
        (
            "Avatar",
            lambda r: f"data:image/png;base64,{letters(r, 40)}",
            lambda r: f"data:image/png;base64,{letters(r, 40)}",
        ),
        ("image", lambda r: f"{hexes(r, 10)}.heic", lambda r: f"{hexes(r, 10)}.heic"),
    ),
    "derived code": (
        (
            "hash",
            lambda r: hashlib.md5(digits(r, 9).encode()).hexdigest(),
            lambda r: hashlib.md5(digits(r, 9).encode()).hexdigest(),
        ),
        (
            "sha1",
            lambda r: hashlib.sha1(digits(r, 9).encode()).hexdigest(),
            lambda r: hashlib.sha1(digits(r, 9).encode()).hexdigest(),
        ),
        (
            "Field 15",
            lambda r: hashlib.sha256(digits(r, 9).encode()).hexdigest(),
            lambda r: hashlib.sha256(digits(r, 9).encode()).hexdigest(),
        ),
        (
            "person_key",
            lambda r: hashlib.sha1(digits(r, 9).encode()).hexdigest().upper(),
            lambda r: f"id {hexes(r, 40).upper()}",
        ),
        ("Hashed ID", lambda r: f"0x{hexes(r, 64)}", lambda r: f"0x{hexes(r, 64)}"),
        (
            "A7",
            lambda r: hashlib.sha512(digits(r, 9).encode()).hexdigest(),
            lambda r: hashlib.sha512(digits(r, 9).encode()).hexdigest(),
        ),
    ),
}
CARRIERS = ("procedure_codes", "modalities", "cause")
CODES = {"procedure_codes": "97140", "modalities": "massage", "cause": "posture"}


def write(path: Path, header: list[str], rows: list[list[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    return path


def found_columns(path: Path) -> set[str]:
    """Headers of the columns of a file that are said to identify."""
    try:
        notes = list(read_records(path).notes)
    except InputRefused as refusal:
        notes = [str(finding) for finding in refusal.findings]
    # A refusal names what it refuses; what is only likely is then not said: look again with those accepted.
    said = {match[1] for note in notes if re.match(r"E90\d ", note) for match in re.finditer(r'column "([^"]*)"', note)}
    if any(note.startswith("E901") for note in notes):
        again = read_records(path, Mapping.from_dict({"privacy": {"accept": sorted(said)}}))
        said |= {
            m[1] for note in again.notes if note.startswith("E904") for m in re.finditer(r'column "([^"]*)"', note)
        }
    return said


def plant_columns(kind: str, folder: Path, seed: int, n: int) -> tuple[int, list[str]]:
    """Return the number of columns planted of one class, and the headers of those that were missed."""
    r = random.Random(f"{kind} {seed}")
    header = ["patient_id", "visit_date", *(head for head, _, _ in FORMATS[kind])]
    rows = [[f"K{i % 9}", f"2024-03-{i % 28 + 1:02}", *(make(r) for _, make, _ in FORMATS[kind])] for i in range(n)]
    said = found_columns(write(folder / f"{kind}.csv", header, rows))
    shown = {head: re.sub(r"\s+", " ", head) for head in header[2:]}
    return len(shown), [head for head, name in shown.items() if name not in said]


def plant_cells(kind: str, folder: Path, seed: int, n: int) -> tuple[int, list[str]]:
    """Return the number of cells planted of one class among codes, and the formats of those that were missed."""
    r = random.Random(f"cells {kind} {seed}")
    header = ["patient_id", "visit_date", *CARRIERS]
    rows, planted = [], {}
    for number, (_, _, make) in enumerate(FORMATS[kind]):
        for i in range(n):
            carrier = CARRIERS[i % 3]
            text = make(r).replace(";", ":")
            cells = dict(CODES) | {carrier: (f"{CODES[carrier]};{text}", f"{text};{CODES[carrier]}", text)[i // 3 % 3]}
            planted[len(rows) + 2] = number
            rows.append([f"K{i % 9}", f"2024-03-{i % 28 + 1:02}", *cells.values()])
            if i % 4 == 0:
                rows.append([f"K{i % 9}", "2024-04-02", *CODES.values()])
    try:
        records = read_records(write(folder / f"{kind}_cells.csv", header, rows))
    except InputRefused:  # a column of which most cells are identifiers is refused as a whole
        return len(planted), []
    aside = {
        row for row, code in zip(records.set_aside.row.tolist(), records.set_aside.code, strict=True) if code == "E903"
    }
    assert aside <= set(planted), "a clean row was set aside"
    return len(planted), [str(planted[row]) for row in planted if row not in aside]


# Columns clean exports carry beside those that are read, by clinic system: (header, cells).
BESIDE: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "Cliniko": (
        ("id", ("1390726237298631770", "1390726237298631771", "1390726237298631992")),
        ("created_at", ("2024-02-01T03:45:00Z", "2024-05-11T13:05:10Z")),
        ("cancellation_reason", ("10", "20", "31", "")),
        ("did_not_arrive", ("true", "false")),
        ("email_reminder_sent", ("true", "false")),
        ("invoice_status", ("900", "10")),
        ("repeat_rule", ("weekly", "")),
        ("treatment_note_status", ("final", "draft")),
        ("business", ("Hill Clinic", "Park Street Physio")),
        ("Duration (Minutes)", ("30", "45")),
        ("Category", ("Follow up", "Initial")),
        ("Name", ("Neck pain", "Low back", "Left shoulder")),
        ("max_sessions", ("12", "6")),
    ),
    "WebPT": (
        ("appointmnet_id", ("-104231", "2045551", "2045552")),
        ("case_id", ("88121", "88122")),
        ("therapist_id", ("412", "409")),
        ("insurance_type_id", ("3", "7", "10")),
        ("insurance_id", ("12", "7")),
        ("record_pointer", ("55120131", "55120132")),
        ("units", ("1", "2")),
        ("charge_amount", ("45.00", "120.50")),
        ("cpt_modifier", ("59", "GP")),
        ("note_type", ("DN", "IE")),
        ("export_flag", ("1", "2")),
        ("time_stamp", ("2024-02-01 10:15:22", "2024-03-01 08:00:01")),
        ("appointment_status", ("Active", "Inactive")),
        ("calendar_title", ("Room 2", "Gym")),
    ),
    "OpenEMR": (
        ("uuid", ("8f14e45f-ceea-467f-a1d4-6ea1c1b5e8f1", "c9f0f895-fb98-4b91-99f2-8a4f6e0d1b22")),
        ("facility", ("Main Campus", "Westside")),
        ("facility_id", ("3", "4")),
        ("pid", ("104", "105")),
        ("encounter", ("90021", "90022")),
        ("sensitivity", ("normal",)),
        ("pos_code", ("11", "2")),
        ("weight", ("81.5", "70.0", "0.00")),
        ("height", ("178", "165")),
        ("bps", ("120", "131")),
        ("BMI", ("24.1", "31.0")),
        ("provider_id", ("7", "9")),
        ("date_end", ("0000-00-00", "2024-02-03")),
        ("class_code", ("AMB",)),
        ("discharge_disposition", ("home", "")),
    ),
    "WebChart": (
        ("sched.Resource", ("PT1", "PT2")),
        ("sched.Start Date", ("20240201 103000", "20240302 090000")),
        ("sched.Duration", ("1800", "2700")),
        ("sched.Reason", ("follow-up", "new")),
        ("sched.Location", ("Gym A", "Room 3")),
        ("sched.Canceled", ("0", "1", "2")),
        ("sched.Type1", ("PT", "CHIRO")),
        ("sched.Confirmed", ("Y", "N")),
    ),
    "Synthea": (
        ("ENCOUNTER", ("748f8357-6cc7-551d-f31a-32fa2cf84126", "0fbe37ff-5e70-4a0c-9d6e-04d6ad54cd9a")),
        ("CODE", ("278860009", "185349003")),
        ("DESCRIPTION", ("Chronic low back pain (finding)", "Encounter for check up")),
        ("BASE_COST", ("129.16", "85.55")),
        ("SYSTEM", ("http-snomed", "SNOMED-CT")),
        ("PAYER_COVERAGE", ("0.0", "103.0")),
        ("ENCOUNTERCLASS", ("ambulatory", "outpatient")),
        ("REASONCODE", ("", "161891005")),
    ),
    "other": (
        ("State", ("CO", "CA", "NY")),
        ("Country", ("US", "CH")),
        ("Insurance Company", ("Blue Cross", "Aetna", "United Health")),
        ("Clinic Name", ("Summit Spine", "Lake Chiropractic")),
        ("Room", ("1", "2A")),
        ("Referral Type", ("GP", "self")),
        ("BMI class", ("normal", "obese")),
        ("Occupation type", ("desk", "manual")),
        ("Sessions left", ("3", "0")),
        ("Quarter", ("2024Q1", "2024Q2")),
        ("Pain drawing", ("yes", "no")),
        ("Phone reminder", ("yes", "no")),
        ("Balance", ("0.00", "-35.50")),
        ("Language", ("en", "es")),
        ("Muscle name", ("Upper Trapezius", "Quadratus Lumborum")),
        ("Last modified", ("2024-02-01", "2024-02-20")),
        ("Rating text", ("mild", "severe")),
        ("Exercise", ("Bird dog", "Dead bug", "Cat camel")),
        ("Visit number", ("1", "2", "14")),
        ("Device used", ("TENS", "laser", "US")),
        ("First", ("Y", "N")),
    ),
}


def clean_export(number: int, folder: Path, seed: int) -> tuple[Path, Path | None]:
    """Write one simulated practice with the columns of one clinic system beside its own."""
    dirty = number % 2 == 0
    made = simulate(24, seed + number, ("chiro", "physio")[number // 2 % 2], clean=not dirty)
    records = made.records
    r = random.Random(f"beside {number} {seed}")
    beside = BESIDE[sorted(BESIDE)[number % len(BESIDE)]]
    n = made.n_records
    columns = {
        **{head: list(cells) for head, cells in records.items()},
        **{head: [r.choice(cells) for _ in range(n)] for head, cells in beside},
    }
    path = write(
        folder / f"clean{number}.csv", list(columns), [list(row) for row in zip(*columns.values(), strict=True)]
    )
    if not dirty:
        return path, None
    from datetime import date

    from outcomes.simulate.mapping_file import mapping_toml

    mapping = folder / f"clean{number}.toml"
    mapping.write_text(mapping_toml(date(2026, 9, 30)), encoding="utf-8")
    return path, mapping


def false_columns(path: Path, mapping: Path | None) -> list[str]:
    """Columns of a clean export that are called identifiers, by whatever rule."""
    try:
        records = read_records(path, mapping)
    except InputRefused as refusal:
        return [str(finding) for finding in refusal.findings]
    return [note for note in records.notes if "E90" in note]


def run_benchmark(folder: Path, seed: int, per_format: int, cells: int, exports: int) -> dict[str, object]:
    columns = {kind: plant_columns(kind, folder, seed, per_format) for kind in FORMATS}
    inside = {kind: plant_cells(kind, folder, seed, cells) for kind in FORMATS}
    false = [said for number in range(exports) for said in false_columns(*clean_export(number, folder, seed))]
    return {"columns": columns, "cells": inside, "false": false}


def recall(found: dict[str, tuple[int, list[str]]]) -> float:
    planted = sum(n for n, _ in found.values())
    return 1 - sum(len(missed) for _, missed in found.values()) / planted


def check(result: dict[str, object], exports: int) -> None:
    columns, cells, false = result["columns"], result["cells"], result["false"]
    print({"columns": recall(columns), "cells": recall(cells), "false": len(false), "exports": exports})
    print({kind: missed for kind, (_, missed) in columns.items() if missed})
    print({kind: Counter(missed) for kind, (_, missed) in cells.items() if missed})
    assert recall(columns) >= 0.99, {kind: missed for kind, (_, missed) in columns.items() if missed}
    assert recall(cells) >= 0.95, {kind: Counter(missed) for kind, (_, missed) in cells.items() if missed}
    assert len(false) <= exports / 50, false


def test_a_slice_of_the_benchmark(tmp_path) -> None:
    assert len(FORMATS) == 18 and all(len(formats) == 6 for formats in FORMATS.values())
    check(run_benchmark(tmp_path, OLD_SEED, 8, 6, 4), 50)


@pytest.mark.slow
def test_the_whole_benchmark(tmp_path) -> None:
    assert 18 * 6 * PER_FORMAT >= 5000
    check(run_benchmark(tmp_path, FRESH_SEED, PER_FORMAT, PER_FORMAT, 200), 200)


# -- canaries ------------------------------------------------------------


def canaries(n: int) -> list[str]:
    """Different identifiers of all classes, each of which no honest output can hold."""
    r = random.Random(99)
    made = []
    for i in range(n):
        kind = sorted(FORMATS)[i % 18]
        _, _, make = FORMATS[kind][i // 18 % 6]
        made.append(f"{make(r).replace(';', ':')} zq{i:03}x")
    return made


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_no_canary_sings(kind, tmp_path, monkeypatch, capsys) -> None:
    planted = canaries(200)
    rows = [
        [f"K{i % 40}", f"2024-{i % 9 + 1:02}-{i % 28 + 1:02}", "massage", "6", planted[i], "plain"] for i in range(120)
    ]
    for i in range(120, 160):  # in cells of a column that is read
        rows[i - 100][2] = f"massage;{planted[i]}"
    header = ["patient_id", "visit_date", "modalities", "pain_pre", "Notes", "Field 7"]
    for i in range(160, 180):  # in a column that is not read
        rows[i - 150][5] = planted[i]
    path = tmp_path / f"visits.{kind}"
    if kind == "csv":
        write(path, header, rows)
    else:
        book = openpyxl.Workbook()
        for row in (header, *rows):
            book.active.append(row)
        hidden = book.create_sheet("Hidden")
        for canary in planted[180:]:
            hidden.append([canary])
        hidden.sheet_state = "hidden"
        book.save(path)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr("tempfile.tempdir", None)
    out = tmp_path / "out"
    assert cli.main(["clean", str(path), "--out", str(out), "--format", "csv"]) in (0, 1)
    assert cli.main(["inspect", str(path), "--out", str(tmp_path / "m.toml")]) in (0, 1)
    refused = write(
        tmp_path / "named.csv",
        [*header[:4], "Patient Name", "Phone"],
        [[*row[:2], "massage", "6", planted[i], planted[-i]] for i, row in enumerate(rows)],
    )
    with pytest.raises(InputRefused) as caught:
        read_records(refused)
    said = io.StringIO("".join(capsys.readouterr()) + str(caught.value) + repr(caught.value.findings)).getvalue()
    assert list(temporary.rglob("*")) == []
    data = b"".join(p.read_bytes() for p in [*out.rglob("*"), tmp_path / "m.toml"] if p.is_file()) + said.encode()
    hits = [canary for canary in planted if canary.encode() in data or canary[-6:].encode() in data]
    assert len(planted) == 200 and hits == []
