#pragma once
#include <string>

#include "collector/collector.h"

namespace psephos::collector {

/// An operator's command to a running collector: load, open, close, seal, revoke, restore with a signed
/// document; status and status-json; voted and notices with what is asked as JSON. Documents are judged by
/// ElectionState::apply_document and become one log entry each.
/// @return a line for people (JSON for status-json, voted, notices); kUsage if the document is for another
/// command; what the checks refuse. Answers of voted and notices name persons: for files of the operator
/// only.
Result<std::string, Rejection> run_operator_command(Collector& collector, const std::string& command,
                                                    Bytes argument);

}  // namespace psephos::collector
