#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "crypto/random.h"
#include "crypto/secret/signing_key.h"
#include "protocol/checks/lists.h"
#include "protocol/checks/upstream.h"
#include "protocol/files/record_directory.h"

namespace psephos {

/// The input lists and the sheet that the sealed log determines (SPEC §10.3, §10.4).
/// @return as derive_lists and check_sheet. @pre the log was verified without findings.
Result<std::vector<NewFile>, Rejection> prepare_lists(const VerifiedLog& log);

/// Mixes every group (SPEC §11.2) and hands over its list and proof as soon as they are made, then the signed
/// statement over all of them. The permutations and the randomness exist in here only, and are wiped.
/// `write` and `progress(n)`, n more ballots are mixed, are called from any thread, one at a time.
/// @pre `before` was verified, and `key` is that of the mixer whose turn `position` is.
/// @return what `write` refuses; then the statement is not made.
Result<void, Rejection> mix_lists(const Election& election, const VerifiedLists& lists,
                                  const std::vector<VerifiedList>& before, std::uint64_t position,
                                  const SigningKey& key, Rng& rng, const FileSink& write,
                                  const std::function<void(std::uint64_t n)>& progress);

}  // namespace psephos
