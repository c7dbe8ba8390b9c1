#pragma once
#include <string>

#include "crypto/bytes.h"
#include "crypto/result.h"
#include "protocol/rejection.h"

namespace psephos {

/// A QR code, at error correction level M, with its quiet zone of four modules. It shows whatever text it was
/// made from: handle it as that.
class QrCode {
 public:
  /// @return USAGE for a text too long for a code.
  static Result<QrCode, Rejection> of(ByteView text);
  /// For a terminal: two modules a character, dark on light whatever the terminal's colours.
  std::string terminal() const;
  std::string svg() const;
  /// One bit a pixel, eight pixels a module.
  Bytes png() const;

 private:
  bool dark(std::size_t x, std::size_t y) const;  // quiet zone included
  std::size_t width() const { return modules_ + 8; }
  std::size_t modules_ = 0;
  Bytes data_;
};

}  // namespace psephos
