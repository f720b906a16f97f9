#!/usr/bin/env bash
# Installs Triton's C++ perf_analyzer with its two libraries, without root: install.sh TARGET PYTHON
#
# TARGET gets perf_analyzer and lib/; PYTHON must have pip. The wheels come from PyPI with pinned checksums, libb64 from the
# distribution, unless the machine has it.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
target=$1
python=$2
# Debian 12's; what another distribution calls the same has another version, and is checked by apt's signatures alone.
b64_package=libb64-0d_1.2-5+b1_amd64.deb
b64_sha256=b0e1d6fde8bdccc18c3884144aede064dc82464dd4777275fa80e74c05583e82

step() { printf 'interop: %s\n' "$*"; }
fail() { printf 'interop: %s\n' "$*" >&2; exit 1; }

# The stamp is written last, so that an interrupted installation starts over.
wanted="$(cat "$here/requirements.txt" "$here/install.sh" | cksum)"
if [ "$(cat "$target/installed" 2> /dev/null || true)" = "$wanted" ]; then
  step "using $target as it is"
  exit 0
fi
step "installing Triton's C++ perf_analyzer into $target"
rm -rf "$target"
mkdir -p "$target/lib"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

"$python" -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
  --platform manylinux1_x86_64 --platform manylinux2014_x86_64 --dest "$work" -r "$here/requirements.txt" \
  || fail "cannot download what $here/requirements.txt names: check the connection to PyPI, and run this again"
for wheel in "$work"/*.whl; do "$python" -m zipfile -e "$wheel" "$work/wheels"; done
cp "$work"/wheels/tritonclient-*.data/data/bin/perf_analyzer "$target/perf_analyzer"
chmod +x "$target/perf_analyzer"
cp "$work/wheels/nvidia/cuda_runtime/lib/libcudart.so.12" "$target/lib/"

# Of apt's own lists; where there are none, as in a fresh container, of lists in folders of our own.
download_b64() {
  command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null || return 1
  (cd "$work" && apt-get -qq download libb64-0d 2> "$work/apt.log") && return 0
  mkdir -p "$work/apt/state/lists/partial" "$work/apt/cache/archives/partial"
  touch "$work/apt/status"
  local own=(-qq -o "Dir::State=$work/apt/state" -o "Dir::State::status=$work/apt/status" -o "Dir::Cache=$work/apt/cache")
  (cd "$work" && apt-get "${own[@]}" update && apt-get "${own[@]}" download libb64-0d) >> "$work/apt.log" 2>&1
}
if ! ldconfig -p 2> /dev/null | grep -q 'libb64\.so\.0d'; then
  download_b64 || {
    cat "$work/apt.log" >&2 2> /dev/null || true
    fail "cannot download libb64.so.0d: install it (on Debian or Ubuntu, 'sudo apt-get install libb64-0d'), and run this again"
  }
  if [ -f "$work/$b64_package" ]; then
    printf '%s  %s\n' "$b64_sha256" "$work/$b64_package" | sha256sum --check --quiet \
      || fail "$b64_package has another checksum than install.sh says: look at it before you use it"
  fi
  dpkg-deb -x "$work"/libb64-0d_*.deb "$work/b64"
  find "$work/b64" -name 'libb64.so.0d' -exec cp -L {} "$target/lib/" \;
fi

LD_LIBRARY_PATH="$target/lib" "$target/perf_analyzer" --version > "$work/version" 2>&1 || {
  cat "$work/version" >&2
  fail "Triton's perf_analyzer does not start here: see the line above for the library that is missing"
}
step "$(head -n 1 "$work/version")"
printf '%s\n' "$wanted" > "$target/installed"
