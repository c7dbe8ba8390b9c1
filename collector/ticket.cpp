#include "collector/ticket.h"

#include <algorithm>

#include "protocol/labels.h"

namespace psephos::collector {

Result<void, Rejection> check_issuing(const ElectionState& state, std::uint64_t now_s) {
  const Periods& periods = state.election().definition().periods;
  const Phase phase = state.phase();
  if (phase == Phase::kPrepared || now_s < periods.casting_begins_s) return reject(Reason::kPhaseNotOpen, "");
  if (phase != Phase::kCasting || now_s >= periods.casting_ends_s) return reject(Reason::kPhaseClosed, "");
  return {};
}

Result<CastTicket, Rejection> make_ticket(const ElectionState& state, const Pseudonym& voter,
                                          std::string_view checkpoint, std::uint64_t now_s, Rng& rng) {
  const Definition& definition = state.election().definition();
  const Voter* found = state.find(voter);
  const auto unit = found == nullptr ? std::nullopt : state.unit_now(*found);
  if (!unit) return reject(Reason::kVoterNotOnRoll, "");
  CastTicket ticket{
      .fingerprint = state.election().fingerprint(),
      .pseudonym = voter,
      .unit = definition.units[*unit].id,
      .roll_version = state.roll_version(),
      .counter = 1,
      .previous = std::nullopt,
      .checkpoint = copy_of(bytes_of(checkpoint)),
      .nonce = {},
      .expires_s = std::min(now_s + definition.policy.ticket_minutes * 60, definition.periods.grace_ends_s)};
  if (const LoggedBallot* last = state.last_ballot(*found)) {
    ticket.counter = last->counter + 1U;
    ticket.previous = last->id;
  }
  rng.fill(ticket.nonce);
  return ticket;
}

ServiceSigned sign_ticket(const CastTicket& ticket, const SigningKey& service_key) {
  ServiceSigned out{.body = encode(ticket), .signature = {}};
  out.signature = service_key.sign_labelled(labels::kSignTicket, out.body);
  return out;
}

}  // namespace psephos::collector
