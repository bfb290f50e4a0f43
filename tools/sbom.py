"""What a user installs, as a CycloneDX bill of materials and as a list of licences: `make sbom`.

    build/sbom/outcomes.cdx.json    every package of requirements.lock with version, licence, hashes, what needs it
    build/sbom/licences.csv         name, version, licence

The format and the reading of licences are those of cyclonedx-bom, in a throw-away environment of its own: neither users
nor tests need its fifty packages. It looks at the installed environment; what is not in the lock (test tools) is left
out, and what the lock holds for other systems is added without a licence. Ends with 1 if a locked package for this
system is not installed in the locked version, or has no licence that can be found.
"""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import venv
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

from packaging.markers import Marker

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
OUT = ROOT / "build" / "sbom"
TOOL = "cyclonedx-bom==7.5.0"
FORMAT = "1.6"
_ENTRY = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)(?: ; (?P<marker>[^\\]+))?", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def own_environment(requirement: str) -> Path:
    """Return the programs of a throw-away environment that holds one tool; made when it is needed."""
    folder = ROOT / "build" / "tools" / re.sub(r"\W+", "-", requirement)
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    done = folder / ".done"
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        install = [str(programs / "python"), "-m", "pip", "install", "--quiet", "--only-binary", ":all:", requirement]
        subprocess.run(install, check=True)
        done.touch()
    return programs


def read_lock(text: str) -> dict[str, dict[str, Any]]:
    """Return the packages of a lock by their normal name: version, marker, hashes."""
    starts = list(_ENTRY.finditer(text))
    ends = [*(entry.start() for entry in starts[1:]), len(text)]
    return {
        normal(entry["name"]): {
            "name": entry["name"],
            "version": entry["version"],
            "marker": (entry["marker"] or "").strip(),
            "hashes": _HASH.findall(text[entry.start() : end]),
        }
        for entry, end in zip(starts, ends, strict=True)
    }


def normal(name: str) -> str:
    """Return the name as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licence_of(component: dict[str, Any]) -> str:
    """Return the licence of a component as one text; empty where it names none."""
    said = []
    for entry in component.get("licenses", ()):
        one = entry.get("license", {})
        said.append(entry.get("expression") or one.get("id") or one.get("name") or "")
    trove = [word.removeprefix("License :: OSI Approved :: ").removeprefix("License :: ") for word in said if word]
    return "; ".join(dict.fromkeys(trove))


def build(found: dict[str, Any], lock: dict[str, dict[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    """Return the bill of the locked packages, and what is wrong with it."""
    known = {normal(component["name"]): component for component in found["components"]}
    kept, wrong = [], []
    for name, entry in sorted(lock.items()):
        component = known.get(name)
        if component is None or component["version"] != entry["version"]:
            if not entry["marker"] or Marker(entry["marker"]).evaluate():
                have = component["version"] if component else "nothing"
                wrong.append(f"{entry['name']} {entry['version']} is locked, and {have} is installed")
            key = f"{entry['name']}=={entry['version']}"
            component = {"bom-ref": key, "type": "library", "name": entry["name"], "version": entry["version"]}
            component["purl"] = f"pkg:pypi/{name}@{entry['version']}"
            component["properties"] = [{"name": "outcomes:only-where", "value": entry["marker"] or "not installed"}]
        elif not licence_of(component):
            if said := declared(entry["name"]):
                component["licenses"] = [{"license": {"name": said}}]
            else:
                wrong.append(f"{entry['name']} {entry['version']} names no licence")
        component["hashes"] = [{"alg": "SHA-256", "content": digest} for digest in sorted(entry["hashes"])[:1]]
        component.setdefault("properties", []).append(
            {"name": "outcomes:locked-files", "value": str(len(entry["hashes"]))}
        )
        kept.append(component)
    references = {component["bom-ref"] for component in kept} | {"root-component"}
    needs = [
        {**one, "dependsOn": [ref for ref in one.get("dependsOn", ()) if ref in references]}
        for one in found.get("dependencies", ())
        if one["ref"] in references
    ]
    return {**found, "components": kept, "dependencies": needs}, wrong


def declared(name: str) -> str:
    """Return what a package's own metadata calls its licence, where the tool found no name it knows."""
    try:
        about = metadata(name)
    except PackageNotFoundError:
        return ""
    text = (about.get("License-Expression") or about.get("License") or "").strip()
    return text.splitlines()[0] if text else ""


def main() -> int:
    """Write both files; return 1 if something is wrong with them."""
    OUT.mkdir(parents=True, exist_ok=True)
    programs, raw = own_environment(TOOL), OUT / "environment.json"
    command = [str(programs / "cyclonedx-py"), "environment", "--pyproject", str(ROOT / "pyproject.toml")]
    options = ["--output-reproducible", "--spec-version", FORMAT, "--output-format", "JSON", "--output-file", str(raw)]
    subprocess.run([*command, *options, sys.executable], check=True)
    bill, wrong = build(json.loads(raw.read_text("utf-8")), read_lock(LOCK.read_text("utf-8")))
    raw.unlink()
    text = json.dumps(bill, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    (OUT / "outcomes.cdx.json").write_text(text, encoding="utf-8")
    with (OUT / "licences.csv").open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(["package", "version", "licence"])
        rows.writerows([c["name"], c["version"], licence_of(c)] for c in bill["components"])
    print(f"{OUT / 'outcomes.cdx.json'}: {len(bill['components'])} packages; licences.csv beside it")
    for line in wrong:
        print(f"  {line}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
