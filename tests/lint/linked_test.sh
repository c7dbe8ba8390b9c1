#!/usr/bin/env bash
# What the programs take from libsodium: ristretto255, and of Ed25519 only signatures. Its point functions have judged
# wrongly which points belong to the group (A09). The sources are searched by lint_test.sh; here the finished
# programs are, so that no macro and no library in between hides a call. The first program calls one on purpose, and
# has to be found.
set -Eeuo pipefail
trap 'echo "linked_test.sh: line $LINENO ended with $?"' ERR
planted=${1:?usage: linked_test.sh PLANTED PROGRAM...}
shift
(($# > 0)) || { echo "no programs to look at"; exit 1; }

from_libsodium() { nm --undefined-only "$1" | { grep -oE '\bcrypto_[a-z0-9_]+' || true; } | sort -u; }
point_functions() { from_libsodium "$1" | { grep -E '^crypto_(core|scalarmult)_ed25519' || true; }; }

[[ -n $(point_functions "$planted") ]] || { echo "$planted calls a point function, and that is not seen"; exit 1; }
seen=0
failed=0
for program in "$@"; do
  found=$(point_functions "$program")
  [[ -z $found ]] || { echo "$program: $found"; failed=1; }
  [[ -z $(from_libsodium "$program") ]] || seen=$((seen + 1))
done
echo "$# programs, $seen of which call libsodium"
((seen > 0)) || { echo "no program calls libsodium: this test sees nothing"; exit 1; }
exit "$failed"
