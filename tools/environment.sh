#!/bin/sh
# Makes the environment a make target needs, from a hashed lock, and does nothing when it is already so.
#
#   tools/environment.sh requirements.lock          what `make report` and `make lab` need
#   tools/environment.sh requirements-dev.lock      the same and the test tools
#   tools/environment.sh requirements-bench.lock    the same and the benchmark's peers
#   VENV=.venv-peers tools/environment.sh requirements-peers.lock    the peers of the estimates, apart from all others
#
# PYTHON names the interpreter to use, VENV the folder to make (default .venv). What was installed is remembered in the
# folder by content: a changed lock or a moved checkout installs again; a set-up that was interrupted, an interpreter
# that has gone or another PYTHON makes the folder anew. A folder that something else made is never emptied.
set -eu

cd "$(dirname "$0")/.."
lock=$1
venv=${VENV:-.venv}
log="$venv/set-up.log"
unfinished="$venv/.unfinished"
ours="$venv/.made-by-outcomes"

say() { printf '%s\n' "$*" >&2; }

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        python=$PYTHON
    else
        python=python3
        for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
            if is_new_enough "$candidate"; then python=$candidate; break; fi
        done
    fi
    version=$(version_of "$python") || version=
    if [ -z "$version" ]; then
        say "There is no working Python here: '$python' does not start. Install Python 3.11 or newer, or name one:"
        say "    make PYTHON=/path/to/python3.12 ..."
        exit 2
    fi
    if ! is_new_enough "$python"; then
        say "Python 3.11 or newer is needed; '$python' is $version. Install a newer one, or name it:"
        say "    make PYTHON=/path/to/python3.12 ..."
        exit 2
    fi
}

check_venv_module() {
    "$python" -c 'import ensurepip, venv' 2>/dev/null && return
    say "This Python ($python, $version) came without 'venv', which keeps the packages in a folder of their own."
    if command -v apt-get >/dev/null; then
        sudo=$( [ "$(id -u)" = 0 ] || echo 'sudo ' )
        say "This line mends it; then say the same make again:"
        say "    ${sudo}apt-get update && ${sudo}apt-get install -y python$version-venv"
    else
        say "Install a complete Python 3.11 or newer (its 'ensurepip' module must be there) and name it:"
        say "    make PYTHON=/path/to/python3.12 ..."
    fi
    exit 2
}

# Everything that decides what the folder holds, in one number.
fingerprint() { { pwd; version_of "$venv/bin/python"; cat "$1" pyproject.toml tools/environment.sh; } | cksum; }

# Only what this script made is ever emptied: an environment someone else made and may be using is left as it is.
is_ours() { [ -e "$ours" ]; }

is_empty() { [ ! -e "$venv" ] || [ -z "$(ls -A "$venv" 2>/dev/null)" ]; }

is_asked_for() { [ -z "${PYTHON:-}" ] || [ "$(version_of "$PYTHON")" = "$(version_of "$venv/bin/python")" ]; }

is_installed() {
    [ ! -e "$unfinished" ] && [ -e "$venv/.installed-$lock" ] &&
        [ "$(cat "$venv/.installed-$lock")" = "$(fingerprint "$lock" 2>/dev/null)" ]
}

# What was left half-made is only sure to be whole again when made anew; a stranger's folder is installed into once more.
is_usable() {
    { [ ! -e "$unfinished" ] || ! is_ours; } && is_new_enough "$venv/bin/python" && "$venv/bin/python" -m pip --version >/dev/null 2>&1
}

make_venv() {
    if ! is_empty && ! is_ours; then
        say "'$venv' was not made by this Makefile and does not serve as it is (pip, Python 3.11 or newer, or the"
        say "PYTHON asked for is missing in it). It is left untouched: remove or rename it, or use another folder:"
        say "    make VENV=.venv-outcomes ..."
        exit 2
    fi
    find_python
    check_venv_module
    is_empty || say "The environment in $venv is unfinished or of another Python: making it again."
    # The marks go in first, and one stays until all is in: a folder left half-made is known as ours and made again.
    mkdir -p "$venv"
    : >"$ours"
    : >"$unfinished"
    find "$venv" -mindepth 1 -maxdepth 1 ! -name .unfinished ! -name .made-by-outcomes -exec rm -rf {} +
    "$python" -m venv "$venv" >&2 || { say "Making $venv failed, see above."; exit 2; }
}

# Runs a command with its output in the log and a dot on the screen for each package.
run_logged() {
    { if "$@" 2>&1; then echo "set-up: done"; else echo "set-up: failed"; fi; } | while IFS= read -r line; do
        printf '%s\n' "$line" >>"$log"
        case $line in Collecting*|Installing*|*Prepared*|*Installed*) printf . >&2 ;; esac
    done
    [ "$(tail -n 1 "$log")" = "set-up: done" ]
}

install_lock() {
    set -- install --require-hashes --only-binary :all: -r "$lock"
    # uv does the same in less time; it is used where it happens to be, and never needed.
    if command -v uv >/dev/null &&
        run_logged uv pip "$@" --python "$venv/bin/python" --compile-bytecode; then return; fi
    run_logged "$venv/bin/python" -m pip "$@" --disable-pip-version-check
}

if is_installed && is_asked_for; then exit 0; fi
{ is_usable && is_asked_for; } || make_venv

printf 'Installing %s into %s (about 1.2 GB; a minute or more the first time) ' "$lock" "$venv" >&2
: >"$unfinished"
: >"$log"
if ! install_lock || ! run_logged "$venv/bin/python" -m pip install --disable-pip-version-check --no-deps \
    --no-build-isolation -e .; then
    say ""
    grep -v '^WARNING' "$log" | tail -n 15 >&2
    say "The set-up failed; the whole story is in $log. The next make starts it again."
    exit 2
fi
# What is compiled at its first call is compiled here, so that no report waits for it.
[ "$lock" = requirements-peers.lock ] ||
    run_logged "$venv/bin/python" -c 'from outcomes.estimators.refits import prepare; prepare()' || {
    say ""
    say "Compiling failed; the whole story is in $log."
    exit 2
}
# Each lock but the peers' holds all of requirements.lock in the same versions (tests/unit/test_project.py), so both are
# now in.
[ "$lock" = requirements-peers.lock ] || fingerprint requirements.lock >"$venv/.installed-requirements.lock"
fingerprint "$lock" >"$venv/.installed-$lock"
rm -f "$unfinished"
say " done"
