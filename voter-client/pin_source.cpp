#include "voter-client/pin_source.h"

#include <fmt/format.h>

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

void TerminalPins::pin_on_reader(const PinRequest& request) {
  fmt::print(stderr, "Enter {} on the card reader's own keys [{}].\n",
             request.use == KeyUse::kAuthentication ? "PIN1 to identify yourself" : "PIN2 to sign the ballot",
             request.card);
}

void TerminalPins::pin_wrong(const PinRequest& request) {
  const std::string_view left = request.tries == PinTries::kLast  ? "ONE try is left before the card locks"
                                : request.tries == PinTries::kFew ? "few tries are left before the card locks"
                                                                  : "more tries are left";
  fmt::print(stderr, "{} was wrong; {} [{}].\n", request.use == KeyUse::kAuthentication ? "PIN1" : "PIN2",
             left, request.card);
}

}  // namespace psephos
