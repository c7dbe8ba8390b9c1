#include "tests/trust-services/services/phone_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "crypto/invariant.h"
#include "protocol/eid/certificate.h"
#include "protocol/national_id.h"

namespace psephos::trust {

Result<std::unique_ptr<PhoneBook>, std::string> PhoneBook::open(const std::filesystem::path& file,
                                                                MobileId& mobile_id, SmartId& smart_id,
                                                                std::int64_t now_unix_s) {
  std::ifstream in(file);
  if (!in) return std::unexpected(fmt::format("cannot read {}", file.string()));
  std::unique_ptr<PhoneBook> out(new PhoneBook);
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    std::vector<std::string> fields(1);
    for (const char c : line) {
      if (c == '\t')
        fields.emplace_back();
      else
        fields.back().push_back(c);
    }
    const auto wrong = [&](std::string_view what) {
      return std::unexpected(fmt::format("{}, line {}: {}", file.string(), number, what));
    };
    if (fields.size() != 4) return wrong("not four fields separated by tabs");
    if (!is_national_id(fields[0])) return wrong("the first field is no national id (PNOEE-…)");
    if (std::ranges::any_of(fields, [](const auto& field) { return field.empty(); }))
      return wrong("an empty field");
    if (out->serials_.contains(fields[0])) return wrong("a person who was listed before");
    const Person person{fields[0], fields[2], fields[3]};
    out->note(mobile_id.open_account(person, fields[1], PhoneKey::kP256, now_unix_s));
    out->note(smart_id.open_account(person, PhoneKey::kRsa2048, now_unix_s));
  }
  return out;
}

void PhoneBook::note(const PhoneAccount& account) {
  for (const PhoneSigner* signer : {&account.authentication, &account.signing}) {
    const auto certificate = parse_certificate(signer->certificate);
    invariant(certificate.has_value(), "certificates of the test can be read");
    const Bytes serial = copy_of(certificate->serial_number);
    serials_[account.person.national_id].push_back(serial);
    issued_.insert(serial);
  }
}

std::vector<Bytes> PhoneBook::serials_of(std::string_view national_id) const {
  const auto found = serials_.find(national_id);
  return found == serials_.end() ? std::vector<Bytes>() : found->second;
}

}  // namespace psephos::trust
