# Sourced by the scripts beside it: the project's root and how they speak.

root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)"

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() {
    say "$@"
    exit 1
}

# The graphs of this checkout are found from every directory, after the user's own.
export SLUICE_GRAPH_PATH="${SLUICE_GRAPH_PATH:+$SLUICE_GRAPH_PATH:}$root/graphs"

# How long the first build takes here: it keeps one core busy for three minutes, six with the tests.
first_build_minutes() {
    local work=3 cores
    cores="$(nproc 2>/dev/null || echo 1)"
    [[ "$1" == release ]] || work=6
    if ((cores > 1)); then echo "$(((work + 1) / 2)) minutes on $cores cores"; else echo "$work minutes on one core"; fi
}

# quietly LOG COMMAND…: what the command says goes to the file LOG. On a terminal one line tells how far a build is. When
# the command fails, it is shown without its progress; when it succeeds, the warnings in it are.
quietly() {
    local log="$1" status=0 watcher=""
    shift
    mkdir -p -- "$(dirname -- "$log")"
    : >"$log"
    if [[ -t 2 ]]; then
        watch_build "$log" &
        watcher=$!
    fi
    "$@" >"$log" 2>&1 </dev/null || status=$?
    if [[ -n "$watcher" ]]; then
        kill "$watcher" 2>/dev/null || true
        wait "$watcher" 2>/dev/null || true
        printf '\r\e[K' >&2
    fi
    if [[ $status == 0 ]]; then
        grep -aE '(^|[[:space:]])warning: ' "$log" | sort -u >&2 || true
    else
        # The step that failed stands in a line of its own that progress has not.
        grep -avE '^\[[0-9]+/[0-9]+\] |^(Building|Planning|Write|Compiling|Fetch)' "$log" >&2 || true
        say "failed; all of its output is in $log"
    fi
    return "$status"
}

# Writes the last step of a build over and over into one line of the terminal, until the script that asked has ended.
watch_build() {
    local started=$SECONDS line columns
    while kill -0 "$$" 2>/dev/null; do
        line="$(grep -aE '^\[[0-9]+/[0-9]+\] |Another instance' "$1" | tail -n 1)" || line="planning"
        columns="$(tput cols 2>/dev/null || echo 80)"
        line="$((SECONDS - started)) s  $line"
        printf '\r\e[K%s' "${line:0:columns-1}" >&2
        sleep 0.5
    done
}
