#include "protocol/checks/admission.h"

#include <algorithm>
#include <set>

#include "crypto/invariant.h"
#include "crypto/parallel.h"
#include "protocol/checks/ballot_proofs.h"
#include "protocol/labels.h"
#include "protocol/signed.h"

namespace psephos {

std::size_t ByteHash::operator()(const ByteArray<32>& value) const {
  std::size_t out = 0;
  std::memcpy(&out, value.data(), sizeof out);
  return out;
}

std::optional<std::size_t> Voter::unit_at(std::uint64_t roll_version) const {
  std::optional<std::size_t> unit;
  for (const auto& [version, value] : units) {
    if (version > roll_version) break;
    unit = value;
  }
  return unit;
}

const Voter* ElectionState::find(const Pseudonym& pseudonym) const {
  const auto it = voters_.find(pseudonym);
  return it == voters_.end() ? nullptr : &it->second;
}

std::optional<std::uint64_t> ElectionState::index_of(const BallotId& id) const {
  const auto it = ids_.find(id);
  if (it == ids_.end()) return std::nullopt;
  return it->second;
}

Result<void, Rejection> ElectionState::check_chain(const Admission& admission, const Voter& voter) const {
  const Ballot& ballot = admission.ballot;
  const LoggedBallot* last = voter.ballots.empty() ? nullptr : &voter.ballots.back();
  const std::uint64_t counter = last == nullptr ? 0 : last->counter;
  if (ids_.contains(admission.id)) return reject(Reason::kStaleCastCounter, "counter");
  if (ballot.counter <= counter) {
    // The logged ballot of that counter extends the same predecessor: the two compete, and the first logged
    // has won.
    for (const LoggedBallot& logged : voter.ballots)
      if (logged.counter == ballot.counter && logged.previous == ballot.previous && last == &logged)
        return reject(Reason::kCastConflict, "counter");
    return reject(Reason::kStaleCastCounter, "counter");
  }
  if (ballot.counter > counter + 1) return reject(Reason::kRecastOrderConflict, "counter");
  const std::optional<BallotId> head = last == nullptr ? std::nullopt : std::optional(last->id);
  if (ballot.previous != head) return reject(Reason::kRecastChainBroken, "previous");
  return {};
}

Result<Admission, Rejection> ElectionState::check_cheap(const BallotItem& item) const {
  auto ballot = decode<Ballot>(item.envelope.ballot);
  if (!ballot) return std::unexpected(ballot.error());
  if (ballot->fingerprint != election_.fingerprint()) return reject(Reason::kElectionFpMismatch, "ballot");

  const Definition& definition = election_.definition();
  const std::uint64_t received_s = item.received_ms / 1000;
  if (phase_ == Phase::kPrepared || received_s < definition.periods.casting_begins_s)
    return reject(Reason::kPhaseNotOpen, "");
  if (phase_ != Phase::kCasting || received_s >= definition.periods.grace_ends_s)
    return reject(Reason::kPhaseClosed, "");

  const ServiceSigned& signed_ticket = item.envelope.ticket;
  if (!check_service_signature(signed_ticket, labels::kSignTicket, election_.service_key(), "ticket"))
    return reject(Reason::kAuthChallengeUnknown, "ticket");
  auto ticket = decode<CastTicket>(signed_ticket.body);
  if (!ticket) return std::unexpected(ticket.error());
  if (ticket->fingerprint != election_.fingerprint()) return reject(Reason::kElectionFpMismatch, "ticket");
  if (ballot->ticket_hash != sha256(signed_ticket.body))
    return reject(Reason::kTicketMismatch, "ticket_hash");
  if (ballot->pseudonym != ticket->pseudonym) return reject(Reason::kTicketMismatch, "pseudonym");
  if (ballot->unit != ticket->unit) return reject(Reason::kTicketMismatch, "unit");
  if (ballot->counter != ticket->counter) return reject(Reason::kTicketMismatch, "counter");
  if (ballot->previous != ticket->previous) return reject(Reason::kTicketMismatch, "previous");
  if (received_s >= ticket->expires_s) return reject(Reason::kTicketExpired, "ticket");

  const Voter* voter = find(ballot->pseudonym);
  if (voter == nullptr || !voter->unit_now()) return reject(Reason::kVoterNotOnRoll, "pseudonym");
  if (ticket->roll_version > roll_version_) return reject(Reason::kRollVersionStale, "ticket.roll_version");
  const auto unit = election_.unit_index(ballot->unit);
  if (!unit || voter->unit_at(ticket->roll_version) != unit) return reject(Reason::kDistrictMismatch, "unit");

  Admission admission{.ballot = std::move(*ballot),
                      .ticket = std::move(*ticket),
                      .id = sha256(item.envelope.ballot),
                      .unit = *unit};
  if (auto ok = check_chain(admission, *voter); !ok) return std::unexpected(ok.error());

  const auto& selections = admission.ballot.selections;
  if (auto ok = check_ballot_shape(election_, admission.ballot); !ok) return std::unexpected(ok.error());
  std::set<ByteArray<32>> own;
  for (std::size_t i = 0; i < selections.size(); ++i) {
    const std::string object = "selections[" + std::to_string(i) + "].alpha";
    if (!own.insert(selections[i].alpha.encode()).second) return reject(Reason::kBallotRReuse, object);
    if (alphas_.contains(selections[i].alpha.encode()))
      return reject(Reason::kBallotDuplicateCiphertext, object);
  }
  return admission;
}

Result<void, Rejection> ElectionState::check_signature(const Election& election, const BallotItem& item,
                                                       const Ballot& ballot, const EidVerifier& eid) {
  const Envelope& envelope = item.envelope;
  if (envelope.signature.empty() || envelope.certificate.empty())
    return reject(Reason::kBallotSignatureMissing, "");
  const auto person =
      eid.verify(envelope.certificate, KeyUse::kSigning, signed_bytes(labels::kEidBallot, envelope.ballot),
                 envelope.signature, static_cast<std::int64_t>(item.received_ms / 1000));
  if (!person) return reject(person.error(), "signature");
  if (election.pseudonym_of(person->national_id) != ballot.pseudonym)
    return reject(Reason::kSignerNotPseudonym, "certificate");
  return {};
}

Result<void, Rejection> ElectionState::check_again(const Admission& admission) const {
  if (phase_ != Phase::kCasting) return reject(Reason::kPhaseClosed, "");
  const Voter* voter = find(admission.ballot.pseudonym);
  if (voter == nullptr || !voter->unit_now()) return reject(Reason::kVoterNotOnRoll, "pseudonym");
  if (auto ok = check_chain(admission, *voter); !ok) return ok;
  for (std::size_t i = 0; i < admission.ballot.selections.size(); ++i)
    if (alphas_.contains(admission.ballot.selections[i].alpha.encode()))
      return reject(Reason::kBallotDuplicateCiphertext, "selections[" + std::to_string(i) + "].alpha");
  return {};
}

Result<Admission, Rejection> ElectionState::admit(const BallotItem& item, const EidVerifier& eid) const {
  auto admission = check_cheap(item);
  if (!admission) return admission;
  if (auto ok = check_signature(election_, item, admission->ballot, eid); !ok)
    return std::unexpected(ok.error());
  if (auto ok = check_ballot_proofs(election_, admission->ballot); !ok) return std::unexpected(ok.error());
  return admission;
}

void ElectionState::record_ballot(std::uint64_t index, const Admission& admission) {
  const auto it = voters_.find(admission.ballot.pseudonym);
  invariant(it != voters_.end(), "the checks found the voter");
  LoggedBallot logged{.index = index,
                      .id = admission.id,
                      .unit = admission.unit,
                      .counter = admission.ballot.counter,
                      .previous = admission.ballot.previous,
                      .ciphertexts = {}};
  for (const Selection& selection : admission.ballot.selections) {
    logged.ciphertexts.push_back(selection.ciphertext());
    alphas_.insert(selection.alpha.encode());
  }
  ids_.emplace(admission.id, index);
  it->second.ballots.push_back(std::move(logged));
  ++ballots_;
}

Result<void, Rejection> ElectionState::check_document(EntryType type, ByteView item) const {
  ElectionState probe = *this;
  return probe.apply_document(0, type, item);
}

Result<void, Rejection> ElectionState::apply_document(std::uint64_t index, EntryType type, ByteView item) {
  const std::string at = "entry " + std::to_string(index);
  if (!may_append(phase_, type))
    return reject(phase_ == Phase::kPrepared ? Reason::kPhaseNotOpen : Reason::kPhaseClosed, at);
  auto document = decode<SignedDocument>(item);
  if (!document) return std::unexpected(document.error());
  switch (type) {
    case EntryType::kPhase:
      return apply_phase(*document, at);
    case EntryType::kRoll:
      return apply_roll(*document, at);
    case EntryType::kRevocation:
      return apply_revocation(*document, at);
    case EntryType::kBallot:
    case EntryType::kRefusal:
      return reject(Reason::kLogEntryUnknown, at);
  }
  return reject(Reason::kLogEntryUnknown, at);
}

Result<void, Rejection> ElectionState::check_signers(const SignedDocument& document, std::string_view label,
                                                     Reason missing, const std::string& at) const {
  return check_quorum(document, label, election_.commission_keys(), election_.definition().commission_quorum,
                      missing, at);
}

Result<void, Rejection> ElectionState::apply_phase(const SignedDocument& document, const std::string& at) {
  const auto event = decode<PhaseEvent>(document.body);
  if (!event) return std::unexpected(event.error());
  if (event->fingerprint != election_.fingerprint()) return reject(Reason::kElectionFpMismatch, at);
  if (auto ok = check_signers(document, labels::kSignPhase, Reason::kSignatureQuorum, at); !ok) return ok;
  const auto next = move(phase_, event->kind);
  if (!next || (event->kind == PhaseEventKind::kOpened && roll_version_ == 0))
    return reject(Reason::kPhaseMoveForbidden, at);
  phase_ = *next;
  return {};
}

Result<void, Rejection> ElectionState::apply_roll(const SignedDocument& document, const std::string& at) {
  const auto roll = decode<RollDocument>(document.body);
  if (!roll) return std::unexpected(roll.error());
  if (roll->fingerprint != election_.fingerprint()) return reject(Reason::kElectionFpMismatch, at);
  if (auto ok = check_signers(document, labels::kSignRoll, Reason::kSignatureQuorum, at); !ok) return ok;
  if (roll->version != roll_version_ + 1 || roll->previous != roll_hash_)
    return reject(Reason::kRollChainGap, at);

  // First all checks, then all effects: a change set is applied whole or not at all.
  std::set<NationalId> touched;
  struct Effect {
    Pseudonym pseudonym;
    const RollChange* change;
    std::optional<std::size_t> unit;
  };
  std::vector<Effect> effects;
  for (std::size_t i = 0; i < roll->changes.size(); ++i) {
    const RollChange& change = roll->changes[i];
    const std::string object = at + ", change " + std::to_string(i + 1);
    const bool strike = change.kind == RollChangeKind::kStrike;
    if (strike == change.unit.has_value()) return reject(Reason::kRollChangeInvalid, object);
    std::optional<std::size_t> unit;
    if (!strike) {
      unit = election_.unit_index(*change.unit);
      if (!unit) return reject(Reason::kRollChangeInvalid, object);
    }
    if (!touched.insert(change.national_id).second) return reject(Reason::kRollChangeInvalid, object);
    const Pseudonym pseudonym = election_.pseudonym_of(change.national_id);
    const Voter* voter = find(pseudonym);
    const bool on_roll = voter != nullptr && voter->unit_now().has_value();
    if ((change.kind == RollChangeKind::kAdd) == on_roll) return reject(Reason::kRollChangeInvalid, object);
    if (roll->version == 1 && change.kind != RollChangeKind::kAdd)
      return reject(Reason::kRollChangeInvalid, object);
    effects.push_back({pseudonym, &change, unit});
  }
  for (const Effect& effect : effects) {
    Voter& voter = voters_[effect.pseudonym];
    voter.national_id = effect.change->national_id;
    voter.units.emplace_back(roll->version, effect.unit);
  }
  roll_version_ = roll->version;
  roll_hash_ = sha256(document.body);
  return {};
}

Result<void, Rejection> ElectionState::apply_revocation(const SignedDocument& document,
                                                        const std::string& at) {
  const auto list = decode<RevocationList>(document.body);
  if (!list) return std::unexpected(list.error());
  const std::string object = at + ", list " + std::to_string(list->number);
  if (list->fingerprint != election_.fingerprint()) return reject(Reason::kRevocationForeign, object);
  if (!check_signers(document, labels::kSignRevocation, Reason::kRevocationUnsigned, object))
    return reject(Reason::kRevocationUnsigned, object);
  if (list->number <= revocations_) return reject(Reason::kRevocationDuplicate, object);
  if (list->number != revocations_ + 1) return reject(Reason::kRevocationMissing, object);
  if (!std::is_sorted(list->national_ids.begin(), list->national_ids.end(), std::less_equal<>()))
    return reject(Reason::kWireNoncanonical, object);  // sorted, each once
  for (const NationalId& id : list->national_ids)
    if (find(election_.pseudonym_of(id)) == nullptr) return reject(Reason::kVoterNotOnRoll, object);
  for (const NationalId& id : list->national_ids)
    voters_.at(election_.pseudonym_of(id)).revoked = list->kind == RevocationKind::kRevoke;
  revocations_ = list->number;
  return {};
}

namespace {

/// An entry and what the checks that need no state gave, made ahead on all cores.
struct Prepared {
  std::optional<Rejection> leaf;  ///< the item is missing or is not what the entry commits to
  LoggedItem logged;
  EntryType type = EntryType::kPhase;
  std::optional<Ballot> ballot;     ///< with the shape of its unit and a good signature: its proofs are due
  std::optional<Rejection> costly;  ///< of signature or proofs
};

/// @pre the entry is a ballot's, and commits to the item. What cannot be decoded or has another shape is left
/// to the cheap checks, which name it.
void check_signature_of(Prepared& p, const Election& election, const EidVerifier& eid) {
  const auto item = decode<BallotItem>(p.logged.item);
  if (!item) return;
  auto ballot = decode<Ballot>(item->envelope.ballot);
  if (!ballot || !check_ballot_shape(election, *ballot)) return;
  if (auto ok = ElectionState::check_signature(election, *item, *ballot, eid); !ok)
    p.costly = ok.error();
  else
    p.ballot = std::move(*ballot);
}

void check_proofs_of(std::span<Prepared> batch, const Election& election) {
  std::vector<Prepared*> due;
  std::vector<const Ballot*> ballots;
  for (Prepared& p : batch) {
    if (!p.ballot) continue;
    due.push_back(&p);
    ballots.push_back(&*p.ballot);
  }
  const auto outcomes = check_ballot_proofs_batch(election, ballots);
  for (std::size_t i = 0; i < due.size(); ++i)
    if (!outcomes[i]) due[i]->costly = outcomes[i].error();
}

}  // namespace

Replay replay_log(const Election& election, const EidVerifier& eid, std::span<const EntryBytes> entries,
                  const std::function<Result<LoggedItem, Rejection>(std::uint64_t index)>& item_at,
                  const std::function<void(std::uint64_t done)>& progress) {
  Replay replay{ElectionState(election), {}, 0};
  const auto find = [&](std::uint64_t index, Rejection rejection) {
    rejection.object =
        "entry " + std::to_string(index) + (rejection.object.empty() ? "" : ", ") + rejection.object;
    replay.findings.push_back({index, std::move(rejection)});
  };
  constexpr std::size_t kBatch = 1024;
  for (std::size_t begin = 0; begin < entries.size(); begin += kBatch) {
    const std::size_t end = std::min(entries.size(), begin + kBatch);
    std::vector<Prepared> batch(end - begin);
    for (std::size_t i = begin; i < end; ++i) {  // items are read in order, from one thread
      Prepared& p = batch[i - begin];
      const auto type = type_of(entries[i]);
      auto logged = item_at(i);
      if (!type) {
        p.leaf = Rejection{Reason::kLogEntryUnknown, ""};
      } else if (!logged) {
        p.leaf = *type == EntryType::kBallot ? Rejection{Reason::kBallotLost, ""} : logged.error();
      } else {
        p.type = *type;
        p.logged = std::move(*logged);
      }
    }
    parallel_for(batch.size(), 8, [&](std::size_t k) {
      Prepared& p = batch[k];
      if (p.leaf) return;
      if (make_entry(p.type, p.logged.salt, p.logged.item) != entries[begin + k]) {
        p.leaf = Rejection{Reason::kLogLeafMismatch, ""};
        return;
      }
      if (p.type == EntryType::kBallot) check_signature_of(p, election, eid);
    });
    check_proofs_of(batch, election);
    for (std::size_t i = begin; i < end; ++i) {
      const Prepared& p = batch[i - begin];
      if (p.leaf) {
        find(i, *p.leaf);
        continue;
      }
      switch (p.type) {
        case EntryType::kBallot: {
          const auto item = decode<BallotItem>(p.logged.item);
          if (!item) {
            find(i, item.error());
            break;
          }
          const auto admission = replay.state.check_cheap(*item);
          if (!admission)
            find(i, admission.error());
          else if (p.costly)
            find(i, *p.costly);
          else
            replay.state.record_ballot(i, *admission);
          break;
        }
        case EntryType::kRefusal: {
          ++replay.refusals;
          if (!may_append(replay.state.phase(), EntryType::kRefusal)) {
            find(i, {Reason::kPhaseClosed, ""});
            break;
          }
          const auto item = decode<RefusalItem>(p.logged.item);
          if (!item) {
            find(i, item.error());
            break;
          }
          // Founded: the same checks on the same state give the reason that was answered.
          const auto admitted =
              replay.state.admit({.envelope = item->envelope, .received_ms = item->received_ms}, eid);
          if (admitted || static_cast<std::uint64_t>(admitted.error().reason) != item->reason)
            find(i, {Reason::kRefusalUnfounded, ""});
          break;
        }
        case EntryType::kPhase:
        case EntryType::kRoll:
        case EntryType::kRevocation:
          if (auto ok = replay.state.apply_document(i, p.type, p.logged.item); !ok)
            replay.findings.push_back({i, ok.error()});
          break;
      }
    }
    if (progress) progress(end);
  }
  return replay;
}

}  // namespace psephos
