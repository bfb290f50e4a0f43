"""A small release, made in a temporary folder: attacked, whole, spoilt by one byte and found out."""

from __future__ import annotations

import tempfile
from pathlib import Path

from outcomes.cases import build_episodes, build_visits
from outcomes.definitions import Protocol
from outcomes.records import read_records
from outcomes.release import publish_report
from outcomes.release.audit import audit_releases
from outcomes.release.verify import verify_release
from outcomes.selftest.checks import Check, holds
from outcomes.simulate import write_simulation

PATIENTS, SEED = 150, 20261126
# Whether the release is whole is asked here, and not what its intervals say: few draws will do.
FEW_DRAWS = {"inference": {"bootstrap_draws": 40}}


def check_release() -> list[Check]:
    """Publish a report on made-up patients, attack it, verify it, change one byte, verify again."""
    with tempfile.TemporaryDirectory(prefix="outcomes-selftest-") as folder:
        made_up = Path(folder) / "export"
        write_simulation(made_up, patients=PATIENTS, seed=SEED, profile="chiro")
        records = read_records(made_up / "visits.csv", made_up / "mapping.toml")
        visits = build_visits(records, Protocol.from_mapping(FEW_DRAWS))
        out = Path(folder) / "reports"
        page = publish_report(records, visits, build_episodes(visits), out, notebooks=False)
        (audit,) = audit_releases([page.parent])
        before = verify_release(page.parent)
        names = sorted(path.name for path in out.iterdir() if path != page.parent and not path.name.startswith("."))
        page.write_bytes(page.read_bytes().replace(b"<h1", b"<h1 ", 1))
        after = verify_release(page.parent)
    return [
        holds("No hidden count can be worked out of it", not audit.found, f"{audit.n_hidden:,} hidden counts"),
        holds("A release as published is whole", before.is_whole, page.parent.name),
        holds("Nothing half-finished is left beside it", not names, ", ".join(names) or "nothing"),
        holds("One changed byte is found and its file named", page.name in after.table(), page.name),
    ]
