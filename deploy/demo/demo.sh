#!/bin/bash
# The main job from nothing: a server on loopback, a data set, a gated and a standard training, a prediction, a
# comparison and a scrape. `make demo` runs it after the build.
#
#   BIN_DIR   where the programs are (default: build/release/bin)
#   CSV       data to use instead of a synthetic set; with a column `fold`, that decides the split
#   MINUTES   of each training (default: 1.2, with CSV 10)
#   DEMO_DIR  where the results stay (default: a new directory below /tmp)
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
bin_dir=${BIN_DIR:-$root/build/release/bin}
csv=${CSV:-}
minutes=${MINUTES:-$([[ -n $csv ]] && echo 10 || echo 1.2)}
demo_dir=${DEMO_DIR:-$(mktemp -d "${TMPDIR:-/tmp}/deepbindnet-demo.XXXXXX")}
data_dir=$demo_dir/data
results=$demo_dir/results
log=$demo_dir/server.log
server_pid=

export OMP_WAIT_POLICY=PASSIVE
SECONDS=0

say() { printf '\n== %s\n' "$*"; }

# Shows a command as one would type it, and runs it.
run() {
  printf '$'
  printf ' %q' "${1##*/}" "${@:2}"
  printf '\n'
  "$@"
}

cli() { run "$bin_dir/deepbindnet" --server "$address" "$@"; }

stop_server() {
  [[ -n $server_pid ]] || return 0
  kill -TERM "$server_pid" 2> /dev/null || true
  wait "$server_pid" || true
  server_pid=
}

finish() {
  local code=$?
  trap - EXIT INT TERM
  stop_server
  if [[ $code -ne 0 && -s $log ]]; then
    echo "The demo failed; the end of $log:" >&2
    tail -n 20 "$log" >&2
  fi
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Starts the server on free ports and sets $address and $metrics from the line that says it is ready.
start_server() {
  : > "$demo_dir/ready"
  "$bin_dir/deepbindnet-server" --listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 --data-dir "$data_dir" \
    > "$demo_dir/ready" 2> "$log" &
  server_pid=$!
  until grep -q '^listening on ' "$demo_dir/ready"; do
    kill -0 "$server_pid" 2> /dev/null || { echo "the server did not start" >&2; return 1; }
    sleep 0.1
  done
  address=$(sed -n 's/^listening on \([^,]*\),.*/\1/p' "$demo_dir/ready")
  metrics=$(sed -n 's/^.*metrics on //p' "$demo_dir/ready")
}

read_csv() { if [[ $csv == *.gz ]]; then zcat "$csv"; else cat "$csv"; fi; }

# True where the CSV's header has the column $1.
has_column() { { read_csv || true; } | head -n 1 | tr -d '\r"' | tr ',' '\n' | grep -qx "$1"; }

for program in deepbindnet deepbindnet-server deepbindnet-worker; do
  [[ -x $bin_dir/$program ]] || { echo "$bin_dir/$program is missing; run make build" >&2; exit 1; }
done
[[ -z $csv || -r $csv ]] || { echo "CSV=$csv cannot be read" >&2; exit 1; }
[[ ! -e $data_dir ]] || { echo "$data_dir is an earlier demo's; remove it or name another DEMO_DIR" >&2; exit 1; }
mkdir -p "$results"

say "A server on loopback, with its data in $data_dir"
start_server
echo "gRPC on $address, metrics on http://$metrics/metrics, log in $log"
cli server status

say "A data set"
if [[ -z $csv ]]; then
  csv=$results/synthetic.csv
  run "$bin_dir/deepbindnet-worker" synthesize --out "$csv" --pairs 4000 --seed 42
  echo "Its affinities depend on pairs of substructure and motif; docs/synthetic-data.md has the rule."
fi
split=()
if has_column fold; then split=(--split-column fold); fi
cli datasets prepare "$csv" --name demo "${split[@]}"

for type in gated standard; do
  say "Training the $type model for at most $minutes minutes"
  cli train --dataset demo --name "$type" --model-type "$type" --max-minutes "$minutes"
done

say "One prediction, and a table of them"
cli predict --model gated --smiles 'CC(=O)Oc1ccccc1C(=O)O' --sequence MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ
{ read_csv || true; } | head -n 101 > "$results/pairs.csv"
cli predict --model gated --input "$results/pairs.csv" --output "$results/predictions.csv"

say "The gated model against the standard one"
cli compare --models standard gated --dataset demo --output-dir "$results/comparison"

say "What Prometheus would scrape"
echo "\$ curl http://$metrics/metrics | grep ..."
curl --silent --show-error --fail --noproxy '*' "http://$metrics/metrics" > "$results/metrics.txt"
grep -E '^(deepbindnet_jobs|grpc_server_handled_total|deepbindnet_predict_pairs_total)' "$results/metrics.txt" \
  | grep -v ' 0$'

say "The model's files"
cli models download gated --artifact best_model.pt --output-dir "$results/gated"

say "Stopping the server"
stop_server
rm -rf "$data_dir" "$demo_dir/ready"
cat <<END
Done in $((SECONDS / 60)) min $((SECONDS % 60)) s. What is left in $results:
  comparison/report.html   the comparison, charts included: open it in a browser
  predictions.csv          the first rows of the data with their predictions
  gated/best_model.pt      the gated model
  metrics.txt              the scrape
To go on by yourself: $bin_dir/deepbindnet-server --data-dir DIR, and README.md.
END
