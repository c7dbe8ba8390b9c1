#!/usr/bin/env bash
# House rules that no compiler checks. Each rule is a function that prints what breaks it under the current
# directory, one line each; before a rule is trusted, it has to find a violation planted for it and to pass the
# clean twin.
set -Eeuo pipefail
trap 'echo "lint_test.sh: line $LINENO ended with $?"' ERR
root=$(cd "${1:?usage: lint_test.sh REPOSITORY [+PROGRAM|-PROGRAM]...}" && pwd)
shift
programs=("$@") # + before those that link secret-key code, - before the others
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

components="collector voter-client mixnet tally audit verifier-app"

# files <regex>: the tracked files whose name matches; all files where there is no repository.
files() {
  { git -c safe.directory='*' ls-files 2>/dev/null || find . -type f -printf '%P\n'; } | { grep -E "$1" || true; } | sort
}
# search <grep -E pattern>: over the files named on standard input.
search() { xargs -r grep -nE -e "$1" /dev/null || true; }

sources='\.(h|cpp)$'
product="^(crypto|protocol|${components// /|})/.*\.(h|cpp)$"
texts='(\.(h|cpp|md|sh|cmake|proto|py|js|html|json|toml|yml|txt)|(^|/)(psephos|run|CMakeLists\.txt|LICENSE))$'

rule_format() { # the layout of .clang-format
  { files "$sources" | xargs -r -n 8 -P 2 clang-format-19 --dry-run -Werror --style="file:$root/.clang-format" 2>&1 ||
    true; } | { grep -E 'error:' || true; }
}
rule_includes() { # includes point down: components → protocol → crypto
  local component others
  for component in $components; do
    others=$(tr ' ' '\n' <<<"$components" | grep -vx "$component" | paste -sd'|')
    files "^$component/.*$sources" | search "#\s*include\s*[\"<](tests|$others)/"
  done
  files "^crypto/.*$sources" | search "#\s*include\s*[\"<](tests|protocol|${components// /|})/"
  files "^protocol/.*$sources" | search "#\s*include\s*[\"<](tests|${components// /|})/"
  files "$product" | search '#\s*include\s*[\"<]([^">]*/)?\.\./'
}
rule_no_files() { # crypto and protocol open no sockets and no files; protocol/files is the one exception
  files "^(crypto|protocol)/.*$sources" | { grep -v '^protocol/files/' || true; } |
    search '#\s*include\s*[<"](fstream|filesystem|fcntl\.h|sys/socket\.h|netdb\.h|boost/asio|boost/beast|protocol/files/)|\bfopen\s*\('
}
rule_shell() { # no text is ever handed to a shell; a function of that name without arguments is something else
  files "$product" | search '(^|[^A-Za-z0-9_.>:])(std::|::)?(system|popen)\s*\(\s*[^)[:space:]]'
}
rule_ed25519() { # no point function of Ed25519, whose validity check has failed before: ristretto255 only
  files "$product" | search '\bcrypto_(core|scalarmult)_ed25519'
}
rule_reduction() { # no scalar out of a hash or draw of 32 bytes, which would be biased: 64 bytes, or a 128-bit challenge
  files "$product" | search 'from_wide\s*\(.*(sha256|Sha256|Digest256|[<(,]\s*(32|kWidth|Scalar::kWidth)\s*[)>])|(scalar|sc25519)_reduce'
}
rule_messages() { # every message is fuzzed: it stands in the list of tests/fuzz/messages.h
  local name file
  { files '^protocol/.*\.h$' | xargs -r grep -oE 'kName = "[A-Za-z]+"' /dev/null || true; } | tr -d '"' |
    while IFS=: read -r file name; do
      grep -qs "X(${name#kName = })" tests/fuzz/messages.h || echo "$file: ${name#kName = } is not in tests/fuzz/messages.h"
    done
}
rule_secrets() { # docs/threat-model.md lists the programs that link secret-key code
  local listed program
  listed=$(sed -n '/<!-- secret-targets -->/,/<!-- .secret-targets -->/p' docs/threat-model.md | { grep -oE '`[a-z-]+`' || true; })
  for program in "${programs[@]}"; do
    case $program in
      +*) [[ $listed == *"\`${program#+}\`"* ]] || echo "docs/threat-model.md: ${program#+} links secret-key code and is not listed" ;;
      -*) [[ $listed != *"\`${program#-}\`"* ]] || echo "docs/threat-model.md: ${program#-} is listed and links no secret-key code" ;;
    esac
  done
}
rule_attacks() { # every test that tests/ATTACKS.md names exists
  local name
  { grep -ohE '`[A-Za-z0-9_]+\.[A-Za-z0-9_]+`' tests/ATTACKS.md 2>/dev/null || true; } | { grep -vE '\.(sh|cpp|md)`' || true; } |
    tr -d '`' | sort -u | while IFS= read -r name; do
    [[ -n $(files '^tests/.*\.cpp$' | search "TEST(_F|_P)?\(${name%%.*}, ${name#*.}\)") ]] ||
      echo "tests/ATTACKS.md: no test $name"
  done
}
rule_words() { # nothing is left for later
  files "$texts" | search '\b(TO''DO|FIX''ME|XX''X)\b'
}
rule_paths() { # no path of anybody's machine
  files "$texts" | search '(^|[[:space:]"'\''`=(:,])/(work|home|root|Users|mnt)/[A-Za-z0-9_.$*{-]'
}

# plant <rule> <file> <line that breaks the rule> <line that does not>
plant() {
  local directory=$scratch/$1-$RANDOM found
  mkdir -p "$directory/$(dirname "$2")"
  cd "$directory"
  printf '%s\n' "$4" >"$2"
  found=$("rule_$1")
  [[ -z $found ]] || { echo "rule $1 reports a file without fault: $found"; exit 1; }
  printf '%s\n' "$3" >"$2"
  found=$("rule_$1")
  [[ $found == *"$(basename "$2")"* ]] || { echo "rule $1 does not find what was planted in $2: $3"; exit 1; }
}
# Words and calls are assembled here, so that this file obeys its own rules.
plant format crypto/a.h 'int  x ;' 'int x;'
plant includes collector/a.cpp '#include "mixnet/b.h"' '#include "collector/b.h"'
plant includes audit/deep/a.h '#  include <tally/b.h>' '#include "protocol/b.h"'
plant includes voter-client/a.h '#include "collector/b.h"' '#include "crypto/b.h"'
plant includes mixnet/a.cpp '#include "audit/b.h"' '#include "mixnet/b.h"'
plant includes tally/a.cpp '#include "voter-client/b.h"' '#include "tally/b.h"'
plant includes crypto/a.h '#include "protocol/b.h"' '#include "crypto/b.h"'
plant includes protocol/a.h '#include "audit/b.h"' '#include "crypto/b.h"'
plant includes tally/a.h '#include "tests/b.h"' '#include "tally/tests/b.h"'
plant includes tally/b.h '#include "../audit/b.h"' '#include "tally/b.h"'
plant no_files protocol/a.cpp '#include <fstream>' '#include <vector>'
plant no_files protocol/checks/a.h '#include "protocol/files/b.h"' '#include "protocol/checks/b.h"'
plant no_files crypto/a.cpp 'FILE* f = fopen("x", "r");' 'x.reopen();'
plant shell tally/a.cpp 'std::sys''tem("ls");' 'file_sys''tem(1); a.sys''tem(2); Clock sys''tem();'
plant shell audit/a.cpp 'auto* p = po''pen(x, "r");' 'reopen(p);'
plant ed25519 crypto/a.cpp 'crypto_core_''ed25519_add(r, p, q);' 'crypto_core_ristretto255_add(r, p, q);'
plant ed25519 crypto/b.cpp 'crypto_scalarmult_''ed25519(q, n, p);' 'crypto_sign_ed25519_detached();'
plant reduction crypto/a.cpp 'auto c = Scalar::from_wide(sha2''56(m));' 'auto c = Scalar::from_wide(sha512(m));'
plant reduction protocol/a.h 'auto r = S::from_wide(SecretBytes<32''>::random(rng).expose());' 'auto r = S::from_wide(SecretBytes<64>::random(rng).expose());'
plant reduction tally/a.cpp 'auto r = S::from_wide(ByteView(block).first(32''));' 'auto r = S::from_wide(ByteView(block).subspan(16 * i, 16));'
plant reduction mixnet/a.cpp 'crypto_core_ristretto255_scalar_''reduce(r, wide);' 'crypto_core_ristretto255_scalar_random(r);'
plant messages protocol/a.h '  static constexpr std::string_view kName = "Vote";' '  static constexpr std::string_view kTitle = "Vote";'
marked=("${programs[@]}")
programs=(+tally -audit)
plant secrets docs/threat-model.md $'<!-- secret-targets -->\n`tally`, `audit`\n<!-- /secret-targets -->' \
  $'<!-- secret-targets -->\n`tally`\n<!-- /secret-targets -->'
plant secrets docs/threat-model.md $'`tally`\n<!-- secret-targets -->\n<!-- /secret-targets -->' \
  $'<!-- secret-targets -->\n`tally`\n<!-- /secret-targets -->'
programs=("${marked[@]}")
plant attacks tests/ATTACKS.md '| A01 | `Suite.NoSuchTest` |' '| A01 | lint_test.sh |'
plant words docs/a.md 'TO''DO: later' 'mktemp -d /tmp/x.XX''XXXX'
plant words protocol/a.h '// FIX''ME' '// FIX''MENT'
plant paths tests/a.cpp 'open("/wo''rk/shared/x");' 'open(base + "/network/x");'
plant paths README.md 'cd /ho''me/jane/psephos' 'cd ~/psephos'

cd "$root"
failed=0
for rule in format includes no_files shell ed25519 reduction messages secrets attacks words paths; do
  found=$("rule_$rule")
  if [[ -n $found ]]; then
    printf 'rule %s is broken:\n%s\n' "$rule" "$found"
    failed=1
  else
    printf 'rule %s holds\n' "$rule"
  fi
done
exit "$failed"
