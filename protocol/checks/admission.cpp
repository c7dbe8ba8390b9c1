#include "protocol/checks/admission.h"

#include <algorithm>
#include <cstring>

#include "crypto/invariant.h"
#include "crypto/parallel.h"
#include "protocol/checks/ballot_proofs.h"
#include "protocol/checks/signed_ballot.h"
#include "protocol/labels.h"
#include "protocol/national_id.h"
#include "protocol/signed.h"

namespace psephos {

std::size_t ByteHash::operator()(const ByteArray<32>& value) const {
  std::size_t out = 0;
  std::memcpy(&out, value.data(), sizeof out);
  return out;
}

std::optional<std::uint32_t> ElectionState::position_of(const Pseudonym& pseudonym) const {
  return by_pseudonym_.find(pseudonym,
                            [this](std::uint32_t v) -> const Pseudonym& { return voters_[v].pseudonym; });
}

const Voter* ElectionState::find(const Pseudonym& pseudonym) const {
  const auto position = position_of(pseudonym);
  return position ? &voters_[*position] : nullptr;
}

std::optional<std::size_t> ElectionState::unit_at(const Voter& voter, std::uint64_t roll_version) const {
  if (roll_version < voter.first_version) return std::nullopt;
  std::optional<std::size_t> unit = voter.first_unit;
  if (!voter.changed) return unit;
  for (const auto& [version, value] : changes_.at(*position_of(voter.pseudonym))) {
    if (version > roll_version) break;
    unit = value;
  }
  return unit;
}

std::optional<std::size_t> ElectionState::unit_now(const Voter& voter) const {
  return unit_at(voter, roll_version_);
}

std::uint64_t ElectionState::voters_on_roll() const {
  std::uint64_t on_roll = voters_.size();
  for (const auto& [voter, changes] : changes_) on_roll -= changes.back().second ? 0U : 1U;
  return on_roll;
}

const LoggedBallot* ElectionState::last_ballot(const Voter& voter) const {
  return voter.last ? &ballots_[*voter.last] : nullptr;
}

std::optional<std::uint64_t> ElectionState::index_of(const BallotId& id) const {
  const auto position =
      by_id_.find(id, [this](std::uint32_t b) -> const BallotId& { return ballots_[b].id; });
  if (!position) return std::nullopt;
  return ballots_[*position].index;
}

Result<void, Rejection> ElectionState::check_chain(const Admission& admission, const Voter& voter) const {
  const Ballot& ballot = admission.ballot;
  const LoggedBallot* last = last_ballot(voter);
  const std::uint64_t counter = last == nullptr ? 0 : last->counter;
  if (index_of(admission.id)) return reject(Reason::kStaleCastCounter, "counter");
  if (ballot.counter <= counter) {
    // The logged ballot of that counter extends the same predecessor: the two compete, and the first logged
    // has won.
    const auto before = last->previous ? std::optional(ballots_[*last->previous].id) : std::nullopt;
    if (ballot.counter == counter && ballot.previous == before)
      return reject(Reason::kCastConflict, "counter");
    return reject(Reason::kStaleCastCounter, "counter");
  }
  if (ballot.counter > counter + 1) return reject(Reason::kRecastOrderConflict, "counter");
  const std::optional<BallotId> head = last == nullptr ? std::nullopt : std::optional(last->id);
  if (ballot.previous != head) return reject(Reason::kRecastChainBroken, "previous");
  return {};
}

Result<void, Rejection> ElectionState::check_fresh(const Ballot& ballot) const {
  // Positions have 32 bits; a log that fills them has 140 GB of entries alone.
  if (ciphertexts_.size() + ballot.selections.size() >= compact::PositionTable::kMost)
    return reject(Reason::kWireLimit, "log");
  for (std::size_t i = 0; i < ballot.selections.size(); ++i) {
    ByteArray<32> alpha{};
    std::ranges::copy(ballot.selections[i].alpha.encode(), alpha.begin());
    const auto logged = by_alpha_.find(alpha, [this](std::uint32_t c) {
      ByteArray<32> key{};
      std::memcpy(key.data(), ciphertexts_[c].data(), key.size());
      return key;
    });
    if (logged)
      return reject(Reason::kBallotDuplicateCiphertext, "selections[" + std::to_string(i) + "].alpha");
  }
  return {};
}

Result<Ballot, Rejection> decode_ballot(const Election& election, ByteView bytes) {
  if (wire::count_of_field(bytes, Ballot::kSelectionsField) > election.most_slots())
    return reject(Reason::kWireLimit, std::string(Ballot::kName) + ".selections");
  return decode<Ballot>(bytes);
}

Examined ElectionState::examine(const Election& election, const BallotItem& item) {
  Examined out;
  auto container = read_container(item.envelope.container);
  if (!container) {
    out.bytes = container.error();
    return out;
  }
  out.admission.signed_ballot = std::move(*container);
  const Bytes& bytes = out.admission.signed_ballot.ballot;
  auto ballot = decode_ballot(election, bytes);
  if (!ballot) {
    out.bytes = ballot.error();
    return out;
  }
  if (ballot->fingerprint != election.fingerprint()) {
    out.bytes = Rejection{Reason::kElectionFpMismatch, "ballot"};
    return out;
  }
  out.admission.id = sha256(bytes);
  out.admission.ballot = std::move(*ballot);
  const Ballot& own = out.admission.ballot;

  out.ticket = [&]() -> std::optional<Rejection> {
    const ServiceSigned& signed_ticket = item.envelope.ticket;
    auto ticket = decode<CastTicket>(signed_ticket.body);
    if (!ticket) return ticket.error();
    out.admission.ticket = std::move(*ticket);
    const CastTicket& stated = out.admission.ticket;
    if (stated.fingerprint != election.fingerprint()) return {{Reason::kElectionFpMismatch, "ticket"}};
    if (own.ticket_hash != sha256(signed_ticket.body)) return {{Reason::kTicketMismatch, "ticket_hash"}};
    if (own.pseudonym != stated.pseudonym) return {{Reason::kTicketMismatch, "pseudonym"}};
    if (own.unit != stated.unit) return {{Reason::kTicketMismatch, "unit"}};
    if (own.counter != stated.counter) return {{Reason::kTicketMismatch, "counter"}};
    if (own.previous != stated.previous) return {{Reason::kTicketMismatch, "previous"}};
    if (item.received_ms / 1000 >= stated.expires_s) return {{Reason::kTicketExpired, "ticket"}};
    return std::nullopt;
  }();

  const auto unit = election.unit_index(own.unit);
  if (!unit) return out;  // the voter has another: check 10
  out.admission.unit = *unit;
  out.shape = [&]() -> std::optional<Rejection> {
    if (auto ok = check_ballot_shape(election, own); !ok) return ok.error();
    const auto& selections = own.selections;
    for (std::size_t i = 0; i < selections.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (selections[i].alpha == selections[j].alpha)
          return {{Reason::kBallotRReuse, "selections[" + std::to_string(i) + "].alpha"}};
    return std::nullopt;
  }();
  return out;
}

void ElectionState::verify_ticket(const Election& election, const BallotItem& item, Examined& examined) {
  if (!check_service_signature(item.envelope.ticket, labels::kSignTicket, election.service_key(), "ticket"))
    examined.ticket_signature = Rejection{Reason::kAuthChallengeUnknown, "ticket"};
}

Result<Admission, Rejection> ElectionState::check_cheap(const BallotItem& item) const {
  Examined examined = examine(election_, item);
  if (!examined.bytes) verify_ticket(election_, item, examined);
  return check_cheap(item, std::move(examined));
}

Result<Admission, Rejection> ElectionState::check_cheap(const BallotItem& item, Examined&& examined) const {
  if (examined.bytes) return std::unexpected(*std::move(examined.bytes));
  const Definition& definition = election_.definition();
  const std::uint64_t received_s = item.received_ms / 1000;
  if (phase_ == Phase::kPrepared || received_s < definition.periods.casting_begins_s)
    return reject(Reason::kPhaseNotOpen, "");
  if (phase_ != Phase::kCasting || received_s >= definition.periods.grace_ends_s)
    return reject(Reason::kPhaseClosed, "");
  if (examined.ticket_signature) return std::unexpected(*std::move(examined.ticket_signature));
  if (examined.ticket) return std::unexpected(*std::move(examined.ticket));

  Admission& admission = examined.admission;
  const Ballot& ballot = admission.ballot;
  const Voter* voter = find(ballot.pseudonym);
  if (voter == nullptr || !unit_now(*voter)) return reject(Reason::kVoterNotOnRoll, "pseudonym");
  if (admission.ticket.roll_version > roll_version_)
    return reject(Reason::kRollVersionStale, "ticket.roll_version");
  const auto unit = election_.unit_index(ballot.unit);
  if (!unit || unit_at(*voter, admission.ticket.roll_version) != unit)
    return reject(Reason::kDistrictMismatch, "unit");
  if (auto ok = check_chain(admission, *voter); !ok) return std::unexpected(ok.error());
  if (examined.shape) return std::unexpected(*std::move(examined.shape));
  if (auto ok = check_fresh(ballot); !ok) return std::unexpected(ok.error());
  return std::move(admission);
}

Result<void, Rejection> ElectionState::check_signature(const Election& election, Admission& admission,
                                                       std::uint64_t received_ms, const EidVerifier& eid) {
  const auto signer =
      check_signer(eid, admission.signed_ballot, static_cast<std::int64_t>(received_ms / 1000));
  if (!signer) return std::unexpected(signer.error());
  if (election.pseudonym_of(signer->person.national_id) != admission.ballot.pseudonym)
    return reject(Reason::kSignerNotPseudonym, "certificate");
  admission.key = signer->key_sha256;
  return {};
}

Result<void, Rejection> ElectionState::check_key(const Admission& admission) const {
  const auto known =
      by_key_.find(admission.key, [this](std::uint32_t k) -> const Digest256& { return keys_[k].key; });
  if (known && voters_[keys_[*known].voter].pseudonym != admission.ballot.pseudonym)
    return reject(Reason::kCertKeyShared, "certificate");
  return {};
}

Result<void, Rejection> ElectionState::check_evidence(const Election& election, const Admission& admission,
                                                      std::uint64_t received_ms, const EidVerifier& eid) {
  const auto stamped = psephos::check_evidence(eid, admission.signed_ballot);
  if (!stamped) return std::unexpected(stamped.error());
  return check_times(election, *stamped, received_ms, admission.ticket.expires_s);
}

Result<void, Rejection> ElectionState::check_again(const Admission& admission) const {
  if (phase_ != Phase::kCasting) return reject(Reason::kPhaseClosed, "");
  const Voter* voter = find(admission.ballot.pseudonym);
  if (voter == nullptr || !unit_now(*voter)) return reject(Reason::kVoterNotOnRoll, "pseudonym");
  if (auto ok = check_chain(admission, *voter); !ok) return ok;
  if (auto ok = check_fresh(admission.ballot); !ok) return ok;
  return check_key(admission);
}

Result<Admission, Rejection> ElectionState::admit(const BallotItem& item, const EidVerifier& eid) const {
  auto admission = check_cheap(item);
  if (!admission) return admission;
  if (auto ok = check_signature(election_, *admission, item.received_ms, eid); !ok)
    return std::unexpected(ok.error());
  if (auto ok = check_evidence(election_, *admission, item.received_ms, eid); !ok)
    return std::unexpected(ok.error());
  if (auto ok = check_key(*admission); !ok) return std::unexpected(ok.error());
  if (auto ok = check_ballot_proofs(election_, admission->ballot); !ok) return std::unexpected(ok.error());
  return admission;
}

void ElectionState::record_ballot(std::uint64_t index, const Admission& admission) {
  const auto voter = position_of(admission.ballot.pseudonym);
  invariant(voter.has_value(), "the checks found the voter");
  Voter& owner = voters_[*voter];
  const auto position = static_cast<std::uint32_t>(ballots_.size());
  ballots_.push_back({.id = admission.id,
                      .index = index,
                      .voter = *voter,
                      .counter = static_cast<std::uint32_t>(admission.ballot.counter),
                      .previous = owner.last,
                      .unit = static_cast<std::uint32_t>(admission.unit),
                      .ciphertexts = static_cast<std::uint32_t>(ciphertexts_.size())});
  const auto alpha_at = [this](std::uint32_t c) {
    ByteArray<32> key{};
    std::memcpy(key.data(), ciphertexts_[c].data(), key.size());
    return key;
  };
  for (const Selection& selection : admission.ballot.selections) {
    const auto c = static_cast<std::uint32_t>(ciphertexts_.size());
    ciphertexts_.push_back(selection.ciphertext().encode());
    by_alpha_.insert(alpha_at(c), c, alpha_at);
  }
  by_id_.insert(admission.id, position,
                [this](std::uint32_t b) -> const BallotId& { return ballots_[b].id; });
  owner.last = position;
  ++owner.ballots;
  const auto key_at = [this](std::uint32_t k) -> const Digest256& { return keys_[k].key; };
  if (!by_key_.find(admission.key, key_at)) {
    by_key_.insert(admission.key, static_cast<std::uint32_t>(keys_.size()), key_at);
    keys_.push_back({admission.key, *voter});
  }
}

Result<void, Rejection> ElectionState::apply_document(std::uint64_t index, EntryType type, ByteView item) {
  const auto effect = check_document(index, type, item);
  if (!effect) return std::unexpected(effect.error());
  apply(*effect);
  return {};
}

Result<DocumentEffect, Rejection> ElectionState::check_document(std::uint64_t index, EntryType type,
                                                                ByteView item) const {
  const std::string at = "entry " + std::to_string(index);
  if (!may_append(phase_, type))
    return reject(phase_ == Phase::kPrepared ? Reason::kPhaseNotOpen : Reason::kPhaseClosed, at);
  auto document = decode<SignedDocument>(item);
  if (!document) return std::unexpected(document.error());
  switch (type) {
    case EntryType::kPhase:
      return check_phase(*document, at);
    case EntryType::kRoll:
      return check_roll(*document, at);
    case EntryType::kRevocation:
      return check_revocation(*document, at);
    case EntryType::kBallot:
    case EntryType::kRefusal:
      return reject(Reason::kLogEntryUnknown, at);
  }
  return reject(Reason::kLogEntryUnknown, at);
}

void ElectionState::apply(const DocumentEffect& effect) {
  std::visit([this](const auto& one) { apply_effect(one); }, effect);
}

Result<void, Rejection> ElectionState::check_signers(const SignedDocument& document, std::string_view label,
                                                     Reason missing, const std::string& at) const {
  return check_quorum(document, label, election_.commission_keys(), election_.definition().commission_quorum,
                      missing, at);
}

Result<DocumentEffect, Rejection> ElectionState::check_phase(const SignedDocument& document,
                                                             const std::string& at) const {
  const auto event = decode<PhaseEvent>(document.body);
  if (!event) return std::unexpected(event.error());
  if (event->fingerprint != election_.fingerprint()) return reject(Reason::kElectionFpMismatch, at);
  if (auto ok = check_signers(document, labels::kSignPhase, Reason::kSignatureQuorum, at); !ok)
    return std::unexpected(ok.error());
  const auto next = move(phase_, event->kind);
  if (!next || (event->kind == PhaseEventKind::kOpened && roll_version_ == 0))
    return reject(Reason::kPhaseMoveForbidden, at);
  return PhaseChange{*next};
}

void ElectionState::apply_effect(const PhaseChange& change) {
  phase_ = change.phase;
}

Result<DocumentEffect, Rejection> ElectionState::check_roll(const SignedDocument& document,
                                                            const std::string& at) const {
  const auto roll = decode<RollDocument>(document.body);
  if (!roll) return std::unexpected(roll.error());
  if (roll->fingerprint != election_.fingerprint()) return reject(Reason::kElectionFpMismatch, at);
  if (auto ok = check_signers(document, labels::kSignRoll, Reason::kSignatureQuorum, at); !ok)
    return std::unexpected(ok.error());
  if (roll->version != roll_version_ + 1 || roll->previous != roll_hash_)
    return reject(Reason::kRollChainGap, at);
  if (voters_.size() + roll->changes.size() >= compact::PositionTable::kMost)
    return reject(Reason::kWireLimit, at);

  // All checks before all effects: a change set is applied whole or not at all.
  RollUpdate update{.version = roll->version, .hash = sha256(document.body), .changes = {}};
  update.changes.resize(roll->changes.size());
  parallel_for(roll->changes.size(), 256, [&](std::size_t i) {
    update.changes[i].pseudonym = election_.pseudonym_of(roll->changes[i].national_id);
  });
  const auto& identity_types = election_.definition().eid.identity_types;
  compact::PositionTable touched;
  const auto pseudonym_at = [&](std::uint32_t i) -> const Pseudonym& { return update.changes[i].pseudonym; };
  for (std::size_t i = 0; i < roll->changes.size(); ++i) {
    const RollChange& change = roll->changes[i];
    RollUpdate::One& one = update.changes[i];
    const auto invalid = [&] {
      return reject(Reason::kRollChangeInvalid, at + ", change " + std::to_string(i + 1));
    };
    // Another spelling would be another pseudonym of the same person.
    if (!is_national_id(change.national_id, identity_types))
      return reject(Reason::kPseudonymNotInjective, at + ", change " + std::to_string(i + 1));
    const bool strike = change.kind == RollChangeKind::kStrike;
    if (strike == change.unit.has_value()) return invalid();
    if (!strike) {
      const auto unit = election_.unit_index(*change.unit);
      if (!unit) return invalid();
      one.unit = static_cast<std::uint32_t>(*unit);
    }
    if (touched.find(one.pseudonym, pseudonym_at)) return invalid();
    touched.insert(one.pseudonym, static_cast<std::uint32_t>(i), pseudonym_at);
    one.voter = position_of(one.pseudonym);
    const bool on_roll = one.voter && unit_now(voters_[*one.voter]);
    if ((change.kind == RollChangeKind::kAdd) == on_roll) return invalid();
    if (roll->version == 1 && change.kind != RollChangeKind::kAdd) return invalid();
  }
  return update;
}

void ElectionState::apply_effect(const RollUpdate& update) {
  for (const RollUpdate::One& one : update.changes) {
    if (one.voter) {
      voters_[*one.voter].changed = true;
      changes_[*one.voter].emplace_back(update.version, one.unit);
      continue;
    }
    by_pseudonym_.insert(one.pseudonym, static_cast<std::uint32_t>(voters_.size()),
                         [this](std::uint32_t v) -> const Pseudonym& { return voters_[v].pseudonym; });
    Voter voter;
    voter.pseudonym = one.pseudonym;
    voter.first_version = static_cast<std::uint32_t>(update.version);
    voter.first_unit = *one.unit;
    voters_.push_back(voter);
  }
  roll_version_ = update.version;
  roll_hash_ = update.hash;
}

Result<DocumentEffect, Rejection> ElectionState::check_revocation(const SignedDocument& document,
                                                                  const std::string& at) const {
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
  RevocationUpdate update{
      .number = list->number, .revoked = list->kind == RevocationKind::kRevoke, .voters = {}};
  for (const NationalId& id : list->national_ids) {
    const auto voter = position_of(election_.pseudonym_of(id));
    if (!voter) return reject(Reason::kVoterNotOnRoll, object);
    update.voters.push_back(*voter);
  }
  return update;
}

void ElectionState::apply_effect(const RevocationUpdate& update) {
  for (const std::uint32_t voter : update.voters) voters_[voter].revoked = update.revoked;
  revocations_ = update.number;
}

namespace {

/// An entry on its way through the replay.
struct Prepared {
  std::optional<Rejection> leaf;  ///< the item is missing or is not what the entry commits to
  EntryType type = EntryType::kPhase;
  ByteView bytes;
  LoggedItem logged;
  std::optional<Result<BallotItem, Rejection>> ballot;
  Examined examined;
  std::optional<Rejection> signature;  ///< it, or the evidence for it
  std::optional<Rejection> proofs;
  /// Whether there is a ballot to look into.
  bool is_sound() const { return ballot && *ballot && !examined.bytes; }
};

class Replayer {
 public:
  Replayer(const Election& election, const EidVerifier& eid, std::span<const EntryBytes> entries)
      : election_(election), eid_(eid), entries_(entries) {}

  void take(std::uint64_t index, Prepared& p, Result<ByteView, Rejection> item) const {
    const auto type = type_of(entries_[index]);
    if (!type)
      p.leaf = Rejection{Reason::kLogEntryUnknown, ""};
    else if (!item)
      p.leaf = *type == EntryType::kBallot ? Rejection{Reason::kBallotLost, ""} : item.error();
    else
      p.bytes = *item;
    if (type) p.type = *type;
  }

  void open(std::uint64_t index, Prepared& p) const {
    if (p.leaf) return;
    auto logged = decode<LoggedItem>(p.bytes);
    if (!logged) {
      p.leaf = p.type == EntryType::kBallot ? Rejection{Reason::kBallotLost, ""} : logged.error();
      return;
    }
    if (make_entry(p.type, logged->salt, logged->item) != entries_[index]) {
      p.leaf = Rejection{Reason::kLogLeafMismatch, ""};
      return;
    }
    if (p.type == EntryType::kBallot)
      p.ballot = decode<BallotItem>(logged->item);
    else
      p.logged = std::move(*logged);
  }

  void examine(Prepared& p) const {
    if (p.ballot && *p.ballot) p.examined = ElectionState::examine(election_, **p.ballot);
  }

  void verify(Prepared& p) const {
    if (!p.is_sound()) return;
    ElectionState::verify_ticket(election_, **p.ballot, p.examined);
    Admission& admission = p.examined.admission;
    const std::uint64_t received_ms = (*p.ballot)->received_ms;
    if (auto ok = ElectionState::check_signature(election_, admission, received_ms, eid_); !ok)
      p.signature = ok.error();
    else if (auto proved = ElectionState::check_evidence(election_, admission, received_ms, eid_); !proved)
      p.signature = proved.error();
  }

  /// The proofs of all ballots of the batch that have the shape of their unit and a good signature, together.
  void prove(std::span<Prepared> batch) const {
    std::vector<Prepared*> due;
    std::vector<const Ballot*> ballots;
    for (Prepared& p : batch) {
      if (!p.is_sound() || p.examined.shape || p.signature) continue;
      due.push_back(&p);
      ballots.push_back(&p.examined.admission.ballot);
    }
    const auto outcomes = check_ballot_proofs_batch(election_, ballots);
    for (std::size_t i = 0; i < due.size(); ++i)
      if (!outcomes[i]) due[i]->proofs = outcomes[i].error();
  }

  /// The entry against the state, and its effect on it.
  void apply(std::uint64_t index, Prepared& p, Replay& replay) const {
    const auto find = [&](Rejection rejection) {
      rejection.object =
          "entry " + std::to_string(index) + (rejection.object.empty() ? "" : ", ") + rejection.object;
      replay.findings.push_back({index, std::move(rejection)});
    };
    if (p.leaf) return find(*p.leaf);
    switch (p.type) {
      case EntryType::kBallot: {
        if (!*p.ballot) return find(p.ballot->error());
        const auto admission = replay.state.check_cheap(**p.ballot, std::move(p.examined));
        if (!admission) return find(admission.error());
        if (p.signature) return find(*p.signature);
        if (auto ok = replay.state.check_key(*admission); !ok) return find(ok.error());
        if (p.proofs) return find(*p.proofs);
        return replay.state.record_ballot(index, *admission);
      }
      case EntryType::kRefusal: {
        ++replay.refusals;
        if (!may_append(replay.state.phase(), EntryType::kRefusal)) return find({Reason::kPhaseClosed, ""});
        const auto item = decode<RefusalItem>(p.logged.item);
        if (!item) return find(item.error());
        // Founded: the same checks on the same state give the reason that was answered.
        const auto admitted =
            replay.state.admit({.envelope = item->envelope, .received_ms = item->received_ms}, eid_);
        if (admitted || static_cast<std::uint64_t>(admitted.error().reason) != item->reason)
          find({Reason::kRefusalUnfounded, ""});
        return;
      }
      case EntryType::kPhase:
      case EntryType::kRoll:
      case EntryType::kRevocation:
        if (auto ok = replay.state.apply_document(index, p.type, p.logged.item); !ok)
          replay.findings.push_back({index, ok.error()});
        return;
    }
  }

 private:
  const Election& election_;
  const EidVerifier& eid_;
  const std::span<const EntryBytes> entries_;
};

}  // namespace

Replay replay_log(const Election& election, const EidVerifier& eid, std::span<const EntryBytes> entries,
                  const std::function<Result<ByteView, Rejection>(std::uint64_t index)>& item_at,
                  const std::function<void(std::uint64_t done)>& progress,
                  const std::function<void(ReplayPart)>& part) {
  Replay replay{ElectionState(election), {}, 0};
  const Replayer replayer(election, eid, entries);
  const auto begin_part = [&](ReplayPart which) {
    if (part) part(which);
  };
  constexpr std::size_t kBatch = 2048;
  for (std::size_t begin = 0; begin < entries.size(); begin += kBatch) {
    const std::size_t end = std::min(entries.size(), begin + kBatch);
    std::vector<Prepared> batch(end - begin);
    begin_part(ReplayPart::kEntries);
    for (std::size_t i = begin; i < end; ++i) replayer.take(i, batch[i - begin], item_at(i));
    parallel_for(batch.size(), 16, [&](std::size_t k) { replayer.open(begin + k, batch[k]); });
    begin_part(ReplayPart::kBallotProofs);
    parallel_for(batch.size(), 8, [&](std::size_t k) { replayer.examine(batch[k]); });
    begin_part(ReplayPart::kSignatures);
    parallel_for(batch.size(), 8, [&](std::size_t k) { replayer.verify(batch[k]); });
    begin_part(ReplayPart::kBallotProofs);
    replayer.prove(batch);
    begin_part(ReplayPart::kEntries);
    for (std::size_t i = begin; i < end; ++i) replayer.apply(i, batch[i - begin], replay);
    if (progress) progress(end);
  }
  return replay;
}

}  // namespace psephos
