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

"$root/tools/new-plugin" --sound Gain "$scratch/bad" 2>/dev/null && fail "--sound was accepted"

# made NAME FILE: the package in the working directory builds, passes its test, and its graph writes FILE.
made() {
    local name="$1" most="$2" lines
    lines="$(find . -type f -not -path './.build/*' -exec cat {} + | wc -l)"
    ((lines <= most)) || fail "$name: $lines lines, more than $most"
    swift build >build.log 2>&1 || fail "$name does not build: $(cat build.log)"
    swift test >test.log 2>&1 || fail "$name fails its test: $(cat test.log)"
    "$root/.build/debug/sluice" run "./$name.json" --plugin-path .build/debug --clock virtual --report report.json
    grep -q "\"node\": {\"type\": \"$name\", \"state\": \"finished\"" report.json || fail "$name did not finish"
    [[ -s "$name.webm" ]] || fail "$name.webm was not written"
}

package="$scratch/my plugin"
"$root/tools/new-plugin" noise-gate "$package" 2>"$scratch/errors"
cd -- "$package"
made noise-gate 75
"$root/.build/debug/sluice" inspect noise-gate --plugin-path .build/debug | grep -q gain_db || fail "inspect does not know the node"

"$root/tools/new-plugin" --video Mirror "$scratch/mirror" 2>"$scratch/errors"
cd -- "$scratch/mirror"


made mirror 90
"$root/.build/debug/sluice" inspect mirror --plugin-path .build/debug | grep -q "left | right" || fail "inspect does not tell the choices"
"$root/.build/debug/sluice" validate ./mirror.json --plugin-path .build/debug >/dev/null || fail "the graph is not valid"
