"""What a public release says of itself: ``manifest.json`` without an exact number, a path, a size or an identifier."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from outcomes.release.commit import find_commit
from outcomes.release.manifest import FORMAT, PUBLIC, SELF, hash_manifest, package_version
from outcomes.release.public.counts import define_patients
from outcomes.release.public.model import PublicRules

if TYPE_CHECKING:
    from outcomes.cases import Episodes

UNIT = "distinct patients"


def build_public_manifest(
    episodes: Episodes,
    quarter: str,
    as_of_month: str,
    rules: PublicRules,
    audit: Mapping[str, Any],
    handled: Mapping[str, Any],
    outputs: Mapping[str, str],
    dates: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the manifest of a public release as plain values.

    Parameters
    ----------
    episodes : Episodes
        For the definitions they were made with, nothing else.
    quarter : str
        Last quarter in which a patient may have started; empty without a calendar.
    as_of_month : str
        Month of the data cut, ``"2026-06"``; empty without a calendar.
    rules : PublicRules
    audit : Mapping
        What the attacker found (`publish.describe_audit`).
    handled : Mapping
        For each table its unit, cohort and rounding, how many cells are hidden, and what was done.
    outputs : Mapping[str, str]
        Relative path -> SHA-256 of every file of the release but the manifest.
    dates : Mapping
        Whether the records have full dates, and for whom the mapping allows them (`records.full_dates`).
    """
    protocol = episodes.protocol
    manifest = {
        "manifest_format": FORMAT,
        "audience": PUBLIC,
        "quarter": quarter,
        "as_of": as_of_month,
        "definitions": {
            "protocol": protocol.hash,
            "mapping": "",
            "codebook": episodes.visits.codebook.hash,
            "mapping_withheld": [],
            "patients": define_patients(protocol, episodes.visits.codebook),
        },
        "protocol": protocol.to_plain(),
        "dates": dict(dates),
        "rules": describe_rules(rules),
        "tables": dict(handled),
        "audit": dict(audit),
        "seed": protocol.inference.seed,
        "commit": find_commit(),
        "versions": {"outcomes": package_version(), "python": platform.python_version()},
        "outputs": dict(sorted(outputs.items())),
    }
    return manifest | {SELF: hash_manifest(manifest)}


def describe_rules(rules: PublicRules) -> dict[str, Any]:
    """Return the rules for small numbers as plain values."""
    return {
        "unit": UNIT,
        "least_patients_shown": rules.k,
        "rounded_to": rules.base,
        "least_values_left": rules.least_values,
    }
