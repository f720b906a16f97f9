#!/usr/bin/env bash
# Makes the model files of model_repository/ and test/fixtures/digits-held-out.json again.
# Needs Python 3.11 or newer with venv. Run from anywhere; the virtual environment stays in .venv/samples.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
venv=.venv/samples

if [ ! -x "$venv/bin/python" ]; then
  "${PYTHON:-python3}" -m venv "$venv"
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement tools/samples/requirements.txt

# One thread: the order in which floating-point sums are added up decides their last bits.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 VECLIB_MAXIMUM_THREADS=1 PYTHONHASHSEED=0
# No __pycache__ beside the sources.
export PYTHONDONTWRITEBYTECODE=1

for script in make_simple make_sequences make_parity make_digits make_diabetes; do
  "$venv/bin/python" "tools/samples/$script.py"
done
