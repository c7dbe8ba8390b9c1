#include "voter-client/pin_source.h"

#include "protocol/files/passphrase.h"

namespace psephos {

using fmt::literals::operator""_a;

Result<Pin, SignerError> TerminalPins::pin(const PinRequest& request) {
  const bool authenticate = request.use == KeyUse::kAuthentication;
  const auto& file = authenticate ? pin1_file_ : pin2_file_;
  if (file && request.tries == PinTries::kLast) return std::unexpected(SignerError::kPinCancelled);
  std::string prompt = authenticate ? say<TextId::kPin1>(spoken_, "card"_a = request.card)
                                    : say<TextId::kPin2>(spoken_, "card"_a = request.card);
  if (request.tries == PinTries::kFew) prompt += " (" + say<TextId::kPinFewTries>(spoken_) + ")";
  if (request.tries == PinTries::kLast) prompt += " (" + say<TextId::kPinLastTry>(spoken_) + ")";
  const auto entered = file ? read_line_of(*file) : ask_terminal(prompt + ": ");
  if (!entered || entered->expose().size() > Pin::kMaxBytes)
    return std::unexpected(SignerError::kPinCancelled);
  return Pin::copy_from(entered->expose());
}

}  // namespace psephos
