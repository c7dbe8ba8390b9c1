#include <gtest/gtest.h>

#include "protocol/checks/definition.h"
#include "protocol/labels.h"
#include "tests/support/test_election.h"
#include "tests/trust-services/test_ca/national_ids.h"

// What an election's manifest is refused for (SPEC §4.3, §4.4): each fault beside the accepted original.
namespace psephos::test {
namespace {

const TestElection& base() {
  static const TestElection election;
  return election;
}

std::optional<Reason> refusal(const Bytes& signed_manifest,
                              const std::optional<Digest256>& pinned = std::nullopt) {
  const auto election = Election::open(signed_manifest, pinned);
  if (election) return std::nullopt;
  return election.error().reason;
}

/// The base manifest with something changed, signed anew by the commission.
std::optional<Reason> changed(const std::function<void(Manifest&)>& change) {
  Manifest manifest = base().election().manifest();
  change(manifest);
  return refusal(base().signed_manifest(manifest));
}

TEST(Manifest, IsPinnedByItsFingerprint) {
  const Bytes& good = base().election().signed_manifest();
  EXPECT_EQ(refusal(good, base().election().fingerprint()), std::nullopt);
  // A42: two names exchanged, signed anew, against the announced fingerprint.
  Manifest swapped = base().election().manifest();
  auto& choices = swapped.definition.contests[0].lists[0].choices;
  std::swap(choices[0].names, choices[1].names);
  EXPECT_EQ(refusal(base().signed_manifest(swapped), base().election().fingerprint()),
            Reason::kManifestFpMismatch);
  // Another election's fingerprint; one of all zero (A164).
  EXPECT_EQ(refusal(good, Digest256{}), Reason::kManifestFpMismatch);
}

TEST(Manifest, NeedsAQuorumOfTheCommission) {
  const Bytes body = encode(base().election().manifest());
  EXPECT_EQ(refusal(base().sign(labels::kSignManifest, body, {2, 3})), std::nullopt);
  EXPECT_EQ(refusal(base().sign(labels::kSignManifest, body, {2})), Reason::kManifestSignature);
  EXPECT_EQ(refusal(base().sign(labels::kSignRoll, body)),
            Reason::kManifestSignature);  // signed as something else
  SignedDocument twice{.body = body, .signatures = {}};
  for (int i = 0; i < 2; ++i)
    twice.signatures.push_back(
        {.signer = 1, .signature = base().commission[0].sign_labelled(labels::kSignManifest, body)});
  EXPECT_EQ(refusal(encode(twice)), Reason::kManifestSignature);
  SignedDocument forged = decode<SignedDocument>(base().sign(labels::kSignManifest, body)).value();
  forged.signatures[1].signature[7] ^= 1;
  EXPECT_EQ(refusal(encode(forged)), Reason::kManifestSignature);
}

TEST(Manifest, KeysFollowFromTheCeremony) {
  EXPECT_EQ(changed([](Manifest&) {}), std::nullopt);
  const auto other = Ristretto::mul_base_vartime(Ristretto::Scalar::from_u64(7));
  EXPECT_EQ(changed([&](Manifest& m) { m.joint_key = other; }), Reason::kJointKeyMismatch);
  EXPECT_EQ(changed([&](Manifest& m) { m.verification_keys[1] = other; }), Reason::kJointKeyMismatch);
  EXPECT_EQ(changed([&](Manifest& m) { std::swap(m.verification_keys[0], m.verification_keys[1]); }),
            Reason::kJointKeyMismatch);
  // A154: the ceremony of another definition, here the same people with another title.
  EXPECT_EQ(changed([](Manifest& m) { m.definition.title[0].text = "Other election"; }),
            Reason::kElectionFpMismatch);
  EXPECT_EQ(changed([](Manifest& m) { std::swap(m.ceremony.openings[0], m.ceremony.openings[1]); }),
            reason_of(Fault::kDkgSetup));
  EXPECT_EQ(changed([](Manifest& m) { m.ceremony.certificates.pop_back(); }), reason_of(Fault::kDkgSetup));
  EXPECT_EQ(changed([](Manifest& m) { m.ceremony.openings[2].signatures[0].signature[1] ^= 1; }),
            reason_of(Fault::kSigInvalid));
}

/// A definition with something changed, which is checked before any signature.
std::optional<Reason> defined(const std::function<void(Definition&)>& change) {
  Manifest manifest = base().election().manifest();
  change(manifest.definition);
  const auto ok = check_definition(manifest.definition);
  const std::optional<Reason> direct = ok ? std::nullopt : std::optional(ok.error().reason);
  if (direct) {
    EXPECT_EQ(refusal(base().signed_manifest(manifest)),
              direct);  // and whoever opens the manifest says the same
  }
  return direct;
}

TEST(Definition, RulesHaveNames) {
  EXPECT_EQ(defined([](Definition&) {}), std::nullopt);
  EXPECT_EQ(defined([](Definition& d) { d.suite = "psephos-2"; }), Reason::kSuiteUnsupported);
  using Change = std::function<void(Definition&)>;
  const std::vector<Change> invalid = {
      [](Definition& d) { d.languages[1] = d.languages[0]; },
      [](Definition& d) { d.title.pop_back(); },
      [](Definition& d) { std::swap(d.title[0], d.title[1]); },
      [](Definition& d) { d.contests[1].id = d.contests[0].id; },
      [](Definition& d) { d.contests[1].lists[1].id = d.contests[1].lists[0].id; },
      [](Definition& d) { d.contests[0].lists[0].choices[1].id = d.contests[0].lists[0].choices[0].id; },
      [](Definition& d) { d.units[1].id = d.units[0].id; },
      [](Definition& d) { std::swap(d.units[0].contests[0], d.units[0].contests[1]); },
      [](Definition& d) { d.units[0].contests[1] = d.units[0].contests[0]; },
      [](Definition& d) { d.units[0].contests[1].list = {"c9"}; },
      [](Definition& d) { d.units[0].contests[1].contest = {"c9"}; },
      [](Definition& d) { d.periods.casting_begins_s = d.periods.casting_ends_s; },
      [](Definition& d) { d.periods.grace_ends_s = d.periods.casting_ends_s - 1; },
      [](Definition& d) { d.mixers[0].key = d.mixers[1].key; },  // A123: one operator as two mixers
      [](Definition& d) { d.mixers[0].key = d.witnesses[0].key; },
      [](Definition& d) { d.mixers[0].name = d.mixers[1].name; },
      [](Definition& d) { d.collector.service_key = d.collector.log_key; },
      [](Definition& d) { d.commission[0].key.fill(0xff); },
      [](Definition& d) { d.trustees[0].ceremony_key = d.trustees[1].ceremony_key; },
      [](Definition& d) { d.witnesses[0].name = "two words"; },
      [](Definition& d) { d.collector.origin = "a+b"; },
  };
  for (std::size_t i = 0; i < invalid.size(); ++i)
    EXPECT_EQ(defined(invalid[i]), Reason::kManifestInvalid) << i;
  const std::vector<Change> threshold = {
      [](Definition& d) { d.trustee_quorum = 3; },  // A140: none may be absent
      [](Definition& d) { d.trustee_quorum = 1; },  // one alone could decrypt
      [](Definition& d) { d.witness_quorum = 3; }, [](Definition& d) { d.commission_quorum = 4; },
      [](Definition& d) { d.mixers.resize(1); },
  };
  for (std::size_t i = 0; i < threshold.size(); ++i)
    EXPECT_EQ(defined(threshold[i]), Reason::kManifestThreshold) << i;
  // A41, A62: texts that hide or reorder; markup is shown literally and allowed.
  for (const char* text : {"Ada\u200b", "\u202eadA", "Ad\u00ada", "Ada ", " Ada", "Ada\ufeff", "A\u0301da",
                           "Ada\u2066", "A\U000e0041"})
    EXPECT_EQ(defined([&](Definition& d) { d.contests[0].lists[0].choices[0].names[0].text = text; }),
              Reason::kManifestTextUnsafe)
        << text;
  for (const char* text : {"<b>Ada</b>", "Ádá", "ខ្មែរ\u200bខ្មែរ", "%s %n"})
    EXPECT_EQ(defined([&](Definition& d) { d.contests[0].lists[0].choices[0].names[0].text = text; }),
              std::nullopt)
        << text;
}

// SPEC §4.3, rule 5.
TEST(Definition, EidProfileIsWellFormed) {
  using Change = std::function<void(EidProfile&)>;
  const auto with = [](const Change& change) { return defined([&](Definition& d) { change(d.eid); }); };
  const std::vector<Change> valid = {
      [](EidProfile& e) { e.policies = {"2.999.1", "0.4.0.194112.1.2", "1.3.6.1.4.1.51361.1.1.1"}; },
      [](EidProfile& e) { e.identity_types = {"PNOEE", "PNOLV", "PNOLT", "IDCKH", "PASFI", "TINDE"}; },
      [](EidProfile& e) { e.keys = {"RSA"}; },
      [](EidProfile& e) { e.rsa_bits_max = 2048; },
      [](EidProfile& e) { e.keys = {"P-256"}, e.rsa_bits_min = 0, e.rsa_bits_max = 0; },
  };
  for (std::size_t i = 0; i < valid.size(); ++i) EXPECT_EQ(with(valid[i]), std::nullopt) << i;
  const std::vector<Change> invalid = {
      [](EidProfile& e) { e.policies.push_back(e.policies[0]); },
      [](EidProfile& e) { e.identity_types = {"PNOEE", "PNOEE"}; },
      [](EidProfile& e) { e.identity_types = {"PNOEE", "IDCEE"}; },  // A78: two identifiers of one person
      [](EidProfile& e) { e.keys = {"P-384", "P-384"}, e.rsa_bits_min = 0, e.rsa_bits_max = 0; },
      [](EidProfile& e) { e.keys = {"P-521"}, e.rsa_bits_min = 0, e.rsa_bits_max = 0; },
      [](EidProfile& e) { e.keys = {"P-384"}; },  // sizes of RSA keys without RSA
      [](EidProfile& e) { e.rsa_bits_min = 2047; },
      [](EidProfile& e) { e.rsa_bits_min = 4096, e.rsa_bits_max = 4095; },
      [](EidProfile& e) { e.anchors[0].push_back(0); },
      [](EidProfile& e) { e.time_stamp_anchors.push_back({0x30, 0x00}); },
  };
  for (std::size_t i = 0; i < invalid.size(); ++i) EXPECT_EQ(with(invalid[i]), Reason::kManifestInvalid) << i;
  for (const char* policy : {"0", "3.1", "0.40", "1.2.", ".1.2", "1..2", "1.02", "1.2.x", "1.2.-1", "1.2 ",
                             "1.2.100000000000000000", "QCP-n-qscd"})
    EXPECT_EQ(with([&](EidProfile& e) { e.policies = {policy}; }), Reason::kManifestInvalid) << policy;
  for (const char* type : {"PNO", "pnoEE", "PNOee", "PNOEE-", "XXXEE", "PNOE1", "PNO E"})
    EXPECT_EQ(with([&](EidProfile& e) { e.identity_types = {type}; }), Reason::kManifestInvalid) << type;
}

// A201: an anchor that ends, or has not begun, while ballots are cast or their evidence is collected.
TEST(Definition, A201_AnchorsLastAsLongAsTheElection) {
  const TestElection e;
  Definition d = e.election().definition();
  SystemRng rng;
  const auto begins = static_cast<std::int64_t>(d.periods.casting_begins_s);
  const auto ends = static_cast<std::int64_t>(d.periods.grace_ends_s);
  constexpr std::int64_t kDay = 86'400, kTenYears = 10 * 365 * kDay;
  const auto verdict = [&](const trust::TestCa& ca, bool for_time_stamps) -> std::optional<Rejection> {
    Definition changed = d;
    auto& list = for_time_stamps ? changed.eid.time_stamp_anchors : changed.eid.anchors;
    for (const Bytes& anchor : ca.anchors()) list.push_back(anchor);
    const auto ok = check_definition(changed);
    return ok ? std::nullopt : std::optional(ok.error());
  };
  // The authority's certificates are valid from the day before to ten years after.
  for (const bool for_time_stamps : {false, true}) {
    const std::string list = for_time_stamps ? "eid.time_stamp_anchors[2]" : "eid.anchors[2]";
    const Rejection expires{Reason::kManifestAnchorExpiry, list};
    const auto ca = [&](std::int64_t now) { return trust::TestCa::create(rng, now, EcCurve::kP256); };
    EXPECT_EQ(verdict(ca(begins + kDay), for_time_stamps), std::nullopt);
    EXPECT_EQ(verdict(ca(begins + kDay + 1), for_time_stamps), expires);
    EXPECT_EQ(verdict(ca(ends + kDay - kTenYears), for_time_stamps), std::nullopt);
    EXPECT_EQ(verdict(ca(ends + kDay - kTenYears - 1), for_time_stamps), expires);
  }
  // An authority in the middle of changing its certificate: both are listed, and cards of both are good.
  const auto before = trust::TestCa::create(rng, ends + kDay - kTenYears, EcCurve::kP256);
  const auto after = before.renewed(rng, begins + kDay);
  d.eid.anchors = {before.root_der(), before.issuing_der(), after.issuing_der()};
  ASSERT_TRUE(check_definition(d));
  const auto verifier = OpensslEidVerifier::create(d.eid);
  ASSERT_TRUE(verifier);
  const Person person{trust::artificial_national_id(1), "GIVEN", "FAMILY"};
  for (const trust::TestCa* ca : {&before, &after}) {
    const auto key = trust::generate_key(EcCurve::kP384, rng);
    const Bytes card = ca->issue(trust::card_fields(person, KeyUse::kSigning, key.point, begins), rng);
    const Bytes message = {1, 2, 3};
    EXPECT_TRUE(
        (*verifier)->verify(card, KeyUse::kSigning, message, sign_r_s(key, message, rng), begins + 10));
  }
}

// A03, A21: one suite. Another group, size, hash or nesting has no name that is accepted, however it is
// written.
TEST(Definition, A03_A21_OneSuite) {
  for (const char* suite :
       {"psephos-0", "psephos-2", "psephos-1 ", "PSEPHOS-1", "psephos-1,sha-1", "psephos-1/sha256", "sha-1",
        "ristretto255,sha-256", "edwards25519", "p-256", "modp-256", "modp-2048", "elgamal-256x3"})
    EXPECT_EQ(defined([&](Definition& d) { d.suite = suite; }), Reason::kSuiteUnsupported) << suite;
  EXPECT_EQ(defined([](Definition& d) { d.suite = "psephos-1"; }), std::nullopt);
}

/// The base manifest whose definition has `more` behind its last field, signed by the commission.
std::optional<Reason> with_more_in_the_definition(const Bytes& more) {
  const Manifest& manifest = base().election().manifest();
  const Bytes body = encode(manifest), definition = encode(manifest.definition);
  const auto framed = [](Bytes content) {
    Bytes out;
    wire::write_tag(out, 1, 2);
    wire::write_varint(out, content.size());
    append(out, content);
    return out;
  };
  const Bytes before = framed(definition);
  EXPECT_TRUE(std::ranges::equal(ByteView(body).first(before.size()), before));
  Bytes longer = definition;
  append(longer, more);
  Bytes out = framed(longer);
  append(out, ByteView(body).subspan(before.size()));
  return refusal(base().sign(labels::kSignManifest, out));
}

// A07: nobody is asked which group, generator or hash to use: a manifest that says so is no manifest.
TEST(Manifest, A07_HasNoPlaceForAGroupOrGenerator) {
  EXPECT_EQ(with_more_in_the_definition({}), std::nullopt);
  const auto field = [](std::uint32_t number, ByteView content) {
    Bytes out;
    wire::write_tag(out, number, 2);
    wire::write_varint(out, content.size());
    append(out, content);
    return out;
  };
  const auto generator = Ristretto::mul_base_vartime(Ristretto::Scalar::from_u64(7)).encode();
  for (const std::uint32_t number : {19U, 20U, 99U, 1000U}) {
    EXPECT_EQ(with_more_in_the_definition(field(number, generator)), Reason::kWireNoncanonical) << number;
    EXPECT_EQ(with_more_in_the_definition(field(number, bytes_of("modp-2048, generator 2"))),
              Reason::kWireNoncanonical)
        << number;
  }
  EXPECT_EQ(with_more_in_the_definition(field(1, bytes_of("psephos-1"))), Reason::kWireNoncanonical);
  // Behind the manifest's own fields.
  Bytes body = encode(base().election().manifest());
  append(body, field(6, generator));
  EXPECT_EQ(refusal(base().sign(labels::kSignManifest, body)), Reason::kWireNoncanonical);
}

// A48: choices are those that are listed; there is no kind of choice that a voter writes herself.
TEST(Manifest, A48_NoFreeText) {
  for (const int kind : {3, 4, 255})
    EXPECT_EQ(changed([&](Manifest& m) {
                m.definition.contests[0].lists[0].choices[0].kind = static_cast<ChoiceKind>(kind);
              }),
              Reason::kWireNoncanonical)
        << kind;
  EXPECT_EQ(changed([](Manifest&) {}), std::nullopt);
  const Choice choice = base().election().manifest().definition.contests[0].lists[0].choices[0];
  Bytes with_flag = encode(choice);
  EXPECT_TRUE(decode<Choice>(with_flag).has_value());
  wire::write_tag(with_flag, 5, 0);
  wire::write_varint(with_flag, 1);
  EXPECT_EQ(decode<Choice>(with_flag).error().reason, Reason::kWireNoncanonical);
}

}  // namespace
}  // namespace psephos::test
