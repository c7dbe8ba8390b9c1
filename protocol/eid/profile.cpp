#include "protocol/eid/profile.h"

#include <algorithm>
#include <set>

#include "protocol/national_id.h"

namespace psephos {
namespace {

constexpr std::uint64_t kRsaBitsMin = 2048, kRsaBitsMax = 6144;

/// A decimal number without leading zeros, taken off the front together with the dot behind it.
std::optional<std::uint64_t> take_number(std::string_view& dotted) {
  const std::string_view digits = dotted.substr(0, dotted.find('.'));
  const bool last = digits.size() == dotted.size();
  dotted.remove_prefix(last ? digits.size() : digits.size() + 1);
  if (digits.empty() || digits.size() > 16 || (digits.size() > 1 && digits[0] == '0') ||
      (!last && dotted.empty()))
    return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

bool distinct(const std::vector<std::string>& list) {
  return std::set<std::string_view>(list.begin(), list.end()).size() == list.size();
}

}  // namespace

std::optional<Bytes> object_identifier(std::string_view dotted) {
  constexpr std::uint64_t kBeyond = 1ULL << 56U;
  const auto first = take_number(dotted);
  const auto second = take_number(dotted);
  if (!first || !second || *first > 2 || (*first < 2 && *second >= 40) || *second >= kBeyond)
    return std::nullopt;
  Bytes out;
  const auto write = [&](std::uint64_t number) {
    unsigned shift = 63;
    while (shift > 0 && number >> shift == 0) shift -= 7;
    for (; shift > 0; shift -= 7) out.push_back(static_cast<std::uint8_t>(0x80 | (number >> shift & 0x7f)));
    out.push_back(static_cast<std::uint8_t>(number & 0x7f));
  };
  write(40 * *first + *second);
  while (!dotted.empty()) {
    const auto number = take_number(dotted);
    if (!number || *number >= kBeyond) return std::nullopt;
    write(*number);
  }
  return out;
}

Result<VoterProfile, std::string> voter_profile_of(const EidProfile& profile) {
  VoterProfile out;
  const auto wrong = [](std::string what) { return std::unexpected(std::move(what)); };
  for (const std::string& policy : profile.policies) {
    auto oid = object_identifier(policy);
    if (!oid || policy.size() > 64) return wrong("policy " + policy + ": no dotted object identifier");
    out.policies.push_back(std::move(*oid));
  }
  std::set<std::string> countries;
  for (const std::string& type : profile.identity_types) {
    if (!is_identity_type(type)) return wrong("identity type " + type);
    if (!countries.insert(type.substr(3)).second)
      return wrong("identity type " + type + ": the country has one already");
  }
  out.identity_types = profile.identity_types;
  bool rsa = false;
  for (const std::string& key : profile.keys) {
    if (key == "P-384")
      out.p384 = true;
    else if (key == "P-256")
      out.p256 = true;
    else if (key == "RSA")
      rsa = true;
    else
      return wrong("key " + key + ": neither P-384, P-256 nor RSA");
  }
  if (!distinct(profile.policies) || !distinct(profile.keys)) return wrong("a policy or a kind of key twice");
  out.rsa_bits_min = profile.rsa_bits_min;
  out.rsa_bits_max = profile.rsa_bits_max;
  if (rsa ? out.rsa_bits_min < kRsaBitsMin || out.rsa_bits_min > out.rsa_bits_max ||
                out.rsa_bits_max > kRsaBitsMax
          : out.rsa_bits_min != 0 || out.rsa_bits_max != 0)
    return wrong("sizes of RSA keys");
  return out;
}

}  // namespace psephos
