#!/usr/bin/env bash
# Tests and measures our loop on a GPU, in less than 8 minutes:
#
#     GAN_TUTORIAL_DATA=FOLDER PYTHON=python3 benchmarks/on_a_gpu.sh OUT [--device cpu] [--small]
#
# Needs Python with torch, numpy, scipy, matplotlib, pytest, pytest-timeout, psutil and tqdm; nothing of Jupyter, no
# network, nothing installed.  FOLDER holds FashionMNIST's four files, packed (.gz) or not, in FashionMNIST/raw or itself.
# Into OUT go log.txt, samples.png and results.json; what a part has found stays there if a later one fails.
# Exit status: 0 if each part ran well, 1 if not, 2 if there was nothing to begin with.  `--device cpu --small`: a trial.
set -u
stop() { echo "on_a_gpu.sh: $1" >&2; exit 2; }

[ $# -gt 0 ] && [ "${1#-}" = "$1" ] || stop "name a folder for the results first: benchmarks/on_a_gpu.sh OUT [--device cpu] [--small]"
out=$1
shift
mkdir -p "$out" && out=$(cd "$out" && pwd) || stop "$out is no folder to write to; name another."
python=$(command -v "${PYTHON:-python3}") || stop "there is no ${PYTHON:-python3} here; name a Python with PYTHON=..."
case $python in /*) ;; *) python=$PWD/$python ;; esac

if [ -n "${GAN_TUTORIAL_DATA:-}" ]; then # torchvision, which the textbook reads with, wants the files unpacked
    unpacked=$(mktemp -d) || stop "there is no room for temporary files."
    trap 'rm -rf "$unpacked"' EXIT
    raw=$unpacked/FashionMNIST/raw
    mkdir -p "$raw"
    data=$(cd "$GAN_TUTORIAL_DATA" && pwd) || stop "GAN_TUTORIAL_DATA names no folder: $GAN_TUTORIAL_DATA."
    for name in {train,t10k}-{images-idx3,labels-idx1}-ubyte; do
        for file in "$data/FashionMNIST/raw/$name" "$data/$name"; do
            if [ -f "$file" ]; then ln -s "$file" "$raw/$name" && break; fi
            if [ -f "$file.gz" ]; then gzip -dc "$file.gz" > "$raw/$name" && break; fi
        done
        [ -s "$raw/$name" ] || stop "there is no $name.gz in $data, which GAN_TUTORIAL_DATA names."
    done
    export GAN_TUTORIAL_DATA=$unpacked
fi

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
unset PYTEST_ADDOPTS
export PYTHONPATH=$PWD PYTHONUNBUFFERED=1
rm -f "$out"/{parts.txt,log.txt,samples.png} "$out"/{tests,processes,loops,kernels,pictures,results}.json

# Each part with the seconds after which it is ended: together less than 8 minutes.  A trial may take its time.
slack=1
case " $* " in *" cpu "* | *" --small "*) slack=5 ;; esac
measure() {
    for part in tests:170 processes:50 loops:115 kernels:45 pictures:70; do
        start=$SECONDS
        printf '\n==== %s\n' "${part%:*}"
        timeout -k 5 $((slack * ${part#*:})) "$python" benchmarks/on_a_gpu.py "${part%:*}" "$out" "$@"
        echo "${part%:*} $? $((SECONDS - start))" >> "$out/parts.txt"
    done
    printf '\n==== results\n'
    timeout -k 5 $((slack * 20)) "$python" benchmarks/on_a_gpu.py results "$out" "$@" || return 1
}
measure "$@" 2>&1 | tee "$out/log.txt"
exit "${PIPESTATUS[0]}"
