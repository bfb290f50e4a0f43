"""Files in: the only room that opens a user's export."""

from __future__ import annotations

from outcomes.records.columns import mask
from outcomes.records.mapping import FIELDS, Mapping
from outcomes.records.model import Records, SetAside, SourceFile, TextColumn
from outcomes.records.reading import hash_file, read_records

__all__ = ["FIELDS", "Mapping", "Records", "SetAside", "SourceFile", "TextColumn", "hash_file", "mask", "read_records"]
