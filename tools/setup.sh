#!/bin/sh
# Make .venv hold exactly what requirements.txt and pyproject.toml ask for.
#
# Quick when nothing has changed: the stamp holds a checksum of both files and the place of the
# checkout, so that pip runs again only when one of them differs. An installation that was cut
# short leaves the mark "incomplete", and the next one starts from an empty environment.
#
# Pythons are run with -I, for which no PYTHONPATH, PYTHONHOME, ... exists.
set -eu
cd "$(dirname "$0")/.."

venv=.venv
stamp=$venv/.installed
incomplete=$venv/.incomplete
wanted="$(cat requirements.txt pyproject.toml | cksum) $(pwd)"

say() { printf '%s\n' "$*" >&2; }

# Print "3.12" for a Python that can be run, and nothing otherwise.
version_of() { "$1" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true; }

supported() { case "$1" in 3.11 | 3.12 | 3.13) ;; *) return 1 ;; esac; }

# Choose the first Python of the list that is supported and can make an environment.
choose_python() {
    chosen=""
    seen=""
    without_venv=""
    set -- python3 python3.13 python3.12 python3.11 python
    if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"; fi
    for candidate; do
        version=$(version_of "$candidate")
        [ -n "$version" ] || continue
        if ! supported "$version"; then
            case "$seen" in *"$version"*) ;; *) seen="$seen${seen:+, }$version" ;; esac
        elif ! "$candidate" -I -c 'import ensurepip, venv' 2>/dev/null; then
            without_venv=${without_venv:-$version}
        else
            chosen=$candidate
            return
        fi
    done
    if [ -n "$without_venv" ]; then
        say "Python $without_venv has no venv module. On Debian or Ubuntu: sudo apt install" \
            "python$without_venv-venv; or name another Python: make PYTHON=/path/to/python3.12"
    elif [ -n "${PYTHON:-}" ] && [ -z "$seen" ]; then
        say "PYTHON=$PYTHON cannot be run. Name a Python 3.11, 3.12 or 3.13:" \
            "make PYTHON=/path/to/python3.12"
    else
        say "Python 3.11, 3.12 or 3.13 is needed; found ${seen:-none}. Install one of them, or" \
            "name it: make PYTHON=/path/to/python3.12"
    fi
    exit 1
}

here=$(version_of $venv/bin/python)
if [ -n "${PYTHON:-}" ] && [ -n "$here" ] && [ "$(version_of "$PYTHON")" != "$here" ]; then
    rm -f $stamp # another Python was asked for
    here=""
fi
if [ -n "$here" ] && [ -f $stamp ] && [ "$(cat $stamp)" = "$wanted" ]; then
    exit 0
fi

start=$(date +%s)
if [ -e $incomplete ] || ! supported "$here" || ! $venv/bin/python -I -m pip --version >/dev/null; then
    choose_python
    say "Setting up .venv with Python $version, once; this takes a minute or two ..."
    mkdir -p $venv
    : >$incomplete
    # --clear would remove the mark as well, so that a cut right after it went unseen.
    find $venv/ -mindepth 1 -maxdepth 1 ! -name .incomplete -exec rm -rf {} +
    "$chosen" -I -m venv $venv
else
    say "requirements.txt or pyproject.toml has changed; bringing .venv up to date ..."
    : >$incomplete
fi
rm -f $stamp

# Run by this file, pip reads what may pass of its settings, and nothing else.
pip() {
    $venv/bin/python -I src/tutorials_lib/environment.py "$@" \
        --quiet --quiet --disable-pip-version-check --no-input
}
if ! pip install --require-hashes -r requirements.txt ||
    ! pip install --no-deps --no-build-isolation -e .; then
    say "The installation did not finish (the reason is above). It needs the package index once:" \
        "run the same command again when it can be reached."
    exit 1
fi

printf '%s\n' "$wanted" >$stamp
rm -f $incomplete
say "Set up in $(($(date +%s) - start)) s."
