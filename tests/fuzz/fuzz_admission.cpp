#include "protocol/labels.h"
#include "tests/fuzz/edit.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/seeded.h"

using namespace psephos;

namespace {

/// An open election, and a voter's second ballot, which an honest client made and nobody has submitted.
struct World {
  test::TestElection e{seeded("fuzz_admission")};
  test::TestLog log{e};
  BallotItem honest;
  Ballot ballot;
  CastTicket ticket;

  World() {
    log.document(
        EntryType::kRoll,
        e.roll(
            1, std::nullopt,
            {{.kind = RollChangeKind::kAdd, .national_id = e.card(1).person.national_id, .unit = Id{"u2"}}}));
    log.document(EntryType::kPhase, e.phase(PhaseEventKind::kOpened, e.options().casting_begins_s));
    const std::uint64_t now_s = e.options().casting_begins_s + 60;
    const std::vector<std::size_t> choices{0, 1};
    log.ballot(e.cast(e.ticket(log.state, 1, now_s), 1, choices, now_s * 1000));
    ticket = e.ticket(log.state, 1, now_s + 60);
    honest = e.cast(ticket, 1, choices, (now_s + 70) * 1000);
    ballot = test::ballot_of(honest.envelope);
    require(log.state.admit(honest, e.eid()).has_value(), "admission: the honest ballot is accepted");
  }
};

}  // namespace

/// Of everything that can be made out of an honest ballot, by bytes or by fields, by a stranger or by a voter
/// who signs what her changed client made, only that ballot is accepted: all of it is bound to the proofs,
/// the ticket or the signature.
int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static World w;
  Input in(ByteView(data, size));
  BallotItem item = w.honest;
  switch (in.byte() % 4) {
    case 0: {
      Bytes bytes = encode(w.honest);
      edit_bytes(bytes, in);
      auto decoded = decode<BallotItem>(bytes);
      if (!decoded) return 0;
      item = std::move(*decoded);
      break;
    }
    case 1:
      edit_field(item, in);
      break;
    case 2: {
      Ballot ballot = w.ballot;
      while (!in.empty()) edit_field(ballot, in);
      const ServiceSigned ticket = item.envelope.ticket;
      item = w.e.logged(w.e.envelope(ballot, w.ticket, w.e.card(1)), item.received_ms);
      item.envelope.ticket = ticket;
      break;
    }
    default: {
      CastTicket ticket = w.ticket;
      edit_field(ticket, in);
      item.envelope.ticket.body = encode(ticket);
    }
  }
  const auto admission = w.log.state.admit(item, w.e.eid());
  if (admission) {
    require(test::ballot_bytes(item.envelope) == test::ballot_bytes(w.honest.envelope),
            "admission: only the honest ballot is accepted");
    require(item.envelope.ticket.body == w.honest.envelope.ticket.body, "admission: on its own ticket");
    require(test::opened(item.envelope).certificate == test::opened(w.honest.envelope).certificate,
            "admission: with her certificate");
  } else {
    require(name_of(admission.error().reason) != "UNKNOWN", "admission: a refusal has a name");
  }
  return 0;
}
