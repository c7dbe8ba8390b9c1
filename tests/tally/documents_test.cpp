// Documents that the commission signs.
#include "tally/documents.h"

#include <gtest/gtest.h>

#include "protocol/labels.h"
#include "tests/support/test_election.h"
#include "tests/trust-services/test_ca/national_ids.h"

namespace psephos::test {
namespace {

std::string id(std::uint64_t n) {
  return trust::artificial_national_id(n);
}

const std::vector<std::string> kTypes = {"PNOEE", "PNOLV"};

TEST(Documents, RollLines) {
  const auto changes = parse_roll("# roll\n" + id(1) + "\tu1\tMari\tMaasikas\r\n\n" + id(2) + "\tu2\n+\t" +
                                      id(3) + "\tu1\nmove\t" + id(4) + "\tu2\n-\t" + id(5),
                                  kTypes);
  ASSERT_TRUE(changes) << to_string(changes.error());
  ASSERT_EQ(changes->size(), 5U);
  const RollChangeKind kinds[] = {RollChangeKind::kAdd, RollChangeKind::kAdd, RollChangeKind::kAdd,
                                  RollChangeKind::kMove, RollChangeKind::kStrike};
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ((*changes)[i].kind, kinds[i]);
    EXPECT_EQ((*changes)[i].national_id, id(i + 1));
    EXPECT_EQ((*changes)[i].unit.has_value(), i != 4);
  }
  EXPECT_EQ((*changes)[3].unit->text, "u2");
}

TEST(Documents, RollLinesThatAreOffAreNamed) {
  const auto refused = [](const std::string& text) {
    const auto changes = parse_roll(text, kTypes);
    return changes ? "accepted"
                   : std::string(name_of(changes.error().reason)) + " " + changes.error().object.substr(0, 6);
  };
  EXPECT_EQ(refused("# nothing\n\n" + id(1) + "\tu1\nPNOEE-60001019907\tu1"), "VOTER_ID_FORMAT line 4");
  EXPECT_EQ(refused(id(1)), "ROLL_CHANGE_INVALID line 1");
  EXPECT_EQ(refused(id(1) + "\tU1"), "ROLL_CHANGE_INVALID line 1");
  EXPECT_EQ(refused(id(1) + "\tu1\tMari"), "ROLL_CHANGE_INVALID line 1");
  EXPECT_EQ(refused("-\t" + id(1) + "\tu1"), "ROLL_CHANGE_INVALID line 1");
  EXPECT_EQ(refused("-"), "VOTER_ID_FORMAT line 1");
  EXPECT_EQ(refused("# nothing"), "ROLL_CHANGE_INVALID no lin");
}

TEST(Documents, IdsAreSortedAndEachOnce) {
  auto sorted = std::vector<std::string>{id(1), id(2), id(3)};
  std::ranges::sort(sorted);
  EXPECT_EQ(parse_ids(id(3) + "\n" + id(1) + "\n# x\n" + id(2) + "\n", kTypes), sorted);
  EXPECT_EQ(parse_ids(id(3) + "\n" + id(3), kTypes).error().reason, Reason::kRevocationDuplicate);
  EXPECT_EQ(parse_ids(id(3) + " ", kTypes).error().reason, Reason::kVoterIdFormat);
  EXPECT_EQ(parse_ids("\n", kTypes).error().reason, Reason::kWireMissingField);
}

// A78: rolls hold the identifiers that certificates of the election have, and no others.
TEST(Documents, A78_IdsOfTheElectionsTypes) {
  for (const char* good : {"PNOEE-38001085718", "PNOLV-030303-10012"}) {
    EXPECT_TRUE(parse_roll(std::string(good) + "\tu1", kTypes)) << good;
    EXPECT_TRUE(parse_ids(good, kTypes)) << good;
  }
  for (const char* bad : {"PNOLT-38001085718", "IDCEE-AB123456", "pnoee-38001085718", "PNOEE-38001085718 ",
                          "PNOLV-03030310012"}) {
    EXPECT_EQ(parse_roll(std::string(bad) + "\tu1", kTypes).error().reason, Reason::kVoterIdFormat) << bad;
    EXPECT_EQ(parse_ids(bad, kTypes).error().reason, Reason::kVoterIdFormat) << bad;
  }
}

TEST(Documents, MembersSignWhatTheyHaveChecked) {
  TestElection e;
  SignedDocument manifest{.body = encode(e.election().manifest()), .signatures = {}};
  ASSERT_TRUE(check_signable(DocumentKind::kManifest, manifest.body, nullptr));
  EXPECT_EQ(Election::open(encode(manifest), std::nullopt).error().reason, Reason::kManifestSignature);
  add_signature(manifest, DocumentKind::kManifest, 3, e.commission[2]);
  EXPECT_EQ(Election::open(encode(manifest), std::nullopt).error().reason, Reason::kManifestSignature);
  add_signature(manifest, DocumentKind::kManifest, 1, e.commission[0]);
  add_signature(manifest, DocumentKind::kManifest, 1, e.commission[0]);  // again changes nothing
  const auto opened = Election::open(encode(manifest), e.election().fingerprint());
  EXPECT_TRUE(opened) << to_string(opened.error());

  Manifest swapped = e.election().manifest();
  swapped.joint_key = swapped.joint_key + Ristretto::Point::generator();
  EXPECT_EQ(check_signable(DocumentKind::kManifest, encode(swapped), nullptr).error().reason,
            Reason::kJointKeyMismatch);

  RevocationList list{.fingerprint = e.election().fingerprint(),
                      .number = 1,
                      .kind = RevocationKind::kRevoke,
                      .national_ids = {id(1)}};
  EXPECT_TRUE(check_signable(DocumentKind::kRevocation, encode(list), &e.election()));
  EXPECT_FALSE(check_signable(DocumentKind::kRoll, encode(list), &e.election()));
  list.fingerprint[0] ^= 1;
  EXPECT_EQ(check_signable(DocumentKind::kRevocation, encode(list), &e.election()).error().reason,
            Reason::kRevocationForeign);
}

}  // namespace
}  // namespace psephos::test
