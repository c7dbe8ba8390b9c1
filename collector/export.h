#pragma once
#include <filesystem>

#include "collector/store.h"
#include "protocol/election.h"

namespace psephos::collector {

/// Writes the log's part of a record (protocol/record_layout.h) into a directory that is new or empty:
/// manifest, entries, checkpoint and phase events in the public tier, all items in the sworn tier. All of it
/// appears at once, or nothing. The store is replayed on the way, as when the collector starts.
/// @return kPhaseNotClosed unless the log is sealed; kHeadUnwitnessed unless its last entry is under a
/// co-signed checkpoint; kFileUnreadable if the directory is not empty or cannot be written; what
/// replay_store returns.
Result<void, Rejection> export_record(const Election& election, Store& store,
                                      const std::filesystem::path& record);

}  // namespace psephos::collector
