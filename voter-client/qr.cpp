#include "voter-client/qr.h"

#include <qrencode.h>
#include <zlib.h>

#include "crypto/invariant.h"

namespace psephos {

namespace {

constexpr std::size_t kQuiet = 4;
constexpr std::size_t kPixels = 8;
constexpr std::string_view kAlphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

void append_chunk(Bytes& out, std::string_view type, ByteView data) {
  append_u32be(out, static_cast<std::uint32_t>(data.size()));
  const std::size_t begin = out.size();
  append(out, bytes_of(type));
  append(out, data);
  append_u32be(
      out, static_cast<std::uint32_t>(crc32(0, out.data() + begin, static_cast<uInt>(out.size() - begin))));
}

}  // namespace

Result<QrCode, Rejection> QrCode::of(ByteView text) {
  QRinput* input = QRinput_new2(0, QR_ECLEVEL_M);
  const bool alphanumeric = text_of(text).find_first_not_of(kAlphanumeric) == std::string_view::npos;
  QRcode* code = nullptr;
  if (QRinput_append(input, alphanumeric ? QR_MODE_AN : QR_MODE_8, static_cast<int>(text.size()),
                     text.data()) == 0)
    code = QRcode_encodeInput(input);
  QRinput_free(input);
  if (code == nullptr) return reject(Reason::kUsage, "the text does not fit a QR code");
  QrCode out;
  out.modules_ = static_cast<std::size_t>(code->width);
  out.data_.assign(code->data, code->data + out.modules_ * out.modules_);
  QRcode_free(code);
  return out;
}

bool QrCode::dark(std::size_t x, std::size_t y) const {
  if (x < kQuiet || y < kQuiet || x >= kQuiet + modules_ || y >= kQuiet + modules_) return false;
  return (data_[(y - kQuiet) * modules_ + x - kQuiet] & 1) != 0;
}

std::string QrCode::terminal() const {
  std::string out;
  for (std::size_t y = 0; y < width(); y += 2) {
    out += "\x1b[30;47m";  // black on white
    for (std::size_t x = 0; x < width(); ++x) {
      const bool upper = dark(x, y);
      const bool lower = y + 1 < width() && dark(x, y + 1);
      out += upper && lower ? "█" : upper ? "▀" : lower ? "▄" : " ";
    }
    out += "\x1b[0m\n";
  }
  return out;
}

std::string QrCode::svg() const {
  const std::string size = std::to_string(width());
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + size + " " + size +
                    "\" shape-rendering=\"crispEdges\"><rect width=\"" + size + "\" height=\"" + size +
                    "\" fill=\"#fff\"/><path d=\"";
  for (std::size_t y = 0; y < width(); ++y)
    for (std::size_t x = 0; x < width(); ++x)
      if (dark(x, y)) out += "M" + std::to_string(x) + " " + std::to_string(y) + "h1v1h-1z";
  return out + "\"/></svg>\n";
}

Bytes QrCode::png() const {
  const std::size_t pixels = width() * kPixels;  // eight pixels a module: one byte of a row each
  Bytes rows;
  for (std::size_t y = 0; y < pixels; ++y) {
    rows.push_back(0);  // filter: none
    for (std::size_t x = 0; x < width(); ++x) rows.push_back(dark(x, y / kPixels) ? 0x00 : 0xFF);
  }
  uLongf size = compressBound(static_cast<uLong>(rows.size()));
  Bytes packed(size);
  invariant(compress2(packed.data(), &size, rows.data(), static_cast<uLong>(rows.size()), 9) == Z_OK,
            "the buffer has the size that zlib asks for");
  packed.resize(size);
  Bytes header;
  append_u32be(header, static_cast<std::uint32_t>(pixels));
  append_u32be(header, static_cast<std::uint32_t>(pixels));
  const ByteArray<5> form{1, 0, 0, 0, 0};  // one bit, grey, deflate, no filter type, not interlaced
  append(header, form);
  Bytes out = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  append_chunk(out, "IHDR", header);
  append_chunk(out, "IDAT", packed);
  append_chunk(out, "IEND", {});
  return out;
}

}  // namespace psephos
