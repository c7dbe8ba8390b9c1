// What linked_test.sh has to find: a point function of Ed25519.
#include <sodium.h>

int main() {
  unsigned char p[crypto_core_ed25519_BYTES] = {
      1};  // NOLINT(modernize-avoid-c-arrays): as the library takes it
  return crypto_core_ed25519_add(p, p, p);
}
