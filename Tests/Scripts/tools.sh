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
ln -s -- "$(command -v dirname)" "$scratch/bin/"
expect 1 "there is no Swift toolchain" env PATH="$scratch/bin" "$BASH" "$scratch/a b/tools/setup"
