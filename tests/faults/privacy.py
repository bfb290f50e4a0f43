"""Private people: entries 95 to 100, and 65 (hashes as ids)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from faults.catalogue import ASK, KEEP, QUAR, REFUSE, WARN, WITHHOLD, Fault, Input, Run
from faults.exports import EVERYWHERE, clean_rows, conserved, spoilt, write

_TAKE_OUT = 'Take the column out of the export; if it is none, write [privacy] accept = ["its header"] in the mapping.'
_GIVEN = ("Jane", "Tobias", "Mary", "Ana", "Linh")
_FAMILY = ("Quagmire", "Smith", "Okonkwo", "Garcia", "Nguyen")

# Kind -> header and one cell of row i; every cell is a secret that must not come out again.
COLUMNS: dict[str, tuple[str, Callable[[int], str]]] = {
    "name": ("Patient Name", lambda i: f"{_GIVEN[i % 5]} {_FAMILY[i // 5 % 5]}"),
    "phone": ("Home Phone", lambda i: f"(303) 555-{i:04}"),
    "fax": ("Fax", lambda i: f"303-555-{i:04}"),
    "email": ("E-mail", lambda i: f"pat{i:03}x@mail.example.org"),
    "address": ("Street Address", lambda i: f"{i + 11} Marigold Lane"),
    "record_number": ("MRN", lambda i: f"0077{i:04}"),
    "ssn": ("SSN", lambda i: f"219-09-{i:04}"),
    "url": ("Portal URL", lambda i: f"https://portal.example.org/p/{i:04}"),
    "ip": ("booking_ip_address", lambda i: f"203.0.113.{i}"),
    "plate": ("License Plate", lambda i: f"QX{i:03}ZK"),
    "device": ("Device Serial", lambda i: f"SN-77{i:04}"),
    "policy": ("Member ID", lambda i: f"WQ1{i:06}"),
}


def extra_column(header: str, cell: Callable[[int], str], mapping: str = "") -> Callable[[Path, str], Input]:
    """Make an entry of the clean export with one column more, its cells secret."""

    def make(folder: Path, kind: str) -> Input:
        rows = clean_rows()
        for i, row in enumerate(rows):
            row[header] = cell(i)
        return Input([write(folder, kind, rows)], mapping, secrets=tuple(cell(i) for i in (0, 1, 7, 119)))

    return make


def _refused_by_name(header: str) -> Callable[[Run], None]:
    def check(run: Run) -> None:
        assert header in run.said and "shaped" in run.said and "[privacy] accept" in run.said
        assert "column" in run.said and "(N)" in run.said  # the column's letter, behind the 13 of the clean export

    return check


def _all_at_once(folder: Path, kind: str) -> Input:
    rows = clean_rows()
    for i, row in enumerate(rows):
        row.update({header: cell(i) for header, cell in COLUMNS.values()})
    secrets = tuple(cell(3) for _, cell in COLUMNS.values())
    return Input([write(folder, kind, rows)], secrets=secrets)


def _says_all(run: Run) -> None:
    assert run.said.count("E901") == len(COLUMNS)
    assert all(header in run.said for header, _ in COLUMNS.values())


def _accepted(run: Run) -> None:
    assert "accepted in the mapping" in run.said
    assert "referral" not in " ".join(run.table("visits")[0]).casefold()


_CELLS = {
    (5, "modalities"): "massage;call 555-0142",
    (9, "diagnoses"): "M62.830;jane.roe@mail.example.org",
    (20, "region"): "lumbar, Mrs Quagmire",
    (31, "modalities"): "heat 219-09-9999",
}


def _cells_flagged(run: Run) -> None:
    conserved(run)
    rows = [row for row in run.table("quarantine") if row["code"] == "E903"]
    found = sorted(int(row["source_row"]) for row in rows)
    assert found in ([7, 11, 22, 33], [6, 10, 21, 32])  # Parquet has no header line to count
    assert "cells with identifiers" in run.said and '"modalities"' in run.said


def _notes(folder: Path, kind: str) -> Input:
    rows = clean_rows()
    for i, row in enumerate(rows):
        row["Notes"] = f"Jane Quagmire, dob 03/04/19{i % 90 + 10}, rang from 303-555-{i:04}"
    return Input([write(folder, kind, rows)], secrets=("Quagmire", "303-555", "dob 03"))


def _notes_unread(run: Run) -> None:
    conserved(run)
    assert "not read" in run.said and "Notes" in run.said
    assert len(run.table("visits")) == 120


def _hashes(folder: Path, kind: str) -> Input:
    rows = clean_rows()
    for row in rows:
        row["patient_id"] = hashlib.sha256(f"303-555-{row['patient_id']}".encode()).hexdigest()
    return Input([write(folder, kind, rows)])


def _record_numbers(folder: Path, kind: str) -> Input:
    rows = [
        {"MRN": f"0077{row['patient_id'][1:]}", **{k: v for k, v in row.items() if k != "patient_id"}}
        for row in clean_rows()
    ]
    return Input([write(folder, kind, rows)], '[columns]\npatient_id = "MRN"\n', secrets=("0077101", "0077112"))


def _names_as_ids(folder: Path, kind: str) -> Input:
    rows = clean_rows()
    for row in rows:
        n = int(row["patient_id"][1:]) - 101
        row["patient_id"] = f"{_GIVEN[n % 5]} {_FAMILY[n // 5 % 5]}{'' if n < 25 else ' Jr'}"
    return Input([write(folder, kind, rows)], secrets=("Quagmire", "Okonkwo"))


def _clinics(*names: str, secrets: tuple[str, ...] = ()) -> Callable[[Path, str], Input]:
    def make(folder: Path, kind: str) -> Input:
        rows = clean_rows()
        for number, row in enumerate(rows):
            row["clinic_id"] = names[number // 3 % len(names)]
        return Input([write(folder, kind, rows)], secrets=secrets)

    return make


def _one_small_clinic(folder: Path, kind: str) -> Input:
    rows = clean_rows(60)
    for row in rows:
        n = int(row["patient_id"][1:]) - 101
        row["clinic_id"] = "Qsmallclinic" if n % 10 == 0 else "Qlargeclinic"
        row["clinician_id"] = "Qalone" if n % 10 == 0 else f"T{n % 3}"
    secrets = ("Qsmallclinic", "Qalone")
    options, mapping = ("--audience", "public", "--quiet"), '[privacy]\ndates_allowed = ["public"]\n'
    return Input([write(folder, kind, rows)], mapping, command=("report",), options=options, secrets=secrets)


def _zip3(folder: Path, kind: str) -> Input:
    rows = clean_rows()
    for i, row in enumerate(rows):
        row["ZIP3"] = ("941", "100", "606")[i % 3]
    return Input([write(folder, kind, rows)])


def _zip3_unread(run: Run) -> None:
    conserved(run)
    assert "are unique: no other patient has one alike" in run.said
    assert "must not be handed on as research data" in run.said and "of single changes, " in run.said
    found = {row["change"]: row for row in run.table("uniqueness")}
    assert found["none"]["is_enough"] == "false" and "year instead of quarter" in found
    assert "not read" in run.said and "ZIP3" in run.said
    for name in ("visits", "episodes"):
        assert not any("zip" in column.casefold() for column in run.table(name)[0])


def _for_research(folder: Path, kind: str) -> Input:
    mapping = '[privacy]\ndates_allowed = ["research"]\n'
    return Input([write(folder, kind, clean_rows())], mapping, options=("--audience", "research", "--quiet"))


def _says_what_helps(run: Run) -> None:
    assert "are unique" in run.said and "year instead of quarter" in run.said and 'clinic_id = ""' in run.said


def _published(run: Run) -> None:
    assert any(run.out.rglob("index.html")), run.said


FAULTS: tuple[Fault, ...] = (
    Fault(
        number=65,
        name="hashes_as_ids",
        title="Hash of a phone number, or of another one, used as patient id",
        outcome=WARN,
        codes=("E905",),
        make=_hashes,
        formats=EVERYWHERE,
        remedy="Write [privacy] pseudonymise = true in the mapping: keyed pseudonyms take their place.",
        check=conserved,
    ),
    *(
        Fault(
            number=95,
            name=f"column_of_{kind}",
            title=f'Column "{header}" of identifiers, though nobody asks for it',
            outcome=REFUSE,
            codes=("E901",),
            make=extra_column(header, cell),
            formats=EVERYWHERE if kind in ("name", "phone") else ("csv",),
            remedy=_TAKE_OUT,
            check=_refused_by_name(header),
        )
        for kind, (header, cell) in COLUMNS.items()
    ),
    Fault(
        number=95,
        name="all_columns_at_once",
        title="Many columns of identifiers: all are named in one go",
        outcome=REFUSE,
        codes=("E901",),
        make=_all_at_once,
        formats=EVERYWHERE,
        remedy=_TAKE_OUT,
        check=_says_all,
    ),
    Fault(
        number=95,
        name="behaves_like_one",
        title="Column that only its cells give away: not read, and said",
        outcome=WARN,
        codes=("E904",),
        make=extra_column("Field 7", lambda i: f"pat{i:03}x@mail.example.org"),
        formats=EVERYWHERE,
        remedy="Take the column out of the export.",
        check=conserved,
    ),
    Fault(
        number=95,
        name="accepted_column",
        title="Column that looks like an identifier, accepted in the mapping: still not read",
        outcome=KEEP,
        codes=(),
        make=extra_column("Referral account", lambda i: f"55{i:06}", '[privacy]\naccept = ["Referral account"]\n'),
        check=_accepted,
    ),
    Fault(
        number=95,
        name="record_number_as_id",
        title="Record number used as patient id",
        outcome=ASK,
        codes=("E906",),
        make=_record_numbers,
        formats=EVERYWHERE,
        remedy="Write [privacy] pseudonymise = true in the mapping: keyed pseudonyms take their place.",
    ),
    Fault(
        number=95,
        name="names_as_ids",
        title="Names used as patient ids",
        outcome=REFUSE,
        codes=("E902",),
        make=_names_as_ids,
        formats=EVERYWHERE,
        remedy="Write [privacy] pseudonymise = true in the mapping, or export a pseudonym.",
    ),
    Fault(
        number=95,
        name="person_as_clinic",
        title="Name of a person, the owner's perhaps, as the code of a clinic",
        outcome=ASK,
        codes=("E902",),
        make=_clinics("North", "Maria Keller", secrets=("Maria", "Keller")),
        formats=EVERYWHERE,
        remedy='Write [privacy] pseudonymise = true in the mapping, or accept = ["clinic_id"] if it is none.',
    ),
    Fault(
        number=95,
        name="perhaps_a_person_as_clinic",
        title="Clinic code of two capitalised words that no list knows: a person, or a place",
        outcome=WARN,
        codes=("E918",),
        make=_clinics("Park Street Physio", "Okonjo Ngozi"),
        formats=EVERYWHERE,
        remedy='Write [privacy] pseudonymise = true if it is a person, accept = ["clinic_id"] if not.',
    ),
    Fault(
        number=96,
        name="identifiers_in_cells",
        title="Phone, e-mail, name or number inside a column that is read",
        outcome=QUAR,
        codes=("E903",),
        make=spoilt(_CELLS, secrets=("555-0142", "jane.roe", "Quagmire", "219-09-9999")),
        formats=EVERYWHERE,
        remedy="Take it out of the cell in the clinic system.",
        check=_cells_flagged,
    ),
    Fault(
        number=97,
        name="free_text_notes",
        title="Column of free text: never read, not even for a look",
        outcome=WARN,
        codes=(),
        make=_notes,
        formats=EVERYWHERE,
        check=_notes_unread,
    ),
    Fault(
        number=98,
        name="date_of_birth",
        title="Full date of birth",
        outcome=REFUSE,
        codes=("E901",),
        make=extra_column("DOB", lambda i: f"19{i % 60 + 30}-0{i % 9 + 1}-1{i % 10}"),
        formats=EVERYWHERE,
        remedy="Export the age in years instead.",
    ),
    Fault(
        number=98,
        name="zip_of_five_digits",
        title="ZIP code of five digits",
        outcome=REFUSE,
        codes=("E901",),
        make=extra_column("Zip Code", lambda i: f"80{i:03}"),
        formats=EVERYWHERE,
        remedy=_TAKE_OUT,
    ),
    Fault(
        number=98,
        name="zip3_of_few_people",
        title="ZIP code of three digits where 20,000 people or fewer live",
        outcome=REFUSE,
        codes=("E901",),
        make=extra_column("ZIP3", lambda i: ("036", "821", "893")[i % 3]),
        remedy=_TAKE_OUT,
    ),
    Fault(
        number=98,
        name="town",
        title="Town of the patient",
        outcome=REFUSE,
        codes=("E901",),
        make=extra_column("Town", lambda i: ("Oberquelle", "Mittelhausen")[i % 2]),
        remedy=_TAKE_OUT,
    ),
    Fault(
        # `clean` writes for the owner of the export, so its tables are not blocked: they say that they stay inside, and
        # what could single people out beside age, sex, clinic and dates is not read.
        number=99,
        name="rare_combinations",
        title="Rare combinations of age, sex, clinic and start quarter: the tables of `clean` are said to be for use "
        "inside only; ZIP3 is not read",
        outcome=WARN,
        codes=("E909",),
        make=_zip3,
        remedy="Hand on the public report, or tables made coarser; `clean` says how far each single change goes.",
        check=_zip3_unread,
    ),
    Fault(
        number=99,
        name="rare_combinations_for_research",
        title="The same in tables for research: withheld, with what single changes do",
        outcome=WITHHOLD,
        codes=("E970",),
        make=_for_research,
        formats=EVERYWHERE,
        remedy='Leave a column out (`clinic_id = ""` below `[columns]`), or export coarser ages or day numbers.',
        check=_says_what_helps,
    ),
    Fault(
        number=100,
        name="small_clinic",
        title="Clinic with one clinician and fewer than 11 patients: in no table, picture or sentence for the public",
        outcome=KEEP,
        codes=(),
        make=_one_small_clinic,
        check=_published,
    ),
)
