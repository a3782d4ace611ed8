#!/bin/sh
# Shows that the bad programs race and the good ones do not: builds each with -race and runs it RUNS
# times (10). Prints a table for README.md; fails when a good one races, or a bad one never does.
# Needs Go 1.26 and, for hazards 5 and 6 and the order service, the module proxy or a filled cache.
set -u
cd "$(dirname "$0")" || exit 3
runs=${RUNS:-10}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# verdict NAME RACY: compares the number of racy runs with what the name promises.
verdict() {
    case $1 in
    */bad-stale) wanted=0 ;;
    */bad*) wanted=1 ;;
    *) wanted=0 ;;
    esac
    if [ "$wanted" = 1 ] && [ "$2" = 0 ] || [ "$wanted" = 0 ] && [ "$2" != 0 ]; then
        failed=1
        echo "| $1 | $2 of $runs, which is wrong |"
    else
        echo "| $1 | $2 of $runs |"
    fi
}

echo "| program | runs in which -race reports |"
echo "|---|---|"
for program in hazards/*/*/; do
    program=${program%/}
    (cd "$program" && go vet ./... && go build -race -o "$work/program" .) || { failed=1; continue; }
    racy=0
    run=0
    while [ $run -lt "$runs" ]; do
        run=$((run + 1))
        GOMAXPROCS=4 timeout 60 "$work/program" >"$work/out" 2>&1
        grep -q 'WARNING: DATA RACE' "$work/out" && racy=$((racy + 1))
    done
    verdict "$program" $racy
done

# The order service: its tests pass, and under load each marked line turns up in a report.
(cd orders && go vet ./... && go test ./... >"$work/tests") || { cat "$work/tests"; failed=1; }
(cd orders && go test -race -c -o "$work/app.test" ./internal/app) || exit 1
run=0
while [ $run -lt "$runs" ]; do
    run=$((run + 1))
    # A map fatal in one hazard can end a run early; the others get their turn in the next one.
    (cd orders/internal/app && ORDERS_LOAD=1 GOMAXPROCS=4 timeout 120 "$work/app.test" -test.run TestLoad) >>"$work/load" 2>&1
done
echo
echo "| line of orders | reports that name it |"
echo "|---|---|"
for place in $(cd orders && grep -rn '// want "' --include='*.go' . | sed 's|^\./||; s|^\([^:]*:[0-9]*\):.*|\1|' | sort); do
    reports=$(grep -c "orders/$place " "$work/load")
    [ "$reports" = 0 ] && failed=1
    echo "| $place | $reports |"
done
exit $failed
