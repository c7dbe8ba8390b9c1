#include "mixnet/mixing.h"

#include <optional>

#include "crypto/shuffle/proof.h"
#include "crypto/shuffle/shuffle.h"
#include "protocol/labels.h"
#include "protocol/record_layout.h"

namespace psephos {

Result<std::vector<NewFile>, Rejection> prepare_lists(const VerifiedLog& log) {
  auto groups = derive_lists(*log.state);
  if (!groups) return std::unexpected(groups.error());
  const Election& election = log.state->election();
  const Sheet sheet = make_sheet(election, log.checkpoint.size, log.checkpoint.root, *groups);
  if (auto ok = check_sheet(election, sheet); !ok) return std::unexpected(ok.error());
  const MixInputs where = election.definition().policy.mix_inputs;
  std::vector<NewFile> files;
  for (std::size_t g = 0; g < groups->size(); ++g)
    files.push_back({layout::input(g, where), std::move((*groups)[g].file)});
  files.push_back({layout::sheet(), encode(sheet)});
  return files;
}

Result<void, Rejection> mix_lists(const Election& election, const VerifiedLists& lists,
                                  const std::vector<VerifiedList>& before, std::uint64_t position,
                                  const SigningKey& key, Rng& rng, const FileSink& write,
                                  const std::function<void(std::uint64_t n)>& progress) {
  const Sheet& sheet = lists.sheet;
  const std::uint64_t mixer = position;
  const MixInputs where = election.definition().policy.mix_inputs;
  const Generators generators = derive_generators_for(election, sheet);
  StageStatement statement{.fingerprint = election.fingerprint(),
                           .author = mixer,
                           .position = position,
                           .sheet_hash = lists.sheet_hash,
                           .groups = {}};
  statement.groups.resize(sheet.groups.size());
  const auto mix_group = [&](std::size_t g, Rng& shared, const FileSink& put) -> Result<void, Rejection> {
    const GroupSheet& group = sheet.groups[g];
    const Digest256& input_hash = before[g].file_hash;
    std::optional shuffled = shuffle<Ristretto>(election.Y(), before[g].list, shared);
    const ListHeader header = mixed_header(election, group, position, mixer, input_hash);
    Digest256 output_hash{};
    {
      const NewFile output{layout::mix(g, position), write_ciphertexts(header, shuffled->output.items)};
      output_hash = sha256(output.bytes);
      if (auto ok = put(output); !ok) return ok;
    }
    Transcript transcript = mix_transcript(election, group, position, mixer, input_hash);
    const ShuffleStatement<Ristretto> shuffle_statement{election.Y(), before[g].list, shuffled->output};
    const Bytes elements =
        encode_proof(prove_shuffle(shuffle_statement, shuffled->witness, transcript, generators, shared));
    shuffled.reset();  // what a million rows need for their proof, and what its file needs, never meet
    const NewFile proof_file{layout::mix_proof(g, position, where),
                             write_elements(mix_proof_header(header, output_hash), elements)};
    statement.groups[g] = {group.group, input_hash, output_hash, sha256(proof_file.bytes)};
    if (auto ok = put(proof_file); !ok) return ok;
    progress(group.counted);
    return {};
  };
  if (auto ok = make_group_files(sheet.groups.size(), rng, write, mix_group); !ok) return ok;
  SignedDocument document{.body = encode(statement), .signatures = {}};
  document.signatures.push_back(
      {.signer = mixer, .signature = key.sign_labelled(labels::kSignMix, document.body)});
  return write({layout::mix_statement(position), encode(document)});
}

}  // namespace psephos
