"""Valid exports spoilt byte by byte, and the one thing that must hold of each: it is read, or refused in words."""

from __future__ import annotations

import io
import random
import resource
import time
import zipfile
from collections import Counter
from pathlib import Path

from faults.exports import CSV, PARQUET, XLSX, clean_rows, write
from outcomes.errors import ConservationError, OutcomesError
from outcomes.records import read_records

MOST_SECONDS, MOST_BYTES = 60, 2 << 30
_WORDS = (
    *(b'"', b",", b";", b"\n", b"\r", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xe2\x80\x8b", b"Total", b"sep=;\n", b"#N/A"),
    *(b"<!DOCTYPE x>", b"<row r='99999'/>", b"=1|2!A1", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80"),
)


def valid_file(folder: Path, kind: str) -> bytes:
    """The bytes of a small good export."""
    return write(folder, kind, clean_rows(12), "good").read_bytes()


def mutate(data: bytes, draw: random.Random) -> bytes:
    """Return the bytes with one to four things done to them: flipped, cut, inserted, doubled, moved."""
    spoilt = bytearray(data)
    for _ in range(draw.randint(1, 4)):
        start = draw.randrange(len(spoilt) + 1)
        end = min(len(spoilt), start + draw.choice((1, 1, 2, 4, 16, 64, 256)))
        action = draw.randrange(6)
        if action == 0:
            for i in range(start, end):
                spoilt[i] ^= 1 << draw.randrange(8)
        elif action == 1:
            del spoilt[start:end]
        elif action == 2:
            spoilt[start:start] = draw.choice(_WORDS)
        elif action == 3:
            spoilt[start:start] = spoilt[start:end] * draw.choice((1, 2, 50))
        elif action == 4:
            spoilt[start:end] = draw.randbytes(end - start)
        else:
            del spoilt[draw.randrange(len(spoilt) + 1) :]
    return bytes(spoilt)


def mutate_workbook(data: bytes, draw: random.Random) -> bytes:
    """Spoil the archive itself, or one of its parts, packed again with the right check sum."""
    if draw.random() < 0.3:
        return mutate(data, draw)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    content = [part for part in parts if "sheet" in part or "shared" in part]
    name = draw.choice([*parts, *content * 3])
    parts[name] = mutate(parts[name], draw)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, xml in parts.items():
            archive.writestr(part, xml)
    return packed.getvalue()


def read_or_refuse(path: Path) -> str:
    """Read a file; return ``"read"``, ``"read in part"`` or the first code it was refused with.

    Anything else than a refusal in words escapes, and so does a row that was lost.
    """
    started = time.monotonic()
    try:
        records = read_records(path)
    except ConservationError:
        raise
    except OutcomesError as refusal:
        assert refusal.findings and all(finding.remedy for finding in refusal.findings), refusal
        outcome = refusal.findings[0].code
    else:
        (step,) = records.ledger.steps
        assert step.rows_in == step.kept + step.n_merged + step.n_set_aside + step.n_not_data
        assert step.kept == records.n and step.n_set_aside == len(records.set_aside)
        outcome = "read in part" if len(records.set_aside) else "read"
    assert time.monotonic() - started < MOST_SECONDS
    return outcome


def spoil_and_read(folder: Path, kind: str, n: int, seed: int) -> Counter[str]:
    """Read `n` spoilt files of a kind; return how often each outcome came."""
    draw, good = random.Random(seed), valid_file(folder, kind)
    change = mutate_workbook if kind == XLSX else mutate
    outcomes: Counter[str] = Counter()
    path = folder / f"spoilt.{kind}"
    for _ in range(n):
        path.write_bytes(change(good, draw))
        outcomes[read_or_refuse(path)] += 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 < MOST_BYTES
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 < MOST_BYTES
    return outcomes


KINDS = (CSV, XLSX, PARQUET)
