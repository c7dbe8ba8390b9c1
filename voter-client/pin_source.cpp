#include "voter-client/pin_source.h"

#include "protocol/files/passphrase.h"

namespace psephos {

Result<Pin, SignerError> TerminalPins::pin(const PinRequest& request) {
  const bool authenticate = request.use == KeyUse::kAuthentication;
  const auto& file = authenticate ? pin1_file_ : pin2_file_;
  if (file && request.tries == PinTries::kLast) return std::unexpected(SignerError::kPinCancelled);
  std::string prompt = std::string(authenticate ? "PIN1 to identify yourself" : "PIN2 to sign the ballot") +
                       " [" + request.card + "]";
  if (request.tries == PinTries::kFew) prompt += " (a wrong PIN was entered before)";
  if (request.tries == PinTries::kLast) prompt += " (LAST try before the card locks)";
  const auto entered = file ? read_line_of(*file) : ask_terminal(prompt + ": ");
  if (!entered || entered->expose().size() > Pin::kMaxBytes)
    return std::unexpected(SignerError::kPinCancelled);
  return Pin::copy_from(entered->expose());
}

}  // namespace psephos
