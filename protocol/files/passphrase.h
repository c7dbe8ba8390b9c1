#pragma once
#include <optional>
#include <string>

#include "crypto/bytes.h"
#include "protocol/rejection.h"

namespace psephos {

/// A passphrase: move-only, wiped when it goes. No comparison, no printing.
class Passphrase {
 public:
  explicit Passphrase(std::size_t capacity);
  Passphrase(Passphrase&& other) noexcept = default;
  Passphrase& operator=(Passphrase&& other) noexcept;
  ~Passphrase();
  /// For the function that seals and unseals, and nothing else.
  ByteView expose() const { return bytes_; }

 private:
  friend class PassphraseReader;
  Bytes bytes_;  // reserved once and never grown, so that no copy is left behind
};

enum class PassphraseUse {
  kOpen,    ///< asked for once
  kCreate,  ///< asked for twice on a terminal
};

/// From `file` if given (one line; its end is not part of it), else from the environment variable
/// PSEPHOS_PASSPHRASE, else from the terminal without echo. `what` says what it is for.
/// @return USAGE if there is none of the three, it is empty, too long, or two entries differ;
/// FILE_UNREADABLE.
Result<Passphrase, Rejection> read_passphrase(const std::optional<std::string>& file, const std::string& what,
                                              PassphraseUse use);

/// One line from the terminal without echo, whatever the environment says. @return USAGE if there is no
/// terminal, or nothing was typed.
Result<Passphrase, Rejection> ask_terminal(const std::string& prompt);
/// The first line of a file. @return FILE_UNREADABLE; USAGE if it is empty or too long.
Result<Passphrase, Rejection> read_line_of(const std::string& file);

}  // namespace psephos
