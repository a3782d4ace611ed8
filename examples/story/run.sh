#!/usr/bin/env bash
# The story of a race, from the source to the ticket, in one run: examples/story/run.sh [UNPANIC]
# Works in a folder of its own; needs Go 1.21 or later and the ports below.
set -euo pipefail
unpanic=$(realpath "${1:-$(command -v unpanic)}")
: "${SHOP_PORT:=18080}" "${TICKETS_PORT:=18099}"
story=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
jobs=()
finish() {
  # Without a name, wait would wait for what shows our output, too.
  for job in "${jobs[@]}"; do
    kill "$job" 2>/dev/null || true
    wait "$job" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap finish EXIT
cp -R "$story"/{cmd,internal,tickets,go.mod,gate.toml,traffic.toml,fix.patch} "$work"
cd "$work"
# What differs from machine to machine is not told.
exec > >(sed -e "s|$work/||g" -e "s|$(go env GOROOT)|GOROOT|g")
export UNPANIC_CACHE_DIR=$work/.cache UNPANIC_COLOR=never

say() { printf '\n## %s\n\n' "$1"; }
# Runs a command, shows it with what it prints, and stops the story if the exit code is not what it is about.
show() {
  local expected=$1 code=0
  shift
  printf '```console\n$ %s\n' "${*/#"$unpanic"/unpanic}"
  "$@" 2> stderr || code=$?
  printf '```\n'
  if [ "$code" != "$expected" ]; then
    cat stderr >&2
    echo "the story breaks here: exit code $code, expected $expected" >&2
    exit 1
  fi
}

echo '# The story of a race'
echo
echo 'What `examples/story/run.sh` printed: from the source to the ticket, in one run.'

say 'The tests pass, with -race too'
show 0 go test ./...

say 'check finds two races'
show 1 "$unpanic" check

say 'prove makes them happen'
show 1 "$unpanic" prove --timeout 5

say 'The gate refuses the release'
go build -o shop ./cmd/shop
show 11 "$unpanic" gate --config gate.toml -- ./shop

say 'The price list is mended; the visitors "can wait, only the owner looks at them"'
show 0 cat fix.patch
patch -s -p1 < fix.patch
"$unpanic" check --format json > findings.json || true
show 1 "$unpanic" check --format github

say 'The gate passes'
go build -o shop ./cmd/shop
show 0 "$unpanic" gate --config gate.toml -- ./shop

say 'The owner looks. guard meets the crash: no visitor sees it, and a ticket names the racing line'
go build -o receive-ticket ./tickets
cat > unpanic.toml <<END
[[guard.incidents.sink]]
name = "tickets"
kind = "webhook"
url = "http://127.0.0.1:$TICKETS_PORT/"
END
./receive-ticket -listen "127.0.0.1:$TICKETS_PORT" > ticket.md &
receiver=$!
jobs+=("$receiver")
printf '```console\n$ unpanic guard --listen 127.0.0.1:%s --health /healthz --findings findings.json -- ./shop &\n```\n' "$SHOP_PORT"
"$unpanic" guard --listen "127.0.0.1:$SHOP_PORT" --admin none --health /healthz --findings findings.json -- ./shop 2> guard.log &
jobs+=($!)
# A race needs two at once: should a day pass without, the next one comes.
for _ in 1 2 3; do
  [ -s ticket.md ] || show 0 "$unpanic" gate --config traffic.toml --url "http://127.0.0.1:$SHOP_PORT"
done
wait "$receiver" || {
  cat guard.log >&2
  exit 1
}
echo
echo 'The ticket, as it came:'
echo
sed 's/^#/##/' ticket.md
