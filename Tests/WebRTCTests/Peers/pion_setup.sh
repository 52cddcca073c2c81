#!/usr/bin/env bash
# Builds the peer of pion: pion_setup.sh SOURCE FOLDER. It is built where there is none, or one of an older source.
# Debian's libraries are a GOPATH; only a package with a go.mod inside it may import a path that ends in /v3.
set -euo pipefail
source="$1" folder="$2" libraries=/usr/share/gocode
[[ -x "$folder/pion_peer" && ! "$source" -nt "$folder/pion_peer" ]] && exit 0
command -v go >/dev/null || { echo "there is no Go compiler (golang-go)" >&2; exit 1; }
[[ -d "$libraries/src/github.com/pion/webrtc" ]] || { echo "golang-github-pion-webrtc.v3-dev is missing" >&2; exit 1; }
place="$folder/src/pionpeer"
mkdir -p "$place"
exec 9>"$folder/lock"
flock 9
[[ -x "$folder/pion_peer" && ! "$source" -nt "$folder/pion_peer" ]] && exit 0
cp "$source" "$place/main.go"
echo "module pionpeer" >"$place/go.mod"
cd "$place"
GO111MODULE=off GOFLAGS="" GOPATH="$folder:$libraries" GOCACHE="$folder/cache" go build -o "$folder/pion_peer" .
