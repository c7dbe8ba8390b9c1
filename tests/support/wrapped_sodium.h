#pragma once
// libsodium's group as it is, for tests whose linker (--wrap) puts functions of their own before it.

// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): the linker's names
extern "C" {
int __real_crypto_scalarmult_ristretto255(unsigned char*, const unsigned char*, const unsigned char*);
int __real_crypto_scalarmult_ristretto255_base(unsigned char*, const unsigned char*);
int __real_crypto_core_ristretto255_add(unsigned char*, const unsigned char*, const unsigned char*);
int __real_crypto_core_ristretto255_sub(unsigned char*, const unsigned char*, const unsigned char*);
int __real_crypto_core_ristretto255_from_hash(unsigned char*, const unsigned char*);
int __real_crypto_core_ristretto255_is_valid_point(const unsigned char*);
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
