#pragma once
#include <optional>
#include <string>

#include "voter-client/signer.h"
#include "voter-client/texts.h"

namespace psephos {

/// PINs from files, one line each, or else asked for on the terminal without echo.
class TerminalPins final : public PinSource {
 public:
  TerminalPins(const std::optional<std::string>& pin1_file, const std::optional<std::string>& pin2_file,
               Language spoken)
      : pin1_file_(pin1_file), pin2_file_(pin2_file), spoken_(spoken) {}
  /// The last try that the card grants is not spent on a file.
  Result<Pin, SignerError> pin(const PinRequest& request) override;

 private:
  const std::optional<std::string> pin1_file_, pin2_file_;
  const Language spoken_;
};

}  // namespace psephos
