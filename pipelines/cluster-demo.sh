#!/usr/bin/env bash
# A cluster on this machine: one scheduler, two executors, a run on it, and the same run without it, file by file the same.
#   pipelines/cluster-demo.sh REBOUND
set -euo pipefail
cd "$(dirname "$0")/.."
rebound=$1
scheduler=127.0.0.1:${SCHEDULER_PORT:-50050}
folder=$(mktemp -d)
failed() { echo "the demo failed; what the cluster said:" >&2; cat "$folder"/*.log >&2; exit 1; }
trap failed ERR
trap 'kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT

"$rebound" cluster scheduler --bind "$scheduler" 2>"$folder/scheduler.log" &
started=$!
"$rebound" cluster executor --scheduler "$scheduler" --bind 127.0.0.1:50061 --tasks 1 2>"$folder/executor-1.log" &
"$rebound" cluster executor --scheduler "$scheduler" --bind 127.0.0.1:50071 --tasks 1 2>"$folder/executor-2.log" &

# The scheduler listens after a moment.
for _ in $(seq 50); do
    (exec 3<>"/dev/tcp/${scheduler%:*}/${scheduler#*:}") 2>/dev/null && break
    sleep 0.2
done
kill -0 $started 2>/dev/null || failed

echo "one scheduler and two executors on this machine:"
"$rebound" run pipelines/australia.yaml --lake "$folder/cluster" --engine ballista --scheduler "$scheduler"
echo
echo "without them:"
"$rebound" --quiet run pipelines/australia.yaml --lake "$folder/alone"
files() { (cd "$1/tables" && find . -name '*.parquet' -print0 | sort -z | xargs -0 sha256sum); }
diff <(files "$folder/cluster") <(files "$folder/alone")
echo "$(files "$folder/alone" | wc -l) Parquet files, byte for byte the same"
