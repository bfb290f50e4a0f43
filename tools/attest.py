"""What a wheel was made of, in the form that supply-chain tools read, and who says so: written by `make wheel`.

    dist/<wheel>.intoto.json        its SHA-256, commit, lock and tools (in-toto Statement v1, SLSA provenance v1)
    dist/<wheel>.intoto.json.sig    the signature of whoever built it, with `make wheel KEY=~/.ssh/id_ed25519`

Two builds of a commit by the same tools say the same, byte by byte. The key is one for SSH, for everyone has such a key
and the program that checks it. What others do with the three files stands in SECURITY.md.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import subprocess
from pathlib import Path

import flit_core

NAMESPACE = "outcomes-wheel"
"""What a signature is for: one made with the same key for a commit or a letter does not fit."""
BUILD_TYPE = "urn:outcomes:make-wheel:v1"


def hash_of(path: Path) -> dict[str, str]:
    """Return the digest of a file, as in-toto writes it."""
    return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def write_statement(wheel: Path, commit: str, lock: Path) -> Path:
    """Write what a wheel was made of beside it.

    Parameters
    ----------
    wheel : Path
    commit : str
        Name of the commit it was built from.
    lock : Path
        Versions and hashes of what it was built with.

    Returns
    -------
    Path
        Of the statement.
    """
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": wheel.name, "digest": hash_of(wheel)}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"commit": commit},
                "resolvedDependencies": [
                    {"name": "source", "digest": {"gitCommit": commit}},
                    {"name": lock.name, "digest": hash_of(lock)},
                ],
            },
            "runDetails": {
                "builder": {
                    "id": BUILD_TYPE,
                    "version": {"flit_core": flit_core.__version__, "python": platform.python_version()},
                }
            },
        },
    }
    target = wheel.with_name(f"{wheel.name}.intoto.json")
    part = target.with_name(f".{target.name}.part")
    part.write_text(json.dumps(statement, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    part.replace(target)
    _signature_of(target).unlink(missing_ok=True)  # of a build before; `ssh-keygen` would ask before it writes over one
    return target


def sign(statement: Path, key: Path) -> Path:
    """Sign a statement with a private SSH key, and return the signature's path.

    Raises
    ------
    SystemExit
        Without `ssh-keygen`, or when it does not take the key; nothing is left then.
    """
    program = shutil.which("ssh-keygen")
    if program is None:
        raise SystemExit("ssh-keygen is not there: install OpenSSH, or leave KEY out.")
    target = _signature_of(statement)
    command = [program, "-q", "-Y", "sign", "-f", str(key.expanduser()), "-n", NAMESPACE, str(statement)]
    if subprocess.run(command, check=False).returncode:
        target.unlink(missing_ok=True)
        raise SystemExit(f"{statement.name} was not signed (above): KEY is a private SSH key, like ~/.ssh/id_ed25519.")
    return target


def _signature_of(statement: Path) -> Path:
    return statement.with_name(f"{statement.name}.sig")
