#!/usr/bin/env bash
# What tools/install makes runs where it was moved to, with an empty environment and no Swift toolchain.
set -euo pipefail
root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)"
scratch="$(mktemp -d)"
trap 'rm -rf -- "$scratch"' EXIT
fail() {
    echo "install: $*" >&2
    exit 1
}

for words in "" "--prefix /x" "a b"; do
    # shellcheck disable=SC2086 # Words are wanted apart.
    "$root/tools/install" $words 2>/dev/null && fail "took \"$words\""
done
mkdir -p -- "$scratch/other/lib/sluice"
"$root/tools/install" "$scratch/other" 2>/dev/null && fail "took the place of something else"

"$root/tools/install" "$scratch/first" 2>"$scratch/said"
(($(wc -l <"$scratch/said") <= 10)) || fail "said more than ten lines"
# Once more over itself, then elsewhere.
"$root/tools/install" "$scratch/first" 2>/dev/null
mv -- "$scratch/first" "$scratch/a place"
place="$scratch/a place"
empty=(env -i PATH=/usr/bin:/bin)

for file in "$place"/lib/sluice/sluice "$place"/lib/sluice/lib*.so; do
    strange="$("${empty[@]}" ldd "$file" | sed -n 's/.* => \(\/.*\) (0x[0-9a-f]*)$/\1/p' |
        grep -v -e '^/lib/' -e '^/usr/lib/' -e "^$place/" || true)"
    [[ -z "$strange" ]] || fail "$file loads $strange"
    "${empty[@]}" ldd "$file" | grep -q "not found" && fail "$file lacks $("${empty[@]}" ldd "$file" | grep "not found")"
done
cd -- "$scratch"
[[ "$("${empty[@]}" "$place/bin/sluice" version)" == "sluice "* ]] || fail "it does not tell its version"
"${empty[@]}" "$place/bin/sluice" run demo --set duration_s=1 --clock virtual --log json 2>"$scratch/said" ||
    fail "demo failed: $(cat "$scratch/said")"
[[ -s demo.webm ]] || fail "demo wrote no file"
"${empty[@]}" "$place/bin/sluice" list | grep -q "^  relay-audio " || fail "the graphs are not found"
[[ -z "$("${empty[@]}" "$place/bin/sluice" list 2>&1 >/dev/null)" ]] || fail "a plugin cannot be used"

# By a symlink from elsewhere.
ln -s -- "$place/bin/sluice" "$scratch/sluice"
"${empty[@]}" "$scratch/sluice" validate demo >/dev/null || fail "it does not work by a symlink"

# A plugin links the engine that is there; nothing of the engine is compiled.
"$place/bin/sluice-new-plugin" gain "$scratch/a plugin" 2>"$scratch/said"
grep -q 'sluice run ./gain.json' "$scratch/said" || fail "the next steps are not told: $(cat "$scratch/said")"
(
    cd -- "$scratch/a plugin"
    swift build >build.log 2>&1 || fail "the plugin does not build: $(cat build.log)"
    grep -qE 'Compiling (Sluice|CSys)' build.log && fail "the plugin compiles the engine again"
    swift test >test.log 2>&1 || fail "the plugin fails its test: $(cat test.log)"
    "${empty[@]}" "$place/bin/sluice" run ./gain.json --plugin-path .build/debug --clock virtual 2>run.log ||
        fail "the plugin does not run: $(cat run.log)"
    [[ -s gain.webm ]] || fail "the plugin's graph wrote nothing"
)

grep -q '^\.SH RUN$' "$place/share/man/man1/sluice.1" || fail "the man page has no section on run"
if command -v man >/dev/null; then
    MANWIDTH=100 man --warnings -l "$place/share/man/man1/sluice.1" 2>"$scratch/said" >/dev/null
    [[ ! -s "$scratch/said" ]] || fail "man warns: $(cat "$scratch/said")"
fi
complete_words() {
    "${empty[@]}" PATH="$place/bin:/usr/bin:/bin" bash -c 'source "$0"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _sluice
        printf "%s\n" "${COMPREPLY[@]}"' "$place/share/bash-completion/completions/sluice" "$@"
}
complete_words sluice ru | grep -qx run || fail "ru is not completed"
complete_words sluice run relay | grep -qx relay-audio || fail "a graph's name is not completed"
complete_words sluice run --cl | grep -qx -- --clock || fail "an option is not completed"
complete_words sluice run --clock v | grep -qx virtual || fail "a choice is not completed"
complete_words sluice inspect null | grep -qx null-sink || fail "a type is not completed"
