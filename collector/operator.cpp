#include "collector/operator.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "protocol/signed.h"

namespace psephos::collector {

namespace {

std::unexpected<Rejection> other_command(std::string what) {
  return reject(Reason::kUsage, "the document is " + std::move(what));
}

Result<void, Rejection> expect_phase(ByteView body, PhaseEventKind expected) {
  const auto event = decode<PhaseEvent>(body);
  if (!event) return std::unexpected(event.error());
  if (event->kind == expected) return {};
  switch (event->kind) {
    case PhaseEventKind::kOpened:
      return other_command("an opening: use 'collector open'");
    case PhaseEventKind::kCastingClosed:
      return other_command("a close of casting: use 'collector close'");
    case PhaseEventKind::kLogSealed:
      return other_command("a seal of the log: use 'collector seal'");
  }
  return other_command("for another command");
}

Result<void, Rejection> expect_revocation(ByteView body, RevocationKind expected) {
  const auto list = decode<RevocationList>(body);
  if (!list) return std::unexpected(list.error());
  if (list->kind == expected) return {};
  return other_command(list->kind == RevocationKind::kRevoke ? "a revocation: use 'collector revoke'"
                                                             : "a restoration: use 'collector restore'");
}

struct Command {
  std::string_view name;
  EntryType type;
  std::string_view done;
};
constexpr Command kCommands[] = {
    {"load", EntryType::kRoll, "roll loaded"},
    {"open", EntryType::kPhase, "casting opened"},
    {"close", EntryType::kPhase, "casting closed"},
    {"seal", EntryType::kPhase, "log sealed"},
    {"revoke", EntryType::kRevocation, "revocation list applied"},
    {"restore", EntryType::kRevocation, "restoration list applied"},
};

/// The document is of the kind that the command is for; whether it holds, the state decides.
Result<void, Rejection> check_kind(std::string_view command, ByteView argument) {
  const auto document = decode<SignedDocument>(argument);
  if (!document) return std::unexpected(document.error());
  if (command == "open") return expect_phase(document->body, PhaseEventKind::kOpened);
  if (command == "close") return expect_phase(document->body, PhaseEventKind::kCastingClosed);
  if (command == "seal") return expect_phase(document->body, PhaseEventKind::kLogSealed);
  if (command == "revoke") return expect_revocation(document->body, RevocationKind::kRevoke);
  if (command == "restore") return expect_revocation(document->body, RevocationKind::kRestore);
  return {};
}

std::string status_json(const Collector& collector) {
  const auto status = collector.status();
  const Definition& definition = collector.election().definition();
  const boost::json::object out{
      {"election", definition.election.text},
      {"fingerprint", to_hex(collector.election().fingerprint())},
      {"phase", std::string(name_of(status.phase))},
      {"log_size", status.head.size},
      {"log_root", to_hex(status.head.root)},
      {"cosigned_size", status.cosigned_size},
      {"ballots", status.ballots},
      {"voters", status.voters},
      {"roll_version", status.roll_version},
      {"revocation_lists", status.revocation_lists},
      {"witnesses", definition.witnesses.size()},
      {"witness_quorum", definition.witness_quorum},
      {"witnesses_reachable", status.witnesses_reachable},
  };
  return boost::json::serialize(out);
}

std::string status_text(const Collector& collector) {
  const auto status = collector.status();
  const Definition& definition = collector.election().definition();
  return fmt::format(
      "election     {}, fingerprint {}\n"
      "phase        {}\n"
      "log          {} entries, {} under a co-signed checkpoint, root {}\n"
      "ballots      {} logged\n"
      "roll         version {}, {} voters; {} revocation lists\n"
      "witnesses    {} of {} reachable, quorum {}",
      definition.election.text, to_hex(collector.election().fingerprint()), name_of(status.phase),
      status.head.size, status.cosigned_size, to_hex(status.head.root), status.ballots, status.roll_version,
      status.voters, status.revocation_lists, status.witnesses_reachable, definition.witnesses.size(),
      definition.witness_quorum);
}

}  // namespace

Result<std::string, Rejection> run_operator_command(Collector& collector, const std::string& command,
                                                    Bytes argument) {
  if (command == "status") return status_text(collector);
  if (command == "status-json") return status_json(collector);
  for (const Command& known : kCommands) {
    if (command != known.name) continue;
    if (auto ok = check_kind(command, argument); !ok) return std::unexpected(ok.error());
    const auto index = collector.document(known.type, std::move(argument));
    if (!index) return std::unexpected(index.error());
    return fmt::format("{}: log entry {}", known.done, *index);
  }
  return reject(Reason::kUsage, "no such command");
}

}  // namespace psephos::collector
