#!/usr/bin/env bash
# The scripts in tools/ work from every directory and say what is wrong with status 2.
set -euo pipefail
root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)"
fail() {
    echo "tools: $*" >&2
    exit 1
}
# Runs the rest of the line and expects its status and a text in what it says.
expect() {
    local status="$1" text="$2" output got=0
    shift 2
    output="$("$@" 2>&1)" || got=$?
    [[ "$got" == "$status" ]] || fail "status $got, not $status: $* says $output"
    [[ "$output" == *"$text"* ]] || fail "$* does not say \"$text\" but $output"
}

for script in "$root"/tools/* "$root"/.ci/run "$root"/Tests/Scripts/*.sh; do
    [[ -f "$script" ]] || continue
    case "$(head -n 1 -- "$script")" in
    *bash | "# Sourced"*) bash -n -- "$script" ;;
    esac
done

cd /
expect 2 "which graph?" "$root/tools/run"
expect 2 "there is no option --nonsense" "$root/tools/setup" --nonsense
expect 0 "nothing is missing" "$root/tools/setup" --tests
expect 0 "" "$root/tools/setup" --quiet
expect 2 "release or debug" "$root/tools/build" fast

# A checkout in a path with a space, with nothing built.
scratch="$(mktemp -d)"
trap 'rm -rf -- "$scratch"' EXIT
mkdir -- "$scratch/a b"
cp -R -- "$root/tools" "$scratch/a b/tools"
expect 2 "nothing is built yet" "$scratch/a b/tools/sluice" list
mkdir -- "$scratch/bin"
ln -s -- "$(command -v dirname)" "$(command -v readlink)" "$scratch/bin/"
expect 1 "there is no Swift toolchain" env PATH="$scratch/bin" "$BASH" "$scratch/a b/tools/setup"

# Of speech, sizes are said before anything is fetched; when a package is gone it is named, and what else works.
mkdir -- "$scratch/offline"
printf '#!/bin/sh\n[ "$3" = --version ] || exit 1\n' >"$scratch/offline/python3"
chmod +x "$scratch/offline/python3"
set_up_speech() {
    PATH="$scratch/offline:$PATH" quiet=no bash -euo pipefail -c \
        'source "$1/tools/common.sh"; source "$1/tools/speech/setup.sh"; setup_speech' setup "$scratch/a b"
}
expect 1 "fetches 81 MB from PyPI" set_up_speech
expect 1 "PyPI did not give pywhispercpp 1.5.1 with the hash that is known to work. It has whisper.cpp's source" set_up_speech

# By a symlink, as ~/bin/sluice is.
ln -s -- "$scratch/a b/tools/sluice" "$scratch/bin/sluice"
expect 2 "nothing is built yet" "$scratch/bin/sluice" list

# A build says little: how long it takes, and at the end how long it took; where it fails, why.
mkdir -- "$scratch/toolchain"
cat >"$scratch/toolchain/swift" <<'END'
#!/bin/sh
[ "$1" != --version ] || { echo "Swift version 6.0"; exit 0; }
for step in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "[$step/12] Compiling Sluice Part$step.swift"; done
[ -z "$BREAKS" ] || { echo "Part7.swift:3:5: error: cannot find 'x' in scope"; exit 1; }
mkdir -p "$3/.build/release"
printf '#!/bin/sh\n' >"$3/.build/release/sluice"
chmod +x "$3/.build/release/sluice"
END
chmod +x "$scratch/toolchain/swift"
said="$(PATH="$scratch/toolchain:$PATH" BREAKS=yes "$scratch/a b/tools/build" 2>&1)" && fail "a build that failed is none"
[[ "$said" == *"the first time takes about "*" minutes on "*"error: cannot find 'x' in scope"* ]] || fail "the failed build says $said"
[[ "$said" != *"[3/12]"* ]] || fail "a failed build shows its progress: $said"
said="$(PATH="$scratch/toolchain:$PATH" "$scratch/a b/tools/run" demo 2>&1)"
[[ "$said" == "run: the first time takes about "* ]] || fail "the first run begins with $said"
(($(wc -l <<<"$said") <= 10)) || fail "a build prints more than ten lines: $said"
