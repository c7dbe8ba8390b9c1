#include "collector/operator.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "crypto/note.h"
#include "protocol/files/definition_json.h"
#include "protocol/files/roll_files.h"
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

// ---- by name ----------------------------------------------------------------------------------------------

/// What is asked: an object whose values are texts and numbers.
class Question {
 public:
  static Result<Question, Rejection> parse(ByteView argument) {
    boost::system::error_code error;
    const auto text = text_of(argument);
    auto value = boost::json::parse({text.data(), text.size()}, error);
    if (error || !value.is_object()) return reject(Reason::kUsage, "the question is no JSON object");
    return Question(std::move(value.as_object()));
  }
  std::optional<std::string> text(std::string_view key) const {
    const auto* value = object_.if_contains({key.data(), key.size()});
    if (value == nullptr || !value->is_string()) return std::nullopt;
    return std::string(value->as_string());
  }
  std::optional<std::uint64_t> number(std::string_view key) const {
    const auto* value = object_.if_contains({key.data(), key.size()});
    if (value == nullptr || (!value->is_int64() && !value->is_uint64())) return std::nullopt;
    boost::system::error_code error;
    const auto number = value->to_number<std::uint64_t>(error);
    return error ? std::nullopt : std::optional(number);
  }

 private:
  explicit Question(boost::json::object object) : object_(std::move(object)) {}
  boost::json::object object_;
};

Result<std::string, Rejection> voted_json(const Collector& collector, ByteView argument) {
  const auto question = Question::parse(argument);
  if (!question) return std::unexpected(question.error());
  VotedQuery query;
  query.election = question->text("election").value_or(collector.election().definition().election.text);
  if (!is_election_identifier(query.election))
    return reject(Reason::kUsage, "an election is named with 1 to 28 of A-Z, a-z, 0-9, _ - .");
  query.from = question->number("from").value_or(0);
  query.until = question->number("until");
  if (const auto unit = question->text("unit")) query.unit = Id{*unit};
  const auto answer = collector.voted(query);
  if (!answer) return std::unexpected(answer.error());

  const std::string form = question->text("form").value_or("tabs");
  std::string list;
  if (form == "tabs" || form == "json") {
    list = write_voted_list(answer->list, form == "tabs" ? ListForm::kTabs : ListForm::kJson);
  } else if (form == "online-local" || form == "online-national") {
    auto online =
        write_online_voters(answer->list, form == "online-local" ? Districts::kLocal : Districts::kNational);
    if (!online) return std::unexpected(online.error());
    list = std::move(*online);
  } else {
    return reject(Reason::kUsage, "a list is written as tabs, json, online-local or online-national");
  }
  const VotedStatement statement{.fingerprint = collector.election().fingerprint(),
                                 .from = answer->list.from,
                                 .next = answer->list.next,
                                 .root = answer->root,
                                 .list_hash = sha256(bytes_of(list))};
  SignedNote note{.text = statement.encode(), .signatures = {}};
  const NoteKey key = voted_note_key(collector.election());
  note.signatures.push_back(
      {key.name, key.id(), copy_of(collector.keys().service_key.sign(bytes_of(note.text)))});
  std::uint64_t additions = 0, removals = 0;
  for (const VotedList::Line& line : answer->list.lines) {
    additions += line.now ? 1U : 0U;
    removals += line.before ? 1U : 0U;
  }
  return boost::json::serialize(boost::json::object{{"from", answer->list.from},
                                                    {"next", answer->list.next},
                                                    {"additions", additions},
                                                    {"removals", removals},
                                                    {"list", list},
                                                    {"note", note.encode()}});
}

Result<std::string, Rejection> notices_json(const Collector& collector, ByteView argument) {
  const auto question = Question::parse(argument);
  if (!question) return std::unexpected(question.error());
  const auto answer = collector.notices(question->number("since").value_or(0));
  if (!answer) return std::unexpected(answer.error());
  boost::json::array notices;
  for (const Notice& notice : answer->notices) {
    boost::json::object one{{"entry", notice.entry},
                            {"person_code", std::string(code_of_national_id(notice.voter))},
                            {"kind", std::string(name_of(notice.kind))},
                            {"counts", notice.counts}};
    if (notice.received_ms != 0) one["time"] = utc_text(notice.received_ms / 1000);
    notices.push_back(std::move(one));
  }
  return boost::json::serialize(boost::json::object{{"next", answer->next}, {"notices", std::move(notices)}});
}

}  // namespace

Result<std::string, Rejection> run_operator_command(Collector& collector, const std::string& command,
                                                    Bytes argument) {
  if (command == "status") return status_text(collector);
  if (command == "status-json") return status_json(collector);
  if (command == "voted") return voted_json(collector, argument);
  if (command == "notices") return notices_json(collector, argument);
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
