#!/usr/bin/env bash
# A stranger's package, made by tools/new-plugin, builds, passes its own test and runs in a graph.
set -euo pipefail
root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)"
scratch="$(mktemp -d)"
trap 'rm -rf -- "$scratch"' EXIT
fail() {
    echo "new-plugin: $*" >&2
    exit 1
}

for name in "ga in" -gain gain- "Ga in" "../Gain" "" "Gain;ls" 9Lives; do
    "$root/tools/new-plugin" "$name" "$scratch/bad" 2>"$scratch/errors" && fail "\"$name\" was accepted"
    [[ ! -e "$scratch/bad" ]] || fail "\"$name\" left something behind"
done
"$root/tools/new-plugin" Gain "$root" 2>/dev/null && fail "wrote into a directory that is not empty"

package="$scratch/my plugin"
"$root/tools/new-plugin" noise-gate "$package" 2>"$scratch/errors"
lines="$(find "$package" -type f -exec cat {} + | wc -l)"
((lines <= 60)) || fail "$lines lines, more than 60"

cd -- "$package"
swift build >&2
swift test >&2
"$root/.build/debug/sluice" inspect noise-gate --plugin-path .build/debug | grep -q gain_db || fail "inspect does not know the node"
"$root/.build/debug/sluice" run ./noise-gate.json --plugin-path .build/debug --report report.json
grep -q '"node": {"type": "noise-gate", "state": "finished", "frames_in": 1000, "frames_out": 1000' report.json ||
    fail "the node did not pass 1000 frames"
