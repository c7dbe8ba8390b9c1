#pragma once
#include <deque>
#include <functional>
#include <map>

#include "protocol/labels.h"
#include "tests/support/test_election.h"
#include "voter-client/core/session.h"

namespace psephos::test {

/// A test election's card as the client sees cards.
class TestSigner final : public Signer {
 public:
  TestSigner(TestElection& e, std::uint64_t n) : e_(e), card_(e.card(n)) {}
  Result<Bytes, Rejection> signing_certificate() override { return card_.signing_certificate; }
  Result<Signed, Rejection> sign(KeyUse use, ByteView message) override {
    ++signatures;
    const bool signing = use == KeyUse::kSigning;
    return Signed{signing ? card_.signing_certificate : card_.authentication_certificate,
                  sign_r_s(signing ? card_.signing : card_.authentication, message, e_.rng())};
  }
  int signatures = 0;

 private:
  TestElection& e_;
  const Card& card_;
};

/// The collector as a transport: honest (checks of §9.4, one log, receipts) but for what a test makes it say.
class LyingCollector final : public Transport {
 public:
  explicit LyingCollector(TestElection& e) : e_(e), log(e) {
    now_s = e.options().casting_begins_s + 10;
    manifest = e.election().signed_manifest();
    std::vector<RollChange> changes;
    for (std::uint64_t n = 1; n <= 4; ++n)
      changes.push_back({RollChangeKind::kAdd, e.card(n).person.national_id, Id{n == 4 ? "u2" : "u1"}});
    log.document(EntryType::kRoll, e.roll(1, std::nullopt, std::move(changes)));
    log.document(EntryType::kPhase, e.phase(PhaseEventKind::kOpened, now_s));
  }

  Result<HttpReply, Rejection> exchange(std::string_view /*method*/, const std::string& target, ByteView body,
                                        std::size_t max_bytes) override {
    requests.emplace_back(target, copy_of(body));
    HttpReply reply = target == "/v1/manifest"    ? HttpReply{200, manifest}
                      : target == "/v1/challenge" ? HttpReply{200, challenge()}
                      : target == "/v1/ticket"    ? ticket(body)
                      : target == "/v1/ballot"    ? ballot(body)
                                                  : verify(body);
    if (lose_answers > 0) {
      --lose_answers;
      return reject(Reason::kServiceUnavailable, "the line went dead");
    }
    EXPECT_LE(reply.body.size(), max_bytes);
    return reply;
  }

  HttpReply refuse(ByteView body, Reason reason) const {
    ServiceSigned out{
        encode(Refusal{e_.election().fingerprint(), static_cast<std::uint64_t>(reason), sha256(body), now_s}),
        {}};
    out.signature = e_.collector[1].sign_labelled(labels::kSignRefusal, out.body);
    return {403, encode(out)};
  }
  Receipt receipt(std::uint64_t index, const BallotId& id) const {
    Receipt out{{encode(ReceiptStatement{e_.election().fingerprint(), id, index, log.entries[index]}), {}},
                log.tree.inclusion_proof(index, log.tree.size()),
                copy_of(bytes_of(e_.cosigned_checkpoint(log.tree).encode()))};
    resign(out);
    return out;
  }
  void resign(Receipt& receipt) const {
    receipt.statement.signature = e_.collector[1].sign_labelled(labels::kSignReceipt, receipt.statement.body);
  }

 private:
  TestElection& e_;

 public:
  TestLog log;
  std::uint64_t now_s = 0;
  Bytes manifest;
  std::vector<std::pair<std::string, Bytes>> requests;
  /// Lies: each changes an honest answer on its way out.
  std::function<void(Challenge&)> about_challenge;
  std::function<void(CastTicket&)> about_ticket;
  std::function<void(SubmitAnswer&)> about_receipt;
  std::function<void(VerifyAnswer&)> about_ballot;
  std::optional<Reason> refuse_ballots;
  int lose_answers = 0;      ///< so many answers never arrive, though the requests did
  int pending_receipts = 0;  ///< so many receipts come without a checkpoint

 private:
  Bytes challenge() {
    Challenge out{e_.election().fingerprint(), e_.election().definition().collector.origin, {}, now_s + 60};
    e_.rng().fill(out.nonce);
    if (about_challenge) about_challenge(out);
    return encode(out);
  }
  HttpReply ticket(ByteView body) {
    const auto authentication = decode<Authentication>(body).value();
    const auto person = e_.eid().verify(authentication.certificate, KeyUse::kAuthentication,
                                        signed_bytes(labels::kEidAuthenticate, authentication.challenge),
                                        authentication.signature, static_cast<std::int64_t>(now_s));
    if (!person) return refuse(body, person.error());
    for (std::uint64_t n = 1; n <= 4; ++n)
      if (e_.card(n).person.national_id == person->national_id) {
        CastTicket out = e_.ticket(log.state, n, now_s);
        out.checkpoint = copy_of(bytes_of(e_.cosigned_checkpoint(log.tree).encode()));
        if (about_ticket) about_ticket(out);
        return {200, encode(e_.sign_ticket(out))};
      }
    return refuse(body, Reason::kVoterNotOnRoll);
  }
  HttpReply ballot(ByteView body) {
    if (refuse_ballots) return refuse(body, *refuse_ballots);
    const auto submission = decode<Submission>(body).value();
    const BallotId id = id_of(submission.envelope);
    SubmitAnswer answer;
    if (!recorded_.contains(id)) {
      const BallotItem item = e_.logged(submission.envelope, now_s * 1000);
      const auto admission = log.state.admit(item, e_.eid());
      if (!admission) return refuse(body, admission.error().reason);
      log.ballot(item);
      recorded_[id] = {log.entries.size() - 1, submission.fetch_secret_hash};
    } else {
      answer.outcome = SubmitOutcome::kDuplicateIdempotent;
    }
    const std::uint64_t index = recorded_[id].first;
    answer.receipt = receipt(index, id);
    answer.salt = log.items[index].salt;
    const auto item = decode<BallotItem>(log.items[index].item).value();
    answer.received_ms = item.received_ms;
    answer.evidence = opened(item.envelope).evidence.value();
    if (pending_receipts > 0) {
      --pending_receipts;
      answer.receipt.checkpoint.clear();
      answer.receipt.inclusion_proof.clear();
    }
    if (about_receipt) about_receipt(answer);
    return {200, encode(answer)};
  }
  HttpReply verify(ByteView body) {
    const auto request = decode<VerifyRequest>(body).value();
    const auto found = recorded_.find(request.ballot_id);
    if (found == recorded_.end() || found->second.second != sha256(request.fetch_secret))
      return refuse(body, Reason::kVerifyUnknown);
    const std::uint64_t index = found->second.first;
    VerifyAnswer out{decode<BallotItem>(log.items[index].item).value(), log.items[index].salt,
                     receipt(index, request.ballot_id), BallotStatus::kCurrent};
    if (about_ballot) about_ballot(out);
    return {200, encode(out)};
  }
  std::map<BallotId, std::pair<std::uint64_t, Digest256>> recorded_;
};

}  // namespace psephos::test
