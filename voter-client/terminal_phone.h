#pragma once
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "voter-client/phone_signer.h"
#include "voter-client/texts.h"

namespace psephos {

/// Digits as five lines of blocks, to be read from across a room. @pre digits only.
std::string big_digits(std::string_view digits);

/// A PhoneSigner for a program on a terminal. Codes go to `out`, in big digits as well if that is a terminal,
/// where a line shows the seconds left too. While the phone is waited for, the first SIGINT cancels, as
/// soon as the poll under way has its answer, and a second one ends the program as ever. One object at a time
/// waits.
class TerminalPhone final : public Signer {
 public:
  /// As PhoneSigner.
  TerminalPhone(const Election& election, const EidVerifier& eid, Transport& transport, ClientClock clock,
                PhoneAccount account, Language spoken, std::FILE* out);
  ~TerminalPhone() override;
  Result<Bytes, Rejection> signing_certificate() override;
  Result<Signed, Rejection> sign(KeyUse use, ByteView message) override;
  void authorised(const ServiceSigned& ticket) override;

 private:
  struct Screen;
  const std::unique_ptr<Screen> screen_;
  PhoneSigner phone_;
};

}  // namespace psephos
