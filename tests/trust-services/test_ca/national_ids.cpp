#include "tests/trust-services/test_ca/national_ids.h"

#include <fmt/format.h>

#include <chrono>

#include "crypto/invariant.h"
#include "protocol/national_id.h"

namespace psephos::trust {

std::string artificial_national_id(std::uint64_t n) {
  constexpr std::uint64_t kPerDay = 1000;
  const std::uint64_t day = n / 2 / kPerDay;
  invariant(day < 36524, "there are so many days in the nineteenth century only");
  const std::chrono::sys_days first = std::chrono::year{1800} / 1 / 1;
  const std::chrono::year_month_day born{first + std::chrono::days{day}};
  const std::string start =
      fmt::format("PNOEE-{}{:02}{:02}{:02}{:03}", 1 + n % 2, static_cast<int>(born.year()) - 1800,
                  static_cast<unsigned>(born.month()), static_cast<unsigned>(born.day()), n / 2 % kPerDay);
  for (char check = '0'; check <= '9'; ++check)
    if (is_national_id(start + check)) return start + check;
  invariant(false, "one of ten digits is the check digit");
  return {};
}

}  // namespace psephos::trust
