# Sourced by the scripts beside it: the project's root and how they speak.

root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)"

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() {
    say "$@"
    exit 1
}

# The graphs of this checkout are found from every directory, after the user's own.
export SLUICE_GRAPH_PATH="${SLUICE_GRAPH_PATH:+$SLUICE_GRAPH_PATH:}$root/graphs"
