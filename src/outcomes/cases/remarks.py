"""What a user should be told about the rows that were set aside: the main rules first, then each row."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from outcomes.errors import Finding

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes
    from outcomes.cases.visits import Visits


def list_main_reasons(visits: Visits, most: int = 3) -> list[Finding]:
    """Return the rules that set most rows aside, with their remedies."""
    codes = visits.quarantine["code"].to_pylist()
    found = []
    for code, n in sorted(Counter(codes).items(), key=lambda item: (-item[1], item[0]))[:most]:
        row = visits.quarantine.slice(codes.index(code), 1)
        first = {name: row[name][0].as_py() for name in ("column", "source_file", "rule", "remedy")}
        place = f"column '{first['column']}'" if first["column"] else first["source_file"]
        found.append(Finding(code, f"{first['rule']}: {n:,} rows.", place, first["remedy"]))
    return found


def write_rows_set_aside(episodes: Episodes, release: Path) -> Path | None:
    """Write the quarantine beside a release; None, and an old one removed, where no row was set aside.

    Never into the release: it points at single records and is for its owner only.
    """
    from outcomes.cases.export import write_quarantine

    path = release.parent / f"{release.name}-rows-set-aside.csv"
    path.unlink(missing_ok=True)
    if not episodes.visits.quarantine.num_rows:
        return None
    write_quarantine(episodes, path)
    return path
