#include "tests/fuzz/edit.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/seeded.h"

using namespace psephos;

/// Of everything that can be made out of a signed manifest, by bytes or by fields, only that manifest opens.
int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const test::TestElection e(seeded("fuzz_manifest"));
  static const SignedDocument honest = decode<SignedDocument>(e.election().signed_manifest()).value();
  static const Manifest manifest = decode<Manifest>(honest.body).value();

  Input in(ByteView(data, size));
  Bytes bytes = e.election().signed_manifest();
  switch (in.byte() % 3) {
    case 0:
      edit_bytes(bytes, in);
      break;
    case 1: {
      SignedDocument document = honest;
      edit_field(document, in);
      bytes = encode(document);
      break;
    }
    default: {
      // Signed anew by the whole commission, for the checks behind the signatures.
      Manifest changed = manifest;
      edit_field(changed, in);
      bytes = e.signed_manifest(changed);
    }
  }
  const auto opened = Election::open(bytes, e.election().fingerprint());
  const auto document = decode<SignedDocument>(bytes);
  const bool same_body = document && document->body == honest.body;
  require(!opened || same_body, "manifest: nothing else has its fingerprint");
  const auto unpinned = Election::open(bytes, std::nullopt);
  require(!unpinned || unpinned->fingerprint() == sha256(document->body),
          "manifest: the fingerprint is its own");
  require(opened.has_value() == (unpinned.has_value() && same_body), "manifest: pinning adds one check");
  return 0;
}
