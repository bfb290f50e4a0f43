#!/bin/sh
# Writes requirements*.lock from pyproject.toml: every platform and Python at once, a hash for every file, no address.
#
#   tools/lock.sh              keeps the versions that still fit
#   tools/lock.sh --upgrade    takes the newest of everything
#
# uv is taken from PyPI into a folder of its own, so that it is neither needed by users nor part of what is locked.
set -eu

cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
tool=build/lock
# What was uploaded in the last week is not taken: by then others have found what was smuggled in, and it was withdrawn.
cooling="7 days"
[ -x "$tool/bin/uv" ] || { "$python" -m venv --clear "$tool" && "$tool/bin/python" -m pip install -q uv; }

# One version for every Python where there is one (--fork-strategy fewest): NumPy 2.5 draws other patients than 2.4.
compile() {
    UV_CUSTOM_COMPILE_COMMAND="make lock" "$tool/bin/uv" pip compile --quiet --universal --python-version 3.11 \
        --fork-strategy fewest --generate-hashes --no-emit-index-url --no-emit-find-links --exclude-newer "$cooling" "$@"
}

# The other two are solved under the first, so that tests and benchmarks run on what users run on.
compile pyproject.toml "$@" --group build --output-file requirements.lock
compile pyproject.toml "$@" --group dev --constraint requirements.lock --output-file requirements-dev.lock
compile pyproject.toml "$@" --group bench --constraint requirements.lock --output-file requirements-bench.lock

# The peers of the estimates do not run on pandas 3 and lie in a folder of their own (make bench-estimates). What they
# compute with is still what ours computes with. Without a wheel nothing is taken: the set-up installs wheels only.
same="$tool/same.txt"
grep -E '^(numpy|scipy|statsmodels)==' requirements.lock | sed 's/ *\\$//' >"$same"
compile "$@" --group peers --only-binary :all: --constraint "$same" --output-file requirements-peers.lock

if grep -n '://' requirements*.lock; then
    echo "A lock names an address (above); it would tie every user to it. Nothing else is wrong with it." >&2
    exit 1
fi
grep -c '==' requirements*.lock
