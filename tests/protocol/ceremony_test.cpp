#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "crypto/random.h"
#include "crypto/secret/dkg_participant.h"
#include "crypto/secret/signing_key.h"
#include "protocol/checks/definition.h"
#include "protocol/labels.h"

// The key ceremony as messages (SPEC §7.1, §7.4, §7.5). What goes on inside is tests/crypto/dkg_test.cpp's.

namespace psephos {
namespace {

DkgSecret clone(const DkgSecret& secret) {
  return DkgSecret::from_secret_bytes(secret.seal_bytes()).value();
}

/// Three trustees, quorum two. Only the fields that a ceremony looks at are filled in.
struct Trustees {
  SystemRng rng;
  std::vector<SigningKey> keys;
  std::vector<DkgSecret> secrets;
  Definition definition;

  Trustees() {
    definition.suite = std::string(labels::kSuite);
    definition.trustee_quorum = 2;
    for (int i = 0; i < 3; ++i) {
      keys.push_back(SigningKey::generate(rng));
      secrets.push_back(DkgSecret::create(rng));
      definition.trustees.push_back(
          {"T" + std::to_string(i + 1), keys.back().verify_key().encode(), secrets.back().static_key()});
    }
  }
  SignedDocument message(std::uint64_t attempt, CeremonyStep step, std::uint64_t trustee, Bytes payload) {
    CeremonyMessage m;
    m.definition_hash = sha256(encode(definition));
    m.attempt = attempt;
    m.step = step;
    m.trustee = trustee;
    m.payload = std::move(payload);
    return signed_by(trustee, encode(m));
  }
  SignedDocument signed_by(std::uint64_t trustee, Bytes body) {
    const Signature signature = keys[trustee - 1].sign_labelled(labels::kSignCeremony, body);
    return {std::move(body), {{trustee, signature}}};
  }
  DkgSetup setup(std::uint64_t attempt) {
    return ceremony_setup(definition, sha256(encode(definition)), attempt).value();
  }

  /// Trustee 2's opening goes through `cheat` before she commits to it.
  KeyCeremony run(std::uint64_t attempt, const std::function<void(Bytes&)>& cheat = nullptr) {
    const DkgSetup made = setup(attempt);
    std::vector<DkgParticipant> participants;
    std::vector<DkgAnnouncement> announcements;
    for (std::uint32_t i = 1; i <= 3; ++i) {
      participants.push_back(DkgParticipant::create(made, i, clone(secrets[i - 1])).value());
      announcements.push_back(participants.back().announce());
    }
    std::vector<Bytes> openings;
    for (DkgParticipant& participant : participants)
      openings.push_back(participant.open(announcements).value());
    if (cheat) {
      cheat(openings[1]);
      announcements[1].hash = dkg_opening_hash(made, 2, openings[1]);
      for (std::uint32_t i = 1; i <= 3; ++i) {
        participants[i - 1] = DkgParticipant::create(made, i, clone(secrets[i - 1])).value();
        if (i == 2) continue;
        EXPECT_EQ(participants[i - 1].open(announcements).value(), openings[i - 1]);
      }
    }
    KeyCeremony out;
    out.attempt = attempt;
    for (std::uint32_t i = 1; i <= 3; ++i) {
      const auto announcement = announcements[i - 1].encode();
      out.announcements.push_back(message(attempt, CeremonyStep::kAnnounce, i, copy_of(announcement)));
      out.openings.push_back(message(attempt, CeremonyStep::kOpen, i, openings[i - 1]));
      if (cheat && i == 2) continue;
      const DkgParticipant& participant = participants[i - 1];
      if (const auto outcome = participant.finish(announcements, openings))
        out.certificates.push_back(
            message(attempt, CeremonyStep::kCertify, i, copy_of(outcome->certificate)));
      else
        out.complaints.push_back(message(attempt, CeremonyStep::kComplain, i,
                                         participant.complain(announcements, openings, rng).value()));
    }
    return out;
  }
};

void expect_rejected(const Result<CeremonyOutcome, Rejection>& outcome, Reason reason,
                     std::string_view object) {
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().reason, reason) << to_string(outcome.error());
  EXPECT_NE(outcome.error().object.find(object), std::string::npos) << outcome.error().object;
}

TEST(KeyCeremonyCheck, Honest) {
  Trustees t;
  for (const std::uint64_t attempt : {1U, 2U}) {
    const KeyCeremony ceremony = t.run(attempt);
    const auto outcome = check_key_ceremony(t.definition, ceremony);
    ASSERT_TRUE(outcome.has_value());
    EXPECT_EQ(outcome->verification_keys.size(), 3U);
    EXPECT_EQ(decode<KeyCeremony>(encode(ceremony)).value().announcements.size(), 3U);
  }
}

// A154: the whole ceremony of a rehearsal, shown for another definition with the same trustees.
TEST(KeyCeremonyCheck, AnotherElection) {
  Trustees t;
  const KeyCeremony ceremony = t.run(1);
  Definition other = t.definition;
  other.mode = Mode::kTest;
  ASSERT_NE(encode(other), encode(t.definition));
  expect_rejected(check_key_ceremony(other, ceremony), Reason::kElectionFpMismatch, "trustee 1");
  EXPECT_TRUE(check_key_ceremony(t.definition, ceremony).has_value());
}

TEST(KeyCeremonyCheck, Envelope) {
  Trustees t;
  const KeyCeremony good = t.run(1);
  ASSERT_TRUE(check_key_ceremony(t.definition, good).has_value());

  KeyCeremony bad = good;
  bad.attempt = 2;
  expect_rejected(check_key_ceremony(t.definition, bad), reason_of(Fault::kDkgSetup), "trustee 1");
  bad = good;
  std::swap(bad.openings[0], bad.openings[1]);
  expect_rejected(check_key_ceremony(t.definition, bad), reason_of(Fault::kDkgSetup), "trustee 1");
  bad = good;
  bad.openings[2] = good.announcements[2];
  expect_rejected(check_key_ceremony(t.definition, bad), reason_of(Fault::kDkgSetup), "trustee 3");
  bad = good;
  bad.certificates.pop_back();
  expect_rejected(check_key_ceremony(t.definition, bad), reason_of(Fault::kDkgSetup), "");
  bad = good;
  bad.openings[1] = t.signed_by(1, good.openings[1].body);
  expect_rejected(check_key_ceremony(t.definition, bad), Reason::kSigInvalid, "trustee 2");
  bad = good;
  bad.openings[1].signatures[0].signature[0] ^= 1;
  expect_rejected(check_key_ceremony(t.definition, bad), Reason::kSigInvalid, "trustee 2");
  bad = good;
  bad.openings[1].signatures.push_back(good.openings[0].signatures[0]);
  expect_rejected(check_key_ceremony(t.definition, bad), Reason::kSigInvalid, "trustee 2");
  bad = good;
  bad.certificates[2] = t.message(1, CeremonyStep::kCertify, 3, Bytes(63));
  expect_rejected(check_key_ceremony(t.definition, bad), reason_of(Fault::kWireLength), "trustee 3");
  bad = good;
  bad.certificates[2] = t.message(1, CeremonyStep::kCertify, 3, Bytes(64));
  expect_rejected(check_key_ceremony(t.definition, bad), reason_of(Fault::kDkgTranscriptMismatch),
                  "trustee 3");
}

// K06: trustee 2 sends trustee 3 a share that does not hold; trustee 3 complains; the ceremony is shown all
// the same.
TEST(KeyCeremonyCheck, Complaint) {
  Trustees t;
  const KeyCeremony ceremony = t.run(1, [](Bytes& msg1) { msg1[msg1.size() - 1] ^= 1; });
  ASSERT_EQ(ceremony.complaints.size(), 1U);
  expect_rejected(check_key_ceremony(t.definition, ceremony), Reason::kDkgComplaintUnresolved,
                  "complaint of trustee 3: DKG_DECRYPTION, trustee 2");
  KeyCeremony hidden = ceremony;
  hidden.complaints.clear();
  expect_rejected(check_key_ceremony(t.definition, hidden), reason_of(Fault::kDkgSetup), "");

  // In the ceremony of honest dealers the complaint names its author, and there is no key either.
  KeyCeremony slandered = t.run(2);
  ASSERT_TRUE(check_key_ceremony(t.definition, slandered).has_value());
  slandered.complaints.push_back(t.message(2, CeremonyStep::kComplain, 3, Bytes(DkgComplaint::kWidth)));
  expect_rejected(check_key_ceremony(t.definition, slandered), Reason::kDkgComplaintUnresolved,
                  "complaint of trustee 3: DKG_COMPLAINT_UNFOUNDED, trustee 3");
  slandered.complaints[0].signatures[0].signature[0] ^= 1;
  expect_rejected(check_key_ceremony(t.definition, slandered), Reason::kSigInvalid, "trustee 3");
  slandered.complaints[0].signatures.clear();
  expect_rejected(check_key_ceremony(t.definition, slandered), Reason::kSigInvalid, "complaint");
}

}  // namespace
}  // namespace psephos
