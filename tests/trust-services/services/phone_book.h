#pragma once
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/trust-services/services/mobile_id.h"
#include "tests/trust-services/services/smart_id.h"

namespace psephos::trust {

/// The phones of a test: for each person of a file an account of Mobile-ID, on P-256, and one of Smart-ID,
/// with RSA keys of 2,048 bits. Keys and certificates are new every time. Immutable, so thread-safe.
class PhoneBook {
 public:
  /// A line for each person, fields separated by tabs: national_id, phone_number, given_name, surname; lines
  /// that begin with # are comments. The error names the line.
  static Result<std::unique_ptr<PhoneBook>, std::string> open(const std::filesystem::path& file,
                                                              MobileId& mobile_id, SmartId& smart_id,
                                                              std::int64_t now_unix_s);
  std::size_t persons() const { return serials_.size(); }
  /// As in CardIndex.
  bool issued(ByteView serial) const { return issued_.contains(copy_of(serial)); }
  std::vector<Bytes> serials_of(std::string_view national_id) const;

 private:
  PhoneBook() = default;
  void note(const PhoneAccount& account);
  std::map<std::string, std::vector<Bytes>, std::less<>> serials_;
  std::set<Bytes> issued_;
};

}  // namespace psephos::trust
