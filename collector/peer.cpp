#include "collector/peer.h"

#include <spdlog/spdlog.h>

#include <mutex>
#include <shared_mutex>

#include "protocol/labels.h"
#include "protocol/signed.h"

namespace psephos::collector {

namespace {

bool is_document(std::uint64_t type) {
  for (const EntryType known : {EntryType::kPhase, EntryType::kRoll, EntryType::kRevocation})
    if (type == static_cast<std::uint64_t>(known)) return true;
  return false;
}

}  // namespace

/// The results of one request, until the last is there.
struct PeerService::Gathering {
  Gathering(std::size_t count, Respond r) : missing(count), respond(std::move(r)) {
    answer.results.resize(count);
  }
  void put(std::size_t at, PeerResult result) {
    {
      const std::lock_guard lock(mutex);
      answer.results[at] = std::move(result);
      if (--missing > 0) return;
    }
    respond({200, "application/octet-stream", encode(answer)});
  }
  void refuse(std::size_t at, const Rejection& why) {
    put(at, {.reason = static_cast<std::uint64_t>(why.reason),
             .object = is_clean_utf8(why.object) && why.object.size() <= kMaxPeerObject ? why.object : "",
             .index = 0,
             .outcome = 0,
             .ticket = {}});
  }
  void put(std::size_t at, const Result<Recorded, Rejection>& recorded) {
    if (!recorded) return refuse(at, recorded.error());
    put(at, {.reason = 0,
             .object = {},
             .index = recorded->index,
             .outcome = static_cast<std::uint64_t>(recorded->outcome),
             .ticket = {}});
  }
  std::mutex mutex;
  PeerAnswer answer;
  std::size_t missing;
  Respond respond;
};

std::optional<std::size_t> PeerService::body_limit(std::string_view method, std::string_view target) const {
  if (method == "POST" && target == kPeerPath) return kMaxPeerBytes;
  return std::nullopt;
}

Reply PeerService::refuse(ByteView /*body*/, Reason reason) const {
  spdlog::warn("event=peer_refused reason={}", name_of(reason));
  const bool later = reason == Reason::kNotSequencing || reason == Reason::kServiceUnavailable;
  return {later ? 503 : 403, "text/plain; charset=utf-8", copy_of(bytes_of(name_of(reason)))};
}

void PeerService::handle(Request request, Respond respond) {
  const auto message = decode<ServiceSigned>(request.body);
  if (!message) return respond(refuse({}, message.error().reason));
  if (auto ok = check_service_signature(*message, labels::kSignPeerRequest, service_key_, "request"); !ok)
    return respond(refuse({}, ok.error().reason));
  auto peer = decode<PeerRequest>(message->body);
  if (!peer) return respond(refuse({}, peer.error().reason));
  if (peer->fingerprint != ledger_.election.fingerprint())
    return respond(refuse({}, Reason::kElectionFpMismatch));
  if (!log_.sequencing() || log_.epoch() != peer->epoch) return respond(refuse({}, Reason::kNotSequencing));
  const auto gathering = std::make_shared<Gathering>(peer->works.size(), std::move(respond));
  for (std::size_t i = 0; i < peer->works.size(); ++i) start(std::move(peer->works[i]), i, gathering);
}

void PeerService::start(PeerWork work, std::size_t at, std::shared_ptr<Gathering> gathering) {
  switch (work.kind) {
    case PeerWorkKind::kBallot:
      return ballot(work, at, std::move(gathering));
    case PeerWorkKind::kRefusal:
      return refusal(work, at, std::move(gathering));
    case PeerWorkKind::kDocument:
      if (!is_document(work.number)) return gathering->refuse(at, {Reason::kRequestUnknown, "document"});
      return log_.document(
          static_cast<EntryType>(work.number), std::move(work.item),
          [at, gathering](const Result<Recorded, Rejection>& done) { gathering->put(at, done); });
    case PeerWorkKind::kTicket: {
      const auto challenge = decode<Challenge>(work.item);
      if (!challenge) return gathering->refuse(at, challenge.error());
      return log_.ticket(
          *challenge, work.detail, work.number,
          [at, gathering](const Result<ServiceSigned, Rejection>& ticket) {
            if (!ticket) return gathering->refuse(at, ticket.error());
            gathering->put(at,
                           {.reason = 0, .object = {}, .index = 0, .outcome = 0, .ticket = encode(*ticket)});
          });
    }
  }
  gathering->refuse(at, {Reason::kRequestUnknown, "kind of work"});
}

void PeerService::ballot(const PeerWork& work, std::size_t at, std::shared_ptr<Gathering> gathering) {
  const auto item = decode<BallotItem>(work.item);
  if (!item) return gathering->refuse(at, item.error());
  // Who signs as the service has verified the ticket, the card's signature and the evidence, as this one
  // would have: what depends on the log is checked again, here and in its order.
  auto examined = examine_verified(ledger_.election, *item);
  if (examined.bytes) return gathering->refuse(at, *examined.bytes);
  const auto logged = [&] {
    const std::shared_lock reading(ledger_.mutex);
    return ledger_.state.index_of(examined.admission.id);
  }();
  if (logged) return gathering->put(at, Recorded{*logged, SubmitOutcome::kDuplicateIdempotent});
  auto admission = [&] {
    const std::shared_lock reading(ledger_.mutex);
    return ledger_.state.check_cheap(*item, std::move(examined));
  }();
  if (!admission) return gathering->refuse(at, admission.error());
  log_.ballot(*item, std::move(*admission), work.detail,
              [at, gathering](const Result<Recorded, Rejection>& done) { gathering->put(at, done); });
}

void PeerService::refusal(const PeerWork& work, std::size_t at, std::shared_ptr<Gathering> gathering) {
  auto item = decode<BallotItem>(work.item);
  const auto reason = reason_from(work.number);
  if (!item || !reason) return gathering->refuse(at, {Reason::kRequestUnknown, "refusal"});
  const auto container = read_container(item->envelope.container);
  if (!container) return gathering->refuse(at, container.error());
  auto ballot = decode_ballot(ledger_.election, container->ballot);
  if (!ballot) return gathering->refuse(at, ballot.error());
  log_.refusal(std::move(*item), std::move(*ballot), {*reason, ""},
               [at, gathering](const Rejection& stands) { gathering->refuse(at, stands); });
}

}  // namespace psephos::collector
