#include "voter-client/pin_source.h"

#include <fmt/format.h>

#include "protocol/files/passphrase.h"

namespace psephos {

using fmt::literals::operator""_a;

namespace {

const char* name_of(KeyUse use) {
  return use == KeyUse::kAuthentication ? "PIN1" : "PIN2";
}

}  // namespace

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

void TerminalPins::pin_on_reader(const PinRequest& request) {
  fmt::print(stderr, "{} [{}]\n", say<TextId::kPinOnReader>(spoken_, "pin"_a = name_of(request.use)),
             request.card);
}

void TerminalPins::pin_wrong(const PinRequest& request) {
  std::string left;  // of other numbers of tries a token says nothing
  if (request.tries == PinTries::kLast) left = " (" + say<TextId::kPinLastTry>(spoken_) + ")";
  fmt::print(stderr, "{}{} [{}]\n", say<TextId::kPinWasWrong>(spoken_, "pin"_a = name_of(request.use)), left,
             request.card);
}

}  // namespace psephos
