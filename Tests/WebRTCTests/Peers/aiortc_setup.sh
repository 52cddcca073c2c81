#!/usr/bin/env bash
# Makes a virtual environment with aiortc: aiortc_setup.sh FOLDER. It is made once; the index is asked only then.
set -euo pipefail
folder="$1"
[[ -x "$folder/bin/python" ]] && "$folder/bin/python" -c "import aiortc" 2>/dev/null && exit 0
mkdir -p "$(dirname -- "$folder")"
exec 9>"$folder.lock"
flock 9
"$folder/bin/python" -c "import aiortc" 2>/dev/null && exit 0
rm -rf "$folder"
/usr/bin/python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check "aiortc==1.9.0"
