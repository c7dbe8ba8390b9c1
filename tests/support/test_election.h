#pragma once
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "crypto/merkle.h"
#include "crypto/secret/dkg_participant.h"
#include "crypto/secret/note_signer.h"
#include "crypto/secret/signing_key.h"
#include "protocol/ballot_crypto.h"
#include "protocol/checks/admission.h"
#include "protocol/checks/lists.h"
#include "protocol/checks/tally.h"
#include "protocol/container.h"
#include "protocol/eid/openssl_eid.h"
#include "protocol/election.h"
#include "tests/trust-services/services/test_trust.h"

/// A whole election in memory with every key in hand, for tests and for parties that cheat. Honest unless
/// told otherwise; deterministic but for keys and nonces.
namespace psephos::test {

/// SHA-512(seed ‖ u64(0)) ‖ SHA-512(seed ‖ u64(1)) ‖ …: the same bytes every time, for worked examples.
/// Anybody can predict it.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(std::string_view seed) : seed_(seed) {}
  void fill(std::span<std::uint8_t> out) override;

 private:
  std::string seed_;
  std::uint64_t block_ = 0;
  Bytes rest_;
};

/// What a test may change before the definition is frozen.
struct Options {
  std::uint64_t casting_begins_s = 1'900'000'000;
  std::uint64_t casting_ends_s = 1'900'100'000;
  std::uint64_t grace_ends_s = 1'900'101'000;
  std::uint64_t smallest_group = 3;
  MixInputs mix_inputs = MixInputs::kSworn;
  Mode mode = Mode::kTest;
  std::string election = "test-2026";
  /// Last change to the definition, before keys are made from it.
  std::function<void(Definition&)> amend;
  /// If not empty, everything is derived from it: the same election, to the byte, every time.
  std::string seed;
};

/// A voter's eID: two P-384 keys with certificates of the test authority.
struct Card {
  Person person;
  trust::EcKey authentication, signing;
  Bytes authentication_certificate, signing_certificate;
};

/// What an envelope's container holds. @pre it is one.
SignedBallot opened(const Envelope& envelope);
inline Bytes ballot_bytes(const Envelope& envelope) {
  return opened(envelope).ballot;
}
inline Ballot ballot_of(const Envelope& envelope) {
  return decode<Ballot>(ballot_bytes(envelope)).value();
}
inline BallotId id_of(const Envelope& envelope) {
  return sha256(ballot_bytes(envelope));
}
/// The envelope with something else in its container, which nobody signs anew.
template <class Change>
Envelope altered(Envelope envelope, Change change) {
  SignedBallot signed_ballot = opened(envelope);
  change(signed_ballot);
  envelope.container = write_container(signed_ballot);
  return envelope;
}
/// The item that a collector says it logged for an envelope.
inline BallotItem logged_as(const Envelope& envelope, const SubmitAnswer& answer) {
  return {altered(envelope, [&](SignedBallot& s) { s.evidence = answer.evidence; }), answer.received_ms};
}
/// The envelope with a container that holds no signature.
Envelope without_signature(Envelope envelope);

/// ECDSA as a card gives it, with SHA-384 on P-384 and SHA-256 on P-256: r‖s.
Bytes sign_r_s(const trust::EcKey& key, ByteView message, Rng& rng);

/// Units u1, u2, u3 (u1 has its own council list), contests mayor and council; 3 commission members (quorum
/// 2), 3 trustees (quorum 2), 3 mixers, 3 witnesses (quorum 2), a collector.
class TestElection {
  std::unique_ptr<Rng> rng_;  // first: the keys below come from it

 public:
  explicit TestElection(const Options& options = {});

  const Election& election() const { return *election_; }
  const EidVerifier& eid() const { return *eid_; }
  const trust::TestCa& ca() const { return trust_.ca; }
  trust::TestTrust& trust() { return trust_; }
  Rng& rng() const { return *rng_; }
  const Options& options() const { return options_; }

  /// The n-th artificial voter's card; made on first use.
  const Card& card(std::uint64_t n);
  Card make_card(const Person& person);
  Pseudonym pseudonym(std::uint64_t n) { return election().pseudonym_of(card(n).person.national_id); }

  /// Signed by the first `quorum` commission members, or those given (1-based).
  Bytes sign(std::string_view label, const Bytes& body, std::vector<std::uint64_t> signers = {}) const;
  template <class M>
  Bytes document(std::string_view label, const M& body) const {
    return sign(label, encode(body));
  }
  Bytes roll(std::uint64_t version, const std::optional<Digest256>& previous,
             std::vector<RollChange> changes) const;
  Bytes phase(PhaseEventKind kind, std::uint64_t time_s) const;
  Bytes revocation(std::uint64_t number, RevocationKind kind, std::vector<NationalId> ids) const;

  /// A ticket as the collector signs it.
  ServiceSigned sign_ticket(const CastTicket& ticket) const;
  /// Ticket, ballot and signature of voter n for the state given. `choices` by slot.
  CastTicket ticket(const ElectionState& state, std::uint64_t n, std::uint64_t now_s);
  BallotItem cast(const CastTicket& ticket, std::uint64_t n, std::span<const std::size_t> choices,
                  std::uint64_t now_ms, const BallotSeed* seed = nullptr);
  /// Signs the bytes of a ballot with a card, whatever they are: what a client submits.
  Envelope envelope(const Bytes& ballot, const CastTicket& ticket, const Card& card) const;
  Envelope envelope(const Ballot& ballot, const CastTicket& ticket, const Card& card) const {
    return envelope(encode(ballot), ticket, card);
  }
  /// What a collector logs of it: with evidence, all clocks at the time of receipt. An envelope that no
  /// evidence can be had for stays as it is.
  BallotItem logged(const Envelope& envelope, std::uint64_t received_ms);
  Result<Evidence, Reason> evidence(const SignedBallot& signed_ballot, std::int64_t at_unix_s);

  std::vector<SigningKey> commission, trustees, mixers, witnesses,
      collector;                                       ///< collector: log key, service key
  std::vector<Ristretto::SecretScalar> secret_shares;  ///< x_j
  SignedNote cosigned_checkpoint(const MerkleTree& tree) const;
  Bytes signed_manifest(const Manifest& manifest) const;

 private:
  Options options_;
  trust::TestTrust trust_;
  std::map<std::uint64_t, Card> cards_;
  std::unique_ptr<OpensslEidVerifier> eid_;
  std::optional<Election> election_;
};

/// Replays a log of which every item is at hand.
Replay replay_items(const TestElection& e, std::span<const EntryBytes> entries,
                    std::span<const LoggedItem> items);

/// The log of a test election: entries, salts, items and the state they lead to.
class TestLog {
 public:
  explicit TestLog(TestElection& e) : e_(e), state(e.election()) {}
  /// Applies an item if it is admissible, and fails the test otherwise.
  void document(EntryType type, const Bytes& item);
  void ballot(const BallotItem& item);
  /// Roll and opening: of the first voters so many are of unit u1, the next of u2, and so on.
  void open_casting(std::initializer_list<std::uint64_t> voters_of_units);
  /// Appends without any check: what a cheating operator does.
  void force(EntryType type, const Bytes& item);
  /// Voter n casts `choices` now; returns the ballot's id.
  BallotId vote(std::uint64_t n, std::vector<std::size_t> choices);
  void close_and_seal();

  std::vector<EntryBytes> entries;
  std::vector<LoggedItem> items;
  MerkleTree tree;
  std::uint64_t now_s = 0;
  Replay replay() const;

 private:
  TestElection& e_;

 public:
  ElectionState state;
};

/// One honest mix of a list: output file and proof file.
std::pair<Bytes, Bytes> mix(TestElection& e, const Generators& generators, const GroupSheet& sheet,
                            std::uint64_t position, std::uint64_t mixer, const VerifiedList& before);
/// Shares and proof file of one trustee.
std::pair<Bytes, Bytes> decrypt(TestElection& e, const GroupSheet& sheet, std::uint64_t trustee,
                                const VerifiedList& mixed);

}  // namespace psephos::test
