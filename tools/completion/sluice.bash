# Completion of the command sluice for bash: commands, options, values that an option names, graphs and node types.
_sluice() {
    local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD - 1]}" command="${COMP_WORDS[1]:-}" help words
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        words="$(sluice help 2>/dev/null | sed -n '/^Usage/,/^$/d; s/^  \([a-z]*\)  .*/\1/p')"
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
        return
    fi
    help="$(sluice help "$command" 2>/dev/null)"
    if [[ "$word" == -* ]]; then
        words="$(sed -n 's/^  \(-[-a-z]*\) .*/\1/p' <<<"$help") --help"
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
        return
    fi
    # A choice stands in the help as `--clock system|virtual`.
    words="$(sed -n "s/^  $before \([^ ]*|[^ ]*\) .*/\1/p" <<<"$help" 2>/dev/null)"
    if [[ -n "$words" ]]; then
        mapfile -t COMPREPLY < <(compgen -W "${words//|/ }" -- "$word")
        return
    fi
    case "$command" in
    help) words="$(sluice help 2>/dev/null | sed -n '/^Usage/,/^$/d; s/^  \([a-z]*\)  .*/\1/p')" ;;
    check) words=codecs ;;
    inspect) words="$(sluice list --all 2>/dev/null | sed -n 's/^  \([^ ]*\) .*/\1/p')" ;;
    run | validate | draw | latency) words="$(sluice list 2>/dev/null | sed -n '/^Graphs/,$s/^  \([^ ]*\) .*/\1/p')" ;;
    *) words="" ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word"; compgen -f -- "$word")
}
complete -o filenames -F _sluice sluice
