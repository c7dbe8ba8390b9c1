#include <cstdio>

#include "crypto/bulk_random.h"
#include "crypto/random.h"
#include "mixnet/mixing.h"
#include "protocol/eid/openssl_eid.h"
#include "protocol/files/keys.h"
#include "protocol/files/program.h"
#include "protocol/files/record_directory.h"
#include "protocol/record_layout.h"

using namespace psephos;

namespace {

using Done = Result<void, Rejection>;

struct Options {
  std::string record;
  std::string fingerprint;
  std::string key;
  std::string passphrase_file;
  std::uint64_t position = 0;
};

Result<std::unique_ptr<OpensslEidVerifier>, Rejection> eid_of(const Election& election) {
  auto eid = OpensslEidVerifier::create(election.definition().eid);
  if (!eid) return reject(eid.error(), "eID profile of the definition");
  return std::move(*eid);
}

Done prepare(const Options& options) {
  const RecordDirectory record(options.record);
  const auto election = open_record(record, options.fingerprint);
  if (!election) return std::unexpected(election.error());
  const auto eid = eid_of(*election);
  if (!eid) return std::unexpected(eid.error());
  Gate gate;
  const auto log = verify_log({*election, record, gate, eid->get()});
  if (auto ok = gate.first(); !ok) return ok;
  const auto files = prepare_lists(*log);
  if (!files) return std::unexpected(files.error());
  if (auto ok = record.write(*files); !ok) return ok;
  std::printf("prepared %zu lists from a log of %llu entries; sheet: %s\n", files->size() - 1,
              static_cast<unsigned long long>(log->checkpoint.size), layout::sheet().c_str());
  std::printf("%s\n", gate.clock().text().c_str());
  return {};
}

/// The mixer whose key file it is, by the name it bears.
Result<std::uint64_t, Rejection> position_of(const Election& election, const Options& options) {
  const auto label = secret_label(options.key);
  if (!label) return std::unexpected(label.error());
  const auto& mixers = election.definition().mixers;
  for (std::uint64_t position = 1; position <= mixers.size(); ++position) {
    if (label->first != key_kinds::kMixer || mixers[position - 1].name != label->second) continue;
    if (options.position != 0 && options.position != position)
      return reject(Reason::kUsage, label->second + " mixes at position " + std::to_string(position) +
                                        ", not " + std::to_string(options.position));
    return position;
  }
  return reject(Reason::kMixerNotInRoster, options.key + " is of " + label->first + " " + label->second);
}

Done mix(const Options& options) {
  const RecordDirectory record(options.record);
  const auto election = open_record(record, options.fingerprint);
  if (!election) return std::unexpected(election.error());
  const auto position = position_of(*election, options);
  if (!position) return std::unexpected(position.error());
  const auto eid = eid_of(*election);
  if (!eid) return std::unexpected(eid.error());
  Gate gate;
  const auto upstream = verify_upstream({*election, record, gate, eid->get()}, *position - 1);
  if (auto ok = gate.verdict(); !ok) return ok;

  const auto passphrase =
      read_passphrase(options.passphrase_file.empty() ? std::nullopt : std::optional(options.passphrase_file),
                      options.key, PassphraseUse::kOpen);
  if (!passphrase) return std::unexpected(passphrase.error());
  const auto key = read_signing_key(options.key, key_kinds::kMixer, *passphrase);
  if (!key) return std::unexpected(key.error());
  if (key->key.verify_key() != election->mixer_keys()[*position - 1])
    return reject(Reason::kMixerNotInRoster, options.key + ": not the key of the definition");

  std::uint64_t ballots = 0;
  for (const GroupSheet& group : upstream->lists.sheet.groups) ballots += group.counted;
  {
    Progress progress("mix", ballots, "ciphertexts");
    SystemRng system;
    BulkRng rng(system);
    auto ok = mix_lists(
        *election, upstream->lists, upstream->mixes.last, *position, key->key, rng,
        [&](const NewFile& file) { return record.write({&file, 1}); },
        [&](std::uint64_t n) { progress.advance(n); });
    if (!ok) return ok;
  }
  std::printf("mixed %llu ciphertexts in %zu groups at position %llu; statement: %s\n",
              static_cast<unsigned long long>(ballots), upstream->lists.sheet.groups.size(),
              static_cast<unsigned long long>(*position), layout::mix_statement(*position).c_str());
  std::printf("%s\n", gate.clock().text().c_str());
  return {};
}

Done verify(const Options& options) {
  const RecordDirectory record(options.record);
  const auto election = open_record(record, options.fingerprint);
  if (!election) return std::unexpected(election.error());
  const auto eid = eid_of(*election);
  if (!eid) return std::unexpected(eid.error());
  const bool sworn = record.has(layout::log_items());
  std::uint64_t mixes = 0;
  while (record.has(layout::mix_statement(mixes + 1))) ++mixes;
  Gate gate;
  const Verification v{*election, record, gate, sworn ? eid->get() : nullptr};
  const auto log = verify_log(v);
  auto lists = log ? verify_lists(v, *log) : std::nullopt;
  if (lists) verify_mixes(v, *lists, mixes);
  if (auto ok = gate.first(); !ok) return ok;
  std::printf("verified: %s tier, log of %llu entries, %zu groups, %llu of %zu mixes\n",
              sworn ? "sworn" : "public", static_cast<unsigned long long>(log->checkpoint.size),
              lists->sheet.groups.size(), static_cast<unsigned long long>(mixes),
              election->definition().mixers.size());
  if (!sworn)
    std::printf("not checked, for want of the sworn tier: the log's items and the first mix's proof\n");
  std::printf("%s\n", gate.clock().text().c_str());
  return {};
}

void add_record(CLI::App& command, Options& options) {
  command.add_option("RECORD", options.record, "directory of the record")->required();
  command.add_option("--fingerprint", options.fingerprint,
                     "the election's fingerprint as the commission announced it (64 digits)");
}

}  // namespace

int main(int argc, char** argv) {
  Program program("mixnet", "Lists of encrypted choices out of the sealed log, and their mixing.");
  Options options;
  add_record(program.command("prepare",
                             "Replay the sealed log from signed evidence and write the lists to be mixed.",
                             [&] { return prepare(options); }),
             options);
  CLI::App& mixing = program.command(
      "mix", "Verify everything upstream, then re-encrypt and permute every list, prove it and sign.",
      [&] { return mix(options); });
  add_record(mixing, options);
  mixing.add_option("--key", options.key, "the mixer's sealed key (tally key --purpose mixer)")->required();
  mixing.add_option("--position", options.position, "refuse unless the key's mixer mixes at this position");
  mixing.add_option("--passphrase-file", options.passphrase_file,
                    "file with the key's passphrase (else PSEPHOS_PASSPHRASE or a prompt)");
  add_record(program.command("verify", "Verify log, lists and all mixes that the record holds.",
                             [&] { return verify(options); }),
             options);
  return program.run(argc, argv);
}
