#include "crypto/note.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/merkle.h"
#include "crypto/secret/note_signer.h"
#include "crypto/utf8.h"

namespace psephos {
namespace {

using ::testing::HasSubstr;

SigningKey key_number(std::uint8_t n) {
  ByteArray<32> seed{};
  seed.fill(n);
  return SigningKey::from_seed(SecretBytes<32>::copy_from(seed));
}

Digest256 digest(std::string_view hex_text) {
  Digest256 out{};
  const Bytes bytes = from_hex(hex_text).value();
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

// The example of C2SP signed-note.
TEST(Note, TheExampleOfTheSpecification) {
  const std::string_view vkey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
  const std::string_view text =
      "This is an example message.\n"
      "\n"
      "\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuw"
      "HjG1Yu72IneyaQM=\n";
  const NoteKey key = NoteKey::decode(vkey).value();
  EXPECT_EQ(key.name, "example.com/foo");
  EXPECT_EQ(key.type, NoteKeyType::kLog);
  EXPECT_EQ(key.id(), 0x530d903aU);
  EXPECT_EQ(key.encode(), vkey);
  const SignedNote note = SignedNote::parse(text).value();
  EXPECT_EQ(note.text, "This is an example message.\n");
  ASSERT_EQ(note.signatures.size(), 1U);
  EXPECT_TRUE(verify_log_signature(note.text, note.signatures[0], key));
  EXPECT_EQ(verify_log_signature("This is an example message!\n", note.signatures[0], key).error(),
            Fault::kSigInvalid);
  EXPECT_EQ(note.encode(), text);
}

// Verifier keys of the tests of transparency-dev/formats (note/note_cosigv1_test.go).
TEST(Note, VerifierKeysOfOthers) {
  const std::string_view log = "TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6";
  const std::string_view witness = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2";
  EXPECT_EQ(NoteKey::decode(log).value().type, NoteKeyType::kLog);
  EXPECT_EQ(NoteKey::decode(log).value().encode(), log);
  EXPECT_EQ(NoteKey::decode(witness).value().type, NoteKeyType::kCosigner);
  EXPECT_EQ(NoteKey::decode(witness).value().encode(), witness);
}

TEST(Note, RefusesWhatIsNoVerifierKey) {
  const std::string good = note_key("example.com/log", NoteKeyType::kLog, key_number(1)).encode();
  ASSERT_TRUE(NoteKey::decode(good));
  const auto fault = [](std::string_view text) { return NoteKey::decode(text).error(); };
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(NoteKey::decode(bad)) << bad;
    EXPECT_FALSE(NoteKey::decode(good.substr(0, i))) << i;
  }
  EXPECT_EQ(fault(good + "A"), Fault::kNoteFormat);
  EXPECT_EQ(fault(good + "\n"), Fault::kNoteFormat);
  EXPECT_EQ(fault("example.com/log"), Fault::kNoteFormat);
  EXPECT_EQ(fault("+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"), Fault::kNoteFormat);
  // The id in capitals; another key's id; a type that is not in use.
  EXPECT_EQ(fault("example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"),
            Fault::kNoteFormat);
  EXPECT_EQ(fault("example.com/bar+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"),
            Fault::kNoteFormat);
  EXPECT_EQ(fault("example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"),
            Fault::kNoteFormat);
  EXPECT_EQ(fault("a+00000000+" + to_base64(Bytes(33, 1))), Fault::kPointInvalid);
}

TEST(Note, KeyNames) {
  EXPECT_TRUE(is_key_name("example.com/log"));
  EXPECT_TRUE(is_key_name("\u043b\u043e\u0433"));
  EXPECT_TRUE(is_key_name(std::string(kMaxKeyNameBytes, 'a')));
  for (const std::string_view bad : {"", "a b", "a+b", "a\tb", "a\nb", "a\u00a0b", "a\u2003b", "a\u3000b",
                                     "a\u0085", "a\xff", "\xc0\xaf", "\xed\xa0\x80"})
    EXPECT_FALSE(is_key_name(bad)) << bad;
  EXPECT_FALSE(is_key_name(std::string(kMaxKeyNameBytes + 1, 'a')));
}

TEST(Utf8, IsStrict) {
  EXPECT_TRUE(is_utf8("a\u00e9\u1780\U0001F5F3"));
  EXPECT_TRUE(is_utf8("\xf4\x8f\xbf\xbf"));
  for (const std::string_view bad : {"\x80", "\xc1\x81", "\xe0\x80\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80",
                                     "\xf4\x90\x80\x80", "\xf8\x88\x80\x80", "\xc3", "\xe1\x80", "\xc3\x28"})
    EXPECT_FALSE(is_utf8(bad));
  std::string_view text = "\u00e9x";
  EXPECT_EQ(take_code_point(text), U'\u00e9');
  EXPECT_EQ(text, "x");
}

const Checkpoint kCheckpoint{
    .origin = "example.com/log",
    .size = 20852163,
    .root = digest("0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62")};

TEST(Note, RefusesMalformedNotes) {
  const std::string good = sign_checkpoint(kCheckpoint, key_number(1)).encode();
  ASSERT_EQ(SignedNote::parse(good).value().encode(), good);
  const auto refused = [](std::string_view note) {
    const auto parsed = SignedNote::parse(note);
    return !parsed && parsed.error() == Fault::kNoteFormat;
  };
  const std::size_t blank = good.find("\n\n");
  const std::string text = good.substr(0, blank + 1);
  const std::string line = good.substr(blank + 2);
  EXPECT_TRUE(refused(""));
  EXPECT_TRUE(refused("\n"));
  EXPECT_TRUE(refused(text));
  EXPECT_TRUE(refused(text + "\n"));
  EXPECT_TRUE(refused(text + line));
  EXPECT_TRUE(refused(good.substr(0, good.size() - 1)));  // no final newline
  EXPECT_TRUE(refused(good + "\n"));
  EXPECT_TRUE(refused(good + "x\n"));
  EXPECT_TRUE(refused(text + "\n" + line + "\n" + line + "x"));
  EXPECT_TRUE(refused("a\tb\n\n" + line));
  EXPECT_TRUE(refused("a\r\n\n" + line));
  EXPECT_TRUE(refused(std::string("a\0b\n\n", 5) + line));
  EXPECT_TRUE(refused("\xff\n\n" + line));
  EXPECT_TRUE(refused(text + "\n- example.com/log AAAAAAA=\n"));
  EXPECT_TRUE(refused(text + "\n\u2014 example.com/log\n"));
  EXPECT_TRUE(refused(text + "\n\u2014  AAAAAAA=\n"));
  EXPECT_TRUE(refused(text + "\n\u2014 a+b AAAAAAA=\n"));
  EXPECT_TRUE(refused(text + "\n\u2014 a b AAAAAAA=\n"));
  EXPECT_TRUE(refused(text + "\n\u2014 a AAAAAAA\n"));   // no padding
  EXPECT_TRUE(refused(text + "\n\u2014 a AAAAAAB=\n"));  // surplus bits
  EXPECT_TRUE(refused(text + "\n\u2014 a AAAAAA==\n"));  // an id without a signature
  EXPECT_FALSE(refused(text + "\n\u2014 a AAAAAAA=\n"));
  EXPECT_TRUE(refused(std::string(kMaxNoteBytes, 'x') + "\n\n" + line));
  std::string many = good;
  for (std::size_t i = 1; i < kMaxNoteSignatures; ++i) many += line;
  EXPECT_FALSE(refused(many));
  EXPECT_TRUE(refused(many + line));
  // The text may hold blank lines: the last one separates.
  EXPECT_EQ(SignedNote::parse("a\n\nb\n\n" + line).value().text, "a\n\nb\n");
}

TEST(Checkpoint, OneEncoding) {
  const std::string good = "example.com/log\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
  EXPECT_EQ(Checkpoint::parse(good).value(), kCheckpoint);
  EXPECT_EQ(kCheckpoint.encode(), good);
  const std::string root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
  EXPECT_TRUE(Checkpoint::parse("a\n0\n" + root));
  EXPECT_TRUE(Checkpoint::parse("a\n9223372036854775807\n" + root));
  for (const std::string& bad : {std::string(),
                                 good.substr(0, good.size() - 1),
                                 good + "\n",
                                 good + "extension\n",
                                 "\n1\n" + root,
                                 "a\n\n" + root,
                                 "a\n01\n" + root,
                                 "a\n00\n" + root,
                                 "a\n+1\n" + root,
                                 "a\n-1\n" + root,
                                 "a\n1 \n" + root,
                                 "a\n 1\n" + root,
                                 "a\n0x1\n" + root,
                                 "a\n1.0\n" + root,
                                 "a\n9223372036854775808\n" + root,
                                 "a\n99999999999999999999\n" + root,
                                 "a b\n1\n" + root,
                                 "a+b\n1\n" + root,
                                 std::string("a\n1\n\n"),
                                 std::string("a\n1\nAAAA\n"),
                                 "a\n1\n" + root.substr(1),
                                 "a\n1\nA" + root,
                                 std::string("a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n")})
    EXPECT_EQ(Checkpoint::parse(bad).error(), Fault::kNoteFormat) << bad;
}

// Checkpoints of a Sigsum log in the tests of litewitness (FiloSottile/litetlog,
// cmd/litewitness/testdata/litewitness.txt), with the proofs that lead from one to the next.
TEST(Checkpoint, OfAnotherImplementation) {
  const NoteKey log{
      .name = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562",
      .type = NoteKeyType::kLog,
      .key = VerifyKey::decode(
                 from_hex("ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f").value())
                 .value()};
  const std::string first =
      log.name + "\n1\nKgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\u2014 " + log.name +
      " UgIom7fPZTqpxWWhyjWduBvTvGVqsokMbqTArsQilegKoFBJQjUFAmQ0+YeSPM3wfUQMFSzVnnNuWRTYrajXpNUbIQY=\n";
  const auto head1 = verify_checkpoint(first, log, {}, 0);
  ASSERT_TRUE(head1);
  EXPECT_EQ(head1->checkpoint.size, 1U);

  const auto later = [&](std::uint64_t size, std::string_view root, std::string_view signature) {
    SignedNote note{
        .text = Checkpoint{.origin = log.name, .size = size, .root = digest(root)}.encode(),
        .signatures = {{.name = log.name, .key_id = log.id(), .bytes = from_hex(signature).value()}}};
    return verify_checkpoint(note.encode(), log, {}, 0);
  };
  const auto head3 =
      later(3, "45c088d4d939e9971298811f227d1295eaad57bbafae55cd71c171e7de48c25d",
            "655bb4871d15bc05032d67eece88900c4863a27f190393b99176391577f5def971b023d9a418c3226b7b7ea"
            "47b33686d9b3849451dadc6b07c007c595af1ea0a");
  const auto head5 =
      later(5, "42bb57ad06420afa4882c4a63ac6a1ec77480b330b2f20dfc53a0caa5f564e36",
            "0fc43899968b48b5150b0e8fe7ad07b17c21c7056a6fe381deb0cd19ece103d59b2119b5dbe5d54d8a1262c"
            "e67f01245c5898b4b56f747495804a17a2eec0f0c");
  ASSERT_TRUE(head3);
  ASSERT_TRUE(head5);
  // The same file's forged twin: the last byte of the signature differs.
  EXPECT_EQ(later(3, "45c088d4d939e9971298811f227d1295eaad57bbafae55cd71c171e7de48c25d",
                  "655bb4871d15bc05032d67eece88900c4863a27f190393b99176391577f5def971b023d9a418c3226b7b7ea"
                  "47b33686d9b3849451dadc6b07c007c595af1ea0b")
                .error(),
            Fault::kSigInvalid);
  const auto fake_leaf = [](std::uint8_t i) {
    Digest256 out{};
    out[0] = 0x2a;
    out[1] = i;
    return out;
  };
  const std::vector<Digest256> from1to3 = {fake_leaf(1), fake_leaf(2)};
  EXPECT_TRUE(verify_consistency(1, head1->checkpoint.root, 3, head3->checkpoint.root, from1to3));
  const std::vector<Digest256> from3to5 = {
      fake_leaf(2), fake_leaf(3), digest("c2088815d65f60dbfa594d4e96504ab169cb6084bf0c132ab7c521fd2e0eba41"),
      fake_leaf(4)};
  EXPECT_TRUE(verify_consistency(3, head3->checkpoint.root, 5, head5->checkpoint.root, from3to5));
}

// A head of a public log of Certificate Transparency with the cosignatures of four public witnesses, as in
// the tests of florolf/tlog-scales. The first line is of a type not in use here, and ignored.
TEST(Checkpoint, OfAPublicLogWithItsWitnesses) {
  const NoteKey log =
      NoteKey::decode(
          "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f")
          .value();
  std::vector<NoteKey> roster;
  for (const std::string_view vkey :
       {"witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
        "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
        "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
        "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"})
    roster.push_back(NoteKey::decode(vkey).value());
  const std::string note =
      "arche2025h1.staging.ct.transparency.dev\n1432088532\nU7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n\n"
      "\u2014 arche2025h1.staging.ct.transparency.dev "
      "zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MN"
      "L5zRNZ"
      "55lvGt0=\n"
      "\u2014 arche2025h1.staging.ct.transparency.dev "
      "ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=\n"
      "\u2014 transparency.dev/DEV:witness-little-garden "
      "2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/"
      "KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==\n"
      "\u2014 witness1.smartit.nu/witness1 "
      "pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/"
      "iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==\n"
      "\u2014 remora.n621.de "
      "2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/"
      "zZ0WBxtqB0DrAWfBw==\n"
      "\u2014 witness.stagemole.eu "
      "Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/"
      "TmN9DAg==\n";
  const auto head = verify_checkpoint(note, log, roster, 4);
  ASSERT_TRUE(head) << name_of(head.error());
  EXPECT_EQ(head->checkpoint.size, 1'432'088'532U);
  EXPECT_EQ(head->cosigners.at(3).timestamp, 0x6a122120U);
  EXPECT_EQ(SignedNote::parse(note).value().encode(), note);
  std::string other = note;
  other[other.find("1432088532")] = '2';
  EXPECT_EQ(verify_checkpoint(other, log, roster, 4).error(), Fault::kSigInvalid);
}

class Witnessed : public ::testing::Test {
 protected:
  const SigningKey log_key_ = key_number(1);
  const NoteKey log_ = note_key("example.com/log", NoteKeyType::kLog, log_key_);
  const SigningKey keys_[3] = {key_number(11), key_number(12), key_number(13)};
  const std::vector<NoteKey> roster_ = {note_key("w1.example", NoteKeyType::kCosigner, keys_[0]),
                                        note_key("w2.example", NoteKeyType::kCosigner, keys_[1]),
                                        note_key("w3.example", NoteKeyType::kCosigner, keys_[2])};
  NoteSignature cosigned_by(std::size_t i, const std::string& text,
                            std::uint64_t time = 1'679'315'147) const {
    return cosign(text, roster_[i].name, keys_[i], time);
  }
  Result<VerifiedCheckpoint, Fault> verify(const SignedNote& note, std::size_t quorum) const {
    return verify_checkpoint(note.encode(), log_, roster_, quorum);
  }
  SignedNote note_ = sign_checkpoint(kCheckpoint, log_key_);
};

TEST_F(Witnessed, WhatACosignerSigns) {
  EXPECT_EQ(text_of(cosigned_message(1'679'315'147, note_.text)),
            "cosignature/v1\ntime 1679315147\nexample.com/log\n20852163\n"
            "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n");
  const NoteSignature line = cosigned_by(0, note_.text);
  EXPECT_EQ(line.bytes.size(), 72U);
  EXPECT_EQ(verify_cosignature(note_.text, line, roster_[0]).value(), 1'679'315'147U);
  EXPECT_TRUE(verify_signature(roster_[0].key, cosigned_message(1'679'315'147, note_.text),
                               ByteView(line.bytes).subspan(8)));
  EXPECT_FALSE(verify_cosignature(note_.text, line, roster_[1]));
  EXPECT_FALSE(verify_cosignature(note_.text + "x\n", line, roster_[0]));
  for (std::size_t bit = 0; bit < line.bytes.size() * 8; ++bit) {
    NoteSignature bad = line;
    bad.bytes[bit / 8] = static_cast<std::uint8_t>(bad.bytes[bit / 8] ^ 1U << bit % 8);
    EXPECT_EQ(verify_cosignature(note_.text, bad, roster_[0]).error(), Fault::kSigInvalid);
  }
}

TEST_F(Witnessed, TimesOutsideTheRangeAreNoCosignature) {
  for (const std::uint64_t time : {std::uint64_t{0}, std::uint64_t{1} << 63}) {
    NoteSignature line = cosigned_by(0, note_.text);
    line.bytes = copy_of(u64be(time));
    append(line.bytes, keys_[0].sign(cosigned_message(time, note_.text)));
    EXPECT_EQ(verify_cosignature(note_.text, line, roster_[0]).error(), Fault::kSigInvalid) << time;
  }
}

TEST_F(Witnessed, CountsDistinctKnownCosigners) {
  EXPECT_TRUE(verify(note_, 0));
  EXPECT_EQ(verify(note_, 1).error(), Fault::kHeadUnwitnessed);
  note_.signatures.push_back(cosigned_by(2, note_.text, 7));
  EXPECT_TRUE(verify(note_, 1));
  note_.signatures.push_back(cosigned_by(2, note_.text, 9));  // the same witness again
  const SigningKey stranger = key_number(99);
  note_.signatures.push_back(cosign(note_.text, "w1.example", stranger, 5));
  note_.signatures.push_back(cosign(note_.text, "stranger.example", keys_[0], 5));
  EXPECT_EQ(verify(note_, 2).error(), Fault::kHeadUnwitnessed);
  note_.signatures.insert(note_.signatures.begin(), cosigned_by(0, note_.text, 8));
  const auto verified = verify(note_, 2);
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->checkpoint, kCheckpoint);
  ASSERT_EQ(verified->cosigners.size(), 2U);
  EXPECT_EQ(verified->cosigners[0].index, 0U);
  EXPECT_EQ(verified->cosigners[0].timestamp, 8U);
  EXPECT_EQ(verified->cosigners[1].index, 2U);
  EXPECT_EQ(verified->cosigners[1].timestamp, 9U);
  EXPECT_EQ(verify(note_, 3).error(), Fault::kHeadUnwitnessed);
}

TEST_F(Witnessed, OneKeyUnderTwoNamesIsOneWitness) {
  std::vector<NoteKey> roster = roster_;
  roster.push_back(note_key("w1-again.example", NoteKeyType::kCosigner, keys_[0]));
  note_.signatures.push_back(cosigned_by(0, note_.text));
  note_.signatures.push_back(cosign(note_.text, "w1-again.example", keys_[0], 6));
  EXPECT_EQ(verify_checkpoint(note_.encode(), log_, roster, 2).error(), Fault::kHeadUnwitnessed);
  EXPECT_EQ(verify_checkpoint(note_.encode(), log_, roster, 1).value().cosigners.size(), 1U);
}

TEST_F(Witnessed, RefusalsByName) {
  EXPECT_EQ(verify_checkpoint("x", log_, roster_, 0).error(), Fault::kNoteFormat);
  NoteKey other = log_;
  other.name = "example.com/other";
  EXPECT_EQ(verify_checkpoint(note_.encode(), other, roster_, 0).error(), Fault::kLogOriginMismatch);
  // The log's signature missing; by another key; by the right key as a cosignature; over another text.
  SignedNote bad = note_;
  bad.signatures = {cosigned_by(0, note_.text)};
  EXPECT_EQ(verify(bad, 0).error(), Fault::kSigInvalid);
  bad = sign_checkpoint(kCheckpoint, key_number(2));
  EXPECT_EQ(verify(bad, 0).error(), Fault::kSigInvalid);
  bad.signatures = {cosign(note_.text, log_.name, log_key_, 5)};
  EXPECT_EQ(verify(bad, 0).error(), Fault::kSigInvalid);
  bad = note_;
  bad.text = Checkpoint{.origin = log_.name, .size = kCheckpoint.size + 1, .root = kCheckpoint.root}.encode();
  EXPECT_EQ(verify(bad, 0).error(), Fault::kSigInvalid);
  // A line under a known witness's name and id that does not verify spoils the note, quorum or not.
  bad = note_;
  bad.signatures.push_back(cosigned_by(0, note_.text));
  bad.signatures.push_back(cosigned_by(1, note_.text));
  ASSERT_TRUE(verify(bad, 1));
  bad.signatures.back().bytes.back() ^= 1;
  EXPECT_EQ(verify(bad, 1).error(), Fault::kSigInvalid);
  // Likewise a second, wrong line of the log.
  bad = note_;
  bad.signatures.push_back(note_.signatures[0]);
  EXPECT_TRUE(verify(bad, 0));
  bad.signatures.back().bytes.back() ^= 1;
  EXPECT_EQ(verify(bad, 0).error(), Fault::kSigInvalid);
}

TEST_F(Witnessed, TakesOnlyGoodLinesFromAnAnswer) {
  std::string answer = cosign(note_.text, "stranger.example", key_number(99), 5).encode();
  NoteSignature forged = cosigned_by(1, note_.text);
  forged.bytes.back() ^= 1;
  answer += forged.encode() + cosigned_by(0, note_.text).encode();
  EXPECT_EQ(add_cosignatures(note_, answer, roster_).value(), 1U);
  EXPECT_EQ(verify(note_, 1).value().cosigners.at(0).index, 0U);
  EXPECT_EQ(add_cosignatures(note_, answer, roster_).value(), 0U);  // has it already
  EXPECT_EQ(add_cosignatures(note_, cosigned_by(1, note_.text).encode(), roster_).value(), 1U);
  EXPECT_TRUE(verify(note_, 2));
  EXPECT_EQ(add_cosignatures(note_, "", roster_).error(), Fault::kNoteFormat);
  EXPECT_EQ(add_cosignatures(note_, "ok", roster_).error(), Fault::kNoteFormat);
  EXPECT_EQ(note_.signatures.size(), 3U);
}

class Proved : public Witnessed {
 protected:
  void SetUp() override {
    for (std::uint64_t i = 0; i < 11; ++i) tree_.append(leaf_hash(u64be(i)));
    SignedNote note = sign_checkpoint({.origin = log_.name, .size = 11, .root = tree_.root()}, log_key_);
    note.signatures.push_back(cosigned_by(0, note.text));
    note.signatures.push_back(cosigned_by(1, note.text));
    proof_ = {
        .extra = {1, 2, 3}, .index = 7, .path = tree_.inclusion_proof(7, 11), .checkpoint = note.encode()};
  }
  MerkleTree tree_;
  LogProof proof_;
};

TEST_F(Proved, AsAText) {
  const std::string text = proof_.encode();
  EXPECT_TRUE(text.starts_with("c2sp.org/tlog-proof@v1\nextra AQID\nindex 7\n"));
  EXPECT_THAT(text, HasSubstr("\n\nexample.com/log\n11\n"));
  const LogProof again = LogProof::parse(text).value();
  EXPECT_EQ(again.extra, proof_.extra);
  EXPECT_EQ(again.index, 7U);
  EXPECT_EQ(again.path, proof_.path);
  EXPECT_EQ(again.encode(), text);
  EXPECT_EQ(verify_log_proof(tree_.leaf(7), again, log_, roster_, 2).value().cosigners.size(), 2U);

  LogProof plain = proof_;
  plain.extra.clear();
  EXPECT_TRUE(plain.encode().starts_with("c2sp.org/tlog-proof@v1\nindex 7\n"));
  EXPECT_EQ(LogProof::parse(plain.encode()).value().encode(), plain.encode());
  // Cut anywhere before the first signature line is complete.
  const std::size_t complete = text.find('\n', text.find("\u2014")) + 1;
  for (std::size_t length = 0; length < complete; ++length)
    EXPECT_FALSE(LogProof::parse(std::string_view(text).substr(0, length))) << length;
}

TEST_F(Proved, RefusesOtherTexts) {
  const std::string good = proof_.encode();
  const auto with = [&](std::string_view what, std::string_view by) {
    std::string text = good;
    return text.replace(text.find(what), what.size(), by);
  };
  for (const std::string& bad :
       {std::string(), with("@v1", "@v2"), with("extra AQID", "extra "), with("extra AQID", "extra AQI"),
        with("index 7", "index 07"), with("index 7", "index -7"), with("index 7", "index"),
        with("index 7\n", "index 7\nAAAA\n"), with("index 7\n", "index 7\n\n"),
        with("extra AQID\n", "extra AQID\nextra AQID\n"), good + "x", good + "\n", "\n" + good,
        with("\n\nexample", "\nexample")})
    EXPECT_EQ(LogProof::parse(bad).error(), Fault::kNoteFormat) << bad;
}

TEST_F(Proved, BindsLeafIndexPathAndHead) {
  EXPECT_EQ(verify_log_proof(tree_.leaf(6), proof_, log_, roster_, 2).error(), Fault::kLogProofInvalid);
  EXPECT_EQ(verify_log_proof(tree_.leaf(7), proof_, log_, roster_, 3).error(), Fault::kHeadUnwitnessed);
  LogProof bad = proof_;
  bad.index = 11;
  EXPECT_EQ(verify_log_proof(tree_.leaf(7), bad, log_, roster_, 2).error(), Fault::kLogProofDegenerate);
  bad = proof_;
  bad.path.clear();
  EXPECT_EQ(verify_log_proof(tree_.leaf(7), bad, log_, roster_, 2).error(), Fault::kLogProofDegenerate);
  bad = proof_;
  bad.checkpoint[bad.checkpoint.find("11")] = '2';
  EXPECT_EQ(verify_log_proof(tree_.leaf(7), bad, log_, roster_, 2).error(), Fault::kSigInvalid);
}

}  // namespace
}  // namespace psephos
