#!/usr/bin/env bash
# Makes the TensorFlow samples of model_repository/ and the fixtures of test/fixtures/tensorflow/ again.
# Needs Python 3.11 or newer with venv, and about 1.5 GB for TensorFlow. Run from anywhere.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
venv="${TENSORFLOW_VENV:-.venv/tensorflow}"

if [ ! -x "$venv/bin/python" ]; then
  "${PYTHON:-python3}" -m venv "$venv"
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement tools/tensorflow/requirements.txt

export TF_ENABLE_ONEDNN_OPTS=0 PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1
for script in make_samples make_conformance make_text_classifier make_native_models; do
  "$venv/bin/python" "tools/tensorflow/$script.py"
done
