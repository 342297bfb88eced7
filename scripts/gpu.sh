#!/usr/bin/env bash
# From a bare rented GPU machine to a trained SS4Rec on ML-1M; run it from anywhere, again after whatever stopped it.
#
#   scripts/gpu.sh                start in the background; the log is gpu/gpu.log, and closing the terminal stops nothing
#   scripts/gpu.sh --foreground   the same in this terminal
#   scripts/gpu.sh --dry-run      print the steps and their commands, and execute none
#   scripts/gpu.sh --status       which steps are done, and the last lines of the log
#
# Steps: machine, packages, doctor, data, preflight, benchmarks, train. A step that is done (gpu/NAME.done) is not
# repeated; training goes on from its last state. To repeat a step, remove its file.
#
# Variables: GPU_PYTHON   interpreter to start from (default: python3.11, 3.12 or 3.13, as make finds it)
#            GPU_VENV     environment with the packages (default: .venv, which make fills)
#            GPU_FOLDER   where log, marks and experiments are (default: gpu)
#            GPU_TEMPLATE what is trained (default: ss4rec-ml-1m), GPU_MODEL and GPU_DATASET (default: SS4Rec, ml-1m)
#            GPU_DATA     folder of the data sets (default: dataset)
#            GPU_SETTINGS further settings, KEY=VALUE separated by blanks
#            GPU_SEEDS    default: 42
#            GPU_STEPS    the steps to make, separated by blanks
#            GPU_NEEDED   no: for a trial without a GPU
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"
VENV=${GPU_VENV:-.venv}
PYTHON=$VENV/bin/python
FOLDER=${GPU_FOLDER:-gpu}
LOG=$FOLDER/gpu.log
TEMPLATE=${GPU_TEMPLATE:-ss4rec-ml-1m}
MODEL=${GPU_MODEL:-SS4Rec}
DATASET=${GPU_DATASET:-ml-1m}
DATA=${GPU_DATA:-dataset}
SEEDS=${GPU_SEEDS:-42}
NEEDED=${GPU_NEEDED:-yes}
ALL="machine packages doctor data preflight benchmarks train"
STEPS=${GPU_STEPS:-$ALL}
NAME=$(basename "$TEMPLATE" .yaml)
DRY=no
read -r -a SETTINGS <<< "data_path=$DATA ${GPU_SETTINGS:-}"

say() { printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*"; }

# do_it COMMAND...: print it, and execute it unless this is a dry run.
do_it() {
    printf '+ %s\n' "$*"
    [ "$DRY" = yes ] || "$@"
}

step_machine() {
    if [ "$NEEDED" = yes ]; then
        command -v nvidia-smi > /dev/null || [ "$DRY" = yes ] || {
            say "there is no nvidia-smi here: rent a machine with an NVIDIA driver, or set GPU_NEEDED=no for a trial"
            return 4
        }
        do_it nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv
    fi
    if ! command -v make > /dev/null && [ ! -x "$PYTHON" ]; then
        do_it apt-get update -q
        do_it apt-get install -yq make python3-venv
    fi
}

step_packages() {
    if [ "$VENV" = .venv ]; then
        do_it make setup ${GPU_PYTHON:+"PYTHON=$GPU_PYTHON"}
    else
        do_it test -x "$PYTHON"
    fi
}

step_doctor() { do_it "$PYTHON" run_recbole_ext.py doctor; }

step_data() {
    # ml-100k comes with RecBole; what is there already is not fetched again.
    if [ "$DATASET" = ml-100k ] || [ -f "$DATA/$DATASET/$DATASET.inter" ]; then
        say "$DATASET is there"
    else
        do_it "$PYTHON" -m dataset_tools convert "$DATASET" --download --output "$DATA"
    fi
}

words() { for setting in "${SETTINGS[@]}"; do printf -- '--%s\n' "$setting"; done; }

step_preflight() {
    mapfile -t settings < <(words)
    do_it "$PYTHON" run_recbole_ext.py preflight --model="$MODEL" --dataset="$DATASET" --config_files="$TEMPLATE" \
        "${settings[@]}"
}

step_benchmarks() {
    if [ "$NEEDED" = yes ]; then
        do_it "$PYTHON" -m benchmarks.gpu --data_path="$DATA"
    else
        do_it "$PYTHON" -m benchmarks.gpu --small
    fi
}

step_train() {
    local changes=() code=0
    for setting in "${SETTINGS[@]}"; do changes+=(--set "$setting"); done
    if [ ! -f "$FOLDER/experiments/$NAME/experiment.yaml" ]; then
        do_it "$PYTHON" run_recbole_ext.py experiment create "$TEMPLATE" "$NAME" --model="$MODEL" \
            --dataset="$DATASET" --seeds="$SEEDS" "${changes[@]}" --experiments-dir="$FOLDER/experiments"
    fi
    do_it "$PYTHON" run_recbole_ext.py experiment run "$NAME" --experiments-dir="$FOLDER/experiments" || code=$?
    if [ "$code" = 6 ]; then
        say "trained; a criterion of the template does not hold (exit code 6), see above"
        code=0
    fi
    return "$code"
}

make_steps() {
    local step code
    for step in $STEPS; do
        case " $ALL " in *" $step "*) ;; *) say "there is no step $step; steps: $ALL"; return 2 ;; esac
        if [ -f "$FOLDER/$step.done" ]; then
            say "$step: done before"
            continue
        fi
        say "$step"
        code=0
        set +e
        ( set -e; "step_$step" )
        code=$?
        set -e
        if [ "$code" != 0 ]; then
            say "$step ended with exit code $code; mend what it says, then start scripts/gpu.sh again"
            return "$code"
        fi
        [ "$DRY" = yes ] || touch "$FOLDER/$step.done"
    done
    say "all steps are done; results: $FOLDER/experiments/$NAME/report.html"
}

alone() {
    exec 9> "$FOLDER/.lock"
    flock -n 9 || { say "another scripts/gpu.sh is at work here; see $LOG"; exit 4; }
}

case ${1:-} in
    "")
        mkdir -p "$FOLDER"
        nohup setsid "${BASH_SOURCE[0]}" --foreground >> "$LOG" 2>&1 < /dev/null &
        echo "started, process $!; follow it with: tail -f $ROOT/$LOG"
        ;;
    --foreground)
        mkdir -p "$FOLDER"
        alone
        make_steps
        ;;
    --dry-run)
        DRY=yes
        make_steps
        ;;
    --status)
        for step in $ALL; do [ -f "$FOLDER/$step.done" ] && echo "$step: done" || echo "$step: open"; done
        if [ -f "$LOG" ]; then tail -n 5 "$LOG"; fi
        ;;
    *)
        echo "unknown option $1; see the first lines of scripts/gpu.sh" >&2
        exit 2
        ;;
esac
