#!/bin/sh
# Compile requirements.txt from pyproject.toml, for every supported Python and platform at once.
#
# uv does it because its --universal lock holds no setting of this machine. It is taken from the
# path, or installed into a folder that is thrown away: nothing else in the project needs it.
set -eu
cd "$(dirname "$0")/.."

if command -v uv >/dev/null; then
    uv=uv
else
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    echo "Fetching uv into a temporary folder ..." >&2
    .venv/bin/python -I -m venv "$scratch"
    "$scratch/bin/python" -I src/tutorials_lib/environment.py install --quiet \
        --disable-pip-version-check uv
    uv=$scratch/bin/uv
fi

"$uv" pip compile pyproject.toml --extra book --extra dev --universal --python-version 3.11 \
    --fork-strategy fewest --generate-hashes --no-annotate --no-emit-index-url --no-header \
    --quiet -o requirements.txt "$@"
echo "requirements.txt is up to date; the next command installs what changed." >&2
